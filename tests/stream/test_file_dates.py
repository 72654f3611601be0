"""A file whose date is that of a copy is told of."""

import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import av
import numpy as np
import pytest

from reid_core.types import Modality
from stream.footage.naming import parse_source
from stream.footage.video import VideoSource

_MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _video(path: Path, created: str, seconds_later: int) -> Path:
    with av.open(str(path), "w") as container:
        container.metadata["creation_time"] = created
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            image = np.full((48, 64, 3), 90, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    at = _MADE.timestamp() + seconds_later
    os.utime(path, (at, at))
    return path


@pytest.mark.parametrize(
    ("created", "later", "told"),
    [
        ("2026-01-02T03:04:05Z", 3600, True),
        ("2026-01-02T03:04:05Z", 64, True),
        ("2026-01-02T03:04:05Z", 60, False),
        ("2026-01-02T03:04:05Z", 1, False),
        ("1970-01-01T00:00:00Z", 3600, False),
    ],
)
def test_a_file_written_long_after_its_recording_is_told_of(
    tmp_path: Path, created: str, later: int, told: bool
) -> None:
    path = _video(tmp_path / "gate.mp4", created, later)
    spec = parse_source(str(path), Modality.VISIBLE)
    notes = VideoSource(spec, path).notes
    assert len(notes) == told
    assert all("--start gate=TIME" in note and "2026-01-02T03:04:05Z" in note for note in notes)
    assert VideoSource(replace(spec, start_ns=1), path).notes == []


def test_a_video_began_its_length_before_its_file_was_written(tmp_path: Path) -> None:
    path = _video(tmp_path / "gate.mp4", "2026-01-02T03:04:05Z", 1)
    source = VideoSource(parse_source(str(path), Modality.VISIBLE), path)
    assert source.start_ns == pytest.approx(_MADE.timestamp() * 1e9, abs=2e6)
