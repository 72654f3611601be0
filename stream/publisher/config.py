"""Settings of a publisher, and what they mean for each camera."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, Field, ValidationInfo, field_validator

from reid_core.config import Settings
from reid_core.file_names import path_of, readable_path
from reid_core.types import Modality, Spectrum
from stream.footage.naming import SourceSpec, is_live
from stream.kafka.envelope import Codec
from stream.kafka.settings import KafkaSettings
from stream.kafka.topics import TopicSettings
from stream.publisher.outgoing import Policy

CodecName = Literal["jpeg", "png"]
PolicyName = Literal["wait", "drop-oldest", "drop-latest"]
_MOST_ENCODERS = 4
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class CameraSettings(Settings):
    """One camera; what is ``null`` is as for all cameras.

    Attributes:
        camera: its id.
        source: video, image folder, RTSP or HTTP address, or number of a webcam. Never shown by printing it.
            Bytes of a name that are no UTF-8 are written as `readable_path` shows them.
        modality: how its images are compared.
        spectrum: the light it records; ``null``: thermal where it is infrared.
        start: when a recording began, with its zone.
        max_fps: frames per second.
        codec: how its frames are encoded.
        quality: of JPEG, 1..100.
        passthrough: whether the frames of a folder go out as the files they are.
        policy: what gives way when the buffer is full.
    """

    camera: str = Field(min_length=1, max_length=255)
    source: str = Field(min_length=1, repr=False)
    modality: Modality
    spectrum: Spectrum | None = None
    start: AwareDatetime | None = None
    max_fps: float | None = Field(default=None, gt=0)
    codec: CodecName | None = None
    quality: int | None = Field(default=None, ge=1, le=100)
    passthrough: bool | None = None
    policy: PolicyName | None = None

    @field_validator("spectrum")
    @classmethod
    def _fits(cls, spectrum: Spectrum | None, info: ValidationInfo) -> Spectrum | None:
        modality = info.data.get("modality")
        if spectrum is not None and modality is not None and spectrum.modality is not modality:
            raise ValueError(f"a camera of {spectrum} light is not {modality}")
        return spectrum

    @property
    def spec(self) -> SourceSpec:
        """The camera as the sources know it."""
        usual = Spectrum.VISIBLE if self.modality is Modality.VISIBLE else Spectrum.THERMAL
        start = None if self.start is None else round(self.start.timestamp() * 1_000_000) * 1000
        location = self.source if is_live(self.source) else path_of(self.source)
        return SourceSpec(self.camera, location, self.modality, self.spectrum or usual, start)


class BufferSettings(Settings):
    """What is encoded and not yet acknowledged by Kafka.

    Beside it, each camera has a few frames at work, of at most 32 MiB where they are not larger one by one,
    and up to 8 MiB are copied by Kafka's client while they are under way.

    Attributes:
        bytes: the bound.
        policy: what gives way when it is reached: ``wait`` stops the reading, ``drop-oldest`` and
            ``drop-latest`` leave gaps and count them; ``null``: recordings wait, cameras drop the oldest.
    """

    bytes: int = Field(default=256 << 20, ge=1 << 20)
    policy: PolicyName | None = None


class ReconnectSettings(Settings):
    """Cameras that go away.

    Attributes:
        open_seconds: how long opening or reading may take.
        gone_seconds: a camera away for no longer goes on with its stream; away for longer, it begins anew.
        first_seconds: pause before a camera that is gone is asked again; it doubles each time.
        most_seconds: the longest such pause.
    """

    open_seconds: float = Field(default=10.0, gt=0)
    gone_seconds: float = Field(default=5.0, ge=0)
    first_seconds: float = Field(default=1.0, gt=0)
    most_seconds: float = Field(default=30.0, gt=0)


class PublishSettings(Settings):
    """Everything `nightreid publish` can be told in a file.

    Attributes:
        kafka: how the brokers are reached.
        prefix: in front of every topic's name.
        cameras: what is published.
        max_fps: frames per second of each camera; ``null`` for all of them.
        codec: ``png`` loses nothing and is several times as large; raw thermal counts never lose.
        quality: of JPEG, 1..100.
        passthrough: whether JPEG, PNG and TIFF files of a folder go out as they are.
        buffer: bound of the memory.
        inline_bytes: a larger frame goes into the blob store.
        blobs: where such frames are left, a folder or ``s3://…``; ``null``: they are dropped and counted.
        blob_class: class of the key that such frames are encrypted with; ``null``: they are not.
        realtime: whether recordings are sent as slowly as they were recorded.
        folder_fps: frames per second of image folders.
        live: cameras that go away.
        encoders: threads that encode; 0: one for each core, at most four.
        flush_seconds: how long stopping may wait for Kafka.
        metrics_port: where /metrics, /live and /ready are served; 0 for a free port, ``null`` for none.
        metrics_host: address at which they are: this machine's own; ``0.0.0.0`` for others, ``::`` for IPv6.
    """

    kafka: KafkaSettings = KafkaSettings()
    prefix: str = ""
    cameras: tuple[CameraSettings, ...] = ()
    max_fps: float | None = Field(default=None, gt=0)
    codec: CodecName = "jpeg"
    quality: int = Field(default=90, ge=1, le=100)
    passthrough: bool = True
    buffer: BufferSettings = BufferSettings()
    inline_bytes: int = Field(default=900_000, ge=1024, le=64 << 20, validate_default=True)
    blobs: str | None = Field(default=None, repr=False)
    blob_class: str | None = None
    realtime: bool = False
    folder_fps: float = Field(default=10.0, gt=0)
    live: ReconnectSettings = ReconnectSettings()
    encoders: int = Field(default=0, ge=0, le=64)
    flush_seconds: float = Field(default=10.0, ge=0)
    metrics_port: int | None = Field(default=None, ge=0, le=65535)
    metrics_host: str = Field(default="127.0.0.1", min_length=1)

    @field_validator("inline_bytes")
    @classmethod
    def _fit_into_buffer(cls, inline_bytes: int, info: ValidationInfo) -> int:
        buffer = info.data.get("buffer")
        if buffer is not None and inline_bytes > buffer.bytes // 4:
            raise ValueError(f"{inline_bytes} is more than a quarter of buffer.bytes, {buffer.bytes}")
        return inline_bytes

    @property
    def encoder_threads(self) -> int:
        """How many threads encode."""
        return self.encoders or min(_MOST_ENCODERS, os.cpu_count() or 1)

    def plans(self, specs: Iterable[SourceSpec] | None = None) -> list["Plan"]:
        """What is done with each camera.

        Args:
            specs: of the cameras, where more is known of them than stands here.
        """
        known = specs if specs is not None else (camera.spec for camera in self.cameras)
        return [self._plan(camera, spec) for camera, spec in zip(self.cameras, known, strict=True)]

    def _plan(self, camera: CameraSettings, spec: SourceSpec) -> "Plan":
        usual = Policy.DROP_OLDEST if spec.live else Policy.WAIT
        passthrough = self.passthrough if camera.passthrough is None else camera.passthrough
        return Plan(
            spec=spec,
            topic=TopicSettings(prefix=self.prefix).frames(spec.modality),
            max_fps=camera.max_fps or self.max_fps,
            codec=Codec(camera.codec or self.codec),
            quality=camera.quality or self.quality,
            passthrough=passthrough,
            policy=Policy(camera.policy or self.buffer.policy or usual),
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """What is done with one camera.

    Attributes:
        spec: what is read.
        topic: where its records go.
        max_fps: frames per second, or ``None`` for all of them.
        codec: how frames of 8 bits are encoded.
        quality: of JPEG.
        passthrough: whether files that are encoded already go out as they are.
        policy: what gives way when the buffer is full.
    """

    spec: SourceSpec
    topic: str
    max_fps: float | None
    codec: Codec
    quality: int
    passthrough: bool
    policy: Policy

    @property
    def camera(self) -> str:
        """The camera's id."""
        return self.spec.camera


def with_sources(settings: PublishSettings, specs: Iterable[SourceSpec]) -> PublishSettings:
    """The settings with more cameras, each as all cameras are."""
    cameras = [
        CameraSettings(
            camera=spec.camera,
            source=spec.location if spec.live else readable_path(spec.location),
            modality=spec.modality,
            spectrum=spec.spectrum,
            start=None if spec.start_ns is None else _EPOCH + timedelta(microseconds=spec.start_ns // 1000),
        )
        for spec in specs
    ]
    return settings.model_copy(update={"cameras": (*settings.cameras, *cameras)})
