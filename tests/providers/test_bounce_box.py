"""A mailbox over IMAP: read without a trace, and what goes wrong is told without a password in it."""

from __future__ import annotations

import re
import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import pytest

from newsletter.errors import NewsletterError, UsageError
from newsletter.providers.bounce_box import mails_at

NOW = datetime(2026, 11, 24, 8, tzinfo=UTC)
MAILS = [b"Subject: one\r\n\r\nx\r\n", b"Subject: two\r\n\r\n)\r\n* 1 OK\r\n"]


@contextmanager
def imap(heard: list[str]) -> Iterator[int]:
    """A server that knows as much of IMAP as is asked of it; its port."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"* OK ready\r\n")
            for line in self.rfile:
                tag, _, command = line.decode().strip().partition(" ")
                heard.append(command)
                for answer in answers(command):
                    self.wfile.write(answer)
                bad = "wrong" in command or "nowhere" in command
                self.wfile.write(f"{tag} {'NO' if bad else 'OK'} done\r\n".encode())

    def answers(command: str) -> Iterator[bytes]:
        word = command.split(" ", maxsplit=1)[0].upper()
        if word == "CAPABILITY":
            yield b"* CAPABILITY IMAP4rev1\r\n"
        elif word == "EXAMINE":
            yield b"* 2 EXISTS\r\n"
        elif word == "SEARCH":
            yield b"* SEARCH 1 2\r\n"
        elif word == "FETCH":
            number = int(command.split(" ")[1])
            mail = MAILS[number - 1]
            yield b"* %d FETCH (BODY[] {%d}\r\n%s)\r\n" % (number, len(mail), mail)
        elif word == "LOGOUT":
            yield b"* BYE\r\n"

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server.server_address[1]
        server.shutdown()


def test_the_mails_of_the_last_days_are_read_and_nothing_is_marked() -> None:
    heard: list[str] = []
    with imap(heard) as port:
        assert list(mails_at(f"imap://me@127.0.0.1:{port}/Lists/Bounces", "secret", NOW)) == MAILS
    assert 'EXAMINE "Lists/Bounces"' in heard  # a folder that is only looked at
    assert any(re.search("SINCE 25-Oct-2026", command) for command in heard)
    assert all("PEEK" in command for command in heard if command.startswith("FETCH"))


def test_what_the_server_refuses_is_told_without_the_password() -> None:
    with imap([]) as port:
        for address, password in (
            (f"imap://me@127.0.0.1:{port}", "wrong"),
            (f"imap://me@127.0.0.1:{port}/nowhere", "x"),
        ):
            with pytest.raises(NewsletterError, match="cannot be read") as refused:
                list(mails_at(address, password, NOW))
            assert "wrong" not in str(refused.value)
    with pytest.raises(NewsletterError, match="cannot be reached"):
        list(mails_at(f"imap://me@127.0.0.1:{port}", "x", NOW))


@pytest.mark.parametrize(
    "address", ["imaps://", "imaps://mail.example/INBOX", "imaps://a:b@mail.example", 'imaps://a@b/"']
)
def test_an_address_that_cannot_be_meant_is_told(address: str) -> None:
    with pytest.raises(UsageError, match="no address of a mailbox"):
        list(mails_at(address, "x", NOW))
