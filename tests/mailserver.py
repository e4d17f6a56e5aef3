"""A mail server for tests: aiosmtpd, which answers as it is told and keeps what it took."""

from __future__ import annotations

import socket
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest


@dataclass
class MailServer:
    """What was taken, and what to answer: a word (`MAIL`, `RCPT`, `DATA`) -> answers, the first for the first time."""

    port: int = 0
    mails: list[bytes] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)
    options: list[str] = field(default_factory=list)
    sessions: set[int] = field(default_factory=set)

    def _answer(self, word: str, otherwise: str) -> str:
        script = self.answers.get(word, [])
        return script.pop(0) if script else otherwise

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        self.sessions.add(id(session))
        answer = self._answer("MAIL", "250 OK")
        if answer.startswith("250"):
            envelope.mail_from = address
            self.options += options
        return answer

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        answer = self._answer("RCPT", "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        answer = self._answer("DATA", "250 2.0.0 queued as 4711")
        if answer.startswith("250") or "after" in answer:
            self.mails.append(envelope.content)
        if answer.startswith("cut"):  # the connection breaks when the mail is whole
            server.transport.abort()
        return answer


@contextmanager
def mail_server(**answers: list[str]) -> Iterator[MailServer]:
    """A server on a free port of this machine, until the end of the `with`."""
    pytest.importorskip("aiosmtpd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from aiosmtpd.controller import Controller
    handler = MailServer(answers=answers)
    controller = Controller(handler, hostname="127.0.0.1", port=free_port())
    controller.start()
    handler.port = controller.port
    try:
        yield handler
    finally:
        controller.stop()


def free_port() -> int:
    """A port where nobody listens, for the moment."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])
