"""Mails as files, for working without a server: one folder a call with one `.eml` a reader, or one `.mbox` a call.

A call is whole or not there: its folder or file is filled under another name, synced, then renamed. The name is the
call's idempotency key, so a repeat finds it and writes nothing.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from newsletter.delivery.protocol import Accepted, Blocked, Message, Outcome, Post, Recipient, RecipientsRefused
from newsletter.providers.mail import is_address, mime_of

_KEY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}")
_UNSAFE = re.compile(r"[^A-Za-z0-9@._+-]+")
_PENDING = ".pending-"  # folders that a crash left behind begin so


@dataclass(frozen=True)
class Outbox:
    """The provider `outbox`: calls become folders in `folder`, or files that mail programs open whole (`mbox`)."""

    folder: Path
    mbox: bool = False
    name: str = "outbox"
    account: str = "outbox"
    largest_batch: int = 100
    honours_keys: bool = True

    def prepare(self, message: Message) -> Post:
        """A function that writes the mails of one call."""
        return partial(self._post, message)

    def probe(self) -> str:
        """Whether mails can be written; what is wrong, or empty."""
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            return f"{self.folder}: cannot be written: {error.strerror or error}"
        return "" if os.access(self.folder, os.W_OK) else f"{self.folder}: cannot be written"

    def _post(self, message: Message, recipients: Sequence[Recipient], key: str) -> Outcome:
        if not _KEY.fullmatch(key):
            return Blocked("the idempotency key is no name for a folder")
        target = self.folder / (f"{key}.mbox" if self.mbox else key)
        if target.exists():
            return Accepted(key)
        if refused := {n: "this is no address" for n, r in enumerate(recipients) if not is_address(r.email)}:
            return RecipientsRefused(refused)
        try:
            mails = [(_file_name(number, r.email), mime_of(message, r)) for number, r in enumerate(recipients)]
        except (ValueError, LookupError) as error:
            return Blocked(f"the message cannot be written as a mail: {error}"[:200], "check its sender and headers")
        try:
            if self.mbox:
                _write_file(target, b"".join(_in_mbox(mail) for _, mail in mails))
            else:
                _write_whole(target, mails)
        except OSError as error:
            return Blocked(
                f"{self.folder}: cannot be written: {error.strerror or error}", "free some space, or allow writing"
            )
        return Accepted(key)


def _write_whole(target: Path, mails: Sequence[tuple[str, bytes]]) -> None:
    """All files of `target` or none, also after a crash. Raises OSError; then there is nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    pending = Path(tempfile.mkdtemp(prefix=_PENDING, dir=target.parent))
    try:
        for name, content in mails:
            with (pending / name).open("xb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        _sync(pending)
        try:
            pending.rename(target)
        except OSError:
            if not target.is_dir():  # else another process was first with the same call
                raise
        _sync(target.parent)
    finally:
        with contextlib.suppress(OSError):
            shutil.rmtree(pending)


def _write_file(target: Path, content: bytes) -> None:
    """The whole of `target` or nothing, also after a crash. Raises OSError; then there is nothing."""
    target.parent.mkdir(parents=True, exist_ok=True)
    descriptor, pending = tempfile.mkstemp(prefix=_PENDING, dir=target.parent)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(pending).rename(target)  # another process that was first wrote the same call
        _sync(target.parent)
    finally:
        Path(pending).unlink(missing_ok=True)


def _in_mbox(mail: bytes) -> bytes:
    """A mail between its separator line and an empty line (RFC 4155); lines that look like separators are quoted."""
    stamp = datetime.now(UTC).strftime("%a %b %e %H:%M:%S %Y")
    lines = re.sub(rb"(?m)^(>*From )", rb">\1", mail.replace(b"\r\n", b"\n").rstrip(b"\n"))
    return b"From MAILER-DAEMON %s\n%s\n\n" % (stamp.encode(), lines)


def _sync(folder: Path) -> None:
    """Make the names in `folder` durable (fsync(2), "Calling fsync() does not necessarily ensure …")."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _file_name(number: int, address: str) -> str:
    return f"{number + 1:03}-{_UNSAFE.sub('_', address).strip('.')[:80] or '_'}.eml"
