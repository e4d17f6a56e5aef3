"""A faithful local AutoSend: for the demo, tests and benchmarks. It knows nothing of the rest of the package."""

from newsletter.simulator.server import Simulator, SimulatorOptions

__all__ = ["Simulator", "SimulatorOptions"]
