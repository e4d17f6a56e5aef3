"""Plan a broadcast, cut batches, post them, record what happened, resume."""
