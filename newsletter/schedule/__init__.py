"""Slots, the queue, and the process that opens a slot every Tuesday and Friday."""
