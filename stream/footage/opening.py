"""Opening what the user named: a video file, a folder of images, or a camera."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import cv2

from reid_core.errors import SourceError
from reid_core.images import IMAGE_SUFFIXES
from stream.footage.folders import FolderSource
from stream.footage.http_files import HttpFile, http_file
from stream.footage.live import LiveSource
from stream.footage.naming import SourceSpec, may_be_recorded
from stream.footage.sources import Source
from stream.footage.video import VideoSource

_MOST_ASKED = 32


def open_source(spec: SourceSpec, folder_fps: float, open_seconds: float, gone_seconds: float) -> Source:
    """Open a source and look at its first frame.

    Raises:
        SourceError: it does not exist, or no frame can be read from it.
    """
    _quiet_opencv()
    spec, file = _asked(spec, open_seconds)
    if file is not None:
        return VideoSource(spec, file)
    if spec.recorded:
        raise SourceError(f"The recording {spec.shown} is not there any more.")
    if spec.live:
        return LiveSource(spec, open_seconds, gone_seconds)
    path = existing(spec)
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return FolderSource(spec, path, folder_fps)
    return VideoSource(spec, path)


def asked(specs: Sequence[SourceSpec], seconds: float) -> list[SourceSpec]:
    """The sources, those of HTTP servers with what these say they are; all servers are asked at once.

    Args:
        specs: the sources.
        seconds: how long an answer is waited for.
    """
    with ThreadPoolExecutor(_MOST_ASKED) as pool:
        return list(pool.map(lambda spec: _asked(spec, seconds)[0] if spec.to_be_asked else spec, specs))


def _asked(spec: SourceSpec, seconds: float) -> tuple[SourceSpec, HttpFile | None]:
    """A source as its server says what it is, with the file if it is one."""
    if spec.recorded is False or not may_be_recorded(spec.location):
        return spec, None
    try:
        file = http_file(spec.location, seconds)
    except ConnectionError:
        return spec, None
    return replace(spec, recorded=file is not None), file


def existing(spec: SourceSpec) -> Path:
    """The path of a recording.

    Raises:
        SourceError: it does not exist.
    """
    path = Path(spec.location)
    if not path.exists():
        raise SourceError(f"The source {spec.shown} does not exist.")
    return path


def _quiet_opencv() -> None:
    """OpenCV writes complaints to the terminal; what matters of them is said in our errors."""
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
