"""A publication under watch: each look takes the lease, makes a pass, and tells people what they should know."""

from __future__ import annotations

import platform
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from sqlalchemy import func, select

from newsletter.clock import Clock, SystemClock
from newsletter.delivery.job import Progress
from newsletter.delivery.owner import is_gone, this_process
from newsletter.delivery.protocol import Provider
from newsletter.delivery.report import Report
from newsletter.delivery.worklist import JobTable
from newsletter.pipeline.approval import approve_ready
from newsletter.pipeline.backups import nightly
from newsletter.pipeline.desk import Desk, open_desk
from newsletter.pipeline.hooks import tell_hooks
from newsletter.pipeline.notices import Notice, Teller, channels_of
from newsletter.pipeline.occasions import next_entry, occasions, preflight
from newsletter.pipeline.overview import length
from newsletter.pipeline.sending import Sending
from newsletter.publication import Publication
from newsletter.schedule.jumps import Jumps
from newsletter.schedule.lease import Scheduler, beat, held, release
from newsletter.schedule.passes import Passes, PassReport, rules_of, upcoming
from newsletter.store.database import Store
from newsletter.tracing import Tracer, Untraced


@dataclass(frozen=True)
class Look:
    """What one look came to. `other` is the host of the scheduler that is at work instead; `slug` goes out next.

    `held` says why nothing new is opened for the moment.
    """

    report: PassReport
    sent: tuple[Report, ...] = ()
    slug: str = ""
    other: str = ""
    held: str = ""


@dataclass
class Watch:
    """One publication under watch. Issues are read anew at each look, since editors change them.

    `say` gets a line for each decision; `late` is a person's word (`send`, `skip`) for a slot that waits for
    one. `links`: the preflight tries those of the issue on the web. `jumps`: whether the clock is to be believed, where
    it is watched.
    """

    publication: Publication
    store: Store
    provider: Provider
    clock: Clock = field(default_factory=SystemClock)
    say: Callable[[str], None] = lambda _: None
    progress: Callable[[Progress], None] = lambda _: None
    wants_stop: Callable[[], bool] = lambda: False
    late: str = ""
    links: bool = True
    jumps: Jumps | None = None
    fallback: Provider | None = None
    worklist: JobTable | None = None
    tracer: Tracer = field(default_factory=Untraced)
    me: Scheduler = field(
        default_factory=lambda: Scheduler(this_process(), platform.node(), datetime.now(UTC), is_gone)
    )

    def look(self) -> Look:
        """One pass, if no other scheduler is at work; raises NewsletterError where files or store are broken."""
        clock = common_clock(self.store, self.clock)
        wait = self.jumps.look(clock.now()) if self.jumps else timedelta()
        with held(self.store, self.me, clock.now) as other:
            if other:
                return self._standing_by(other.partition("/")[0], clock)
            desk = open_desk(self.publication)
            schedule = self.publication.config.schedule
            if not schedule.require_approval:
                for slug in approve_ready(desk, self.store, clock.now(), "the scheduler").approved:
                    self.say(f'"{slug}" is ready and approved by the scheduler itself')
            sending = Sending(
                desk,
                self.store,
                self.provider,
                clock,
                self.progress,
                self.wants_stop,
                fallback=self.fallback,
                worklist=self.worklist,
                tracer=self.tracer,
            )
            rules = rules_of(schedule)
            rules = replace(rules, late_policy=self.late) if self.late else rules
            report = Passes(self.store, schedule, rules, sending, clock.now, self.say, opens=not wait).run()
            doubt = self._doubt(clock.now(), wait) if wait else None
            self._tell(desk, clock, doubt)
            tell_hooks(self.publication, self.store, clock.now, self.say)
            with self.store.reading() as connection:
                slug = next_entry(desk, connection, clock.now()).slug
            return Look(report, tuple(sending.reports), slug, held=doubt.title if doubt else "")

    def note(self, line: str) -> None:
        """Leave a sign of life with what was said last."""
        with self.store.transaction() as connection:
            beat(connection, self.me, self.clock.now(), line)

    def close(self) -> None:
        """Let another scheduler work at once."""
        with self.store.transaction() as connection:
            release(connection, self.me)

    def _standing_by(self, host: str, clock: Clock) -> Look:
        with self.store.reading() as connection:
            following = upcoming(connection, self.publication.config.schedule, clock.now())
        line = f"another scheduler is at work, on {host}"
        self.say(line)
        return Look(PassReport((line,), (), (), following), other=host)

    def _doubt(self, now: datetime, wait: timedelta) -> Notice:
        """That the clock was set forward: the same notice as long as it is not believed."""
        assert self.jumps  # noqa: S101 - who else made us wait
        until = (now + wait).astimezone(self.publication.config.schedule.zone)
        return Notice(
            f"clock:{self.me.owner}:{self.jumps.since:.0f}"[:200],
            f"the clock of {self.me.host} was set forward by {length(self.jumps.ahead)}: "
            f"no slot opens before {until:%H:%M}",
            "if the clock is wrong, set it right before, or: newsletter stop",
        )

    def _tell(self, desk: Desk, clock: Clock, doubt: Notice | None = None) -> None:
        config = self.publication.config
        channels = channels_of(
            config.notify, config.publication.name, config.publication.sender, self.provider, self.say
        )
        teller = Teller(self.store, channels, clock.now)
        if failed := nightly(self.publication, self.store, clock.now()):
            teller.tell(failed)
        with self.store.reading() as connection:
            found = [*([doubt] if doubt else []), *occasions(desk, connection, clock.now())]
            following = next_entry(desk, connection, clock.now()).slot
        for notice in found:
            teller.tell(notice)
        if not config.notify.preflight or teller.is_settled(f"preflight:{following.wall_time}"):
            return
        if tried := preflight(desk, self.store, self.provider, clock.now(), links=self.links):
            teller.tell(tried)


def common_clock(store: Store, clock: Clock) -> Clock:
    """The clock that all schedulers of a publication share: that of PostgreSQL, where the database is on it.

    A made-up time (`--now`) stays as it is.
    """
    if store.engine.dialect.name != "postgresql" or not isinstance(clock, SystemClock) or clock.offset:
        return clock
    with store.reading() as connection:
        there = connection.execute(select(func.clock_timestamp())).scalar_one()
    return SystemClock.starting_at(there)
