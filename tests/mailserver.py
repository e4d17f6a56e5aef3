"""A mail server for tests: aiosmtpd, which answers as it is told and keeps what it took."""

from __future__ import annotations

import socket
import ssl
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
    pipelining: bool = False
    dsn: bool = False
    together: int = 0  # commands that had come already when the one before them was answered

    async def handle_EHLO(  # noqa: N802
        self, server: Any, session: Any, envelope: Any, hostname: str, responses: list[str]
    ) -> list[str]:
        session.host_name = hostname
        offers = ["250-PIPELINING"] * self.pipelining + ["250-DSN"] * self.dsn
        return [*responses[:-1], *offers, responses[-1]]

    def without_options(self, line: str) -> str:
        """A command without the parameters of RFC 3461, which are kept; as it is where they were not offered."""
        path, *words = line.split(" ")
        mine = [word for word in words if self.dsn and word.split("=")[0] in ("RET", "ENVID", "NOTIFY")]
        self.options += mine
        return " ".join([path, *(word for word in words if word not in mine)])

    def _answer(self, word: str, otherwise: str) -> str:
        script = self.answers.get(word, [])
        return script.pop(0) if script else otherwise

    async def handle_MAIL(self, server: Any, session: Any, envelope: Any, address: str, options: list[str]) -> str:  # noqa: N802
        self.sessions.add(id(session))
        self.together += server._reader._buffer.count(b"\r\n")
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
def mail_server(
    *,
    pipelining: bool = False,
    tls: ssl.SSLContext | None = None,
    wrapped: bool = False,
    user: str = "",
    password: str = "",
    **answers: list[str],
) -> Iterator[MailServer]:
    """A server on a free port of this machine, until the end of the `with`.

    `tls` has it offer STARTTLS, or speak TLS from the first byte where it is `wrapped`; with a `user` it wants a login
    before it takes a mail.
    """
    pytest.importorskip("aiosmtpd")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from aiosmtpd.controller import Controller
        from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword
    handler = MailServer(answers=answers, pipelining=pipelining)

    class Reporting(SMTP):
        """Takes the parameters of RFC 3461, which aiosmtpd refuses."""

        async def smtp_MAIL(self, arg: str) -> None:  # noqa: N802
            await super().smtp_MAIL(handler.without_options(arg))

        async def smtp_RCPT(self, arg: str) -> None:  # noqa: N802
            await super().smtp_RCPT(handler.without_options(arg))

    class Serving(Controller):
        def factory(self) -> SMTP:
            return Reporting(self.handler, **self.SMTP_kwargs)

    def login(server: Any, session: Any, envelope: Any, mechanism: str, told: Any) -> Any:
        right = isinstance(told, LoginPassword) and (told.login, told.password) == (user.encode(), password.encode())
        return AuthResult(success=right, handled=False)

    more: dict[str, Any] = {"tls_context": tls, "require_starttls": True} if tls and not wrapped else {}
    more |= {"ssl_context": tls} if wrapped else {}
    if user:
        more |= {"authenticator": login, "auth_required": True, "auth_require_tls": bool(tls)}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a login without TLS, on this machine
        controller = Serving(handler, hostname="127.0.0.1", port=free_port(), **more)
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
