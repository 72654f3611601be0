"""``nightreid standardise``, and what a model says of scores of standardised vectors."""

import json

import numpy as np
import pytest

from console.calibrate import calibrate_command
from console.standardise import standardise_command
from reid_core.errors import ModelError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.manifest import read_manifest
from reid_core.preprocess import Preprocess
from reid_core.runtime import load_embedder
from reid_core.types import Decision, Modality
from stream.chain.config import ChainSettings
from stream.chain.parts import identity_policy
from tests.support.gallery_world import Scene, near, unit
from tests.support.people import write_people

pytestmark = pytest.mark.slow

FORM = "mean-deviation(20,0.5)"


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_people(module_tmp("people") / "set", train=2, val=14, test=1, images=4)


@pytest.fixture
def model(tmp_path):
    network = create_dual_stream("resnet18", 32)
    save_checkpoint(tmp_path / "model", network, name="m", preprocess=Preprocess(height=64, width=32))
    return tmp_path / "model"


@pytest.fixture
def url(tmp_path, model):
    """A gallery of 110 people of two cameras and three at night."""
    address, draw = f"sqlite:///{tmp_path / 'g.db'}", np.random.default_rng(4)
    with Gallery.open(address) as gallery:
        scenes = [Scene(gallery, "hall"), Scene(gallery, "yard")]
        seen = unit(draw, 110, 32)
        entries = [scenes[i % 2].entry(50 * i, near(one, draw, 2, 0.03)) for i, one in enumerate(seen)]
        dark = Scene(gallery, "dark", Modality.INFRARED)
        entries += [dark.entry(50 * i, near(one, draw, 2, 0.03)) for i, one in enumerate(seen[:3])]
        gallery.add_tracklets(entries, load_checkpoint(model)[1].model_id, IdentityPolicy(None))
    return address


def test_a_model_says_what_scores_of_standardised_vectors_mean(model, people, capsys):
    calibrate_command(model, people, overrides=["gallery=8"])
    plain = load_embedder(model).calibration("visible-visible")
    assert "standardised" not in json.loads((model / "model.json").read_text())
    capsys.readouterr()
    assert calibrate_command(model, people, overrides=["gallery=8"], form=FORM, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    embedder = load_embedder(model)
    other = embedder.calibration("visible-visible", FORM)
    assert embedder.calibration("visible-visible") == plain and other.slope != plain.slope
    assert (other.to_dict(), FORM) == (said["calibration"]["visible-visible"], said["standardised"])
    # The same form in other words, and another one.
    assert embedder.calibration("visible-visible", "mean-deviation(20,.5)") == other
    assert embedder.calibration("visible-visible", "mean") is None
    assert calibrate_command(model, people, sizes=[5], as_json=True) == 0
    checked = json.loads(capsys.readouterr().out)
    assert checked["standardised"]["form"] == FORM
    both = [
        each["galleries"]["visible-visible"][0]["threshold"] for each in (checked, checked["standardised"])
    ]
    assert both == [plain.threshold_for(5), other.threshold_for(5)]
    # Each of the two leaves the other.
    calibrate_command(model, people, overrides=["gallery=8", "merge_rate=0.3"])
    assert load_embedder(model).calibration("visible-visible") != plain
    assert load_embedder(model).calibration("visible-visible", FORM) == other
    with pytest.raises(UsageError, match="no form of standardising"):
        calibrate_command(model, people, form="median")
    manifest = json.loads((model / "model.json").read_text())
    (model / "model.json").write_text(json.dumps(manifest | {"standardised": {"form": "median"}}))
    with pytest.raises(ModelError, match="no form of standardising"):
        read_manifest(model)


def test_a_gallery_is_standardised_and_back_again(model, people, url, capsys):
    with pytest.raises(UsageError, match="does not say how"):
        standardise_command(url, model, None)
    for form in (None, FORM):
        calibrate_command(model, people, overrides=["gallery=8"], form=form)
    embedder = load_embedder(model)
    capsys.readouterr()
    assert standardise_command(url, model, None, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["form"], said["version"], said["vectors"], said["linked"]) == (FORM, 1, 226, 3)
    with Gallery.open(url) as gallery:
        space = gallery.comparing(embedder.model_id)
        policy = identity_policy(gallery, embedder, ChainSettings())
        assert policy.calibration == embedder.calibration("visible-visible", FORM)
        assert len(gallery.links(space)) == 3
    # A form that the model knows nothing of ranks and decides nothing.
    assert standardise_command(url, model, "mean") == 0
    told = capsys.readouterr().out
    assert "Version 2: mean by hall, yard" in told and "not calibrated for visible-visible" in told
    with Gallery.open(url) as gallery:
        assert identity_policy(gallery, embedder, ChainSettings()).calibration is None
        links = gallery.links(gallery.comparing(embedder.model_id))
        assert {one.decision for one in links} == {Decision.NOT_CALIBRATED}
    assert standardise_command(url, model, None, undo=True) == 0
    assert "compared as they are." in capsys.readouterr().out
    with Gallery.open(url) as gallery:
        assert gallery.comparing(embedder.model_id) == embedder.model_id
        policy = identity_policy(gallery, embedder, ChainSettings())
        assert policy.calibration == embedder.calibration("visible-visible")


def test_a_gallery_that_was_never_standardised_is_left_alone(model, url, capsys):
    assert standardise_command(url, model, None, undo=True) == 0
    assert capsys.readouterr().out == "The gallery was never standardised: there is nothing to undo.\n"
    assert standardise_command(url, model, None, undo=True, as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert (said["standardised"], said["linked"]) == (False, 0) and "nothing to undo" in said["notes"][0]
    with Gallery.open(url) as gallery:
        assert gallery.links() == ()
