"""Telling other programs what happened: signed posts of JSON, each event at least once, in order.

Nothing is written when something happens: the events are read from what the database remembers anyway (the consent log,
the states of broadcasts), from where the last post that was answered with 2xx left off. So a crash loses none, and one
may come twice: its `id` is the same then.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, select, text, update

from newsletter.config import HookConfig, revealed
from newsletter.errors import ConfigError
from newsletter.publication import Publication
from newsletter.store.database import Store
from newsletter.store.tables import broadcasts, consents, facts, subscribers

_AT_ONCE = 100  # events in one post
_ROUNDS = 20  # posts to one program in a look; the rest comes with the next one
_SECONDS = (5, 20)  # to connect, and without an answer


@dataclass(frozen=True)
class Told:
    """Up to where a program was told: the last line of the consent log, and the state of each broadcast."""

    line: int
    states: Mapping[str, str]

    @classmethod
    def read(cls, text_: str) -> Told:
        """From what `facts` keeps."""
        found = json.loads(text_)
        return cls(int(found["line"]), dict(found["states"]))

    def __str__(self) -> str:
        return json.dumps({"line": self.line, "states": dict(self.states)}, sort_keys=True)


def tell_hooks(
    publication: Publication, store: Store, now: Callable[[], datetime], say: Callable[[str], None] = lambda _: None
) -> int:
    """Post what happened since the last time to each program of `[[hooks]]`; how many events were taken.

    The first look only remembers where things stand. What a program does not take is tried again by the next look.
    """
    taken = 0
    for hook in publication.config.hooks:
        for _ in range(_ROUNDS):
            count, trouble = _tell(publication, store, hook, now)
            taken += count
            if trouble:
                say(f"hook {hook.url}: {trouble}")
            if trouble or count < _AT_ONCE:
                break
    return taken


def sign(key: str, body: bytes, at: int) -> str:
    """The header `Newsletter-Signature`: a Unix time, and HMAC-SHA256 over it, a point and the body (RFC 2104)."""
    digest = hmac.new(key.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def _tell(publication: Publication, store: Store, hook: HookConfig, now: Callable[[], datetime]) -> tuple[int, str]:
    name = f"hook {hook.url}"
    with store.reading() as connection:
        before = connection.execute(select(facts.c.value).where(facts.c.name == name)).scalar()
        told = Told.read(before) if before else None
        events, after = _since(connection, told)
    if told is None:
        with store.transaction() as connection:
            connection.execute(facts.insert(), {"name": name, "value": str(after)})
        return 0, ""
    wanted = [event for event in events if not hook.events or event["type"] in hook.events]
    if wanted and (trouble := _post(publication, hook, wanted, now())):
        return 0, trouble
    if str(after) != before:
        with store.transaction() as connection:
            mine = update(facts).where(facts.c.name == name, facts.c.value == before)
            connection.execute(mine.values(value=str(after)))
    return len(events), ""


def _since(connection: Connection, told: Told | None) -> tuple[list[dict[str, Any]], Told]:
    """The events since then, the oldest first, and how far they go."""
    states = {str(row.id): row.state for row in connection.execute(select(broadcasts.c.id, broadcasts.c.state))}
    if told is None:
        newest = _settled(connection, select(consents.c.id)).order_by(consents.c.id.desc()).limit(1)
        return [], Told(connection.execute(newest).scalar() or 0, states)
    changed = [int(number) for number, state in states.items() if told.states.get(number) != state]
    events = [_of_broadcast(row) for row in _rows_of(connection, changed)]
    query = select(consents, subscribers.c.email).outerjoin(subscribers, subscribers.c.id == consents.c.subscriber_id)
    query = _settled(connection, query.where(consents.c.id > told.line)).order_by(consents.c.id).limit(_AT_ONCE)
    lines = connection.execute(query).all()
    events += [_of_reader(row) for row in lines]
    return events, Told(lines[-1].id if lines else told.line, states)


def _settled(connection: Connection, query: Select[Any]) -> Select[Any]:
    """Only lines before which none can still appear: PostgreSQL gives ids out before it shows their rows."""
    if connection.dialect.name != "postgresql":
        return query
    before = "consents.xmin::text::bigint < (pg_snapshot_xmin(pg_current_snapshot())::text::bigint & 4294967295)"
    return query.where(text(before))


def _rows_of(connection: Connection, numbers: Sequence[int]) -> Sequence[Any]:
    return connection.execute(select(broadcasts).where(broadcasts.c.id.in_(numbers)).order_by(broadcasts.c.id)).all()


def _of_broadcast(row: Any) -> dict[str, Any]:
    moment = row.finished_at or row.started_at or row.planned_at
    data = {"slug": row.slug, "reason": row.reason, "provider": row.provider, "digest": row.digest}
    kind = f"broadcast.{row.state}"
    return {"id": f"broadcast-{row.id}-{row.state}", "type": kind, "at": moment.isoformat(), "data": data}


def _of_reader(row: Any) -> dict[str, Any]:
    data = {"subscriber": row.subscriber_id, "email": row.email, "source": row.source}
    return {"id": f"consent-{row.id}", "type": f"subscriber.{row.action}", "at": row.at.isoformat(), "data": data}


def _post(publication: Publication, hook: HookConfig, events: Sequence[Mapping[str, Any]], now: datetime) -> str:
    """Post events; what went wrong, or nothing. The address and the key are secrets: neither is told."""
    import requests

    try:
        url, key = revealed(hook.url), revealed(hook.key)
    except ConfigError as error:
        return error.message
    if not url or not key:
        return f"{hook.url if not url else hook.key} is not set"
    body = json.dumps({"publication": publication.config.publication.name, "events": list(events)}).encode()
    headers = {"Content-Type": "application/json", "Newsletter-Signature": sign(key, body, int(now.timestamp()))}
    try:
        answer = requests.post(url, data=body, headers=headers, timeout=_SECONDS, allow_redirects=False)
    except (requests.RequestException, UnicodeError) as error:
        return f"it cannot be reached: {type(error).__name__}"
    return "" if 200 <= answer.status_code < 300 else f"it answered {answer.status_code}"
