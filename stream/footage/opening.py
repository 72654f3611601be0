"""Opening what the user named: a video file, a folder of images, or a camera."""

import os
from pathlib import Path

import cv2

from reid_core.errors import SourceError
from reid_core.images import IMAGE_SUFFIXES
from stream.footage.folders import FolderSource
from stream.footage.live import LiveSource
from stream.footage.naming import SourceSpec
from stream.footage.sources import Source
from stream.footage.video import VideoSource


def open_source(spec: SourceSpec, folder_fps: float, open_seconds: float, gone_seconds: float) -> Source:
    """Open a source and look at its first frame.

    Raises:
        SourceError: it does not exist, or no frame can be read from it.
    """
    _quiet_opencv()
    if spec.live:
        return LiveSource(spec, open_seconds, gone_seconds)
    path = existing(spec)
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return FolderSource(spec, path, folder_fps)
    return VideoSource(spec, path)


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
    """FFmpeg and OpenCV write complaints to the terminal; what matters of them is said in our errors."""
    os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
    cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
