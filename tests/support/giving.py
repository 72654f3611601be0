"""A publisher in a process of its own."""

import json
import logging
import signal
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from stream.publisher.config import PublishSettings
from stream.publisher.publishing import publish
from tests.support.crew import Served
from tests.support.daemon import free_ports


@dataclass(frozen=True)
class Round:
    """What a publisher is told.

    Attributes:
        settings: as in a file.
        result: file that it writes what it did to: the sums over all cameras.
    """

    settings: dict[str, Any]
    result: Path


def give(told: Round) -> None:
    """Publish until it is done, or until SIGTERM."""
    logging.getLogger("kafka").setLevel(logging.CRITICAL)
    stop = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: stop.set())
    done = publish(PublishSettings.model_validate(told.settings), stop)
    sums = {
        name: sum(getattr(camera, name) for camera in done.status.cameras)
        for name in ("read", "sent", "acknowledged")
    }
    told.result.write_text(
        json.dumps(sums | {"dropped": done.status.dropped, "undelivered": done.undelivered})
    )


class PublisherProcess(Served):
    """A publisher in a process of its own; `result` is there once it has ended."""

    def __init__(self, settings: dict[str, Any], folder: Path) -> None:
        port = free_ports(1)[0]
        self._round = Round(settings | {"metrics_port": port}, folder / f"publisher{port}.json")
        super().__init__((give, self._round), port, "nightreid_publisher", "")

    @property
    def result(self) -> dict[str, int]:
        found: dict[str, int] = json.loads(self._round.result.read_text())
        return found
