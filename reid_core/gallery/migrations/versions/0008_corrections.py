"""What people corrected, and the pairs that they are asked about; an index by the end of tracklets.

Revision ID: 0008
Revises: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_BY_END = "ix_tracklets_end_ns_start_ns"


def upgrade() -> None:
    """Create the tables and the index."""
    op.create_table(
        "corrections",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("identity", sa.String(36), nullable=False),
        sa.Column("other", sa.String(36), nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("undone_by", sa.String(255), nullable=False),
        sa.Column("undone_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_corrections"),
    )
    op.create_index("ix_corrections_identity", "corrections", ["identity"])
    op.create_index("ix_corrections_other", "corrections", ["other"])
    op.create_table(
        "corrected",
        sa.Column("correction_id", sa.BigInteger(), nullable=False),
        sa.Column("tracklet_id", sa.String(36), nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.PrimaryKeyConstraint("correction_id", "tracklet_id", name="pk_corrected"),
        sa.ForeignKeyConstraint(["correction_id"], ["corrections.id"], name="fk_corrected_correction_id"),
    )
    op.create_index("ix_corrected_tracklet_id", "corrected", ["tracklet_id"])
    op.create_table(
        "doubts",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.String(36), nullable=False),
        sa.Column("other", sa.String(36), nullable=False),
        sa.Column("skipped", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_doubts"),
        sa.UniqueConstraint("identity", "other", name="uq_doubts_identity_other"),
    )
    op.create_index(_BY_END, "tracklets", ["end_ns", "start_ns"])


def downgrade() -> None:
    """Drop them; corrections stay made, and are remembered no more."""
    op.drop_index(_BY_END, "tracklets")
    for table in ("doubts", "corrected", "corrections"):
        op.drop_table(table)
