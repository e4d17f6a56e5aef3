"""The state machines of sending (DESIGN.md section 6), as values: which state may follow which."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

ELSEWHERE = "elsewhere"  # the provider of a broadcast that another program sent, before the issue came here


class BroadcastState(StrEnum):
    """One sending of one edition to one audience."""

    PLANNED = "planned"
    SENDING = "sending"
    PAUSED = "paused"
    SENT = "sent"
    CANCELLED = "cancelled"


class BatchState(StrEnum):
    """The recipients of one provider call."""

    PENDING = "pending"
    POSTING = "posting"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    UNKNOWN = "unknown"


class DeliveryState(StrEnum):
    """One recipient in one broadcast."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    UNKNOWN = "unknown"
    DELIVERED = "delivered"
    BOUNCED = "bounced"
    COMPLAINED = "complained"


_B, _D, _C = BatchState, DeliveryState, BroadcastState

BATCH_MOVES: Mapping[BatchState, frozenset[BatchState]] = {
    _B.PENDING: frozenset({_B.POSTING}),
    # Back to pending only on an answer that says that nobody was taken.
    _B.POSTING: frozenset({_B.ACCEPTED, _B.REJECTED, _B.UNKNOWN, _B.PENDING}),
    # To posting only under the same idempotency key; to pending or rejected only by a person's word.
    _B.UNKNOWN: frozenset({_B.POSTING, _B.ACCEPTED, _B.REJECTED, _B.PENDING}),
    _B.ACCEPTED: frozenset(),
    _B.REJECTED: frozenset(),
}

DELIVERY_MOVES: Mapping[DeliveryState, frozenset[DeliveryState]] = {
    _D.PENDING: frozenset({_D.ACCEPTED, _D.REJECTED, _D.SKIPPED, _D.UNKNOWN}),
    _D.UNKNOWN: frozenset({_D.ACCEPTED, _D.REJECTED, _D.SKIPPED, _D.PENDING, _D.DELIVERED, _D.BOUNCED, _D.COMPLAINED}),
    _D.ACCEPTED: frozenset({_D.DELIVERED, _D.BOUNCED, _D.COMPLAINED}),
    _D.DELIVERED: frozenset({_D.BOUNCED, _D.COMPLAINED}),
    _D.REJECTED: frozenset(),
    _D.SKIPPED: frozenset(),
    _D.BOUNCED: frozenset({_D.COMPLAINED}),
    _D.COMPLAINED: frozenset(),
}

BROADCAST_MOVES: Mapping[BroadcastState, frozenset[BroadcastState]] = {
    _C.PLANNED: frozenset({_C.SENDING, _C.PAUSED, _C.CANCELLED}),
    _C.SENDING: frozenset({_C.SENT, _C.PAUSED, _C.CANCELLED}),
    _C.PAUSED: frozenset({_C.SENDING, _C.CANCELLED}),
    _C.SENT: frozenset(),
    _C.CANCELLED: frozenset(),
}


def batch_states_before(state: BatchState) -> list[BatchState]:
    """The states from which a batch may come to `state`: the guard of every change in the ledger."""
    return [before for before, after in BATCH_MOVES.items() if state in after]


def delivery_states_before(state: DeliveryState) -> list[DeliveryState]:
    """The states from which a delivery may come to `state`."""
    return [before for before, after in DELIVERY_MOVES.items() if state in after]


def broadcast_states_before(state: BroadcastState) -> list[BroadcastState]:
    """The states from which a broadcast may come to `state`."""
    return [before for before, after in BROADCAST_MOVES.items() if state in after]
