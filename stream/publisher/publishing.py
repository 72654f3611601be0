"""The publisher: cameras and recordings in, numbered frames in Kafka out, within a bound of memory."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Protocol

from prometheus_client import CollectorRegistry

from reid_core.errors import NightreidError, UsageError
from stream.footage.file_dates import copies_note
from stream.footage.naming import check_distinct
from stream.footage.opening import asked, open_source
from stream.footage.sources import Source, dated
from stream.kafka.blobs import BlobStore
from stream.publisher.accounts import Accounts, AccountsCollector, PublishStatus, State
from stream.publisher.config import Plan, PublishSettings
from stream.publisher.delivering import Deliverer
from stream.publisher.encoding import Encoder
from stream.publisher.forwarding import Forwarder
from stream.publisher.outgoing import Cause, Outgoing, Policy, Record
from stream.publisher.reading import CameraReader
from stream.service.status_server import StatusServer

_TICK_SECONDS = 0.2
_LEAVING_SECONDS = 3.0
_MOST_IN_FLIGHT = 8 << 20
# Kafka that has acknowledged nothing for so long is away; said again every so often.
_AWAY_SECONDS = 5.0
_REMIND_SECONDS = 30.0


class PublishProgress(Protocol):
    """Whoever wants to know how far a publisher has come."""

    def update(self, status: PublishStatus) -> None:
        """Everything as of now; several times a second."""

    def note(self, text: str) -> None:
        """One sentence worth telling at once; comes from any thread."""


class Unheard:
    """Tells nobody."""

    def update(self, status: PublishStatus) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""


@dataclass(frozen=True, slots=True)
class PublishResult:
    """What was published.

    Attributes:
        status: of every camera at the end.
        undelivered: records made that Kafka has not acknowledged.
        interrupted: whether it was stopped before its end.
        wall_s: how long it took.
    """

    status: PublishStatus
    undelivered: int
    interrupted: bool
    wall_s: float

    @property
    def complete(self) -> bool:
        """Whether every recording was read to its end and Kafka has all that was to be sent."""
        read = all(one.live or one.state is State.ENDED for one in self.status.cameras)
        lost = any(one.dropped for one in self.status.cameras if not one.live)
        return read and not lost and not self.undelivered


def publish(
    settings: PublishSettings,
    stop: threading.Event | None = None,
    progress: PublishProgress | None = None,
    registry: CollectorRegistry | None = None,
) -> PublishResult:
    """Publish cameras and recordings, until the last recording is delivered or until stopped.

    Live cameras are asked for ever. Recordings are merged by their capture times. A source that fails
    does not stop the others.

    Args:
        settings: what, how and where to.
        stop: set it to end early: open streams of live cameras are ended, and what waits is delivered
            within `PublishSettings.flush_seconds`.
        progress: told how far it has come.
        registry: where the metrics are kept.

    Raises:
        UsageError: there is no camera, two are of one name, or the port for metrics is taken.
        SourceError: not one source can be read.
        ConfigError, MissingDependencyError: the blob store or Kafka cannot be used as configured.
        BrokerError: Kafka answers, but refuses.
    """
    publisher = _Publisher(settings, progress or Unheard(), registry or CollectorRegistry())
    return publisher.run(stop or threading.Event())


class _Publisher:
    def __init__(
        self, settings: PublishSettings, progress: PublishProgress, registry: CollectorRegistry
    ) -> None:
        self._settings = settings
        self._progress = progress
        self._registry = registry
        if not settings.cameras:
            raise UsageError("There is nothing to publish.", "Name sources, or cameras in a --config file.")
        check_distinct([camera.camera for camera in settings.cameras])
        specs = [camera.spec for camera in settings.cameras]
        self._plans = settings.plans(asked(specs, settings.live.open_seconds))
        self._accounts = Accounts((plan.camera, plan.spec.live) for plan in self._plans)
        bound = settings.buffer.bytes
        # Recordings would fill the buffer to the brim; cameras that cannot wait need room beside them.
        shared = any(plan.policy is not Policy.WAIT for plan in self._plans)
        self._outgoing = Outgoing(
            bound,
            min(bound // 4, _MOST_IN_FLIGHT),
            bound // 2 if shared else bound,
            self._dropped,
        )
        self._deliverer = Deliverer(
            self._outgoing,
            settings.kafka,
            settings.inline_bytes,
            {plan.topic for plan in self._plans},
            self._accounts,
            progress.note,
        )
        self._ending = threading.Event()
        self._away_since: float | None = None
        self._reminded = 0.0

    def run(self, stop: threading.Event) -> PublishResult:
        begun = time.monotonic()
        settings = self._settings
        blobs = BlobStore(settings.blobs, settings.blob_class) if settings.blobs is not None else None
        encoder = Encoder(self._settings.inline_bytes, blobs)
        sources = self._open()
        with ExitStack() as stack:
            pool = ThreadPoolExecutor(self._settings.encoder_threads, "encode")
            stack.callback(pool.shutdown, wait=False, cancel_futures=True)
            readers = [
                CameraReader(
                    plan,
                    self._settings,
                    source,
                    encoder,
                    pool,
                    self._accounts,
                    self._progress.note,
                    self._ending,
                )
                for plan, source in sources
            ]
            forwarders = self._forwarders(readers)
            self._serve_status(stack)
            self._deliverer.start()
            stack.callback(self._deliverer.close)
            stack.callback(self._ending.set)
            for reader in readers:
                reader.start()
            for forwarder in forwarders:
                forwarder.start()
            self._follow(forwarders, stop)
            interrupted = stop.is_set()
            self._ending.set()
            for forwarder in forwarders:
                forwarder.join(_LEAVING_SECONDS)
            self._check(forwarders)
            self._deliver(stop)
            status = self._show()
        return PublishResult(status, status.waiting, interrupted, time.monotonic() - begun)

    def _dropped(self, record: Record, cause: Cause) -> None:
        if not record.end:
            self._accounts.dropped(record.camera, cause)

    def _open(self) -> list[tuple[Plan, Source | None]]:
        """Every source that can be read; live cameras are opened later, as often as it takes."""
        found: list[tuple[Plan, Source | None]] = []
        failures: list[NightreidError] = []
        live = self._settings.live
        for plan in self._plans:
            if plan.spec.live:
                found.append((plan, None))
                continue
            try:
                source = open_source(
                    plan.spec, self._settings.folder_fps, live.open_seconds, live.gone_seconds
                )
            except NightreidError as error:
                failures.append(error)
                self._accounts.stopped(plan.camera, State.BROKEN, error.message)
            else:
                found.append((plan, source))
        if failures and not found:
            raise failures[0]
        copies = copies_note(dated(source for _, source in found if source is not None))
        for told in [failure.message for failure in failures] + ([copies] if copies is not None else []):
            self._progress.note(told)
        return found

    def _forwarders(self, readers: list[CameraReader]) -> list[Forwarder]:
        """One for all recordings, whose order among each other matters, and one for each live camera."""
        recordings = [reader for reader in readers if not reader.plan.spec.live]
        groups = [[reader] for reader in readers if reader.plan.spec.live]
        return [
            Forwarder(
                group,
                self._outgoing,
                self._settings.realtime and not group[0].plan.spec.live,
                self._accounts,
                self._progress.note,
                self._ending,
            )
            for group in [recordings, *groups]
            if group
        ]

    def _serve_status(self, stack: ExitStack) -> None:
        collector = AccountsCollector(self._accounts, self._outgoing)
        self._registry.register(collector)
        stack.callback(self._registry.unregister, collector)
        if self._settings.metrics_port is not None:
            server = StatusServer(
                self._settings.metrics_port,
                self._registry,
                lambda: self._deliverer.alive,
                self._ready,
                self._settings.metrics_host,
            )
            stack.enter_context(server)
            self._progress.note(f"Metrics are served on port {server.port}.")

    def _ready(self) -> tuple[bool, list[str]]:
        """Whether frames come in and get through."""
        reasons = []
        status = self._accounts.status(self._outgoing)
        if status.sessions == 0:
            reasons.append("Kafka has not answered yet.")
        elif status.silent_s > _AWAY_SECONDS:
            reasons.append(_away(status))
        if not self._accounts.being_read(self._settings.live.open_seconds):
            reasons.append("No camera is being read.")
        return not reasons, reasons

    def _follow(self, forwarders: list[Forwarder], stop: threading.Event) -> None:
        """Tell how far it is until everything was read, or until stopped."""
        going_on = True
        while going_on and not stop.wait(_TICK_SECONDS):
            going_on = any(forwarder.alive for forwarder in forwarders)
            self._check(forwarders)
            self._watch_kafka(self._show())

    def _check(self, forwarders: list[Forwarder]) -> None:
        """Raise what ended a thread that should be at work."""
        self._deliverer.check()
        for forwarder in forwarders:
            forwarder.check()

    def _deliver(self, stop: threading.Event) -> None:
        """Wait until Kafka has what waits: without limit, unless everything is to stop."""
        deadline: float | None = None
        while not self._outgoing.wait_empty(_TICK_SECONDS):
            self._deliverer.check()
            self._watch_kafka(self._show())
            if deadline is None and stop.is_set():
                deadline = time.monotonic() + self._settings.flush_seconds
            if deadline is not None and time.monotonic() > deadline:
                return

    def _show(self) -> PublishStatus:
        status = self._accounts.status(self._outgoing)
        self._progress.update(status)
        return status

    def _watch_kafka(self, status: PublishStatus) -> None:
        """Tell when Kafka goes away, every so often while it is, and when it is back."""
        now = time.monotonic()
        if status.silent_s <= _AWAY_SECONDS:
            if self._away_since is not None:
                self._progress.note(f"Kafka is back after {now - self._away_since:.0f} s.")
            self._away_since = None
            return
        if self._away_since is None:
            self._away_since = now - status.silent_s
        elif now - self._reminded < _REMIND_SECONDS:
            return
        self._reminded = now
        self._progress.note(_away(status))


def _away(status: PublishStatus) -> str:
    dropped = sum(
        one.dropped.get(cause, 0) for one in status.cameras for cause in (Cause.OLDEST, Cause.LATEST)
    )
    lost = f"; {dropped} were dropped so far" if dropped else ""
    return (
        f"Kafka has acknowledged nothing for {status.silent_s:.0f} s: {status.waiting} records "
        f"({status.waiting_bytes / 1e6:.1f} MB) wait{lost}."
    )
