"""Telling people: a notice goes once to each channel, also after restarts.

The row of a notice is written before it is told (DESIGN.md section 4, rule 3). One that a crash interrupted stays
`telling` and is not repeated; one that failed is tried again by later passes, a few times.
"""

from __future__ import annotations

import hashlib
import html
import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Connection, select, update
from sqlalchemy.exc import IntegrityError

from newsletter.config import NotifyConfig, revealed
from newsletter.delivery.protocol import Accepted, Message, Provider, Recipient
from newsletter.errors import ConfigError
from newsletter.store.database import Store
from newsletter.store.tables import notices

_ATTEMPTS = 5
_PAUSE = timedelta(minutes=10)  # between two attempts
_SECONDS = 30  # that a webhook or a command may take
LOG = "log"
_UNSAID = ("empty-soon", "preflight", "stuck", "backup")  # of all others the passes tell the log


@dataclass(frozen=True)
class Notice:
    """Something to tell once. `key` says what it is about; `quiet`: only the log needs it, all is well."""

    key: str
    title: str
    text: str = ""
    quiet: bool = False

    @property
    def kind(self) -> str:
        """`empty-soon`, `preflight`, `report`…: the key's first word."""
        return self.key.partition(":")[0]


Channel = Callable[[Notice], str]  # tells it and gives what went wrong, or nothing


@dataclass(frozen=True)
class Teller:
    """Tells notices to all channels, each once."""

    store: Store
    channels: Mapping[str, Channel]
    now: Callable[[], datetime]

    def is_settled(self, key: str) -> bool:
        """Whether the notice was told, or begun, and no channel is left to be tried again."""
        again = (notices.c.state == "failed") & (notices.c.attempts < _ATTEMPTS)
        with self.store.reading() as connection:
            found = connection.execute(select(again).where(notices.c.key == key)).scalars().all()
        return bool(found) and not any(found)

    def tell(self, notice: Notice) -> None:
        """Tell it to every channel that was not told yet; a channel that fails is tried again by the next call."""
        for name, channel in self.channels.items():
            if notice.quiet and name != LOG:
                continue
            if not self._claim(notice, name):
                continue
            trouble = channel(notice)
            ending = {"state": "failed" if trouble else "told", "error": trouble, "told_at": self.now()}
            with self.store.transaction() as connection:
                connection.execute(update(notices).where(_row(notice.key, name)).values(ending))

    def _claim(self, notice: Notice, channel: str) -> bool:
        """Write down that the channel is being told; False where it was, or is being told by another process."""
        try:
            with self.store.transaction() as connection:
                return _claim(connection, notice, channel, self.now())
        except IntegrityError:  # on PostgreSQL another process was first
            return False


def _claim(connection: Connection, notice: Notice, channel: str, now: datetime) -> bool:
    here = _row(notice.key, channel)
    if connection.execute(select(notices.c.key).where(here)).first():
        due = (notices.c.attempts < _ATTEMPTS) & (notices.c.told_at <= now - _PAUSE)
        again = update(notices).where(here, notices.c.state == "failed", due)
        values = {"state": "telling", "attempts": notices.c.attempts + 1}
        return connection.execute(again.values(values)).rowcount > 0
    row = {"key": notice.key, "channel": channel, "state": "telling", "created_at": now}
    connection.execute(notices.insert().values(row | {"text": f"{notice.title}\n{notice.text}"}))
    return True


def _row(key: str, channel: str) -> ColumnElement[bool]:
    return (notices.c.key == key) & (notices.c.channel == channel)


def channels_of(
    config: NotifyConfig, publication: str, sender: str, provider: Provider, log: Callable[[str], None]
) -> dict[str, Channel]:
    """The channels that `[notify]` asks for, and the log."""

    def to_log(notice: Notice) -> str:
        if notice.kind in _UNSAID:
            log(f"{notice.title}: {notice.text}" if notice.text and "\n" not in notice.text.strip() else notice.title)
        return ""

    channels: dict[str, Channel] = {LOG: to_log}
    if config.editors:
        channels["mail"] = lambda notice: _mail(notice, publication, sender, config.editors, provider)
    if config.webhook:
        channels["webhook"] = lambda notice: _webhook(notice, publication, config.webhook)
    if config.command:
        channels["command"] = lambda notice: _run(notice, publication, config.command)
    return channels


def _mail(notice: Notice, publication: str, sender: str, editors: tuple[str, ...], provider: Provider) -> str:
    text = f"{notice.title}\n\n{notice.text}".strip().replace("{{", "{ {") + "\n"  # no merge tags in here
    paragraphs = "".join(f"<p>{html.escape(part)}</p>" for part in text.split("\n") if part)
    subject = f"[{publication}] {notice.title}".replace("{{", "{ {")
    message = Message(sender, subject, f"<!DOCTYPE html><html><body>{paragraphs}</body></html>", text)
    key = f"notice-{hashlib.sha256(notice.key.encode()).hexdigest()[:32]}"
    outcome = provider.prepare(message)([Recipient(_address(editor)) for editor in editors], key)
    return "" if isinstance(outcome, Accepted) else str(getattr(outcome, "reason", outcome))[:500]


def _address(mailbox: str) -> str:
    from email.utils import parseaddr

    return parseaddr(mailbox)[1]


def _webhook(notice: Notice, publication: str, name: str) -> str:
    """POST `{"text": …}`, which Slack and Mattermost take (api.slack.com, incoming webhooks)."""
    import requests

    try:
        url = revealed(name)
    except ConfigError as error:
        return error.message
    if not url:
        return f"{name} is not set"
    try:
        body = {"text": f"[{publication}] {notice.title}\n{notice.text}".strip()}
        answer = requests.post(url, json=body, timeout=_SECONDS, allow_redirects=False)
    except requests.RequestException as error:
        return f"the webhook cannot be reached: {type(error).__name__}"  # its address is a secret
    return "" if 200 <= answer.status_code < 300 else f"the webhook answered {answer.status_code}"


def _run(notice: Notice, publication: str, command: tuple[str, ...]) -> str:
    told = {"publication": publication, "kind": notice.kind, "key": notice.key}
    told |= {"title": notice.title, "text": notice.text}
    try:
        done = subprocess.run(  # noqa: S603 - the command is the operator's own, in newsletter.toml, and no shell reads it
            command, input=json.dumps(told).encode(), capture_output=True, timeout=_SECONDS, check=False
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"{command[0]}: {error}"[:500]
    words = done.stderr.decode(errors="replace").strip().splitlines()
    return "" if done.returncode == 0 else f"{command[0]} ended with {done.returncode}: {' '.join(words[-1:])}"[:500]
