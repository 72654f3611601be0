"""Cameras that change while they run: their polarity, their infrared filter, what stands before them."""

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest

from detectors.config import TrackerSettings
from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import CloseReason, Modality, Spectrum
from stream.chain.conditions import set_aside_of, switches_of
from stream.chain.config import CameraOptions, ChainSettings, IdentitySettings, RunSettings
from stream.footage.naming import SourceSpec
from stream.run.export import to_json
from stream.run.running import run_footage
from stream.worker.camera_lane import CameraLane
from stream.worker.sequencing import Clock
from tests.stream.test_camera_lane import comparable, recording
from tests.support.brightness import (
    RED,
    SMALL,
    START_NS,
    WARM,
    Walker,
    brightness_detector,
    scenes,
    write_video,
)
from tests.support.frames import Camera

FRAMES = 220
WALKERS = tuple(
    Walker(first, first + 28, RED, leftwards=bool(number % 2))
    for number, first in enumerate((4, 54, 104, 160))
)
GATE = Camera()
NIGHT = Camera(camera="night", modality=Modality.INFRARED, spectrum=Spectrum.THERMAL)
SETTINGS = ChainSettings(detector=SMALL, tracker=TrackerSettings(lost_seconds=1.0))


class Walked:
    """A lane gone through from its record on: its tracklets and its checkpoints."""

    def __init__(self, camera, seen, settings=SETTINGS, record=None):
        record = record or recording(camera)
        detector = brightness_detector(settings.detector)
        self.lane = CameraLane.open(record, camera.stream, detector, settings, "s", record.checkpoint)
        self.tracklets, self.checkpoints, self.looks = [], [], 0
        for index in range(record.checkpoint, len(seen)):
            before = Clock(0, camera.capture_ns(index) - 1, 0)
            gated = self.lane.admit(index, camera.capture_ns(index), seen[index], index, before)
            found = detector.look(gated.looks) if gated.looks else []
            self.looks += len(found)
            seen_of = {(look.region, look.invert): one for look, one in zip(gated.looks, found, strict=True)}
            self.tracklets += self.lane.settle(gated, seen_of)
            if self.lane.checkpoint is not None:
                self.checkpoints.append(self.lane.checkpoint)
                self.lane.checkpoint = None
        self.tracklets += self.lane.lane.close(CloseReason.END)
        self.end = self.lane.lane.checkpoint(len(seen))

    @property
    def shown(self):
        return [(str(one.modality), int(one.frames[0]), int(one.frames[-1])) for one in self.tracklets]


def again_at_every_checkpoint(camera, seen, whole, settings=SETTINGS):
    assert whole.checkpoints
    for checkpoint in whole.checkpoints:
        record = recording(camera, checkpoint.checkpoint, checkpoint.state)
        again = Walked(camera, seen, settings, record)
        later = [one for one in whole.tracklets if one.frames[0] >= checkpoint.checkpoint]
        assert comparable(again.tracklets) == comparable(later)
        assert again.end == whole.end


def grey(picture):
    return np.repeat(picture.max(axis=2, keepdims=True), 3, axis=2)


