"""The tables. Each promise of the pipeline that can be a unique key is one here.

Times are UTC, stored naive since SQLite keeps no zone: `UtcDateTime` takes and gives aware values.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
    false,
    text,
    true,
)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, kept in UTC."""

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a stored time must know its zone")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else value.replace(tzinfo=UTC)


def _one_of(column: str, *states: str) -> CheckConstraint:
    return CheckConstraint(f"{column} IN ({', '.join(repr(state) for state in states)})", name=f"{column}_known")


def _relation() -> tuple[Column[str], Column[str]]:
    """Of whom in the segment an issue is for: `got` or `missed`, and the issue that those readers got or missed."""
    return (
        Column("relation", String(8), nullable=False, default="", server_default=text("''")),
        Column("related_to", String(200), nullable=False, default="", server_default=text("''")),
    )


subscribers = Table(
    "subscribers",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("email", String(320), nullable=False),
    Column("email_key", String(320), nullable=False, unique=True),  # what makes two spellings one address
    Column("name", String(200), nullable=False, default=""),
    Column("state", String(16), nullable=False),
    Column("language", String(35), nullable=False, default=""),
    Column("timezone", String(64), nullable=False, default=""),
    Column("fields", JSON, nullable=False, default=dict),
    Column("consent_source", String(200), nullable=False, default=""),
    Column("consent_at", UtcDateTime),
    Column("created_at", UtcDateTime, nullable=False),
    Column("changed_at", UtcDateTime, nullable=False),
    Column("paused_until", UtcDateTime),  # the reader asked for a pause; an issue before that moment is skipped
    Column("measured", Boolean, nullable=False, default=True, server_default=true()),  # false: the reader objects
    Column("every_days", Integer),  # the reader wants no more than one issue in so many days; empty: every issue
    _one_of("state", "pending", "active", "unsubscribed", "bounced", "complained"),
    Index(None, "state", "id"),  # the audience of a broadcast, page by page
)

subscriber_tags = Table(
    "subscriber_tags",
    metadata,
    Column("subscriber_id", ForeignKey("subscribers.id", ondelete="CASCADE"), primary_key=True),
    Column("tag", String(100), primary_key=True, index=True),
)

