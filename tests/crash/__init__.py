"""Proof of delivery: senders that are killed while they post, schedulers that are, and what arrived held against it.

`python -m tests.crash` runs one drill of any size and prints what it found; the tests here are drills of fixed sizes.
"""
