"""Waves: a broadcast that each reader gets at the same wall time of their own zone."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, length in (("wall_time", 16), ("timezone", 64)):
        op.add_column("broadcasts", _text(name, length))
    op.add_column("batches", _text("wave", 64))
    op.add_column("batches", sa.Column("wave_at", sa.DateTime))
    op.add_column("batches", sa.Column("waiting", sa.Boolean, nullable=False, server_default=sa.false()))


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False, server_default=sa.text("''"))
