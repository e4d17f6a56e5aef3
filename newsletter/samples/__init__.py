"""What a new publication starts with, and made-up readers to try it on."""
