"""A broadcast survives what a provider, a reader and a crash can do to it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import delete, event, select

from newsletter.audience.subscribers import State, leave
from newsletter.audience.suppression import suppress
from newsletter.config import DeliveryConfig
from newsletter.delivery import ledger
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.job import Job
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
from newsletter.delivery.states import BroadcastState
from newsletter.errors import ConfigError, NewsletterError, PartlySentError, ProviderError, SafetyError
from newsletter.store.database import Store, open_store
from newsletter.store.tables import batches, deliveries, editions, subscribers

START = datetime(2026, 11, 24, 8, tzinfo=UTC)


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps."""

    at: datetime = START
    slept: float = 0.0

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self.slept += seconds


@dataclass
class ScriptedProvider:
    """Answers as the script says, then accepts; remembers keys like a provider that honours them."""

    script: list[Outcome | BaseException] = field(default_factory=list)
    honours_keys: bool = True
    name: str = "scripted"
    account: str = "scripted"
    largest_batch: int = 100
    inboxes: Counter[str] = field(default_factory=Counter)
    keys: dict[str, list[str]] = field(default_factory=dict)
    taken_before_the_answer_is_lost: bool = False
    calls: int = 0
    before_call: Callable[[], None] = lambda: None

    def prepare(self, message: Message) -> Post:
        return self.post

    def post(self, recipients: Sequence[Recipient], key: str) -> Outcome:
        self.calls += 1
        self.before_call()
        answer = self.script.pop(0) if self.script else Accepted(f"ref-{self.calls}")
        lost = isinstance(answer, Unknown | BaseException) and self.taken_before_the_answer_is_lost
        if lost or isinstance(answer, Accepted):
            self._take([recipient.email for recipient in recipients], key)
        if isinstance(answer, BaseException):
            raise answer
        return answer

    def _take(self, emails: list[str], key: str) -> None:
        if self.honours_keys and key in self.keys:
            assert self.keys[key] == emails
            return
        self.keys[key] = emails
        self.inboxes.update(emails)


def plan(store: Store, count: int = 250) -> int:
    """A broadcast to so many subscribers, of whom every 25th has left."""
    with store.transaction() as connection:
        rows = [
            {
                "email": f"r{n}@example.org",
                "email_key": f"r{n}@example.org",
                "state": "unsubscribed" if n % 25 == 0 else "active",
                "created_at": START,
                "changed_at": START,
            }
            for n in range(1, count + 1)
        ]
        connection.execute(subscribers.insert(), rows)
        connection.execute(editions.insert(), {"digest": "d", "slug": "one", "content": "{}", "created_at": START})
        return create_broadcast(
            connection, slug="one", digest="d", segment="", provider="scripted", now=START, slot=None
        )


def sender(store: Store, provider: ScriptedProvider, clock: FakeClock | None = None, **options: object) -> Broadcaster:
    settings = DeliveryConfig(max_attempts=4, concurrency=1)
    return Broadcaster(store, provider, settings, clock or FakeClock(), **options)  # type: ignore[arg-type]


JOB_MESSAGE = Message("a@example.org", "s", "<p>", "t")


def run(store: Store, broadcast: int, provider: ScriptedProvider, clock: FakeClock | None = None) -> object:
    job = Job("d", provider.prepare(JOB_MESSAGE), lambda reader: {"name": reader.name})
    return sender(store, provider, clock).run(broadcast, job)


def states(store: Store) -> dict[str, int]:
    with store.reading() as connection:
        return dict(Counter(connection.execute(select(deliveries.c.state)).scalars()))


def test_everybody_active_gets_it_once_in_full_batches(store: Store) -> None:
    provider = ScriptedProvider()
    run(store, plan(store), provider)
    assert states(store) == {"accepted": 240, "skipped": 10}
    assert [len(emails) for emails in provider.keys.values()] == [100, 100, 40]
    assert set(provider.inboxes.values()) == {1}


