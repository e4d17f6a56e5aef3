"""At which mailbox providers readers are: the domain of an address tells the large free ones, and no more.

A company's own domain may be at any of them: it counts as another domain. Which program shows the mail is not known.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Connection, Subquery, case, distinct, func, select

from newsletter.audience.subscribers import State
from newsletter.delivery.protocol import EventKind
from newsletter.delivery.responses import responses
from newsletter.delivery.states import DeliveryState
from newsletter.stats.funnel import TAKEN, Funnel
from newsletter.store.tables import deliveries, subscribers

OTHERS = "Other domains"
_FAMILIES = {
    "Gmail": "gmail.com googlemail.com",
    "Outlook": "outlook.com outlook.de outlook.fr outlook.es outlook.it hotmail.com hotmail.co.uk hotmail.de "
    "hotmail.es hotmail.fr hotmail.it live.com live.co.uk live.de live.fr live.nl msn.com",
    "Yahoo": "yahoo.com yahoo.ca yahoo.co.in yahoo.co.jp yahoo.co.uk yahoo.com.br yahoo.de yahoo.es yahoo.fr yahoo.it "
    "ymail.com rocketmail.com aol.com aol.de aim.com",
    "Apple": "icloud.com me.com mac.com",
    "GMX and WEB.DE": "gmx.de gmx.net gmx.at gmx.ch gmx.com web.de",
    "Proton": "proton.me protonmail.com protonmail.ch pm.me",
    "QQ and NetEase": "qq.com foxmail.com 163.com 126.com",
}
_FAMILY_OF = {domain: family for family, domains in _FAMILIES.items() for domain in domains.split()}
_MOST = 8  # domains that are named


@dataclass(frozen=True)
class Share:
    """So many readers are at one mailbox provider, or in one domain."""

    name: str
    readers: int


@dataclass(frozen=True)
class Inbox:
    """One mailbox provider in one broadcast: numbers of readers; None is not measured."""

    name: str
    accepted: int
    delivered: int | None
    bounced: int | None
    complained: int | None
    clicked: int | None


def audience_split(connection: Connection) -> tuple[tuple[Share, ...], tuple[Share, ...]]:
    """The active readers by mailbox provider, and by the domains that most of them are in, the largest first."""
    domain = _domain(connection, subscribers.c.email_key)
    family = case(_FAMILY_OF, value=domain, else_=OTHERS)
    return _shares(connection, family, None), _shares(connection, domain, _MOST)


def inboxes(connection: Connection, funnel: Funnel) -> tuple[Inbox, ...]:
    """What became of a broadcast at each mailbox provider, the largest first."""
    rows = _by_family(connection, funnel.id)
    counted = [func.count().filter(rows.c.state == state) for state in TAKEN]
    query = select(rows.c.family, func.count(), *counted).group_by(rows.c.family)
    clicked = _clicked(connection, funnel.id) if funnel.clicked is not None else {}
    found = []
    for name, accepted, *states in connection.execute(query):
        by_state = dict(zip(TAKEN, states, strict=True))
        delivered = by_state[DeliveryState.DELIVERED] + by_state[DeliveryState.COMPLAINED]
        inbox = Inbox(
            name,
            accepted,
            None if funnel.delivered is None else delivered,
            None if funnel.bounced is None else by_state[DeliveryState.BOUNCED],
            None if funnel.complained is None else by_state[DeliveryState.COMPLAINED],
            None if funnel.clicked is None else clicked.get(name, 0),
        )
        found.append(inbox)
    return tuple(sorted(found, key=lambda inbox: (inbox.name == OTHERS, -inbox.accepted, inbox.name)))


def _by_family(connection: Connection, broadcast_id: int) -> Subquery:
    """The deliveries of a broadcast that were taken: `subscriber_id`, `state` and `family`."""
    family = case(_FAMILY_OF, value=_domain(connection, deliveries.c.email_key), else_=OTHERS).label("family")
    mine = (deliveries.c.broadcast_id == broadcast_id) & deliveries.c.state.in_(TAKEN)
    query = select(deliveries.c.broadcast_id, deliveries.c.subscriber_id, deliveries.c.state, family)
    return query.where(mine).subquery()


def _clicked(connection: Connection, broadcast_id: int) -> dict[str, int]:
    """How many readers clicked, by family. Asked from the clicks, which are few."""
    told, rows = responses(EventKind.CLICKED), _by_family(connection, broadcast_id)
    whose = (told.c.broadcast_id == rows.c.broadcast_id) & (told.c.subscriber_id == rows.c.subscriber_id)
    query = select(rows.c.family, func.count(distinct(told.c.subscriber_id))).select_from(told.join(rows, whose))
    query = query.where(told.c.broadcast_id == broadcast_id, told.c.machine.is_(False)).group_by(rows.c.family)
    return {row[0]: row[1] for row in connection.execute(query)}


def _shares(connection: Connection, name: ColumnElement[str], most: int | None) -> tuple[Share, ...]:
    rows = select(name.label("place")).where(subscribers.c.state == State.ACTIVE).subquery()
    query = select(rows.c.place, func.count()).group_by(rows.c.place).order_by(func.count().desc(), rows.c.place)
    shares = [Share(place, readers) for place, readers in connection.execute(query.limit(most))]
    return tuple(sorted(shares, key=lambda share: share.name == OTHERS))


def _domain(connection: Connection, email: ColumnElement[str]) -> ColumnElement[str]:
    find = func.strpos if connection.dialect.name == "postgresql" else func.instr
    return func.substr(email, find(email, "@") + 1)
