"""Rules over an issue and its edition that give findings."""
