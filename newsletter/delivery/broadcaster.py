"""Post a broadcast, batch by batch: write the intent, do the act, write the result (DESIGN.md section 4, rule 3)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from random import Random

from sqlalchemy import Connection

from newsletter.clock import Clock
from newsletter.config import DeliveryConfig
from newsletter.delivery import ledger
from newsletter.delivery.ledger import Claim, Reader
from newsletter.delivery.owner import this_process
from newsletter.delivery.pace import Pace, backoff
from newsletter.delivery.planning import plan_page
from newsletter.delivery.protocol import (
    Accepted,
    Blocked,
    Outcome,
    Post,
    Provider,
    Recipient,
    RecipientsRefused,
    Refused,
    Unknown,
)
from newsletter.delivery.report import Report, report_of
from newsletter.delivery.states import BatchState, BroadcastState, DeliveryState
from newsletter.errors import ConfigError, PartlySentError, ProviderError, SafetyError
from newsletter.store.database import Store

_DOUBTS_IN_A_ROW = 3  # so many unknown outcomes one after the other: the provider is broken, stop making more of them
_STOPPED = Refused("stopped by hand")
_SLICE = 0.25  # seconds; the longest that a wish to stop waits for a pause to end


@dataclass(frozen=True)
class Progress:
    """How far a broadcast is; `waiting` says why nothing happens just now."""

    sent: int
    readers: int
    batch: int
    waiting: str = ""


@dataclass(frozen=True)
class Job:
    """What to post: the message of an edition as the provider took it, and what its variables are for one reader."""

    digest: str
    post: Post
    values: Callable[[Reader], Mapping[str, str]]


@dataclass
class Broadcaster:
    """Posts broadcasts through one provider. `wants_stop` is asked between calls: then the ledger is left in order."""

    store: Store
    provider: Provider
    settings: DeliveryConfig
    clock: Clock
    lease: timedelta = timedelta(minutes=5)
    progress: Callable[[Progress], None] = lambda _: None
    wants_stop: Callable[[], bool] = lambda: False
    random: Random = field(default_factory=Random)
    owner: str = field(default_factory=this_process)

    def run(self, broadcast_id: int, job: Job) -> Report:
        """Plan what is not planned, post what is not posted, and return what became of it.

        A batch that another living process posts is left to that one. Raises PartlySentError or ProviderError where
        the broadcast could not be finished, ConfigError where a person has to mend something before anyone gets it.
        """
        with self.store.transaction() as connection:
            now = self.clock.now()
            if not ledger.move_broadcast(connection, broadcast_id, BroadcastState.SENDING):
                report = report_of(connection, broadcast_id)
                if report.state == BroadcastState.SENT:  # by another process, a moment ago
                    return report
                self._refuse_unless_sending(report)
            ledger.start(connection, broadcast_id, now)
            ledger.settle_the_abandoned(connection, broadcast_id, now)
        trouble = self._plan(broadcast_id) or self._post_all(broadcast_id, job)
        return self._finish(broadcast_id, trouble)

    def _refuse_unless_sending(self, report: Report) -> None:
        if report.state != BroadcastState.SENDING:
            raise SafetyError(f'the broadcast of "{report.slug}" is {report.state}', "see: newsletter status")

    def _plan(self, broadcast_id: int) -> Outcome | None:
        size = min(self.settings.batch_size, self.provider.largest_batch)
        more = True
        while more:
            if self.wants_stop():
                return _STOPPED
            with self.store.transaction() as connection:
                more = plan_page(connection, broadcast_id, size)
        return None

    def _post_all(self, broadcast_id: int, job: Job) -> Outcome | None:
        """Post every batch; the outcome that stopped it, or None where nothing is left to post."""
        with self.store.reading() as connection:
            report = report_of(connection, broadcast_id)
        sent, readers = report.sent, report.readers - report.deliveries.get(DeliveryState.SKIPPED, 0)
        turns = _Turns(self, broadcast_id, job)
        delay, doubts, posting = turns.pace.delay(), 0, None
        while True:
            if posting is None:
                if not self.wait(delay):
                    return _STOPPED
                with self.store.transaction() as connection:
                    posting = turns.begin(connection)
                if posting is None:
                    return None
            number = posting.claim.number
            ending = posting.run(Progress(sent, readers, number))
            if isinstance(ending.outcome, Unknown):
                doubts += 1
                turns.doubtful.add(number)
            else:
                doubts = 0
            halt = isinstance(ending.outcome, Refused | Blocked) or doubts >= _DOUBTS_IN_A_ROW
            delay = 0.0 if halt else turns.pace.delay()
            with self.store.transaction() as connection:
                ending.write(connection)
                # One transaction for a result and the next intent, where the next call need not wait: one fsync a call.
                posting = None if halt or delay or self.wants_stop() else turns.begin(connection)
                more = not delay or bool(ledger.open_batches(connection, broadcast_id))
            sent += ending.count
            self.progress(Progress(sent, readers, number))
            if halt or not more:
                return ending.outcome if halt else None

    def _finish(self, broadcast_id: int, trouble: Outcome | None) -> Report:
        with self.store.transaction() as connection:
            left = ledger.open_batches(connection, broadcast_id)
            planned = ledger.is_planned(connection, broadcast_id)
            if planned and not left:
                ledger.move_broadcast(connection, broadcast_id, BroadcastState.SENT, finished_at=self.clock.now())
            elif isinstance(trouble, Refused):
                ledger.note(connection, broadcast_id, trouble.reason)  # stays `sending`: the next pass goes on
            elif trouble or BatchState.UNKNOWN in left:
                reason = getattr(trouble, "reason", "") or ledger.doubt(connection, broadcast_id)
                ledger.move_broadcast(connection, broadcast_id, BroadcastState.PAUSED, reason=reason)
            report = report_of(connection, broadcast_id)
        _raise_for(report, trouble)
        return report

    def lease_end(self) -> datetime:
        """Until when a batch that is begun now is ours."""
        return self.clock.now() + self.lease

    def wait(self, seconds: float) -> bool:
        """Wait in slices; False as soon as somebody wants to stop."""
        while seconds > 0:
            if self.wants_stop():
                return False
            self.clock.sleep(min(seconds, _SLICE))
            seconds -= _SLICE
        return not self.wants_stop()


@dataclass
class _Turns:
    """Whose turn it is: claims the batches of one broadcast; what stays `doubtful` is tried once in a run."""

    boss: Broadcaster
    broadcast_id: int
    job: Job
    pace: Pace = field(init=False)
    doubtful: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.pace = Pace(self.boss.clock, self.boss.settings.requests_per_second)

    def begin(self, connection: Connection) -> _Posting | None:
        """Claim the next batch and write the intent to post it; None where none is left."""
        boss = self.boss
        claim = ledger.claim_batch(
            connection,
            self.broadcast_id,
            boss.owner,
            boss.lease_end(),
            unknown_too=boss.provider.honours_keys,
            but_not=self.doubtful,
        )
        if claim is None:
            return None
        posting = _Posting(boss, claim, self.job, self.pace)
        posting.begin(connection)
        return posting


@dataclass(frozen=True)
class _Ending:
    """How the posting of a batch ended: the last answer, how many readers were taken, and what is to be written."""

    outcome: Outcome
    count: int
    write: Callable[[Connection], object]


@dataclass
class _Posting:
    """The calls for one batch, until one has an answer that settles it. `readers` are those of the call begun."""

    boss: Broadcaster
    claim: Claim
    job: Job
    pace: Pace
    readers: list[Reader] | Unknown = field(default_factory=list)
    tainted: bool = field(init=False)

    def __post_init__(self) -> None:
        self.tainted = self.claim.tainted

    def run(self, progress: Progress) -> _Ending:
        """Make the call that was begun, and others until one settles the batch; its result is still to be written."""
        boss, failures = self.boss, 0
        while True:
            readers = self.readers
            if isinstance(readers, Unknown):
                return self._give_up(readers)
            if not readers:
                return self._settle(Accepted(), [])
            outcome = self._call(readers)
            if isinstance(outcome, Accepted):
                return self._settle(outcome, readers)
            if isinstance(outcome, RecipientsRefused):
                self._reject(readers, outcome)
            else:
                self.tainted = self.tainted or isinstance(outcome, Unknown)
                failures += 1
                if not self._repeatable(outcome) or failures >= boss.settings.max_attempts:
                    return self._give_up(outcome)
                delay = backoff(failures, boss.settings.backoff, boss.settings.backoff_limit, boss.random)
                delay = max(delay, getattr(outcome, "retry_after", 0.0))
                boss.progress(replace(progress, waiting=f"{_reason(outcome)}; {delay:.1f} s"))
                if not boss.wait(delay):
                    return self._give_up(_STOPPED)
            if not boss.wait(self.pace.delay()):
                return self._give_up(_STOPPED)
            with boss.store.transaction() as connection:
                self.begin(connection)

    def _repeatable(self, outcome: Outcome) -> bool:
        return isinstance(outcome, Refused) or (isinstance(outcome, Unknown) and self.boss.provider.honours_keys)

    def begin(self, connection: Connection) -> None:
        """Write the intent: attempt, readers, key. Who must not be mailed any more leaves the batch here."""
        claim = self.claim
        readers, barred = ledger.readers_of(connection, claim)
        if barred and self.tainted:
            # A repeat must be the same call to be taken once, and the same call would mail who has left.
            self.readers = Unknown("a reader left while it was unknown whether the batch was taken")
            return
        readers = [reader for reader in readers if reader.subscriber_id not in barred]
        key = ledger.key_of(self.job.digest, claim.number, readers)
        if not ledger.begin_attempt(connection, claim, self.boss.lease_end(), key):
            self.readers = Unknown("another process took the batch over")
            return
        ledger.settle_readers(connection, claim, barred, DeliveryState.SKIPPED)
        self.readers = readers

    def _call(self, readers: list[Reader]) -> Outcome:
        recipients = [Recipient(reader.email, reader.name, self.job.values(reader)) for reader in readers]
        try:
            return self.job.post(recipients, ledger.key_of(self.job.digest, self.claim.number, readers))
        except BaseException as error:
            self.tainted = True
            with self.boss.store.transaction() as connection:
                self._give_up(Unknown(f"interrupted: {type(error).__name__}")).write(connection)
            raise

    def _reject(self, readers: list[Reader], outcome: RecipientsRefused) -> None:
        reasons = {readers[index].subscriber_id: reason for index, reason in outcome.reasons.items()}
        with self.boss.store.transaction() as connection:
            ledger.settle_readers(connection, self.claim, reasons, DeliveryState.REJECTED)

    def _settle(self, outcome: Accepted, readers: list[Reader]) -> _Ending:
        error = "" if readers else "nobody was left to mail"
        if outcome.dropped:
            error = f"the provider left out {outcome.dropped} of {len(readers)} and does not say whom"
        write = partial(
            ledger.settle_batch,
            claim=self.claim,
            state=BatchState.ACCEPTED if readers else BatchState.REJECTED,
            delivery_state=DeliveryState.ACCEPTED,
            now=self.boss.clock.now(),
            reference=outcome.reference[:200],
            dropped=outcome.dropped,
            error=error,
        )
        return _Ending(outcome, len(readers), write)

    def _give_up(self, outcome: Outcome) -> _Ending:
        """End without an answer that settles the batch: in doubt once any call for it was, else free to be posted."""
        doubt = self.tainted or isinstance(outcome, Unknown)
        write = partial(
            ledger.settle_batch,
            claim=self.claim,
            state=BatchState.UNKNOWN if doubt else BatchState.PENDING,
            delivery_state=DeliveryState.UNKNOWN if doubt else DeliveryState.PENDING,
            now=self.boss.clock.now(),
            error=_reason(outcome),
        )
        return _Ending(outcome, 0, write)


def _reason(outcome: Outcome) -> str:
    return str(getattr(outcome, "reason", ""))


def _raise_for(report: Report, trouble: Outcome | None) -> None:
    """The exception that tells a person how a broadcast ended, if it did not end well."""
    resume = f"newsletter send {report.slug} --resume"
    unknown = report.deliveries.get(DeliveryState.UNKNOWN, 0)
    reason = _reason(trouble) if trouble else report.reason
    if report.state == BroadcastState.PAUSED and unknown:
        raise PartlySentError(
            f'"{report.slug}": {report.sent} sent, {unknown} unknown: {reason}',
            f"look at the provider's log, then: {resume} --unknown repeat, or: {resume} --unknown skip",
        )
    if trouble is None:
        return
    if report.sent or unknown:
        hint = getattr(trouble, "hint", "")
        waiting = report.deliveries.get(DeliveryState.PENDING, 0)
        raise PartlySentError(
            f'"{report.slug}": {report.sent} sent, {waiting + unknown} not yet: {reason}',
            f"{hint + '; then' if hint else 'go on with'}: {resume}",
        )
    if isinstance(trouble, Blocked):
        raise ConfigError(f"nothing was sent: {reason}", trouble.hint or f"then go on with: {resume}")
    raise ProviderError(f"nothing was sent: {reason}", f"run it again later: {resume}")
