"""The losses of PMT and STAR-ReID against values worked by hand and loops written from the equations."""

import math

import pytest
import torch

from training.losses.discriminative_center import DiscriminativeCenter
from training.losses.hard_triplet import HardTriplet
from training.losses.modality_identity import ModalityIdentity
from training.losses.modality_shared import ModalityShared
from training.losses.visual_textual import (
    VisualTextualReasoning,
    VisualTextualSettings,
    text_to_visual,
    visual_to_text,
)


def line(*places):
    return torch.tensor(places, dtype=torch.float64)[:, None]


def test_identities_are_summed_over_modalities_not_over_images():
    logits = torch.tensor([[0.0, 0, 0], [0, 0, 0], [math.log(2), 0, 0]])
    infrared = torch.tensor([False, False, True])
    # ln 3 of the visible images, ln 2 (of 2 : 1 : 1) of the infrared one.
    found = ModalityIdentity()(logits, torch.tensor([1, 2, 0]), infrared)
    assert found.item() == pytest.approx(math.log(3) + math.log(2))


def test_the_hardest_pair_of_each_anchor_counts():
    features, labels = line(0, 3, 4, 10), torch.tensor([0, 0, 1, 1])
    everything = torch.ones(4, 4, dtype=torch.bool)
    # Anchors by anchor: 3 - 4 < -.1; 3 - 1 + .1; 6 - 1 + .1; 6 - 7 < -.1.
    assert HardTriplet()(features, labels, everything).item() == pytest.approx((2.1 + 5.1) / 4)
    assert HardTriplet(0.0)(features, labels, everything).item() == pytest.approx(7 / 4)


def test_triplets_are_of_pairs_that_are_compared():
    torch.manual_seed(2)
    features, labels = torch.randn(12, 3), torch.arange(3).repeat(4)
    infrared = torch.arange(12) >= 6
    alike = infrared[:, None] == infrared[None, :]
    expected = []
    for i in range(12):
        d = [float((features[i] - features[j]).norm()) for j in range(12)]
        own = [d[j] for j in range(12) if j != i and labels[j] == labels[i] and alike[i, j]]
        others = [d[j] for j in range(12) if labels[j] != labels[i] and alike[i, j]]
        expected.append(max(0, 0.1 + max(own) - min(others)))
    assert HardTriplet()(features, labels, alike).item() == pytest.approx(sum(expected) / 12, abs=1e-5)
    nothing = HardTriplet()(features, labels, torch.eye(12, dtype=torch.bool))
    assert nothing.item() == 0


def test_distances_within_and_across_modalities_are_brought_together():
    features = line(0, 2, 1, 6)
    infrared = torch.tensor([False, False, True, True])
    # Visible: within 2 and 2, across 3.5 and 2.5. Infrared: within 5 and 5, across 1 and 5.
    found = ModalityShared()(features, torch.zeros(4, dtype=torch.int64), infrared)
    assert found.item() == pytest.approx(((2.25 + 0.25) / 2 + (16 + 0) / 2) / 2)
    # Somebody else's images are in neither mean.
    more = torch.cat([features, line(100, 101, 102, 103)])
    labels = torch.tensor([0] * 4 + [1, 2, 3, 4])
    assert ModalityShared()(more, labels, infrared.repeat(2)).item() == pytest.approx(4.625)


def test_centres_are_near_their_own_and_far_from_hard_negatives():
    features, labels = line(0, 2, 10, 14), torch.tensor([5, 5, 7, 7])
    # Centres 1 and 12; own at 1, 1, 2, 2. Others of 1 at 9 and 13, of which 9 is nearer than 11; of 12 at 12
    # and 10.
    found = DiscriminativeCenter()(features, labels)
    assert found.item() == pytest.approx(1.5 / ((9 + 10) / 2))


def test_an_image_is_told_its_text_among_all():
    scores = torch.tensor([[0.2, 0.8], [0.5, 0.5]]).log()
    own, people, whose = torch.tensor([0, 1]), torch.tensor([0, 1]), torch.tensor([0, 1])
    expected = (-math.log(0.2) - math.log(0.5)) / 2
    assert visual_to_text(scores, own, people, whose).item() == pytest.approx(expected)
    # Both texts are of one person: masked, nothing is left to be told apart.
    same = torch.tensor([0, 0])
    assert visual_to_text(scores, own, same, same, "negative").item() == pytest.approx(expected)
    assert visual_to_text(scores, own, same, same, "masked").item() == pytest.approx(0, abs=1e-6)


