"""The kill switch, and what each provider's account may take: calls a second, readers a day."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "switches",
        sa.Column("name", sa.String(16), nullable=False),
        sa.Column("reason", sa.Text, nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_switches"),
    )
    op.create_table(
        "rates",
        sa.Column("account", sa.String(80), nullable=False),
        sa.Column("next_call", sa.DateTime, nullable=False),
        sa.Column("held_until", sa.DateTime, nullable=False),
        sa.Column("told", sa.Float, nullable=False),
        sa.Column("share", sa.Float, nullable=False),
        sa.Column("share_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("account", name="pk_rates"),
    )
    op.create_table(
        "quotas",
        sa.Column("account", sa.String(80), nullable=False),
        sa.Column("day", sa.String(10), nullable=False),
        sa.Column("readers", sa.Integer, nullable=False),
        sa.PrimaryKeyConstraint("account", "day", name="pk_quotas"),
    )
