"""A faithful local AutoSend: for the demo, tests and benchmarks. It knows nothing of the rest of the package."""

from newsletter.simulator.journal import FolderInUseError
from newsletter.simulator.server import Simulator, SimulatorOptions, running_at

__all__ = ["FolderInUseError", "Simulator", "SimulatorOptions", "running_at"]
