"""An issue goes out through a mail server, by the real command line."""

from __future__ import annotations

from email import message_from_bytes
from email.policy import default
from pathlib import Path

import pytest
from calling import CONSENT, TOML, Call
from mailserver import mail_server

PROVIDER = '[provider]\nname = "smtp"\nsmtp_host = "127.0.0.1"\nsmtp_port = {port}\nsmtp_security = "none"\n'
QUICK = '[delivery]\nrequests_per_second = 1000\nbackoff = "1ms"\n'


def readers(call: Call, publication: Path, count: int) -> None:
    lines = "".join(f"r{number}@x.example,Reader {number}\n" for number in range(count))
    (publication / "l.csv").write_text(f"email,name\n{lines}")
    assert call("subscribers", "import", publication / "l.csv", *CONSENT).code == 0


def test_each_reader_gets_a_mail_of_their_own_and_who_is_refused_is_reported(call: Call, publication: Path) -> None:
    with mail_server(RCPT=["250 OK", "450 4.2.1 greylisted", "550 5.1.1 no such user"]) as server:
        (publication / "newsletter.toml").write_text(TOML + PROVIDER.format(port=server.port) + QUICK)
        readers(call, publication, 30)
        sent = call("send", "first", "--now", "--confirm", "first:30", "--json")
        assert sent.code == 0
        mails = [message_from_bytes(mail, policy=default) for mail in server.mails]
    report = sent.data["data"]
    assert (report["sent"], report["rejected"]) == (29, {"550 5.1.1 no such user": 1})
    assert report["batches"] == {"accepted": 29, "rejected": 1}
    assert len({mail["To"].addresses[0].addr_spec for mail in mails}) == len(mails) == 29
    assert all(mail["List-Unsubscribe"].startswith("<https://test.example/unsubscribe/") for mail in mails)
    assert f"Hello {mails[0]['To'].addresses[0].display_name}," in mails[0].get_body(("plain",)).get_content()


BOUNCE = """\
From: Mail Delivery Subsystem <mailer-daemon@mx.example>
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="b"

--b
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; {address}
Action: {action}
Status: 5.1.1

--b
Content-Type: text/rfc822-headers

Message-ID: {message_id}

--b--
"""


def test_a_bounce_settles_what_a_broken_connection_left_in_doubt(call: Call, publication: Path) -> None:
    with mail_server(DATA=["cut after the mail", "cut after the mail"]) as server:
        (publication / "newsletter.toml").write_text(TOML + PROVIDER.format(port=server.port) + QUICK)
        readers(call, publication, 3)
        call("send", "first", "--now", "--confirm", "first:3", "--json")
        mails = [message_from_bytes(mail, policy=default) for mail in server.mails]
    doubtful = mails[:2]
    for mail, action in zip(doubtful, ("failed", "delayed"), strict=True):
        address, name = mail["To"].addresses[0].addr_spec, mail["Message-ID"]
        (publication / "b.eml").write_text(BOUNCE.format(address=address, message_id=name, action=action))
        assert call("bounces", "read", publication / "b.eml").out == "1 mail read, 1 report heeded\n"
        shown = call("subscribers", "show", address, "--json").data["data"]
        assert shown["deliveries"][0]["state"] == {"failed": "bounced", "delayed": "accepted"}[action]
        assert shown["subscriber"]["state"] == {"failed": "bounced", "delayed": "active"}[action]


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ('[provider]\nname = "smtp"\n', "needs a mail server"),
        ('[provider]\nname = "smtp"\nsmtp_host = "h"\nsmtp_user = "u"\n', "AUTOSEND_API_KEY is not set"),
        ('[provider]\nname = "smtp"\nsmtp_host = "h"\nsmtp_port = 99999\n', "at most 65535"),
        ('[provider]\nname = "smtp"\nsmtp_host = "h"\nsmtp_security = "ssl"\n', "expected 'starttls', 'tls' or 'none'"),
    ],
)
def test_what_is_missing_is_said_before_anything_is_sent(
    call: Call, publication: Path, lines: str, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    readers(call, publication, 1)
    monkeypatch.delenv("AUTOSEND_API_KEY", raising=False)
    (publication / "newsletter.toml").write_text(TOML + lines)
    said = call("send", "first", "--now", "--confirm", "first:1")
    assert (said.code, words in said.err) == (3, True), said.err
