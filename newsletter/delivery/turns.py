"""One run of a broadcast: results are written, the next intents with them in one transaction, then the calls go out.

All that touches the database is here, in one thread. The calls are made by a `Crew`; while a transaction waits for the
disk, the answers of several calls come in, and all of them are written with the next one.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from time import monotonic
from typing import TYPE_CHECKING

from sqlalchemy import Connection

from newsletter.delivery import ledger, switch, waves
from newsletter.delivery.crew import Crew
from newsletter.delivery.job import STOPPED, Job, Progress, Tally, reason_of
from newsletter.delivery.ledger import Claim, Reader
from newsletter.delivery.pace import Pace, backoff
from newsletter.delivery.planning import plan_page
from newsletter.delivery.protocol import Accepted, Blocked, Outcome, Recipient, RecipientsRefused, Refused, Unknown
from newsletter.delivery.report import report_of
from newsletter.delivery.states import BatchState, DeliveryState
from newsletter.errors import NewsletterError
from newsletter.logs import about
from newsletter.tracing import UNTRACED_SPAN, Span

if TYPE_CHECKING:
    from newsletter.delivery.broadcaster import Broadcaster

_LOG = logging.getLogger(__name__)
_DOUBTS_IN_A_ROW = 3  # so many unknown outcomes one after the other: the provider is broken, stop making more of them
_FEW_REFUSALS = 20  # recipients; fewer say nothing about the list
_SLICE = 0.25  # seconds; the longest that a wish to stop waits for a pause to end
_MOMENT = 0.001  # seconds; the wait for an answer where there is something else to do
_PATIENCE = 60.0  # seconds; so long we try to write down what is known to a database that went away


@dataclass(eq=False)
class _Posting:
    """A batch that we post: readers and key of the last call begun, and when (Unix time) the next one may be.

    `provider` is the fallback's name where the call goes there.
    """

    claim: Claim
    tainted: bool
    provider: str = ""
    readers: list[Reader] = field(default_factory=list)
    key: str = ""
    failures: int = 0
    due: float = 0.0


_Answer = tuple[_Posting, Outcome]


@dataclass
class Turns:
    """The turns of one run, until nothing is left to post or something makes it `halt`.

    `only`: the number of the one batch that the run is about; then nothing is planned, and the tally is kept elsewhere.
    """

    boss: Broadcaster
    broadcast_id: int
    job: Job
    only: int = 0
    tally: Tally = field(default_factory=Tally)
    span: Span = UNTRACED_SPAN
    halt: Outcome | None = field(default=None, init=False)
    _answers: list[_Answer] = field(default_factory=list, init=False)  # not yet written
    _again: list[_Posting] = field(default_factory=list, init=False)  # whose call is to be repeated
    _doubtful: set[int] = field(default_factory=set, init=False)  # what stays in doubt is tried once in a run
    _weary: bool = field(default=False, init=False)  # the provider refused to the end: it is asked once for each batch
    _instead: str = field(default="", init=False)  # the fallback's name, once the provider needs a person
    _ahead: int = field(default=0, init=False)  # batches that are planned and, as far as we know, not begun
    _empty: bool = field(default=False, init=False)  # no batch is left that we could take
    _planned: bool = field(default=False, init=False)
    _wave: datetime | None = field(default=None, init=False)  # when the next wave begins
    _repeats: set[str] = field(default_factory=set, init=False)  # whose batches in doubt may be posted again
    _seen: Progress = field(default=Progress(0, 0, 0), init=False)

    def __post_init__(self) -> None:
        boss = self.boss
        self._pace = Pace(boss.store, boss.clock, boss.provider.account, boss.settings.requests_per_second)
        if self.only:
            self._pace.block = 0.0  # one moment: those that one batch does not need would be lost to all
        self._limit = boss.daily_limit()
        self._size = boss.batch_size()
        # Twice as many as there are calls at a time: who has its answer finds the next call written down already.
        self._crew = 1 if self.only else boss.settings.concurrency
        self._room = self._crew * 2 if self._crew > 1 else 1

    def run(self) -> Outcome | None:
        """Post every batch; the outcome that stopped it, or None where nothing is left to post."""
        self._planned = bool(self.only)
        if not self.only:
            self._look()
        with self.boss.store.reading() as connection:
            self._repeats = self.boss.repeatable(connection, self.broadcast_id)
        crew = Crew[_Posting, Outcome](self._crew, self._call)
        try:
            self._take_turns(crew)
        except BaseException as error:
            self._rescue(crew, error)
            raise
        finally:
            crew.close()
        return self.halt

    @property
    def in_doubt(self) -> bool:
        """Whether the run left a batch of which nobody knows whether it was taken."""
        return bool(self._doubtful)

    def _look(self) -> None:
        """Where the broadcast stands before the run."""
        with self.boss.store.reading() as connection:
            report = report_of(connection, self.broadcast_id)
            self._planned = ledger.is_planned(connection, self.broadcast_id)
        skipped = report.deliveries.get(DeliveryState.SKIPPED, 0)
        self._seen = Progress(report.sent, report.readers - skipped, 0, skipped=skipped, planned=self._planned)

    def _take_turns(self, crew: Crew[_Posting, Outcome]) -> None:
        while True:
            if self.boss.wants_stop():
                self.halt = self.halt or STOPPED
            self._learn()
            room = self._room - len(crew.under_way)
            granted, delay = self._ask(room)
            number = self._answers[-1][0].claim.number if self._answers else 0
            if self._answers or granted or not self._planned or (self.halt and self._again):
                with self.boss.store.transaction() as connection:
                    begun = self._turn(connection, granted, room)
                self._answers = []
                for posting in begun:
                    crew.give(posting)
            if number:
                self.boss.progress(replace(self._seen, batch=number))
            if not crew.under_way and not self._answers and (self.halt or (self._empty and not self._again)):
                return
            if crew.under_way:
                self._collect(crew, delay if self._planned else _MOMENT)
            elif self._planned:
                self.boss.clock.sleep(min(max(delay, _MOMENT), _SLICE))

    def _ask(self, room: int) -> tuple[int, float]:
        """How many calls may be begun now, and seconds until there may be something to begin."""
        if self.halt:
            return 0, _SLICE
        now, waiting = self.boss.clock.now().timestamp(), self._waiting()
        room -= waiting
        wanted = min(room, len(self._again) - waiting) if self._empty else room
        if wanted > 0:
            return self._pace.take(wanted)
        later = [posting.due - now for posting in self._again if posting.due > now]
        return 0, min(later, default=_SLICE)

    def _waiting(self) -> int:
        """How many batches wait for the time of their next call: each has a place among those under way."""
        now = self.boss.clock.now().timestamp()
        return sum(1 for posting in self._again if posting.due > now)

    def _learn(self) -> None:
        """What the answers say about the rate, for all processes."""
        for posting, outcome in self._answers:
            if posting.provider:  # another account, whose limits are its own
                continue
            if isinstance(outcome, Accepted | Refused) and outcome.quota:
                self._pace.learn(outcome.quota)
            if isinstance(outcome, Refused) and outcome.too_fast:
                self._pace.slow_down()
                if outcome.retry_after:
                    self._pace.hold(outcome.retry_after)

    def _turn(self, connection: Connection, granted: int, room: int) -> list[_Posting]:
        """Write the answers, plan what is not planned, and write what is posted next: these are returned."""
        self._accept(connection)
        for posting, outcome in self._answers:
            if not isinstance(outcome, Accepted):
                self._take(connection, posting, outcome)
        if not self.halt and (granted or not self._planned) and switch.is_stopped(connection):
            self.halt = STOPPED
        if self.halt:
            for posting in self._again:
                self._give_up(connection, posting, self.halt)
            self._again = []
            return []
        if self._wave and self._wave <= (now := self.boss.clock.now()):  # it came while we were at work
            waves.begin(connection, self.broadcast_id, now, after=self._wave - timedelta.resolution)
            self._wave = waves.next_at(connection, self.broadcast_id, now)
        granted = max(0, min(granted, room - self._waiting()))  # an answer just now may wait for its repeat
        begun = self._begin(connection, granted)
        if not self._planned and (len(begun) < granted or not granted or self._ahead < 2 * self._room):
            self._plan(connection)
            begun += self._begin(connection, granted - len(begun))
        if self.only:
            self._empty = True  # it was there to be taken, or it was not
        elif self._planned and (len(begun) < granted or (self._answers and not granted)):
            self._empty = not ledger.claimable(
                connection, self.broadcast_id, repeatable=self._repeats, but_not=self._doubtful
            )
        return begun

    def _plan(self, connection: Connection) -> None:
        page, seen = plan_page(connection, self.broadcast_id, self._size), self._seen
        self._planned = not page.more
        if self._planned:
            self._wave = waves.next_at(connection, self.broadcast_id, self.boss.clock.now())
        self._ahead += page.mailed // self._size
        readers, skipped = seen.readers + page.mailed, seen.skipped + page.skipped
        self._seen = replace(seen, readers=readers, skipped=skipped, planned=self._planned)

    def _begin(self, connection: Connection, count: int) -> list[_Posting]:
        """Write the intent to post up to `count` batches, those first whose call is to be repeated."""
        if count <= 0:
            return []
        now = self.boss.clock.now().timestamp()
        repeated = [posting for posting in self._again if posting.due <= now][:count]
        self._again = [posting for posting in self._again if posting not in repeated]
        claims = self._claim(connection, count - len(repeated))
        self._ahead = max(0, self._ahead - len(claims))
        postings = [*repeated, *map(self._posting_of, claims)]
        readers = ledger.readers_of_batches(connection, self.broadcast_id, [p.claim.number for p in postings])
        begun = [posting for posting in postings if self._ready(connection, posting, readers[posting.claim.number])]
        begun = self._within_the_day(connection, begun, repeated)
        keys = {posting.claim.number: posting.key for posting in begun}
        ours = ledger.begin_calls(connection, self.broadcast_id, self.boss.owner, self.boss.lease_end(), keys)
        elsewhere = [p.claim.number for p in begun if p.provider and p.claim.number in ours]
        if elsewhere:
            ledger.note_provider(connection, self.broadcast_id, elsewhere, self.boss.fallback_name())
        for posting in begun:
            if posting.claim.number not in ours:
                self._note_end(posting, Unknown("another process took the batch over"))
        return [posting for posting in begun if posting.claim.number in ours]

    def _posting_of(self, claim: Claim) -> _Posting:
        """What is in doubt is repeated where its call went; what is new goes past a provider that needs a person."""
        provider = claim.provider if claim.tainted else self._instead
        return _Posting(claim, claim.tainted, provider)

    def _claim(self, connection: Connection, count: int) -> list[Claim]:
        place = (connection, self.broadcast_id, self.boss.owner, self.boss.lease_end())
        repeatable = self._repeats
        if self.only:
            wanted = 0 if self._empty else self.only
            return ledger.claim_batch(*place, number=wanted, repeatable=repeatable) if count else []
        return ledger.claim_batches(*place, repeatable=repeatable, but_not=self._doubtful, count=count)

    def _ready(self, connection: Connection, posting: _Posting, found: tuple[list[Reader], dict[int, str]]) -> bool:
        """Settle who the call is for; False where there is none to make. Who must not be mailed any more leaves."""
        readers, barred = found
        if barred and posting.tainted:
            # A repeat must be the same call to be taken once, and the same call would mail who has left.
            reason = "a reader left while it was unknown whether the batch was taken"
            self._give_up(connection, posting, Unknown(reason))
            return False
        ledger.settle_readers(connection, posting.claim, barred, DeliveryState.SKIPPED)
        posting.readers = [reader for reader in readers if reader.subscriber_id not in barred]
        if not posting.readers:
            error = "nobody was left to mail"
            self._settle(connection, posting, BatchState.REJECTED, DeliveryState.REJECTED, error=error)
            return False
        posting.key = ledger.key_of(self.job.digest, posting.claim.number, posting.readers)
        return True

    def _within_the_day(
        self, connection: Connection, begun: list[_Posting], repeated: Sequence[_Posting]
    ) -> list[_Posting]:
        """Those that the day has room for; a call that is repeated has been counted already."""
        new = [posting for posting in begun if posting not in repeated]
        if not self._limit or not new:
            return begun
        now = self.boss.clock.now()
        left, used = self._limit.left(connection, now), 0
        for posting in new:
            if self.halt is None and used + len(posting.readers) <= left:
                used += len(posting.readers)
                continue
            begun.remove(posting)
            limit = self._limit.of(connection, f"{now:%Y-%m-%d}")
            self._give_up(
                connection, posting, Refused(f"the limit of {limit} readers for today is reached"), used=False
            )
        self._limit.use(connection, now, used)
        return begun

    def _call(self, posting: _Posting) -> Outcome:
        tracer, number, size = self.boss.tracer, posting.claim.number, len(posting.readers)
        with (
            about(broadcast=self.broadcast_id, batch=number),  # in a thread of its own
            tracer.span("batch", self.span, batch=number, readers=size, attempt=posting.failures + 1) as batch,
        ):
            values = self.job.values
            post = self.job.post_to(posting.readers, instead=bool(posting.provider))
            recipients = [Recipient(r.email, r.name, values(r)) for r in posting.readers]
            through = posting.provider or self.boss.provider.name
            with tracer.span("call", batch, provider=through, key=posting.key) as call:
                outcome = post(recipients, posting.key)
                call.note(outcome=type(outcome).__name__.lower(), reason=reason_of(outcome))
        return outcome

    def _collect(self, crew: Crew[_Posting, Outcome], seconds: float) -> None:
        """Take over the answers that have come; raises what a call raised."""
        raised: BaseException | None = None
        for posting, answer in crew.answers(min(max(seconds, _MOMENT), _SLICE)):
            if isinstance(answer, BaseException):
                raised = answer
                self._answers.append((posting, Unknown(f"interrupted: {type(answer).__name__}")))
            else:
                self._answers.append((posting, answer))
        if raised:
            raise raised

    def _accept(self, connection: Connection) -> None:
        """Write which batches were taken, all in three statements."""
        taken = {p.claim.number: (p, outcome) for p, outcome in self._answers if isinstance(outcome, Accepted)}
        if not taken:
            return
        self.tally.doubts = 0
        ours = ledger.settle_accepted(
            connection,
            self.broadcast_id,
            self.boss.owner,
            {number: outcome.reference for number, (_, outcome) in taken.items()},
            self.boss.clock.now(),
        )
        for number in ours:
            posting, outcome = taken[number]
            self._weary = self._weary and bool(posting.provider)
            _LOG.info("batch taken", extra=_about(posting, reference=outcome.reference))
            self.tally.taken += len(posting.readers)
            if outcome.dropped:
                self.tally.refused += outcome.dropped
                error = f"the provider left out {outcome.dropped} of {len(posting.readers)} and does not say whom"
                ledger.note_dropped(connection, posting.claim, outcome.dropped, error)
        self._seen = replace(self._seen, sent=self._seen.sent + sum(len(taken[n][0].readers) for n in ours))
        self._break_the_circuit()

    def _take(self, connection: Connection, posting: _Posting, outcome: Outcome) -> None:
        """Write an answer other than that all were taken, or keep the batch for another call."""
        settings = self.boss.settings
        if isinstance(outcome, RecipientsRefused) and posting.tainted:
            # Without them it would be another call, and the first one may have been taken with them.
            outcome = Unknown("a repeat was refused because of recipients; the first call may have been taken")
        if isinstance(outcome, RecipientsRefused):
            count = len(posting.readers)
            reasons = {posting.readers[i].subscriber_id: why for i, why in outcome.reasons.items() if 0 <= i < count}
            if reasons:
                ledger.settle_readers(connection, posting.claim, reasons, DeliveryState.REJECTED)
                self.tally.refused += len(reasons)
                self._again.append(posting)
                self._break_the_circuit()
                return
            outcome = Unknown("the provider refused recipients who are not in the call")
        posting.tainted = posting.tainted or isinstance(outcome, Unknown)
        posting.failures += 1
        _LOG.warning("batch not taken: %s", reason_of(outcome), extra=_about(posting, outcome=type(outcome).__name__))
        most = 1 if self._weary and not posting.provider else settings.max_attempts
        if not self._repeatable(posting, outcome) or posting.failures >= most:
            if not self._pass_on(posting, outcome):
                self._give_up(connection, posting, outcome)
            return
        delay = backoff(posting.failures, settings.backoff, settings.backoff_limit, self.boss.random)
        delay = max(delay, getattr(outcome, "retry_after", 0.0))
        posting.due = self.boss.clock.now().timestamp() + delay
        self._again.append(posting)
        waiting = f"{reason_of(outcome)}; {delay:.1f} s"
        self.boss.progress(replace(self._seen, batch=posting.claim.number, waiting=waiting))

    def _repeatable(self, posting: _Posting, outcome: Outcome) -> bool:
        in_doubt = isinstance(outcome, Unknown) and posting.provider in self._repeats
        return isinstance(outcome, Refused) or in_doubt

    def _pass_on(self, posting: _Posting, outcome: Outcome) -> bool:
        """Let the fallback make the next call; only where no call for the batch can have been taken."""
        refused = isinstance(outcome, Refused | Blocked) and not posting.tainted
        if not self.job.fallbacks or posting.provider or not refused:
            return False
        self._weary = True
        if isinstance(outcome, Blocked):
            self._instead = self.boss.fallback_name()
        posting.provider, posting.failures, posting.due = self.boss.fallback_name(), 0, 0.0
        self._again.append(posting)
        waiting = f"{reason_of(outcome)}; {posting.provider} takes over"
        self.boss.progress(replace(self._seen, batch=posting.claim.number, waiting=waiting))
        return True

    def _break_the_circuit(self) -> None:
        seen = self.tally.taken + self.tally.refused
        if self.tally.refused >= _FEW_REFUSALS and self.tally.refused > self.boss.settings.refusals * seen:
            reason = f"the provider refused {self.tally.refused} of {seen} readers"
            self.halt = self.halt or Blocked(reason, "see which: newsletter status; mend the list")

    def _give_up(self, connection: Connection, posting: _Posting, outcome: Outcome, *, used: bool = True) -> None:
        """End without an answer that settles the batch: in doubt once any call for it was, else free to be posted."""
        doubt = posting.tainted or isinstance(outcome, Unknown)
        self._settle(connection, posting, *_open_states(doubt), error=reason_of(outcome))
        if used and not doubt and self._limit:
            self._limit.use(connection, self.boss.clock.now(), -len(posting.readers))
        self._note_end(posting, outcome)

    def _note_end(self, posting: _Posting, outcome: Outcome) -> None:
        """What an end without success means for the run."""
        if isinstance(outcome, Unknown):
            self.tally.doubts += 1
            self._doubtful.add(posting.claim.number)
        else:
            self.tally.doubts = 0
        if isinstance(outcome, Refused | Blocked) or self.tally.doubts >= _DOUBTS_IN_A_ROW:
            self.halt = self.halt or outcome

    def _settle(
        self, connection: Connection, posting: _Posting, state: BatchState, readers: DeliveryState, *, error: str
    ) -> None:
        free = {"provider": ""} if posting.provider and state == BatchState.PENDING else {}
        ledger.settle_batch(connection, posting.claim, state, readers, self.boss.clock.now(), error=error, **free)

    def _rescue(self, crew: Crew[_Posting, Outcome], error: BaseException) -> None:
        """Before the run ends by an error: write what is known of the calls, and that nothing is known of the others.

        Where it is the database that failed, wait for the answers under way, and for the database: each answer that
        is written is a batch that is not in doubt. If it does not come back, they are found in doubt by the next run.
        """
        patience = monotonic() + _PATIENCE if isinstance(error, NewsletterError) else 0.0
        answers, reason = list(self._answers), f"interrupted: {type(error).__name__}"
        while crew.under_way and monotonic() < patience:
            for posting, answer in crew.answers(_SLICE):
                answers.append((posting, Unknown(reason) if isinstance(answer, BaseException) else answer))
        answers += [(posting, Unknown(reason)) for posting in crew.under_way]
        answers += [(posting, STOPPED) for posting in self._again if posting not in [p for p, _ in answers]]
        while True:
            try:
                with self.boss.store.transaction() as connection:
                    self._write_last(connection, answers)
                return
            except NewsletterError:
                if monotonic() >= patience:
                    return
                self.boss.clock.sleep(_SLICE)

    def _write_last(self, connection: Connection, answers: Sequence[_Answer]) -> None:
        taken = {p.claim.number: outcome.reference for p, outcome in answers if isinstance(outcome, Accepted)}
        now, owner = self.boss.clock.now(), self.boss.owner
        ledger.settle_accepted(connection, self.broadcast_id, owner, taken, now)
        for posting, outcome in answers:
            if isinstance(outcome, Accepted):
                continue
            doubt = posting.tainted or isinstance(outcome, Unknown)
            self._settle(connection, posting, *_open_states(doubt), error=reason_of(outcome))


def _about(posting: _Posting, **more: object) -> dict[str, object]:
    """What a line of the log on one batch is about."""
    facts = {"batch": posting.claim.number, "readers": len(posting.readers), "key": posting.key}
    return {"about": facts | more}


def _open_states(doubt: bool) -> tuple[BatchState, DeliveryState]:
    """What becomes of a batch without an end: in doubt, or free to be posted."""
    if doubt:
        return BatchState.UNKNOWN, DeliveryState.UNKNOWN
    return BatchState.PENDING, DeliveryState.PENDING
