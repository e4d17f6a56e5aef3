"""A mail server, over smtplib: one mail a call, the connection kept from call to call.

A mail server promises nothing about repeats, and it takes mails one by one: with one reader a batch, a broken
connection leaves one reader in doubt, not a hundred. Which answer means what is in docs/delivery.md (RFC 5321).
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import re
import smtplib
import ssl
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.utils import parseaddr
from functools import partial

from newsletter.delivery.protocol import (
    Accepted,
    Blocked,
    Message,
    Outcome,
    Post,
    Recipient,
    RecipientsRefused,
    Refused,
    Unknown,
)
from newsletter.providers.mail import is_address, mime_of
from newsletter.providers.transport import Patient

_MOST_A_CONNECTION = 100  # mails; many servers close a connection after some number, so we do before
_CONNECTION_LOST = (smtplib.SMTPException, OSError)
_BROKEN = Refused("the connection to the mail server broke before the mail was whole")
_RECIPIENT_STATUS = re.compile(r"\s*5\.[12]\.\d")  # RFC 3463: the address (X.1), the mailbox (X.2)


@dataclass(frozen=True)
class Server:
    """Where mails are handed in. `security`: `starttls`, `tls` from the first byte, or `none`."""

    host: str
    port: int = 587
    security: str = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    timeout: float = 60.0

    def __repr__(self) -> str:
        return f"Server({self.host}:{self.port})"


class Smtp:
    """The provider `smtp`. `context` is the TLS context, for tests and private authorities."""

    name = "smtp"
    largest_batch = 1
    honours_keys = False

    def __init__(self, server: Server, *, context: ssl.SSLContext | None = None) -> None:
        who = f"{server.host}:{server.port} {server.user}"
        self.account = f"smtp-{hashlib.sha256(who.encode()).hexdigest()[:12]}"
        self._server = server
        self._context = context
        self._local = threading.local()  # each thread has a connection of its own
        self._open: set[smtplib.SMTP] = set()

    def prepare(self, message: Message) -> Post:
        """A function that hands in the mail of one reader."""
        return partial(self._post, message)

    def close(self) -> None:
        """Take leave of the server, in the name of all threads, which make no call any more."""
        while self._open:
            _leave(self._open.pop())

    def _post(self, message: Message, recipients: Sequence[Recipient], key: str) -> Outcome:
        if len(recipients) != 1:
            return Blocked("a mail server takes one reader a call")
        (recipient,) = recipients
        if not is_address(recipient.email):
            return RecipientsRefused({0: "this is no address"})
        sender = parseaddr(message.sender)[1]
        if not is_address(sender):
            return Blocked("the sender is no address that a mail server takes", "check [publication] sender")
        # The same mail has the same name, so that a mailbox may notice one that came twice.
        message_id = f"<{re.sub(r'[^A-Za-z0-9.-]', '', key)}@{sender.rpartition('@')[2]}>"
        try:
            mail = mime_of(message, recipient, message_id=message_id)
        except (ValueError, LookupError) as error:
            return Blocked(f"the message cannot be written as a mail: {error}"[:200], "check its sender and headers")
        return self._deliver(sender, recipient.email, mail, key)

    def _deliver(self, sender: str, address: str, mail: bytes, key: str) -> Outcome:
        """Hand the mail in, once more where the kept connection turns out to be closed: the server has nothing then."""
        outcome: Outcome = _BROKEN
        while outcome == _BROKEN:
            session = self._session()
            if not isinstance(session, smtplib.SMTP):
                return session
            kept = self._local.used > 0
            outcome = _hand_in(session, sender, address, mail, key)
            self._local.used += 1
            broken = isinstance(outcome, Unknown) or outcome == _BROKEN or session.sock is None
            if broken or self._local.used >= _MOST_A_CONNECTION:
                self._drop()
            if not kept:
                return outcome
        return outcome

    def _session(self) -> smtplib.SMTP | Outcome:
        """The thread's connection, made where there is none; or why there cannot be one."""
        session = getattr(self._local, "session", None)
        if session is not None:
            return session  # type: ignore[no-any-return]
        try:
            session = self._connect()
        except smtplib.SMTPAuthenticationError as error:
            return Blocked(f"the mail server answered {_said(error.smtp_code, error.smtp_error)}", "check user and key")
        except (ssl.SSLError, smtplib.SMTPNotSupportedError) as error:
            hint = "check [provider] smtp_host and smtp_security"
            return Blocked(f"the connection to the mail server cannot be made safe: {error}"[:200], hint)
        except (smtplib.SMTPException, OSError):
            return Refused("the mail server cannot be reached")
        self._local.session, self._local.used = session, 0
        self._open.add(session)
        return session

    def _connect(self) -> smtplib.SMTP:
        server, context = self._server, self._context or ssl.create_default_context()
        if server.security == "tls":
            session: smtplib.SMTP = _SafeSession(server.host, server.port, timeout=server.timeout, context=context)
        else:
            session = _Session(server.host, server.port, timeout=server.timeout)
        try:
            session.ehlo_or_helo_if_needed()
            if server.security == "starttls":
                session.starttls(context=context)  # raises where the server does not offer it: never in the clear
                session.ehlo()
            if server.user:
                session.login(server.user, server.password)
        except BaseException:
            session.close()
            raise
        return session

    def _drop(self) -> None:
        session, self._local.session = self._local.session, None
        self._open.discard(session)
        _leave(session)


