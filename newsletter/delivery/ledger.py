"""What the database remembers of a broadcast, and every change of it: each guarded by the state it may come from.

All functions work on a connection whose transaction the caller ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from types import MappingProxyType
from typing import Any

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    bindparam,
    case,
    false,
    func,
    select,
    update,
)

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
from newsletter.store.tables import batches, broadcasts, deliveries, trials


@dataclass(frozen=True)
class Reader:
    """One recipient of a batch, as frozen when the broadcast was planned. `subject` is the place of theirs.

    Tags and own fields are kept only where the edition looks at them.
    """

    subscriber_id: int
    email: str
    name: str
    measured: bool = True
    tags: tuple[str, ...] = ()
    fields: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}), hash=False)
    subject: int = 0


@dataclass(frozen=True)
class Claim:
    """A batch that this process may post. `tainted`: an earlier call for it, to `provider`, may have been taken."""

    broadcast_id: int
    number: int
    owner: str
    tainted: bool
    provider: str = ""  # of the fallback; empty for the broadcast's own


@dataclass(frozen=True)
class Doubt:
    """A batch of which nobody knows whether it was taken: the key of its last call, and whom that went to."""

    number: int
    key: str
    provider: str


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
_NUMBERS: BindParameter[Any] = bindparam("numbers", expanding=True)
_FIRST = (
    select(batches.c.number, batches.c.provider)
    .where(batches.c.broadcast_id == _OF, batches.c.state == bindparam("in_state"))
    .where(batches.c.waiting.is_(false()))  # its wave has begun
    .where(batches.c.number.not_in(bindparam("but_not", expanding=True)))
    .where(batches.c.provider.in_(bindparam("providers", expanding=True)))
    .order_by(batches.c.number)
    .limit(bindparam("count"))
)
# A select and then an update: as a subquery, PostgreSQL may run it once for each row and take more than the limit.
# Locked rows are another process's: PostgreSQL passes them over, SQLite has one writer anyway.
_LOCK = _FIRST.with_for_update(skip_locked=True)
_CLAIM = update(batches).where(
    batches.c.broadcast_id == _OF, batches.c.number.in_(_NUMBERS), batches.c.state == bindparam("in_state")
)
_BEGIN = (
    update(batches)
    .where(batches.c.broadcast_id == _OF, batches.c.number.in_(_NUMBERS))
    .where(batches.c.state == BatchState.POSTING, batches.c.owner == bindparam("by"))
    .values(attempts=batches.c.attempts + 1)
    .returning(batches.c.number)
)
_KEY = update(batches).where(batches.c.broadcast_id == _OF, batches.c.number == _BATCH)
_FROZEN = (deliveries.c.subscriber_id, deliveries.c.email, deliveries.c.name, deliveries.c.tags, deliveries.c.fields)
_SUBJECT = case((deliveries.c.sample > 0, deliveries.c.sample - 1), else_=func.coalesce(trials.c.winner, 0))
_READERS = (
    select(*_FROZEN, deliveries.c.measured, _SUBJECT, deliveries.c.batch_number, BARRED)
    .select_from(
        with_standing(deliveries, deliveries.c.subscriber_id).outerjoin(
            trials, trials.c.broadcast_id == deliveries.c.broadcast_id
        )
    )
    .where(deliveries.c.broadcast_id == _OF, deliveries.c.batch_number.in_(_NUMBERS))
    .where(deliveries.c.state.in_([DeliveryState.PENDING, DeliveryState.UNKNOWN]))
)
_ACCEPT = (
    update(batches)
    .where(batches.c.broadcast_id == _OF, batches.c.number.in_(_NUMBERS))
    .where(batches.c.state == BatchState.POSTING, batches.c.owner == bindparam("by"))
    .returning(batches.c.number)
)
_ACCEPT_READERS = update(deliveries).where(
    deliveries.c.broadcast_id == _OF,
    deliveries.c.batch_number.in_(_NUMBERS),
    deliveries.c.state.in_(delivery_states_before(DeliveryState.ACCEPTED)),
)
_REFERENCE = update(batches).where(batches.c.broadcast_id == _OF, batches.c.number == _BATCH)
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


def settle_the_abandoned(connection: Connection, broadcast_id: int, now: datetime) -> list[int]:
    """Mark as unknown the batches whose poster died or whose lease ended; their numbers."""
    here = (batches.c.broadcast_id == broadcast_id) & (batches.c.state == BatchState.POSTING)
    rows = connection.execute(select(batches).where(here)).all()
    gone = [row for row in rows if row.lease_until is None or row.lease_until <= now or is_gone(row.owner)]
    for row in gone:
        claim = Claim(broadcast_id, row.number, row.owner, tainted=True)
        settle_batch(
            connection, claim, BatchState.UNKNOWN, DeliveryState.UNKNOWN, now, error="the sender was interrupted"
        )
    return [row.number for row in gone]


def claim_batches(
    connection: Connection,
    broadcast_id: int,
    owner: str,
    lease_until: datetime,
    *,
    repeatable: Collection[str] = (),
    but_not: Collection[int] = (),
    count: int = 1,
) -> list[Claim]:
    """Take the first batches that nobody posts, up to `count`.

    Unknown ones only where their provider is among those whose repeats are known to be safe; empty is the broadcast's.
    """
    # Unknown before pending: what is in doubt is cleared up first. Two queries, each answered by the index alone.
    found: list[Claim] = []
    for state, providers in _wanted_states(repeatable):
        if len(found) < count:
            wanted = {
                "of": broadcast_id,
                "in_state": state,
                "but_not": list(but_not) if state == BatchState.UNKNOWN else [],
                "providers": providers,
                "count": count - len(found),
            }
            mine = {"state": BatchState.POSTING, "owner": owner, "lease_until": lease_until}
            rows = connection.execute(_LOCK, wanted).all()
            if rows:
                numbers = [number for number, _ in rows]
                connection.execute(_CLAIM, {"of": broadcast_id, "numbers": numbers, "in_state": state} | mine)
            tainted = state == BatchState.UNKNOWN
            found += [Claim(broadcast_id, number, owner, tainted, provider) for number, provider in rows]
    return found


def claim_batch(
    connection: Connection,
    broadcast_id: int,
    owner: str,
    lease_until: datetime,
    *,
    number: int,
    repeatable: Collection[str] = (),
) -> list[Claim]:
    """Take this one batch, if nobody posts it and it may be posted."""
    here = (batches.c.broadcast_id == broadcast_id) & (batches.c.number == number) & _may_be_posted(repeatable)
    row = connection.execute(select(batches).where(here).with_for_update(skip_locked=True)).first()
    if row is None:
        return []
    mine = {"state": BatchState.POSTING, "owner": owner, "lease_until": lease_until}
    connection.execute(update(batches).where(here).values(mine))
    return [Claim(broadcast_id, number, owner, row.state == BatchState.UNKNOWN, row.provider)]


def to_post(connection: Connection, broadcast_id: int, repeatable: Collection[str]) -> list[int]:
    """The numbers of all batches that nobody posts and that may be posted, in order."""
    query = select(batches.c.number).where(batches.c.broadcast_id == broadcast_id, _may_be_posted(repeatable))
    return list(connection.execute(query.order_by(batches.c.number)).scalars())


def is_to_post(connection: Connection, broadcast_id: int, number: int, repeatable: Collection[str]) -> bool:
    """Whether nobody posts this batch, and it may be posted."""
    here = (batches.c.broadcast_id == broadcast_id) & (batches.c.number == number) & _may_be_posted(repeatable)
    return connection.execute(select(batches.c.number).where(here)).first() is not None


def claimable(
    connection: Connection, broadcast_id: int, *, repeatable: Collection[str], but_not: Collection[int]
) -> bool:
    """Whether there is a batch that nobody posts and that may be posted."""
    for state, providers in _wanted_states(repeatable):
        barred = list(but_not) if state == BatchState.UNKNOWN else []
        wanted = {"of": broadcast_id, "in_state": state, "but_not": barred, "providers": providers, "count": 1}
        if connection.execute(_FIRST, wanted).first():
            return True
    return False


def _wanted_states(repeatable: Collection[str]) -> list[tuple[BatchState, list[str]]]:
    """The states of batches that may be posted, each with the providers that its last call may have gone to."""
    doubtful = [(BatchState.UNKNOWN, list(repeatable))] if repeatable else []
    return [*doubtful, (BatchState.PENDING, [""])]  # what waits for its first call went to nobody


def _may_be_posted(repeatable: Collection[str]) -> ColumnElement[bool]:
    doubtful = (batches.c.state == BatchState.UNKNOWN) & batches.c.provider.in_(list(repeatable))
    return batches.c.waiting.is_(false()) & ((batches.c.state == BatchState.PENDING) | doubtful)


def begin_calls(
    connection: Connection, broadcast_id: int, owner: str, lease_until: datetime, keys: Mapping[int, str]
) -> set[int]:
    """Write down that calls for batches (number -> key) are about to be made; those of them that are ours."""
    if not keys:
        return set()
    place = {"of": broadcast_id, "by": owner}
    ours = set(connection.execute(_BEGIN, place | {"numbers": list(keys), "lease_until": lease_until}).scalars())
    rows = [{"of": broadcast_id, "batch": number, "idempotency_key": keys[number]} for number in sorted(ours)]
    if rows:
        connection.execute(_KEY, rows)
    return ours


def note_provider(connection: Connection, broadcast_id: int, numbers: Collection[int], provider: str) -> None:
    """Write down that the calls for these batches go to another provider than the broadcast's."""
    here = (batches.c.broadcast_id == broadcast_id) & batches.c.number.in_(list(numbers))
    connection.execute(update(batches).where(here).values(provider=provider))


