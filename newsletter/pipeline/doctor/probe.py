"""What a probe is given and what it answers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from newsletter.delivery.protocol import Provider
from newsletter.pipeline.doctor.resolver import Resolver
from newsletter.publication import Publication
from newsletter.store.database import Store


class State(StrEnum):
    """How something stands; only `fail` is an exit code."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"
    UNKNOWN = "not checked"


@dataclass(frozen=True)
class Diagnosis:
    """One line: what was looked at, how it stands, and what to do about it."""

    probe: str
    state: State
    message: str
    fix: str = ""

    def as_json(self) -> dict[str, str]:
        """Plain values for `--json`."""
        return {"probe": self.probe, "state": self.state.value, "message": self.message, "fix": self.fix}


@dataclass(frozen=True)
class Patient:
    """A publication and what could be opened of it; `broken` says why something could not be, by its name."""

    publication: Publication
    now: datetime
    offline: bool = False
    store: Store | None = None
    provider: Provider | None = None
    resolver: Resolver | None = None
    broken: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)


Answer = tuple[State, str] | tuple[State, str, str]  # how it stands, in a sentence; what to do
Look = Callable[[Patient], Iterator[Answer]]


@dataclass(frozen=True)
class Probe:
    """A named look at a patient."""

    name: str
    look: Look

    def __call__(self, patient: Patient) -> list[Diagnosis]:
        """What the look finds; a look that breaks is a finding, since the others have to go on."""
        try:
            return [Diagnosis(self.name, *answer) for answer in self.look(patient)]
        except Exception as error:
            message = f"the look itself failed: {getattr(error, 'message', None) or f'{type(error).__name__}: {error}'}"
            return [Diagnosis(self.name, State.FAIL, message, str(getattr(error, "hint", "")))]


def probe(name: str) -> Callable[[Look], Probe]:
    """Make a probe of a function that yields answers."""
    return lambda look: Probe(name, look)


def worst(found: list[Diagnosis]) -> dict[str, Any]:
    """How many lines of each state."""
    return {state.value: sum(each.state is state for each in found) for state in State}
