"""The two real videos through gate, detector and tracker."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from detectors.config import DetectorSettings, MotionSettings, TrackerSettings
from detectors.detector import Look, PersonDetector
from detectors.motion import REFRESH, MotionGate
from detectors.tracking import CameraTracker
from reid_core.types import CloseReason, Frame, Modality

pytestmark = pytest.mark.footage


@dataclass
class Watched:
    """What came of a video."""

    tracklets: list
    looks: int


def _regions_seen(detector, frame, regions, inverts):
    looks = [Look(frame, regions[number], invert) for number in range(len(regions)) for invert in inverts]
    found = detector.look(looks)
    return {(look.region, look.invert): one for look, one in zip(looks, found, strict=True)}


def watch(video, modality, detector, tracker=TrackerSettings(), motion=MotionSettings()):  # noqa: B008
    """One video, one frame after the other, as a run takes it."""
    capture = cv2.VideoCapture(str(video))
    fps = capture.get(cv2.CAP_PROP_FPS)
    gate, judge = MotionGate(motion), detector.judge(modality)
    one = CameraTracker("recording", "camera", modality, fps, tracker, detector.settings.look(modality))
    kept, ended, looks, index = {}, [], 0, 0
    while True:
        got, picture = capture.read()
        if not got:
            break
        time_ns = int(index * 1e9 / fps)
        frame = Frame("camera", modality, index, time_ns, cv2.cvtColor(picture, cv2.COLOR_BGR2RGB))
        regions = detector.regions(frame)
        motion_of = gate.admit(picture, index, regions)
        moved = [regions[number] for number in motion_of.moved]
        if moved:
            inverts = (False, True) if judge.invert is None else (judge.invert,)
            seen = _regions_seen(detector, frame, moved, inverts)
            looks += len(seen)
            if judge.invert is None:
                versions = [detector.merge([seen[region, flag] for region in moved]) for flag in inverts]
                judge.see(*versions, motion_of.cut or index % REFRESH == 0)
            kept.update({region: seen[region, judge.leaning] for region in moved})
        found = detector.merge([kept[region] for region in regions])
        ended += one.update(index, time_ns, found, frame if moved else None, motion_of.cut)
        index += 1
    return Watched(ended + one.close(CloseReason.END), looks)


@pytest.fixture(scope="module", params=["bytetrack", "botsort"])
def kind(request):
    return request.param


@pytest.fixture(scope="module")
def remembered(int8):
    """The detector, its answers kept so that the second tracker does not have to wait for them."""
    answers = {}

    class Remembering(PersonDetector):
        def look(self, looks):
            keys = [
                (one.frame.camera, one.frame.modality, one.frame.index, one.region, one.invert)
                for one in looks
            ]
            new = [one for one, key in zip(looks, keys, strict=True) if key not in answers]
            found = iter(super().look(new))
            answers.update({key: next(found) for key in keys if key not in answers})
            return [answers[key] for key in keys]

    return Remembering(int8.network, int8.name, int8.digest, int8.settings)


@pytest.fixture(scope="module")
def day(footage, remembered, kind):
    return watch(footage["day"], Modality.VISIBLE, remembered, TrackerSettings(kind=kind))


@pytest.fixture(scope="module")
def night(footage, remembered, kind):
    return watch(footage["night"], Modality.INFRARED, remembered, TrackerSettings(kind=kind))


def test_the_six_visits_of_the_day_are_six_tracklets(day):
    visits = [(62, 196), (231, 446), (507, 699), (745, 866), (925, 1197), (1235, 1358)]
    assert len(day.tracklets) == len(visits)
    for tracklet, (first, last) in zip(day.tracklets, visits, strict=True):
        assert abs(tracklet.frames[0] - first) <= 4
        assert abs(tracklet.frames[-1] - last) <= 4
        assert len(tracklet) >= 0.9 * (last - first)
        assert len(tracklet.sightings) == 5
        assert all(one.quality > 0.3 for one in tracklet.sightings)


def test_most_pictures_of_the_day_are_not_looked_at(day, night):
    assert day.looks < 0.6 * 1394
    assert night.looks < 0.6 * 783


def _share(tracklets, first, last):
    frames = {int(frame) for tracklet in tracklets for frame in tracklet.frames}
    return sum(frame in frames for frame in range(first, last + 1)) / (last - first + 1)


def test_the_walker_of_the_night_is_found(night):
    assert _share(night.tracklets, 30, 260) >= 0.80
    assert _share(night.tracklets, 290, 630) >= 0.95
    assert _share(night.tracklets, 680, 782) >= 0.90
    assert len(night.tracklets) <= 4
    assert [one.close_reason for one in night.tracklets][:2] == [CloseReason.CUT, CloseReason.CUT]


def test_nobody_else_is_found_at_night(night):
    for tracklet in night.tracklets:
        for frame, box in zip(tracklet.frames, tracklet.boxes, strict=True):
            x, y = (box[:2] + box[2:]) / 2
            if frame < 284:
                assert 0 <= x <= 68
                assert abs(y - 74) < 12
            elif frame < 650:
                assert abs(x - 86) < 12
                assert abs(y - 70) < 12
            else:
                assert abs(x - np.interp(frame, [660, 690, 720, 740, 782], [75, 63, 50, 42, 30])) < 10
                assert abs(y - 60) < 12


@pytest.mark.slow
@pytest.mark.parametrize("contrast", [12, 28])
@pytest.mark.parametrize("area", [0.0005, 0.002])
@pytest.mark.parametrize("confidence", [0.2, 0.3])
def test_the_settings_do_not_stand_on_an_edge(contrast, area, confidence, footage, int8):
    settings = int8.settings
    night = DetectorSettings(infrared=settings.infrared.model_copy(update={"confidence": confidence}))
    detector = PersonDetector(int8.network, int8.name, int8.digest, night)
    motion = MotionSettings(contrast=contrast, area=area)
    seen = watch(footage["night"], Modality.INFRARED, detector, motion=motion).tracklets
    assert len(seen) <= 4
    assert _share(seen, 30, 260) >= 0.80
    assert _share(seen, 290, 630) >= 0.95
    assert _share(seen, 680, 782) >= 0.90
