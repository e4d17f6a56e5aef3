"""The figures of a publication and of its issues, put together from its database and its stored editions."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, select

from newsletter.delivery.report import find_broadcast, report_of
from newsletter.delivery.states import ELSEWHERE
from newsletter.errors import UsageError
from newsletter.publication import Publication
from newsletter.schedule.queue import read_edition
from newsletter.stats.report import IssueStats, Overview, issue_stats, overview
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts

_READER = ("Ada Sample", "ada@example.org")


def publication_numbers(publication: Publication, store: Store, now: datetime, last: int) -> Overview:
    """How the publication is doing; of its broadcasts the last so many (0: all)."""
    config = publication.config
    with store.reading() as connection:
        return overview(connection, config.publication.name, config.schedule.zone, now, last)


def issue_numbers(publication: Publication, store: Store, slug: str, now: datetime) -> IssueStats:
    """How an issue is doing. Raises UsageError where it was not sent."""
    with store.reading() as connection:
        number = _broadcast(connection, slug)
        name = publication.config.publication.name
        return issue_stats(connection, name, number, now, _unsubscribe(publication))


def issue_picture(publication: Publication, store: Store, stats: IssueStats) -> str:
    """The email as it was sent, filled for a sample reader, with who clicked where; empty if nobody counted."""
    if stats.funnel.clicked is None:
        return ""
    from newsletter.render.edition import Edition
    from newsletter.render.merge import reader_fields
    from newsletter.render.personal import personal
    from newsletter.render.placing import shown_here
    from newsletter.stats.picture import heat_map

    with store.reading() as connection:
        query = select(broadcasts.c.digest).where(broadcasts.c.id == stats.funnel.id)
        edition = Edition.from_json(read_edition(connection, connection.execute(query).scalar_one()))
    unsubscribe = _unsubscribe(publication)
    reading = personal(edition, reader_fields(*_READER, f"{unsubscribe}sample"))
    return heat_map(shown_here(reading.html, reading.pictures), stats.links, stats.funnel.reached, unsubscribe)


def _broadcast(connection: Connection, slug: str) -> int:
    number = find_broadcast(connection, slug)
    if number is None:
        raise UsageError(f'"{slug}" was not sent, so there is nothing to count', "see: newsletter status")
    if report_of(connection, number).provider == ELSEWHERE:
        raise UsageError(f'"{slug}" went out before it came here, so nobody counted', "see: newsletter status")
    return number


def _unsubscribe(publication: Publication) -> str:
    return f"{publication.config.publication.base_url}/unsubscribe/"
