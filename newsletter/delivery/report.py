"""What became of a broadcast, counted in the ledger."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, select

from newsletter.delivery.trials import Trial, trial_of
from newsletter.delivery.waves import waves_of_broadcast
from newsletter.schedule.waves import Wave
from newsletter.store.tables import batches, broadcasts, deliveries, slots

_COLUMNS = ("id", "slug", "state", "reason", "provider", "planned_at", "started_at", "finished_at")
_SENT = ("accepted", "delivered", "bounced", "complained")


@dataclass(frozen=True)
class Report:
    """A broadcast in numbers. `deliveries` and `batches` are counts by state, `skipped` and `rejected` by reason.

    `providers` is how many readers each provider took, where a fallback took some.

    `calls` is the number of provider calls that were begun; `dropped` is how many readers of accepted batches the
    provider left out without saying whom. Times are aware, in UTC. `trial` is the test of its subjects, where they are.
    """

    id: int
    slug: str
    state: str
    reason: str
    provider: str
    slot: str
    timezone: str
    deliveries: Mapping[str, int]
    skipped: Mapping[str, int]
    rejected: Mapping[str, int]
    batches: Mapping[str, int]
    providers: Mapping[str, int]
    calls: int
    dropped: int
    planned_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    trial: Trial | None = None
    waves: tuple[Wave, ...] = ()

    @property
    def readers(self) -> int:
        """Everybody whom the broadcast was for, the skipped included."""
        return sum(self.deliveries.values())

    @property
    def sent(self) -> int:
        """How many the provider took, whatever became of their mail since."""
        return sum(self.deliveries.get(state, 0) for state in _SENT)

    @property
    def awaits(self) -> datetime | None:
        """Until when it waits for what readers do, to choose the subject for the rest; None where it does not."""
        undecided = self.trial if self.trial and self.trial.winner is None else None
        return undecided.decide_at if undecided else None

    @property
    def to_come(self) -> list[Wave]:
        """The waves that have not begun."""
        return [wave for wave in self.waves if wave.state == "waiting"]

    @property
    def rests(self) -> bool:
        """Whether nothing can be done but wait for the next wave."""
        return bool(self.to_come) and not any(wave.state == "begun" for wave in self.waves)

    def as_json(self) -> dict[str, Any]:
        """Plain values for `--json`."""
        times = {key: value and value.isoformat() for key, value in vars(self).items() if key.endswith("_at")}
        more = {"readers": self.readers, "sent": self.sent, "waves": [wave.as_json() for wave in self.waves]}
        more |= {"trial": self.trial.as_json() if self.trial else None}
        return asdict(self) | times | more


def report_of(connection: Connection, broadcast_id: int) -> Report:
    """The broadcast as the ledger has it now."""
    columns = (*(broadcasts.c[name] for name in _COLUMNS), broadcasts.c.wall_time.label("waves_at"))
    query = select(*columns, slots.c.wall_time, slots.c.timezone).outerjoin(slots, slots.c.id == broadcasts.c.slot_id)
    row = connection.execute(query.where(broadcasts.c.id == broadcast_id)).one()
    totals = select(func.coalesce(func.sum(batches.c.attempts), 0), func.coalesce(func.sum(batches.c.dropped), 0))
    calls, dropped = connection.execute(totals.where(batches.c.broadcast_id == broadcast_id)).one()
    return Report(
        id=row.id,
        slug=row.slug,
        state=row.state,
        reason=row.reason,
        provider=row.provider,
        slot=row.wall_time or "",
        timezone=row.timezone or "",
        deliveries=_count(connection, deliveries.c.state, deliveries.c.broadcast_id == broadcast_id),
        skipped=_count(connection, deliveries.c.reason, _in(broadcast_id, "skipped")),
        rejected=_count(connection, deliveries.c.reason, _in(broadcast_id, "rejected")),
        batches=_count(connection, batches.c.state, batches.c.broadcast_id == broadcast_id),
        providers=_providers(connection, broadcast_id, row.provider),
        calls=calls,
        dropped=dropped,
        planned_at=row.planned_at,
        started_at=row.started_at,
        finished_at=row.finished_at,
        trial=trial_of(connection, broadcast_id),
        waves=tuple(waves_of_broadcast(connection, broadcast_id)) if row.waves_at else (),
    )


def find_broadcast(connection: Connection, slug: str) -> int | None:
    """The id of the issue's broadcast, or None."""
    return connection.execute(select(broadcasts.c.id).where(broadcasts.c.slug == slug)).scalar()


def _providers(connection: Connection, broadcast_id: int, own: str) -> dict[str, int]:
    """Readers by the provider that took them; empty where it was one for all, which needs no counting."""
    elsewhere = (batches.c.broadcast_id == broadcast_id) & (batches.c.provider != "")
    if connection.execute(select(batches.c.number).where(elsewhere).limit(1)).first() is None:
        return {}
    query = (
        select(batches.c.provider, func.count())
        .join(
            deliveries,
            (deliveries.c.broadcast_id == batches.c.broadcast_id) & (deliveries.c.batch_number == batches.c.number),
        )
        .where(batches.c.broadcast_id == broadcast_id, deliveries.c.state.in_(_SENT))
    )
    rows = connection.execute(query.group_by(batches.c.provider).order_by(batches.c.provider))
    return {name or own: count for name, count in rows}


def _in(broadcast_id: int, state: str) -> Any:
    return (deliveries.c.broadcast_id == broadcast_id) & (deliveries.c.state == state)


def _count(connection: Connection, column: Any, where: Any) -> dict[str, int]:
    query = select(column, func.count()).where(where).group_by(column).order_by(column)
    return {row[0]: row[1] for row in connection.execute(query)}
