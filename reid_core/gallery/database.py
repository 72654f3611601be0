"""One database of a gallery: opened, brought to the current schema, and read and written in transactions."""

import io
import re
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError
from sqlalchemy.orm import Session
from sqlalchemy.pool import StaticPool

from reid_core.errors import (
    GalleryError,
    GalleryInUseError,
    MissingDependencyError,
    SchemaTooNewError,
    UsageError,
)
from reid_core.gallery.failures import translated
from reid_core.gallery.postgresql import postgresql_engine
from reid_core.gallery.vector_column import POSTGRESQL
from reid_core.redaction import ENCODE_LOGIN, is_telling

_MIGRATIONS = Path(__file__).parent / "migrations"
# Up to where SQLAlchemy takes an address for the login.
_LOGIN = re.compile(r"[\w+]+://[^:/]*(:[^@]*)?@")
# How long a writer waits for another before it gives up.
_BUSY_SECONDS = 30.0
# A worker shows four times in `limits.lease_seconds` that it lives: every 1.25 s by default.
_WATCHED_SECONDS = 4.0
_WATCH_SECONDS = 0.2


class Database:
    """A database at the current schema.

    Writing transactions follow one another; on SQLite and PostgreSQL those of several processes do too.
    Readers wait for nobody.

    Attributes:
        name: what a person knows it by: the file, or the address without its password.
        file: of an SQLite database that has one.
        in_memory: whether it is gone with this process.
    """

    def __init__(self, url: str) -> None:
        """Open or create it.

        Raises:
            UsageError: the address is not one.
            MissingDependencyError: its driver is not installed.
            SchemaTooNewError: a newer version wrote it.
            GalleryInUseError: an older version wrote it, and a worker of that version is at work.
            DatabaseAwayError: the server cannot be reached.
            GalleryError: it is not a gallery, or damaged, or locked.
            StorageError: it cannot be opened, created or written.
        """
        address = _parsed(url)
        self.file = _sqlite_file(address)
        in_memory = self.in_memory = address.get_backend_name() == "sqlite" and self.file is None
        self.name = str(self.file) if self.file else _without_secrets(address)
        self._engine = _engine(address, in_memory)
        self._writers = self._engine.execution_options(nightreid_writes=True)
        self._appenders = self._writers
        self._readers = self._engine
        if self.dialect == POSTGRESQL:
            self._readers = self._engine.execution_options(isolation_level="REPEATABLE READ")
            self._appenders = self._engine.execution_options(nightreid_appends=True)
        self._write_lock = threading.RLock()
        # An in-memory database is one connection: its readers must wait for its writer.
        self._read_lock: AbstractContextManager[Any] = self._write_lock if in_memory else nullcontext()
        try:
            with translated(self.name):
                self._prepare()
        except BaseException:
            self.close()
            raise

    @property
    def dialect(self) -> str:
        """What kind of database it is, as SQLAlchemy calls it: ``sqlite``, ``postgresql``, …."""
        return self._engine.dialect.name

    def close(self) -> None:
        """Let go of it."""
        self._engine.dispose()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """One reading transaction: all it reads is of one moment."""
        with translated(self.name), self._read_lock, Session(self._readers) as session:
            yield session

    @contextmanager
    def write(self, in_turn: bool = True) -> Iterator[Session]:
        """One writing transaction: committed at the end, or nothing of it is kept.

        Its first statement waits for the writers before it. Outbox rows therefore become visible in the
        order of their ids. One inside another would wait for itself.

        Args:
            in_turn: whether it waits so on PostgreSQL too, where a writer of rows of its own need not: it
                locks these, and writes no outbox row.

        Raises:
            DatabaseBusyError: the writer before it does not end.
        """
        beside = not in_turn and self._appenders is not self._writers
        engine, lock = (self._appenders, nullcontext()) if beside else (self._writers, self._write_lock)
        with translated(self.name), lock, Session(engine) as session, session.begin():
            yield session

    @contextmanager
    def alone(self) -> Iterator[Connection]:
        """A connection outside of transactions, for what tidies the database's own files.

        Raises:
            DatabaseBusyError: somebody holds what it needs.
        """
        options = {"isolation_level": "AUTOCOMMIT"} if self.dialect != "sqlite" else {"nightreid_alone": True}
        plain = self._engine.execution_options(**options)
        with translated(self.name), self._write_lock, plain.connect() as connection:
            yield connection

    def _prepare(self) -> None:
        with self._engine.connect() as connection:
            if self._engine.dialect.name == "sqlite":
                # Readers go on while a writer writes, and a killed process leaves whole transactions.
                # Not inside a transaction, where SQLite refuses to change it.
                raw = connection.connection.driver_connection
                assert raw is not None
                raw.execute("PRAGMA journal_mode=WAL")
            current = self._checked_revision(connection)
        if current != _head():
            self._check_nobody_works()
            with self._writers.begin() as connection:
                _upgrade(connection)

    def _check_nobody_works(self) -> None:
        """See that no worker of an older version is at work, before the tables change under it.

        It would go on with rows that it does not understand. Who holds a lease and lives counts its beat up.

        Raises:
            GalleryInUseError: one is.
        """
        before = self._beats()
        deadline = time.monotonic() + (_WATCHED_SECONDS if before else 0.0)
        while time.monotonic() < deadline:
            time.sleep(_WATCH_SECONDS)
            now = self._beats()
            moved = [holder for holder, beat in now.items() if before.get(holder, beat) != beat]
            if moved:
                raise GalleryInUseError(
                    f"The database {self.name} needs new tables, and a worker of an older version "
                    f"({min(moved)}) is at work on it.",
                    "Stop all workers of this database first.",
                )

    def _beats(self) -> dict[str, int]:
        """The holders of leases, and how often they have shown that they live."""
        with self._engine.connect() as connection:
            if not inspect(connection).has_table("leases"):
                return {}
            held = text("SELECT holder, SUM(beat) FROM leases WHERE holder <> '' GROUP BY holder")
            return {holder: int(beat) for holder, beat in connection.execute(held)}

    def _checked_revision(self, connection: Connection) -> str | None:
        """The schema's revision, ``None`` for an empty database."""
        tables = set(inspect(connection).get_table_names())
        if "alembic_version" not in tables:
            taken = tables if connection.dialect.name == "sqlite" else tables & {"cameras", "tracklets"}
            if taken:
                raise GalleryError(
                    f"The database {self.name} holds something other than a gallery (table {min(taken)}).",
                    "Name a new database.",
                )
            return None
        revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        if revision is not None and revision not in _known_revisions():
            if "gallery_meta" not in tables:
                raise GalleryError(f"The database {self.name} holds something other than a gallery.")
            raise SchemaTooNewError(
                f"The database {self.name} was written by a newer version of nightreid (schema {revision}).",
                "Upgrade nightreid, or name another database.",
            )
        return revision


