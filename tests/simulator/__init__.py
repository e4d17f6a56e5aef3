"""Tests of the simulator, over real HTTP. A package, so that they can share their client."""
