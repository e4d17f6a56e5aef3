"""From an approval to mails: only what was approved, only once, only to whom it is for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.policy import default
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select

from newsletter.audience.erasure import forget
from newsletter.cli.main import main
from newsletter.errors import SafetyError, UsageError
from newsletter.pipeline.approval import approve
from newsletter.pipeline.rehearsal import approved_or_new, rehearse
from newsletter.pipeline.sending import confirm, summary
from newsletter.schedule.passes import Passes, PassReport, rules_of
from newsletter.schedule.queue import Approved, approved, hold
from newsletter.store.tables import deliveries, subscriber_tags, subscribers

if TYPE_CHECKING:
    from conftest import Press

TUESDAY = datetime(2026, 11, 24, 8, tzinfo=UTC)
FRIDAY = TUESDAY + timedelta(days=3)


def queue_of(press: Press) -> list[Approved]:
    with press.store.reading() as connection:
        return approved(connection)


def queued(press: Press, *names: str) -> None:
    for name in names:
        press.write(name, body=f"What {name} says.")
        approve(press.desk, press.store, press.issue(name), press.now)


def open_slot(press: Press, now: datetime) -> PassReport:
    press.now = now
    schedule = press.desk.publication.config.schedule
    return Passes(press.store, schedule, rules_of(schedule), press.sending(), lambda: now).run()


def mail_texts(press: Press) -> str:
    return "".join(path.read_text() for path in sorted((press.folder / ".newsletter" / "outbox").glob("*/*.eml")))


def test_a_slot_sends_the_approved_edition_to_who_is_active(press: Press) -> None:
    queued(press, "one")
    report = open_slot(press, TUESDAY)
    assert report.lines[-1] == '"one" went to 2 readers in 1 batch; 1 skipped (1 unsubscribed)'
    assert [name.split("-", 1)[1] for name in press.mails] == ["ada@reader.example.eml", "bo@reader.example.eml"]
    assert queue_of(press) == []


def test_a_source_that_changed_after_its_approval_is_never_sent(press: Press) -> None:
    queued(press, "one", "two")
    press.write("one", body="Words that nobody approved.")
    report = open_slot(press, TUESDAY)
    assert '"one" is approved but was not sent: its file changed since' in report.lines[0]
    assert "newsletter approve one" in report.lines[0]
    assert report.openings[0].slug == "two"
    assert "What two says." in mail_texts(press)
    assert "nobody approved" not in mail_texts(press)
    assert open_slot(press, FRIDAY).openings[0].state == "empty"
    assert "nobody approved" not in mail_texts(press)
    with pytest.raises(SafetyError, match='"one" changed since its approval'):
        approved_or_new(press.desk, press.store, press.issue("one"), press.now)


def test_a_source_that_changed_while_its_broadcast_waits_changes_nothing(press: Press) -> None:
    """What was approved is stored; the broadcast sends the stored bytes, never a fresh rendering."""
    queued(press, "one")
    sending = press.sending()
    broadcast = sending.plan_now(queue_of(press)[0])
    press.write("one", body="Words that nobody approved.")
    press.sending().post(broadcast)
    assert "What one says." in mail_texts(press)
    assert "nobody approved" not in mail_texts(press)


def test_an_issue_whose_file_is_gone_is_passed_over_with_a_sentence(press: Press) -> None:
    queued(press, "one", "two")
    (press.folder / "issues" / "one.md").unlink()
    report = open_slot(press, TUESDAY)
    assert report.lines[0] == (
        '"one" is approved but was not sent: its file is no longer in issues/: newsletter unapprove one'
    )
    assert (report.openings[0].slug, len(press.mails)) == ("two", 2)


def test_an_issue_whose_file_became_unreadable_is_passed_over_with_the_reason(press: Press) -> None:
    queued(press, "one", "two")
    (press.folder / "issues" / "one.md").write_text("---\nsubject: [broken\n---\n")
    report = open_slot(press, TUESDAY)
    assert '"one" is approved but was not sent: its file can no longer be read: ' in report.lines[0]
    assert "one.md:2" in report.lines[0]
    assert report.openings[0].slug == "two"


def test_the_confirmation_is_slug_and_number_of_readers_and_nothing_else(press: Press) -> None:
    press.write("one")
    with press.store.reading() as connection:
        assert confirm(connection, press.issue("one"), "one:2") == 2
        for typed in ("", "one", "one:3", "two:2", "one:02", " one:2"):
            with pytest.raises(SafetyError, match=r"one:2 \(2 readers\)"):
                confirm(connection, press.issue("one"), typed)


@pytest.mark.parametrize("typed", [[], ["--confirm", "one:3"], ["--confirm", "two:2"]])
def test_sending_now_refuses_a_wrong_confirmation_and_leaves_no_trace(
    press: Press, typed: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    press.write("one")
    assert main(["-C", str(press.folder), "send", "one", "--now", *typed]) == 5
    assert "--confirm one:2" in capsys.readouterr().err
    assert (press.mails, queue_of(press)) == ([], [])
    assert main(["-C", str(press.folder), "send", "one", "--now", "--confirm", "one:2"]) == 0
    assert len(press.mails) == 2
    assert main(["-C", str(press.folder), "send", "one", "--now", "--confirm", "one:2"]) == 5
    assert len(press.mails) == 2


def test_sending_now_takes_the_approval_that_stands(press: Press) -> None:
    queued(press, "one")
    entry = approved_or_new(press.desk, press.store, press.issue("one"), press.now)
    assert entry == queue_of(press)[0]
    with press.store.transaction() as connection:
        hold(connection, "one", held=True)
    with pytest.raises(SafetyError, match='"one" is held'):
        approved_or_new(press.desk, press.store, press.issue("one"), press.now)


def test_a_second_broadcast_of_an_issue_is_refused_and_going_on_with_a_sent_one_sends_nothing(press: Press) -> None:
    queued(press, "one")
    entry, sending = queue_of(press)[0], press.sending()
    report = sending.post(sending.plan_now(entry))
    with pytest.raises(SafetyError, match="has its broadcast already"):
        sending.plan_now(entry)
    assert press.sending().resume("one") == report
    assert len(press.mails) == 2
    with pytest.raises(UsageError, match='"two" has no broadcast to go on with'):
        sending.resume("two")


def test_a_rehearsal_tells_what_would_go_out_and_changes_nothing(press: Press, tmp_path: Path) -> None:
    press.write("one")
    data, lines = rehearse(press.desk, press.store, press.issue("one"), press.now)
    assert (data["readers"], data["skipped"], data["batches"], data["errors"]) == (2, 1, 1, [])
    assert any("2 readers" in line for line in lines)
    assert (press.mails, queue_of(press)) == ([], [])


def test_a_test_mail_goes_to_the_addresses_given_and_touches_no_state(press: Press) -> None:
    press.write("one")
    edition = press.desk.render(press.issue("one"))
    press.sending().test(edition, ["me@desk.example"])
    assert [name.split("-", 1)[1] for name in press.mails] == ["me@desk.example.eml"]
    assert "Subject: [Test] About one" in mail_texts(press)
    assert queue_of(press) == []
    queued(press, "one")
    assert open_slot(press, TUESDAY).openings[0].slug == "one"


def test_the_summary_counts_what_the_report_counts(press: Press) -> None:
    queued(press, "one")
    sending = press.sending()
    report = sending.post(sending.plan_now(queue_of(press)[0]))
    assert summary(report) == '"one" went to 2 readers in 1 batch; 1 skipped (1 unsubscribed)'
    assert (report.sent, report.readers, report.state) == (2, 3, "sent")


PERSONAL = (
    'Hello. {{ tags | contains("beta") | then("You test.") | default("Become a tester.") }}\n\n'
    'Clubs: {{ tags | each("the * club") | join(", ", " and ") | default("none") }}. '
    'City: {{ fields.city | default("unknown") }}.\n'
)


def test_each_reader_gets_the_parts_for_their_tags_and_fields_as_they_were_when_it_was_planned(press: Press) -> None:
    press.write("one", PERSONAL)
    with press.store.transaction() as connection:
        connection.execute(subscriber_tags.insert(), [{"subscriber_id": 1, "tag": tag} for tag in ("beta", "go")])
        connection.execute(subscribers.update().where(subscribers.c.id == 2).values(fields={"city": "Köln"}))
    sending = press.sending()
    broadcast = sending.plan_now(approved_or_new(press.desk, press.store, press.issue("one"), press.now))
    sending.post(broadcast)
    outbox = press.folder / ".newsletter" / "outbox"
    mails = [message_from_bytes(path.read_bytes(), policy=default) for path in outbox.glob("*/*.eml")]
    ada, bo = sorted(mails, key=lambda mail: str(mail["To"]))
    for message, words in (
        (ada, ("You test.", "the beta club and the go club", "City: unknown")),
        (bo, ("Become a tester.", "Clubs: none", "City: Köln")),
    ):
        for part in ("plain", "html"):
            text = " ".join(message.get_body((part,)).get_content().split())
            assert [word for word in words if word not in text] == [], text
    with press.store.transaction() as connection:
        forget(connection, "ada@reader.example", press.now)
        rows = connection.execute(select(deliveries.c.tags, deliveries.c.fields).order_by(deliveries.c.subscriber_id))
        assert [tuple(row) for row in rows] == [(None, None), (None, {"city": "Köln"}), (None, {})]
