"""What the benches over Kafka share: topics of their own, frames to send, workers pinned to cores."""

import os
import subprocess
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from reid_core.errors import NightreidError
from stream.kafka.clients import KafkaSettings, admin, producer, translated
from stream.kafka.envelope import Envelope
from stream.kafka.topic_plan import TopicSettings, plan
from stream.kafka.topics import create
from stream.kafka.wire import write

_STARTING_SECONDS = 120.0
_ASK_SECONDS = 5.0


@contextmanager
def topics(kafka: KafkaSettings, partitions: int) -> Iterator[TopicSettings]:
    """Topics of this bench alone, removed at its end."""
    settings = TopicSettings(
        prefix=f"bench-{uuid.uuid4().hex[:8]}.", frame_partitions=partitions, result_partitions=1
    )
    create(kafka, settings)
    try:
        yield settings
    finally:
        with translated():
            client = admin(kafka)
            client.delete_topics([topic.name for topic in plan(settings)])
            client.close()


def send(kafka: KafkaSettings, settings: TopicSettings, frames: Sequence[Envelope]) -> None:
    """Put frames on their topics and wait until they are there."""
    with translated():
        client = producer(kafka, linger_ms=5, max_request_size=settings.max_message_bytes)
        futures = []
        for frame in frames:
            value, headers = write(frame)
            topic = settings.frames(frame.stream.modality)
            futures.append(client.send(topic, value, key=frame.key, headers=headers))
            if len(futures) >= 64:
                futures.pop(0).get(timeout=60)
        for future in futures:
            future.get(timeout=60)
        client.close()


@dataclass(slots=True)
class WorkerProcess:
    """A worker of the command line.

    Attributes:
        process: of it.
        port: where it tells its metrics.
    """

    process: "subprocess.Popen[str]"
    port: int

    def metrics(self) -> dict[str, float]:
        """Every sample by its name and labels, as the text format spells them."""
        address = f"http://127.0.0.1:{self.port}/metrics"
        text = urllib.request.urlopen(address, timeout=_ASK_SECONDS).read().decode()
        samples = (line.rpartition(" ") for line in text.splitlines() if not line.startswith("#"))
        return {name: float(value) for name, _, value in samples}

    def total(self, name: str) -> float:
        """The sum of a metric over its labels."""
        return sum(value for key, value in self.metrics().items() if key.partition("{")[0] == name)

    def memory(self) -> int:
        """Resident bytes."""
        pages = int(Path(f"/proc/{self.process.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextmanager
def worker_process(arguments: Sequence[str], cores: Sequence[int]) -> Iterator[WorkerProcess]:
    """A worker that may use these cores only, until the block ends.

    Raises:
        NightreidError: it ends by itself.
    """
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "console.cli", "worker", "--metrics-port", "0", *arguments],
            stderr=log,
            text=True,
            preexec_fn=lambda: os.sched_setaffinity(0, cores),
        )
        try:
            yield WorkerProcess(process, _port(process, log.name))
        except OSError as error:
            with suppress(subprocess.TimeoutExpired):
                process.wait(1)
                log.seek(0)
                raise _ended(process, log.read()) from error
            raise
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _port(process: "subprocess.Popen[str]", log: int | str) -> int:
    """Where a worker says that it tells its metrics."""
    begun = time.monotonic()
    told = Path(f"/proc/self/fd/{log}")
    while time.monotonic() - begun < _STARTING_SECONDS:
        text = told.read_text()
        for line in text.splitlines():
            _, found, rest = line.partition("Status at port ")
            if found:
                return int(rest.partition(":")[0])
        if process.poll() is not None:
            raise _ended(process, text)
        time.sleep(0.1)
    raise NightreidError("The worker did not begin in time.")


def _ended(process: "subprocess.Popen[str]", text: str) -> NightreidError:
    return NightreidError(f"The worker ended with status {process.returncode}: {text.strip()[-500:]}")
