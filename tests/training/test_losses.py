import numpy as np
import pytest
import torch

from training.losses.identity_cross_entropy import IdentityCrossEntropy
from training.losses.supervised_contrastive import SupervisedContrastive
from training.losses.weighted_regularized_triplet import WeightedRegularizedTriplet

PAIRS = torch.tensor([0, 0, 1, 1, 2, 2, 3, 3])
INFRARED = torch.tensor([False, True] * 4)


def features(scale):
    return torch.tensor(np.random.RandomState(1).randn(8, 4) * scale)


@pytest.mark.slow
@pytest.mark.parametrize(("scale", "value"), [(1, 0.623775), (5, 2.921902), (20, 41.821625)])
def test_the_exact_triplet_gives_the_published_numbers(scale, value):
    loss = WeightedRegularizedTriplet("exact")(features(scale), PAIRS)
    # The last digit given for scale 5 is one above what the formula is in float64 (2.92190110).
    assert loss.item() == pytest.approx(value, abs=1e-6)


@pytest.mark.parametrize("scale", [1, 5, 20, 500])
def test_the_stable_triplet_is_the_formula(scale):
    rows = features(scale).numpy()
    labels = PAIRS.numpy()
    distances = np.sqrt(np.maximum(((rows[:, None] - rows[None]) ** 2).sum(-1), 1e-12))
    terms = []
    for anchor, row in enumerate(distances):
        near, far = row[labels == labels[anchor]], row[labels != labels[anchor]]
        heavy, light = np.exp(near - near.max()), np.exp(far.min() - far)
        terms.append(np.logaddexp(0, (heavy * near).sum() / heavy.sum() - (light * far).sum() / light.sum()))
    loss = WeightedRegularizedTriplet("stable")(features(scale), PAIRS)
    assert loss.item() == pytest.approx(np.mean(terms), rel=1e-6)


@pytest.mark.parametrize("mode", ["exact", "stable"])
def test_the_triplet_has_a_gradient_where_two_images_are_equal(mode):
    rows = features(1).float()
    rows[1] = rows[0]
    rows.requires_grad_()
    WeightedRegularizedTriplet(mode)(rows, PAIRS).backward()
    assert torch.isfinite(rows.grad).all()


def contrast(rows, labels, infrared, scope, temperature=0.1):
    """Khosla et al., eq. 2, as it is written."""
    rows = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    scores = rows @ rows.T / temperature
    terms = []
    for i in range(len(rows)):
        others = [a for a in range(len(rows)) if a != i and (scope == "all" or infrared[a] != infrared[i])]
        positives = [p for p in others if labels[p] == labels[i]]
        total = np.log(np.exp(scores[i, others]).sum())
        if positives:
            terms.append(-np.mean([scores[i, p] - total for p in positives]))
    return np.mean(terms)


@pytest.mark.parametrize("scope", ["all", "cross"])
def test_the_contrast_is_the_formula(scope):
    rows = features(3)
    # Somebody without a second image takes part as a stranger only.
    labels = torch.tensor([0, 0, 1, 1, 2, 2, 2, 3])
    loss = SupervisedContrastive(0.1, scope)(rows, labels, INFRARED)
    assert loss.item() == pytest.approx(
        contrast(rows.numpy(), labels.numpy(), INFRARED.numpy(), scope), rel=1e-5
    )


def test_cross_contrast_does_not_see_its_own_modality():
    rows = features(3)
    # Two images of the same modality of different people: alike or not, it is all the same.
    closer = rows.clone()
    closer[0], closer[2] = rows[2], rows[0]
    labels = torch.tensor([0, 9, 0, 9, 1, 1, 2, 2])
    loss = SupervisedContrastive(0.1, "cross")
    assert loss(rows, labels, INFRARED).item() == pytest.approx(loss(closer, labels, INFRARED).item())


def test_nobody_seen_twice_is_no_loss_and_no_nan():
    rows = features(1).requires_grad_()
    loss = SupervisedContrastive()(rows, torch.arange(8), INFRARED)
    loss.backward()
    assert loss.item() == 0 and torch.isfinite(rows.grad).all()


def test_label_smoothing_spreads_the_target():
    logits = torch.tensor([[2.0, 0.0, -1.0]])
    logs = torch.log_softmax(logits, 1)[0]
    expected = -(0.7 * logs[0] + 0.3 * logs.mean())
    assert IdentityCrossEntropy(0.3)(logits, torch.tensor([0])).item() == pytest.approx(expected.item())
