"""One camera's footage in two parts, as when it is started again in the middle."""

from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Modality, Spectrum
from stream.footage.naming import SourceSpec
from stream.kafka.envelope import Envelope, Kind
from stream.run.running import run_footage
from tests.support.brightness import START_NS, brightness_detector, scenes, write_video
from tests.support.night import SETTINGS
from tests.support.shift import records_of
from tests.support.short_night import GATE

CUT = 70
"""The first frame of the second part: somebody is in the middle of the way."""

FRAMES = 120
FPS = 10.0
CUT_NS = round(CUT / FPS * 1e9)


@dataclass(frozen=True)
class Parts:
    """What `run_parts` is told."""

    videos: tuple[Path, Path]
    model: str
    database: Path


def write_parts(folder: Path) -> tuple[Path, Path]:
    """Videos of the two parts."""
    pictures = scenes(GATE, FRAMES)
    return (
        write_video(folder / "first.mp4", islice(pictures, CUT), FPS),
        write_video(folder / "second.mp4", pictures, FPS),
    )


def part_records(videos: tuple[Path, Path]) -> tuple[list[Envelope], list[Envelope]]:
    """Every record of the two parts, the first one's end among them."""
    first, second = (records_of({"gate": video}, ["gate"]) for video in videos)
    return first, [
        replace(
            one,
            capture_ns=one.capture_ns + CUT_NS,
            stream=replace(one.stream, start_ns=one.stream.start_ns + CUT_NS),
        )
        for one in second
    ]


def run_parts(parts: Parts) -> None:
    """`nightreid run` on the first part, and then on the second."""
    with Gallery.open(f"sqlite:///{parts.database}") as gallery:
        for video, start_ns in zip(parts.videos, (START_NS, START_NS + CUT_NS), strict=True):
            spec = SourceSpec("gate", str(video), Modality.VISIBLE, Spectrum.VISIBLE, start_ns)
            embedder = load_embedder(parts.model, threads=1)
            run_footage([spec], gallery, brightness_detector(), embedder, SETTINGS)


def unfinished(records: list[Envelope]) -> list[Envelope]:
    """The same without an end: the camera fell."""
    return [one for one in records if one.kind is Kind.FRAME]
