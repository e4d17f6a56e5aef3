"""Subject tests: each reader once, under one subject; one decision, by the rule that was agreed, whatever happens."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlalchemy import select, text
from test_states import Clock, Killed, Mortal

from newsletter.audience.subscribers import State, leave
from newsletter.config import DeliveryConfig
from newsletter.delivery import trials
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.job import Job
from newsletter.delivery.planning import create_broadcast
from newsletter.delivery.protocol import Accepted, Message, Outcome, Post, Recipient
from newsletter.delivery.report import Report, report_of
from newsletter.delivery.trials import Arm, Phase, Rule, Terms, Trial, chance, choose, draw, part_of
from newsletter.errors import NewsletterError
from newsletter.store.database import Store, open_store
from newsletter.store.tables import broadcasts, deliveries, editions, events, subscribers

START = datetime(2026, 11, 24, 8, tzinfo=UTC)
SUBJECTS = ("First", "Second", "Third")
TERMS = Terms(Rule.CLICKS, 0.5, timedelta(hours=4), 0.0, "https://us.example/unsubscribe/")
arms = st.lists(st.builds(Arm, st.just("s"), st.integers(1, 50), st.integers(0, 1)), min_size=2, max_size=5)


@dataclass
class Provider:
    """Takes every call, once under the same key; remembers who got which subject. `live` may end the process."""

    live: Any = lambda: None
    name: str = "honest"
    account: str = "honest"
    largest_batch: int = 7
    honours_keys: bool = True
    inboxes: dict[str, list[str]] = field(default_factory=dict)
    keys: set[str] = field(default_factory=set)

    def prepare(self, message: Message) -> Post:
        def post(readers: Sequence[Recipient], key: str) -> Outcome:
            self.live()
            if key not in self.keys:
                self.keys.add(key)
                for reader in readers:
                    self.inboxes.setdefault(reader.email, []).append(message.subject)
            self.live()
            return Accepted(f"ref-{key}")

        return post


def people(store: Store, count: int) -> None:
    rows = [
        {"id": n, "email": f"r{n}@x.example", "email_key": f"r{n}@x.example", "state": "active", "fields": {}}
        | {"created_at": START, "changed_at": START}
        for n in range(1, count + 1)
    ]
    with store.transaction() as connection:
        connection.execute(subscribers.insert(), rows)
        connection.execute(editions.insert(), {"digest": "d", "slug": "s", "content": "{}", "created_at": START})


def begin(store: Store, provider: Provider, terms: Terms = TERMS) -> int:
    with store.transaction() as connection:
        values = {"slug": "s", "digest": "d", "segment": "", "provider": provider.name, "now": START, "slot": None}
        number = create_broadcast(connection, **values)
        trials.begin(connection, number, SUBJECTS, terms)
    return number


def run(store: Any, provider: Provider, number: int, clock: Clock, progress: Any = lambda _: None) -> Report:
    settings_ = DeliveryConfig(batch_size=7, requests_per_second=1000, concurrency=1)
    first, *others = (provider.prepare(Message("a@x.example", subject, "<p>", "t")) for subject in SUBJECTS)
    boss = Broadcaster(store, provider, settings_, clock, progress=progress)
    return boss.run(number, Job("d", first, lambda _: {}, tuple(others)))


def click(store: Store, number: int, who: int, at: datetime, link: str = "https://x.example/") -> None:
    key = f"{who}-{at:%d%H%M%S%f}-{link[-5:]}"
    row = {"source": "t", "key": key, "kind": "clicked", "email_key": "", "state": "applied", "occurred_at": at}
    row |= {"received_at": at, "subscriber_id": who, "broadcast_id": number, "detail": {"link": link}}
    with store.transaction() as connection:
        connection.execute(events.insert(), row)


def trial(store: Store, number: int) -> Trial:
    with store.reading() as connection:
        found = trials.trial_of(connection, number)
    assert found is not None
    return found


def sample(number: int, part: int, count: int = 100) -> list[int]:
    return [who for who in range(1, count + 1) if part_of(number, who, len(SUBJECTS), TERMS.share) == part]


# ---- by lot ----------------------------------------------------------------------------------------------


def test_the_database_draws_as_this_process_does(store: Store) -> None:
    with store.transaction() as connection:
        connection.execute(
            subscribers.insert(),
            [
                {"id": n, "email": str(n), "email_key": str(n), "state": "active", "fields": {}}
                | {"created_at": START, "changed_at": START}
                for n in (1, 2, 3, 99, 65_536, 2**31 - 1)
            ],
        )
        for broadcast in (1, 77, 2**31 - 1):
            test = Trial(broadcast, SUBJECTS, TERMS, 1, 0)
            for part in range(4):
                query = select(subscribers.c.id).where(trials.in_part(test, part, subscribers.c.id))
                assert set(connection.execute(query).scalars()) == {
                    n for n in (1, 2, 3, 99, 65_536, 2**31 - 1) if part_of(broadcast, n, 3, TERMS.share) == part
                }


@pytest.mark.parametrize("broadcast", [1, 2, 500])
@pytest.mark.parametrize("first", [1, 1_000_000])
def test_samples_are_as_large_as_agreed_and_of_equal_size(broadcast: int, first: int) -> None:
    parts = [part_of(broadcast, who, 2, 0.2) for who in range(first, first + 20_000)]
    for part in (1, 2):
        assert 1880 < parts.count(part) < 2120  # a tenth, give or take three deviations


def test_another_broadcast_draws_other_readers() -> None:
    one, other = ({who for who in range(20_000) if part_of(number, who, 2, 0.2)} for number in (7, 8))
    assert 700 < len(one & other) < 900  # a fifth of a fifth


@given(broadcast=st.integers(1, 2**31 - 1), reader=st.integers(1, 2**31 - 1), subjects=st.integers(2, 5))
def test_everybody_has_one_place_and_keeps_it(broadcast: int, reader: int, subjects: int) -> None:
    assert 0 <= draw(broadcast, reader) < 2**31 - 1
    part = part_of(broadcast, reader, subjects, 0.3)
    assert part in range(subjects + 1)
    assert part == part_of(broadcast, reader, subjects, 0.3)


# ---- the rule ----------------------------------------------------------------------------------------------


@given(found=arms, margin=st.sampled_from([0.0, 0.05]))
def test_the_first_subject_wins_unless_another_is_better_by_more_than_the_margin(
    found: list[Arm], margin: float
) -> None:
    winner, reason = choose(found, margin, Rule.CLICKS)
    best = max(arm.rate for arm in found)
    assert winner == (0 if best - found[0].rate <= margin else [arm.rate for arm in found].index(best))
    assert reason


def test_chance_is_small_only_where_a_difference_is_large_for_its_numbers() -> None:
    assert chance((0, 0), (5, 10)) == 1.0
    assert chance((5, 10), (5, 10)) == 1.0
    assert chance((4, 100), (3, 100)) > 0.5
    assert 0.01 < chance((120, 1000), (90, 1000)) < 0.05  # z = 2.2
    assert chance((400, 1000), (300, 1000)) < 0.00001


def test_a_small_difference_is_told_as_what_it_is() -> None:
    def told(hits: int) -> str:
        found = (Arm("A", 1000, 30), Arm("B", 1000, hits))
        return Trial(1, ("A", "B"), TERMS, 0, 0, START, 1, "more readers clicked", found, START).sentence()

    assert told(35) == (
        '"B" won: more readers clicked ("A" 3.0 % of 1000, "B" 3.5 % of 1000; so small a difference may be chance)'
    )
    assert told(60) == '"B" won: more readers clicked ("A" 3.0 % of 1000, "B" 6.0 % of 1000)'


# ---- a broadcast ----------------------------------------------------------------------------------------------


def test_samples_go_first_then_nothing_until_it_is_time_then_the_rest_under_the_winner(store: Store) -> None:
    people(store, 100)
    provider, clock = Provider(), Clock()
    number = begin(store, provider)
    report = run(store, provider, number, clock)
    got = {who for part in (1, 2, 3) for who in sample(number, part)}
    assert provider.inboxes == {
        f"r{who}@x.example": [SUBJECTS[part - 1]] for part in (1, 2, 3) for who in sample(number, part)
    }
    assert (report.state, report.sent, report.awaits) == ("sending", len(got), clock.at + TERMS.wait)
    for who in sample(number, 2)[:5]:
        click(store, number, who, clock.at + timedelta(hours=1))
    click(store, number, sample(number, 1)[0], clock.at + timedelta(hours=3))
    for who in sample(number, 3):  # leaving is no success, and too late is too late
        click(store, number, who, clock.at + timedelta(hours=1), "https://us.example/unsubscribe/x")
        click(store, number, who, clock.at + timedelta(hours=5))
    clock.at += TERMS.wait - timedelta(seconds=1)
    assert run(store, provider, number, clock).sent == len(got)
    clock.at += timedelta(hours=2)
    report = run(store, provider, number, clock)
    assert (report.state, report.sent) == ("sent", 100)
    assert all(len(subjects) == 1 for subjects in provider.inboxes.values())
    rest = [provider.inboxes[f"r{who}@x.example"] for who in sample(number, 0)]
    assert rest == [["Second"]] * len(rest)
    decided = trial(store, number)
    assert [(arm.readers, arm.responded) for arm in decided.arms] == [
        (len(sample(number, 1)), 1), (len(sample(number, 2)), 5), (len(sample(number, 3)), 0),
    ]  # fmt: skip
    assert (decided.phase(clock.at), decided.winner, decided.reason) == (Phase.DECIDED, 1, "more readers clicked")


def test_where_nobody_clicks_the_rest_gets_the_first_subject(store: Store) -> None:
    people(store, 20)
    provider, clock = Provider(), Clock()
    number = begin(store, provider)
    run(store, provider, number, clock)
    clock.at += timedelta(days=1)
    assert run(store, provider, number, clock).state == "sent"
    assert trial(store, number).reason == "nobody clicked in time, so it is the first"
    assert all(provider.inboxes[f"r{who}@x.example"] == ["First"] for who in sample(number, 0, 20))


def test_of_two_processes_that_count_at_once_only_one_decides(tmp_path: Path, postgres_url: str) -> None:
    store = open_store(postgres_url, tmp_path)
    people(store, 100)
    provider, clock = Provider(), Clock()
    number = begin(store, provider)
    run(store, provider, number, clock)
    clock.at += timedelta(days=1)
    click(store, number, sample(number, 2)[0], START + timedelta(hours=1))
    with ThreadPoolExecutor(1) as pool:
        with store.transaction() as connection:
            first = trials.settle(connection, number, clock.at)
            for who in sample(number, 3):  # told late, and seen by the second one only
                click(store, number, who, START + timedelta(hours=2))
            second = pool.submit(settle_alone, store, number, clock.at)
            wait_for_a_lock(store)
        assert second.result(60) == first
    assert trial(store, number) == first
    assert first is not None and first.winner == 1
    store.close()


def settle_alone(store: Store, number: int, now: datetime) -> Trial | None:
    with store.transaction() as connection:
        return trials.settle(connection, number, now)


def wait_for_a_lock(store: Store) -> None:
    """Until somebody waits for a row that another transaction holds."""
    while True:
        with store.reading() as connection:
            if connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one():
                return


@pytest.mark.parametrize("count", [0, 1, 2])
def test_a_list_too_small_for_samples_is_sent_all_the_same(store: Store, count: int) -> None:
    if count:
        people(store, count)
    else:
        people(store, 1)
        with store.transaction() as connection:
            connection.execute(subscribers.delete())
    provider, clock = Provider(), Clock()
    number = begin(store, provider)
    run(store, provider, number, clock)
    clock.at += timedelta(days=1)
    assert run(store, provider, number, clock).state == "sent"
    assert len(provider.inboxes) == count


@cache
def empty_store() -> Path:
    """A database with tables and nothing else, to be copied: making one takes as long as a whole example."""
    folder = Path(tempfile.mkdtemp())
    open_store("", folder).close()
    return folder


class Trials(RuleBasedStateMachine):
    """A broadcast with a test of subjects, whose sender dies at any moment, while readers click and leave."""

    @initialize(count=st.integers(0, 40))
    def start(self, count: int) -> None:
        self.folder = Path(tempfile.mkdtemp())
        shutil.copy(empty_store() / "newsletter.db", self.folder)
        self.store = open_store("", self.folder)
        self.count, self.clock, self.provider = count, Clock(), Provider()
        people(self.store, count) if count else None
        if not count:
            with self.store.transaction() as connection:
                row = {"digest": "d", "slug": "s", "content": "{}", "created_at": START}
                connection.execute(editions.insert(), row)
        self.number = begin(self.store, self.provider)
        self.seen: Trial | None = None
        self.gone: set[int] = set()

    @rule(moments=st.one_of(st.integers(0, 40), st.none()), hours=st.integers(0, 5))
    def send(self, moments: int | None, hours: int) -> None:
        self.clock.at += timedelta(hours=hours)
        mortal = Mortal(self.store, 10_000 if moments is None else moments)
        self.provider.live = mortal.live
        with suppress(Killed, NewsletterError):
            run(mortal, self.provider, self.number, self.clock)
        self.provider.live = lambda: None

    @rule(who=st.integers(1, 40))
    def respond(self, who: int) -> None:
        if self.provider.inboxes.get(f"r{who}@x.example"):
            self.clock.at += timedelta(seconds=1)
            click(self.store, self.number, who, self.clock.at)

    @rule(who=st.integers(1, 40))
    def quit(self, who: int) -> None:
        with self.store.transaction() as connection:
            if leave(connection, who, State.UNSUBSCRIBED, self.clock.at):
                self.gone.add(who)

    @invariant()
    def nobody_has_it_twice_or_under_a_subject_of_others(self) -> None:
        if not hasattr(self, "store"):
            return
        found = trial(self.store, self.number)
        for who in range(1, self.count + 1):
            got = self.provider.inboxes.get(f"r{who}@x.example", [])
            assert len(got) <= 1
            if got:
                part = part_of(self.number, who, len(SUBJECTS), TERMS.share)
                assert part or found.winner is not None  # the rest got nothing before the decision
                assert got == [SUBJECTS[part - 1 if part else found.winner or 0]]
        if self.seen is not None and self.seen.winner is not None:
            assert found == self.seen  # a decision stands, with its numbers
        self.seen = found

    @invariant()
    def the_ledger_has_each_reader_once_and_in_their_part(self) -> None:
        if not hasattr(self, "store"):
            return
        with self.store.reading() as connection:
            rows = connection.execute(select(deliveries)).all()
            state = connection.execute(select(broadcasts.c.state)).scalar_one()
        for row in rows:
            assert row.sample == part_of(self.number, row.subscriber_id, len(SUBJECTS), TERMS.share)
        batches_of = {(row.batch_number, row.sample) for row in rows if row.batch_number}
        assert len(batches_of) == len({batch for batch, _ in batches_of})  # no batch has two subjects
        if state == "sent":
            assert len(rows) == self.count

    def teardown(self) -> None:
        if not hasattr(self, "store"):
            return
        for _ in range(6):
            self.clock.at += timedelta(hours=5)
            with suppress(NewsletterError):
                run(self.store, self.provider, self.number, self.clock)
        with self.store.reading() as connection:
            report = report_of(connection, self.number)
        assert report.state == "sent"
        assert report.sent == len(self.provider.inboxes)
        for who in set(range(1, self.count + 1)) - self.gone:
            assert len(self.provider.inboxes[f"r{who}@x.example"]) == 1
        self.store.close()
        shutil.rmtree(self.folder)


TestTrials = Trials.TestCase
TestTrials.settings = settings(max_examples=5, stateful_step_count=12, deadline=None)
