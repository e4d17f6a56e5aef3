"""Senders that are killed while they post: everyone gets the issue once, and all accounts agree."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.store.tables import batches

from .audit import audit, doubtful
from .drill import SLUG, Drill, Outcome, broadcast, run
from .place import Place, ended, make_place
from .provider import Provider, running_provider

_NO_ROOM_FOR_LUCK = 20_000


def assert_exact(outcome: Outcome, kills: int) -> None:
    assert len(outcome.killed_at) == kills
    assert [end.code for end in outcome.ends].count(-9) == kills
    assert outcome.audit is not None and outcome.audit.exact, outcome.audit


def test_two_kills_and_a_bad_line_lose_nobody_and_mail_nobody_twice(tmp_path: Path) -> None:
    outcome = run(Drill(recipients=600, kills=2, batch_size=20, seed=4), tmp_path)
    assert_exact(outcome, kills=2)
    assert 0 < outcome.killed_at[0] <= outcome.killed_at[1]


@pytest.mark.slow
def test_four_senders_on_postgresql_of_which_two_are_killed(tmp_path: Path, postgres_url: str) -> None:
    drill = Drill(recipients=600, kills=2, batch_size=10, seed=5, senders=4, database_url=postgres_url)
    assert_exact(run(drill, tmp_path), kills=2)


@pytest.mark.slow
@pytest.mark.parametrize("senders", [1, 4])
def test_a_drill_on_postgresql(tmp_path: Path, postgres_url: str, senders: int) -> None:
    drill = Drill(recipients=4000, kills=10, batch_size=20, seed=6, senders=senders, database_url=postgres_url)
    assert_exact(run(drill, tmp_path), kills=10)


@pytest.mark.slow
def test_twenty_thousand_readers_and_three_kills_on_a_bad_line(tmp_path: Path) -> None:
    outcome = run(Drill(recipients=21_400, kills=3, seed=7), tmp_path)
    assert_exact(outcome, kills=3)
    assert outcome.audit is not None and outcome.audit.readers >= _NO_ROOM_FOR_LUCK


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_kill_for_every_few_calls(tmp_path: Path, seed: int) -> None:
    assert_exact(run(Drill(recipients=800, kills=15, batch_size=10, seed=seed), tmp_path), kills=15)


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_provider_that_promises_nothing_is_never_asked_twice(tmp_path: Path, seed: int) -> None:
    drill = Drill(recipients=600, kills=3, batch_size=20, seed=seed, idempotency=False)
    with running_provider(tmp_path / "provider", faults=f"{drill.faults};seed={seed}", idempotency=False) as provider:
        place = make_place(tmp_path / "publication", provider.url, recipients=600, batch_size=20)
        outcome = broadcast(drill, place, provider, lambda _: None)
        found, in_doubt = audit(place, provider, SLUG), doubtful(place, SLUG)
        assert (outcome.ends[-1].code, found.twice, found.strangers) == (7, 0, 0)
        assert in_doubt and found.states["unknown"] == len(in_doubt)
        assert found.ledger + found.states["unknown"] == found.readers
        # Who is lost is in doubt, and the ledger counts nobody as sent whom the provider does not have.
        assert found.lost <= len(in_doubt)
        assert found.ledger == found.report <= found.provider


def posting_since(place: Place) -> bool:
    """Whether the ledger says that the second batch is being posted."""
    with place.store() as store, store.reading() as connection:
        state = connection.execute(select(batches.c.state).where(batches.c.number == 2)).scalar()
    return bool(state == "posting")


def killed_in_the_second_call(place: Place, provider: Provider) -> None:
    """Send, and `kill -9` while the answer to the second call is outstanding: the provider stalls it."""
    readers = place.run("send", SLUG, "--dry-run").data["readers"]
    sender = place.start("send", SLUG, "--now", "--confirm", f"{SLUG}:{readers}")
    while not (provider.accepted() >= 20 and posting_since(place)):
        assert sender.poll() is None, ended(sender)
        time.sleep(0.01)
    time.sleep(0.1)
    sender.kill()
    assert ended(sender).code == -9


@pytest.mark.parametrize(
    ("fault", "word", "mailed_twice", "never_mailed"),
    [
        ("stall-after", "skip", 0, 0),
        pytest.param("stall-after", "repeat", 20, 0, marks=pytest.mark.slow),
        pytest.param("stall", "skip", 0, 20, marks=pytest.mark.slow),
        pytest.param("stall", "repeat", 0, 0, marks=pytest.mark.slow),
    ],
)
def test_a_batch_in_doubt_waits_for_a_persons_word_and_obeys_it(
    tmp_path: Path, fault: str, word: str, mailed_twice: int, never_mailed: int
) -> None:
    with running_provider(tmp_path / "provider", faults=f"at:2={fault}", idempotency=False) as provider:
        place = make_place(tmp_path / "publication", provider.url, recipients=60, batch_size=20, concurrency=1)
        killed_in_the_second_call(place, provider)
        resumed = place.run("send", SLUG, "--resume")
        assert (resumed.code, resumed.answer["error"]["code"]) == (7, "partly_sent")
        assert "20 unknown" in resumed.answer["error"]["message"]
        assert "--unknown repeat" in resumed.answer["error"]["hint"]
        assert (len(doubtful(place, SLUG)), audit(place, provider, SLUG).twice) == (20, 0)
        report = place.run("send", SLUG, "--resume", "--unknown", word).data
        found = audit(place, provider, SLUG)
    assert (found.twice, found.lost, found.strangers) == (mailed_twice, never_mailed, 0)
    assert report["state"] == "sent"
    assert report["sent"] == found.ledger == found.report == found.readers - (20 if word == "skip" else 0)
    assert report["skipped"].get("unknown outcome, not repeated", 0) == (20 if word == "skip" else 0)


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["stall-after", "stall"])
def test_a_call_without_an_answer_is_settled_by_its_key(tmp_path: Path, fault: str) -> None:
    with running_provider(tmp_path / "provider", faults=f"at:2={fault}") as provider:
        place = make_place(tmp_path / "publication", provider.url, recipients=60, batch_size=20, concurrency=1)
        killed_in_the_second_call(place, provider)
        assert place.run("send", SLUG, "--resume").data["state"] == "sent"
        assert audit(place, provider, SLUG).exact
