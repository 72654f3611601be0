"""Losses of images with their texts: values worked by hand or from the equations, and where gradients go."""

import math

import pytest
import torch

from training.losses import LOSSES
from training.losses.image_text_contrast import ImageTextContrast, ImageTextSettings, MultiViewContrast
from training.losses.semantics_purification import SemanticsPurification
from training.losses.view_distillation import ViewDistillation

INFRARED = torch.tensor([False] * 4 + [True] * 4)
LABELS = torch.tensor([0, 0, 1, 1] * 2)


def rows(seed, count=8, width=5):
    return torch.randn(count, width, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def similar(one, other, similarity):
    product = sum(a * b for a, b in zip(one, other, strict=True))
    if similarity == "dot":
        return product
    return product / math.sqrt(sum(a * a for a in one)) / math.sqrt(sum(b * b for b in other))


def written(images, texts, labels, infrared, similarity, temperature, same_person):
    """EEES eqs. 3 to 5 term by term; Khosla et al., eq. 2, where others of a person are positives."""
    images, texts, labels = images.tolist(), texts.tolist(), labels.tolist()
    total = 0.0
    for modality in (False, True):
        own = [n for n, each in enumerate(infrared.tolist()) if each is modality]
        for asking, answering in ((images, texts), (texts, images)):
            for i in own:
                raised = {
                    j: math.exp(similar(asking[i], answering[j], similarity) / temperature) for j in own
                }
                right = [i] if same_person == "negatives" else [j for j in own if labels[j] == labels[i]]
                logs = [math.log(raised[p] / sum(raised.values())) for p in right]
                total -= sum(logs) / len(logs) / len(own)
    return total


@pytest.mark.parametrize("same_person", ["negatives", "positives"])
@pytest.mark.parametrize(("similarity", "temperature"), [("dot", 1.0), ("cosine", 0.07)])
def test_contrast_is_what_the_equations_say(similarity, temperature, same_person):
    images, texts = rows(1), rows(2)
    loss = ImageTextContrast(similarity, None, same_person)
    expected = written(images, texts, LABELS, INFRARED, similarity, temperature, same_person)
    assert loss(images, texts, LABELS, INFRARED).item() == pytest.approx(expected, rel=1e-5)
    warmer = ImageTextContrast(similarity, 0.5, same_person)(images, texts, LABELS, INFRARED)
    assert warmer.item() == pytest.approx(
        written(images, texts, LABELS, INFRARED, similarity, 0.5, same_person), rel=1e-5
    )


def test_contrast_by_hand():
    # Two visible pairs that fit and two infrared ones that are exchanged: log(1 + 1/e) and log(1 + e), four
    # times each, divided by N = 2, both ways.
    images = torch.eye(2).repeat(2, 1)
    texts = torch.cat([torch.eye(2), torch.eye(2).flip(0)])
    infrared, labels = torch.tensor([False, False, True, True]), torch.tensor([0, 1, 0, 1])
    expected = 2 * math.log(1 + 1 / math.e) + 2 * math.log(1 + math.e)
    assert ImageTextContrast()(images, texts, labels, infrared).item() == pytest.approx(expected)


def test_modalities_do_not_meet_in_the_contrast():
    images, texts = rows(1), rows(2)
    one = ImageTextContrast()(images, texts, LABELS, INFRARED)
    moved = torch.cat([texts[:4], rows(3, 4)])
    visible = images.clone().requires_grad_()
    ImageTextContrast()(visible, moved, LABELS, INFRARED).backward()
    grad = visible.grad
    again = images.clone().requires_grad_()
    ImageTextContrast()(again, texts, LABELS, INFRARED).backward()
    assert one.item() != ImageTextContrast()(images, moved, LABELS, INFRARED).item()
    assert torch.equal(grad[:4], again.grad[:4]) and not torch.equal(grad[4:], again.grad[4:])


def test_one_modality_alone_is_half_and_no_nan():
    images, texts = rows(1, 4), rows(2, 4)
    loss = ImageTextContrast()(images, texts, LABELS[:4], torch.zeros(4, dtype=torch.bool))
    assert loss.item() == pytest.approx(
        written(images, texts, LABELS[:4], torch.tensor([False] * 4), "dot", 1.0, "negatives"), rel=1e-5
    )


def test_contrast_teaches_images_and_texts_and_all_views_of_both():
    single = rows(1).requires_grad_()
    texts = rows(2).requires_grad_()
    others = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6])
    multi = (single + single[others]) / 2
    # Row 0's own multi-view feature is asked for alone: its partner, row 1, learns as much.
    MultiViewContrast()(multi, (texts + texts[others]) / 2, LABELS, INFRARED).backward()
    assert (single.grad.abs().sum(1) > 0).all() and (texts.grad.abs().sum(1) > 0).all()
    torch.testing.assert_close(single.grad[0], single.grad[1])


