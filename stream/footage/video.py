"""Recorded video files."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reid_core.errors import SourceError
from reid_core.file_names import openable
from stream.footage.door import door, environment
from stream.footage.naming import SourceSpec
from stream.footage.sources import Source, SourceFrame, check_size, sampled_digest

_FULL_HD = 1920 * 1080


class VideoSource(Source):
    """A recorded video file."""

    def __init__(self, spec: SourceSpec, path: Path) -> None:
        super().__init__(spec)
        self._path = path
        try:
            self.digest = sampled_digest(path)
            modified = path.stat().st_mtime_ns
        except OSError as error:
            raise SourceError(f"The video {path} cannot be read: {error.strerror}.") from None
        capture = self._open()
        # Said by the container: a frame that is too large must not be decoded to learn that it is.
        size = [int(capture.get(side)) for side in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT)]
        if all(size):
            check_size(size[0], size[1], str(path))
        decoded, image = capture.read()
        if not decoded:
            raise SourceError(f"The video {path} holds no frame that can be decoded.")
        check_size(image.shape[1], image.shape[0], str(path))
        self.height, self.width = image.shape[:2]
        fps = capture.get(cv2.CAP_PROP_FPS)
        self.fps = float(fps) if 0 < fps < 1000 else 25.0
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        self.total = int(count) if 0 < count < 1e9 else None
        # Without a clock of its own, a recording is taken to have ended when its file was last written.
        length = (self.total or 0) / self.fps
        self.start_ns = spec.start_ns if spec.start_ns is not None else modified - int(length * 1e9)
        capture.release()

    def frames(self, first: int, stop: threading.Event) -> Iterator[SourceFrame]:
        """As `Source.frames`; those before ``first`` are decoded and passed over, which is exact."""
        # Below full HD a decoder of several threads costs the detector more than it gains.
        capture = self._open(1 if self.width * self.height <= _FULL_HD else 0)
        index = 0
        try:
            while index < first and not stop.is_set():
                if not capture.grab():
                    break
                index += 1
            while not stop.is_set():
                decoded, image = capture.read()
                if not decoded:
                    break
                yield SourceFrame(index, self.time_of(index), np.asarray(image, np.uint8), True)
                index += 1
        finally:
            capture.release()
        # Containers that were closed in order may still claim a frame or two more than they hold.
        if not stop.is_set() and self.total is not None and index < self.total - max(2, self.total // 200):
            self.problem = (
                f"The video {self._path} ends after {index} of {self.total} frames: "
                f"it is damaged or cut short."
            )

    def _open(self, threads: int = 0) -> Any:
        # A file may be a playlist that sends the demuxer elsewhere: nothing but files is followed.
        with (
            door.file(),
            openable(self._path) as name,
            environment("OPENCV_FFMPEG_CAPTURE_OPTIONS", "protocol_whitelist;file,crypto,data"),
        ):
            options = [cv2.CAP_PROP_N_THREADS, threads] if threads else []
            capture = cv2.VideoCapture(name, cv2.CAP_FFMPEG, options)
        if not capture.isOpened():
            raise SourceError(
                f"The file {self._path} is not a video that can be decoded: damaged, cut short or no video."
            )
        return capture
