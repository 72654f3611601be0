"""What is particular to one camera: the same contract for a run and for a worker."""

import hashlib

import pytest

from detectors.config import TrackerSettings
from reid_core.config import load_config
from reid_core.errors import ConfigError
from stream.chain.config import ChainSettings, RunSettings
from stream.chain.parts import settings_digest
from stream.worker.config import WorkerSettings
from tests.support.brightness import brightness_detector

ZONE = "[[0.1, 0.2], [0.3, 0.2], [0.3, 0.9]]"


@pytest.mark.parametrize("settings", [RunSettings, WorkerSettings])
def test_zones_and_grey_from_the_command_line(settings):
    told = load_config(settings, None, [f"cameras.lobby.ignore=[{ZONE}]", "cameras.yard.grey=note"])
    assert told.camera("lobby").ignore == (((0.1, 0.2), (0.3, 0.2), (0.3, 0.9)),)
    assert (told.camera("lobby").grey, told.camera("yard").grey) == ("near-infrared", "note")
    assert told.camera("another") == ChainSettings().camera("another")
    everywhere = load_config(settings, None, ["grey=note", "cameras.yard.grey=near-infrared"])
    assert (everywhere.camera("lobby").grey, everywhere.camera("yard").grey) == ("note", "near-infrared")


@pytest.mark.parametrize("settings", [RunSettings, WorkerSettings])
@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("cameras.lobby.ignore=[[[0.1, 0.2], [0.3, 0.2]]]", "cameras.lobby.ignore"),
        ("cameras.lobby.ignore=[[[0, 0], [0.5, 0.5], [1, 1]]]", "encloses nothing"),
        ("cameras.lobby.ignore=[[[-1, 0], [0.5, 0], [1, 1]]]", "cameras.lobby.ignore"),
        ("cameras.lobby.ignore=[[[.nan, 0], [0.5, 0], [1, 1]]]", "cameras.lobby.ignore"),
        (f"cameras.lobby.ignore={ZONE}", "cameras.lobby.ignore"),
        ("cameras.lobby.ignroe=[]", "ignroe"),
        ("cameras.lobby.grey=visible", "cameras.lobby.grey"),
    ],
)
def test_what_is_no_zone_is_one_sentence(settings, override, said):
    with pytest.raises(ConfigError) as caught:
        load_config(settings, None, [override])
    assert said in caught.value.message or said in (caught.value.hint or "")


def digest(**settings):
    return settings_digest(brightness_detector(), ChainSettings(**settings), "lobby")


def test_a_recording_of_before_knows_its_settings_again():
    """The digest of settings as usual is the one of galleries from before there were zones."""
    detector, usual = brightness_detector(), ChainSettings()
    tracker = usual.tracker.model_dump_json(exclude={"motionless_seconds", "motionless_travel"})
    parts = [detector.digest, usual.detector.model_dump_json(), usual.motion.model_dump_json(), tracker]
    assert digest() == hashlib.sha256("/".join(parts).encode()).hexdigest()[:16]


def test_what_changes_a_cameras_tracklets_changes_its_digest_alone():
    zones = {"ignore": [[(0, 0), (1, 0), (1, 1)]]}
    assert digest(cameras={"yard": zones}) == digest()
    others = [
        digest(cameras={"lobby": zones}),
        digest(grey="note"),
        digest(tracker=TrackerSettings(motionless_seconds=None)),
        digest(tracker=TrackerSettings(motionless_travel=0.1)),
    ]
    assert len({digest(), *others}) == 5