@pytest.mark.parametrize(("form", "share"), [("norm", 1.0), ("mean", 0.5)])
def test_distillation_by_hand(form, share):
    images = torch.tensor([[1.0, 2.0], [0.0, 0.0], [3.0, 0.0]])
    multi = torch.tensor([[0.0, 0.0], [0.0, 2.0], [3.0, 1.0]])
    texts, more = torch.zeros(3, 2), torch.tensor([[0.0, 0.0], [0.0, 0.0], [2.0, 2.0]])
    infrared = torch.tensor([False, False, True])
    # Visible: (5 + 4) / 2; infrared: 1; texts of infrared images: 8.
    loss = ViewDistillation(form)(images, texts, multi, more, infrared)
    assert loss.item() == pytest.approx(share * (4.5 + 1 + 8))


def test_distillation_teaches_the_single_view_and_never_the_others():
    images, texts = rows(1).requires_grad_(), rows(2).requires_grad_()
    others = torch.tensor([1, 1, 1, 1, 5, 5, 5, 5])
    # Rows 1 and 5 make what the others learn from, and their own multi-view feature is themselves.
    multi = ((each + each[others]) / 2 for each in (images, texts))
    ViewDistillation()(images, texts, *multi, INFRARED).backward()
    for single in (images, texts):
        taught = single.grad.abs().sum(1) > 0
        assert taught.tolist() == [True, False, True, True, True, False, True, True]
        # d/df |sg(fm) - f|^2 / N = 2 (f - fm) / N, with fm = (f + f_1) / 2.
        torch.testing.assert_close(
            single.grad[0], ((single[0] - single[1]) / 4).detach(), rtol=1e-5, atol=1e-6
        )


def test_purification_by_hand():
    images = torch.tensor([[0.0, 0.0], [1.0, 0.0]])
    texts = torch.tensor([[3.0, 4.0], [1.0, 2.0]])
    # vv 5, vr sqrt(5); rr 2, rv sqrt(4 + 16).
    expected = (5 - math.sqrt(5)) ** 2 + (2 - math.sqrt(20)) ** 2
    loss = SemanticsPurification()(images, texts, torch.tensor([False, True]))
    assert loss.item() == pytest.approx(expected, rel=1e-6)


def test_purification_is_the_equation_and_pairs_by_position():
    images, texts = rows(1), rows(2)
    total = 0.0
    for i in range(4):
        fv, fr, tv, tr = images[i], images[4 + i], texts[i], texts[4 + i]
        total += ((fv - tv).norm() - (fv - tr).norm()) ** 2 / 4
        total += ((fr - tr).norm() - (fr - tv).norm()) ** 2 / 4
    assert SemanticsPurification()(images, texts, INFRARED).item() == pytest.approx(total.item(), rel=1e-5)


def test_purification_teaches_both_sides_even_where_all_are_equal():
    images, texts = rows(1).requires_grad_(), rows(2).requires_grad_()
    SemanticsPurification()(images, texts, INFRARED).backward()
    assert (images.grad.abs().sum(1) > 0).all() and (texts.grad.abs().sum(1) > 0).all()
    same = torch.ones(8, 5, requires_grad=True)
    SemanticsPurification()(same, same.detach(), INFRARED).backward()
    assert torch.isfinite(same.grad).all() and not same.grad.any()


def test_a_second_head_has_losses_of_its_own():
    read = {name: LOSSES.get(name).reads for name in ("attended_identity", "attended_triplet", "multi_view")}
    assert read["attended_identity"] == ("attended_logits", "labels")
    assert read["attended_triplet"] == ("attended", "labels")
    assert read["multi_view"] == ("multi_attended", "multi_texts", "labels", "infrared")
    assert ImageTextSettings().weight == 0.2
