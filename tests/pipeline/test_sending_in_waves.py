"""An issue at each reader's own time: one broadcast in waves, through stops, crashes and late schedulers."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from office import HOUR, MINUTE, TUESDAY, Office
from sqlalchemy import select, update

from newsletter.clock import SystemClock
from newsletter.delivery import switch
from newsletter.pipeline.agenda import calendar_of, explanation
from newsletter.pipeline.overview import overview
from newsletter.pipeline.rehearsal import approved_or_new, rehearse
from newsletter.schedule.calendar import month_view
from newsletter.store.tables import broadcasts, subscribers

if TYPE_CHECKING:
    from conftest import Press

TOKYO, NEW_YORK = TUESDAY - 8 * HOUR, TUESDAY + 6 * HOUR
HOMES = {"tomo": "Asia/Tokyo", "nia": "America/New_York", "nat": "America/New_York", "max": "nowhere/at all"}


def office(press: Press, schedule: str = "") -> Office:
    """Ada and Bo told no zone, and live where the publication does."""
    rows = [
        {"email": f"{name}@reader.example", "email_key": f"{name}@reader.example", "name": name, "state": "active"}
        | {"timezone": zone, "created_at": TUESDAY, "changed_at": TUESDAY}
        for name, zone in HOMES.items()
    ]
    with press.store.transaction() as connection:
        connection.execute(subscribers.insert(), rows)
    press.write("001-one")
    here = Office(press, f'at = "09:00 local"\n{schedule}')
    here.approve("one", TUESDAY - 40 * HOUR)
    return here


def got(here: Office) -> list[str]:
    return sorted(to.partition("@")[0] for to, subject, _ in here.post.mails if subject.startswith("About"))


def state(press: Press) -> str:
    with press.store.reading() as connection:
        return connection.execute(select(broadcasts.c.state)).scalar() or ""


def test_each_wave_goes_out_at_its_own_nine_o_clock_and_the_last_one_ends_the_broadcast(press: Press) -> None:
    here = office(press)
    assert here.look(TOKYO - MINUTE).report.openings == ()
    for moment, names in [
        (TOKYO, ["tomo"]),
        (TUESDAY - MINUTE, ["tomo"]),
        (TUESDAY, ["ada", "bo", "max", "tomo"]),
        (NEW_YORK - MINUTE, ["ada", "bo", "max", "tomo"]),
    ]:
        here.look(moment)
        assert (got(here), state(press)) == (names, "sending")
    here.look(NEW_YORK)
    assert (got(here), state(press)) == (["ada", "bo", "max", "nat", "nia", "tomo"], "sent")
    assert here.lines[1:] == [
        'the slot of Tuesday 2026-11-24 09:00 local time, first in Asia/Tokyo goes out with "one"',
        '"one" went to 1 reader in 1 batch; 1 skipped (1 unsubscribed); 2 of 3 waves to come, '
        "next 3 readers Tue 09:00 (Europe/Berlin)",
        'the wave of Tuesday 2026-11-24 09:00 Europe/Berlin begins: "one" goes to 3 readers',
        '"one" went to 4 readers in 2 batches; 1 skipped (1 unsubscribed); 1 of 3 waves to come, '
        "next 2 readers Tue 09:00 (America/New_York)",
        'the wave of Tuesday 2026-11-24 09:00 America/New_York begins: "one" goes to 2 readers',
        '"one" went to 6 readers in 3 batches; 1 skipped (1 unsubscribed)',
    ]
    assert [s for s in here.post.to("ed") if "is sent" in s] == ['[Test] "one" is sent']


def test_what_is_foretold_of_waves_is_what_happens(press: Press) -> None:
    here = office(press)
    publication, before = press.desk.publication, TOKYO - HOUR
    waves = "1 reader Tue 01:00 (Asia/Tokyo{}), 3 readers Tue 09:00 (Europe/Berlin{}), "
    waves += "2 readers Tue 15:00 (America/New_York{})"
    foretold = f"It goes in 3 waves (times in Europe/Berlin): {waves.format('', '', '')}."
    assert explanation(publication, press.store, TUESDAY.date(), before)[1] == foretold
    data, lines = overview(publication, press.store, before)
    assert [wave["readers"] for wave in data["waves"]] == [1, 3, 2]
    assert "  wave         3 readers Tue 09:00 (Europe/Berlin)" in lines
    days = (TUESDAY.date(), TUESDAY.date() + timedelta(days=1))
    (entry,) = calendar_of(publication, press.store, days, before)
    assert [(wave.timezone, wave.readers) for wave in entry.waves] == [
        ("Asia/Tokyo", 1),
        ("Europe/Berlin", 3),
        ("America/New_York", 2),
    ]
    shown = month_view(publication.config.schedule, days, [entry])
    assert shown[-1] == "    2 readers Tue 15:00 (America/New_York)"
    assert all(len(line) <= 80 for line in shown)
    told, _ = rehearse(press.desk, press.store, press.issue("one"), before)
    assert [wave["at"] for wave in told["waves"]] == [moment.isoformat() for moment in (TOKYO, TUESDAY, NEW_YORK)]
    here.look(TOKYO)
    here.look(TUESDAY)
    past = explanation(publication, press.store, TUESDAY.date(), TUESDAY + MINUTE)
    assert past[0].endswith('is over: it took "one" (sending).')
    told_then = waves.format(", done", ", done", "")
    assert past[1] == f"It is out in 3 waves (times in Europe/Berlin): {told_then}."
    (entry,) = calendar_of(publication, press.store, days, TUESDAY + MINUTE)
    assert (entry.words, [wave.state for wave in entry.waves]) == ("one: sending", ["done", "done", "waiting"])


@pytest.mark.parametrize(("late", "missed"), [(5 * HOUR, False), (7 * HOUR, True)])
def test_a_wave_that_nobody_sent_in_time_is_missed_and_the_others_are_not(
    press: Press, late: timedelta, missed: bool
) -> None:
    here = office(press)
    here.look(TOKYO)
    here.look(TUESDAY + late)
    berlin = [] if missed else ["ada", "bo", "max"]
    newer = ["nat", "nia"] if TUESDAY + late >= NEW_YORK else []
    assert got(here) == sorted(["tomo", *berlin, *newer])
    here.look(NEW_YORK)
    assert state(press) == "sent"
    assert got(here) == sorted(["tomo", *berlin, "nat", "nia"])
    assert len([s for s in here.post.to("ed") if "was missed" in s]) == int(missed)
    if missed:
        assert (
            "the wave of Tuesday 2026-11-24 09:00 Europe/Berlin was missed: nobody was there in time, so 3 readers "
            'do not get "one"'
        ) in here.lines
        press.write("002-again", send_to_missed="one")
        assert rehearse(press.desk, press.store, press.issue("again"), NEW_YORK)[0]["readers"] == 3


def test_a_late_wave_waits_for_a_person_where_the_policy_says_so(press: Press) -> None:
    here = office(press, 'late_policy = "ask"')
    here.look(TOKYO)
    look = here.look(TUESDAY + HOUR)
    assert (got(here), str(look.report.asking)) == (["tomo"], "Tuesday 2026-11-24 09:00 Europe/Berlin")
    here.look(TUESDAY + HOUR + MINUTE)
    assert len([s for s in here.post.to("ed") if "send now?" in s]) == 1
    here.look(TUESDAY + HOUR + 2 * MINUTE, late="send")
    assert got(here) == ["ada", "bo", "max", "tomo"]


def test_an_outage_in_one_wave_is_made_up_for_and_is_no_trouble_in_the_next(press: Press) -> None:
    here = office(press)
    here.look(TOKYO)
    here.post.down = "the provider cannot be reached"
    assert here.look(TUESDAY).report.errors
    assert here.look(TUESDAY + 20 * MINUTE).report.errors
    here.post.down = ""
    here.look(TUESDAY + 21 * MINUTE)
    assert got(here) == ["ada", "bo", "max", "tomo"]
    assert not any("interrupted" in line for line in here.lines[-1:])
    here.look(NEW_YORK - MINUTE)
    here.look(NEW_YORK)
    assert (len(got(here)), state(press)) == (6, "sent")
    assert sum("is not out yet" in subject for subject in here.post.to("ed")) <= 1


def test_nothing_begins_while_sending_is_stopped_and_a_wave_may_be_late_then(press: Press) -> None:
    here = office(press)
    here.look(TOKYO)
    with press.store.transaction() as connection:
        switch.stop(connection, "", TUESDAY - HOUR)
    here.look(TUESDAY)
    assert got(here) == ["tomo"]
    with press.store.transaction() as connection:
        switch.resume(connection)
    here.look(TUESDAY + HOUR)
    assert got(here) == ["ada", "bo", "max", "tomo"]


def test_who_moves_or_leaves_between_two_waves_gets_it_once_or_not(press: Press) -> None:
    here = office(press)
    here.look(TOKYO)
    with press.store.transaction() as connection:
        for name, values in (("tomo", {"timezone": "America/New_York"}), ("nia", {"state": "unsubscribed"})):
            connection.execute(update(subscribers).where(subscribers.c.name == name).values(values))
    here.look(TUESDAY)
    here.look(NEW_YORK)
    assert (got(here), state(press)) == (["ada", "bo", "max", "nat", "tomo"], "sent")


def test_sent_by_hand_it_goes_to_all_at_once(press: Press) -> None:
    office(press)
    sending = press.sending()
    issue = approved_or_new(press.desk, press.store, press.issue("one"), press.now)
    report = sending.post(sending.plan_now(issue))
    assert (report.state, report.sent, report.waves) == ("sent", 6, ())


def test_resumed_by_hand_what_is_due_goes_out_and_the_rest_in_its_waves(press: Press) -> None:
    here = office(press)
    here.look(TOKYO)
    with press.store.transaction() as connection:
        connection.execute(update(broadcasts).values(state="paused", reason="somebody looks"))
    here.look(TUESDAY + 7 * HOUR)
    assert got(here) == ["tomo"]
    sending = press.sending(here.post)
    sending.clock = SystemClock.starting_at(TUESDAY + HOUR)
    report = sending.resume("one")
    assert (report.rests, got(here)) == (True, ["ada", "bo", "max", "tomo"])
    here.look(NEW_YORK)
    assert (len(got(here)), state(press)) == (6, "sent")