def readers_of_batches(
    connection: Connection, broadcast_id: int, numbers: Sequence[int]
) -> dict[int, tuple[list[Reader], dict[int, str]]]:
    """Who a call for each batch is for, in the order that never changes; and who of them must not be mailed, and why.

    Suppression wins up to the last moment: who left since the broadcast was planned is barred, who is erased too.
    """
    found: dict[int, tuple[list[Reader], dict[int, str]]] = {number: ([], {}) for number in numbers}
    if not numbers:
        return found
    rows = connection.execute(_READERS, {"of": broadcast_id, "numbers": list(numbers)}).all()
    # Sorted here: asked for this order, SQLite would read the whole broadcast in it rather than the batch.
    for number, email, name, tags, fields, measured, subject, batch, reason in sorted(rows, key=itemgetter(0)):
        readers, barred = found[batch]
        # Sorted here too: databases put the letters of tags into orders of their own.
        split = tuple(sorted(tags.split("\n"))) if tags else ()
        readers.append(Reader(number, email, name, measured, split, fields or {}, subject))
        if reason:
            barred[number] = reason
    return found


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


def settle_accepted(
    connection: Connection, broadcast_id: int, owner: str, references: Mapping[int, str], now: datetime
) -> list[int]:
    """Write that the provider took these batches (number -> its name for it); those of them that were ours."""
    if not references:
        return []
    here = {"of": broadcast_id, "by": owner, "numbers": list(references)}
    end = {"state": BatchState.ACCEPTED, "owner": "", "lease_until": None, "settled_at": now, "error": ""}
    ours = list(connection.execute(_ACCEPT, here | end).scalars())
    if ours:
        connection.execute(_ACCEPT_READERS, {"of": broadcast_id, "numbers": ours, "state": DeliveryState.ACCEPTED})
        connection.execute(
            _REFERENCE, [{"of": broadcast_id, "batch": n, "reference": references[n][:200]} for n in ours]
        )
    return ours


