"""How vectors stand out from what their cameras show, by version.

Revision ID: 0011
Revises: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; the vectors of before are compared as they are."""
    op.create_table(
        "standardisations",
        sa.Column("space", sa.String(64), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("form", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("space", name="pk_standardisations"),
        sa.UniqueConstraint("model_id", "version", name="uq_standardisations_model_id_version"),
    )
    op.create_table(
        "camera_statistics",
        sa.Column("space", sa.String(64), nullable=False),
        sa.Column("camera_id", sa.String(255), nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("tracklets", sa.Integer(), nullable=False),
        sa.Column("mean", sa.LargeBinary(), nullable=False),
        sa.Column("deviation", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("space", "camera_id", name="pk_camera_statistics"),
        sa.ForeignKeyConstraint(["space"], ["standardisations.space"], name="fk_camera_statistics_space"),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name="fk_camera_statistics_camera_id"),
    )


def downgrade() -> None:
    """Drop them and the vectors that were standardised; the models' own are compared again."""
    op.execute(
        "UPDATE gallery_meta SET value = "
        "(SELECT model_id FROM standardisations WHERE standardisations.space = gallery_meta.value) "
        "WHERE key = 'space' AND value IN (SELECT space FROM standardisations)"
    )
    copies = "SELECT id FROM vectors WHERE space IN (SELECT space FROM standardisations)"
    op.execute(f"DELETE FROM surplus WHERE vector_id IN ({copies})")
    op.execute("DELETE FROM vectors WHERE space IN (SELECT space FROM standardisations)")
    op.drop_table("camera_statistics")
    op.drop_table("standardisations")
