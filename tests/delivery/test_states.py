"""The state machines, and their promises kept by the real ledger whatever happens to it."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import Connection, event, select, text

from newsletter.audience import suppression
from newsletter.audience.subscribers import State, barred, leave
from newsletter.config import DeliveryConfig
from newsletter.delivery import ledger
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.job import Job
from newsletter.delivery.owner import this_process
from newsletter.delivery.planning import create_broadcast
from newsletter.delivery.protocol import (
    Accepted,
    Blocked,
    Message,
    Outcome,
    Post,
    Recipient,
    RecipientsRefused,
    Refused,
    Unknown,
)
from newsletter.delivery.report import report_of
from newsletter.delivery.restored import doubt_the_unfinished
from newsletter.delivery.states import (
    BATCH_MOVES,
    BROADCAST_MOVES,
    DELIVERY_MOVES,
    BatchState,
    BroadcastState,
    DeliveryState,
)
from newsletter.errors import NewsletterError
from newsletter.store.database import Store, open_store
from newsletter.store.tables import batches, deliveries, editions, subscribers

MOVES: dict[str, Any] = {"broadcasts": BROADCAST_MOVES, "batches": BATCH_MOVES, "deliveries": DELIVERY_MOVES}
START = datetime(2026, 11, 24, 8, tzinfo=UTC)
MESSAGE = Message("a@x.example", "s", "<p>", "t")
GIVEN_UP = "unknown outcome, not repeated"
FINAL = ("accepted", "rejected", "skipped")


@pytest.mark.parametrize("moves", [BATCH_MOVES, DELIVERY_MOVES, BROADCAST_MOVES])
def test_every_state_says_what_may_follow_it(moves: dict[Any, frozenset[Any]]) -> None:
    states = set(type(next(iter(moves))))
    assert set(moves) == states
    assert set().union(*moves.values()) <= states


def reachable(moves: Any, start: Any) -> set[Any]:
    found, edge = set[Any](), {start}
    while edge:
        found |= edge
        edge = set().union(*(moves[state] for state in edge)) - found
    return found


@pytest.mark.parametrize("state", [DeliveryState.ACCEPTED, DeliveryState.REJECTED, DeliveryState.SKIPPED])
def test_a_delivery_that_has_an_end_is_never_posted_again(state: DeliveryState) -> None:
    assert not reachable(DELIVERY_MOVES, state) & {DeliveryState.PENDING, DeliveryState.UNKNOWN}
    if state != DeliveryState.ACCEPTED:
        assert reachable(DELIVERY_MOVES, state) == {state}


def test_a_batch_that_is_settled_stays_so() -> None:
    assert BATCH_MOVES[BatchState.ACCEPTED] == BATCH_MOVES[BatchState.REJECTED] == frozenset()


def planned_broadcast(connection: Connection) -> int:
    connection.execute(editions.insert(), {"digest": "d", "slug": "one", "content": "{}", "created_at": START})
    return create_broadcast(connection, slug="one", digest="d", segment="", provider="scripted", now=START, slot=None)


def test_a_broadcast_that_a_backup_has_as_planned_is_paused(store: Store) -> None:
    with store.transaction() as connection:
        broadcast = planned_broadcast(connection)
        (report,) = doubt_the_unfinished(connection, START, START, 100)
    assert (report.id, report.state) == (broadcast, "paused")


@pytest.mark.parametrize(
    ("way", "can"), [("", True), ("sending", True), ("sending paused", True), ("sending sent", False)]
)
def test_all_but_what_is_sent_can_be_cancelled_and_stays_so(store: Store, way: str, can: bool) -> None:
    with store.transaction() as connection:
        broadcast = planned_broadcast(connection)
        for state in way.split():
            assert ledger.move_broadcast(connection, broadcast, BroadcastState(state))
        assert ledger.move_broadcast(connection, broadcast, BroadcastState.CANCELLED) is can
        assert not any(ledger.move_broadcast(connection, broadcast, state) for state in BroadcastState)


class Killed(BaseException):
    """The process ends here: nothing after this is done, nothing in this transaction is kept."""


@dataclass
class Mortal:
    """A store of a process that dies when it has done so many more things, in a transaction or after it."""

    store: Store
    left: float

    @contextmanager
    def transaction(self, *, durable: bool = True) -> Iterator[Connection]:
        with self.store.transaction(durable=durable) as connection:
            yield connection
            self.live()
        self.live()

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        with self.store.reading() as connection:
            yield connection

    def die(self) -> None:
        self.left = 0
        self.live()

    def live(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Killed


@dataclass
class Clock:
    at: datetime = START

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@dataclass
class Provider:
    """Answers by script, then accepts. A key that it honours is answered as it was, whatever the script says."""

    honours_keys: bool
    watch: Callable[[Sequence[Recipient]], None]
    script: list[str] = field(default_factory=list)
    live: Callable[[], None] = lambda: None
    die: Callable[[], None] = lambda: None
    name: str = "scripted"
    account: str = "scripted"
    largest_batch: int = 100
    inboxes: Counter[str] = field(default_factory=Counter)
    keys: dict[str, list[str]] = field(default_factory=dict)

    def prepare(self, message: Message) -> Post:
        return self.post

    def post(self, recipients: Sequence[Recipient], key: str) -> Outcome:
        self.watch(recipients)
        self.live()
        emails = [recipient.email for recipient in recipients]
        word = self.script.pop(0) if self.script else "accepted"
        known = self.honours_keys and key in self.keys
        if known:
            assert self.keys[key] == emails, "a key that was used for other readers"
        if word in ("accepted", "lost", "dead") and not known:
            self.keys[key] = emails
            self.inboxes.update(emails)
        self.live()
        if word == "dead":
            self.die()
        if word in ("lost", "unknown"):
            return Unknown(word)
        if known or word == "accepted":
            return Accepted("reference")
        return {
            "refused": Refused("429"),
            "blocked": Blocked("401"),
            "invalid": RecipientsRefused({0: "no such domain"}),
        }[word]


@cache
def empty_database() -> Path:
    folder = Path(tempfile.mkdtemp(prefix="newsletter-test-"))
    open_store("", folder).close()
    return folder / "newsletter.db"


def forget_durability(connection: Any, _: object) -> None:
    """No test pulls the plug of this machine, and every fsync costs."""
    connection.execute("PRAGMA synchronous=OFF")


def write_moves_down(connection: Connection) -> None:
    """From here on the database itself notes each change of a state, whoever makes it."""
    connection.execute(text("CREATE TABLE moves (name TEXT, old TEXT, new TEXT, UNIQUE (name, old, new))"))
    for name in MOVES:
        note = f"INSERT OR IGNORE INTO moves VALUES ('{name}', old.state, new.state)"
        when = f"AFTER UPDATE OF state ON {name} WHEN old.state <> new.state"
        connection.execute(text(f"CREATE TRIGGER {name}_move {when} BEGIN {note}; END"))


def address(number: int) -> str:
    return f"r{number}@x.example"


READERS = 6
# Lost answers are what is hard: they come thrice as often. `dead` is a mail that is taken by a call whose caller dies.
WORDS = ("lost", "lost", "lost", "accepted", "dead", "refused", "invalid", "unknown", "blocked")
Script = st.lists(st.sampled_from(WORDS), min_size=1, max_size=8)
Reader = st.integers(1, READERS)


class LedgerMachine(RuleBasedStateMachine):
    """One broadcast to six readers under everything that a provider, a crash, a reader and a person can do."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = Path(tempfile.mkdtemp(prefix="newsletter-test-"))
        shutil.copy(empty_database(), self.folder / "newsletter.db")
        self.store = open_store("", self.folder)
        event.listen(self.store.engine, "connect", forget_durability)
        self.store.close()
        self.clock, self.serial = Clock(), itertools.count(1)
        self.excused: set[str] = set()  # whom a person had mailed again, not knowing whether they were
        self.ended: dict[str, str] = {}

    @initialize(honours=st.booleans(), size=st.integers(1, 4), left=st.sets(Reader, max_size=1))
    def begin(self, honours: bool, size: int, left: set[int]) -> None:
        self.provider = Provider(honours, self.nobody_is_barred)
        self.settings = DeliveryConfig(batch_size=size, max_attempts=2, concurrency=1)
        rows = [
            {"id": n, "email": address(n), "email_key": address(n), "created_at": START, "changed_at": START}
            | {"state": "unsubscribed" if n in left else "active"}
            for n in range(1, READERS + 1)
        ]
        with self.store.transaction() as connection:
            write_moves_down(connection)
            connection.execute(subscribers.insert(), rows)
            self.broadcast = planned_broadcast(connection)

    def nobody_is_barred(self, recipients: Sequence[Recipient]) -> None:
        """Suppression wins: asked at the provider's door, of every single call."""
        numbers = [int(recipient.email[1:].partition("@")[0]) for recipient in recipients]
        with self.store.reading() as connection:
            assert barred(connection, numbers) == {}

    @rule(script=Script, lifetime=st.none() | st.integers(0, 25))
    def send(self, script: list[str], lifetime: int | None) -> None:
        """One process, to its end or to its death."""
        mortal = Mortal(self.store, float("inf") if lifetime is None else lifetime)
        self.provider.script, self.provider.live = script, mortal.live
        self._run(mortal, self._owner())

    @rule(script=Script, inner=st.none() | st.integers(0, 12))
    def send_from_two(self, script: list[str], inner: int | None) -> None:
        """A second process comes to its end, or dies, while the first waits for the answer to its first call."""
        mortal = Mortal(self.store, float("inf") if inner is None else inner)

        def second() -> None:
            self.provider.live = mortal.live
            self._run(mortal, this_process())
            self.provider.live = lambda: None

        self.provider.script, self.provider.live = script, second
        self._run(Mortal(self.store, float("inf")), this_process())
        self.clock.at += timedelta(minutes=6)  # the lease of a dead second ends

    def _run(self, mortal: Mortal, owner: str) -> None:
        before, self.provider.die = self.provider.die, mortal.die
        broadcaster = Broadcaster(mortal, self.provider, self.settings, self.clock, owner=owner)  # type: ignore[arg-type]
        with suppress(NewsletterError, Killed):
            broadcaster.run(self.broadcast, Job("d", self.provider.prepare(MESSAGE), lambda reader: {}))
        self.provider.die = before

    def _owner(self) -> str:
        """A process of this machine that is dead whenever another looks."""
        parts = this_process().split("/")
        return "/".join((*parts[:3], "999999999", "1", f"{next(self.serial):08x}"))

    @rule(number=Reader, state=st.sampled_from([State.UNSUBSCRIBED, State.BOUNCED, State.COMPLAINED]))
    def reader_leaves(self, number: int, state: State) -> None:
        with self.store.transaction() as connection:
            leave(connection, number, state, self.clock.now())

    @rule(number=Reader)
    def address_is_suppressed(self, number: int) -> None:
        with self.store.transaction() as connection:
            suppression.suppress(connection, address(number), "complaint", "test", self.clock.now())

    @rule(repeat=st.booleans())
    def person_decides(self, repeat: bool) -> None:
        with self.store.transaction() as connection:
            ledger.settle_the_abandoned(connection, self.broadcast, self.clock.now())
            here = deliveries.c.state == DeliveryState.UNKNOWN
            doubtful = list(connection.execute(select(deliveries.c.email).where(here)).scalars())
            assert ledger.decide_unknown(connection, self.broadcast, repeat=repeat, now=self.clock.now()) == len(
                doubtful
            )
        if repeat:
            self.excused |= set(doubtful)

    @invariant()
    def nobody_has_it_twice(self) -> None:
        if hasattr(self, "provider"):
            assert {email for email, count in self.provider.inboxes.items() if count > 1} <= self.excused

    @invariant()
    def the_accounts_agree(self) -> None:
        if not hasattr(self, "provider"):
            return
        with self.store.reading() as connection:
            report = report_of(connection, self.broadcast)
            query = select(deliveries.c.email, deliveries.c.state, deliveries.c.reason, batches.c.state)
            query = query.outerjoin(batches, deliveries.c.batch_number == batches.c.number)
            rows = [tuple(row) for row in connection.execute(query)]
        states = {email: state for email, state, _, _ in rows}
        assert Counter(states.values()) == Counter(report.deliveries)
        assert report.sent == sum(1 for state in states.values() if state == "accepted")
        taken = set(self.provider.inboxes)
        assert {email for email, state in states.items() if state == "accepted"} <= taken
        in_doubt = {email for email, state, _, batch in rows if state == "unknown" or batch == "posting"}
        given_up = {email for email, _, reason, _ in rows if reason == GIVEN_UP}
        accepted = {email for email, state in states.items() if state == "accepted"}
        assert taken <= accepted | in_doubt | given_up | self.excused
        if report.state == "sent":
            assert len(states) == READERS and set(states.values()) <= set(FINAL)
            assert set(report.batches) <= {"accepted", "rejected"}

    @invariant()
    def every_move_is_in_the_tables(self) -> None:
        if hasattr(self, "provider"):
            with self.store.reading() as connection:
                made = connection.execute(text("SELECT name, old, new FROM moves")).all()
            assert [move for move in made if move.new not in MOVES[move.name][move.old]] == []

    @invariant()
    def what_has_an_end_keeps_it(self) -> None:
        with self.store.reading() as connection:
            rows = connection.execute(select(deliveries.c.email, deliveries.c.state)).all()
        now = {email: state for email, state in rows if state in FINAL}
        assert self.ended.items() <= now.items()
        self.ended = now

    def a_reader_in_doubt_left(self) -> bool:
        """Whether a reader of a batch in doubt left: then its repeat would be another call."""
        query = select(deliveries.c.subscriber_id).where(deliveries.c.state == DeliveryState.UNKNOWN)
        with self.store.reading() as connection:
            return bool(barred(connection, list(connection.execute(query).scalars())))

    def teardown(self) -> None:
        try:
            if hasattr(self, "provider"):
                self.all_goes_well_at_last()
        finally:
            self.store.close()
            shutil.rmtree(self.folder)

    def all_goes_well_at_last(self) -> None:
        """A run without trouble ends it, but for what only a person can decide; and then the person does."""
        self.send([], None)
        with self.store.reading() as connection:
            state = report_of(connection, self.broadcast).state
        assert state == "sent" or not self.provider.honours_keys or self.a_reader_in_doubt_left()
        self.person_decides(False)
        self.send([], None)
        self.nobody_has_it_twice()
        self.the_accounts_agree()
        with self.store.reading() as connection:
            assert report_of(connection, self.broadcast).state == "sent"


TestLedger = LedgerMachine.TestCase
TestLedger.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)
