"""Every row of a gallery, on any database, to be compared."""

import hashlib
from collections.abc import Collection

from sqlalchemy import MetaData, create_engine, select

from reid_core.gallery.schema import Base

# What the worker keeps of its own, and what tells others: these differ by nature.
WORKERS_OWN = frozenset({"partitions", "attempts", "streams", "staged", "refused", "leases"})
_LONG = 64


def gallery_rows(url: str, leave: Collection[str] = (*WORKERS_OWN, "outbox")) -> dict[str, list[str]]:
    """The rows of every table that is not left out, each as text, sorted; long values by their digest."""
    # Through the tables as they are declared, so that a vector is the same bytes on every database.
    metadata: MetaData = Base.metadata
    engine = create_engine(url)
    try:
        with engine.connect() as connection:
            return {
                table.name: sorted(_text(dict(row)) for row in connection.execute(select(table)).mappings())
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
