"""All probes on one publication."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import datetime
from typing import TypeVar

from newsletter.errors import NewsletterError
from newsletter.pipeline.doctor import domain, house, machine
from newsletter.pipeline.doctor.probe import Diagnosis, Patient, Probe
from newsletter.pipeline.doctor.resolver import Dns, Resolver
from newsletter.pipeline.providers import open_provider
from newsletter.publication import Publication
from newsletter.store.database import open_store

PROBES: tuple[Probe, ...] = (*house.PROBES, *machine.PROBES, *domain.PROBES)
T = TypeVar("T")


def examine(
    publication: Publication, now: datetime, *, offline: bool = False, resolver: Resolver | None = None
) -> Iterator[Diagnosis]:
    """What each probe says, as soon as it does. `resolver` is the tests' way to a DNS server of their own.

    What cannot be opened is told by the probe whose matter it is; the others go on.
    """
    broken: dict[str, tuple[str, str]] = {}

    def opened(name: str, opening: Callable[[], T]) -> T | None:
        try:
            return opening()
        except NewsletterError as error:
            broken[name] = (error.message, error.hint)
        except ModuleNotFoundError as error:
            broken[name] = (f"{error.name} is not installed", "")
        return None

    with ExitStack() as stack:
        url = publication.config.storage.database_url
        store = opened("database", lambda: open_store(url, publication.state))
        if store is not None:
            stack.callback(store.close)
        provider = opened("provider", lambda: stack.enter_context(open_provider(publication)).provider)
        if resolver is None and not offline:
            resolver = opened("dns", Dns)
        patient = Patient(publication, now, offline, store, provider, resolver, broken, dict(os.environ))
        for each in PROBES:
            yield from each(patient)
