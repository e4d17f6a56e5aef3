"""Which mail programs show what, by the data of caniemail.com that lies beside this module (`caniemail.json`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Feature:
    """One thing that HTML or CSS can do. `support` maps a client (`outlook-windows`) to `y`, `a` (partly) or `n`."""

    name: str
    title: str
    support: Mapping[str, str]


@dataclass(frozen=True)
class Support:
    """The features by name (`css-border-radius`), the day of the data, and the share of readers of each client."""

    features: Mapping[str, Feature]
    date: str
    shares: Mapping[str, float]

    def without(self, name: str) -> tuple[float, tuple[str, ...]]:
        """The share of readers (0 to 1) whose client lacks the feature, and those clients, the commonest first."""
        feature = self.features.get(name)
        if feature is None:
            return 0.0, ()
        lacking = [client for client in self.shares if feature.support.get(client) == "n"]
        lacking.sort(key=lambda client: -self.shares[client])
        return sum(self.shares[client] for client in lacking), tuple(lacking)
