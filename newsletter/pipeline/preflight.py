"""Before an issue goes out: what the store knows of its approval and of who would get it, for the checks to judge."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, select

from newsletter.audience.subscribers import count_audience, count_nameless, count_reasons
from newsletter.check.inspection import Inspection
from newsletter.check.known import Approval, Known, Readership
from newsletter.config import Config
from newsletter.delivery.report import find_broadcast, report_of
from newsletter.delivery.states import ELSEWHERE, BroadcastState
from newsletter.pipeline.fields import missing_fields
from newsletter.publication import Publication
from newsletter.render.edition import Edition
from newsletter.render.merge import parse, tags_of
from newsletter.schedule.passes import upcoming
from newsletter.schedule.queue import approved
from newsletter.schedule.slots import next_slot
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts

_LEFT = ("unsubscribed", "pending")  # they went of their own will, or are not yet there: no sign of a bad list


def has_store(publication: Publication) -> bool:
    """Whether there is anything to ask: a check alone makes no database."""
    return bool(publication.config.storage.database_url) or (publication.state / "newsletter.db").exists()


def with_store(inspection: Inspection, store: Store, config: Config, now: datetime) -> Inspection:
    """The inspection with what the store knows of its issue; of one that was sent there is nothing to say any more."""
    slug, segment = inspection.issue.slug, inspection.issue.segment
    with store.reading() as connection:
        if find_broadcast(connection, slug) is not None:
            return inspection
        entry = next((each for each in approved(connection) if each.slug == slug), None)
        approval = Approval(entry.source_digest) if entry else None
        readership = _readership(connection, inspection.edition, segment, config, now)
    known: Known = replace(inspection.known, approval=approval, readership=readership)
    return replace(inspection, known=known)


def _readership(connection: Connection, edition: Edition, segment: str, config: Config, now: datetime) -> Readership:
    readers, skipped = count_audience(connection, segment)
    slot = upcoming(connection, config.schedule, now)
    reasons = count_reasons(connection, segment)
    return Readership(
        readers,
        skipped,
        segment,
        harmed=sum(count for reason, count in reasons.items() if reason not in _LEFT),
        before=_last_time(connection, segment),
        empty={source: count_nameless(connection, segment) for source in _without_default(edition)},
        unknown=missing_fields(connection, tags_of(edition.variables.values())),
        needed=_time_needed(readers, config),
        room=next_slot(config.schedule, slot.starts_at).starts_at - slot.starts_at,
        daily=config.delivery.daily_limit,
    )


def _last_time(connection: Connection, segment: str) -> int | None:
    """How many got the last broadcast to the same segment."""
    query = select(broadcasts.c.id).where(broadcasts.c.segment == segment, broadcasts.c.state == BroadcastState.SENT)
    query = query.where(broadcasts.c.provider != ELSEWHERE)
    last = connection.execute(query.order_by(broadcasts.c.id.desc()).limit(1)).scalar()
    return report_of(connection, last).sent if last is not None else None


def _without_default(edition: Edition) -> list[str]:
    """The merge tags of the edition that leave a hole where a reader gave no name."""
    tags = {source: parse(source) for source in edition.variables.values() if not source.startswith('"')}
    return [source for source, tag in tags.items() if tag.field in ("name", "first_name") and not tag.has_default]


def _time_needed(readers: int, config: Config) -> timedelta:
    batches = -(-readers // config.delivery.batch_size)
    return timedelta(seconds=max(0, batches - 1) / config.delivery.requests_per_second)
