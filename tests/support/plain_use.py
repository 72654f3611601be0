"""Workers and publishers of the command line on real footage, with the settings that they have by default."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support.crew import Deployment, Served
from tests.support.daemon import free_ports
from tests.support.galleries import gallery_rows

GROUP = "nightreid"
PARTITIONS = 8
STARTS = {"day": "2026-03-01T10:00:00Z", "night": "2026-03-01T22:00:00Z"}


@dataclass(frozen=True)
class Command:
    """A command line.

    Attributes:
        words: behind ``nightreid``.
        folder: where it runs.
        log: file that its output is added to.
    """

    words: tuple[str, ...]
    folder: Path
    log: Path


def command(told: Command) -> None:
    """Be that command."""
    os.chdir(told.folder)
    log = os.open(told.log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for stream in (1, 2):
        os.dup2(log, stream)
    sys.argv = ["nightreid", *told.words]
    from console.cli import main

    main()


class CommandProcess(Served):
    """A ``nightreid worker`` or ``nightreid publish`` in a process of its own.

    Args:
        words: of the command line, without the port.
        folder: where it runs and writes its log.
    """

    def __init__(self, words: Sequence[str], folder: Path) -> None:
        port = free_ports(1)[0]
        log = folder / f"{words[0]}{port}.log"
        names = "nightreid_worker" if words[0] == "worker" else "nightreid_publisher"
        told = Command((*words, "--metrics-port", str(port)), folder, log)
        super().__init__((command, told), port, names, str(log))


class PlainUse(Deployment):
    """A deployment whose workers and publishers are commands, told nothing that they need not be told."""

    def __init__(self, bootstrap: str, prefix: str, database: str, folder: Path) -> None:
        super().__init__(bootstrap, prefix, database, "", folder, {"group": GROUP})
        self.make_topics(PARTITIONS)

    def work(self, *words: str) -> CommandProcess:
        """Start a worker."""
        told = ("worker", "--db", self.database, *self._where, *words)
        self.workers.append(CommandProcess(told, self.folder))
        return self.workers[-1].start()

    def give(self, cameras: Sequence[dict[str, Any]], **settings: Any) -> CommandProcess:
        """Start to publish recordings, unchanged."""
        config = self.folder / f"publish{len(self.workers)}.json"
        config.write_text(json.dumps({"cameras": cameras, "codec": "png", **settings}))
        self.workers.append(CommandProcess(("publish", "--config", str(config), *self._where), self.folder))
        return self.workers[-1].start()

    @property
    def _where(self) -> tuple[str, ...]:
        return ("--bootstrap", self.bootstrap, "--set", f"prefix={self.prefix}")


def recordings(footage: dict[str, Path], nights: int = 1) -> list[dict[str, Any]]:
    """The two real recordings, as so many days and nights in a row; as `PublishSettings` spells them."""
    return [
        {
            "camera": f"{name}{night or ''}",
            "source": str(footage[name]),
            "modality": modality,
            "start": STARTS[name].replace("-01T", f"-{night + 1:02}T"),
        }
        for night in range(nights)
        for name, modality in (("day", "visible"), ("night", "infrared"))
    ]


def rows_of_a_run(cameras: Sequence[dict[str, Any]], folder: Path, numbers: bool) -> dict[str, list[str]]:
    """`gallery_rows` of ``nightreid run`` on these recordings."""
    from tests.support.forked import PROCESSES

    words = ["run", "--db", "sqlite:///run.db", "--json"]
    for one in cameras:
        words += [f"--{one['modality']}", f"{one['camera']}={one['source']}"]
        words += ["--start", f"{one['camera']}={one['start']}"]
    process = PROCESSES.Process(target=command, args=(Command(tuple(words), folder, folder / "run.log"),))
    process.start()
    process.join(600)
    assert process.exitcode == 0, (folder / "run.log").read_text()
    return gallery_rows(f"sqlite:///{folder / 'run.db'}", numbers=numbers)