def test_batches_are_filled_over_the_pages_of_the_audience(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("newsletter.delivery.planning.PAGE", 1000)
    provider = ScriptedProvider()
    run(store, plan(store, 2500), provider)
    assert [len(emails) for emails in provider.keys.values()] == [100] * 24
    assert states(store) == {"accepted": 2400, "skipped": 100}


def test_calls_keep_to_the_pace(store: Store) -> None:
    clock = FakeClock()
    run(store, plan(store), ScriptedProvider(), clock)
    assert 1.0 < clock.slept < 1.1  # three calls, a little under two a second


def test_a_refusal_is_repeated_after_the_time_that_the_provider_asks_for(store: Store) -> None:
    clock, provider = FakeClock(), ScriptedProvider([Refused("429", 30.0), Refused("500")])
    run(store, plan(store), provider, clock)
    assert (provider.calls, set(provider.inboxes.values())) == (5, {1})
    assert clock.slept >= 30


@pytest.mark.parametrize("taken", [True, False])
def test_a_lost_answer_is_settled_by_a_repeat_under_the_same_key(store: Store, taken: bool) -> None:
    provider = ScriptedProvider([Accepted(), Unknown("reset")], taken_before_the_answer_is_lost=taken)
    run(store, plan(store), provider)
    assert states(store) == {"accepted": 240, "skipped": 10}
    assert len(provider.inboxes) == provider.inboxes.total() == 240


def test_without_a_promise_a_lost_answer_waits_for_a_person(store: Store) -> None:
    provider = ScriptedProvider(
        [Accepted(), Unknown("reset")], honours_keys=False, taken_before_the_answer_is_lost=True
    )
    broadcast = plan(store)
    with pytest.raises(PartlySentError, match="140 sent, 100 unknown"):
        run(store, broadcast, provider)
    with pytest.raises(PartlySentError):
        run(store, broadcast, provider)
    assert (provider.calls, len(provider.inboxes), provider.inboxes.total()) == (3, 240, 240)
    with store.transaction() as connection:
        assert ledger.decide_unknown(connection, broadcast, repeat=False, now=START) == 100
    run(store, broadcast, provider)
    assert states(store) == {"accepted": 140, "skipped": 110}


def test_a_person_may_have_the_batches_in_doubt_repeated(store: Store) -> None:
    provider = ScriptedProvider([Unknown("reset")], honours_keys=False)
    broadcast = plan(store)
    with pytest.raises(PartlySentError):
        run(store, broadcast, provider)
    with store.transaction() as connection:
        assert ledger.decide_unknown(connection, broadcast, repeat=True, now=START) == 100
    run(store, broadcast, provider)
    assert (states(store), provider.inboxes.total()) == ({"accepted": 240, "skipped": 10}, 240)


def test_an_invalid_recipient_does_not_cost_the_others_their_issue(store: Store) -> None:
    run(store, plan(store), ScriptedProvider([RecipientsRefused({3: "no such domain", 7: "no such domain"})]))
    assert states(store) == {"accepted": 238, "rejected": 2, "skipped": 10}


def test_who_leaves_while_it_is_sent_is_not_mailed_any_more(store: Store) -> None:
    provider = ScriptedProvider([Refused("429")])

    def leaves() -> None:
        with store.transaction() as connection:
            leave(connection, 5, State.UNSUBSCRIBED, START)
            leave(connection, 105, State.COMPLAINED, START)

    provider.before_call = leaves
    run(store, plan(store), provider)
    assert states(store) == {"accepted": 238, "skipped": 12}
    assert "r5@example.org" not in provider.inboxes


def test_who_is_suppressed_or_erased_after_the_plan_is_not_mailed_and_the_ledger_says_why(store: Store) -> None:
    broadcast = plan(store, 6)
    with store.transaction() as connection:
        while ledger_plan(connection, broadcast):
            pass
        suppress(connection, "r2@example.org", "complained", "a test", START)
        connection.execute(delete(subscribers).where(subscribers.c.id == 3))
    provider = ScriptedProvider()
    run(store, broadcast, provider)
    assert sorted(provider.inboxes) == ["r1@example.org", "r4@example.org", "r5@example.org", "r6@example.org"]
    with store.reading() as connection:
        query = select(deliveries.c.subscriber_id, deliveries.c.reason).where(deliveries.c.state == "skipped")
        assert dict(connection.execute(query).all()) == {2: "complained", 3: "erased"}  # type: ignore[arg-type]


def test_a_batch_is_read_by_itself_however_large_the_broadcast(tmp_path: Path) -> None:
    store, asked = open_store("", tmp_path), []
    event.listen(store.engine, "before_cursor_execute", lambda *call: asked.append(call[2:4]))
    with store.reading() as connection:
        ledger.readers_of_batches(connection, 1, [1])
        query, values = asked[-1]
        steps = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}", values)]
    store.close()
    assert "(broadcast_id=? AND batch_number=?)" in steps[0]
    assert not any("SCAN" in step for step in steps)


def test_a_result_and_the_next_intent_are_one_transaction_where_no_call_has_to_wait(store: Store) -> None:
    broadcast, provider, commits = plan(store, 1000), ScriptedProvider(), []
    event.listen(store.engine, "commit", commits.append)
    boss = Broadcaster(
        store, provider, DeliveryConfig(batch_size=10, requests_per_second=1e9, concurrency=1), FakeClock()
    )
    boss.run(broadcast, Job("d", provider.prepare(JOB_MESSAGE), lambda reader: {}))
    assert provider.calls == 96
    assert len(commits) < provider.calls + 10


def test_a_repeat_that_would_mail_who_left_is_left_to_a_person(store: Store) -> None:
    provider = ScriptedProvider([Unknown("reset")])

    def leaves() -> None:
        with store.transaction() as connection:
            leave(connection, 5, State.UNSUBSCRIBED, START)

    provider.before_call = leaves
    with pytest.raises(PartlySentError, match="140 sent, 100 unknown"):
        run(store, plan(store), provider)
    assert "r5@example.org" not in provider.inboxes


