"""What the store knows of an issue that is checked: its approval, and who would get it now."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import update

from newsletter.check.inspection import Inspection
from newsletter.check.known import Approval
from newsletter.config import Config
from newsletter.pipeline.approval import approve
from newsletter.pipeline.preflight import has_store, with_store
from newsletter.pipeline.rehearsal import approved_or_new
from newsletter.store.tables import subscriber_tags, subscribers

if TYPE_CHECKING:
    from conftest import Press


def told(press: Press, name: str) -> Inspection:
    desk = press.desk
    issue = desk.find(name)
    inspection = desk.inspect(issue, desk.render(issue), press.now)
    return with_store(inspection, press.store, desk.publication.config, press.now)


def rules(press: Press, name: str) -> list[str]:
    return [finding.rule for finding in press.desk.findings(told(press, name))]


def name_of(press: Press, who: str, /, **values: object) -> None:
    with press.store.transaction() as connection:
        where = subscribers.c.email_key == f"{who}@reader.example"
        connection.execute(update(subscribers).where(where).values(values))


def test_who_would_get_it_is_counted(press: Press) -> None:
    press.write("first")
    known = told(press, "first").known.readership
    assert known is not None
    assert (known.readers, known.skipped, known.harmed, known.before, known.empty) == (2, 1, 0, None, {})
    assert known.needed == timedelta()
    assert known.room in (timedelta(days=3), timedelta(days=4))
    assert rules(press, "first") == []


def test_who_bounced_harms_and_who_left_does_not(press: Press) -> None:
    press.write("first")
    name_of(press, "bo", state="bounced")
    known = told(press, "first").known.readership
    assert known is not None
    assert (known.readers, known.skipped, known.harmed) == (1, 2, 1)
    assert rules(press, "first") == ["audience-suppressed"]


def test_readers_without_a_name_are_counted_for_tags_without_a_default(press: Press) -> None:
    press.write("first", "Hello {{ name }}, or {{ name | default('you') }}.\n")
    name_of(press, "bo", name=" ")
    name_of(press, "cy", name="")
    known = told(press, "first").known.readership
    assert known is not None
    assert known.empty == {"name": 1}
    findings = press.desk.findings(told(press, "first"))
    (finding,) = [each for each in findings if each.rule == "audience-fields-empty"]
    assert (finding.message, finding.line, finding.column) == ("{{ name }} is empty for 1 of 2 readers", 7, 7)


def test_the_last_broadcast_is_what_the_number_of_readers_is_held_against(press: Press) -> None:
    press.write("001-first")
    approve(press.desk, press.store, press.issue("first"), press.now)
    sending = press.sending()
    report = sending.post(sending.plan_now(approved_or_new(press.desk, press.store, press.issue("first"), press.now)))
    assert report.sent == 2
    press.write("002-second")
    known = told(press, "second").known.readership
    assert known is not None
    assert known.before == 2
    assert told(press, "first").known.readership is None, "what was sent is not looked at again"
    name_of(press, "bo", state="unsubscribed")
    assert rules(press, "second") == ["audience-jump"]


def test_a_change_after_approval_is_an_error_that_names_both_sources(press: Press) -> None:
    press.write("first")
    before = approve(press.desk, press.store, press.issue("first"), press.now).edition.source_digest
    assert told(press, "first").known.approval == Approval(before)
    assert rules(press, "first") == []
    press.write("first", "Another body of a few words.")
    (finding,) = press.desk.findings(told(press, "first"))
    assert finding.severity == "error"
    now = press.issue("first").source_digest
    assert finding.message == f"approved {before[:4]}…, now {now[:4]}…: approve again"
    approve(press.desk, press.store, press.issue("first"), press.now)
    assert rules(press, "first") == []


@pytest.mark.parametrize(("rate", "fires"), [(0.000001, True), (2.0, False)])
def test_the_time_that_posting_takes_is_held_against_the_next_slot(press: Press, rate: float, fires: bool) -> None:
    press.write("first")
    desk = press.desk
    config: Config = desk.publication.config
    slow = config.model_copy(
        update={"delivery": config.delivery.model_copy(update={"batch_size": 1, "requests_per_second": rate})}
    )
    issue = desk.find("first")
    inspection = with_store(desk.inspect(issue, desk.render(issue), press.now), press.store, slow, press.now)
    assert [each.rule for each in desk.findings(inspection)] == (["audience-slow"] if fires else [])


def test_a_check_alone_makes_no_database(press: Press) -> None:
    publication = press.desk.publication
    assert has_store(publication)
    press.store.close()
    for file in publication.state.glob("newsletter.db*"):
        file.unlink()
    assert not has_store(publication)


def test_a_tag_or_field_that_no_reader_has_is_named_with_what_was_meant(press: Press) -> None:
    body = 'A {{ tags | contains("Vip", "beat") | then("b") | default("c") }} d {{ fields.town | default("e") }}.\n'
    press.write("first", body)
    with press.store.transaction() as connection:
        connection.execute(subscriber_tags.insert(), [{"subscriber_id": 1, "tag": tag} for tag in ("beta", "vip")])
        connection.execute(update(subscribers).where(subscribers.c.id == 1).values(fields={"down town": "x"}))
    found = press.desk.findings(told(press, "first"))
    assert [(finding.rule, finding.line, finding.column, finding.message) for finding in found] == [
        ("audience-field-unknown", 7, 3, 'no reader has the tag "beat"; did you mean "beta"?'),
        ("audience-field-unknown", 7, 69, 'no reader has the field fields.town; did you mean "fields.down_town"?'),
    ]
