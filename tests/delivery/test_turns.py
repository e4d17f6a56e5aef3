"""Many calls at a time, the switch, the circuit breaker, the limit of a day: the ledger stays exact under all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlalchemy import event, select
from test_broadcaster import JOB_MESSAGE, START, FakeClock, ScriptedProvider, plan, states

from newsletter.clock import SystemClock
from newsletter.config import DeliveryConfig
from newsletter.delivery import planning, switch
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.job import Job, Progress
from newsletter.delivery.protocol import Accepted, Outcome, Recipient, RecipientsRefused, Refused, Unknown
from newsletter.delivery.report import Report, report_of
from newsletter.errors import NewsletterError, PartlySentError, ProviderError, SafetyError
from newsletter.store.database import Store
from newsletter.store.tables import batches

QUICK = DeliveryConfig(batch_size=10, requests_per_second=1e9, concurrency=4, backoff=timedelta(milliseconds=1))


@dataclass
class Busy(ScriptedProvider):
    """Waits for a call from each of four threads before it answers any; so they are under way at the same time."""

    gate: threading.Barrier = field(default_factory=lambda: threading.Barrier(4))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def post(self, recipients: Sequence[Recipient], key: str) -> Outcome:
        self.gate.wait(timeout=20)
        with self.lock:
            return super().post(recipients, key)


@dataclass
class Replaying(ScriptedProvider):
    """Answers a key that it has taken as it would have answered the first time."""

    def post(self, recipients: Sequence[Recipient], key: str) -> Outcome:
        return Accepted() if key in self.keys else super().post(recipients, key)


def boss(store: Store, provider: ScriptedProvider, settings: DeliveryConfig = QUICK, **options: object) -> Broadcaster:
    return Broadcaster(store, provider, settings, SystemClock(), **options)  # type: ignore[arg-type]


def job(provider: ScriptedProvider) -> Job:
    return Job("d", provider.prepare(JOB_MESSAGE), lambda reader: {"name": reader.name})


def test_four_calls_are_under_way_at_once_and_everybody_gets_it_once(store: Store) -> None:
    provider, commits = Busy(), list[object]()
    broadcast = plan(store, 1000)
    event.listen(store.engine, "commit", commits.append)
    report = boss(store, provider).run(broadcast, job(provider))
    assert (report.state, report.sent, report.calls) == ("sent", 960, 96)
    assert (len(provider.inboxes), provider.inboxes.total()) == (960, 960)
    assert len(commits) < 96  # the results of several calls share a transaction


def test_an_intent_is_in_the_ledger_before_its_call_is_made(store: Store) -> None:
    provider, missing = Busy(), list[str]()
    broadcast = plan(store, 400)
    take = provider._take

    def look(emails: list[str], key: str) -> None:
        with store.reading() as connection:
            state = connection.execute(select(batches.c.state).where(batches.c.idempotency_key == key)).scalar()
        if state != "posting":
            missing.append(key)
        take(emails, key)

    provider._take = look  # type: ignore[method-assign]
    provider.gate = threading.Barrier(1)
    boss(store, provider).run(broadcast, job(provider))
    assert (missing, provider.inboxes.total()) == ([], 384)


def test_answers_of_all_kinds_that_come_together_leave_an_exact_ledger(store: Store) -> None:
    script: list[Outcome] = [Refused("429", too_fast=True), Unknown("reset"), RecipientsRefused({0: "no domain"})]
    provider = Replaying([*script * 6], taken_before_the_answer_is_lost=True)
    provider.post = locked(provider)  # type: ignore[method-assign]
    report = boss(store, provider).run(plan(store, 500), job(provider))
    assert (report.state, report.sent, sum(report.rejected.values())) == ("sent", 474, 6)
    assert (len(provider.inboxes), provider.inboxes.total()) == (474, 474)


def locked(provider: ScriptedProvider) -> object:
    lock, post = threading.Lock(), provider.post

    def call(recipients: Sequence[Recipient], key: str) -> Outcome:
        with lock:
            return post(recipients, key)

    return call


def test_the_first_batch_leaves_before_all_are_planned_and_the_report_is_exact(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(planning, "PAGE", 50)
    provider, steps, seen = ScriptedProvider(), list[Progress](), list[Report]()
    broadcast = plan(store, 1000)

    def look() -> None:
        with store.reading() as connection:
            seen.append(report_of(connection, broadcast))

    provider.before_call = look
    report = Broadcaster(
        store, provider, QUICK.model_copy(update={"concurrency": 1}), FakeClock(), progress=steps.append
    ).run(broadcast, job(provider))
    assert seen[0].readers == 50
    assert (report.sent, report.skipped, report.readers) == (960, {"unsubscribed": 40}, 1000)
    assert [len(emails) for emails in provider.keys.values()] == [10] * 96
    assert (steps[0].planned, steps[-1].planned) == (False, True)
    assert (steps[-1].sent, steps[-1].readers, steps[-1].skipped) == (960, 960, 40)


def test_what_stops_at_once_is_still_told_in_full_numbers(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(planning, "PAGE", 50)
    provider = ScriptedProvider([Refused("down")])
    settings = QUICK.model_copy(update={"max_attempts": 1, "concurrency": 1})
    with pytest.raises(ProviderError, match="down"):
        boss(store, provider, settings).run(plan(store, 1000), job(provider))
    assert states(store) == {"pending": 960, "skipped": 40}


def test_the_switch_lets_the_batch_in_flight_end_and_no_other_begin(store: Store) -> None:
    provider, broadcast = ScriptedProvider(), plan(store)

    def stop() -> None:
        with store.transaction() as connection:
            assert switch.stop(connection, "wrong link", START) == (provider.calls == 2)

    def after_the_first() -> None:
        if provider.calls == 2:
            stop()

    provider.before_call = after_the_first
    settings = QUICK.model_copy(update={"concurrency": 1})
    with pytest.raises(PartlySentError, match="20 sent, 220 not yet: stopped by hand") as caught:
        boss(store, provider, settings).run(broadcast, job(provider))
    assert "newsletter resume" in caught.value.hint
    assert provider.calls == 2
    with pytest.raises(SafetyError, match="stopped by hand"):
        boss(store, provider, settings).run(broadcast, job(provider))
    with store.transaction() as connection:
        assert report_of(connection, broadcast).state == "paused"
        assert switch.stopped(connection) == (START, "wrong link")
        assert switch.resume(connection) == (True, ["one"])
        assert switch.resume(connection) == (False, [])
        assert report_of(connection, broadcast).state == "sending"
    assert boss(store, provider, settings).run(broadcast, job(provider)).sent == 240
    assert provider.inboxes.total() == 240


def test_the_switch_does_not_wake_what_paused_for_another_reason(store: Store) -> None:
    provider, broadcast = ScriptedProvider([Unknown("reset")], honours_keys=False), plan(store)
    with pytest.raises(PartlySentError):
        boss(store, provider).run(broadcast, job(provider))
    with store.transaction() as connection:
        switch.stop(connection, "", START)
        assert switch.resume(connection) == (True, [])
        assert report_of(connection, broadcast).state == "paused"


def test_ctrl_c_leaves_the_broadcast_paused_and_a_schedulers_end_does_not(store: Store) -> None:
    provider, broadcast = ScriptedProvider(), plan(store)
    for pauses, state in ((False, "sending"), (True, "paused")):
        before = provider.calls
        with pytest.raises(NewsletterError, match="stopped by hand"):
            boss(store, provider, wants_stop=lambda: provider.calls > before, pauses=pauses).run(  # noqa: B023
                broadcast, job(provider)
            )
        with store.reading() as connection:
            assert report_of(connection, broadcast).state == state
    assert boss(store, provider).run(broadcast, job(provider)).sent == 240


def test_too_many_refused_readers_pause_the_broadcast(store: Store) -> None:
    provider = ScriptedProvider([RecipientsRefused(dict.fromkeys(range(5), "no such domain")), Accepted()] * 4)
    settings = QUICK.model_copy(update={"concurrency": 1})
    broadcast = plan(store)
    with pytest.raises(PartlySentError, match=r"the provider refused 20 of \d+ readers"):
        boss(store, provider, settings.model_copy(update={"batch_size": 10, "refusals": 0.2})).run(
            broadcast, job(provider)
        )
    with store.reading() as connection:
        report = report_of(connection, broadcast)
    assert report.state == "paused"
    assert report.deliveries["rejected"] == 20


def test_a_few_refused_readers_among_many_do_not(store: Store) -> None:
    provider = ScriptedProvider([RecipientsRefused({0: "no such domain"}), Accepted()] * 48)
    settings = QUICK.model_copy(update={"concurrency": 1, "batch_size": 20})
    report = boss(store, provider, settings).run(plan(store, 1000), job(provider))
    assert (report.state, report.deliveries["rejected"]) == ("sent", 48)


def test_a_day_takes_so_many_readers_and_the_next_day_goes_on(store: Store) -> None:
    provider, broadcast, clock = ScriptedProvider(), plan(store), FakeClock()
    settings = QUICK.model_copy(update={"daily_limit": 100, "warm_up": (25, 60), "concurrency": 1})
    sent = []
    for _ in range(4):
        try:
            Broadcaster(store, provider, settings, clock).run(broadcast, job(provider))
        except NewsletterError as error:
            assert "readers for today is reached" in error.message
        sent.append(provider.inboxes.total())
        with store.reading() as connection:
            assert report_of(connection, broadcast).state == ("sent" if provider.inboxes.total() == 240 else "sending")
        clock.at += timedelta(days=1)
    assert sent == [20, 80, 180, 240]


def test_a_batch_that_came_back_does_not_count_for_the_day(store: Store) -> None:
    provider, clock = ScriptedProvider([Refused("down")]), FakeClock()
    settings = QUICK.model_copy(update={"daily_limit": 240, "concurrency": 1, "max_attempts": 1})
    broadcast = plan(store)
    with pytest.raises(ProviderError):
        Broadcaster(store, provider, settings, clock).run(broadcast, job(provider))
    assert Broadcaster(store, provider, settings, clock).run(broadcast, job(provider)).sent == 240


def test_two_processes_share_a_broadcast_and_nobody_gets_it_twice(store: Store) -> None:
    provider, broadcast = ScriptedProvider(), plan(store, 1000)
    provider.post = locked(provider)  # type: ignore[method-assign]
    ends: list[object] = []

    def work() -> None:
        try:
            ends.append(boss(store, provider).run(broadcast, job(provider)).state)
        except Exception as error:
            ends.append(error)

    threads = [threading.Thread(target=work) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Counter(map(str, ends)).keys() <= {"sent", "sending"}
    assert "sent" in ends
    assert (len(provider.inboxes), provider.inboxes.total(), states(store)) == (
        960,
        960,
        {"accepted": 960, "skipped": 40},
    )


def test_a_repeat_that_is_refused_because_of_a_reader_is_not_made_without_them(store: Store) -> None:
    """The first call may have been taken, with them."""
    provider = ScriptedProvider([Unknown("reset"), RecipientsRefused({0: "x"})], taken_before_the_answer_is_lost=True)
    settings = QUICK.model_copy(update={"concurrency": 1, "batch_size": 100, "max_attempts": 2})
    with pytest.raises(PartlySentError, match="140 sent, 100 unknown"):
        boss(store, provider, settings).run(plan(store), job(provider))
    assert set(provider.inboxes.values()) == {1}
