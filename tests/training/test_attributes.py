"""Attributes of identities: read from labels, told from the embedding, kept by a run that goes on."""

import json
import threading

import numpy as np
import pytest
import torch

from reid_core.errors import SourceError
from tests.support.people import write_people
from training.attributes import read_attributes
from training.losses.attribute_prediction import AttributePrediction
from training.systems.reading import load_recipe
from training.trainer import train


def write_labels(root, said):
    (root / "labels.json").write_text(json.dumps(said))


def test_labels_become_yes_and_no(tmp_path):
    box = [{"kind": "box", "side": "left"}]
    write_labels(
        tmp_path,
        {
            "1": {"hat": "cap", "has_bag": True, "items": box, "dress": {"top": "shirt"}},
            "2": {"hat": "none", "has_bag": False, "items": [], "dress": {"top": "shirt"}},
            "7": {"hat": "cap", "has_bag": False, "items": [], "dress": {"top": "hoodie", "open": True}},
        },
    )
    names, table = read_attributes(tmp_path, [1, 2, 7])
    shirts = ("dress.open", "dress.top=hoodie", "dress.top=shirt")
    assert names == (*shirts, "has_bag", "hat=cap", "hat=none", "items=box")
    assert table.tolist() == [[0, 0, 1, 1, 1, 0, 1], [0, 0, 1, 0, 0, 1, 0], [1, 1, 0, 0, 1, 0, 0]]
    # What all of them share tells nobody from anybody.
    assert read_attributes(tmp_path, [1, 7])[0] == (*shirts, "has_bag", "items=box")
    with pytest.raises(SourceError, match=r"lack an identity: KeyError\('3'\)"):
        read_attributes(tmp_path, [1, 3])
    with pytest.raises(SourceError, match="distinguish no identities"):
        read_attributes(tmp_path, [1])


def test_the_loss_is_the_mean_cross_entropy_and_learns():
    table = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    loss = AttributePrediction(3, table, torch.Generator().manual_seed(0))
    features, labels = torch.eye(3)[:2], torch.tensor([0, 1])
    # It begins at how common the attributes are: here each is a half.
    assert loss(features * 0, labels).item() == pytest.approx(np.log(2), abs=1e-6)
    with torch.no_grad():
        loss.weight.copy_(torch.tensor([[2.0, -1.0, 0.0], [0.0, 0.5, 0.0]]))
        loss.bias.copy_(torch.tensor([0.0, 1.0]))
    chance = torch.sigmoid(torch.tensor([[2.0, 1.0], [-1.0, 1.5]]))
    by_hand = -(table * chance.log() + (1 - table) * (1 - chance).log()).mean()
    assert loss(features, labels).item() == pytest.approx(float(by_hand), rel=1e-6)
    loss(features, labels).backward()
    assert loss.weight.grad is not None and loss.weight.grad.abs().sum() > 0


@pytest.mark.slow
def test_a_run_with_attributes_goes_on_with_the_same_weights(tmp_path):
    data = write_people(tmp_path / "set", train=6, val=0, test=1, images=2)
    write_labels(data, {str(n): {"hat": "cap" if n % 2 else "none", "tall": n < 4} for n in range(1, 20)})
    tiny = ["model.pretrained=false", "model.embedding=16", "input.height=32", "input.width=16", "threads=1"]
    tiny += ["sampler.identities=4", "sampler.visible=2", "sampler.infrared=2", "schedule.length=4"]
    recipe = load_recipe(None, [*tiny, "losses.attributes.weight=1", "log_every=1", "state_every=2"])

    class Told:
        def __init__(self, stop_at=None):
            self.stop, self._at = threading.Event(), stop_at

        def images(self, done, total):
            pass

        def step(self, done, total, values):
            assert not values or values["attributes"] > 0
            if done == self._at:
                self.stop.set()

        def note(self, text):
            pass

    def run(out, stop_at=None):
        told = Told(stop_at)
        return train(recipe, out, data, told, stop=told.stop, cache=tmp_path / "cache")

    assert run(tmp_path / "whole").finished
    assert not run(tmp_path / "parts", stop_at=2).finished
    assert run(tmp_path / "parts").finished
    digests = [
        json.loads((tmp_path / name / "model/model.json").read_text())["digest"]
        for name in ("whole", "parts")
    ]
    assert digests[0] == digests[1]
