"""The scheduler through the real command line: a dozen slots over a change of the clock, a kill, two at once."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from sqlalchemy import select

from newsletter.store.database import open_store
from newsletter.store.tables import broadcasts, slots

from .audit import audit
from .place import Place, ended, make_place, slugs
from .provider import Provider, running_provider

READERS, BATCH = 45, 10
# Each Tuesday and Friday from 2026-10-06; Berlin's clock goes back on 2026-10-25.
DAYS = "10-06 10-09 10-13 10-16 10-20 10-23 10-27 10-30 11-03 11-06 11-10 11-13 11-17".split()
INSTANTS = [f"2026-{day}T{'07' if day < '10-25' else '08'}:00:00+00:00" for day in DAYS]
KILLED_IN, EMPTY, LATE, TWO_LATE, AT_ONCE = 3, 6, 8, 9, 10  # numbers of slots


def once(place: Place, moment: str) -> dict[str, object]:
    """One pass that ends well, told an instant with its offset or a wall time."""
    return place.run("scheduler", "once", "--now", moment).data


def opened(answer: dict[str, object]) -> list[tuple[str, str, str]]:
    openings: list[dict[str, str]] = answer["openings"]  # type: ignore[assignment]
    return [(opening["slot"], opening["state"], opening["slug"]) for opening in openings]


def killed_pass(place: Place, provider: Provider, moment: str) -> None:
    """A pass that is killed in its second call: the mails are taken, the answer is outstanding."""
    before = provider.accepted()
    process = place.start("scheduler", "once", "--now", moment)
    while provider.accepted() < before + 2 * BATCH:
        assert process.poll() is None, ended(process)
        time.sleep(0.01)
    process.kill()
    assert ended(process).code == -9


@pytest.mark.slow
def test_thirteen_slots_through_real_processes(tmp_path: Path) -> None:
    batches_each = -(-42 // BATCH)  # 42 of the sample readers are active
    in_the_kill = f"at:{KILLED_IN * batches_each + 2}=stall-after"
    with running_provider(tmp_path / "provider", faults=in_the_kill) as provider:
        place = make_place(
            tmp_path / "publication", provider.url, recipients=READERS, issues=11, batch_size=BATCH, concurrency=1
        )
        names, sent = list(slugs(11)), list[tuple[str, str]]()
        for name in names[:6]:
            assert place.run("approve", name).code == 0
        for number, (day, instant) in enumerate(zip(DAYS, INSTANTS, strict=True)):
            wall = f"2026-{day}T09:00"
            assert opened(once(place, f"2026-{day}T08:59")) == []
            if number == EMPTY:
                assert opened(once(place, wall)) == [(wall, "empty", "")]
                for name in names[6:]:
                    assert place.run("approve", name).code == 0
                continue
            if number == TWO_LATE:
                assert opened(once(place, f"2026-{day}T15:01")) == [(wall, "missed", "")]
                continue
            name = names[len(sent)]
            if number == KILLED_IN:
                killed_pass(place, provider, instant)
                answer = once(place, f"2026-{day}T09:05")
                assert (opened(answer), answer["broadcasts"][0]["slug"]) == ([], name)  # type: ignore[index]
            elif number == AT_ONCE:
                two = [place.start("scheduler", "once", "--now", instant) for _ in range(2)]
                answers = [ended(process).data for process in two]
                assert sorted(map(opened, answers)) == [[], [(wall, "taken", name)]]
            else:
                moment = f"2026-{day}T14:59" if number == LATE else instant
                assert opened(once(place, moment)) == [(wall, "taken", name)]
            sent.append((name, wall))
            assert opened(once(place, f"2026-{day}T20:00")) == []
            assert audit(place, provider, name, f"Word {name.removeprefix('word-')}").exact
        assert [name for name, _ in sent] == names
        assert slots_of(place) == sent


def slots_of(place: Place) -> list[tuple[str, str]]:
    """(issue, wall time of its slot) as the ledger has it, in the order of sending."""
    store = open_store("", place.state)
    query = select(broadcasts.c.slug, slots.c.wall_time, slots.c.starts_at).join(
        slots, slots.c.id == broadcasts.c.slot_id
    )
    with store.reading() as connection:
        rows = connection.execute(query.order_by(slots.c.starts_at)).all()
    store.close()
    assert {row.starts_at.isoformat() for row in rows} <= set(INSTANTS)
    return [(row.slug, row.wall_time) for row in rows]


@pytest.mark.slow
def test_two_schedulers_at_the_same_moment_send_once(tmp_path: Path) -> None:
    with running_provider(tmp_path / "provider") as provider:
        place = make_place(tmp_path / "publication", provider.url, recipients=400, issues=5, batch_size=10)
        for name in slugs(5):
            assert place.run("approve", name).code == 0
        for instant in INSTANTS[:5]:
            two = [place.start("scheduler", "once", "--now", instant) for _ in range(2)]
            answers = [ended(process).data for process in two]
            assert sorted(len(opened(answer)) for answer in answers) == [0, 1]
        for number, name in enumerate(slugs(5), start=1):
            assert audit(place, provider, name, f"Word {number}").exact  # `status` knows the last five
