"""A mail server's answers, and what each means for the reader."""

from __future__ import annotations

from contextlib import closing
from dataclasses import replace

import pytest
from contract import MESSAGE, reader
from mailserver import MailServer, mail_server

from newsletter.delivery.protocol import Accepted, Blocked, Outcome, RecipientsRefused, Refused, Unknown
from newsletter.providers.smtp import Server, Smtp


def posts(server: MailServer, calls: int = 1, security: str = "none") -> list[Outcome]:
    with closing(Smtp(Server("127.0.0.1", server.port, security=security, timeout=10))) as provider:
        post = provider.prepare(MESSAGE)
        return [post([reader(number)], f"nl-{number}") for number in range(calls)]


@pytest.mark.parametrize(
    ("word", "answer", "kind", "taken"),
    [
        ("MAIL", "450 4.2.0 later", Refused, 0),
        ("MAIL", "550 5.7.1 you may not send", Blocked, 0),
        ("RCPT", "450 4.2.1 greylisted", Refused, 0),
        ("RCPT", "550 5.1.1 no such user", RecipientsRefused, 0),
        ("DATA", "250 2.0.0 queued", Accepted, 1),
        ("DATA", "451 4.3.0 later", Refused, 0),
        ("DATA", "554 5.7.1 spam", Blocked, 0),
        ("DATA", "552 5.2.2 mailbox full", RecipientsRefused, 0),
        ("DATA", "cut", Unknown, 0),
        ("DATA", "cut after", Unknown, 1),
    ],
)
def test_every_answer_has_one_meaning(word: str, answer: str, kind: type, taken: int) -> None:
    with mail_server(**{word: [answer]}) as server:
        first, second = posts(server, 2)
        assert (type(first), len(server.mails) - 1) == (kind, taken)
        assert isinstance(second, Accepted)  # whatever the first came to, the next reader is mailed


def test_one_connection_carries_many_mails() -> None:
    with mail_server() as server:
        assert {type(outcome) for outcome in posts(server, 20)} == {Accepted}
        assert (len(server.mails), len(server.sessions)) == (20, 1)


def test_a_connection_that_the_server_closed_is_made_anew() -> None:
    with mail_server(MAIL=["250 OK", "421 4.3.2 closing"]) as server:
        outcomes = posts(server, 3)
        assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted]


def test_a_server_without_tls_is_never_used_in_the_clear() -> None:
    with mail_server() as server:
        (outcome,) = posts(server, security="starttls")
        assert isinstance(outcome, Blocked)
        assert server.mails == []


def test_the_servers_name_for_a_mail_is_kept_and_the_same_mail_has_the_same_name() -> None:
    with mail_server() as server:
        with closing(Smtp(Server("127.0.0.1", server.port, security="none"))) as provider:
            post = provider.prepare(MESSAGE)
            assert [post([reader(1)], "nl-1") for _ in range(2)] == [Accepted("2.0.0 queued as 4711")] * 2
        assert all(b"Message-ID: <nl-1@plain-ai.example>" in mail for mail in server.mails)


def test_a_mail_of_one_endless_line_travels_in_short_ones() -> None:
    with mail_server() as server, closing(Smtp(Server("127.0.0.1", server.port, security="none"))) as provider:
        post = provider.prepare(replace(MESSAGE, html=f"<p>{'x' * 5000}</p>", text="y" * 5000))
        assert isinstance(post([reader(1)], "nl-1"), Accepted)
        assert max(map(len, server.mails[0].split(b"\r\n"))) < 998
        assert b"\n" not in server.mails[0].replace(b"\r\n", b"")
