"""A mail server's answers, and what each means for the reader."""

from __future__ import annotations

import socket
import ssl
import threading
import time
from contextlib import closing, suppress
from dataclasses import replace

import pytest
import trustme
from contract import MESSAGE, reader
from mailserver import MailServer, mail_server

from newsletter.delivery.protocol import Accepted, Blocked, Outcome, RecipientsRefused, Refused, Unknown
from newsletter.providers.smtp import Server, Smtp


def posts(
    server: MailServer,
    calls: int = 1,
    security: str = "none",
    *,
    user: str = "",
    password: str = "",
    context: ssl.SSLContext | None = None,
) -> list[Outcome]:
    told = Server("127.0.0.1", server.port, security, user, password, timeout=10)
    with closing(Smtp(told, context=context)) as provider:
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
        ("DATA", "552 5.3.4 the mail is too large", Blocked, 0),
        ("DATA", "cut", Unknown, 0),
        ("DATA", "cut after", Unknown, 1),
    ],
)
@pytest.mark.parametrize("pipelining", [False, True])
def test_every_answer_has_one_meaning(word: str, answer: str, kind: type, taken: int, pipelining: bool) -> None:
    with mail_server(pipelining=pipelining, **{word: [answer]}) as server:  # type: ignore[arg-type]
        first, second = posts(server, 2)
        assert (type(first), len(server.mails) - 1) == (kind, taken)
        assert isinstance(second, Accepted)  # whatever the first came to, the next reader is mailed


def test_one_connection_carries_many_mails() -> None:
    with mail_server() as server:
        assert {type(outcome) for outcome in posts(server, 20)} == {Accepted}
        assert (len(server.mails), len(server.sessions)) == (20, 1)


def test_a_server_that_takes_commands_together_gets_them_so() -> None:
    with mail_server(pipelining=True) as server:
        assert {type(outcome) for outcome in posts(server, 5)} == {Accepted}
        assert (len(server.mails), len(server.sessions), server.together) == (5, 1, 10)  # RCPT and DATA of each
    with mail_server() as server:
        posts(server, 5)
        assert server.together == 0


def test_a_connection_that_the_server_closed_is_made_anew() -> None:
    with mail_server(MAIL=["250 OK", "421 4.3.2 closing"]) as server:
        outcomes = posts(server, 3)
        assert [type(outcome) for outcome in outcomes] == [Accepted, Refused, Accepted]


@pytest.mark.parametrize("pipelining", [False, True])
def test_a_kept_connection_that_is_gone_costs_nobody_their_mail(pipelining: bool) -> None:
    with mail_server(pipelining=pipelining) as server:
        with closing(Smtp(Server("127.0.0.1", server.port, security="none", timeout=10))) as provider:
            post = provider.prepare(MESSAGE)
            assert isinstance(post([reader(1)], "nl-1"), Accepted)
            provider._local.session.sock.shutdown(socket.SHUT_RDWR)  # as after an hour without a mail
            assert isinstance(post([reader(2)], "nl-2"), Accepted)
        assert (len(server.mails), len(server.sessions)) == (2, 2)


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    """A certificate authority that nobody but these tests trusts."""
    return trustme.CA()


def contexts(authority: trustme.CA, name: str = "127.0.0.1") -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """Of a server with a certificate for `name`, and of a client that trusts the authority."""
    theirs, ours = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.create_default_context()
    authority.issue_cert(name).configure_cert(theirs)
    authority.configure_trust(ours)
    return theirs, ours


def test_starttls_with_a_certificate_that_is_trusted_and_a_login(authority: trustme.CA) -> None:
    theirs, ours = contexts(authority)
    with mail_server(tls=theirs, user="letter", password="grain") as server:
        assert (
            posts(server, 2, "starttls", user="letter", password="grain", context=ours)
            == [Accepted("2.0.0 queued as 4711")] * 2
        )
        assert (len(server.mails), len(server.sessions)) == (2, 1)


def test_tls_from_the_first_byte(authority: trustme.CA) -> None:
    theirs, ours = contexts(authority)
    with mail_server(tls=theirs, wrapped=True) as server:
        assert {type(outcome) for outcome in posts(server, 2, "tls", context=ours)} == {Accepted}
        assert (len(server.mails), len(server.sessions)) == (2, 1)


def test_a_wrong_password_needs_a_person_and_is_not_shown(authority: trustme.CA) -> None:
    theirs, ours = contexts(authority)
    with mail_server(tls=theirs, user="letter", password="grain") as server:
        (outcome,) = posts(server, 1, "starttls", user="letter", password="chaff", context=ours)
        assert isinstance(outcome, Blocked)
        assert "535" in outcome.reason
        assert "chaff" not in repr(outcome)
        assert server.mails == []


@pytest.mark.parametrize("trusted", [True, False])
def test_a_certificate_of_another_name_or_authority_is_not_enough(authority: trustme.CA, trusted: bool) -> None:
    theirs, ours = contexts(authority, "other.example") if trusted else contexts(trustme.CA())
    with mail_server(tls=theirs) as server:
        (outcome,) = posts(server, 1, "starttls", context=ours if trusted else contexts(authority)[1])
        assert isinstance(outcome, Blocked)
        assert "cannot be made safe" in outcome.reason
        assert server.mails == []


def test_an_answer_that_drips_has_an_end() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    gone = threading.Event()

    def serve() -> None:
        client, _ = listener.accept()
        with client, suppress(OSError):
            for _ in range(400):
                client.sendall(b"2")
                time.sleep(0.05)
            return
        gone.set()

    thread = threading.Thread(target=serve)
    thread.start()
    server = Server("127.0.0.1", listener.getsockname()[1], security="none", timeout=0.4)
    with closing(Smtp(server)) as provider:
        assert isinstance(provider.prepare(MESSAGE)([reader(1)], "nl-1"), Refused)
    thread.join()
    listener.close()
    assert gone.is_set()


def test_a_sender_whom_no_mail_server_takes_needs_a_person() -> None:
    with mail_server() as server, closing(Smtp(Server("127.0.0.1", server.port, security="none"))) as provider:
        outcome = provider.prepare(replace(MESSAGE, sender="größe@plain-ai.example"))([reader(1)], "nl-1")
        assert isinstance(outcome, Blocked)


def test_failures_are_asked_for_under_the_calls_key_where_the_server_reports_them() -> None:
    with mail_server() as server:
        server.dsn = True
        posts(server)
        assert server.options == ["RET=HDRS", "ENVID=nl-0", "NOTIFY=FAILURE"]


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
