"""Bounces and complaints that come as mails."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from newsletter.cli.main import main
from newsletter.providers.bounce_mails import mails_in, read_report
from newsletter.store.database import open_store
from newsletter.store.tables import subscribers

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
DSN = b"""\
From: Mail Delivery Subsystem <mailer-daemon@mx.example>
To: bounces@letters.example
Subject: Undelivered Mail Returned to Sender
Date: Mon, 23 Nov 2026 10:00:00 +0100
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: text/plain

Sorry.
--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Original-Recipient: rfc822;Ada@reader.example
Final-Recipient: rfc822;ada@inner.example
Action: failed
Status: STATUS
Diagnostic-Code: smtp; 550 no such
 user

Final-Recipient: rfc822; bo@reader.example
Action: delayed
Status: 4.4.1

--b
Content-Type: message/rfc822

From: hello@letters.example
To: ada@reader.example
Subject: News

Hello.
--b--
"""
ARF = b"""\
From: <abuse@mailbox.example>
Date: Mon, 23 Nov 2026 10:00:00 +0100
Subject: FW: News
To: <abuse@letters.example>
MIME-Version: 1.0
Content-Type: multipart/report; report-type=feedback-report; boundary="b"

--b
Content-Type: text/plain

This is a report.
--b
Content-Type: message/feedback-report

Feedback-Type: abuse
User-Agent: SomeGenerator/1.0
Version: 1
HEADERS
--b
Content-Type: message/rfc822

From: hello@letters.example
To: Bo <bo@reader.example>
Subject: News

Hello.
--b--
"""


def read(mail: bytes) -> list[tuple[str, str, bool]]:
    return [(event.kind.value, event.email, event.soft) for event in read_report(mail, NOW)]


@pytest.mark.parametrize(
    ("status", "soft"), [(b"5.1.1", False), (b"5.0.0", False), (b"4.4.7", True), (b"5.2.2", True), (b"", True)]
)
def test_a_bounce_is_about_whom_we_wrote_to_and_hard_or_soft_by_its_status(status: bytes, soft: bool) -> None:
    late = ("accepted", "bo@reader.example", False)  # a mail that is late was taken
    assert read(DSN.replace(b"STATUS", status)) == [("bounced", "Ada@reader.example", soft), late]


def test_a_complaint_is_about_whom_the_report_or_its_mail_names() -> None:
    assert read(ARF.replace(b"HEADERS", b"Original-Rcpt-To: ada@reader.example")) == [
        ("complained", "ada@reader.example", False)
    ]
    assert read(ARF.replace(b"HEADERS\n", b"")) == [("complained", "bo@reader.example", False)]
    assert read(ARF.replace(b"abuse\nUser", b"opt-out\nUser"))[0][0] == "unsubscribed"
    assert read(ARF.replace(b"abuse\nUser", b"not-spam\nUser")) == []


def test_a_report_names_the_mail_that_it_is_about() -> None:
    def named(mail: bytes) -> tuple[str, str]:
        event = read_report(mail, NOW)[0]
        return event.reference, event.subject

    whole = DSN.replace(b"STATUS", b"5.1.1").replace(
        b"Subject: News", b"Message-ID: <nl-1a2b@letters.example>\nSubject: =?utf-8?q?Neu_=C3=BC?="
    )
    assert named(whole) == ("nl-1a2b", "Neu ü")
    assert named(whole.replace(b"mx.example\n\nOrig", b"mx.example\nOriginal-Envelope-Id: nl-9\n\nOrig"))[0] == "nl-9"
    assert (
        named(
            ARF.replace(b"HEADERS\n", b"").replace(
                b"Subject: News\n\nHello", b"Message-ID: <nl-1a2b@l.example>\n\nHello"
            )
        )[0]
        == "nl-1a2b"
    )


def test_line_ends_and_other_mails_make_no_difference() -> None:
    assert read(DSN.replace(b"STATUS", b"5.1.1").replace(b"\n", b"\r\n"))[:1] == [
        ("bounced", "Ada@reader.example", False)
    ]
    assert read(b"From: a@b.example\nSubject: hello\n\nI am on holiday.\n") == []


@given(st.binary(max_size=300), st.integers(0, len(DSN)))
def test_no_mail_whatever_is_in_it_breaks_the_reader(noise: bytes, place: int) -> None:
    read(noise)
    read(DSN[:place] + noise + DSN[place:])
    read(ARF[: min(place, len(ARF))] + noise)


def test_a_mailbox_is_heeded_once_however_often_it_is_read(tmp_path: Path, capsys: Any) -> None:
    (tmp_path / "issues").mkdir()
    (tmp_path / "newsletter.toml").write_text(
        '[publication]\nname="T"\nbase_url="https://t.example"\nsender="t@t.example"\n[provider]\nname="outbox"\n'
    )
    store = open_store("", tmp_path / ".newsletter")
    with store.transaction() as connection:
        for name in ("ada", "bo", "cy"):
            row = {"email": f"{name}@reader.example", "email_key": f"{name}@reader.example", "state": "active"}
            connection.execute(subscribers.insert(), row | {"fields": {}, "created_at": NOW, "changed_at": NOW})
    box = tmp_path / "bounces.mbox"
    mails = [DSN.replace(b"STATUS", b"5.1.1"), ARF.replace(b"HEADERS\n", b"")]
    box.write_bytes(b"".join(b"From x@y.example Mon Nov 23 10:00:00 2026\n" + mail + b"\n" for mail in mails))
    assert len(list(mails_in(box))) == 2
    folder = tmp_path / "Maildir"
    for number, mail in enumerate(mails):
        (folder / ("new", "cur")[number]).mkdir(parents=True)
        (folder / ("new", "cur")[number] / f"1.{number}.host").write_bytes(mail)
    assert list(mails_in(folder)) == mails
    for _ in range(2):
        assert main(["bounces", "read", str(box), "-C", str(tmp_path)]) == 0
    with store.reading() as connection:
        states = connection.execute(select(subscribers.c.state).order_by(subscribers.c.id)).scalars().all()
    store.close()
    assert main(["bounces", "read", str(tmp_path / "none"), "-C", str(tmp_path)]) == 2
    assert "cannot be read" in capsys.readouterr().err
    assert states == ["bounced", "complained", "active"]
