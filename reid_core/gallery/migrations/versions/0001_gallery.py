"""The first schema.

Revision ID: 0001
Revises: none
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_COUNTER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Create every table."""
    _create_sources()
    _create_people()
    _create_vectors()
    _create_results()


def downgrade() -> None:
    """Drop every table."""
    for table in (
        "outbox",
        "links",
        "vectors",
        "sightings",
        "tracklets",
        "identities",
        "recordings",
        "cameras",
        "gallery_meta",
    ):
        op.drop_table(table)


def _create_sources() -> None:
    meta = op.create_table(
        "gallery_meta",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_gallery_meta"),
    )
    op.bulk_insert(meta, [{"key": "chain", "value": ""}])
    op.create_table(
        "cameras",
        sa.Column("id", sa.String(255), nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("spectrum", sa.String(16), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_cameras"),
    )
    op.create_table(
        "recordings",
        sa.Column("id", sa.String(64), nullable=False),
        sa.Column("camera_id", sa.String(255), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("fps", sa.Float(53), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("frames_done", sa.BigInteger(), nullable=False),
        sa.Column("checkpoint", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.JSON(), nullable=False),
        sa.Column("status", sa.String(16), nullable=False),
        sa.Column("message", sa.Text(), nullable=True),
        sa.Column("detector", sa.Text(), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recordings"),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name="fk_recordings_camera_id"),
    )
    op.create_index("ix_recordings_camera_id", "recordings", ["camera_id"])


def _create_people() -> None:
    op.create_table(
        "identities",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_identities"),
        sa.UniqueConstraint("position", name="uq_identities_position"),
    )
    op.create_table(
        "tracklets",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("recording_id", sa.String(64), nullable=False),
        sa.Column("camera_id", sa.String(255), nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("first_frame", sa.BigInteger(), nullable=False),
        sa.Column("last_frame", sa.BigInteger(), nullable=False),
        sa.Column("start_ns", sa.BigInteger(), nullable=False),
        sa.Column("end_ns", sa.BigInteger(), nullable=False),
        sa.Column("length", sa.Integer(), nullable=False),
        sa.Column("close_reason", sa.String(16), nullable=False),
        sa.Column("track", sa.LargeBinary(), nullable=False),
        sa.Column("identity_id", sa.String(36), nullable=True),
        sa.Column("evidence", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tracklets"),
        sa.UniqueConstraint("position", name="uq_tracklets_position"),
        sa.ForeignKeyConstraint(["recording_id"], ["recordings.id"], name="fk_tracklets_recording_id"),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name="fk_tracklets_camera_id"),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name="fk_tracklets_identity_id"),
    )
    op.create_index("ix_tracklets_recording_id", "tracklets", ["recording_id"])
    op.create_index("ix_tracklets_modality", "tracklets", ["modality"])
    op.create_index("ix_tracklets_identity_id", "tracklets", ["identity_id"])
    op.create_index(
        "ix_tracklets_camera_id_start_ns_end_ns", "tracklets", ["camera_id", "start_ns", "end_ns"]
    )


def _create_vectors() -> None:
    op.create_table(
        "sightings",
        sa.Column("id", sa.String(36), nullable=False),
        sa.Column("tracklet_id", sa.String(36), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("frame", sa.BigInteger(), nullable=False),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.Column("x1", sa.Float(53), nullable=False),
        sa.Column("y1", sa.Float(53), nullable=False),
        sa.Column("x2", sa.Float(53), nullable=False),
        sa.Column("y2", sa.Float(53), nullable=False),
        sa.Column("confidence", sa.Float(53), nullable=False),
        sa.Column("quality", sa.Float(53), nullable=False),
        sa.Column("crop", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_sightings"),
        sa.UniqueConstraint("tracklet_id", "rank", name="uq_sightings_tracklet_id_rank"),
        sa.ForeignKeyConstraint(["tracklet_id"], ["tracklets.id"], name="fk_sightings_tracklet_id"),
    )
    op.create_table(
        "vectors",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("sighting_id", sa.String(36), nullable=False),
        sa.Column("tracklet_id", sa.String(36), nullable=False),
        sa.Column("camera_id", sa.String(255), nullable=False),
        sa.Column("modality", sa.String(16), nullable=False),
        sa.Column("time_ns", sa.BigInteger(), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("dim", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_vectors"),
        sa.UniqueConstraint("sighting_id", "model_id", name="uq_vectors_sighting_id_model_id"),
        sa.ForeignKeyConstraint(["sighting_id"], ["sightings.id"], name="fk_vectors_sighting_id"),
        sa.ForeignKeyConstraint(["tracklet_id"], ["tracklets.id"], name="fk_vectors_tracklet_id"),
        sa.ForeignKeyConstraint(["camera_id"], ["cameras.id"], name="fk_vectors_camera_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_vectors_tracklet_id", "vectors", ["tracklet_id"])
    op.create_index("ix_vectors_model_id_modality", "vectors", ["model_id", "modality"])


def _create_results() -> None:
    op.create_table(
        "links",
        sa.Column("tracklet_id", sa.String(36), nullable=False),
        sa.Column("model_id", sa.String(64), nullable=False),
        sa.Column("decision", sa.String(16), nullable=False),
        sa.Column("identity_id", sa.String(36), nullable=True),
        sa.Column("score", sa.Float(53), nullable=True),
        sa.Column("probability", sa.Float(53), nullable=True),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tracklet_id", "model_id", name="pk_links"),
        sa.ForeignKeyConstraint(["tracklet_id"], ["tracklets.id"], name="fk_links_tracklet_id"),
        sa.ForeignKeyConstraint(["identity_id"], ["identities.id"], name="fk_links_identity_id"),
    )
    op.create_index("ix_links_identity_id", "links", ["identity_id"])
    op.create_table(
        "outbox",
        sa.Column("id", _COUNTER, autoincrement=True, nullable=False),
        sa.Column("kind", sa.String(32), nullable=False),
        sa.Column("subject", sa.String(64), nullable=False),
        sa.Column("payload", sa.JSON(), nullable=False),
        sa.Column("created_ns", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_outbox"),
        sqlite_autoincrement=True,
    )
