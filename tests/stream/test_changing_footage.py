"""Real footage whose camera changes in the middle, seen by a real detector."""

import cv2
import numpy as np
import pytest

from detectors.config import DetectorSettings
from detectors.detector import PersonDetector
from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Modality, Spectrum
from stream.footage.naming import SourceSpec
from stream.run.running import run_footage
from tests.support.brightness import START_NS, write_video

pytestmark = [pytest.mark.footage, pytest.mark.slow]


def frames(video, first, last):
    capture = cv2.VideoCapture(str(video))
    for index in range(last):
        picture = capture.read()[1]
        if index >= first:
            yield cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)


@pytest.fixture
def seen(footage, tmp_path, colour_checkpoint):
    """What a run finds in pictures, as one camera."""

    def run(pictures, modality, spectrum, fps):
        video = write_video(tmp_path / "cam.mp4", pictures, fps)
        spec = SourceSpec("cam", str(video), modality, spectrum, START_NS)
        with (
            Gallery.open(f"sqlite:///{tmp_path / f'{len(list(tmp_path.iterdir()))}.db'}") as gallery,
            PersonDetector.open(footage["detector"], DetectorSettings()) as detector,
        ):
            [camera] = run_footage([spec], gallery, detector, load_embedder(colour_checkpoint)).cameras
        return camera

    return run


def test_a_visit_during_which_the_filter_moves_away(footage, seen):
    def filtered(at):
        for index, picture in enumerate(frames(footage["day"], 60, 200)):
            grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY)
            yield picture if index < at else np.repeat(grey[:, :, None], 3, 2)

    whole = seen(filtered(1000), Modality.VISIBLE, Spectrum.VISIBLE, 10.0)
    assert len(whole.of(Modality.VISIBLE)) == len(whole.tracklets) == 1 and not whole.switches
    [visit] = whole.tracklets
    middle = (visit.first_frame + visit.last_frame) // 2
    both = seen(filtered(middle), Modality.VISIBLE, Spectrum.VISIBLE, 10.0)
    assert [(one.frame, one.spectrum) for one in both.switches] == [(middle, Spectrum.NEAR)]
    [day], [night] = both.of(Modality.VISIBLE), both.of(Modality.INFRARED)
    assert day.last_frame < middle <= night.first_frame <= middle + 15
    assert abs(day.first_frame - visit.first_frame) <= 2 and abs(night.last_frame - visit.last_frame) <= 2


def test_a_walker_while_the_polarity_is_switched(footage, seen):
    first, last, at = 284, 650, 183

    def switched():
        for index, picture in enumerate(frames(footage["night"], first, last)):
            yield picture if index < at else 255 - picture

    before, behind = seen(switched(), Modality.INFRARED, Spectrum.THERMAL, 25.0).tracklets
    assert (before.first_frame, before.last_frame, before.close_reason) == (0, at - 1, "cut")
    # A walker who is begun anew may take a few frames to be sure of.
    assert at <= behind.first_frame <= at + 10 and behind.last_frame >= last - first - 10
