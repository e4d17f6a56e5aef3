"""A slot without an issue brings the best-liked one to those who did not get it, and nobody gets it twice."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from office import HOUR, MINUTE, TUESDAY, Office
from sqlalchemy import select

from newsletter.pipeline.agenda import explanation
from newsletter.store.tables import broadcasts, clicks, events, subscribers

if TYPE_CHECKING:
    from conftest import Press

FRIDAY, NEXT = TUESDAY + timedelta(days=3), TUESDAY + timedelta(days=7)


def join(press: Press, name: str) -> None:
    row = {"email": f"{name}@reader.example", "email_key": f"{name}@reader.example", "name": name, "state": "active"}
    with press.store.transaction() as connection:
        connection.execute(subscribers.insert(), row | {"created_at": TUESDAY, "changed_at": TUESDAY})


def click(press: Press, slug: str, *readers: int) -> None:
    with press.store.transaction() as connection:
        number = connection.execute(select(broadcasts.c.id).where(broadcasts.c.slug == slug)).scalar_one()
        for reader in readers:
            row = {"source": "test", "key": f"{slug} {reader}", "kind": "clicked", "email_key": "", "state": "applied"}
            row |= {"occurred_at": FRIDAY, "received_at": FRIDAY, "subscriber_id": reader, "broadcast_id": number}
            connection.execute(events.insert(), row | {"reference": "", "detail": {}})


def office(press: Press) -> Office:
    """`one` and `two` went to ada and bo, who clicked the first more; then eve joined."""
    for name in ("001-one", "002-two"):
        press.write(name)
    here = Office(press, 'empty_slot = "repeat-best"')
    for name in ("one", "two"):
        here.approve(name)
    here.look(TUESDAY)
    here.look(FRIDAY)
    click(press, "one", 1, 2)
    with press.store.transaction() as connection:  # and our own counting says so of the second
        row = {"broadcast_id": 2, "link": "https://x.example", "at": FRIDAY}
        connection.execute(clicks.insert(), [row | {"subscriber_id": 1, "machine": ""}] * 2)
        connection.execute(clicks.insert(), row | {"subscriber_id": 2, "machine": "burst"})
    join(press, "eve")
    return here


def test_the_best_liked_issue_goes_to_who_did_not_get_it_and_then_the_next_best(press: Press) -> None:
    here = office(press)
    (told,) = explanation(press.desk.publication, press.store, NEXT.date(), NEXT - HOUR)
    assert told.endswith('so it repeats "one", which 2 of 2 clicked, to the 1 reader who did not get it.')
    (later,) = explanation(press.desk.publication, press.store, NEXT.date() + timedelta(days=3), NEXT - HOUR)
    assert later.endswith("it repeats a liked one or stays empty.")
    opening = here.look(NEXT).report.openings[0]
    assert (opening.state, opening.slug) == ("taken", "one-2026-12-01")
    assert here.post.to("eve") == ["About 001-one"]
    here.look(NEXT + MINUTE)
    assert here.look(NEXT + timedelta(days=3)).report.openings[0].slug == "two-2026-12-04"
    assert here.look(NEXT + timedelta(days=7)).report.openings[0].state == "empty"
    assert here.post.to("eve") == ["About 001-one", "About 002-two"]
    assert here.post.to("ada") == ["About 001-one", "About 002-two"]


def test_an_issue_in_the_queue_comes_before_a_repeat(press: Press) -> None:
    here = office(press)
    press.write("003-three")
    here.approve("three", NEXT - HOUR)
    assert here.look(NEXT).report.openings[0].slug == "three"


def test_what_nobody_clicked_is_not_repeated(press: Press) -> None:
    press.write("001-one")
    here = Office(press, 'empty_slot = "repeat-best"')
    here.approve("one")
    here.look(TUESDAY)
    join(press, "eve")
    assert here.look(FRIDAY).report.openings[0].state == "empty"
