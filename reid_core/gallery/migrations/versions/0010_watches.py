"""Watches, which are standing queries, and the alerts that they raised.

Revision ID: 0010
Revises: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "watches",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("identity", sa.String(36), nullable=True),
        sa.Column("space", sa.String(64), nullable=True),
        sa.Column("pictured", sa.String(16), nullable=True),
        sa.Column("data", sa.LargeBinary(), nullable=True),
        sa.Column("looks_at", sa.String(16), nullable=True),
        sa.Column("cameras", sa.JSON(), nullable=False),
        sa.Column("hours", sa.String(16), nullable=True),
        sa.Column("zone", sa.String(64), nullable=False),
        sa.Column("expires_ns", sa.BigInteger(), nullable=True),
        sa.Column("false_alarms", sa.Float(53), nullable=True),
        sa.Column("score", sa.Float(53), nullable=True),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("after", sa.BigInteger(), nullable=False),
        sa.Column("paused", sa.Boolean(), nullable=False),
        sa.Column("standing", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_watches"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "alerts",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("watch_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("tracklet_id", sa.String(36), nullable=False),
        sa.Column("camera_id", sa.String(255), nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("end_ns", sa.BigInteger(), nullable=False),
        sa.Column("identity_id", sa.String(36), nullable=True),
        sa.Column("score", sa.Float(53), nullable=True),
        sa.Column("probability", sa.Float(53), nullable=True),
        sa.Column("false_alarms", sa.Float(53), nullable=True),
        sa.Column("calibrated", sa.Boolean(), nullable=False),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.Column("repeats", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name="pk_alerts"),
        sa.UniqueConstraint("watch_id", "tracklet_id", name="uq_alerts_watch_id_tracklet_id"),
        sqlite_autoincrement=True,
    )
    op.create_index(
        "ix_alerts_watch_id_identity_id_camera_id_end_ns",
        "alerts",
        ["watch_id", "identity_id", "camera_id", "end_ns"],
    )


def downgrade() -> None:
    """Drop them."""
    op.drop_table("alerts")
    op.drop_table("watches")
