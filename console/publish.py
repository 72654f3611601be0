"""The logic of ``nightreid publish``."""

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, replace
from datetime import datetime
from pathlib import Path
from types import FrameType
from typing import Any

from console.progress import ProgressBars
from console.statuses import INCOMPLETE, INTERRUPTED
from console.stopping import stopped_by_ctrl_c
from reid_core.config import load_config
from reid_core.errors import UsageError
from reid_core.file_names import readable_text
from reid_core.types import Modality, Spectrum
from stream.footage.naming import SourceSpec, parse_source
from stream.footage.opening import existing
from stream.publisher.accounts import CameraStatus, PublishStatus, State
from stream.publisher.config import PublishSettings, with_sources
from stream.publisher.publishing import PublishResult, publish

_LINE_SECONDS = 10.0
_LONGEST_ID = 255


def publish_command(
    *,
    sources: Sequence[str],
    cameras: Sequence[str],
    modality: str | None,
    near_infrared: bool,
    starts: Sequence[str],
    bootstrap: str | None,
    max_fps: float | None,
    codec: str | None,
    realtime: bool,
    metrics_port: int | None,
    as_json: bool,
    config: Path | None,
    overrides: Sequence[str],
) -> int:
    """Publish until the last recording is delivered, or until stopped.

    Returns:
        0, also where SIGTERM ended it; 1 where a recording could not be read or delivered to its end;
        130 where Ctrl-C ended it.
    """
    options = {
        "kafka.bootstrap": bootstrap,
        "max_fps": max_fps,
        "codec": codec,
        "realtime": realtime or None,
        "metrics_port": metrics_port,
    }
    given = [f"{key}={json.dumps(value)}" for key, value in options.items() if value is not None]
    settings = load_config(PublishSettings, config, [*overrides, *given], os.environ)
    settings = with_sources(settings, _specs(sources, cameras, modality, near_infrared, starts))
    for plan in settings.plans():
        if not plan.spec.live:
            existing(plan.spec)
    _quiet_kafka()
    with (
        PublishBars() as progress,
        stopped_by_ctrl_c("delivering what is queued") as stop,
        _noticing_sigterm() as terminated,
    ):
        result = publish(settings, stop, progress)
    if as_json:
        print(json.dumps(to_json(result), indent=2))
    else:
        _say(result)
    if result.interrupted:
        return 0 if terminated.is_set() else INTERRUPTED
    return 0 if result.complete else INCOMPLETE


def _specs(
    sources: Sequence[str],
    cameras: Sequence[str],
    modality: str | None,
    near_infrared: bool,
    starts: Sequence[str],
) -> list[SourceSpec]:
    if not sources:
        if cameras or starts:
            raise UsageError("--camera and --start are of sources on the command line, and there are none.")
        return []
    if modality is None:
        raise UsageError(
            "The modality of the sources is not given.", "Add --modality visible or --modality infrared."
        )
    if cameras and len(cameras) != len(sources):
        raise UsageError(f"There are {len(sources)} sources and {len(cameras)} ids of cameras.")
    for camera in cameras:
        if not 0 < len(camera) <= _LONGEST_ID:
            raise UsageError(
                f"--camera '{readable_text(camera[:40])}': an id has 1 to {_LONGEST_ID} characters."
            )
        if readable_text(camera) != camera:
            raise UsageError(f"--camera {readable_text(camera[:40])}: an id is text in UTF-8.")
    night = Spectrum.NEAR if near_infrared else Spectrum.THERMAL
    spectrum = Spectrum.VISIBLE if modality == Modality.VISIBLE else night
    specs = [parse_source(text, Modality(modality), spectrum) for text in sources]
    if cameras:
        specs = [
            # The whole argument is the source then: it may have an equals sign of its own.
            replace(spec, camera=camera, location=text)
            for spec, camera, text in zip(specs, cameras, sources, strict=True)
        ]
    for text in map(readable_text, starts):
        _start(specs, text)
    return specs


