"""Every row of a gallery, on any database, to be compared."""

import hashlib
from collections.abc import Collection

from sqlalchemy import MetaData, create_engine, select

from reid_core.gallery.schema import Base

# What the worker keeps of its own, and what tells others: these differ by nature.
WORKERS_OWN = frozenset({"partitions", "attempts", "streams", "staged", "refused", "leases"})
# Who used the gallery, when: nothing of it repeats.
AUDIT = frozenset({"audit_log", "audit_parts", "audit_head"})
_COUNTED = ("vectors", "id")
_LONG = 64


def gallery_rows(
    url: str, leave: Collection[str] = (*WORKERS_OWN, *AUDIT, "outbox"), numbers: bool = True
) -> dict[str, list[str]]:
    """The rows of every table that is not left out, each as text, sorted; long values by their digest.

    Args:
        url: of the database.
        leave: tables to leave out.
        numbers: whether what the database counts up counts. PostgreSQL gives no number back when a
            transaction is undone, so that the numbers of vectors, and the digest over them, differ.
    """
    # Through the tables as they are declared, so that a vector is the same bytes on every database.
    metadata: MetaData = Base.metadata
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {
                table.name: sorted(
                    _text({name: row[name] for name in row if numbers or (table.name, name) != _COUNTED})
                    for row in connection.execute(select(table)).mappings()
                    if numbers or row.get("key") != "chain"
                )
                for table in metadata.sorted_tables
                if table.name not in leave
            }
    finally:
        engine.dispose()


def _text(row: dict[str, object]) -> str:
    return repr({name: _short(row[name]) for name in sorted(row)})


def _short(value: object) -> object:
    if isinstance(value, bytes | memoryview):
        data = bytes(value)
        return data if len(data) <= _LONG else hashlib.sha256(data).hexdigest()
    return value
