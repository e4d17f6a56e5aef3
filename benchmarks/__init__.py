"""Measurements that a person runs: each compares us with the bare libraries, on the same machine in the same run."""
