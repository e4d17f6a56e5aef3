"""What is measured of readers where a publication says so, and who objects to it."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for table in ("subscribers", "deliveries"):
        op.add_column(table, sa.Column("measured", sa.Boolean, nullable=False, server_default=sa.true()))
    for table in ("clicks", "opens"):
        link = [sa.Column("link", sa.Text, nullable=False)] if table == "clicks" else []
        op.create_table(
            table,
            sa.Column("id", sa.Integer, nullable=False),
            sa.Column("broadcast_id", sa.Integer, nullable=False),
            sa.Column("subscriber_id", sa.Integer),
            *link,
            sa.Column("at", sa.DateTime, nullable=False),
            sa.Column("machine", sa.String(16), nullable=False),
            sa.PrimaryKeyConstraint("id", name=f"pk_{table}"),
        )
        op.create_index(f"ix_{table}_broadcast_id_subscriber_id", table, ["broadcast_id", "subscriber_id"])
        op.create_index(f"ix_{table}_subscriber_id_at", table, ["subscriber_id", "at"])
