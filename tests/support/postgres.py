"""A real PostgreSQL with pgvector for the tests, from the wheel ``pgserver``."""

import itertools
import os
import pwd
import shutil
import signal
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


class NoPostgresError(Exception):
    """The wheel with the server is not installed."""


class Postgres:
    """A server of its own, with its data in a temporary folder; same data and port over restarts.

    Raises:
        NoPostgresError: the wheel is not installed (it has none for this system).
    """

    def __init__(self) -> None:
        if find_spec("pgserver") is None:
            raise NoPostgresError("needs the package pgserver for a real PostgreSQL")
        # Not under pytest's folder: as root, the server runs as somebody who must not look into that.
        self.folder = Path(tempfile.mkdtemp(prefix="nightreid-postgres-"))
        tell_reaper("folder", self.folder)
        self.port = free_ports(1)[0]
        self._user = pwd.getpwnam("nobody").pw_uid if os.geteuid() == 0 else None
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
        """The wheel's programs, or a copy where the user that is to run them cannot reach the wheel."""
        installed = Path(find_spec("pgserver").origin).parent / "pginstall"
        if self._user is not None:
            try:
                subprocess.run(
                    [installed / "bin/postgres", "--version"],
                    cwd=self.folder,
                    user=self._user,
                    capture_output=True,
                    check=True,
                )
            except (OSError, subprocess.CalledProcessError):
                copy = self.folder / "pginstall"
                shutil.copytree(installed, copy)
                return copy / "bin"
        return installed / "bin"

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
