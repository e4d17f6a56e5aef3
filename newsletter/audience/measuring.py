"""Clicks and opens: who of them was a machine, as far as can be known, and what is stored of the others.

These rows are a measurement. No consent, no delivery and no page depends on them, only statistics and the segments
`clicked:` and `opened:`; so a GET may add one (docs/decisions/0014-measuring-is-no-state.md).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, func, select, update

from newsletter.store.tables import batches, clicks, deliveries, opens, subscribers

_SECONDS = timedelta(seconds=10)  # after the delivery, or for many links: nobody reads so fast
_MANY = 5  # links
_PROXIES = {"GoogleImageProxy": "google", "YahooMailProxy": "yahoo", "YahooCacheSystem": "yahoo"}
_PROGRAMS = re.compile(
    r"bot\b|bot/|crawl|spider|scan|preview|python|curl|wget|okhttp|java/|go-http|axios|node-fetch|libwww|headless"
    r"|phantomjs|barracuda|mimecast|proofpoint|symantec|fireeye|trendmicro|cloudmark|slurp|facebookexternalhit"
    r"|whatsapp|slack|skypeuripreview|safelinks|urldefense|virustotal",
    re.I,
)


@dataclass(frozen=True)
class Look:
    """One click on `link`, or, without one, one open."""

    broadcast_id: int
    subscriber_id: int
    at: datetime
    link: str = ""
    machine: str = ""


def machine(method: str, headers: Mapping[str, str], *, picture: bool = False) -> str:
    """Why a request is no person's: `head`, `prefetch`, `agent`, for a `picture` also whose proxy; else empty.

    Apple's Mail Privacy Protection loads all pictures of all mails, and calls itself `Mozilla/5.0` and nothing more.
    """
    agent = headers.get("user-agent", "").strip()
    purpose = " ".join(headers.get(name, "") for name in ("sec-purpose", "purpose", "x-purpose", "x-moz")).lower()
    if method == "HEAD":
        return "head"
    if "prefetch" in purpose or "preview" in purpose:
        return "prefetch"
    if picture and agent == "Mozilla/5.0":
        return "apple"
    proxy = next((name for sign, name in _PROXIES.items() if sign in agent), "") if picture else ""
    return proxy or ("agent" if not agent or _PROGRAMS.search(agent) else "")


def store_looks(connection: Connection, looks: Sequence[Look]) -> int:
    """Keep what was seen of readers who do not object; how many. Then tell apart who was too fast for a person."""
    readers = {look.subscriber_id for look in looks}
    query = select(subscribers.c.id).where(subscribers.c.id.in_(readers), subscribers.c.measured)
    willing = set(connection.execute(query).scalars())
    kept = [look for look in looks if look.subscriber_id in willing]
    fresh = _delivered_just_before(connection, kept)
    rows = [
        {"broadcast_id": look.broadcast_id, "subscriber_id": look.subscriber_id, "at": look.at, "link": look.link}
        | {"machine": look.machine or ("early" if look in fresh else "")}
        for look in kept
    ]
    clicked = [row for row in rows if row["link"]]
    opened = [{key: row[key] for key in row if key != "link"} for row in rows if not row["link"]]
    for table, new in ((clicks, clicked), (opens, opened)):
        if new:
            connection.execute(table.insert(), new)
    for pair in {(look.broadcast_id, look.subscriber_id) for look in kept if look.link}:
        _mark_burst(connection, *pair, max(look.at for look in kept))
    return len(kept)


def forget_measures(connection: Connection, subscriber_id: int) -> None:
    """Take the reader out of what was measured; the counts stay."""
    for table in (clicks, opens):
        connection.execute(update(table).where(table.c.subscriber_id == subscriber_id).values(subscriber_id=None))


def _delivered_just_before(connection: Connection, looks: Iterable[Look]) -> set[Look]:
    """Those that came within seconds of the provider's taking the mail: it scans it, and so does who receives it."""
    found = set[Look]()
    for look in looks:
        query = (
            select(batches.c.settled_at)
            .join(
                deliveries,
                (deliveries.c.broadcast_id == batches.c.broadcast_id) & (deliveries.c.batch_number == batches.c.number),
            )
            .where(deliveries.c.broadcast_id == look.broadcast_id, deliveries.c.subscriber_id == look.subscriber_id)
        )
        settled = connection.execute(query).scalar()
        if settled is not None and look.at - settled < _SECONDS:
            found.add(look)
    return found


def _mark_burst(connection: Connection, broadcast_id: int, subscriber_id: int, now: datetime) -> None:
    """A scanner follows many links of a mail at once."""
    lately = (
        (clicks.c.broadcast_id == broadcast_id)
        & (clicks.c.subscriber_id == subscriber_id)
        & (clicks.c.at > now - _SECONDS)
    )
    count = select(func.count(clicks.c.link.distinct())).where(lately)
    if connection.execute(count).scalar_one() >= _MANY:
        connection.execute(update(clicks).where(lately, clicks.c.machine == "").values(machine="burst"))
