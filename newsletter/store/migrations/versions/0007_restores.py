"""What a restored backup leaves open: since when, which broadcasts, which issues."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("broadcasts", sa.Column("restored_at", sa.DateTime))
    op.create_table(
        "restores",
        sa.Column("restored_at", sa.DateTime, nullable=False),
        sa.Column("taken_at", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("restored_at", name="pk_restores"),
    )
    op.create_table(
        "doubts",
        sa.Column("slug", sa.String(200), nullable=False),
        sa.Column("since", sa.DateTime, nullable=False),
        sa.PrimaryKeyConstraint("slug", name="pk_doubts"),
    )
