"""``nightreid calibrate``: a checkpoint keeps its identity and gets its probabilities."""

import json

import numpy as np
import pytest

from console.calibrate import calibrate_command, calibrate_gallery_command, calibrate_labels_command
from reid_core.errors import ConfigError, SourceError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.preprocess import Preprocess
from reid_core.runtime import load_embedder
from stream.chain.config import ChainSettings
from stream.chain.parts import identity_policy
from tests.support.gallery_world import Scene, near, unit
from tests.support.people import write_people

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_people(module_tmp("people") / "set", train=2, val=14, test=1, images=4)


@pytest.fixture
def model(tmp_path):
    network = create_dual_stream("resnet18", 32)
    save_checkpoint(tmp_path / "model", network, name="m", preprocess=Preprocess(height=64, width=32))
    return tmp_path / "model"


def test_it_writes_the_calibration_and_leaves_the_rest(model, people, capsys):
    before = load_checkpoint(model)[1]
    assert before.manifest.calibration == {}
    assert calibrate_command(model, people, overrides=["gallery=8"], as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    after = load_checkpoint(model)[1]
    assert said["model_id"] == after.model_id == before.model_id
    found = after.manifest.calibration["visible-visible"]
    assert found.to_dict() == said["calibration"]["visible-visible"]
    assert "14 identities of set (val)" in found.data
    assert after.manifest.model_copy(update={"calibration": {}}) == before.manifest
    # Stricter, the threshold moves and the curve does not.
    strict = ["gallery=8", "merge_false_positive_rate=0.01"]
    calibrate_command(model, people, overrides=strict)
    assert "visible-visible: a score of" in capsys.readouterr().out
    now = load_checkpoint(model)[1].manifest.calibration["visible-visible"]
    assert now.threshold > found.threshold and now.slope == found.slope


def test_people_that_cannot_be_calibrated_on_change_nothing(model, people):
    before = (model / "model.json").read_bytes()
    with pytest.raises(UsageError, match="needs at least 10 pairs"):
        calibrate_command(model, people, "test")
    with pytest.raises(SourceError):
        calibrate_command(model, people / "nowhere")
    with pytest.raises(ConfigError, match="galery"):
        calibrate_command(model, people, overrides=["galery=8"])
    assert (model / "model.json").read_bytes() == before


def test_a_calibration_is_measured_in_galleries_of_several_sizes(model, people, capsys):
    with pytest.raises(UsageError, match="has no calibration to check"):
        calibrate_command(model, people, sizes=[5])
    calibrate_command(model, people, overrides=["gallery=8"])
    before = (model / "model.json").read_bytes()
    capsys.readouterr()
    assert calibrate_command(model, people, sizes=[12, 5], as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    found = said["galleries"]["visible-visible"]
    assert [one["size"] for one in found] == [5, 12] and found[0]["known"] + found[0]["strangers"] == 20 * 14
    assert all(0 <= one["accepted_95"][0] <= one["accepted"] <= one["accepted_95"][1] <= 1 for one in found)
    assert calibrate_command(model, people, sizes=[5]) == 0
    told = capsys.readouterr().out
    assert "newcomers" in told and f"{found[0]['accepted']:.3f} ({found[0]['accepted_95'][0]:.2f} to" in told
    with pytest.raises(UsageError, match="fewer than all of the 14 people"):
        calibrate_command(model, people, sizes=[14])
    assert (model / "model.json").read_bytes() == before


def test_a_gallery_is_calibrated_on_its_own_cameras(model, tmp_path, capsys):
    url, rng = f"sqlite:///{tmp_path / 'g.db'}", np.random.default_rng(4)
    name = load_checkpoint(model)[1].model_id
    with Gallery.open(url) as gallery:
        scene = Scene(gallery)
        entries = [scene.entry(50 * i, near(one, rng, 4, 0.03)) for i, one in enumerate(unit(rng, 30, 32))]
        gallery.add_tracklets(entries, name, IdentityPolicy(None))
    assert calibrate_gallery_command(url, model, ["merge_rate=0.02"]) == 0
    assert "calibrated on 30 tracklets of lobby" in capsys.readouterr().out
    assert calibrate_gallery_command(url, model, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["version"], said["cameras"], said["notes"]) == (2, ["lobby"], [])
    with Gallery.open(url) as gallery:
        # Whoever comes now is decided about by it.
        policy = identity_policy(gallery, load_embedder(model), ChainSettings())
        assert policy.least_score(30) == pytest.approx(said["threshold"])


def test_links_are_calibrated_on_what_people_said_of_them(model, tmp_path):
    url = f"sqlite:///{tmp_path / 'x.db'}"
    with pytest.raises(UsageError, match="There is no gallery"):
        calibrate_labels_command(url, model)
    Gallery.open(url).close()
    with pytest.raises(UsageError, match="0 links are confirmed, and 20 are needed"):
        calibrate_labels_command(url, model)
