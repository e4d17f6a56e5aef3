"""Post a broadcast, batch by batch: write the intent, do the act, write the result (DESIGN.md section 4, rule 3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import Connection

from newsletter.clock import Clock
from newsletter.config import DeliveryConfig
from newsletter.delivery import ledger, switch, trials
from newsletter.delivery.job import STOPPED, Job, Progress, reason_of
from newsletter.delivery.owner import this_process
from newsletter.delivery.pace import DailyLimit
from newsletter.delivery.planning import plan_page
from newsletter.delivery.protocol import Blocked, Outcome, Provider, Refused
from newsletter.delivery.recall import settle_by_record
from newsletter.delivery.report import Report, report_of
from newsletter.delivery.states import BatchState, BroadcastState, DeliveryState
from newsletter.delivery.turns import Turns
from newsletter.errors import ConfigError, PartlySentError, ProviderError, SafetyError
from newsletter.store.database import Store
from newsletter.tracing import Tracer, Untraced


@dataclass
class Broadcaster:
    """Posts broadcasts through one provider. `wants_stop` is asked between calls: then the ledger is left in order.

    `pauses`: whether a broadcast that is stopped by `wants_stop` waits for a person; else the next run goes on with it.
    """

    store: Store
    provider: Provider
    settings: DeliveryConfig
    clock: Clock
    lease: timedelta = timedelta(minutes=5)
    progress: Callable[[Progress], None] = lambda _: None
    wants_stop: Callable[[], bool] = lambda: False
    pauses: bool = False
    random: Random = field(default_factory=Random)
    owner: str = field(default_factory=this_process)
    fallback: Provider | None = None  # takes what the provider refused
    tracer: Tracer = field(default_factory=Untraced)

    def run(self, broadcast_id: int, job: Job) -> Report:
        """Post what is not posted, planning ahead of it what is not planned, and return what became of it.

        A batch that another living process posts is left to that one. Raises PartlySentError or ProviderError where
        the broadcast could not be finished, ConfigError where a person has to mend something before anyone gets it,
        SafetyError where the kill switch is set.
        """
        if (over := self.begin(broadcast_id)) is not None:
            return over
        settle_by_record(self, broadcast_id)
        with self.tracer.span("broadcast", broadcast=broadcast_id, edition=job.digest) as span:
            trouble = Turns(self, broadcast_id, job, span=span).run()
        if trouble not in (None, STOPPED):
            self._plan_the_rest(broadcast_id)
        return self._finish(broadcast_id, trouble)

    def begin(self, broadcast_id: int) -> Report | None:
        """Bring the broadcast into `sending`; its report where it is sent already. Raises SafetyError as `run` does."""
        with self.store.transaction() as connection:
            now = self.clock.now()
            if stopped := switch.stopped(connection):
                raise SafetyError(
                    f"nothing is sent: stopped by hand since {stopped.since:%Y-%m-%d %H:%M} UTC", "newsletter resume"
                )
            if not ledger.move_broadcast(connection, broadcast_id, BroadcastState.SENDING):
                report = report_of(connection, broadcast_id)
                if report.state == BroadcastState.SENT:  # by another process, a moment ago
                    return report
                self._refuse_unless_sending(report)
            ledger.start(connection, broadcast_id, now)
            ledger.settle_the_abandoned(connection, broadcast_id, now)
            trials.settle(connection, broadcast_id, now)
        return None

    def batch_size(self) -> int:
        """How many readers a batch has."""
        return self.daily_limit().smallest(min(self.settings.batch_size, self.provider.largest_batch))

    def fallback_name(self) -> str:
        """The name under which the ledger remembers what the fallback took."""
        name = self.fallback.name if self.fallback else ""
        return f"{name} (fallback)" if name == self.provider.name else name

    def repeatable(self, connection: Connection, broadcast_id: int) -> set[str]:
        """The providers that are known to take a repeat once, as the ledger names them; empty is the broadcast's.

        None where the broadcast came out of a backup: who left since is in the call again, under another key.
        """
        if ledger.is_restored(connection, broadcast_id):
            return set()
        own = {""} if self.provider.honours_keys else set()
        return own | ({self.fallback_name()} if self.fallback and self.fallback.honours_keys else set())

    def daily_limit(self) -> DailyLimit:
        """How many readers may be mailed in a day."""
        return DailyLimit(self.provider.account, self.settings.daily_limit, self.settings.warm_up)

    def lease_end(self) -> datetime:
        """Until when a batch that is begun now is ours."""
        return self.clock.now() + self.lease

    def _refuse_unless_sending(self, report: Report) -> None:
        if report.state != BroadcastState.SENDING:
            raise SafetyError(f'the broadcast of "{report.slug}" is {report.state}', "see: newsletter status")

    def _plan_the_rest(self, broadcast_id: int) -> None:
        """What stopped before its end is told in full numbers."""
        more = True
        while more and not self.wants_stop():
            with self.store.transaction() as connection:
                more = plan_page(connection, broadcast_id, self.batch_size()).more

    def _finish(self, broadcast_id: int, trouble: Outcome | None) -> Report:
        with self.store.transaction() as connection:
            left = ledger.open_batches(connection, broadcast_id)
            planned = ledger.is_planned(connection, broadcast_id)
            stopped = switch.is_stopped(connection)
            if planned and not left:
                ledger.move_broadcast(connection, broadcast_id, BroadcastState.SENT, finished_at=self.clock.now())
            elif trouble == STOPPED and (stopped or self.pauses):
                reason = switch.STOPPED if stopped else STOPPED.reason
                ledger.move_broadcast(connection, broadcast_id, BroadcastState.PAUSED, reason=reason)
            elif isinstance(trouble, Refused):
                ledger.note(connection, broadcast_id, trouble.reason)  # stays `sending`: the next pass goes on
            elif trouble or BatchState.UNKNOWN in left:
                reason = getattr(trouble, "reason", "") or ledger.doubt(connection, broadcast_id)
                ledger.move_broadcast(connection, broadcast_id, BroadcastState.PAUSED, reason=reason)
            else:
                ledger.note(connection, broadcast_id, "")  # all that could be posted is: no trouble is left
                if not left:  # stays `sending`, as the rest is not planned
                    trials.wait(connection, broadcast_id, self.clock.now())
            report = report_of(connection, broadcast_id)
        _raise_for(report, trouble, stopped)
        return report


def _raise_for(report: Report, trouble: Outcome | None, stopped: bool) -> None:
    """The exception that tells a person how a broadcast ended, if it did not end well."""
    if report.state == BroadcastState.SENT:
        return
    resume = f"newsletter send {report.slug} --resume"
    unknown = report.deliveries.get(DeliveryState.UNKNOWN, 0)
    reason = reason_of(trouble) if trouble else report.reason
    if report.state == BroadcastState.PAUSED and unknown and trouble != STOPPED:
        raise PartlySentError(
            f'"{report.slug}": {report.sent} sent, {unknown} unknown: {reason}',
            f"look at the provider's log, then: {resume} --unknown repeat, or: {resume} --unknown skip",
        )
    if trouble is None:
        return
    hint = "newsletter resume" if stopped else getattr(trouble, "hint", "")
    if report.sent or unknown:
        waiting = report.deliveries.get(DeliveryState.PENDING, 0)
        raise PartlySentError(
            f'"{report.slug}": {report.sent} sent, {waiting + unknown} not yet: {reason}',
            f"{hint + '; then' if hint else 'go on with'}: {resume}",
        )
    if isinstance(trouble, Blocked):
        raise ConfigError(f"nothing was sent: {reason}", hint or f"then go on with: {resume}")
    raise ProviderError(
        f"nothing was sent: {reason}", f"{hint}; then: {resume}" if hint else f"run it again later: {resume}"
    )
