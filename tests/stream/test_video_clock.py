"""A recording's clock is its container's; what is turned is upright; counts stay counts."""

import gc
import threading
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from reid_core.types import Modality
from stream.footage.naming import parse_source
from stream.footage.upright import upright
from stream.footage.video import VideoSource


def write(path: Path, times_ms: list[int], pixels: str = "gray16le", codec: str = "ffv1") -> list[Any]:
    generator = np.random.default_rng(4)
    written = []
    with av.open(str(path), "w") as container:
        stream: Any = container.add_stream(codec, rate=1000)
        stream.width, stream.height, stream.pix_fmt = 64, 48, pixels
        for time in times_ms:
            image = generator.integers(20000, 24000, (48, 64)).astype(np.uint16)
            written.append(image)
            frame = av.VideoFrame.from_ndarray(image, format="gray16le")
            frame.pts = time
            container.mux(stream.encode(frame.reformat(format=pixels)))
        container.mux(stream.encode(None))
    return written


def opened(path: Path) -> VideoSource:
    return VideoSource(parse_source(f"c={path}", Modality.INFRARED), path)


@pytest.mark.parametrize("seed", range(8))
def test_any_ascending_capture_times_come_back(tmp_path, seed):
    generator = np.random.default_rng(seed)
    times = np.cumsum(generator.choice([1, 33, 34, 100, 1000, 60000], 40)).tolist()
    write(tmp_path / "v.mkv", times)
    source = opened(tmp_path / "v.mkv")
    read = [frame.time_ns - source.start_ns for frame in source.frames(0, threading.Event())]
    assert read == [(time - times[0]) * 1_000_000 for time in times]


def test_grey_of_sixteen_bits_is_counts(tmp_path):
    written = write(tmp_path / "v.mkv", [0, 40, 80])
    read = [shown.image for shown in opened(tmp_path / "v.mkv").shown(threading.Event())]
    assert [image.dtype for image in read] == [np.uint16] * 3
    assert all(np.array_equal(one, other) for one, other in zip(read, written, strict=True))


def test_a_file_without_a_date_ends_with_its_last_timestamp(tmp_path):
    path = tmp_path / "v.mkv"
    write(path, [0, 40, 80, 60_080])
    source = opened(path)
    assert path.stat().st_mtime_ns - source.start_ns == pytest.approx(60.12e9, abs=2e6)


@pytest.mark.parametrize(
    "matrix, shown",
    [
        ((1, 0, 0, 1), [[1, 2], [3, 4]]),
        ((-1, 0, 0, 1), [[2, 1], [4, 3]]),
        ((1, 0, 0, -1), [[3, 4], [1, 2]]),
        ((-1, 0, 0, -1), [[4, 3], [2, 1]]),
        ((0, 1, -1, 0), [[3, 1], [4, 2]]),
        ((0, -1, 1, 0), [[2, 4], [1, 3]]),
        ((0, 1, 1, 0), [[1, 3], [2, 4]]),
        ((0, -1, -1, 0), [[4, 2], [3, 1]]),
    ],
)
def test_every_turn_and_mirror_is_upright(matrix, shown):
    a, b, c, d = (65536 * number for number in matrix)
    turned = upright(np.array([[1, 2], [3, 4]]), np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], np.int32))
    assert turned is not None and turned.tolist() == shown


def test_an_odd_angle_is_not_guessed():
    matrix = np.array([46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30], np.int32)
    assert upright(np.zeros((2, 2)), matrix) is None


@pytest.mark.slow
def test_frames_that_were_shown_are_freed_at_once(tmp_path):
    write(tmp_path / "long.mkv", list(range(0, 4000, 100)))
    frames = opened(tmp_path / "long.mkv").frames(0, threading.Event())
    gc.collect()
    gc.disable()
    try:
        assert sum(1 for _ in frames) == 40
        alive = sum(isinstance(one, av.VideoFrame) for one in gc.get_objects())
    finally:
        gc.enable()
    assert alive < 10
