"""What the public pages and the provider's events need: consent log, wishes, events, pauses."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("subscribers", _column("paused_until", sa.DateTime, nullable=True))
    op.add_column("subscribers", _column("every_days", sa.Integer, nullable=True))
    op.create_table(
        "consents",
        _column("id", sa.Integer),
        _column("subscriber_id", sa.Integer),
        _column("at", sa.DateTime),
        _column("action", sa.String(32)),
        _column("source", sa.String(200)),
        _column("detail", sa.JSON),
        sa.PrimaryKeyConstraint("id", name="pk_consents"),
    )
    op.create_index("ix_consents_subscriber_id", "consents", ["subscriber_id"])
    op.create_table(
        "wishes",
        _column("id", sa.Integer),
        _column("kind", sa.String(16)),
        _column("email", sa.String(320)),
        _column("detail", sa.JSON),
        _column("tries", sa.Integer),
        _column("created_at", sa.DateTime),
        _column("due_at", sa.DateTime),
        sa.PrimaryKeyConstraint("id", name="pk_wishes"),
    )
    op.create_index("ix_wishes_due_at", "wishes", ["due_at"])
    op.create_table(
        "facts",
        _column("name", sa.String(64)),
        _column("value", sa.Text),
        sa.PrimaryKeyConstraint("name", name="pk_facts"),
    )
    _events()


def _events() -> None:
    op.create_table(
        "events",
        _column("id", sa.Integer),
        _column("source", sa.String(64)),
        _column("key", sa.String(64)),
        _column("kind", sa.String(16)),
        _column("email_key", sa.String(320)),
        _column("reference", sa.String(200)),
        _column("occurred_at", sa.DateTime),
        _column("received_at", sa.DateTime),
        _column("state", sa.String(16)),
        _column("subscriber_id", sa.Integer, nullable=True),
        _column("broadcast_id", sa.Integer, nullable=True),
        _column("detail", sa.JSON),
        sa.CheckConstraint("state IN ('new', 'applied', 'waiting', 'ignored')", name=op.f("ck_events_state_known")),
        sa.PrimaryKeyConstraint("id", name="pk_events"),
        sa.UniqueConstraint("source", "key", name="uq_events_source_key"),
    )
    op.create_index("ix_events_state_id", "events", ["state", "id"])
    op.create_index("ix_events_subscriber_id_kind_occurred_at", "events", ["subscriber_id", "kind", "occurred_at"])
    op.create_index("ix_batches_reference", "batches", ["reference"])


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, **{"nullable": False} | options)
