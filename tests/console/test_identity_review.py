"""`nightreid identity review`: what stands beside the probabilities it lists."""

import json

import numpy as np
import pytest

from console.calibrate import calibrate_command, calibrate_gallery_command
from console.identity_review import review_command
from console.local_use import LocalUse
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.preprocess import Preprocess
from tests.support.gallery_world import Scene, near, unit
from tests.support.people import write_people

pytestmark = pytest.mark.slow


def test_it_says_whose_cameras_a_probability_was_calibrated_on(tmp_path, capsys):
    network, model = create_dual_stream("resnet18", 32), tmp_path / "model"
    save_checkpoint(model, network, name="m", preprocess=Preprocess(height=64, width=32))
    people = write_people(tmp_path / "people", train=2, val=14, test=1, images=4)
    calibrate_command(model, people, overrides=["gallery=8"])
    url, rng = f"sqlite:///{tmp_path / 'g.db'}", np.random.default_rng(4)
    with Gallery.open(url) as gallery:
        scene = Scene(gallery)
        entries = [scene.entry(50 * i, near(one, rng, 4, 0.03)) for i, one in enumerate(unit(rng, 30, 32))]
        gallery.add_tracklets(entries, load_checkpoint(model)[1].model_id, IdentityPolicy(None))

    def listed(as_json=True):
        capsys.readouterr()
        use = LocalUse()
        assert review_command(url, {}, 0.0, str(model), None, None, "", as_json, use) == 0
        return capsys.readouterr().out

    assert {one["calibrated_for_cameras"] for one in json.loads(listed())["pairs"]} == {False}
    assert "not calibrated for these cameras" in listed(False)
    calibrate_gallery_command(url, model)
    assert {one["calibrated_for_cameras"] for one in json.loads(listed())["pairs"]} == {True}
    assert "not calibrated for these cameras" not in listed(False)
    with Gallery.open(url) as gallery:
        # A camera that came since was not calibrated on.
        gallery.add_tracklets(
            [Scene(gallery, "gate").entry(5000, unit(rng, 1, 32))],
            load_checkpoint(model)[1].model_id,
            IdentityPolicy(None),
        )
    assert {one["calibrated_for_cameras"] for one in json.loads(listed())["pairs"]} == {False}
