"""What captioners say of sightings.

Revision ID: 0009
Revises: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "captions",
        sa.Column("sighting_id", sa.String(36), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("tracklet_id", sa.String(36), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("sighting_id", "model_id", name="pk_captions"),
        sa.ForeignKeyConstraint(["sighting_id"], ["sightings.id"], name="fk_captions_sighting_id"),
        sa.ForeignKeyConstraint(["tracklet_id"], ["tracklets.id"], name="fk_captions_tracklet_id"),
    )
    op.create_index("ix_captions_tracklet_id", "captions", ["tracklet_id"])


def downgrade() -> None:
    """Drop it; captions are made again by whoever is told to."""
    op.drop_table("captions")
