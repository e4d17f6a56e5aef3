"""Which provider a batch went to, where it is not the broadcast's own."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("batches", sa.Column("provider", sa.String(64), nullable=False, server_default=sa.text("''")))
