"""A vector lies in a space and is of a kind: what was there are crops, in the space of their model.

Revision ID: 0004
Revises: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_BEFORE = ("model_id", "camera_id", "time_ns")
_AFTER = ("space", "kind", "camera_id", "time_ns")


def upgrade() -> None:
    """Name space and kind of every vector; one of a caption is of no sighting."""
    op.drop_index(_index(_BEFORE), "vectors")
    op.add_column("vectors", sa.Column("space", sa.String(64), nullable=True))
    # Given by the database to all rows at once; PostgreSQL writes none of them anew for it.
    op.add_column("vectors", sa.Column("kind", sa.String(16), nullable=False, server_default="crop"))
    op.execute("UPDATE vectors SET space = model_id")
    last = _last_id()
    with op.batch_alter_table("vectors", table_kwargs={"sqlite_autoincrement": True}) as vectors:
        vectors.alter_column("space", existing_type=sa.String(64), nullable=False)
        vectors.alter_column("kind", existing_type=sa.String(16), server_default=None)
        vectors.alter_column("sighting_id", existing_type=sa.String(36), nullable=True)
    _go_on_behind(last)
    op.create_index(_index(_AFTER), "vectors", _AFTER)
    op.execute("UPDATE gallery_meta SET key = 'space' WHERE key = 'model'")


def downgrade() -> None:
    """Back to one kind; vectors of captions are lost."""
    op.execute("DELETE FROM vectors WHERE kind <> 'crop'")
    op.execute("UPDATE gallery_meta SET key = 'model' WHERE key = 'space'")
    op.drop_index(_index(_AFTER), "vectors")
    last = _last_id()
    with op.batch_alter_table("vectors", table_kwargs={"sqlite_autoincrement": True}) as vectors:
        vectors.alter_column("sighting_id", existing_type=sa.String(36), nullable=False)
        vectors.drop_column("kind")
        vectors.drop_column("space")
    _go_on_behind(last)
    op.create_index(_index(_BEFORE), "vectors", _BEFORE)


def _index(columns: tuple[str, ...]) -> str:
    return f"ix_vectors_{'_'.join(columns)}"


def _last_id() -> int | None:
    """The last id that SQLite gave to a vector, which may be gone; ``None`` where none was, and elsewhere."""
    if op.get_bind().dialect.name != "sqlite":
        return None
    known = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'vectors'")
    return op.get_bind().execute(known).scalar()


def _go_on_behind(last: int | None) -> None:
    # SQLite alters a column by copying the table, and the copy counts from what it was given: ids of vectors
    # that were taken out would return.
    if last is not None:
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'vectors'")
        op.execute(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('vectors', {last})")
