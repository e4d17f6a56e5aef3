"""Trying the addresses of an issue on the web: the one part of the checks that has a network."""
