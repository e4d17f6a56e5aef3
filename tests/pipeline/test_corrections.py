"""A correction goes to those who got the issue, a second try to those who did not; each as its own issue."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import pytest
from sqlalchemy import select, update

from newsletter.errors import SafetyError
from newsletter.pipeline.approval import approve
from newsletter.pipeline.preflight import with_store
from newsletter.pipeline.rehearsal import approved_or_new, rehearse
from newsletter.pipeline.sending import confirm
from newsletter.store.tables import deliveries, subscribers

if TYPE_CHECKING:
    from conftest import Press

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def join(press: Press, name: str) -> None:
    row = {"email": f"{name}@reader.example", "email_key": f"{name}@reader.example", "name": name, "state": "active"}
    with press.store.transaction() as connection:
        connection.execute(subscribers.insert(), row | {"created_at": NOW, "changed_at": NOW})


def send(press: Press, name: str) -> dict[str, str]:
    """Send an issue, and what became of it by reader: `accepted`, or why not."""
    sending = press.sending()
    report = sending.post(sending.plan_now(approved_or_new(press.desk, press.store, press.issue(name), NOW)))
    query = select(deliveries.c.email, deliveries.c.state, deliveries.c.reason)
    with press.store.reading() as connection:
        rows = connection.execute(query.where(deliveries.c.broadcast_id == report.id))
        return {email.partition("@")[0]: reason or state for email, state, reason in rows}


@pytest.fixture
def sent(press: Press) -> Press:
    """`one` went to ada and bo; then dan joined and bo left."""
    press.write("001-one")
    assert send(press, "one") == {"ada": "accepted", "bo": "accepted", "cy": "unsubscribed"}
    join(press, "dan")
    with press.store.transaction() as connection:
        connection.execute(update(subscribers).where(subscribers.c.name == "bo").values(state="unsubscribed"))
    return press


def test_a_correction_goes_only_to_those_who_got_the_issue(sent: Press) -> None:
    sent.write("002-mend", correction_of="one")
    assert rehearse(sent.desk, sent.store, sent.issue("mend"), NOW)[0]["readers"] == 1
    assert send(sent, "mend") == {
        "ada": "accepted",
        "bo": "unsubscribed",
        "cy": "unsubscribed",
        "dan": "did not get one",
    }


def test_a_check_counts_those_whom_a_correction_is_for(sent: Press) -> None:
    sent.write("002-mend", "Hello {{ name }}.", correction_of="one")
    desk = sent.desk
    issue = desk.find("mend")
    known = with_store(
        desk.inspect(issue, desk.render(issue), NOW), sent.store, desk.publication.config, NOW
    ).known.readership
    assert known is not None
    assert (known.readers, known.before, known.empty) == (1, None, {"name": 0})


def test_a_second_try_goes_only_to_those_who_did_not_get_it_also_where_it_is_doubtful(sent: Press) -> None:
    with sent.store.transaction() as connection:
        connection.execute(update(deliveries).where(deliveries.c.email_key.like("ada%")).values(state="unknown"))
    sent.write("002-again", send_to_missed="one")
    with sent.store.reading() as connection:
        assert confirm(connection, sent.issue("again"), "again:1") == 1
    assert send(sent, "again") == {"ada": "has one", "bo": "unsubscribed", "cy": "unsubscribed", "dan": "accepted"}


def test_a_correction_of_what_was_never_sent_is_refused(press: Press) -> None:
    press.write("002-mend", correction_of="one")
    with pytest.raises(SafetyError, match='correction_of: "one" was never sent'):
        approve(press.desk, press.store, press.issue("mend"), NOW)


def test_a_correction_for_nobody_who_got_it_cannot_be_confirmed(sent: Press) -> None:
    with sent.store.transaction() as connection:
        connection.execute(update(subscribers).where(subscribers.c.name == "ada").values(state="bounced"))
    sent.write("002-mend", correction_of="one")
    with sent.store.reading() as connection, pytest.raises(SafetyError, match="would go to nobody"):
        confirm(connection, sent.issue("mend"), "mend:0")


def test_both_at_once_contradict_each_other(sent: Press) -> None:
    sent.write("002-mend", correction_of="one", send_to_missed="one")
    with pytest.raises(SafetyError, match="exclude each other"):
        approve(sent.desk, sent.store, sent.issue("mend"), NOW + timedelta(days=1))


def test_an_issue_and_its_correction_have_one_broadcast_each(sent: Press) -> None:
    sent.write("002-mend", correction_of="one")
    send(sent, "mend")
    with pytest.raises(SafetyError, match="has its broadcast already"):
        send(sent, "mend")
