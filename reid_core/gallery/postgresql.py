"""How a PostgreSQL server is spoken to: in bounded time, and by one writer at a time."""

import os
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL

from reid_core.errors import ConfigError, UsageError

FILE_VARIABLE = "PGPASSWORD_FILE"
"""Variable that names a file with the password, beside those of PostgreSQL's own library."""

_DRIVER = "psycopg"
_CONNECT_SECONDS = 5
# A writer that stops between two statements (a suspended process, a lost network) loses its transaction
# and its place after this time, so that the others go on.
_IDLE_SECONDS = 60
# A dead peer is noticed after about 25 s of silence.
_KEEPALIVES = {"keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3}
# The advisory lock of a gallery's writers, of each database its own.
_WRITERS = 0x6E69676874726964


def postgresql_engine(address: URL, busy_seconds: float) -> Engine:
    """Connections to a server; none is opened yet.

    Args:
        address: of the database; ``postgresql://`` means psycopg.
        busy_seconds: how long a writer waits for another.

    Raises:
        UsageError: the address names another driver.
        ConfigError: the file that ``PGPASSWORD_FILE`` names cannot be read.
        ImportError: psycopg or pgvector is not installed.
    """
    if address.drivername == "postgresql":
        address = address.set(drivername=f"postgresql+{_DRIVER}")
    if address.get_driver_name() != _DRIVER:
        raise UsageError(
            f"PostgreSQL is spoken to through {_DRIVER}, not through {address.get_driver_name()}.",
            f"Write the address as postgresql+{_DRIVER}://user@host/name.",
        )
    from reid_core.gallery.pgvector_type import register_vectors

    arguments: dict[str, Any] = {"connect_timeout": _CONNECT_SECONDS, **_KEEPALIVES}
    # Each search is planned for its own filter: a plan made once for all would take every stretch of time
    # for a short one. It lets the connections go through a pooler, too.
    arguments["prepare_threshold"] = None
    password = _password_of_file(address)
    if password is not None:
        arguments["password"] = password
    # What the address itself says comes first.
    arguments = {name: value for name, value in arguments.items() if name not in address.query}
    # Asked before each use, so that a server that was restarted is used again.
    engine = create_engine(address, connect_args=arguments, pool_pre_ping=True)

    def connected(connection: Any, _record: object) -> None:
        register_vectors(connection)

    def begun(connection: Connection) -> None:
        options = connection.get_execution_options()
        if options.get("nightreid_writes", False):
            _take_turn(connection, busy_seconds)
        elif options.get("nightreid_appends", False):
            connection.exec_driver_sql(f"SELECT {_bounded(busy_seconds)}")

    event.listen(engine, "connect", connected)
    event.listen(engine, "begin", begun)
    return engine


def _password_of_file(address: URL) -> str | None:
    """The password in the file that the environment names, where nothing else says one.

    Raises:
        ConfigError: the file cannot be read, or is empty.
    """
    file = os.environ.get(FILE_VARIABLE)
    if not file or address.password is not None or os.environ.get("PGPASSWORD"):
        return None
    try:
        password = Path(file).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is not text"
        raise ConfigError(f"The file of {FILE_VARIABLE} ({file}) cannot be read: {reason}.") from None
    if not password:
        raise ConfigError(f"The file of {FILE_VARIABLE} ({file}) is empty.")
    return password


def _take_turn(connection: Connection, busy_seconds: float) -> None:
    """Wait until no other writer is at work; the turn ends with the transaction."""
    connection.exec_driver_sql(f"SELECT {_bounded(busy_seconds)}, pg_advisory_xact_lock({_WRITERS})")


def _bounded(busy_seconds: float) -> str:
    """What bounds a transaction's waiting, and how long others wait for it."""
    return (
        f"set_config('lock_timeout', '{round(1000 * busy_seconds)}', true),"
        f" set_config('idle_in_transaction_session_timeout', '{round(1000 * _IDLE_SECONDS)}', true)"
    )
