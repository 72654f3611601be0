"""``nightreid adapt``: what it says, and what a gallery's faces do with an adapted one."""

import json

import numpy as np
import pytest

from console.adapt import adapt_command, take_back_command
from console.calibrate import calibrate_command
from reid_core.errors import ConfigError, UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.preprocess import Preprocess
from reid_core.querying.asking import Asking, QueryModels
from reid_core.querying.query import Form
from reid_core.runtime import load_embedder
from reid_core.types import Decision, Modality
from stream.chain.config import ChainSettings
from stream.chain.parts import identity_policy
from tests.support.gallery_world import Scene, unit
from tests.support.people import write_people

pytestmark = pytest.mark.slow

FORM = "mean(10)"
DIM, LOUD, PEOPLE = 32, 6, 45
QUICK = ("rounds=2", "steps=20", "nearest=6", "batch=64", "directions=32")


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_people(module_tmp("people") / "set", train=2, val=14, test=1, images=4)


@pytest.fixture
def model(tmp_path):
    network = create_dual_stream("resnet18", DIM)
    save_checkpoint(tmp_path / "model", network, name="m", preprocess=Preprocess(height=64, width=32))
    return tmp_path / "model"


def fill(url, model, cameras=("hall", "yard", "roof")):
    """People who stand now so, now so, two at a time, and three at night."""
    draw = np.random.default_rng(5)
    people = unit(draw, PEOPLE, DIM)
    people[:, :LOUD] = 0
    with Gallery.open(url) as gallery:
        entries = []
        for camera in cameras:
            scene = Scene(gallery, camera)
            for i, one in enumerate(people):
                seen = np.tile(one, (4, 1)) + 0.05 * draw.standard_normal((4, DIM))
                seen[:, :LOUD] += 0.5 * draw.standard_normal((4, LOUD))
                seen /= np.linalg.norm(seen, axis=1, keepdims=True)
                entries.append(scene.entry(20 * (i // 2) + i % 2, seen.astype(np.float32)))
        dark = Scene(gallery, "dark", Modality.INFRARED)
        entries += [dark.entry(50 * i, unit(draw, 2, DIM)) for i in range(3)]
        gallery.add_tracklets(entries, load_embedder(model).model_id, IdentityPolicy(None))
    return entries


def test_a_gallery_is_adapted_and_back_again(model, people, tmp_path, capsys):
    url = f"sqlite:///{tmp_path}/g.db"
    entries = fill(url, model)
    with pytest.raises(UsageError, match="does not say how"):
        adapt_command(url, model)
    with pytest.raises(ConfigError, match="round"):
        adapt_command(url, model, FORM, ["round=3"])
    # Calibrated for both kinds of pair in this form, and yet not behind a head.
    for form in (None, FORM):
        calibrate_command(model, people, overrides=["gallery=8"], form=form)
    embedder = load_embedder(model)
    assert len(embedder.manifest.calibrations(FORM)) == 2
    capsys.readouterr()
    assert take_back_command(url, model) == 0
    assert capsys.readouterr().out == "Nothing is adapted.\n"
    assert adapt_command(url, model, None, QUICK, state=tmp_path / "state", as_json=True) == 0
    said = json.loads(capsys.readouterr().out)
    assert said["adapted"] and said["why_not"] is None and (said["version"], said["linked"]) == (1, 3)
    assert any("infrared tracklets do not say" in note for note in said["notes"])
    assert said["after"]["halves"] > said["before"]["halves"] and said["groups"] >= 10
    with Gallery.open(url) as gallery:
        space = gallery.comparing(embedder.model_id)
        assert space != embedder.model_id
        # Merging goes by the gallery's own calibration, links by none: three tracklets do not carry it over.
        policy = identity_policy(gallery, embedder, ChainSettings())
        assert policy.least_score(len(gallery.identities())) == pytest.approx(said["threshold"])
        assert {one.decision for one in gallery.links(space)} == {Decision.NOT_CALIBRATED}
        asking = Asking(gallery, QueryModels(str(model)), None, Form.IMAGE)
        asking.by_track(entries[-1].tracklet.id)
        assert asking.trust.calibration is None and "not calibrated" in asking.trust.why
    # Nothing more is to be learned from the same, which says so in words.
    assert adapt_command(url, model, FORM, QUICK, state=tmp_path / "state") == 0
    told = capsys.readouterr().out
    assert told.startswith("Nothing changed. ") and "before" in told
    with Gallery.open(url) as gallery:
        assert gallery.comparing(embedder.model_id) == space
    assert take_back_command(url, model, as_json=True) == 0
    assert json.loads(capsys.readouterr().out) == {"adapted": False, "undone": True, "linked": 3}
    with Gallery.open(url) as gallery:
        assert gallery.comparing(embedder.model_id) == embedder.model_id