suppressions = Table(
    "suppressions",
    metadata,
    Column("email_key", String(320), primary_key=True),
    Column("reason", String(32), nullable=False),
    Column("source", String(200), nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
)

editions = Table(
    "editions",
    metadata,
    Column("digest", String(64), primary_key=True),
    Column("slug", String(200), nullable=False, index=True),
    Column("content", Text, nullable=False),  # the edition as canonical JSON
    Column("created_at", UtcDateTime, nullable=False),
)

queue = Table(
    "queue",
    metadata,
    Column("slug", String(200), primary_key=True),
    Column("digest", ForeignKey("editions.digest"), nullable=False),
    Column("source_digest", String(64), nullable=False),
    Column("position", Integer, nullable=False),
    Column("held", Boolean, nullable=False, default=False),
    Column("number", Integer),  # the issue's own, by which it is put in its place
    Column("moved", Boolean, nullable=False, default=False, server_default=false()),  # by hand: its place stands
    Column("segment", String(200), nullable=False, default=""),
    *_relation(),
    Column("pinned_to", String(16), nullable=False, default=""),  # wall time `YYYY-MM-DD` or `YYYY-MM-DDTHH:MM`
    Column("not_before", String(10), nullable=False, default=""),  # the issue's own date
    Column("approved_at", UtcDateTime, nullable=False),
    Column("approved_by", String(200), nullable=False, default=""),
    Column("findings", JSON, nullable=False, default=list),
)

slots = Table(
    "slots",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("starts_at", UtcDateTime, nullable=False, unique=True),
    # What a slot is: where a zone's rules change, its instant moves, and it must not open a second time.
    Column("wall_time", String(16), nullable=False),
    Column("timezone", String(64), nullable=False),
    Column("state", String(16), nullable=False),
    Column("opened_at", UtcDateTime, nullable=False),
    _one_of("state", "taken", "empty", "missed"),
    Index(None, "wall_time", unique=True),
)

broadcasts = Table(
    "broadcasts",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("slug", String(200), nullable=False, unique=True),  # at most one broadcast an issue
    Column("digest", ForeignKey("editions.digest"), nullable=False),
    Column("slot_id", ForeignKey("slots.id"), unique=True),
    Column("segment", String(200), nullable=False, default=""),
    *_relation(),
    Column("state", String(16), nullable=False),
    Column("reason", Text, nullable=False, default=""),  # why it is paused, for a person
    Column("provider", String(64), nullable=False, default=""),
    # Where readers get it at this wall time of their own zone, in waves: the time, and the zone of who tells none.
    Column("wall_time", String(16), nullable=False, default="", server_default=text("''")),
    Column("timezone", String(64), nullable=False, default="", server_default=text("''")),
    # Whether its edition has personal parts that look at tags or own fields; only then deliveries keep them.
    Column("keeps_fields", Boolean, nullable=False, default=False, server_default=false()),
    Column("planned_through", Integer, nullable=False, default=0),  # subscriber id: everyone up to it is in a batch
    Column("audience_through", Integer, nullable=False),  # the last subscriber id that this broadcast is for
    Column("planned_at", UtcDateTime, nullable=False),
    Column("started_at", UtcDateTime),
    Column("finished_at", UtcDateTime),
    Column("restored_at", UtcDateTime),  # it came out of a backup unfinished: nothing is repeated without a person
    _one_of("state", "planned", "sending", "paused", "sent", "cancelled"),
)

batches = Table(
    "batches",
    metadata,
    Column("broadcast_id", ForeignKey("broadcasts.id"), primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("state", String(16), nullable=False),
    Column("idempotency_key", String(80), unique=True),  # made from the body, when it is first posted
    Column("attempts", Integer, nullable=False, default=0),
    Column("owner", String(200), nullable=False, default=""),
    Column("lease_until", UtcDateTime),
    Column("reference", String(200), nullable=False, default=""),  # the provider's name for it
    # Whom its last call went to, where that is not the broadcast's own provider.
    Column("provider", String(64), nullable=False, default="", server_default=text("''")),
    Column("dropped", Integer, nullable=False, default=0),  # how many the provider left out, not saying whom
    Column("error", Text, nullable=False, default=""),
    Column("settled_at", UtcDateTime),
    Column("wave", String(64), nullable=False, default="", server_default=text("''")),  # the zone it is named by
    Column("wave_at", UtcDateTime),
    Column("waiting", Boolean, nullable=False, default=False, server_default=false()),  # its wave has not begun
    _one_of("state", "pending", "posting", "accepted", "rejected", "unknown"),
    Index(None, "broadcast_id", "state", "number"),
    Index(None, "reference"),  # the events of a provider name it
)

deliveries = Table(
    "deliveries",
    metadata,
    Column("broadcast_id", Integer, primary_key=True),
    Column("subscriber_id", Integer, primary_key=True),  # once to each: the key that makes twice impossible
    Column("batch_number", Integer, nullable=False),  # 0: in no batch, since skipped when planned
    Column("email", String(320), nullable=False),
    Column("email_key", String(320), nullable=False),
    Column("name", String(200), nullable=False, default=""),  # as it was when planned: a repeat has the same bytes
    Column("tags", Text),  # the reader's tags, a line each, and own fields: frozen like the name, where they are used
    Column("fields", JSON),
    Column("state", String(16), nullable=False),
    Column("reason", String(200), nullable=False, default=""),
    Column("measured", Boolean, nullable=False, default=True, server_default=true()),  # as it was when planned, too
    Column("sample", Integer, nullable=False, default=0, server_default=text("0")),  # of which subject, from 1; 0: none
    _one_of("state", "pending", "accepted", "rejected", "skipped", "unknown", "delivered", "bounced", "complained"),
    UniqueConstraint("broadcast_id", "email_key"),
    Index(None, "broadcast_id", "batch_number"),
)

trials = Table(
    "trials",
    metadata,
    Column("broadcast_id", ForeignKey("broadcasts.id"), primary_key=True),
    Column("subjects", JSON, nullable=False),
    Column("rule", String(16), nullable=False),
    Column("share", Float, nullable=False),
    Column("wait_seconds", Integer, nullable=False),
    Column("margin", Float, nullable=False),
    Column("aside", Text, nullable=False, default=""),  # how the addresses begin whose clicks do not count
    Column("part", Integer, nullable=False),  # the sample that is planned now, from 1; 0: all are
    Column("planned_through", Integer, nullable=False, default=0),  # subscriber id, within that sample
    Column("decide_at", UtcDateTime),
    Column("winner", Integer),  # written once
    Column("reason", Text, nullable=False, default=""),
    Column("arms", JSON, nullable=False, default=list),  # the numbers that decided
    Column("decided_at", UtcDateTime),
)

consents = Table(
    "consents",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("subscriber_id", Integer, nullable=False, index=True),  # no foreign key: the log outlives an erasure
    Column("at", UtcDateTime, nullable=False),
    Column("action", String(32), nullable=False),
    Column("source", String(200), nullable=False, default=""),
    Column("detail", JSON, nullable=False, default=dict),
)

# What somebody asked for on a public page and a mail has to answer: stored before the page says "look into your inbox".
wishes = Table(
    "wishes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("email", String(320), nullable=False),
    Column("detail", JSON, nullable=False, default=dict),
    Column("tries", Integer, nullable=False, default=0),
    Column("created_at", UtcDateTime, nullable=False),
    Column("due_at", UtcDateTime, nullable=False, index=True),
)

events = Table(
    "events",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("source", String(64), nullable=False),
    Column("key", String(64), nullable=False),  # of its content: a provider that tells a thing twice tells it once
    Column("kind", String(16), nullable=False),
    Column("email_key", String(320), nullable=False),
    Column("reference", String(200), nullable=False, default=""),  # the provider's name of the batch
    Column("occurred_at", UtcDateTime, nullable=False),
    Column("received_at", UtcDateTime, nullable=False),
    Column("state", String(16), nullable=False),
    Column("subscriber_id", Integer),
    Column("broadcast_id", Integer),
    Column("detail", JSON, nullable=False, default=dict),
    _one_of("state", "new", "applied", "waiting", "ignored"),
    UniqueConstraint("source", "key", name="uq_events_source_key"),
    Index(None, "state", "id"),
    Index(None, "subscriber_id", "kind", "occurred_at"),
    Index(None, "broadcast_id", "kind", "subscriber_id"),  # what readers did with a broadcast
)

# What is measured where a publication says so. It decides nothing but statistics and the segments that name it.
# `machine` says why a program and no person did it: `agent`, `burst`…; empty for a person, as far as can be known.
clicks = Table(
    "clicks",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("broadcast_id", Integer, nullable=False),
    Column("subscriber_id", Integer),  # nobody, once the reader is erased or objects
    Column("link", Text, nullable=False),
    Column("at", UtcDateTime, nullable=False),
    Column("machine", String(16), nullable=False, default=""),
    Index(None, "broadcast_id", "subscriber_id"),
    Index(None, "subscriber_id", "at"),
)

opens = Table(
    "opens",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("broadcast_id", Integer, nullable=False),
    Column("subscriber_id", Integer),
    Column("at", UtcDateTime, nullable=False),
    Column("machine", String(16), nullable=False, default=""),
    Index(None, "broadcast_id", "subscriber_id"),
    Index(None, "subscriber_id", "at"),
)

facts = Table(
    "facts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(32), primary_key=True),  # `scheduler`, a row that is always there
    Column("owner", String(200), nullable=False, default=""),
    Column("until", UtcDateTime),
)

heartbeats = Table(
    "heartbeats",
    metadata,
    Column("owner", String(200), primary_key=True),
    Column("host", String(200), nullable=False),
    Column("started_at", UtcDateTime, nullable=False),
    Column("seen_at", UtcDateTime, nullable=False),
    Column("line", Text, nullable=False, default=""),  # what it said last
)

notices = Table(
    "notices",
    metadata,
    Column("key", String(200), primary_key=True),  # what it is about: `empty:2026-11-24T09:00`
    Column("channel", String(16), primary_key=True),  # once to each
    Column("state", String(16), nullable=False),
    Column("attempts", Integer, nullable=False, default=1),
    Column("text", Text, nullable=False),
    Column("error", Text, nullable=False, default=""),
    Column("created_at", UtcDateTime, nullable=False),
    Column("told_at", UtcDateTime),
    _one_of("state", "telling", "told", "failed"),
)

switches = Table(
    "switches",
    metadata,
    Column("name", String(16), primary_key=True),  # `stop`: while it is here, nobody begins a call
    Column("reason", Text, nullable=False, default=""),
    Column("since", UtcDateTime, nullable=False),
)

rates = Table(
    "rates",
    metadata,
    Column("account", String(80), primary_key=True),  # a provider and a fingerprint of its key, never the key
    Column("next_call", UtcDateTime, nullable=False),  # all moments before it are given to some process
    Column("held_until", UtcDateTime, nullable=False),  # the provider asked to be left alone until then
    Column("told", Float, nullable=False, default=0.0),  # calls a second, by the provider's headers; 0: not told
    Column("share", Float, nullable=False, default=1.0),  # of the rate, after it was found too fast
    Column("share_at", UtcDateTime, nullable=False),
)

quotas = Table(
    "quotas",
    metadata,
    Column("account", String(80), primary_key=True),
    Column("day", String(10), primary_key=True),  # in UTC
    Column("readers", Integer, nullable=False, default=0),
)

restores = Table(
    "restores",
    metadata,
    Column("restored_at", UtcDateTime, primary_key=True),  # no slot from before this moment opens any more
    Column("taken_at", UtcDateTime, nullable=False),  # what happened between the two is not known here
)

doubts = Table(
    "doubts",
    metadata,
    Column("slug", String(200), primary_key=True),  # an issue that may have been sent between backup and restore
    Column("since", UtcDateTime, nullable=False),
)
