"""What most commands begin with: the publication, its store, the time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from newsletter.cli.output import Output
from newsletter.errors import UsageError

if TYPE_CHECKING:
    from newsletter.publication import Publication
    from newsletter.store.database import Store
    from newsletter.tracing import Tracer


def publication_of(out: Output) -> Publication:
    """The publication that the call is about: `-C DIR`, else the nearest one."""
    from newsletter.publication import find_publication  # pydantic, which `--help` does without

    publication = find_publication(Path(), out.folder)
    out.work_on(publication)
    return publication


@contextmanager
def store_of(publication: Publication) -> Iterator[Store]:
    """The publication's database, for as long as the `with` lasts."""
    from newsletter.store.database import open_store

    store = open_store(publication.config.storage.database_url, publication.state)
    try:
        yield store
    finally:
        store.close()


@contextmanager
def tracer_of(out: Output) -> Iterator[Tracer]:
    """The tracer that the variables `OTEL_…` ask for; a warning where it cannot be had, since mails matter more."""
    from newsletter.tracing import Untraced, open_tracer

    with ExitStack() as stack:
        tracer: Tracer = Untraced()
        try:
            tracer = stack.enter_context(open_tracer(os.environ))
        except ModuleNotFoundError:
            out.warn("no traces: OTEL_… is set, but the extra is not installed: pip install 'newsletter[otel]'")
        yield tracer


def moment_of(text: str, publication: Publication) -> datetime:
    """The moment that `--now TIME` means; without an offset it is wall time of the publication's zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f'--now: "{text}" is no time', "for example: --now 2026-11-27T09:00") from None
    if not 2000 <= moment.year < 3000:  # beyond, arithmetic leaves the calendar
        raise UsageError(f'--now: "{text}" is too far away', "for example: --now 2026-11-27T09:00")
    if moment.tzinfo:
        return moment
    from newsletter.schedule.slots import instant_of

    return instant_of(moment, publication.config.schedule.timezone)


def day_of(text: str) -> date:
    """The day that an argument DATE means."""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = date.min
    if not 2000 <= day.year < 3000:
        raise UsageError(f'"{text}" is no date', "expected one such as 2026-11-27")
    return day
