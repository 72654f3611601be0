"""A detector as one of people only: the same outputs, norms that survive training, a file, blends."""

import copy
from pathlib import Path

import numpy as np
import pytest
import torch

from detectors.detector import PersonDetector
from reid_core.errors import ModelError
from reid_core.types import Frame, Modality
from training.blending import blend
from training.detection.blend import Candidate, choose
from training.detection.one_class import (
    are_folded,
    batch_norms,
    locate_weights,
    one_class,
    open_network,
    save_network,
    unfold,
)
from training.detection.settings import BlendSettings


def yolo(classes=5, person=2):
    """A YOLO11n of random weights, its class heads awake."""
    from detectors.ultralytics_package import quiet_ultralytics

    quiet_ultralytics()
    from ultralytics.nn.tasks import DetectionModel

    with torch.random.fork_rng():
        torch.manual_seed(1)
        network = DetectionModel("yolo11n.yaml", nc=classes, verbose=False).eval()
        for branch in network.model[-1].cv3:
            torch.nn.init.normal_(branch[-1].weight, std=0.5)
            torch.nn.init.zeros_(branch[-1].bias)
        # Statistics as they come, so that what goes through differs from place to place.
        for layer in batch_norms(network):
            layer.train()
            layer.momentum = 1.0
        with torch.no_grad():
            network(torch.rand(2, 3, 64, 64))
        for layer in batch_norms(network.eval()):
            layer.momentum = 0.03
    network.names = {i: "person" if i == person else f"thing {i}" for i in range(classes)}
    return network


@pytest.fixture(scope="module")
def network():
    return yolo()


@pytest.fixture(scope="module")
def pictures():
    return torch.rand(4, 3, 64, 64, generator=torch.Generator().manual_seed(2))


def outputs(network, pictures):
    with torch.inference_mode():
        return network(pictures)[0].clone()


def test_one_class_scores_exactly_what_the_person_scored(network, pictures):
    whole = outputs(network, pictures)
    people = one_class(network)
    # Sums over other numbers of rows are added up in another order.
    torch.testing.assert_close(outputs(people, pictures), whole[:, [0, 1, 2, 3, 6]], rtol=1e-4, atol=1e-4)
    assert whole[:, 6].std() > 0.01
    assert people.names == {0: "person"}
    assert people.model[-1].nc == 1
    # The original is left alone, and one of one class stays as it is.
    assert torch.equal(outputs(network, pictures), whole)
    assert torch.equal(outputs(one_class(people), pictures), outputs(people, pictures))


def test_a_detector_of_other_things_is_refused(network):
    other = copy.deepcopy(network)
    other.names = dict.fromkeys(range(5), "cat")
    with pytest.raises(ModelError, match="does not find people"):
        one_class(other)


def fold(network):
    """Norms multiplied into what stands before them, as an export does."""
    from ultralytics.nn.modules.conv import Conv

    with torch.no_grad():
        for layer in [one for one in network.modules() if isinstance(one, Conv)]:
            gain = layer.bn.weight / (layer.bn.running_var + layer.bn.eps).sqrt()
            layer.conv.weight.mul_(gain[:, None, None, None])
            layer.bn.bias.sub_(layer.bn.running_mean * gain)
            layer.bn.weight.fill_(1)
            layer.bn.running_mean.zero_()
            layer.bn.running_var.fill_(1 - layer.bn.eps)
    return network


def test_unfolding_changes_nothing_in_evaluation_and_saves_training(network, pictures):
    healthy = one_class(network)
    unfold(healthy, [pictures])
    folded = fold(copy.deepcopy(healthy))
    assert are_folded(folded)
    assert not are_folded(healthy)
    before = outputs(folded, pictures)
    torch.testing.assert_close(before, outputs(healthy, pictures), rtol=1e-3, atol=1e-3)

    def in_training(one):
        one = copy.deepcopy(one)
        for layer in batch_norms(one):
            layer.train()
        return outputs(one, pictures)

    ruined = (in_training(folded) - before).abs().mean()
    unfolded = copy.deepcopy(folded)
    unfold(unfolded, [pictures[:2], pictures[2:]])
    assert not are_folded(unfolded)
    torch.testing.assert_close(outputs(unfolded, pictures), before, rtol=1e-3, atol=1e-3)
    # The statistics are those of this very batch: what training mode computes is the same but for them.
    assert (in_training(unfolded) - before).abs().mean() < 0.02 * ruined


@pytest.mark.slow
def test_a_saved_network_is_a_detector(network, tmp_path):
    people = one_class(network)
    path = tmp_path / "people.pt"
    save_network(people, path)
    again = tmp_path / "again.pt"
    save_network(copy.deepcopy(people), again)
    assert path.read_bytes() == again.read_bytes()
    assert path.stat().st_size < 6e6
    assert str(Path.cwd()).encode() not in path.read_bytes()
    opened = open_network(path).state_dict()
    for name, value in people.state_dict().items():
        assert torch.equal(opened[name], value.half().float() if value.is_floating_point() else value)
    with PersonDetector.open(path) as detector:
        image = np.zeros((64, 96, 3), np.uint8)
        detector.detect([Frame("a", Modality.VISIBLE, 0, 0, image)])


def test_what_is_no_checkpoint_is_refused(tmp_path):
    bad = tmp_path / "bad.pt"
    bad.write_bytes(b"not a checkpoint")
    for weights, said in (
        (bad, "damaged"),
        (tmp_path / "none.pt", "not exist"),
        (tmp_path / "a.onnx", "torch"),
    ):
        with pytest.raises(ModelError, match=said):
            open_network(locate_weights(weights))


def test_a_blend_goes_from_the_start_to_the_tuned_one(network):
    start = one_class(network)
    tuned = copy.deepcopy(start)
    with torch.no_grad():
        for parameter in tuned.parameters():
            parameter.add_(1.0)
        next(iter(batch_norms(tuned))).running_mean.add_(4.0)
    for alpha in (0.0, 0.25, 1.0):
        blended, before = blend(start, tuned, alpha).state_dict(), start.state_dict()
        weight = "model.0.conv.weight"
        torch.testing.assert_close(blended[weight], before[weight] + alpha)
        torch.testing.assert_close(
            blended["model.0.bn.running_mean"], before["model.0.bn.running_mean"] + 4 * alpha
        )
    same = blend(start, tuned, 0.0).state_dict()
    assert all(torch.equal(same[name], value) for name, value in start.state_dict().items())


def test_the_blend_that_is_chosen_keeps_what_was_known():
    start = Candidate(0, {"visible": 0.8, "teacher": 0.9, "near": 0.3, "thermal": 0.2})
    careful = Candidate(0.5, {"visible": 0.795, "teacher": 0.9, "near": 0.5, "thermal": 0.5})
    bold = Candidate(1, {"visible": 0.9, "teacher": 0.85, "near": 0.7, "thermal": 0.7})
    settings = BlendSettings(tolerance=0.01)
    assert choose(start, [bold, careful], settings) is careful
    assert choose(start, [bold, careful], BlendSettings(tolerance=0.1)) is bold
    # Where all lose too much, the one that loses least.
    assert choose(start, [bold], settings) is bold


@pytest.mark.footage
def test_the_real_detector_as_one_class_is_the_same(shared):
    original = open_network(shared / "weights/yolo11n_from_int8/yolo11n.pt")
    assert are_folded(original)
    people = one_class(original)
    pictures = torch.rand(2, 3, 160, 192, generator=torch.Generator().manual_seed(5))
    torch.testing.assert_close(
        outputs(people, pictures), outputs(original, pictures)[:, :5], rtol=1e-4, atol=1e-3
    )