def note_dropped(connection: Connection, claim: Claim, dropped: int, error: str) -> None:
    """Write how many readers of a batch that was taken the provider left out."""
    connection.execute(_REFERENCE, _place(claim) | {"dropped": dropped, "error": error})


def decide_unknown(connection: Connection, broadcast_id: int, *, repeat: bool, now: datetime) -> int:
    """A person's word on the batches in doubt: post them again, or never; how many readers it is about."""
    here = (deliveries.c.broadcast_id == broadcast_id) & (deliveries.c.state == DeliveryState.UNKNOWN)
    doubtful = (batches.c.broadcast_id == broadcast_id) & (batches.c.state == BatchState.UNKNOWN)
    connection.execute(update(broadcasts).where(broadcasts.c.id == broadcast_id).values(restored_at=None))
    if repeat:
        again = {"state": BatchState.PENDING, "provider": "", "error": "repeated by hand"}
        connection.execute(update(batches).where(doubtful).values(again))
        return connection.execute(update(deliveries).where(here).values(state=DeliveryState.PENDING)).rowcount
    change = update(batches).where(doubtful)
    connection.execute(change.values(state=BatchState.REJECTED, settled_at=now, error="given up by hand"))
    reason = "unknown outcome, not repeated"
    return connection.execute(
        update(deliveries).where(here).values(state=DeliveryState.SKIPPED, reason=reason)
    ).rowcount


