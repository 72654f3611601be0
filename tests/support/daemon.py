"""A server process of a test: started, stopped, killed, frozen and thawed, and never left behind."""

import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path

import psutil

from tests.support import reaper

# Below the range from which the kernel takes the ports of outgoing connections: a port from there could be
# taken while its server is down.
_PORTS = range(20000, 32000)


class DidNotStartError(Exception):
    """A server ended, or gave no sign, before it was ready; with the end of its log."""


class Daemon:
    """One server process, the same command over restarts.

    Args:
        command: what to run.
        log: file that its output is added to.
        user: number of the user to run as, where this is root and the server refuses root.
        environment: of the process; this one's where ``None``.
    """

    def __init__(
        self,
        command: Sequence[str],
        log: Path,
        user: int | None = None,
        environment: dict[str, str] | None = None,
    ) -> None:
        self.command = list(command)
        self.log = log
        self._user = user
        self._environment = environment
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.poll() is None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start the process; it is not ready yet."""
        assert not self.alive, "it runs already"
        who = {} if self._user is None else {"user": self._user, "group": self._user, "extra_groups": []}
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.log.parent,
                env=self._environment,
                # Ctrl-C is for the tests, which then stop their servers in order.
                start_new_session=True,
                **who,
            )
        tell_reaper("process", self.pid)

    def wait_until(self, ready: Callable[[], bool], timeout: float = 60) -> None:
        """Come back once it is ready.

        Raises:
            DidNotStartError: the process ended, or was not ready in time.
        """
        deadline = time.monotonic() + timeout
        while not ready():
            if not self.alive:
                raise DidNotStartError(f"{self.command[0]} ended:\n{self.end_of_log()}")
            if time.monotonic() > deadline:
                raise DidNotStartError(f"{self.command[0]} is not ready:\n{self.end_of_log()}")
            time.sleep(0.05)

    def stop(self, how: signal.Signals = signal.SIGTERM, timeout: float = 30) -> None:
        """Ask it to end and wait; kill what does not."""
        if not self.alive:
            return
        self.thaw()
        self._process.send_signal(how)
        try:
            self._process.wait(timeout)
        except subprocess.TimeoutExpired:
            self.kill()
        tell_reaper("ended", self.pid)

    def kill(self) -> None:
        """End it and its descendants at once, as a power cut would (the disk's own cache aside)."""
        if not self.alive:
            return
        self._signal_all(signal.SIGKILL)
        self._process.wait(10)
        tell_reaper("ended", self.pid)

    def freeze(self) -> None:
        """Let it run no further: its connections stay open and answer nothing.

        Comes back once all of it stands still: the signal is only asked for, and one that was at work or was
        just born may run on for a moment.
        """
        deadline = time.monotonic() + 10
        while True:
            self._signal_all(signal.SIGSTOP)
            if all(_stands_still(process) for process in reaper.family(self.pid)):
                return
            assert time.monotonic() < deadline, f"{self.command[0]} does not stand still"
            time.sleep(0.01)

    def thaw(self) -> None:
        """Let it run on."""
        self._signal_all(signal.SIGCONT)

    def end_of_log(self, characters: int = 4000) -> str:
        """What it wrote last."""
        return self.log.read_text(errors="replace")[-characters:] if self.log.exists() else ""

    def _signal_all(self, number: signal.Signals) -> None:
        # A child may have put itself into a session of its own, as PostgreSQL's do: a group would miss it.
        for process in reaper.family(self.pid):
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue


def _stands_still(process: psutil.Process) -> bool:
    try:
        return process.status() in (psutil.STATUS_STOPPED, psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return True


def free_ports(count: int) -> list[int]:
    """Ports of 127.0.0.1 that nobody listens on."""
    held: list[socket.socket] = []
    try:
        while len(held) < count:
            candidate = socket.socket()
            held.append(candidate)
            try:
                candidate.bind(("127.0.0.1", random.choice(_PORTS)))
            except OSError:
                held.pop().close()
        return [each.getsockname()[1] for each in held]
    finally:
        for each in held:
            each.close()


@cache
def _reaper() -> subprocess.Popen[bytes]:
    # A session of its own: what ends the tests must not end this first.
    return subprocess.Popen([sys.executable, reaper.__file__], stdin=subprocess.PIPE, start_new_session=True)


def tell_reaper(word: str, what: object) -> None:
    """Name a process or a folder that must not outlive the tests."""
    _reaper().stdin.write(f"{word} {what}\n".encode())
    _reaper().stdin.flush()
