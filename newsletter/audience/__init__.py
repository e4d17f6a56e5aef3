"""Subscribers, consent, suppression and signed links."""