def _start(specs: list[SourceSpec], text: str) -> None:
    """Give one of the sources its start."""
    camera, separator, time_ = text.rpartition("=")
    if not separator and len(specs) > 1:
        raise UsageError(f"--start {text}: which of the {len(specs)} sources?", "Say CAMERA=TIME.")
    places = [i for i, spec in enumerate(specs) if not separator or spec.camera == camera]
    if not places:
        raise UsageError(f"--start {text}: no source is called '{camera}'.")
    try:
        moment = datetime.fromisoformat(time_)
    except ValueError:
        raise UsageError(f"--start {text}: '{time_}' is not a time such as 2026-11-20T18:00:00Z.") from None
    if moment.tzinfo is None:
        hint = "Add Z for UTC, or an offset such as +01:00."
        raise UsageError(f"--start {text}: the time has no zone.", hint)
    start_ns = round(moment.timestamp() * 1_000_000) * 1000
    specs[places[0]] = replace(specs[places[0]], start_ns=start_ns)


def _quiet_kafka() -> None:
    """What Kafka's client writes about every broken connection is said by the publisher, once."""
    if not os.environ.get("NIGHTREID_DEBUG"):
        logging.getLogger("kafka").addHandler(logging.NullHandler())


@contextmanager
def _noticing_sigterm() -> Iterator[threading.Event]:
    """Tells SIGTERM from Ctrl-C: a service that was stopped in order did not fail."""
    asked = threading.Event()
    before = signal.getsignal(signal.SIGTERM)

    def notice(number: int, frame: FrameType | None) -> None:
        asked.set()
        if callable(before):
            before(number, frame)

    signal.signal(signal.SIGTERM, notice)
    try:
        yield asked
    finally:
        signal.signal(signal.SIGTERM, before)


class PublishBars(ProgressBars):
    """A bar for each camera on a terminal, a line every ten seconds elsewhere."""

    def __init__(self) -> None:
        super().__init__()
        self._line_at = time.monotonic()
        self._line_acknowledged = 0

    def update(self, status: PublishStatus) -> None:
        """Everything as of now."""
        if sys.stderr.isatty():
            for one in status.cameras:
                done = one.acknowledged + one.limited + sum(one.dropped.values())
                self.show(one.camera, done, one.total, _beside(one))
            return
        seconds = time.monotonic() - self._line_at
        if seconds >= _LINE_SECONDS:
            rate = (status.acknowledged - self._line_acknowledged) / seconds
            self._line_at, self._line_acknowledged = time.monotonic(), status.acknowledged
            self.note(_line(status, rate))


def _line(status: PublishStatus, rate: float) -> str:
    parts = [
        f"{status.acknowledged} frames in Kafka ({rate:.1f}/s)",
        f"{status.dropped} dropped",
        f"{status.waiting} waiting ({status.waiting_bytes / 1e6:.1f} MB)",
    ]
    reconnects = sum(one.reconnects for one in status.cameras)
    if reconnects:
        parts.append(f"{reconnects} reconnects")
    away = [one.camera for one in status.cameras if one.state is State.AWAY]
    if away:
        parts.append(f"away: {', '.join(away)}")
    return ", ".join(parts)


def _beside(one: CameraStatus) -> str:
    """What is told beside a camera's numbers."""
    parts = [str(one.state)] if one.state in (State.AWAY, State.BROKEN) else []
    parts += [f"{count} dropped ({cause})" for cause, count in one.dropped.items()]
    if one.limited:
        parts.append(f"{one.limited} skipped")
    if one.reconnects:
        parts.append(f"{one.reconnects} reconnects")
    return ", ".join(parts)


def to_json(result: PublishResult) -> dict[str, Any]:
    """A result as plain values."""
    status = result.status
    cameras = [asdict(one) for one in status.cameras]
    for camera in cameras:
        del camera["read_at"]
    return {
        "cameras": cameras,
        "acknowledged": status.acknowledged,
        "dropped": status.dropped,
        "undelivered": result.undelivered,
        "kafka_sessions": status.sessions,
        "records_again": status.again,
        "complete": result.complete,
        "interrupted": result.interrupted,
        "wall_s": round(result.wall_s, 3),
    }


def _say(result: PublishResult) -> None:
    for one in result.status.cameras:
        beside = _beside(one)
        print(
            f"{one.camera}: {one.read} frames read, {one.acknowledged} in Kafka"
            f"{f', {beside}' if beside else ''}"
        )
    if result.undelivered:
        print(f"{result.undelivered} records were not delivered.")