def _parsed(url: str) -> URL:
    # The address is not repeated in the message: it may hold a password.
    try:
        address = make_url(url)
        address.get_dialect()
    except NoSuchModuleError:
        raise UsageError("The database address names a kind of database that is not known.", _HINT) from None
    except (ArgumentError, ValueError):
        raise UsageError("The database address is not valid.", _HINT) from None
    login = _LOGIN.match(url)
    if login is not None and "@" in url[login.end() :]:
        # What stands between would be taken for a host, and told.
        raise UsageError("The database address has an @ too many.", ENCODE_LOGIN)
    return address


def _without_secrets(address: URL) -> str:
    telling = [name for name in address.query if name == "passfile" or is_telling(name)]
    return address.difference_update_query(telling).render_as_string()


_HINT = f"Addresses look like sqlite:///gallery.db or postgresql+psycopg://user@host/name. {ENCODE_LOGIN}"


def _sqlite_file(address: URL) -> Path | None:
    name = address.database
    if address.get_backend_name() != "sqlite" or not name or ":memory:" in name or "mode=memory" in name:
        return None
    return Path(name.removeprefix("file:").partition("?")[0]).absolute()


def _engine(address: URL, in_memory: bool) -> Engine:
    kind = address.get_backend_name()
    try:
        if kind == POSTGRESQL:
            return postgresql_engine(address, _BUSY_SECONDS)
        if kind != "sqlite":
            return create_engine(address, pool_pre_ping=True)
        arguments = {"timeout": _BUSY_SECONDS, "check_same_thread": False}
        pool = {"poolclass": StaticPool} if in_memory else {}
        engine = create_engine(address, connect_args=arguments, **pool)
    except ImportError as error:
        # Without its C library, the driver is found but does not say its name.
        driver = error.name or address.get_driver_name()
        package = "'nightreid[postgres]'" if kind == POSTGRESQL else driver
        raise MissingDependencyError(
            f"The database driver {driver} is not installed.", f"Install it: pip install {package}"
        ) from None
    except ArgumentError:
        # The library repeats the address.
        raise UsageError("The database address is not valid.", _HINT) from None
    event.listen(engine, "connect", _configure_sqlite)
    event.listen(engine, "begin", _begin_sqlite)
    return engine


def _configure_sqlite(connection: Any, _record: object) -> None:
    # The driver's own transactions start late and split DDL off; `_begin_sqlite` starts them instead.
    connection.isolation_level = None
    connection.execute("PRAGMA foreign_keys=ON")
    # In WAL a killed process loses nothing with it; a power cut may lose the last commits, whole.
    connection.execute("PRAGMA synchronous=NORMAL")
    # What is deleted is overwritten: who was erased is in no free page either.
    connection.execute("PRAGMA secure_delete=ON")


def _begin_sqlite(connection: Connection) -> None:
    # A writer that first reads must hold the lock from the start, or two would both believe what they read.
    options = connection.get_execution_options()
    if options.get("nightreid_alone", False):
        return
    writes = options.get("nightreid_writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


def _alembic_config() -> Any:
    from alembic.config import Config

    config = Config(stdout=io.StringIO())
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    return config


@cache
def _head() -> str | None:
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(_alembic_config()).get_current_head()


@cache
def _known_revisions() -> frozenset[str]:
    from alembic.script import ScriptDirectory

    scripts = ScriptDirectory.from_config(_alembic_config())
    return frozenset(script.revision for script in scripts.walk_revisions())


def _upgrade(connection: Connection) -> None:
    from alembic import command

    config = _alembic_config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
