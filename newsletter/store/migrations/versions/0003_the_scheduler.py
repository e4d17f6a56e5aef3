"""What the scheduler remembers: its lease, who was seen alive, which notices were told; an issue's number."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("queue", sa.Column("number", sa.Integer))
    op.add_column("queue", _column("moved", sa.Boolean, server_default=sa.false()))
    for table in ("queue", "broadcasts"):
        op.add_column(table, _column("relation", sa.String(8), server_default=sa.text("''")))
        op.add_column(table, _column("related_to", sa.String(200), server_default=sa.text("''")))
    op.create_index("ix_slots_wall_time", "slots", ["wall_time"], unique=True)
    leases = op.create_table(
        "leases",
        _column("name", sa.String(32)),
        _column("owner", sa.String(200)),
        _column("until", sa.DateTime, nullable=True),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    op.bulk_insert(leases, [{"name": "scheduler", "owner": ""}])
    op.create_table(
        "heartbeats",
        _column("owner", sa.String(200)),
        _column("host", sa.String(200)),
        _column("started_at", sa.DateTime),
        _column("seen_at", sa.DateTime),
        _column("line", sa.Text),
        sa.PrimaryKeyConstraint("owner", name="pk_heartbeats"),
    )
    op.create_table(
        "notices",
        _column("key", sa.String(200)),
        _column("channel", sa.String(16)),
        _column("state", sa.String(16)),
        _column("attempts", sa.Integer),
        _column("text", sa.Text),
        _column("error", sa.Text),
        _column("created_at", sa.DateTime),
        _column("told_at", sa.DateTime, nullable=True),
        sa.CheckConstraint("state IN ('telling', 'told', 'failed')", name=op.f("ck_notices_state_known")),
        sa.PrimaryKeyConstraint("key", "channel", name="pk_notices"),
    )


def _column(name: str, kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, **{"nullable": False} | options)
