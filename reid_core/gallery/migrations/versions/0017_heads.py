"""Heads: linear maps behind a model's vectors, learned on the gallery's own cameras.

Revision ID: 0017
Revises: 0016
"""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; vectors stay as they are."""
    op.create_table(
        "heads",
        sa.Column("space", sa.String(64), nullable=False),
        sa.Column("parent", sa.String(64), nullable=False),
        sa.Column("matrix", sa.LargeBinary(), nullable=False),
        sa.Column("learned", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("space", name="pk_heads"),
        sa.ForeignKeyConstraint(["space"], ["standardisations.space"], name="fk_heads_space"),
    )


def downgrade() -> None:
    """Drop it and what was made by heads; the models' own vectors are compared again."""
    op.execute(
        "UPDATE gallery_meta SET value = "
        "(SELECT model_id FROM standardisations WHERE standardisations.space = gallery_meta.value) "
        "WHERE key = 'space' AND value IN (SELECT space FROM heads)"
    )
    copies = "SELECT id FROM vectors WHERE space IN (SELECT space FROM heads)"
    op.execute(f"DELETE FROM surplus WHERE vector_id IN ({copies})")
    op.execute("DELETE FROM vectors WHERE space IN (SELECT space FROM heads)")
    op.execute("DELETE FROM camera_statistics WHERE space IN (SELECT space FROM heads)")
    op.execute("CREATE TABLE _adapted AS SELECT space FROM heads")
    op.drop_table("heads")
    op.execute("DELETE FROM standardisations WHERE space IN (SELECT space FROM _adapted)")
    op.drop_table("_adapted")