SHARES = torch.tensor([[math.exp(-1)], [math.exp(-3)], [1 - math.exp(-1) - math.exp(-3)]])


def test_a_text_counts_what_is_told_badly_more():
    people, whose = torch.tensor([0, 0, 1]), torch.tensor([0])
    # Losses 1 and 3 of its two images: weights 1/4 and 3/4, or 1/2 each.
    assert text_to_visual(SHARES.log(), people, whose).item() == pytest.approx(0.25 * 1 + 0.75 * 3, abs=1e-6)
    assert text_to_visual(SHARES.log(), people, whose, powers=False).item() == pytest.approx(2, abs=1e-6)


def test_no_gradient_passes_the_weights_of_pairs():
    scores = SHARES.log().requires_grad_(True)
    text_to_visual(scores, torch.tensor([0, 0, 1]), torch.tensor([0])).backward()
    # d(-log softmax_p)/dS_k = softmax_k - [k = p], weighed by 1/4 and 3/4.
    expected = SHARES - torch.tensor([[0.25], [0.75], [0.0]])
    assert torch.allclose(scores.grad, expected, atol=1e-6)


def written_out(images, texts, labels, count, tau, powers):
    """Eqs. 10 to 12 for one level, in loops."""

    def similarity(i, k):
        one, other = images[i], texts[k]
        return float(one @ other / one.norm() / other.norm()) / tau

    rows = range(2 * count)
    first = 0.0
    for i in rows:
        exps = [math.exp(similarity(i, k)) for k in range(count)]
        first -= math.log(exps[i % count] / sum(exps)) / (2 * count)
    second = 0.0
    for i in range(count):
        exps = [math.exp(similarity(k, i)) for k in rows]
        losses = [-math.log(exps[p] / sum(exps)) for p in rows if labels[p] == labels[i]]
        weights = [each / sum(losses) if powers else 1 / len(losses) for each in losses]
        second += sum(w * each for w, each in zip(weights, losses, strict=True)) / count
    return first + second


@pytest.mark.parametrize("powers", [True, False])
@pytest.mark.parametrize("alpha", [0.0, 0.3])
def test_reasoning_is_eq_13_at_both_levels(alpha, powers):
    torch.manual_seed(3)
    images, parts, texts, words = torch.randn(8, 5), torch.randn(8, 5), torch.randn(4, 5), torch.randn(4, 5)
    labels = torch.tensor([0, 0, 1, 1] * 2)
    loss = VisualTextualReasoning(VisualTextualSettings(alpha=alpha, powers=powers, temperature=0.5))
    expected = written_out(images, texts, labels, 4, 0.5, powers)
    expected += alpha * written_out(parts, words, labels, 4, 0.5, powers)
    assert loss(images, parts, texts, words, labels).item() == pytest.approx(expected, rel=1e-5)


def test_a_pair_of_images_may_count_as_its_mean():
    torch.manual_seed(4)
    images, texts, labels = torch.randn(4, 3), torch.randn(2, 3), torch.tensor([0, 1, 0, 1])
    mean = (images[:2] + images[2:]) / 2
    loss = VisualTextualReasoning(VisualTextualSettings(alpha=0, pairing="mean"))
    twice = VisualTextualReasoning(VisualTextualSettings(alpha=0))
    found = loss(images, images, texts, texts, labels).item()
    # Both of a pair being their mean, T2V has twice as many images to choose among: ln 2 more.
    expected = twice(mean.repeat(2, 1), images, texts, texts, labels).item() - math.log(2)
    assert found == pytest.approx(expected, abs=1e-4)


def test_words_and_images_learn_by_each_other_and_the_temperature_if_it_may():
    images, parts = torch.randn(4, 3, requires_grad=True), torch.randn(4, 3, requires_grad=True)
    texts, words = torch.randn(2, 3, requires_grad=True), torch.randn(2, 3, requires_grad=True)
    labels = torch.tensor([0, 1, 0, 1])
    loss = VisualTextualReasoning(VisualTextualSettings(alpha=0))
    loss(images, parts, texts, words, labels).backward()
    assert images.grad is not None and texts.grad is not None and loss.log_scale.grad is not None
    assert parts.grad is None and words.grad is None, "the local level has no weight"
    fixed = VisualTextualReasoning(VisualTextualSettings(learned=False))
    fixed(images, parts, texts, words, labels).backward()
    assert parts.grad is not None and fixed.log_scale.grad is None
