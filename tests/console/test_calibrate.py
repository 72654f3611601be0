"""``nightreid calibrate``: a checkpoint keeps its identity and gets its probabilities."""

import json

import pytest

from console.calibrate import calibrate_command
from reid_core.errors import ConfigError, SourceError, UsageError
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.preprocess import Preprocess
from tests.support.people import write_people

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def people(tmp_path_factory):
    return write_people(tmp_path_factory.mktemp("people") / "set", train=2, val=14, test=1, images=4)


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