def test_a_batch_once_in_doubt_stays_so_whatever_is_answered_later(store: Store) -> None:
    """The second call was refused, but the first may have been taken: with one reader less it must not be a new one."""
    provider = ScriptedProvider([Unknown("reset"), *[Refused("429")] * 3], taken_before_the_answer_is_lost=True)
    broadcast = plan(store)
    with pytest.raises(PartlySentError, match="0 sent, 240 not yet"):
        run(store, broadcast, provider)
    assert states(store) == {"unknown": 100, "pending": 140, "skipped": 10}
    with store.transaction() as connection:
        leave(connection, 5, State.UNSUBSCRIBED, START)
    with pytest.raises(PartlySentError, match="140 sent, 100 unknown"):
        run(store, broadcast, provider)
    assert set(provider.inboxes.values()) == {1}


def test_a_wrong_key_stops_before_anyone_gets_it_and_resumes_once_mended(store: Store) -> None:
    provider, broadcast = ScriptedProvider([Blocked("401", "check the key")]), plan(store)
    with pytest.raises(ConfigError, match="nothing was sent"):
        run(store, broadcast, provider)
    assert provider.calls == 1
    run(store, broadcast, provider)
    assert states(store) == {"accepted": 240, "skipped": 10}


def test_an_unreachable_provider_is_given_up_and_tried_again_by_the_next_run(store: Store) -> None:
    provider, broadcast = ScriptedProvider([Refused("unreachable")] * 4), plan(store)
    with pytest.raises(ProviderError, match="unreachable"):
        run(store, broadcast, provider)
    run(store, broadcast, provider)
    assert provider.inboxes.total() == len(provider.inboxes) == 240


@pytest.mark.parametrize("taken", [True, False])
def test_an_interruption_in_the_middle_of_a_call_is_an_unknown_outcome(store: Store, taken: bool) -> None:
    provider = ScriptedProvider([Accepted(), KeyboardInterrupt()], taken_before_the_answer_is_lost=taken)
    broadcast = plan(store)
    with pytest.raises(KeyboardInterrupt):
        run(store, broadcast, provider)
    assert states(store) == {"accepted": 100, "unknown": 100, "pending": 40, "skipped": 10}
    run(store, broadcast, provider)
    assert provider.inboxes.total() == len(provider.inboxes) == 240


def test_a_batch_of_a_dead_process_is_in_doubt_and_one_of_a_living_is_left_alone(store: Store) -> None:
    provider, broadcast = ScriptedProvider(honours_keys=False), plan(store)
    boss = sender(store, provider)
    dead = boss.owner.split("/")
    dead[3], dead[4] = "999999999", "1"
    with store.transaction() as connection:
        while ledger_plan(connection, broadcast):
            pass
        for owner in ("/".join(dead), boss.owner):
            assert ledger.claim_batches(connection, broadcast, owner, START + timedelta(hours=1))
    with pytest.raises(PartlySentError, match="40 sent, 100 unknown"):
        run(store, broadcast, provider)
    with store.reading() as connection:
        found = connection.execute(select(batches.c.number, batches.c.state).order_by(batches.c.number)).all()
    assert [tuple(row) for row in found] == [(1, "unknown"), (2, "posting"), (3, "accepted")]


def test_what_another_process_has_sent_meanwhile_is_reported_not_refused(store: Store) -> None:
    provider, broadcast = ScriptedProvider(), plan(store)
    first = run(store, broadcast, provider)
    assert run(store, broadcast, provider) == first
    assert provider.calls == 3


def test_a_cancelled_broadcast_is_not_begun(store: Store) -> None:
    provider, broadcast = ScriptedProvider(), plan(store)
    with store.transaction() as connection:
        assert ledger.move_broadcast(connection, broadcast, BroadcastState.CANCELLED)
    with pytest.raises(SafetyError, match="is cancelled"):
        run(store, broadcast, provider)
    assert provider.calls == 0


def test_an_issue_has_one_broadcast(store: Store) -> None:
    run(store, plan(store), ScriptedProvider())
    with pytest.raises(SafetyError, match="has its broadcast already: sent"), store.transaction() as connection:
        create_broadcast(connection, slug="one", digest="d", segment="", provider="p", now=START, slot=None)


def test_a_wish_to_stop_is_heard_between_two_calls(store: Store) -> None:
    provider, broadcast = ScriptedProvider(), plan(store)
    job = Job("d", provider.prepare(JOB_MESSAGE), lambda reader: {})
    with pytest.raises(NewsletterError, match="stopped by hand"):
        sender(store, provider, wants_stop=lambda: provider.calls >= 1).run(broadcast, job)
    assert states(store) == {"accepted": 100, "pending": 140, "skipped": 10}


def ledger_plan(connection: object, broadcast: int) -> bool:
    from newsletter.delivery.planning import plan_page

    return plan_page(connection, broadcast, 100)  # type: ignore[arg-type]
