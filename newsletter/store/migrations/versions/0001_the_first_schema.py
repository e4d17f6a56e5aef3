"""The first schema."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    for build in (_audience, _schedule, _delivery):
        build()


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, **{"nullable": False} | options)


def _states(table: str, *states: str) -> sa.CheckConstraint:
    names = ", ".join(f"'{state}'" for state in states)
    return sa.CheckConstraint(f"state IN ({names})", name=op.f(f"ck_{table}_state_known"))


def _audience() -> None:
    op.create_table(
        "subscribers",
        _column("id", sa.Integer),
        _column("email", sa.String(320)),
        _column("email_key", sa.String(320)),
        _column("name", sa.String(200)),
        _column("state", sa.String(16)),
        _column("language", sa.String(35)),
        _column("timezone", sa.String(64)),
        _column("fields", sa.JSON),
        _column("consent_source", sa.String(200)),
        _column("consent_at", sa.DateTime, nullable=True),
        _column("created_at", sa.DateTime),
        _column("changed_at", sa.DateTime),
        _states("subscribers", "pending", "active", "unsubscribed", "bounced", "complained"),
        sa.PrimaryKeyConstraint("id", name="pk_subscribers"),
        sa.UniqueConstraint("email_key", name="uq_subscribers_email_key"),
    )
    op.create_index("ix_subscribers_state_id", "subscribers", ["state", "id"])
    op.create_table(
        "subscriber_tags",
        _column("subscriber_id", sa.Integer),
        _column("tag", sa.String(100)),
        sa.ForeignKeyConstraint(
            ["subscriber_id"], ["subscribers.id"], name="fk_subscriber_tags_subscriber_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("subscriber_id", "tag", name="pk_subscriber_tags"),
    )
    op.create_index("ix_subscriber_tags_tag", "subscriber_tags", ["tag"])
    op.create_table(
        "suppressions",
        _column("email_key", sa.String(320)),
        _column("reason", sa.String(32)),
        _column("source", sa.String(200)),
        _column("created_at", sa.DateTime),
        sa.PrimaryKeyConstraint("email_key", name="pk_suppressions"),
    )


def _schedule() -> None:
    op.create_table(
        "editions",
        _column("digest", sa.String(64)),
        _column("slug", sa.String(200)),
        _column("content", sa.Text),
        _column("created_at", sa.DateTime),
        sa.PrimaryKeyConstraint("digest", name="pk_editions"),
    )
    op.create_index("ix_editions_slug", "editions", ["slug"])
    op.create_table(
        "queue",
        _column("slug", sa.String(200)),
        _column("digest", sa.String(64)),
        _column("source_digest", sa.String(64)),
        _column("position", sa.Integer),
        _column("held", sa.Boolean),
        _column("segment", sa.String(200)),
        _column("pinned_to", sa.String(16)),
        _column("not_before", sa.String(10)),
        _column("approved_at", sa.DateTime),
        _column("approved_by", sa.String(200)),
        _column("findings", sa.JSON),
        sa.ForeignKeyConstraint(["digest"], ["editions.digest"], name="fk_queue_digest"),
        sa.PrimaryKeyConstraint("slug", name="pk_queue"),
    )
    op.create_table(
        "slots",
        _column("id", sa.Integer),
        _column("starts_at", sa.DateTime),
        _column("wall_time", sa.String(16)),
        _column("timezone", sa.String(64)),
        _column("state", sa.String(16)),
        _column("opened_at", sa.DateTime),
        _states("slots", "taken", "empty", "missed"),
        sa.PrimaryKeyConstraint("id", name="pk_slots"),
        sa.UniqueConstraint("starts_at", name="uq_slots_starts_at"),
    )


def _delivery() -> None:
    op.create_table(
        "broadcasts",
        _column("id", sa.Integer),
        _column("slug", sa.String(200)),
        _column("digest", sa.String(64)),
        _column("slot_id", sa.Integer, nullable=True),
        _column("segment", sa.String(200)),
        _column("state", sa.String(16)),
        _column("reason", sa.Text),
        _column("provider", sa.String(64)),
        _column("planned_through", sa.Integer),
        _column("audience_through", sa.Integer),
        _column("planned_at", sa.DateTime),
        _column("started_at", sa.DateTime, nullable=True),
        _column("finished_at", sa.DateTime, nullable=True),
        _states("broadcasts", "planned", "sending", "paused", "sent", "cancelled"),
        sa.ForeignKeyConstraint(["digest"], ["editions.digest"], name="fk_broadcasts_digest"),
        sa.ForeignKeyConstraint(["slot_id"], ["slots.id"], name="fk_broadcasts_slot_id"),
        sa.PrimaryKeyConstraint("id", name="pk_broadcasts"),
        sa.UniqueConstraint("slug", name="uq_broadcasts_slug"),
        sa.UniqueConstraint("slot_id", name="uq_broadcasts_slot_id"),
    )
    op.create_table(
        "batches",
        _column("broadcast_id", sa.Integer),
        _column("number", sa.Integer),
        _column("state", sa.String(16)),
        _column("idempotency_key", sa.String(80), nullable=True),
        _column("attempts", sa.Integer),
        _column("owner", sa.String(200)),
        _column("lease_until", sa.DateTime, nullable=True),
        _column("reference", sa.String(200)),
        _column("dropped", sa.Integer),
        _column("error", sa.Text),
        _column("settled_at", sa.DateTime, nullable=True),
        _states("batches", "pending", "posting", "accepted", "rejected", "unknown"),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcasts.id"], name="fk_batches_broadcast_id"),
        sa.PrimaryKeyConstraint("broadcast_id", "number", name="pk_batches"),
        sa.UniqueConstraint("idempotency_key", name="uq_batches_idempotency_key"),
    )
    op.create_index("ix_batches_broadcast_id_state_number", "batches", ["broadcast_id", "state", "number"])
    op.create_table(
        "deliveries",
        _column("broadcast_id", sa.Integer),
        _column("subscriber_id", sa.Integer),
        _column("batch_number", sa.Integer),
        _column("email", sa.String(320)),
        _column("email_key", sa.String(320)),
        _column("name", sa.String(200)),
        _column("state", sa.String(16)),
        _column("reason", sa.String(200)),
        _states(
            "deliveries",
            "pending",
            "accepted",
            "rejected",
            "skipped",
            "unknown",
            "delivered",
            "bounced",
            "complained",
        ),
        sa.PrimaryKeyConstraint("broadcast_id", "subscriber_id", name="pk_deliveries"),
        sa.UniqueConstraint("broadcast_id", "email_key", name="uq_deliveries_broadcast_id_email_key"),
    )
    op.create_index("ix_deliveries_broadcast_id_batch_number", "deliveries", ["broadcast_id", "batch_number"])
