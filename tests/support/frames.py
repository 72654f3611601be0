"""Envelopes and records made by hand."""

from dataclasses import dataclass, field

import numpy as np

from reid_core.types import Modality, Spectrum
from stream.kafka.envelope import Codec, Envelope, Kind, Stream
from stream.kafka.payloads import encode
from stream.kafka.wire import write

START_NS = 1_700_000_000_000_000_000
SECOND = 1_000_000_000


@dataclass(frozen=True)
class Taken:
    """A record as a consumer hands it out."""

    value: bytes | None
    headers: list[tuple[str, bytes | None]]
    topic: str = "frames.visible"
    partition: int = 0
    offset: int = 0
    timestamp: int = START_NS // 1_000_000
    key: bytes | None = b"gate"


@dataclass(frozen=True)
class Camera:
    """A camera's stream, from which envelopes are made."""

    id: str = "0f" * 32
    camera: str = "gate"
    modality: Modality = Modality.VISIBLE
    spectrum: Spectrum = Spectrum.VISIBLE
    fps: float = 10.0
    start_ns: int = START_NS
    live: bool = False
    stream: Stream = field(init=False)

    def __post_init__(self) -> None:
        stream = Stream(
            self.id, self.camera, self.modality, self.spectrum, self.fps, self.start_ns, "a.mp4", self.live
        )
        object.__setattr__(self, "stream", stream)

    def capture_ns(self, seq: int) -> int:
        return self.start_ns + round(seq * SECOND / self.fps)

    def frame(self, seq: int, picture=None, codec: Codec = Codec.PNG, **other) -> Envelope:
        """Frame ``seq``; of a small grey one where none is given."""
        if picture is None:
            picture = np.full((40, 60, 3), 10 + seq % 200, np.uint8)
        height, width = picture.shape[:2]
        said = {"width": width, "height": height, "payload": encode(picture, codec)} | other
        capture_ns = said.pop("capture_ns", self.capture_ns(seq))
        return Envelope(Kind.FRAME, self.stream, seq, capture_ns, codec, **said)

    def bare(self, seq: int, capture_ns: int | None = None) -> Envelope:
        """Frame ``seq`` without anything in it, for those who look at numbers alone."""
        moment = self.capture_ns(seq) if capture_ns is None else capture_ns
        return Envelope(Kind.FRAME, self.stream, seq, moment, Codec.PNG, 60, 40)

    def end(self, frames: int, problem: str | None = None) -> Envelope:
        last = self.capture_ns(max(0, frames - 1))
        return Envelope(Kind.END, self.stream, frames, last, problem=problem)


def record(envelope: Envelope, **other) -> Taken:
    """The record of an envelope; ``headers`` are put in place of those of the same name, ``None`` removes."""
    value, headers = write(envelope)
    changed = other.pop("headers", {})
    kept = [(name, text) for name, text in headers if name not in changed]
    kept += [(name, text) for name, text in changed.items() if text is not None]
    fields = {"value": value, "topic": f"frames.{envelope.stream.modality}", "key": envelope.key} | other
    return Taken(headers=kept, **fields)
