"""Alerts on their way to webhooks, and who has acknowledged which.

Revision ID: 0014
Revises: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the table; nobody has acknowledged the alerts of before."""
    op.create_table(
        "deliveries",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("webhook", sa.String(64), nullable=False),
        sa.Column("alert_id", sa.BigInteger(), nullable=False),
        sa.Column("message", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("queued_ns", sa.BigInteger(), nullable=False),
        sa.Column("due_ns", sa.BigInteger(), nullable=False),
        sa.Column("tried_ns", sa.BigInteger(), nullable=True),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_deliveries"),
        sa.UniqueConstraint("webhook", "alert_id", name="uq_deliveries_webhook_alert_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_deliveries_webhook_state_due_ns", "deliveries", ["webhook", "state", "due_ns"])
    op.add_column("alerts", sa.Column("acknowledged_by", sa.String(255), nullable=True))
    op.add_column("alerts", sa.Column("acknowledged_ns", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("alerts", "acknowledged_ns")
    op.drop_column("alerts", "acknowledged_by")
    op.drop_table("deliveries")
