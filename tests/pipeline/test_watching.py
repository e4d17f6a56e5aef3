"""A publication under watch: who is told what, once; what late slots, missing approvals and broken files come to."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING

import pytest
from office import HOUR, MINUTE, TUESDAY, Office

from newsletter.clock import SystemClock
from newsletter.pipeline.notices import Notice, Teller
from newsletter.pipeline.watching import Look, Watch
from newsletter.publication import find_publication
from newsletter.schedule.jumps import Jumps
from newsletter.store.database import Store

if TYPE_CHECKING:
    from conftest import Press


def test_a_good_week_editors_hear_only_how_it_went(press: Press) -> None:
    press.write("001-one")
    here = Office(press)
    here.approve("one")
    for before in (26, 23, 3, 2, 1):
        here.look(TUESDAY - before * HOUR)
    assert here.post.mails == []
    assert here.lines == [
        'the slot of Tuesday 2026-11-24 09:00 Europe/Berlin is ready: "one" goes out, all checks pass'
    ]
    for _ in range(3):
        here.look(TUESDAY + MINUTE)
    assert (
        here.post.to("ed") == ['[Test] "one" is sent', "[Test] nothing is queued for the slot of Friday 2026-11-27"][:1]
    )
    assert here.post.to("ada") == ["About 001-one"]
    assert '"one" went to 2 readers in 1 batch; 1 skipped (1 unsubscribed)' in here.post.mails[-1][2]


def test_nothing_queued_is_told_a_day_before_and_again_as_danger_two_hours_before_once_each(press: Press) -> None:
    here = Office(press, schedule='empty_slot = "notify"')
    for before in (25, 23.9, 23, 10, 2, 1.5, 0.5):
        here.look(TUESDAY - before * HOUR)
    slot = "the slot of Tuesday 2026-11-24 09:00 Europe/Berlin"
    told = [
        f"[Test] nothing is queued for {slot}",
        f"[Test] {slot} is in danger: no approved issue is queued for it",
    ]
    assert here.post.to("ed") == told
    for after in (0, 1, 2):
        here.look(TUESDAY + after * MINUTE)
    assert here.post.to("ed") == [*told, f"[Test] {slot} stayed empty: no approved issue was queued for it"]


def test_a_file_that_changed_and_a_provider_that_is_down_are_dangers(press: Press) -> None:
    press.write("001-one")
    here = Office(press)
    here.approve("one")
    press.write("001-one", body="Another body.")
    here.post.trouble = "the provider answered 401: no such key"
    here.look(TUESDAY - 2 * HOUR)
    (_, subject, text) = here.post.mails[-1]
    assert subject.endswith("is in danger: no approved issue is queued for it")
    assert "401" in text
    assert "one: its file changed since" in here.post.mails[0][2]  # the warning that nothing is queued says why


def test_a_day_that_has_no_room_for_all_readers_is_a_danger(press: Press) -> None:
    press.write("001-one")
    here = Office(press)
    toml = press.folder / "newsletter.toml"
    toml.write_text(toml.read_text().replace("[delivery]", "[delivery]\ndaily_limit = 1"))
    here.approve("one")
    here.look(TUESDAY - 2 * HOUR)
    (subject,) = here.post.to("ed")
    assert subject.endswith(
        "in danger: it is for 2 readers, and [delivery] leaves 1 for that day: the rest waits for the next"
    )


def test_a_check_that_fails_since_the_approval_is_told(press: Press) -> None:
    press.write("001-one")
    here = Office(press)
    here.approve("one")
    toml = press.folder / "newsletter.toml"
    toml.write_text(toml.read_text().replace('postal_address = "Test, 1 Test Road, 10115 Berlin"', ""))
    here.look(TUESDAY - 2 * HOUR)
    assert "is in danger" in here.post.to("ed")[0]


def test_a_notice_that_could_not_be_told_is_tried_again_later_a_few_times(press: Press) -> None:
    here = Office(press, notify='editors = ["ed@desk.example"]\npreflight = "0s"')
    here.post.down = "429"
    here.look(TUESDAY - 20 * HOUR)
    here.look(TUESDAY - 20 * HOUR + MINUTE)  # too soon
    here.post.down = ""
    here.look(TUESDAY - 20 * HOUR + 2 * MINUTE)
    assert here.post.mails == []
    here.look(TUESDAY - 20 * HOUR + 11 * MINUTE)
    here.look(TUESDAY - 20 * HOUR + 30 * MINUTE)
    assert len(here.post.to("ed")) == 1
    assert len(here.lines) == 1


def test_a_provider_that_is_down_at_the_slot_is_told_when_it_is_back_and_readers_get_it_once(press: Press) -> None:
    press.write("001-one")
    here = Office(press, notify='command = ["false"]')
    here.approve("one")
    here.post.down = "the provider cannot be reached"
    assert here.look(TUESDAY).report.errors
    here.look(TUESDAY + 16 * MINUTE)
    assert any('"one" is not out yet' in line for line in here.lines)
    here.post.down = ""
    here.look(TUESDAY + 20 * MINUTE)
    here.look(TUESDAY + 21 * MINUTE)
    assert sorted(to for to, _, _ in here.post.mails) == ["ada@reader.example", "bo@reader.example"]


def test_a_late_slot_waits_for_a_person_where_the_policy_says_so(press: Press) -> None:
    press.write("001-one")
    here = Office(press, schedule='late_policy = "ask"')
    here.approve("one")
    here.look(TUESDAY - HOUR)
    for late in (16, 17, 60):
        look = here.look(TUESDAY + late * MINUTE)
        assert (look.report.openings, str(look.report.asking)) == ((), "Tuesday 2026-11-24 09:00 Europe/Berlin")
    assert [s for s in here.post.to("ed") if "send now?" in s] == [
        "[Test] the slot of Tuesday 2026-11-24 09:00 Europe/Berlin is late: send now?"
    ]
    assert here.look(TUESDAY + 61 * MINUTE, late="send").report.openings[0].slug == "one"
    assert here.post.to("ada") == ["About 001-one"]


@pytest.mark.parametrize(("policy", "late"), [("ask", "skip"), ("skip", ""), ("ask", "")])
def test_a_late_slot_that_nobody_wants_is_missed_and_told_as_such(press: Press, policy: str, late: str) -> None:
    press.write("001-one")
    here = Office(press, schedule=f'late_policy = "{policy}"')
    here.look(TUESDAY - timedelta(days=4))  # the slot before, which is empty
    here.approve("one", TUESDAY - HOUR)
    after = 7 * HOUR if policy == "ask" and not late else 16 * MINUTE  # nobody answers within the late window
    for _ in range(2):
        states = [opening.state for opening in here.look(TUESDAY + after, late=late).report.openings]
    assert states == []
    assert [s for s in here.post.to("ed") if "was missed" in s] == [
        "[Test] the slot of Tuesday 2026-11-24 09:00 Europe/Berlin was missed: "
        "nobody was there in time, so nothing was sent"
    ]
    assert here.post.to("ada") == []


def test_on_time_within_a_quarter_of_an_hour_nobody_is_asked(press: Press) -> None:
    press.write("001-one")
    here = Office(press, schedule='late_policy = "ask"')
    here.approve("one")
    assert here.look(TUESDAY + 15 * MINUTE - timedelta(seconds=30)).report.openings[0].slug == "one"


def test_without_approval_ready_issues_go_out_in_their_order_and_drafts_do_not(press: Press) -> None:
    press.write("003-three")
    press.write("001-one", status="draft")
    press.write("002-two")
    here = Office(press, schedule="require_approval = false")
    here.look(TUESDAY - HOUR)
    press.write("002-two", body="A better body, written after.")
    look = here.look(TUESDAY)
    assert look.report.openings[0].slug == "two"
    assert "A better body" in next(text for to, _, text in here.post.mails if to.startswith("ada"))
    assert here.look(TUESDAY + timedelta(days=3)).report.openings[0].slug == "three"
    assert here.look(TUESDAY + timedelta(days=7)).report.openings[0].state == "empty"


def test_an_issue_approved_after_the_deadline_goes_out_in_the_next_slot(press: Press) -> None:
    press.write("001-one")
    here = Office(press, schedule='approve_by = "-2h"')
    here.approve("one", TUESDAY - HOUR)
    assert here.look(TUESDAY).report.openings[0].state == "empty"
    assert here.look(TUESDAY + timedelta(days=3)).report.openings[0].slug == "one"


@pytest.fixture
def slack() -> Iterator[tuple[str, list[dict[str, str]], list[int]]]:
    """A webhook: its address, what it was posted, and the statuses that it answers before it is well."""
    got: list[dict[str, str]] = []
    statuses: list[int] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/hook", got, statuses
    server.shutdown()
    server.server_close()
    thread.join()


def test_a_webhook_and_a_command_get_each_notice_once(
    press: Press,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    slack: tuple[str, list[dict[str, str]], list[int]],
) -> None:
    url, got, statuses = slack
    statuses.append(500)
    monkeypatch.setenv("DESK_HOOK", url)
    script = "import sys; open(sys.argv[1], 'a').write(sys.stdin.read())"
    command = json.dumps([sys.executable, "-c", script, str(tmp_path / "told.ndjson")])
    here = Office(press, notify=f'webhook = "DESK_HOOK"\ncommand = {command}\npreflight = "0s"')
    for minutes in (0, 1, 11, 22):
        here.look(TUESDAY - 20 * HOUR + minutes * MINUTE)
    assert [list(told) for told in got] == [["text"], ["text"]]  # the first try was answered 500
    assert got[1]["text"].startswith("[Test] nothing is queued for the slot of Tuesday 2026-11-24 09:00 Europe/Berlin")
    (told,) = [json.loads(line) for line in (tmp_path / "told.ndjson").read_text().splitlines()]
    assert (told["kind"], told["key"]) == ("empty-soon", "empty-soon:2026-11-24T09:00")


def test_a_notice_that_a_crash_interrupted_is_not_told_again(store: Store) -> None:
    told: list[str] = []

    def crash(notice: Notice) -> str:
        told.append(notice.key)
        raise KeyboardInterrupt

    teller = Teller(store, {"mail": crash}, lambda: TUESDAY)
    with pytest.raises(KeyboardInterrupt):
        teller.tell(Notice("report:1", "one is sent"))
    Teller(store, {"mail": lambda notice: told.append("again") or ""}, lambda: TUESDAY + HOUR).tell(
        Notice("report:1", "one is sent")
    )
    assert told == ["report:1"]


def test_a_scheduler_stands_by_while_another_one_is_at_work(press: Press) -> None:
    press.write("001-one")
    here = Office(press)
    here.approve("one")
    publication = find_publication(press.folder, press.folder)
    first, second = (
        Watch(publication, press.store, here.post, SystemClock.starting_at(TUESDAY - MINUTE)) for _ in range(2)
    )
    assert not first.look().other
    assert second.look().other
    first.close()
    assert not second.look().other


def test_after_the_clock_was_set_forward_no_slot_opens_for_ten_minutes_and_the_editors_hear_of_it(press: Press) -> None:
    press.write("001-one")
    here = Office(press)
    here.approve("one")
    seconds = [1000.0]
    publication = find_publication(press.folder, press.folder)
    jumps = Jumps(lambda: seconds[0])
    watch = Watch(publication, press.store, here.post, say=here.lines.append, links=False, jumps=jumps)

    def look(now: datetime, after: float) -> Look:
        seconds[0] += after
        watch.clock = SystemClock.starting_at(now)
        return watch.look()

    assert look(TUESDAY - 5 * HOUR, 60).held == ""
    early = look(TUESDAY + MINUTE, 60)
    assert early.report.openings == ()
    assert early.held.endswith("was set forward by 5 h 0 min: no slot opens before 09:11")
    assert look(TUESDAY + 5 * MINUTE, 240).report.openings == ()
    assert [s for s in here.post.to("ed") if "set forward" in s] == [f"[Test] {early.held}"]
    assert sum("set forward" in line for line in here.lines) == 1
    right = look(TUESDAY - 5 * HOUR + 7 * MINUTE, 120)
    assert (right.held, right.report.openings) == ("", ())
    look(TUESDAY + 10 * MINUTE, 60)
    assert look(TUESDAY + 20 * MINUTE + MINUTE, 660).report.openings[0].slug == "one", "it is believed by now"
