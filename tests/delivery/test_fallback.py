"""What the provider refused goes to another one; what may have been taken never does."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from test_broadcaster import JOB_MESSAGE, FakeClock, ScriptedProvider, plan, states

from newsletter.config import DeliveryConfig
from newsletter.delivery import ledger
from newsletter.delivery.broadcaster import Broadcaster
from newsletter.delivery.job import Job, Progress
from newsletter.delivery.protocol import Accepted, Blocked, Outcome, RecipientsRefused, Refused, Unknown
from newsletter.delivery.report import Report, report_of
from newsletter.errors import NewsletterError, PartlySentError
from newsletter.store.database import Store, open_store
from newsletter.store.tables import batches, metadata

SETTINGS = DeliveryConfig(batch_size=10, max_attempts=3, concurrency=1, requests_per_second=1e9)


class Pair:
    """A provider, the one behind it, and a store."""

    def __init__(self, store: Store, first: list[Outcome], second: list[Outcome] | None = None, *, keys: bool = True):
        self.store, self.steps = store, list[Progress]()
        self.first = ScriptedProvider([*first], honours_keys=keys)
        self.second = ScriptedProvider([*(second or [])], honours_keys=keys, name="other", account="other")

    def run(self, broadcast: int) -> Report:
        job = Job(
            "d", self.first.prepare(JOB_MESSAGE), lambda reader: {}, fallbacks=(self.second.prepare(JOB_MESSAGE),)
        )
        boss = Broadcaster(
            self.store, self.first, SETTINGS, FakeClock(), progress=self.steps.append, fallback=self.second
        )
        return boss.run(broadcast, job)

    @property
    def inboxes(self) -> Counter[str]:
        return self.first.inboxes + self.second.inboxes


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = open_store("", tmp_path)
    yield opened
    opened.close()


def test_a_batch_that_is_refused_to_the_end_goes_to_the_other_provider_and_both_are_counted(store: Store) -> None:
    pair = Pair(store, [Refused("down")] * 3)
    report = pair.run(plan(store, 100))
    assert (report.state, report.sent) == ("sent", 96)
    assert report.providers == {"other": 10, "scripted": 86}
    assert any("down; other takes over" in step.waiting for step in pair.steps)
    with store.reading() as connection:
        assert list(connection.execute(select(batches.c.number).where(batches.c.provider == "other")).scalars()) == [1]


def test_a_provider_that_stays_down_is_asked_once_for_each_further_batch(store: Store) -> None:
    pair = Pair(store, [Refused("down")] * 5)
    report = pair.run(plan(store, 100))
    assert report.providers == {"other": 30, "scripted": 66}
    assert pair.first.calls == 3 + 1 + 1 + 7  # the fourth batch is taken, and it has all attempts again


def test_a_provider_that_needs_a_person_is_asked_no_more(store: Store) -> None:
    pair = Pair(store, [Blocked("402: the credit is used up")])
    report = pair.run(plan(store, 100))
    assert (report.state, report.providers, pair.first.calls) == ("sent", {"other": 96}, 1)


def test_a_batch_of_unknown_outcome_never_goes_to_the_other_one(store: Store) -> None:
    pair = Pair(store, [Unknown("reset"), Refused("down"), Refused("down"), *[Refused("down")] * 3])
    pair.first.taken_before_the_answer_is_lost = True
    broadcast = plan(store, 20)
    with pytest.raises(PartlySentError, match="0 sent, 20 not yet: down"):
        pair.run(broadcast)
    assert (pair.second.inboxes, set(pair.inboxes.values())) == (Counter(), {1})
    assert states(store)["unknown"] == 10
    pair.first.script = []
    assert pair.run(broadcast).state == "sent"
    assert (len(pair.inboxes), set(pair.inboxes.values())) == (20, {1})


@pytest.mark.parametrize("keys", [True, False])
def test_what_is_in_doubt_at_the_other_one_is_repeated_there_or_waits_for_a_person(store: Store, keys: bool) -> None:
    pair = Pair(store, [Blocked("401")], [Unknown("reset")] * (9 if keys else 1), keys=keys)
    pair.second.taken_before_the_answer_is_lost = True
    broadcast = plan(store, 20)
    with pytest.raises(PartlySentError):
        pair.run(broadcast)
    pair.second.script = []
    if keys:
        assert pair.run(broadcast).providers == {"other": 10, "scripted": 10} or pair.second.inboxes.total() == 20
    else:
        with pytest.raises(PartlySentError, match="10 unknown"):
            pair.run(broadcast)
        with store.transaction() as connection:
            assert ledger.decide_unknown(connection, broadcast, repeat=False, now=FakeClock().now()) == 10
        pair.run(broadcast)
    assert set(pair.inboxes.values()) == {1}


def test_both_may_refuse_and_the_batch_is_free_again(store: Store) -> None:
    pair = Pair(store, [Refused("down")] * 3, [Refused("down too")] * 3)
    broadcast = plan(store, 20)
    with pytest.raises(NewsletterError, match="down too"):
        pair.run(broadcast)
    with store.reading() as connection:
        assert report_of(connection, broadcast).batches == {"pending": 2}
        assert set(connection.execute(select(batches.c.provider)).scalars()) == {""}
    assert (pair.run(broadcast).providers, pair.first.inboxes.total()) == ({}, 20)


OUTCOMES = st.sampled_from([
    Accepted(), Refused("429", too_fast=True), Refused("down"), Blocked("401"), Unknown("reset"),
    RecipientsRefused({0: "no domain"}),
])  # fmt: skip


@pytest.mark.parametrize("keys", [True, False])
@pytest.mark.parametrize("lost", [True, False])
def test_nobody_is_mailed_by_both_whatever_they_answer(store: Store, keys: bool, lost: bool) -> None:
    @given(st.lists(OUTCOMES, max_size=25), st.lists(OUTCOMES, max_size=25))
    @settings(max_examples=5)
    def hold(first: list[Outcome], second: list[Outcome]) -> None:
        with store.transaction() as connection:
            for table in reversed(metadata.sorted_tables):
                connection.execute(table.delete())
        pair = Pair(store, first, second, keys=keys)
        for provider in (pair.first, pair.second):
            provider.taken_before_the_answer_is_lost = lost
            provider._take = replaying(provider)  # type: ignore[method-assign]
        broadcast = plan(store, 40)
        for _ in range(6):
            with suppress(NewsletterError):
                pair.run(broadcast)
        found, inboxes = states(store), pair.inboxes
        assert set(inboxes.values()) <= {1}
        assert found.get("accepted", 0) <= inboxes.total() <= found.get("accepted", 0) + found.get("unknown", 0)

    hold()


def replaying(provider: ScriptedProvider) -> object:
    """A key that honours repeats may come with fewer readers here: what counts is who is mailed."""

    def take(emails: list[str], key: str) -> None:
        if provider.honours_keys and key in provider.keys:
            return
        provider.keys[key] = emails
        provider.inboxes.update(emails)

    return take
