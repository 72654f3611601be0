"""What people said of links, and what waits for a second person.

Revision ID: 0013
Revises: 0012
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "labels",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("tracklet_id", sa.String(36), nullable=False),
        sa.Column("anchor", sa.String(36), nullable=False),
        sa.Column("identity", sa.String(36), nullable=False),
        sa.Column("verdict", sa.String(16), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("score", sa.Float(53), nullable=True),
        sa.Column("probability", sa.Float(53), nullable=True),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("author_name", sa.String(255), nullable=False),
        sa.Column("second", sa.String(255), nullable=False),
        sa.Column("second_name", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_labels"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_labels_tracklet_id_id", "labels", ["tracklet_id", "id"])
    op.create_index("ix_labels_anchor", "labels", ["anchor"])
    op.create_index("ix_labels_identity", "labels", ["identity"])
    op.create_table(
        "proposals",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("subject", sa.JSON(), nullable=False),
        sa.Column("seen", sa.JSON(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("author_name", sa.String(255), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(16), nullable=False),
        sa.Column("decider", sa.String(255), nullable=False),
        sa.Column("decider_name", sa.String(255), nullable=False),
        sa.Column("decided_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_proposals"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_proposals_state_id", "proposals", ["state", "id"])


def downgrade() -> None:
    """Drop them."""
    op.drop_table("proposals")
    op.drop_table("labels")
