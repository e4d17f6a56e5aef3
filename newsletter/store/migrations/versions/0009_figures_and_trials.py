"""What readers did with a broadcast is found by the broadcast; and subjects can be tested on samples."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index(
        "ix_events_broadcast_id_kind_subscriber_id", "events", ["broadcast_id", "kind", "subscriber_id"], unique=False
    )
    op.add_column("deliveries", sa.Column("sample", sa.Integer, nullable=False, server_default=sa.text("0")))
    op.create_table(
        "trials",
        sa.Column("broadcast_id", sa.Integer, nullable=False),
        sa.Column("subjects", sa.JSON, nullable=False),
        sa.Column("rule", sa.String(16), nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("wait_seconds", sa.Integer, nullable=False),
        sa.Column("margin", sa.Float, nullable=False),
        sa.Column("aside", sa.Text, nullable=False),
        sa.Column("part", sa.Integer, nullable=False),
        sa.Column("planned_through", sa.Integer, nullable=False),
        sa.Column("decide_at", sa.DateTime),
        sa.Column("winner", sa.Integer),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("arms", sa.JSON, nullable=False),
        sa.Column("decided_at", sa.DateTime),
        sa.ForeignKeyConstraint(["broadcast_id"], ["broadcasts.id"], name="fk_trials_broadcast_id_broadcasts"),
        sa.PrimaryKeyConstraint("broadcast_id", name="pk_trials"),
    )
