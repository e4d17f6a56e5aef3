"""Holding three accounts of a broadcast against each other: the ledger, the report that people get, the provider's."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from newsletter.store.tables import broadcasts, deliveries, subscribers

from .place import Place
from .provider import Provider

_SENT = ("accepted", "delivered", "bounced", "complained")


@dataclass(frozen=True)
class Audit:
    """Who got what. `ledger`, `report` and `provider` are how many mails each says were sent."""

    readers: int
    lost: int
    twice: int
    strangers: int
    ledger: int
    report: int
    provider: int
    states: dict[str, int]

    @property
    def exact(self) -> bool:
        """Each active reader once, nobody else, and all three accounts agree."""
        nobody = self.lost == self.twice == self.strangers == 0
        return nobody and self.ledger == self.report == self.provider == self.readers


def audit(place: Place, provider: Provider, slug: str, subject: str = "") -> Audit:
    """The broadcast of `slug`; `subject` picks its mails where the provider has those of others too."""
    active, states = _from_the_store(place, slug)
    inboxes = provider.inboxes(subject)
    return Audit(
        readers=len(active),
        lost=len(active - inboxes.keys()),
        twice=sum(1 for count in inboxes.values() if count > 1),
        strangers=len(inboxes.keys() - active),
        ledger=sum(states[state] for state in _SENT),
        report=int(_reported(place, slug)["sent"]),
        provider=inboxes.total(),
        states=dict(states),
    )


def doubtful(place: Place, slug: str, states: Collection[str] = ("unknown",)) -> set[str]:
    """The addresses whose deliveries are in one of `states`."""
    query = select(deliveries.c.email).join(broadcasts, broadcasts.c.id == deliveries.c.broadcast_id)
    here = query.where(broadcasts.c.slug == slug, deliveries.c.state.in_(states))
    with place.store() as store, store.reading() as connection:
        return set(connection.execute(here).scalars())


def _from_the_store(place: Place, slug: str) -> tuple[set[str], Counter[str]]:
    """The active readers, and the broadcast's deliveries by state."""
    query = select(deliveries.c.state, func.count()).join(broadcasts, broadcasts.c.id == deliveries.c.broadcast_id)
    with place.store() as store, store.reading() as connection:
        active = connection.execute(select(subscribers.c.email).where(subscribers.c.state == "active")).scalars()
        counts = connection.execute(query.where(broadcasts.c.slug == slug).group_by(deliveries.c.state)).all()
        return set(active), Counter(dict(counts))


def _reported(place: Place, slug: str) -> dict[str, Any]:
    reports: list[dict[str, Any]] = place.run("status").data["broadcasts"]
    return next(report for report in reports if report["slug"] == slug)
