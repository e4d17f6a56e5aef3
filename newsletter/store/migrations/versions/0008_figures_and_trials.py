"""Figures: what readers did with a broadcast is found by the broadcast."""

from alembic import op

revision = "0008"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_events_broadcast_id_kind_subscriber_id", "events", ["broadcast_id", "kind", "subscriber_id"], unique=False
    )
