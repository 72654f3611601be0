"""Cameras that speak RTSP, plain and over TLS."""

import itertools
import threading
import time

import numpy as np
import pytest

from reid_core.types import Modality, Spectrum
from stream.footage.live import LiveSource
from stream.footage.naming import SourceSpec
from tests.support.brightness import scene
from tests.support.rtsp import WALKERS, rtsp_camera

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("encrypted", [False, True], ids=["rtsp", "rtsps"])
def test_frames_that_come_at_once_keep_their_own_times(tmp_path, encrypted):
    with rtsp_camera(tmp_path, at_once=60, frames=90, encrypted=encrypted) as address:
        spec = SourceSpec("gate", address, Modality.VISIBLE, Spectrum.VISIBLE)
        source = LiveSource(spec, open_seconds=20, gone_seconds=1)
        frames = list(itertools.islice(source.frames(0, threading.Event()), 80))
    assert (source.width, source.height, source.fps) == (320, 240, 25)
    assert [frame.index for frame in frames] == list(range(80))
    times = np.array([frame.time_ns for frame in frames])
    assert times[0] == source.start_ns and times[-1] <= time.time_ns()
    assert np.abs(np.diff(times[:50]) / 1e6 - 40).max() < 1
    assert (np.diff(times) > 0).all()
    for number in (0, 30, 79):
        difference = frames[number].rgb().astype(int) - scene(WALKERS, number)
        assert np.abs(difference).mean() < 8
