"""The footage of the benches, as the product reads it."""

import itertools
import threading
from collections.abc import Iterator

from reid_core.types import Image
from stream.chain.config import RunSettings
from stream.footage.naming import SourceSpec
from stream.footage.opening import open_source


def read_frames(spec: SourceSpec, most: int) -> Iterator[Image]:
    """The first frames of a recording, ``H x W x 3`` RGB.

    Args:
        spec: the recording.
        most: how many at most.

    Raises:
        SourceError: it cannot be read.
    """
    settings = RunSettings()
    source = open_source(spec, settings.folder_fps, settings.live.open_seconds, settings.live.gone_seconds)
    for picture in itertools.islice(source.frames(0, threading.Event()), most):
        yield picture.rgb()
