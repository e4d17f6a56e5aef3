"""What the database remembers of a broadcast, and every change of it: each guarded by the state it may come from.

All functions work on a connection whose transaction the caller ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, select, update

from newsletter.audience.subscribers import barred
from newsletter.delivery.owner import is_gone
from newsletter.delivery.states import (
    BatchState,
    BroadcastState,
    DeliveryState,
    batch_states_before,
    broadcast_states_before,
    delivery_states_before,
)
from newsletter.store.tables import batches, broadcasts, deliveries


@dataclass(frozen=True)
class Reader:
    """One recipient of a batch, as frozen when the broadcast was planned."""

    subscriber_id: int
    email: str
    name: str


@dataclass(frozen=True)
class Claim:
    """A batch that this process may post. `tainted`: an earlier call for it may have been taken."""

    broadcast_id: int
    number: int
    owner: str
    tainted: bool


def move_broadcast(
    connection: Connection, broadcast_id: int, state: BroadcastState, *, reason: str = "", **values: Any
) -> bool:
    """Bring a broadcast into `state`; False where it is in none from which that may be."""
    allowed = broadcasts.c.state.in_(broadcast_states_before(state))
    change = update(broadcasts).where(broadcasts.c.id == broadcast_id, allowed)
    return connection.execute(change.values(state=state, reason=reason, **values)).rowcount > 0


def start(connection: Connection, broadcast_id: int, now: datetime) -> None:
    """Write down when the broadcast was begun; the first time stays."""
    first = (broadcasts.c.id == broadcast_id) & broadcasts.c.started_at.is_(None)
    connection.execute(update(broadcasts).where(first).values(started_at=now))


def note(connection: Connection, broadcast_id: int, reason: str) -> None:
    """Write down, for a person, why the broadcast stands still for the moment."""
    connection.execute(update(broadcasts).where(broadcasts.c.id == broadcast_id).values(reason=reason))


def is_planned(connection: Connection, broadcast_id: int) -> bool:
    """Whether everyone whom the broadcast is for has a delivery."""
    done = broadcasts.c.planned_through >= broadcasts.c.audience_through
    return connection.execute(select(done).where(broadcasts.c.id == broadcast_id)).scalar_one()


def settle_the_abandoned(connection: Connection, broadcast_id: int, now: datetime) -> int:
    """Mark as unknown the batches whose poster died or whose lease ended; how many there were."""
    here = (batches.c.broadcast_id == broadcast_id) & (batches.c.state == BatchState.POSTING)
    rows = connection.execute(select(batches).where(here)).all()
    gone = [row for row in rows if row.lease_until is None or row.lease_until <= now or is_gone(row.owner)]
    for row in gone:
        claim = Claim(broadcast_id, row.number, row.owner, tainted=True)
        settle_batch(
            connection, claim, BatchState.UNKNOWN, DeliveryState.UNKNOWN, now, error="the sender was interrupted"
        )
    return len(gone)


def claim_batch(
    connection: Connection,
    broadcast_id: int,
    owner: str,
    lease_until: datetime,
    *,
    unknown_too: bool,
    but_not: Collection[int] = (),
) -> Claim | None:
    """Take the first batch that nobody posts, or None. Unknown ones only where a repeat of them is known to be safe."""
    states = [BatchState.UNKNOWN, BatchState.PENDING] if unknown_too else [BatchState.PENDING]
    while True:
        # Unknown before pending: what is in doubt is cleared up first. Two queries, each answered by the index alone.
        row = next((row for state in states if (row := _first(connection, broadcast_id, state, but_not))), None)
        if row is None:
            return None
        change = update(batches).where(_batch(broadcast_id, row.number), batches.c.state == row.state)
        change = change.values(state=BatchState.POSTING, owner=owner, lease_until=lease_until)
        if connection.execute(change).rowcount:
            return Claim(broadcast_id, row.number, owner, tainted=row.state == BatchState.UNKNOWN)


def _first(connection: Connection, broadcast_id: int, state: BatchState, but_not: Collection[int]) -> Any:
    here = (batches.c.broadcast_id == broadcast_id) & (batches.c.state == state)
    if state == BatchState.UNKNOWN and but_not:
        here &= batches.c.number.not_in(but_not)
    return connection.execute(select(batches).where(here).order_by(batches.c.number).limit(1)).first()


def begin_attempt(connection: Connection, claim: Claim, lease_until: datetime) -> bool:
    """Write down that a call for the batch is about to be made; False where the batch is no longer ours."""
    change = update(batches).where(*_ours(claim)).values(attempts=batches.c.attempts + 1, lease_until=lease_until)
    return connection.execute(change).rowcount > 0


def readers_of(connection: Connection, claim: Claim) -> list[Reader]:
    """Who a call for the batch is for, in the order that never changes."""
    query = (
        select(deliveries.c.subscriber_id, deliveries.c.email, deliveries.c.name)
        .where(_in_batch(claim), deliveries.c.state.in_([DeliveryState.PENDING, DeliveryState.UNKNOWN]))
        .order_by(deliveries.c.subscriber_id)
    )
    return [Reader(row.subscriber_id, row.email, row.name) for row in connection.execute(query)]


def barred_since(connection: Connection, readers: Sequence[Reader]) -> dict[int, str]:
    """Those who must not be mailed any more, with the reason: suppression wins up to the last moment."""
    return barred(connection, [reader.subscriber_id for reader in readers])


def settle_readers(connection: Connection, claim: Claim, reasons: Mapping[int, str], state: DeliveryState) -> None:
    """Take some readers out of a batch, each with a reason: skipped by us, or rejected by the provider."""
    for subscriber_id, reason in reasons.items():
        who = and_(_in_batch(claim), deliveries.c.subscriber_id == subscriber_id)
        connection.execute(_move_deliveries(who, state).values(reason=reason[:200]))


def set_key(connection: Connection, claim: Claim, key: str) -> None:
    """Write down the idempotency key of the call that is about to be made."""
    connection.execute(update(batches).where(*_ours(claim)).values(idempotency_key=key))


def settle_batch(
    connection: Connection,
    claim: Claim,
    state: BatchState,
    delivery_state: DeliveryState,
    now: datetime,
    **values: Any,
) -> bool:
    """End the posting of a batch with one state for it and one for all readers still in it; False if not ours."""
    settled = now if state in (BatchState.ACCEPTED, BatchState.REJECTED) else None
    change = update(batches).where(*_ours(claim), batches.c.state.in_(batch_states_before(state)))
    change = change.values(state=state, owner="", lease_until=None, settled_at=settled, **values)
    if not connection.execute(change).rowcount:
        return False
    connection.execute(_move_deliveries(_in_batch(claim), delivery_state))
    return True


def decide_unknown(connection: Connection, broadcast_id: int, *, repeat: bool, now: datetime) -> int:
    """A person's word on the batches in doubt: post them again, or never; how many readers it is about."""
    here = (deliveries.c.broadcast_id == broadcast_id) & (deliveries.c.state == DeliveryState.UNKNOWN)
    doubtful = (batches.c.broadcast_id == broadcast_id) & (batches.c.state == BatchState.UNKNOWN)
    if repeat:
        connection.execute(update(batches).where(doubtful).values(state=BatchState.PENDING, error="repeated by hand"))
        return connection.execute(update(deliveries).where(here).values(state=DeliveryState.PENDING)).rowcount
    change = update(batches).where(doubtful)
    connection.execute(change.values(state=BatchState.REJECTED, settled_at=now, error="given up by hand"))
    reason = "unknown outcome, not repeated"
    return connection.execute(
        update(deliveries).where(here).values(state=DeliveryState.SKIPPED, reason=reason)
    ).rowcount


