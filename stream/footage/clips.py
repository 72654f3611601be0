"""A few seconds cut out of a recorded video, encoded anew for a browser."""

import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np

from detectors.thermal import RawScaler
from reid_core.errors import SourceError
from reid_core.file_names import openable, readable_path
from reid_core.gallery.records import RecordingRecord
from reid_core.types import Image, Modality
from stream.footage.decoded import Developer
from stream.footage.sources import named_by, sampled_digest
from stream.footage.video import FILES_ONLY, best_stream

LONGEST_NS = 30_000_000_000
"""No clip is longer."""
_WIDEST = 960
_CODEC = "libx264"
_OPTIONS = {"preset": "veryfast", "crf": "26", "movflags": "frag_keyframe+empty_moov"}
_TICKS = 90_000


def footage_at_hand(recording: RecordingRecord, modality: Modality, folders: tuple[Path, ...]) -> Path:
    """The file that a recording was made of, where it still is what it was.

    Args:
        recording: whose source names the file, from the folder in which it was read.
        modality: as which it was read.
        folders: where files may lie: none of any other folder is ever opened.

    Raises:
        SourceError: it is not there, has changed, or is no file.
    """
    gone = SourceError(
        f"The footage of camera {recording.camera} is not at hand.",
        "It was a live camera, or its file is not in the folders that the settings name as footage.",
    )
    for folder in folders:
        root = folder.resolve()
        try:
            path = (root / recording.source).resolve()
            if not path.is_relative_to(root) or not path.is_file():
                continue
            same = named_by(sampled_digest(path), recording.camera, modality) == recording.id
        except (OSError, ValueError):
            continue
        if same:
            return path
        gone = SourceError(
            f"The footage of camera {recording.camera} is not what it was: the file has changed."
        )
    raise gone


def cut_clip(path: Path, start_ns: int, since_ns: int, until_ns: int) -> bytes:
    """What a video shows from one time to another.

    Args:
        path: of the file.
        start_ns: capture time of its first frame, UTC nanoseconds.
        since_ns: of the first frame of the clip, at the earliest.
        until_ns: of the first frame behind it; no clip is longer than `LONGEST_NS`.

    Returns:
        MP4 of H.264, at most 960 pixels wide, without sound.

    Raises:
        SourceError: it cannot be decoded, or shows nothing between these times.
    """
    until_ns = min(until_ns, since_ns + LONGEST_NS)
    made = io.BytesIO()
    try:
        with (
            openable(path) as given,
            av.open(given, options=FILES_ONLY, metadata_errors="replace") as container,
        ):
            stream = best_stream(container)
            if stream is None:
                raise SourceError(f"{readable_path(path)} is no video.")
            count = _encode(made, _between(container, stream, path, start_ns, since_ns, until_ns))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise SourceError(f"The video {readable_path(path)} cannot be cut: {error}.") from None
    if not count:
        raise SourceError(f"The video {readable_path(path)} shows nothing at that time.")
    return made.getvalue()


def _between(
    container: Any, stream: Any, path: Path, start_ns: int, since_ns: int, until_ns: int
) -> Iterator[tuple[int, Image]]:
    """Capture times and frames."""
    developer, scaler = Developer(str(path)), RawScaler()
    first = next((frame.pts for frame in container.decode(stream) if frame.pts is not None), None)
    if first is None:
        return
    tick = Fraction(stream.time_base)
    wanted = first + int(Fraction(max(0, since_ns - start_ns), 1_000_000_000) / tick)
    container.seek(max(wanted, 0), stream=stream, backward=True)
    for frame in container.decode(stream):
        if frame.pts is None:
            continue
        time_ns = start_ns + round((frame.pts - first) * tick * 1_000_000_000)
        if time_ns >= until_ns:
            return
        if time_ns >= since_ns:
            pixels = developer.pixels(frame)
            yield time_ns, np.asarray(scaler(pixels) if pixels.ndim == 2 else pixels, np.uint8)


def _encode(into: io.BytesIO, frames: Iterator[tuple[int, Image]]) -> int:
    """How many were encoded."""
    count, first = 0, 0
    stream: Any = None
    with av.open(into, "w", "mp4", options={"movflags": _OPTIONS["movflags"]}) as output:
        for time_ns, image in frames:
            if stream is None:
                first, (height, width) = time_ns, image.shape[:2]
                scale = min(1.0, _WIDEST / width)
                stream = output.add_stream(_CODEC, rate=25, options=_OPTIONS)
                # The codec takes even sides alone.
                stream.width, stream.height = (max(2, int(side * scale) // 2 * 2) for side in (width, height))
                stream.pix_fmt, stream.time_base = "yuv420p", Fraction(1, _TICKS)
                stream.codec_context.time_base = Fraction(1, _TICKS)
            frame = av.VideoFrame.from_ndarray(image, format="rgb24")
            frame.pts = round((time_ns - first) * _TICKS / 1e9)
            frame.time_base = Fraction(1, _TICKS)
            for packet in stream.encode(frame):
                output.mux(packet)
            count += 1
        for packet in stream.encode() if stream is not None else ():
            output.mux(packet)
    return count
