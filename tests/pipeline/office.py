"""A press with a scheduler that can be started anew, and a provider that keeps what it is given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from newsletter.clock import SystemClock
from newsletter.delivery.protocol import Accepted, Message, Outcome, Post, Recipient, Refused
from newsletter.pipeline.approval import approve
from newsletter.pipeline.watching import Look, Watch
from newsletter.publication import find_publication

if TYPE_CHECKING:
    from conftest import Press

TUESDAY = datetime(2026, 11, 24, 8, tzinfo=UTC)  # 09:00 in Berlin
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


@dataclass
class Carrier:
    """A provider that keeps what it is given; `down` is why it takes nothing, `trouble` what a probe says."""

    mails: list[tuple[str, str, str]] = field(default_factory=list)  # to, subject, text
    down: str = ""
    trouble: str = ""
    name: str = "noting"
    account: str = "noting"
    largest_batch: int = 100
    honours_keys: bool = True

    def probe(self) -> str:
        return self.trouble

    def prepare(self, message: Message) -> Post:
        return partial(self._post, message)

    def _post(self, message: Message, recipients: Sequence[Recipient], key: str) -> Outcome:
        if self.down:
            return Refused(self.down)
        self.mails += [(recipient.email, message.subject, message.text) for recipient in recipients]
        return Accepted(key)

    def to(self, name: str) -> list[str]:
        """The subjects of the mails to somebody."""
        return [subject for to, subject, _ in self.mails if to.startswith(name)]


class Office:
    """A press with a scheduler that can be started anew, and the lines that it says."""

    def __init__(self, press: Press, schedule: str = "", notify: str = 'editors = ["ed@desk.example"]') -> None:
        toml = press.folder / "newsletter.toml"
        text = toml.read_text().replace("[schedule]\n", f"[schedule]\n{schedule}\n")
        delivery = 'max_attempts = 1\nbackoff = "1ms"\nrequests_per_second = 1000'
        toml.write_text(f"{text}\n[delivery]\n{delivery}\n[notify]\n{notify}\n")
        self.press, self.post, self.lines = press, Carrier(), list[str]()

    def look(self, now: datetime, late: str = "") -> Look:
        """One look of a process that has just been started."""
        publication = find_publication(self.press.folder, self.press.folder)
        clock = SystemClock.starting_at(now)
        watch = Watch(publication, self.press.store, self.post, clock, self.lines.append, late=late, links=False)
        try:
            return watch.look()
        finally:
            watch.close()

    def approve(self, name: str, now: datetime = TUESDAY - 30 * HOUR) -> None:
        desk = self.press.desk
        approve(desk, self.press.store, desk.find(name), now)
