"""What a script or another program does with a publication: `import newsletter`, then `newsletter.open_newsletter()`.

    with newsletter.open_newsletter("my-letter") as letter:
        for issue in letter.issues():
            print(issue.slug, [finding.message for finding in letter.check(issue.slug)])

The same functions stand behind the HTTP API (`newsletter/web/api/`). Nothing here sends to readers: that is for the
scheduler, and for a person at a command line.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from newsletter.content.issue import Issue
    from newsletter.delivery.report import Report
    from newsletter.finding import Finding
    from newsletter.pipeline.approval import Approval
    from newsletter.pipeline.desk import Desk
    from newsletter.publication import Publication
    from newsletter.render.edition import Edition
    from newsletter.schedule.calendar import Entry
    from newsletter.schedule.queue import Approved
    from newsletter.stats.report import IssueStats, Overview
    from newsletter.store.database import Store


def _now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True)
class Newsletter:
    """One publication, opened. Issues are read anew at each call, since editors change them.

    `publication` is its folder and configuration, `store` its database. All times are aware and in UTC.
    """

    publication: Publication
    store: Store
    now: Callable[[], datetime] = field(default=_now)

    def issues(self) -> tuple[Issue, ...]:
        """The issues in `issues/`, by number, date and name; those that cannot be read are left out."""
        return self._desk().folder.issues

    def issue(self, slug: str) -> Issue:
        """One issue, by slug, path, `next` or `last`. Raises UsageError where there is none."""
        from newsletter.pipeline.selection import select_issue  # noqa: PLC0415

        return select_issue(self._desk(), self.store, slug)

    def render(self, slug: str) -> Edition:
        """The issue's edition: subject, preheader, html, text, web page. Raises ContentError for faults in it."""
        desk = self._desk()
        return desk.render(self._issue(desk, slug))

    def check(self, slug: str) -> tuple[Finding, ...]:
        """What the checks have to say, the worst first; without a look at the network."""
        desk = self._desk()
        issue = self._issue(desk, slug)
        return desk.check(issue, desk.render(issue), self.now())

    def approve(self, slug: str, by: str = "") -> Approval:
        """Freeze the issue as it is now and queue it. Raises SafetyError where an error finding stands against it."""
        from newsletter.pipeline.approval import approve  # noqa: PLC0415

        desk = self._desk()
        return approve(desk, self.store, self._issue(desk, slug), self.now(), by)

    def unapprove(self, slug: str) -> None:
        """Take an issue out of the queue. Raises UsageError where it is not in it."""
        from newsletter.pipeline.approval import unapprove  # noqa: PLC0415

        unapprove(self.store, slug)

    def queue(self) -> list[Approved]:
        """The approved issues that wait for a slot, in their order."""
        from newsletter.schedule.queue import approved  # noqa: PLC0415

        with self.store.reading() as connection:
            return approved(connection)

    def hold(self, slug: str) -> None:
        """Keep a queued issue from going out until it is released. Raises UsageError where it is not in the queue."""
        self._hold(slug, held=True)

    def release(self, slug: str) -> None:
        """Let a held issue go out again. Raises UsageError where it is not in the queue."""
        self._hold(slug, held=False)

    def move(self, slug: str, place: int) -> None:
        """Bring a queued issue to a place, 1 being the front. Raises UsageError where it is not in the queue."""
        from newsletter.schedule.queue import move  # noqa: PLC0415

        with self.store.transaction() as connection:
            move(connection, slug, place)

    def calendar(self, weeks: int = 4) -> list[Entry]:
        """The slots of the weeks to come, from today on, with the issue that goes out in each as things stand."""
        from newsletter.pipeline.agenda import calendar_of  # noqa: PLC0415

        today = self.now().astimezone(self.publication.config.schedule.zone).date()
        return calendar_of(self.publication, self.store, (today, today + timedelta(weeks=weeks)), self.now())

    def status(self) -> dict[str, Any]:
        """Where things stand: subscribers by state, next slot, queue, the last broadcasts; as `status --json`."""
        from newsletter.pipeline.overview import overview  # noqa: PLC0415

        return overview(self.publication, self.store, self.now())[0]

    def report(self, slug: str) -> Report:
        """What became of an issue's broadcast, from the ledger. Raises UsageError where it has none."""
        from newsletter.delivery.report import find_broadcast, report_of  # noqa: PLC0415
        from newsletter.errors import UsageError  # noqa: PLC0415

        with self.store.reading() as connection:
            number = find_broadcast(connection, slug)
            if number is None:
                raise UsageError(f'"{slug}" was never sent', "see: newsletter status")
            return report_of(connection, number)

    def stats(self, last: int = 10) -> Overview:
        """How the publication is doing: readers over time, the last broadcasts (0: all), domains, deliverability."""
        from newsletter.pipeline.numbers import publication_numbers  # noqa: PLC0415

        return publication_numbers(self.publication, self.store, self.now(), last)

    def stats_of(self, slug: str) -> IssueStats:
        """How an issue is doing: funnel, clicks per link, delivery over time. Raises UsageError if it was not sent."""
        from newsletter.pipeline.numbers import issue_numbers  # noqa: PLC0415

        return issue_numbers(self.publication, self.store, slug, self.now())

    def count(self) -> Mapping[str, int]:
        """How many subscribers are in each state."""
        from newsletter.audience.subscribers import count_by_state  # noqa: PLC0415

        with self.store.reading() as connection:
            return count_by_state(connection)

    def subscribers(self, segment: str = "", limit: int | None = None, after: int = 0) -> Iterator[dict[str, Any]]:
        """The subscribers of a segment (`tag:beta and language=fr`), or all, as plain values; those behind id `after`.

        Raises UsageError for a segment that cannot be read.
        """
        from newsletter.audience import listing  # noqa: PLC0415

        with self.store.reading() as connection:
            yield from listing.rows(connection, segment, self.now(), limit, after)

    def subscriber(self, email: str) -> dict[str, Any] | None:
        """All that is stored about one address; None where nothing is."""
        from newsletter.audience import listing  # noqa: PLC0415
        from newsletter.audience.hand import address_of  # noqa: PLC0415

        with self.store.reading() as connection:
            return listing.everything(connection, address_of(email).key)

    def add_subscriber(self, email: str, *, consent_source: str, name: str = "", tags: Sequence[str] = ()) -> bool:
        """Make an address active, on an agreement that `consent_source` tells of; whether it was not before.

        Raises UsageError for what is no address or no source, SafetyError for who left or is suppressed.
        """
        from newsletter.audience import hand  # noqa: PLC0415
        from newsletter.errors import UsageError  # noqa: PLC0415

        if not consent_source.strip():
            raise UsageError("consent_source is empty", "tell where the reader agreed")
        address = hand.address_of(email)
        with self.store.transaction() as connection:
            return hand.add(connection, address, name=name, tags=tags, source=consent_source, now=self.now())

    def remove_subscriber(self, email: str, source: str = "by a program") -> bool:
        """Unsubscribe an address; whether that changed anything. Raises UsageError for what is no address."""
        from newsletter.audience import consent  # noqa: PLC0415
        from newsletter.audience.hand import address_of  # noqa: PLC0415

        with self.store.transaction() as connection:
            member = consent.find(connection, email_key=address_of(email).key)
            return member is not None and consent.goodbye(connection, member.id, source, self.now())

    def _desk(self) -> Desk:
        from newsletter.pipeline.desk import open_desk  # noqa: PLC0415

        return open_desk(self.publication)

    def _issue(self, desk: Desk, slug: str) -> Issue:
        from newsletter.pipeline.selection import select_issue  # noqa: PLC0415

        return select_issue(desk, self.store, slug)

    def _hold(self, slug: str, *, held: bool) -> None:
        from newsletter.schedule.queue import hold  # noqa: PLC0415

        with self.store.transaction() as connection:
            hold(connection, slug, held=held)


@contextmanager
def open_newsletter(folder: Path | str | None = None) -> Iterator[Newsletter]:
    """The publication in `folder`, or the nearest one above the current folder, for as long as the `with` lasts.

    Raises ConfigError where there is none, or where its configuration cannot be meant.
    """
    from newsletter.publication import find_publication  # noqa: PLC0415
    from newsletter.store.database import open_store  # noqa: PLC0415

    publication = find_publication(Path(), Path(folder) if folder is not None else None)
    store = open_store(publication.config.storage.database_url, publication.state)
    try:
        yield Newsletter(publication, store)
    finally:
        store.close()
