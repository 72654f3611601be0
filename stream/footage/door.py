"""The door to OpenCV's video files and cameras: what opens beside what, with which options."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class _Door:
    """Lets files open one at a time and while no camera does, and cameras side by side.

    The options of FFmpeg's demuxers travel in an environment variable, which is the process's. Those of a
    file must not be a camera's; but a camera that does not answer must not keep the others waiting.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._files = self._cameras = 0

    @contextmanager
    def file(self) -> Iterator[None]:
        """Open a file inside."""
        with self._changed:
            # Counted while it waits: cameras that are tried again and again must not keep it out.
            self._files += 1
            try:
                self._changed.wait_for(lambda: self._cameras == 0)
                yield
            finally:
                self._files -= 1
                self._changed.notify_all()

    @contextmanager
    def camera(self) -> Iterator[None]:
        """Open a camera inside."""
        with self._changed:
            self._changed.wait_for(lambda: self._files == 0)
            self._cameras += 1
        try:
            yield
        finally:
            with self._changed:
                self._cameras -= 1
                self._changed.notify_all()


door = _Door()
"""The one door of the process."""


@contextmanager
def environment(name: str, value: str) -> Iterator[None]:
    """An environment variable set for a moment."""
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
