"""Events from a provider: stored first, which is when they are acknowledged, then applied to ledger and consent.

Any order and any number of repeats give the same end: an event is stored once (its key), a delivery only moves on
(`states.DELIVERY_MOVES`), consent only gets heavier, and an event from before the reader's last word changes nothing.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, bindparam, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite

from newsletter.audience.consent import record
from newsletter.audience.subscribers import State, leave
from newsletter.delivery.protocol import Event, EventKind
from newsletter.delivery.states import BatchState, BroadcastState, DeliveryState, delivery_states_before
from newsletter.store.tables import batches, broadcasts, deliveries, editions, events, subscribers

_Row = Any  # of a query whose columns differ
MAIL = "mail"  # the source of what came as a mail about a mail
PAGE = 1000  # events applied in one transaction
_RECENT = timedelta(days=30)  # how long after a broadcast a mail about one of its mails may come
_PATIENCE = timedelta(days=1)  # how long an event waits for the batch that it is about to be settled
_OUTCOMES = {
    EventKind.ACCEPTED: DeliveryState.ACCEPTED,
    EventKind.REJECTED: DeliveryState.REJECTED,
    EventKind.DELIVERED: DeliveryState.DELIVERED,
    EventKind.OPENED: DeliveryState.DELIVERED,  # who opened it has it
    EventKind.CLICKED: DeliveryState.DELIVERED,
    EventKind.BOUNCED: DeliveryState.BOUNCED,
    EventKind.COMPLAINED: DeliveryState.COMPLAINED,
}
_IN_ORDER = (
    DeliveryState.ACCEPTED,
    DeliveryState.REJECTED,
    DeliveryState.DELIVERED,
    DeliveryState.BOUNCED,
    DeliveryState.COMPLAINED,
)
_LEAVING = {
    EventKind.BOUNCED: (State.BOUNCED, "bounced"),
    EventKind.COMPLAINED: (State.COMPLAINED, "complained"),
    EventKind.UNSUBSCRIBED: (State.UNSUBSCRIBED, "left"),
}


def store_events(connection: Connection, source: str, told: Iterable[Event], now: datetime) -> None:
    """Keep events that are not kept yet; once the transaction is committed they may be acknowledged."""
    rows = [
        {
            "source": source,
            "key": event.key,
            "kind": event.kind,
            "email_key": event.email.lower(),
            "reference": event.reference,
            "occurred_at": event.occurred_at,
            "received_at": now,
            "state": "new",
            "detail": dict(event.detail) | {"subject": event.subject} | ({"soft": True} if event.soft else {}),
        }
        for event in told
    ]
    if not rows:
        return
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    connection.execute(dialect.insert(events).on_conflict_do_nothing(index_elements=["source", "key"]), rows)


def apply_events(connection: Connection, now: datetime, soft_bounces: int) -> int:
    """Apply up to PAGE stored events, the oldest first; how many there were. The caller ends the transaction."""
    rows = connection.execute(select(events).where(events.c.state == "new").order_by(events.c.id).limit(PAGE)).all()
    if rows:
        _Round(connection, now, soft_bounces, rows).run()
    return len(rows)


def retry_waiting(connection: Connection) -> int:
    """Have the events applied again whose batch was not settled yet; how many."""
    return connection.execute(update(events).where(events.c.state == "waiting").values(state="new")).rowcount


@dataclass
class _Round:
    """One page of events on its way into the ledger: read together, written together."""

    connection: Connection
    now: datetime
    soft_bounces: int
    rows: Sequence[_Row]
    _moves: dict[DeliveryState, list[dict[str, Any]]] = field(default_factory=lambda: defaultdict(list))
    _settled: set[tuple[int, int]] = field(default_factory=set)
    _subjects: dict[str, re.Pattern[str]] = field(default_factory=dict)  # by the edition's digest

    def run(self) -> None:
        keys = sorted({row.email_key for row in self.rows})
        query = select(subscribers.c.email_key, subscribers.c.id, subscribers.c.state, subscribers.c.consent_at)
        members = {
            row.email_key: row for row in self.connection.execute(query.where(subscribers.c.email_key.in_(keys)))
        }
        candidates = self._candidates(keys)
        done = []
        for row in self.rows:
            found = self._match(row, candidates.get(row.email_key, []))
            member = members.get(row.email_key)
            state = "applied" if found or member else "ignored"
            if found is None and self._may_come(row, candidates.get(row.email_key, [])):
                state = "waiting"
            who = found.subscriber_id if found else member.id if member else None
            mine = {"row_id": row.id, "new_state": state, "who": who, "what": found.broadcast_id if found else None}
            done.append(mine)
            if found and (outcome := _OUTCOMES.get(EventKind(row.kind))):
                place = {"of": found.broadcast_id, "reader": found.subscriber_id}
                self._moves[outcome].append(place | {"to": outcome})
        self._write(done)
        for row, mine in zip(self.rows, done, strict=True):
            if mine["who"] is not None and row.kind in _LEAVING:
                self._leave(row, mine["who"])

    def _candidates(self, keys: list[str]) -> dict[str, list[_Row]]:
        """The deliveries that these events may be about, by address."""
        references = sorted({row.reference for row in self.rows if row.reference})
        named = batches.c.reference.in_(references) | batches.c.idempotency_key.in_(references)
        # A mail about a mail may name it in no way that we know: then by its address and subject, among the latest.
        mailed = [row for row in self.rows if row.source == MAIL]
        since = min((row.occurred_at for row in mailed), default=self.now) - _RECENT
        recent = deliveries.c.email_key.in_(sorted({row.email_key for row in mailed})) & (
            broadcasts.c.planned_at >= since
        )
        doubtful = batches.c.state.in_([BatchState.UNKNOWN, BatchState.POSTING])
        # Asked for by broadcast, all is found by keys that are there anyway: no index makes a broadcast slower.
        open_ones = select(broadcasts.c.id).where(broadcasts.c.state != BroadcastState.SENT)
        sent: set[int] = set()
        for likely in (named, doubtful & batches.c.broadcast_id.in_(open_ones)):
            sent.update(self.connection.execute(select(batches.c.broadcast_id).where(likely).distinct()).scalars())
        if mailed:
            sent.update(
                self.connection.execute(select(broadcasts.c.id).where(broadcasts.c.planned_at >= since)).scalars()
            )
        columns = (deliveries.c.email_key, deliveries.c.subscriber_id, deliveries.c.broadcast_id)
        query = (
            select(*columns, deliveries.c.batch_number, batches.c.reference, batches.c.idempotency_key, batches.c.state)
            .add_columns(broadcasts.c.digest, broadcasts.c.planned_at)
            .join(
                batches,
                (batches.c.broadcast_id == deliveries.c.broadcast_id) & (batches.c.number == deliveries.c.batch_number),
            )
            .join(broadcasts, broadcasts.c.id == deliveries.c.broadcast_id)
            .where(deliveries.c.broadcast_id.in_(sorted(sent)), deliveries.c.email_key.in_(keys))
            .where(named | doubtful | recent)
            .order_by(broadcasts.c.id.desc())
        )
        found: dict[str, list[_Row]] = defaultdict(list)
        for row in self.connection.execute(query):
            found[row.email_key].append(row)
        return found

    def _match(self, event: _Row, candidates: list[_Row]) -> _Row | None:
        """The delivery that an event is about; one in a batch of unknown outcome settles that batch."""
        by_mail, subject = event.source == MAIL, event.detail.get("subject", "")
        if event.kind == EventKind.UNSUBSCRIBED or not (event.reference or by_mail):
            return None
        for row in candidates:
            if event.reference and event.reference in (row.reference, row.idempotency_key):
                if row.state == BatchState.UNKNOWN:
                    self._settle(row, event.reference)
                return row
        for row in candidates:
            doubtful = row.state == BatchState.UNKNOWN
            lately = by_mail and row.planned_at <= event.occurred_at
            if (doubtful or lately) and self._subject_fits(row.digest, subject):
                if doubtful:
                    self._settle(row, event.reference)
                return row
        return None

    def _may_come(self, event: _Row, candidates: list[_Row]) -> bool:
        """Whether the call that the event is about may be still under way: its answer is not written down yet."""
        posting = any(row.state == BatchState.POSTING for row in candidates)
        return bool(event.reference) and posting and self.now - event.received_at < _PATIENCE

    def _subject_fits(self, digest: str, subject: str) -> bool:
        """Whether a mail with this subject may be of the edition: confirmations go to the same addresses."""
        if digest not in self._subjects:
            query = select(editions.c.content).where(editions.c.digest == digest)
            template = json.loads(self.connection.execute(query).scalar_one())["subject"]
            parts = [re.escape(part) for part in re.split(r"\{\{[^}]*\}\}", " ".join(template.split()))]
            self._subjects[digest] = re.compile(".*".join(parts))
        return bool(self._subjects[digest].fullmatch(subject))

    def _settle(self, row: _Row, reference: str) -> None:
        """The provider has a mail of a batch in doubt: it took the call, and a call is taken whole."""
        place = (row.broadcast_id, row.batch_number)
        if place in self._settled:
            return
        self._settled.add(place)
        here = (batches.c.broadcast_id == row.broadcast_id) & (batches.c.number == row.batch_number)
        values: dict[str, Any] = {"state": BatchState.ACCEPTED, "reference": reference, "settled_at": self.now}
        change = update(batches).where(here, batches.c.state == BatchState.UNKNOWN).values(values)
        if self.connection.execute(change).rowcount:
            readers = (deliveries.c.broadcast_id == row.broadcast_id) & (deliveries.c.batch_number == row.batch_number)
            moved = update(deliveries).where(readers, deliveries.c.state == DeliveryState.UNKNOWN)
            self.connection.execute(moved.values(state=DeliveryState.ACCEPTED))

    def _write(self, done: list[dict[str, Any]]) -> None:
        change = update(events).where(events.c.id == bindparam("row_id"))
        values: dict[str, Any] = {
            "state": bindparam("new_state"),
            "subscriber_id": bindparam("who"),
            "broadcast_id": bindparam("what"),
        }
        self.connection.execute(change.values(values), done)
        for outcome in _IN_ORDER:
            if self._moves[outcome]:
                before = [state for state in delivery_states_before(outcome) if state != DeliveryState.PENDING]
                here = (deliveries.c.broadcast_id == bindparam("of")) & (
                    deliveries.c.subscriber_id == bindparam("reader")
                )
                known = or_(*(deliveries.c.state == state for state in before))  # IN takes no list of parameters
                move = update(deliveries).where(here, known).values(state=bindparam("to"))
                self.connection.execute(move, self._moves[outcome])

    def _leave(self, event: _Row, subscriber_id: int) -> None:
        """Consent follows the event, unless the reader said otherwise since."""
        query = select(subscribers.c.consent_at).where(subscribers.c.id == subscriber_id)
        consent_at = self.connection.execute(query).scalar()
        if consent_at is not None and event.occurred_at < consent_at:
            return
        if event.detail.get("soft") and not self._too_soft(subscriber_id):
            return
        state, action = _LEAVING[EventKind(event.kind)]
        if leave(self.connection, subscriber_id, state, self.now):
            record(self.connection, subscriber_id, action, f"event from {event.source}", self.now)

    def _too_soft(self, subscriber_id: int) -> bool:
        """Whether the reader's last `soft_bounces` issues all failed for the moment, with none delivered in between."""
        query = select(events.c.kind, events.c.reference, events.c.detail).where(
            events.c.subscriber_id == subscriber_id,
            events.c.kind.in_([EventKind.DELIVERED, EventKind.OPENED, EventKind.CLICKED, EventKind.BOUNCED]),
        )
        failed: set[str] = set()
        for kind, reference, detail in self.connection.execute(query.order_by(events.c.occurred_at.desc()).limit(100)):
            if kind != EventKind.BOUNCED:
                break
            if detail.get("soft"):
                failed.add(reference)
        return len(failed) >= self.soft_bounces