def street(walkers=WALKERS, size=(160, 120)):
    """The small bright world before a house in colour."""
    for picture in scenes(walkers, FRAMES, *size):
        picture[:, : size[0] // 8] = (30, 60, 110)
        yield picture


def filtered(away, back=FRAMES):
    """A visible camera whose infrared filter is away for some frames, in the middle of a walk."""
    return [grey(picture) if away <= index < back else picture for index, picture in enumerate(street())]


# The infrared filter


def test_no_crop_gives_way_to_one_of_other_light():
    """However much sharper it is; the picture is as bright as before, so that nothing else ends the walk."""
    pale = tuple(replace(one, colour=(255, 190, 150)) for one in WALKERS)
    seen = list(street(pale))
    for index in range(70, FRAMES):
        seen[index][:] = cv2.cvtColor(seen[index], cv2.COLOR_RGB2GRAY)[:, :, None]
        stripes = seen[index][:, ::4]
        stripes[stripes > 150] = 90
    settings = SETTINGS.model_copy(update={"tracker": TrackerSettings(lost_seconds=1.0, crops=1)})
    walk = Walked(GATE, seen, settings).tracklets[1]
    assert (walk.frames[-1], walk.close_reason) == (69, CloseReason.SWITCH)
    [kept] = Walked(GATE, seen[:70], settings).tracklets[1].sightings
    assert [one.crop.tobytes() for one in walk.sightings] == [kept.crop.tobytes()]


@pytest.mark.slow
def test_from_the_switch_on_nobody_is_a_visible_tracklet():
    whole = Walked(GATE, filtered(70))
    assert [str(one.spectrum) for one in whole.lane.lane.conditions.switches] == ["near"]
    assert whole.lane.lane.conditions.switches[0].frame == 70
    kinds, firsts, lasts = zip(*whole.shown, strict=True)
    assert kinds == ("visible", "visible", "infrared", "infrared", "infrared")
    # The second walk closes at the switch, and goes on as infrared with the very next frame.
    assert lasts[1] == 69 and firsts[2] == 70 and 80 <= lasts[2] <= 82
    for tracklet in whole.tracklets:
        for sighting in tracklet.sightings:
            assert (np.ptp(sighting.crop.reshape(-1, 3).astype(int), axis=1).max() < 5) == (
                tracklet.modality is Modality.INFRARED
            )
    again_at_every_checkpoint(GATE, filtered(70), whole)


@pytest.mark.slow
def test_one_camera_may_be_both_for_several_nights():
    seen = filtered(70, 118)
    whole = Walked(GATE, seen)
    assert [(one.frame, str(one.spectrum)) for one in switches_of(whole.end.state)] == [
        (70, "near"),
        (118, "visible"),
    ]
    assert [kind for kind, _, _ in whole.shown] == [
        *("visible", "visible", "infrared", "infrared", "visible", "visible")
    ]
    again_at_every_checkpoint(GATE, seen, whole)


def test_a_switch_while_nobody_is_there_is_dated_all_the_same():
    whole = Walked(GATE, filtered(95))
    assert [one.frame for one in switches_of(whole.end.state)] == [95]
    assert [kind for kind, _, _ in whole.shown] == ["visible", "visible", "infrared", "infrared"]


def test_a_camera_without_colour_is_near_infrared_from_its_beginning():
    seen = [grey(picture) for picture in street()]
    whole = Walked(GATE, seen)
    assert {kind for kind, _, _ in whole.shown} == {"infrared"}
    assert len(whole.tracklets) == len(WALKERS)


@pytest.mark.slow
def test_a_grey_yard_with_people_in_colour_has_not_switched():
    seen = list(scenes(WALKERS, FRAMES, 160, 120))
    whole = Walked(GATE, seen)
    assert "switches" not in whole.end.state
    assert [kind for kind, _, _ in whole.shown] == ["visible"] * len(WALKERS)
    again_at_every_checkpoint(GATE, seen, whole)


def test_an_infrared_camera_is_left_alone():
    seen = [grey(picture) for picture in street()]
    assert "switches" not in Walked(NIGHT, seen).end.state


@pytest.mark.parametrize("where", ["all", "camera"])
def test_it_may_be_noted_and_nothing_else(where):
    told = {"grey": "note"} if where == "all" else {"cameras": {"gate": {"grey": "note"}}}
    settings = SETTINGS.model_copy(
        update={
            "grey": told.get("grey", "near-infrared"),
            "cameras": {name: CameraOptions(**one) for name, one in told.get("cameras", {}).items()},
        }
    )
    whole = Walked(GATE, filtered(70), settings)
    assert {kind for kind, _, _ in whole.shown} == {"visible"} and len(whole.tracklets) == len(WALKERS)
    assert [one.frame for one in switches_of(whole.end.state)] == [70] and whole.end.state["noted"]


@pytest.mark.slow
def test_a_run_tells_of_it_and_links_whom_it_shows(tmp_path, colour_checkpoint):
    video = write_video(
        tmp_path / "gate.mp4",
        (grey(picture) if index >= 90 else picture for index, picture in enumerate(street(size=(320, 240)))),
        fps=10.0,
    )
    spec = SourceSpec("gate", str(video), Modality.VISIBLE, Spectrum.VISIBLE, START_NS)
    settings = RunSettings(detector=SMALL, identity=IdentitySettings(merge_score=0.98))
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        for _ in range(2):
            # The second time from the gallery alone.
            result = run_footage(
                [spec], gallery, brightness_detector(), load_embedder(colour_checkpoint), settings
            )
            [camera] = to_json(result)["cameras"]
            [switch] = camera["switches"]
            assert switch == {"frame": 90, "time": "2023-11-14T22:13:29.000Z", "spectrum": "near"}
            assert [one.get("modality", "visible") for one in camera["tracklets"]] == [
                *("visible", "visible", "infrared", "infrared")
            ]
            assert [bool(one["identity"]) for one in camera["tracklets"]] == [True, True, False, False]
            assert len(result.links) == 2
            told = "Camera gate shows no colour since 2023-11-14T22:13:29.000Z (frame 90)"
            assert any(one.startswith(told) for one in result.warnings)
            visible = sum(len(one.sightings) for one in result.cameras[0].tracklets[:2])
            assert result.gallery_vectors == visible


# Polarity


WARM_WALKERS = tuple(replace(one, colour=WARM) for one in WALKERS)


def switched(at, walkers=WARM_WALKERS):
    """A thermal camera that is switched from one polarity to the other, before a house that is warm below."""
    for index, picture in enumerate(scenes(walkers, FRAMES, 160, 120)):
        picture[100:] = 90
        yield 255 - picture if index >= at else picture


@pytest.mark.parametrize("at", [66, 95, 100, 150])
@pytest.mark.slow
def test_a_polarity_that_switches_costs_nobody(at):
    """In the middle of a walk, while nobody is there, and at a frame where a run could begin anew."""
    seen = list(switched(at))
    whole = Walked(NIGHT, seen)
    steady = Walked(NIGHT, list(switched(FRAMES)))
    found = {frame for one in whole.tracklets for frame in one.frames.tolist()}
    expected = {frame for one in steady.tracklets for frame in one.frames.tolist()}
    assert found == expected and len(expected) > 100
    again_at_every_checkpoint(NIGHT, seen, whole)


@pytest.mark.slow
def test_a_switch_is_noticed_where_no_frame_shows_it():
    """The camera was away for it: nothing tells but somebody in a frame of which both are looked at."""
    flat = [np.full((120, 160, 3), 90, np.uint8)] * 3
    seen = list(switched(FRAMES))[:100] + flat + list(switched(0)) * 3
    whole = Walked(NIGHT, seen)
    # Somebody is in view at frame 400, and everybody behind it is found again.
    assert whole.lane.lane.judge.invert is True
    behind = [one for one in whole.tracklets if one.frames[0] > 103 + 2 * FRAMES]
    assert len(behind) == len(WALKERS)
    again_at_every_checkpoint(NIGHT, seen, whole)


def test_a_doubt_is_remembered_and_passes():
    state = {"settings": "s", "as_is": 0.0, "inverted": 0.0, "invert": False, "doubted": 2}
    nobody = list(switched(FRAMES, ()))
    doubting = Walked(NIGHT, nobody[:74], record=recording(NIGHT, 50, state))
    assert doubting.end.state["doubted"] == 1
    passed = Walked(NIGHT, nobody[:76], record=recording(NIGHT, 50, state))
    assert "doubted" not in passed.end.state and passed.end.state["invert"] is False


def test_a_stated_polarity_is_not_doubted():
    settings = SETTINGS.model_copy(update={"detector": SMALL.model_copy(update={"polarity": "black-hot"})})
    whole = Walked(NIGHT, list(switched(100)), settings)
    assert max(one.frames[-1] for one in whole.tracklets) < 100


@pytest.mark.slow
def test_a_decided_polarity_costs_one_frame_in_a_hundred_twice():
    seen = list(switched(FRAMES))
    whole, told = (
        Walked(
            NIGHT,
            seen,
            SETTINGS.model_copy(update={"detector": SMALL.model_copy(update={"polarity": polarity})}),
            recording(NIGHT, 0, {"settings": "s", "as_is": 5.0, "inverted": 0.0, "invert": False}),
        )
        for polarity in ("auto", "black-hot")
    )
    assert comparable(whole.tracklets) == comparable(told.tracklets)
    assert whole.looks - told.looks == 2 * (FRAMES // 100 + 1)


# What is nobody


@pytest.mark.slow
def test_nobody_is_followed_in_an_ignore_zone():
    """A poster hangs where a zone is, and people walk by."""
    poster = (slice(2, 36), slice(100, 116))
    seen = []
    for picture in street():
        picture[poster] = (220, 220, 60)
        seen.append(picture)
    zone = ((98, 0), (118, 0), (118, 40), (98, 40))
    free = Walked(GATE, seen)
    settings = SETTINGS.model_copy(update={"cameras": {"gate": CameraOptions(ignore=(zone,))}})
    ignored = Walked(GATE, seen, settings)
    assert any(one.boxes[:, 3].max() < 40 and len(one) > 100 for one in free.tracklets)
    assert all(one.boxes[:, 3].max() > 60 for one in ignored.tracklets) and ignored.tracklets
    assert set_aside_of(ignored.end.state)["zone"] > 100
    again_at_every_checkpoint(GATE, seen, ignored, settings)


def test_what_never_moves_is_counted_and_left_out():
    seen = []
    for picture in street(()):
        picture[20:60, 100:120] = (220, 220, 60)
        seen.append(picture)
    settings = SETTINGS.model_copy(update={"tracker": TrackerSettings(motionless_seconds=15)})
    whole = Walked(GATE, seen, settings)
    assert whole.tracklets == [] and set_aside_of(whole.end.state) == {"zone": 0, "motionless": 1}
    assert len(Walked(GATE, seen).tracklets) == 1


@pytest.mark.slow
def test_a_camera_that_nobody_reads_is_told_of(tmp_path, colour_checkpoint, night_videos):
    settings = RunSettings(detector=SMALL, cameras={"gaet": CameraOptions()})
    stop = threading.Event()
    stop.set()
    spec = SourceSpec("gate", str(night_videos["gate"]), Modality.VISIBLE, Spectrum.VISIBLE, START_NS)
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        result = run_footage(
            [spec],
            gallery,
            brightness_detector(),
            load_embedder(colour_checkpoint),
            settings,
            stop=stop,
        )
    assert "The settings name a camera that is not read: gaet." in result.warnings