def open_batches(connection: Connection, broadcast_id: int) -> set[str]:
    """The states in which the broadcast still has batches that are not settled."""
    states = [BatchState.PENDING, BatchState.POSTING, BatchState.UNKNOWN]
    query = select(batches.c.state).where(batches.c.broadcast_id == broadcast_id, batches.c.state.in_(states))
    return set(connection.execute(query.distinct()).scalars())


def doubt(connection: Connection, broadcast_id: int) -> str:
    """Why it is unknown whether some batches were taken: what the first of them met."""
    query = select(batches.c.error).where(batches.c.broadcast_id == broadcast_id, batches.c.state == BatchState.UNKNOWN)
    error = connection.execute(query.order_by(batches.c.number).limit(1)).scalar()
    return "it is unknown whether some batches were taken" + (f" ({error})" if error else "")


def key_of(digest: str, number: int, readers: Iterable[Reader]) -> str:
    """The idempotency key of one call: the same for the same edition, batch and readers, and else never the same.

    It is short and plain enough for every provider's header; the draft of the Idempotency-Key header
    (draft-ietf-httpapi-idempotency-key-header-07, section 2.2) asks for a value that is unique to the payload.
    """
    who = [[reader.subscriber_id, reader.email, reader.name] for reader in readers]
    body = json.dumps([digest, number, who], ensure_ascii=False, separators=(",", ":"))
    return f"nl-{hashlib.sha256(body.encode()).hexdigest()[:48]}"


def _batch(broadcast_id: int, number: int) -> ColumnElement[bool]:
    return and_(batches.c.broadcast_id == broadcast_id, batches.c.number == number)


def _ours(claim: Claim) -> tuple[ColumnElement[bool], ...]:
    ours = and_(batches.c.state == BatchState.POSTING, batches.c.owner == claim.owner)
    return _batch(claim.broadcast_id, claim.number), ours


def _in_batch(claim: Claim) -> ColumnElement[bool]:
    return and_(deliveries.c.broadcast_id == claim.broadcast_id, deliveries.c.batch_number == claim.number)


def _move_deliveries(who: ColumnElement[bool], state: DeliveryState) -> Any:
    allowed = deliveries.c.state.in_(delivery_states_before(state))
    return update(deliveries).where(who, allowed).values(state=state)
