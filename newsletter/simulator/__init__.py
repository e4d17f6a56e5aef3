"""A faithful local AutoSend for the demo, tests and benchmarks; knows nothing of the rest."""
