"""What a database's files still hold of rows that are gone: free pages, write-ahead log, statistics.

SQLite: every connection overwrites what it deletes (`reid_core.gallery.database`). `VACUUM` writes the file
anew for what was deleted before that, and the write-ahead log is emptied into the file. PostgreSQL: the
tables are written anew, which leaves no dead row, and their statistics with them; then the server goes on in
a new segment of its log. When it removes or overwrites the old ones is its own affair, and is said.
"""

import time
from collections.abc import Collection

from sqlalchemy import Connection, delete, inspect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from reid_core.erasure.holdings import HOLDINGS
from reid_core.gallery.database import Database
from reid_core.gallery.schema import MetaRow

TIDY_DUE = "tidy_due"
"""Key in the gallery's table of values: since when pages and indexes are to be tidied."""

_SECONDS = 30.0
_PAUSE_SECONDS = 0.1


def due(session: Session, since_ns: int | None) -> None:
    """Note that the gallery's files are to be tidied, or with ``None`` that they are."""
    if since_ns is None:
        session.execute(delete(MetaRow).where(MetaRow.key == TIDY_DUE))
    else:
        session.merge(MetaRow(key=TIDY_DUE, value=str(since_ns)))
        session.flush()


def tidy(database: Database, tables: Collection[str] = (), whole: bool = True) -> list[str]:
    """Have the database's files hold nothing of rows that are gone.

    Args:
        database: of the gallery.
        tables: those whose rows went; all by default. On SQLite all count.
        whole: write files anew; without it, SQLite's pages are overwritten all the same, and PostgreSQL's
            dead rows stay until they are vacuumed.

    Returns:
        what is left, and until when: one sentence each.

    Raises:
        DatabaseBusyError: another program holds the tables.
    """
    if database.dialect == "sqlite":
        return _tidy_sqlite(database, whole)
    if database.dialect == "postgresql":
        return _tidy_postgresql(database, tables or HOLDINGS.keys(), whole)
    return ["What this database keeps of deleted rows is not known here: see its own manual."]


def _tidy_sqlite(database: Database, whole: bool) -> list[str]:
    if database.file is None:
        return []
    with database.alone() as connection:
        if whole:
            connection.exec_driver_sql("VACUUM")
        deadline = time.monotonic() + _SECONDS
        while _busy(connection):
            if time.monotonic() > deadline:
                return [
                    f"Another program has been reading {database.name} for long: its write-ahead log holds "
                    "old pages until that ends and `nightreid erase --tidy` is run."
                ]
            time.sleep(_PAUSE_SECONDS)
    return [
        "Blocks that the file system freed are its own affair, and the disk's: keep the gallery on an "
        "encrypted volume."
    ]


def _busy(connection: Connection) -> bool:
    """Empty the write-ahead log; returns whether somebody still needs it."""
    return bool(connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar())


def _tidy_postgresql(database: Database, tables: Collection[str], whole: bool) -> list[str]:
    left: list[str] = []
    with database.alone() as connection:
        if not _nobody_looks_back(connection):
            left.append(
                "A transaction from before has been open for long: rows that it can see stay until it ends "
                "and `nightreid erase --tidy` is run."
            )
        there = set(inspect(connection).get_table_names())
        for name in sorted(there.intersection(tables)):
            kind = "FULL, ANALYZE" if whole else "ANALYZE"
            connection.execute(text(f'VACUUM ({kind}) "{name}"'))
        if not whole:
            left.append("Dead rows are in the tables' files until they are overwritten.")
        if not _may(connection, "VACUUM (FULL) pg_catalog.pg_statistic"):
            left.append(
                "Statistics of before (samples of columns) are in the server's catalogue until it vacuums "
                "pg_statistic; this user may not."
            )
        switched = _may(connection, "SELECT pg_switch_wal()")
        # The second one makes nothing in front of the new segment needed any more.
        checked = all([_may(connection, "CHECKPOINT"), _may(connection, "CHECKPOINT")])
        recycles = connection.execute(text("SHOW wal_recycle")).scalar() == "on"
        kept = connection.execute(text("SHOW wal_keep_size")).scalar()
    if not (switched and checked):
        left.append(
            "This user may not switch the write-ahead log or make checkpoints: the server does at its next "
            "checkpoint (checkpoint_timeout)."
        )
    if recycles:
        left.append(
            "The server recycles segments of its write-ahead log: old ones hold what was written until they "
            "are overwritten. With `wal_recycle = off` they are removed at the next checkpoint."
        )
    if kept not in ("0", "0MB"):
        left.append(f"The server keeps {kept} of its write-ahead log (wal_keep_size).")
    return [
        *left,
        "Archived write-ahead logs, standbys, replication slots, base backups and the server's own logs are "
        "the operator's: they hold what was written until they expire.",
    ]


def _nobody_looks_back(connection: Connection) -> bool:
    """Wait until no transaction is open that began before now: rows that one of them sees are kept."""
    now = connection.execute(text("SELECT txid_current()")).scalar()
    older = text(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database()"
        " AND pid <> pg_backend_pid() AND backend_xmin IS NOT NULL"
        # Ids of transactions go round; how old each is does not.
        " AND age(backend_xmin) > txid_current() - CAST(:now AS bigint) + 1"
    )
    deadline = time.monotonic() + _SECONDS
    while connection.execute(older, {"now": now}).scalar():
        if time.monotonic() > deadline:
            return False
        time.sleep(_PAUSE_SECONDS)
    return True


def _may(connection: Connection, statement: str) -> bool:
    """Run what asks for rights; returns whether this user has them."""
    try:
        connection.execute(text(statement))
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) != "42501":
            raise
        return False
    return True