class _Session(smtplib.SMTP):
    """A session in which each answer of the server has its time as a whole, the greeting too."""

    def getreply(self) -> tuple[int, bytes]:
        """The next answer. After 421 the server ends the connection, and so do we."""
        assert self.sock is not None  # noqa: S101 - smtplib asks only then
        if self.file is None:
            self.file = io.BufferedReader(Patient(self.sock, self.sock.gettimeout()))
        if isinstance(self.file.raw, Patient):
            self.file.raw.begin()
        code, text = smtplib.SMTP.getreply(self)  # not super(): the other class has this method too
        if code == 421:
            self.close()
        return code, text


class _SafeSession(smtplib.SMTP_SSL):
    """The same over TLS from the first byte."""

    getreply = _Session.getreply


def _leave(session: smtplib.SMTP) -> None:
    with contextlib.suppress(smtplib.SMTPException, OSError):
        session.quit()
    session.close()


def _hand_in(session: smtplib.SMTP, sender: str, address: str, mail: bytes, key: str) -> Outcome:
    """One mail transaction (RFC 5321 section 3.3). Until its last dot is sent the server has no mail to deliver."""
    try:
        if refusal := _envelope(session, sender, address, key):
            return refusal
        session.send(re.sub(rb"(?m)^\.", b"..", mail))  # RFC 5321 section 4.5.2
    except _CONNECTION_LOST:
        return _BROKEN
    try:
        session.send(b".\r\n")
        code, text = session.getreply()
    except _CONNECTION_LOST:
        return Unknown("the connection to the mail server broke before its answer to a whole mail")
    if code == 250:
        return Accepted(_said(code, text)[4:])
    if code >= 500 and _RECIPIENT_STATUS.match(text.decode("utf-8", "replace")):
        return RecipientsRefused({0: _said(code, text)})
    return _refusal(code, text)


def _envelope(session: smtplib.SMTP, sender: str, address: str, key: str) -> Outcome | None:
    """From whom, to whom, and the wish to send; None where the server waits for the mail.

    Where the server takes commands without waiting for its answers (RFC 2920), they go out together. The first one ends
    whatever was begun before, on a connection that is kept.
    """
    dsn = session.has_extn("dsn")  # RFC 3461: who is told of failures, and under which name
    words = [
        "RSET",
        f"MAIL FROM:<{sender}>" + (f" RET=HDRS ENVID={key}" if dsn else ""),
        f"RCPT TO:<{address}>" + (" NOTIFY=FAILURE" if dsn else ""),
        "DATA",
    ]
    refusal, together = None, session.has_extn("pipelining")
    if together:
        session.send("".join(f"{word}\r\n" for word in words))
    for word in words:
        if not together:
            if refusal:
                return refusal
            session.send(f"{word}\r\n")
        code, text = session.getreply()
        if word == "RSET" and code == 421:  # it was about to close a connection that nobody used
            return _BROKEN
        if word != "DATA" or code != 354:
            refusal = refusal or _objection(word, code, text)
        elif refusal:  # it would take a mail to nobody: RFC 2920 section 3.1 wants it empty
            session.send(".\r\n")
            session.getreply()
    return refusal


def _objection(word: str, code: int, text: bytes) -> Outcome | None:
    """What the answer to a command says against the mail; None where it may go on."""
    if word.startswith("RCPT") and code >= 500:
        return RecipientsRefused({0: _said(code, text)})
    return None if code in (250, 251) and word != "DATA" else _refusal(code, text)


def _refusal(code: int, text: bytes) -> Outcome:
    """4yz is for now, 5yz for good (RFC 5321 section 4.2.1); 421 says that the server closes the connection."""
    reason = f"the mail server answered {_said(code, text)}"
    if 500 <= code < 600:
        return Blocked(reason, "see docs/delivery.md")
    return Refused(reason, too_fast=code in (421, 450, 451, 452))


def _said(code: int, text: bytes | str) -> str:
    words = " ".join((text.decode("utf-8", "replace") if isinstance(text, bytes) else text).split())
    return f"{code} {''.join(char for char in words if char.isprintable())}"[:180]
