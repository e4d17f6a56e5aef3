"""What the database remembers of a broadcast, and every change of it: each guarded by the state it may come from.

All functions work on a connection whose transaction the caller ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from operator import itemgetter
from typing import Any

from sqlalchemy import BindParameter, Connection, and_, bindparam, select, update

from newsletter.audience.subscribers import BARRED, with_standing
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


# The statements of each call, built once: SQLAlchemy takes ten times longer to build one than SQLite to run it.
_OF: BindParameter[int] = bindparam("of")
_BATCH: BindParameter[int] = bindparam("batch")
_OURS = and_(
    batches.c.broadcast_id == _OF,
    batches.c.number == _BATCH,
    batches.c.state == BatchState.POSTING,
    batches.c.owner == bindparam("by"),
)
_IN_BATCH = and_(deliveries.c.broadcast_id == _OF, deliveries.c.batch_number == _BATCH)
_FIRST = (
    select(batches.c.number)
    .where(batches.c.broadcast_id == _OF, batches.c.state == bindparam("in_state"))
    .where(batches.c.number.not_in(bindparam("but_not", expanding=True)))
    .order_by(batches.c.number)
    .limit(1)
)
_CLAIM = update(batches).where(
    batches.c.broadcast_id == _OF, batches.c.number == _BATCH, batches.c.state == bindparam("from_state")
)
_BEGIN = update(batches).where(_OURS).values(attempts=batches.c.attempts + 1)
_READERS = (
    select(deliveries.c.subscriber_id, deliveries.c.email, deliveries.c.name, BARRED)
    .select_from(with_standing(deliveries, deliveries.c.subscriber_id))
    .where(_IN_BATCH, deliveries.c.state.in_([DeliveryState.PENDING, DeliveryState.UNKNOWN]))
)
_SETTLE = {state: update(batches).where(_OURS, batches.c.state.in_(batch_states_before(state))) for state in BatchState}
_MOVE = {
    state: update(deliveries).where(_IN_BATCH, deliveries.c.state.in_(delivery_states_before(state)))
    for state in DeliveryState
}


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
    # Unknown before pending: what is in doubt is cleared up first. Two queries, each answered by the index alone.
    states = [BatchState.UNKNOWN, BatchState.PENDING] if unknown_too else [BatchState.PENDING]
    for state in states:
        wanted = {
            "of": broadcast_id,
            "in_state": state,
            "but_not": list(but_not) if state == BatchState.UNKNOWN else [],
        }
        while (number := connection.execute(_FIRST, wanted).scalar()) is not None:
            place = {"of": broadcast_id, "batch": number, "from_state": state}
            mine = {"state": BatchState.POSTING, "owner": owner, "lease_until": lease_until}
            if connection.execute(_CLAIM, place | mine).rowcount:
                return Claim(broadcast_id, number, owner, tainted=state == BatchState.UNKNOWN)
    return None


def begin_attempt(connection: Connection, claim: Claim, lease_until: datetime, key: str) -> bool:
    """Write down that a call for the batch is about to be made under `key`; False where the batch is not ours."""
    values = {"lease_until": lease_until, "idempotency_key": key}
    return connection.execute(_BEGIN, _place(claim) | {"by": claim.owner} | values).rowcount > 0


def readers_of(connection: Connection, claim: Claim) -> tuple[list[Reader], dict[int, str]]:
    """Who a call for the batch is for, in the order that never changes; and who of them must not be mailed, and why.

    Suppression wins up to the last moment: who left since the broadcast was planned is barred, who is erased too.
    """
    # Sorted here: asked for this order, SQLite would read the whole broadcast in it rather than the batch.
    rows = sorted(connection.execute(_READERS, _place(claim)).all(), key=itemgetter(0))
    barred = {number: reason for number, _, _, reason in rows if reason}
    return [Reader(number, email, name) for number, email, name, _ in rows], barred


def settle_readers(connection: Connection, claim: Claim, reasons: Mapping[int, str], state: DeliveryState) -> None:
    """Take some readers out of a batch, each with a reason: skipped by us, or rejected by the provider."""
    change = _MOVE[state].where(deliveries.c.subscriber_id == bindparam("who"))
    for subscriber_id, reason in reasons.items():
        connection.execute(change, _place(claim) | {"who": subscriber_id, "state": state, "reason": reason[:200]})


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
    end = {"state": state, "owner": "", "lease_until": None, "settled_at": settled} | values
    if not connection.execute(_SETTLE[state], _place(claim) | {"by": claim.owner} | end).rowcount:
        return False
    connection.execute(_MOVE[delivery_state], _place(claim) | {"state": delivery_state})
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


def _place(claim: Claim) -> dict[str, Any]:
    return {"of": claim.broadcast_id, "batch": claim.number}
