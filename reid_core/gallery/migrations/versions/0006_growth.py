"""Which vectors are no exemplars of their identity, and an index by time: every vector there is stays one.

Revision ID: 0006
Revises: 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_BY_TIME = ("space", "kind", "time_ns")


def upgrade() -> None:
    """Create the table and the index."""
    op.create_table(
        "surplus",
        sa.Column("vector_id", _COUNTER, autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("vector_id", name="pk_surplus"),
        sa.ForeignKeyConstraint(["vector_id"], ["vectors.id"], name="fk_surplus_vector_id"),
    )
    op.create_index(_index(), "vectors", _BY_TIME)


def downgrade() -> None:
    """Drop them; every vector decides again."""
    op.drop_index(_index(), "vectors")
    op.drop_table("surplus")


def _index() -> str:
    return f"ix_vectors_{'_'.join(_BY_TIME)}"
