"""On PostgreSQL a vector becomes a pgvector ``vector``, which the server can compare; an index by camera.

Revision ID: 0002
Revises: 0001
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

from reid_core.errors import GalleryError, MissingDependencyError
from reid_core.gallery.vector_column import POSTGRESQL, VectorData

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

# SQLSTATE insufficient_privilege.
_NOT_ALLOWED = "42501"
# Vectors converted at a time.
_PAGE = 1024


def upgrade() -> None:
    """Index what a search filters by; on PostgreSQL, create the extension and convert the column."""
    op.drop_index("ix_vectors_model_id_modality", "vectors")
    op.create_index("ix_vectors_model_id_camera_id_time_ns", "vectors", ["model_id", "camera_id", "time_ns"])
    if op.get_bind().dialect.name != POSTGRESQL:
        return
    _create_extension(op.get_bind())
    _convert(VectorData())
    # A row stays in one piece as long as it fits a page: a scan of all vectors need not fetch each, or
    # the ids beside it, from elsewhere.
    op.execute("ALTER TABLE vectors SET (toast_tuple_target = 8160)")


def downgrade() -> None:
    """Back to bytes; the extension stays, others may use it."""
    if op.get_bind().dialect.name == POSTGRESQL:
        _convert(sa.LargeBinary())
    op.drop_index("ix_vectors_model_id_camera_id_time_ns", "vectors")
    op.create_index("ix_vectors_model_id_modality", "vectors", ["model_id", "modality"])


def _create_extension(connection: sa.Connection) -> None:
    known = sa.text("SELECT installed_version FROM pg_available_extensions WHERE name = 'vector'")
    found = connection.execute(known).one_or_none()
    if found is None:
        raise MissingDependencyError(
            "The database server has no pgvector extension.",
            "Install it on the server (the package is called postgresql-16-pgvector or similar).",
        )
    if found.installed_version is not None:
        return
    try:
        connection.execute(sa.text("CREATE EXTENSION vector"))
    except sa.exc.ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_ALLOWED:
            raise
        raise GalleryError(
            "The database role may not create the extension pgvector.",
            "Have an administrator run once, in this database: CREATE EXTENSION vector;",
        ) from None


def _convert(kind: sa.types.TypeEngine[Any]) -> None:
    """Make ``vectors.data`` a column of another kind with the same values."""
    connection = op.get_bind()
    before = VectorData() if isinstance(kind, sa.LargeBinary) else sa.LargeBinary()
    op.add_column("vectors", sa.Column("converted", kind, nullable=True))
    table = sa.table("vectors", sa.column("id"), sa.column("data", before), sa.column("converted", kind))
    change = (
        sa.update(table).where(table.c.id == sa.bindparam("number")).values(converted=sa.bindparam("value"))
    )
    page = sa.select(table.c.id, table.c.data).order_by(table.c.id).limit(_PAGE)
    last = 0
    while rows := connection.execute(page.where(table.c.id > last)).all():
        connection.execute(change, [{"number": row.id, "value": row.data} for row in rows])
        last = rows[-1].id
    op.drop_column("vectors", "data")
    op.alter_column("vectors", "converted", new_column_name="data", nullable=False)
