"""Numbers for Prometheus, read from the database whenever they are asked for: a restart loses none.

The text format is small enough to be written here: prometheus.io/docs/instrumenting/exposition_formats (0.0.4).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from newsletter.audience.subscribers import count_by_state
from newsletter.delivery import switch
from newsletter.delivery.report import report_of
from newsletter.delivery.states import ELSEWHERE, BatchState
from newsletter.pipeline.backups import backups_in, folder_of
from newsletter.publication import Publication
from newsletter.schedule.passes import upcoming
from newsletter.store.database import Store
from newsletter.store.migrate import HEAD
from newsletter.store.tables import batches, broadcasts, events, heartbeats, queue

_LAST = 5  # broadcasts whose deliveries are counted
_ESCAPES = str.maketrans({"\\": r"\\", "\n": r"\n", '"': r"\""})


@dataclass(frozen=True)
class Metric:
    """One number: its name without `newsletter_`, what it means, and its labels."""

    name: str
    value: float
    meaning: str
    labels: Mapping[str, str]


def metrics_text(publication: Publication, store: Store, now: datetime) -> str:
    """All numbers as a page for Prometheus; raises NewsletterError where the database cannot be read."""
    with store.reading() as connection:
        found = [*_of_readers(connection), *_of_broadcasts(connection), *_of_the_schedule(connection, publication, now)]
    newest = backups_in(folder_of(publication))[:1]
    found += [
        Metric("backup_timestamp_seconds", each.taken_at.timestamp(), "When the newest backup was taken.", {})
        for each in newest
    ]
    found.append(Metric("info", 1, "The program, by its schema.", {"schema": HEAD}))
    return as_text(found)


def as_text(metrics: list[Metric]) -> str:
    """Metrics in the text format; those of one name follow each other."""
    lines, last = [], ""
    for metric in sorted(metrics, key=lambda metric: metric.name):
        if metric.name != last:
            lines += [f"# HELP newsletter_{metric.name} {metric.meaning}", f"# TYPE newsletter_{metric.name} gauge"]
            last = metric.name
        labels = ",".join(f'{key}="{value.translate(_ESCAPES)}"' for key, value in metric.labels.items())
        lines.append(f"newsletter_{metric.name}{{{labels}}} {metric.value:.15g}".replace("{}", ""))
    return "\n".join(lines) + "\n"


def _of_readers(connection: Connection) -> Iterator[Metric]:
    for state, count in count_by_state(connection).items():
        yield Metric("subscribers", count, "Subscribers by state.", {"state": state})
    backlog = select(events.c.state, func.count()).where(events.c.state.in_(["new", "waiting"]))
    counts: dict[str, int] = dict(connection.execute(backlog.group_by(events.c.state)).all())
    for state in ("new", "waiting"):
        yield Metric("events_backlog", counts.get(state, 0), "Events not applied yet.", {"state": state})


def _of_broadcasts(connection: Connection) -> Iterator[Metric]:
    newest = (
        select(broadcasts.c.id).where(broadcasts.c.provider != ELSEWHERE).order_by(broadcasts.c.id.desc()).limit(_LAST)
    )
    for number in connection.execute(newest).scalars().all():
        report = report_of(connection, number)
        issue = {"issue": report.slug}
        yield Metric("broadcast_state", 1, "The state of the last broadcasts.", issue | {"state": report.state})
        for state, count in report.deliveries.items():
            yield Metric("deliveries", count, "Deliveries of the last broadcasts.", issue | {"state": state})
        if report.finished_at:
            finished = report.finished_at.timestamp()
            yield Metric("broadcast_finished_timestamp_seconds", finished, "When it was all sent.", issue)
    doubt = select(func.count()).select_from(batches).where(batches.c.state == BatchState.UNKNOWN)
    yield Metric("batches_in_doubt", connection.execute(doubt).scalar_one(), "Batches of unknown outcome.", {})
    stopped = int(switch.is_stopped(connection))
    yield Metric("stopped", stopped, "1 while the kill switch is set.", {})


def _of_the_schedule(connection: Connection, publication: Publication, now: datetime) -> Iterator[Metric]:
    for held, count in (
        (held, connection.execute(select(func.count()).where(queue.c.held.is_(held))).scalar_one())
        for held in (False, True)
    ):
        yield Metric("queue_length", count, "Approved issues that wait.", {"held": str(held).lower()})
    slot = upcoming(connection, publication.config.schedule, now).starts_at.timestamp()
    yield Metric("next_slot_timestamp_seconds", slot, "When the next slot opens.", {})
    seen = connection.execute(select(func.max(heartbeats.c.seen_at))).scalar()
    if seen is not None:
        age = max(0.0, (now - seen).total_seconds())
        yield Metric("scheduler_heartbeat_age_seconds", round(age, 1), "Since a scheduler was last seen.", {})
