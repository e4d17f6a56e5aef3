"""What a delivery keeps of its reader for personal parts: tags and own fields, as they were when it was planned."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("broadcasts", sa.Column("keeps_fields", sa.Boolean, nullable=False, server_default=sa.false()))
    op.add_column("deliveries", sa.Column("tags", sa.Text))
    op.add_column("deliveries", sa.Column("fields", sa.JSON))
