"""Erasures by keyed fingerprints, and legal holds.

Revision ID: 0016
Revises: 0015
"""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "erasures",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("name", sa.String(36), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(255), nullable=False),
        sa.Column("audit", sa.BigInteger(), nullable=True),
        sa.Column("counts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_erasures"),
        sa.UniqueConstraint("name", name="uq_erasures_name"),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "erased",
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("fingerprint", sa.String(64), nullable=False),
        sa.Column("erasure_id", _COUNTER, nullable=False),
        sa.PrimaryKeyConstraint("kind", "fingerprint", name="pk_erased"),
        sa.ForeignKeyConstraint(["erasure_id"], ["erasures.id"], name="fk_erased_erasure_id"),
    )
    op.create_index("ix_erased_erasure_id", "erased", ["erasure_id"])
    op.create_table(
        "holds",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("subject", sa.String(36), nullable=True),
        sa.Column("camera", sa.String(255), nullable=True),
        sa.Column("since_ns", sa.BigInteger(), nullable=True),
        sa.Column("until_ns", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("author", sa.String(255), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("lifted_by", sa.String(255), nullable=False),
        sa.Column("lifted_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_holds"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_holds_kind_subject", "holds", ["kind", "subject"])


def downgrade() -> None:
    """Drop them: what was erased may then come again."""
    for table in ("holds", "erased", "erasures"):
        op.drop_table(table)
