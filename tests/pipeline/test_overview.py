"""`newsletter status` tells what will happen, not what the queue alone says."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

from office import HOUR, TUESDAY, Office

from newsletter.pipeline.overview import overview

if TYPE_CHECKING:
    from conftest import Press


def test_who_was_approved_too_late_does_not_go_out_next(press: Press) -> None:
    press.write("001-one")
    here = Office(press, 'approve_by = "-2h"')
    here.approve("one", TUESDAY - HOUR)
    data, lines = overview(press.desk.publication, press.store, TUESDAY - HOUR / 2)
    assert data["next_issue"] is None
    assert "  goes out     nothing: no approved issue fits" in lines
    assert here.look(TUESDAY).report.openings[0].slug == ""
    assert overview(press.desk.publication, press.store, TUESDAY + HOUR)[0]["next_issue"] == "one"


def test_what_changed_since_its_approval_does_not_go_out_and_why_is_told(press: Press) -> None:
    for name in ("001-one", "002-two"):
        press.write(name)
    here = Office(press)
    here.approve("one")
    here.approve("two")
    press.write("001-one", body="Another body.")
    data, lines = overview(press.desk.publication, press.store, TUESDAY - HOUR)
    assert (data["next_issue"], list(data["not_sent"])) == ("two", ["one"])
    assert any(line.startswith("  not sent     one: its file changed since") for line in lines)
    assert here.look(TUESDAY).report.openings[0].slug == "two"


def test_a_slot_that_is_due_and_still_opens_is_the_next_one(press: Press) -> None:
    press.write("001-one")
    here = Office(press)
    here.approve("one")
    data, _ = overview(press.desk.publication, press.store, TUESDAY + timedelta(minutes=5))
    assert data["next_issue"] == here.look(TUESDAY + timedelta(minutes=6)).report.openings[0].slug == "one"
