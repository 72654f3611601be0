"""Partitions and dead letters are of one topic, not of every one of its name; how far nothing did harm.

Revision ID: 0005
Revises: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_BEFORE = ("topic", "number", "offset")
_AFTER = ("topic", "topic_id", "number", "offset")


def upgrade() -> None:
    """Of what is there, no topic's id is known: the next claim of a partition tells it."""
    op.add_column("partitions", sa.Column("topic_id", sa.String(64), nullable=False, server_default=""))
    op.add_column("partitions", sa.Column("settled", sa.BigInteger(), nullable=False, server_default="0"))
    op.add_column("refused", sa.Column("topic_id", sa.String(64), nullable=False, server_default=""))
    with op.batch_alter_table("partitions") as partitions:
        partitions.alter_column("topic_id", existing_type=sa.String(64), server_default=None)
        partitions.alter_column("settled", existing_type=sa.BigInteger(), server_default=None)
    _refused(_BEFORE, _AFTER)


def downgrade() -> None:
    """Back to names alone: of dead letters at the same place, those of the topic that is there now stay."""
    op.execute(
        "DELETE FROM refused WHERE EXISTS (SELECT 1 FROM refused AS later"
        " WHERE later.topic = refused.topic AND later.number = refused.number"
        ' AND later."offset" = refused."offset" AND later.id > refused.id)'
    )
    _refused(_AFTER, _BEFORE)
    for table, column in (("refused", "topic_id"), ("partitions", "settled"), ("partitions", "topic_id")):
        op.drop_column(table, column)


def _refused(before: tuple[str, ...], after: tuple[str, ...]) -> None:
    last = _last_id()
    with op.batch_alter_table("refused", table_kwargs={"sqlite_autoincrement": True}) as refused:
        refused.alter_column("topic_id", existing_type=sa.String(64), server_default=None)
        refused.drop_constraint(_name(before), type_="unique")
        refused.create_unique_constraint(_name(after), after)
    _go_on_behind(last)


def _name(columns: tuple[str, ...]) -> str:
    return f"uq_refused_{'_'.join(columns)}"


def _last_id() -> int | None:
    """The last id that SQLite gave to a dead letter; ``None`` where none was, and elsewhere."""
    if op.get_bind().dialect.name != "sqlite":
        return None
    known = sa.text("SELECT seq FROM sqlite_sequence WHERE name = 'refused'")
    return op.get_bind().execute(known).scalar()


def _go_on_behind(last: int | None) -> None:
    # SQLite alters a column by copying the table, and the copy counts from what it was given.
    if op.get_bind().dialect.name == "sqlite":
        op.execute("DELETE FROM sqlite_sequence WHERE name = 'refused'")
        if last is not None:
            op.execute(f"INSERT INTO sqlite_sequence (name, seq) VALUES ('refused', {last})")