def doubts(connection: Connection, broadcast_id: int, providers: Collection[str]) -> list[Doubt]:
    """The batches in doubt whose last call went to one of these providers; empty is the broadcast's own."""
    here = (batches.c.broadcast_id == broadcast_id) & (batches.c.state == BatchState.UNKNOWN)
    query = select(batches.c.number, batches.c.idempotency_key, batches.c.provider)
    rows = connection.execute(query.where(here, batches.c.provider.in_(list(providers))).order_by(batches.c.number))
    return [Doubt(number, key, provider) for number, key, provider in rows if key]


def settle_doubt(
    connection: Connection, broadcast_id: int, number: int, *, taken: bool, reference: str, now: datetime
) -> bool:
    """What the provider's record says of a batch in doubt; False where it is not in doubt any more."""
    here = (batches.c.broadcast_id == broadcast_id) & (batches.c.number == number)
    values: dict[str, Any] = {
        "state": BatchState.PENDING,
        "provider": "",
        "error": "not taken, by the provider's record",
    }
    if taken:
        values = {"state": BatchState.ACCEPTED, "reference": reference[:200], "settled_at": now, "error": ""}
    change = update(batches).where(here, batches.c.state == BatchState.UNKNOWN).values(values)
    if not connection.execute(change).rowcount:
        return False
    state = DeliveryState.ACCEPTED if taken else DeliveryState.PENDING
    place = (deliveries.c.broadcast_id == broadcast_id) & (deliveries.c.batch_number == number)
    connection.execute(update(deliveries).where(place, deliveries.c.state == DeliveryState.UNKNOWN).values(state=state))
    return True


def is_restored(connection: Connection, broadcast_id: int) -> bool:
    """Whether it came out of a backup unfinished, and no person has said since what to do with what is in doubt."""
    query = select(broadcasts.c.restored_at).where(broadcasts.c.id == broadcast_id)
    return connection.execute(query).scalar() is not None


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
    who = [[each.subscriber_id, each.email, each.name, *_more(each)] for each in readers]
    body = json.dumps([digest, number, who], ensure_ascii=False, separators=(",", ":"))
    return f"nl-{hashlib.sha256(body.encode()).hexdigest()[:48]}"


def _more(reader: Reader) -> list[Any]:
    """What else is in a reader's values; nothing for most, whose keys stay as they always were."""
    return [reader.tags, dict(reader.fields)] if reader.tags or reader.fields else []


def _place(claim: Claim) -> dict[str, Any]:
    return {"of": claim.broadcast_id, "batch": claim.number}
