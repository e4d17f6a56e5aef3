"""An issue with several subjects, from its front matter to the last reader."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from newsletter.delivery.report import find_broadcast, report_of
from newsletter.delivery.trials import part_of
from newsletter.errors import SafetyError
from newsletter.pipeline.approval import approve
from newsletter.pipeline.building import files_of
from newsletter.pipeline.overview import overview
from newsletter.pipeline.rehearsal import rehearse
from newsletter.render.edition import Edition
from newsletter.schedule.passes import Passes, PassReport, rules_of
from newsletter.schedule.queue import read_edition
from newsletter.store.tables import editions, subscribers

if TYPE_CHECKING:
    from conftest import Press

TUESDAY = datetime(2026, 11, 24, 8, tzinfo=UTC)
FRONT = {"subject": "", "subjects": "['One for {{ name }}', 'Two: for all']"}


def write(press: Press) -> None:
    """An issue with two subjects, at a provider that tells of clicks, for readers enough to have samples."""
    toml = press.folder / "newsletter.toml"
    text = toml.read_text(encoding="utf-8").replace('"outbox"', '"autosend"')
    toml.write_text(text + '[ab]\nshare = 0.5\nwait = "2h"\n', encoding="utf-8")
    path = press.write("one", **FRONT)
    path.write_text(path.read_text(encoding="utf-8").replace("subject: \n", ""), encoding="utf-8")
    rows = [
        {"email": f"r{n}@reader.example", "email_key": f"r{n}@reader.example", "name": f"R{n}", "state": "active"}
        | {"created_at": TUESDAY, "changed_at": TUESDAY}
        for n in range(4, 31)
    ]
    with press.store.transaction() as connection:
        connection.execute(subscribers.insert(), rows)


def open_slot(press: Press, now: datetime) -> PassReport:
    press.now = now
    schedule = press.desk.publication.config.schedule
    return Passes(press.store, schedule, rules_of(schedule), press.sending(), lambda: now).run()


def subjects_of(press: Press) -> dict[str, str]:
    """Address -> subject of each mail in the outbox; fails where somebody has two."""
    found: dict[str, str] = {}
    for path in (press.folder / ".newsletter" / "outbox").glob("*/*.eml"):
        message = message_from_bytes(path.read_bytes(), policy=policy.default)
        assert message["To"].addresses[0].addr_spec not in found
        found[message["To"].addresses[0].addr_spec] = str(message["Subject"])
    return found


def test_what_was_approved_is_what_is_sent_under_each_subject(press: Press) -> None:
    write(press)
    approval = approve(press.desk, press.store, press.issue("one"), press.now)
    with press.store.reading() as connection:
        digest = connection.execute(select(editions.c.digest)).scalar_one()
        stored = Edition.from_json(read_edition(connection, digest))
    assert stored == approval.edition.__class__.from_json(approval.edition.as_json())
    first, second = stored.variants
    assert (first.subject, second.subject) == (stored.subject, "Two: for all")
    assert (first.html, first.text, first.web) == (second.html, second.text, second.web)
    files = files_of(stored, "https://test.example")
    assert b"Subject: One for Ada Sample" in files["email.eml"]
    assert b"Subject: Two: for all" in files["email-2.eml"]


def test_a_digest_tells_the_further_subjects_and_is_as_ever_without_them(press: Press) -> None:
    press.write("one")
    edition = press.desk.render(press.issue("one"))
    assert "subjects" not in edition.as_json()
    write(press)
    tested = press.desk.render(press.issue("one"))
    other = Edition.from_json(tested.as_json() | {"subjects": [*tested.subjects, "Three"]}).frozen()
    assert len({edition.digest, tested.digest, other.digest}) == 3


def test_the_scheduler_sends_the_samples_waits_and_sends_the_rest(press: Press) -> None:
    write(press)
    approve(press.desk, press.store, press.issue("one"), press.now)
    report = open_slot(press, TUESDAY)
    assert "the others get the issue under the better one, from 2026-11-24 10:0" in report.lines[-1]
    early = subjects_of(press)
    assert set(early.values()) <= {
        "Two: for all",
        *(f"One for R{n}" for n in range(4, 31)),
        "One for ada",
        "One for bo",
    }
    assert open_slot(press, TUESDAY + timedelta(hours=1)).lines == ()  # it waits, and nobody is bothered
    with press.store.reading() as connection:
        number = find_broadcast(connection, "one")
    assert number is not None
    (line,) = [line for line in overview(press.desk.publication, press.store, TUESDAY)[1] if "one:" in line]
    assert "the subjects are being tested" in line
    late = open_slot(press, TUESDAY + timedelta(hours=3))
    assert "nobody clicked in time, so it is the first" in late.lines[-1]
    got = subjects_of(press)
    assert len(got) == 29
    for who in range(4, 31):
        part = part_of(number, who, 2, 0.5)
        assert got[f"r{who}@reader.example"] == ("Two: for all" if part == 2 else f"One for R{who}")
        assert (f"r{who}@reader.example" in early) == bool(part)
    with press.store.reading() as connection:
        told = report_of(connection, number).as_json()
    assert (told["state"], told["sent"], told["trial"]["winner"]) == ("sent", 29, "One for {{name}}")


def test_a_test_that_nobody_would_measure_is_refused_with_what_to_do(press: Press) -> None:
    path = press.write("one", **FRONT)
    path.write_text(path.read_text(encoding="utf-8").replace("subject: \n", ""), encoding="utf-8")
    with pytest.raises(SafetyError, match="nobody tells us of clicks"):
        approve(press.desk, press.store, press.issue("one"), press.now)


def test_each_subject_is_seen_before_it_is_sent(press: Press) -> None:
    write(press)
    data, lines = rehearse(press.desk, press.store, press.issue("one"), TUESDAY)
    assert [line for line in lines if "subject" in line][1:2] == ["  subject   Two: for all"]
    assert len(data["subjects"]) == 2
    press.sending().test(press.desk.render(press.issue("one")), ["me@test.example"])
    mails = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (press.folder / ".newsletter").glob("outbox/*/*.eml")
    ]
    assert sorted(str(mail["Subject"]) for mail in mails) == ["[Test] One for ", "[Test] Two: for all"]


def test_a_subject_with_a_fault_is_found_wherever_it_stands(press: Press) -> None:
    write(press)
    path = press.folder / "issues" / "one.md"
    path.write_text(path.read_text(encoding="utf-8").replace("Two: for all", "READ THIS NOW!!"), encoding="utf-8")
    issue = press.issue("one")
    found = press.desk.check(issue, press.desk.render(issue), TUESDAY)
    assert [finding.line for finding in found if finding.rule == "subject-shouting"] == [4, 4]


def test_who_leaves_while_it_waits_does_not_get_it(press: Press) -> None:
    write(press)
    approve(press.desk, press.store, press.issue("one"), press.now)
    open_slot(press, TUESDAY)
    waiting = {f"r{n}@reader.example" for n in range(4, 31)} - set(subjects_of(press))
    gone = sorted(waiting)[0]
    with press.store.transaction() as connection:
        connection.execute(update(subscribers).where(subscribers.c.email == gone).values(state="unsubscribed"))
    open_slot(press, TUESDAY + timedelta(hours=3))
    assert len(subjects_of(press)) == 28
    assert gone not in subjects_of(press)
