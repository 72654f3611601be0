"""Calibrations on a gallery's own cameras, and what the probabilities of a link depend on.

Revision ID: 0007
Revises: 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table and the columns; probabilities of before were all calibrated on other cameras."""
    op.create_table(
        "calibrations",
        sa.Column("space", sa.String(64), nullable=False),
        sa.Column("pair", sa.String(32), nullable=False),
        sa.Column("version", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("cameras", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("space", "pair", "version", name="pk_calibrations"),
    )
    op.add_column("links", sa.Column("searched", sa.Integer(), nullable=True))
    op.add_column("links", sa.Column("own_cameras", sa.Boolean(), nullable=True))
    op.execute(sa.text("UPDATE links SET own_cameras = false WHERE probability IS NOT NULL"))


def downgrade() -> None:
    """Drop them."""
    op.drop_column("links", "own_cameras")
    op.drop_column("links", "searched")
    op.drop_table("calibrations")
