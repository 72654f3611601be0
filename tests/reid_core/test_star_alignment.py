"""STAR-ReID's parts against values worked by hand and loops written from its equations."""

import math

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch.nn import functional

from reid_core.errors import ModelError
from reid_core.models.star_reid.alignment import (
    Alignment,
    Tokens,
    channel_attention,
    pooled,
    token_attention,
)
from reid_core.models.star_reid.architecture import StarArchitecture
from reid_core.models.star_reid.haar import haar_low
from reid_core.models.star_reid.network import StarReid, create_star
from reid_core.models.star_reid.vit import VisionTransformer, load_vit, resized_positions
from reid_core.types import EMBEDDING, Modality

SMALL = {"image": (20, 14), "patch": 8, "stride": 6, "width": 4, "depth": 2, "heads": 2}
DAY, NIGHT = Modality.VISIBLE, Modality.INFRARED


def small(**changes):
    return StarArchitecture(**{**SMALL, "dropout": 0, "drop_path": 0, **changes})


def tokens(seed, count=3, patches=6, width=4):
    rng = torch.Generator().manual_seed(seed)
    return Tokens(torch.randn(count, width, generator=rng), torch.randn(count, patches, width, generator=rng))


def test_the_published_size_has_210_patches():
    assert StarArchitecture().grid == (21, 10)
    assert small().grid == (3, 2)


def test_the_low_band_is_the_halved_sum_of_each_square():
    maps = torch.tensor([[[[1.0, 2, 3, 4], [5, 6, 7, 8]]]])
    assert haar_low(maps).tolist() == [[[[7.0, 11.0]]]]
    # Energy is kept: three quarters of a constant's are in no other band.
    assert haar_low(torch.ones(1, 1, 2, 2)).item() == 2.0


def test_an_odd_side_is_mirrored_at_its_last_row():
    maps = torch.tensor([[[[1.0, 2], [3, 4], [5, 6]]]])
    # The fourth row is the second one again: 3 and 4.
    assert haar_low(maps).tolist() == [[[[5.0], [9.0]]]]
    assert haar_low(torch.tensor([[[[3.0]]]])).item() == 6.0


def test_channel_attention_is_eq_1_written_out():
    query, key, value = (each.cls for each in (tokens(1), tokens(2), tokens(3)))
    expected = np.zeros((3, 4))
    for image in range(3):
        for row in range(4):
            weights = [math.exp(float(query[image, row] * key[image, c]) / 2) for c in range(4)]
            expected[image, row] = sum(w * float(value[image, c]) for c, w in enumerate(weights)) / sum(
                weights
            )
    assert channel_attention(query, key, value).numpy() == pytest.approx(expected, abs=1e-6)


def test_token_attention_is_written_out():
    query, keys = tokens(1).cls, tokens(2).patches
    expected = np.zeros((3, 4))
    for image in range(3):
        weights = [math.exp(float(query[image] @ each) / 2) for each in keys[image]]
        total = sum(w * each.numpy() for w, each in zip(weights, keys[image], strict=True))
        expected[image] = total / sum(weights)
    assert token_attention(query, keys).numpy() == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("pooling", "day", "night"), [("max-average", 5.0, 3.0), ("average", 3.0, 3.0)])
def test_patches_are_pooled_by_modality(pooling, day, night):
    patches = torch.tensor([[[1.0], [5.0], [3.0]]])
    assert pooled(patches, DAY, pooling).item() == day
    assert pooled(patches, NIGHT, pooling).item() == night


@pytest.mark.parametrize("attention", ["channel", "token", "identity"])
def test_fusion_is_eq_9_of_its_three_terms(attention):
    torch.manual_seed(0)
    made = Alignment(small(attention=attention))
    own, other = tokens(1), tokens(2)
    with torch.no_grad():
        made.weights.copy_(torch.tensor([[0.5, 2.0, -1.0], [3.0, 0.25, 1.5]]))
    low = own.patches.transpose(1, 2).reshape(3, 4, 3, 2)
    for modality, (first, second, third) in zip((DAY, NIGHT), made.weights.tolist(), strict=True):
        if attention == "channel":
            inter = channel_attention(own.cls, other.cls, other.cls)
            local = channel_attention(own.cls, pooled(own.patches, modality, "max-average"), own.cls)
        elif attention == "token":
            inter = token_attention(own.cls, torch.cat([other.cls[:, None], other.patches], 1))
            local = token_attention(own.cls, own.patches)
        else:
            inter, local = other.cls, own.cls
        band = haar_low(low).flatten(2)
        band = band.amax(2) if modality is DAY else band.mean(2)
        linear = made.projectors[str(modality)]
        local = local + functional.linear(band, linear.weight, linear.bias)
        expected = first * inter + second * own.cls + third * local
        assert torch.allclose(made(own, other, modality), expected, atol=1e-5)


def test_weights_of_the_fusion_are_as_they_are_told_to_be():
    assert Alignment(small(fusion="sum")).weights is None
    assert Alignment(small(fusion="sum")).weights_of(DAY).tolist() == [1, 1, 1]
    assert Alignment(small()).weights_of(NIGHT).tolist() == [1, 1, 1]
    assert Alignment(small(fusion="softmax")).weights_of(DAY).tolist() == pytest.approx([1 / 3] * 3)
    assert Alignment(small(low_frequency=False)).projectors is None


def reached(network, loss):
    """Parts of a network that a loss has a gradient for."""
    network.zero_grad()
    loss.backward()
    return {
        name
        for name, each in network.named_parameters()
        if each.grad is not None and float(each.grad.abs().max()) > 0
    }


def test_gradients_go_where_they_should_and_nowhere_else():
    torch.manual_seed(1)
    network = create_star(small(classes=3), None, 1)
    day, night = torch.randn(4, 3, 20, 14), torch.randn(4, 3, 20, 14)
    whole = {name for name, each in network.named_parameters() if each.requires_grad}
    assert "neck.bias" not in whole
    found = network(day, night)
    # The visible half's fused features: through its own projector alone, and no classifier.
    seen = reached(network, found.fused[:4].square().sum())
    assert "alignment.projectors.visible.weight" in seen and "vit.patches.weight" in seen
    assert not {name for name in seen if "infrared" in name or name.startswith(("neck", "classifier"))}
    # Identities are told from class tokens: nothing of the alignment learns by them.
    seen = reached(network, network(day, night).logits.logsumexp(1).sum() + network.neck.weight.sum())
    assert "classifier.weight" in seen and not any(name.startswith("alignment") for name in seen)
    # By eq. 1 a visible feature moves with the infrared image of the pair.
    night.requires_grad_(True)
    network(day, night).fused[:4].square().sum().backward()
    assert float(night.grad.abs().max()) > 0
    # Frozen blocks stay.
    network.freeze(1)
    seen = reached(network, network(day, night).fused.square().sum())
    assert any(name.startswith("vit.blocks.1") for name in seen)
    assert not any(
        name.startswith(("vit.blocks.0", "vit.patches", "vit.cls", "vit.positions")) for name in seen
    )


def test_a_pair_is_aligned_both_ways():
    network = create_star(small(classes=3), None, 1).eval()
    day, night = torch.randn(2, 3, 20, 14), torch.randn(2, 3, 20, 14)
    found, (first, second) = network(day, night), (network.vit(each) for each in (day, night))
    sides = [network.alignment(first, second, DAY), network.alignment(second, first, NIGHT)]
    assert torch.allclose(found.fused, torch.cat(sides), atol=1e-5)
    assert torch.allclose(found.cls, torch.cat([first.cls, second.cls]), atol=1e-5)
    assert torch.allclose(found.patches[2:], second.patches, atol=1e-5)


def test_alone_an_image_stands_for_the_other_one_too():
    network = create_star(small(), None, 1).eval()
    images = torch.randn(2, 3, 20, 14)
    own = network.vit(images)
    for modality in Modality:
        found = network.features(images, modality)
        expected = network.alignment(own, own, modality)
        assert torch.allclose(found[EMBEDDING], functional.normalize(expected), atol=1e-6)
        parts = functional.normalize(pooled(own.patches, modality, "max-average"))
        assert torch.allclose(found["local"], parts[:, None], atol=1e-6)
    plain = create_star(small(aligned=False), None, 1).eval()
    with torch.no_grad():
        plain.neck.running_mean.fill_(0.5)
    necked = plain.neck(plain.vit(images).cls)
    assert torch.allclose(plain.features(images, DAY)[EMBEDDING], functional.normalize(necked), atol=1e-6)


def test_positions_are_interpolated_between_the_centres_of_patches():
    positions = torch.tensor([[[9.0], [0], [1], [2], [3]]])
    assert resized_positions(positions, (2, 2), (2, 2)) is positions
    found = resized_positions(positions, (2, 2), (4, 2))[0, :, 0].tolist()
    # Rows at -.25, .25, .75 and 1.25 between the two there are; the class token's is as it was.
    assert found == pytest.approx([9, 0, 1, 0.5, 1.5, 1.5, 2.5, 2, 3])


def published(grid=(2, 2)):
    """Weights as timm has them, of a square image, with a head."""
    torch.manual_seed(5)
    network = VisionTransformer(small(image=(14, 14)))
    assert network.positions.shape[1] == 1 + grid[0] * grid[1]
    names = {"cls": "cls_token", "positions": "pos_embed"}
    state = {
        names.get(key, key.replace("patches.", "patch_embed.proj.")): each.detach().clone()
        for key, each in network.state_dict().items()
    }
    return state | {"head.weight": torch.zeros(2, 4), "head.bias": torch.zeros(2)}


def test_published_weights_are_taken_by_file_and_their_positions_resized(tmp_path):
    state = published()
    save_file(state, tmp_path / "model.safetensors")
    torch.save(state, tmp_path / "weights.pth")
    for source in (tmp_path, tmp_path / "model.safetensors", tmp_path / "weights.pth"):
        network = create_star(small(), str(source), 1)
        assert torch.equal(network.vit.blocks[1].attn.qkv.weight, state["blocks.1.attn.qkv.weight"])
        expected = resized_positions(state["pos_embed"], (2, 2), (3, 2))
        assert torch.equal(network.vit.positions.detach(), expected)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("norm.bias"), "norm.bias"),
        (lambda state: state.update({"blocks.2.norm1.weight": torch.ones(4)}), "blocks.2.norm1.weight"),
        (lambda state: state.update({"cls_token": torch.ones(1, 1, 5)}), "cls"),
    ],
)
def test_weights_of_another_transformer_are_refused(tmp_path, change, said):
    state = published()
    change(state)
    save_file(state, tmp_path / "model.safetensors")
    with pytest.raises(ModelError, match=said):
        load_vit(VisionTransformer(small()), str(tmp_path), (3, 2))


def test_weights_that_are_not_to_be_had_are_one_sentence(tmp_path):
    (tmp_path / "bad.safetensors").write_bytes(b"no")
    for source, said in ((tmp_path / "bad.safetensors", "damaged"), (tmp_path, "cannot be loaded")):
        with pytest.raises(ModelError, match=said) as caught:
            load_vit(VisionTransformer(small()), str(source), (3, 2))
        assert "\n" not in caught.value.message


def test_a_vector_is_as_wide_as_a_token():
    from reid_core.models.systems import SYSTEMS

    system = SYSTEMS.get("star-reid")()
    assert isinstance(system.build(small(), 4), StarReid)
    assert system.local_features(small(), 4) == {"local": (1, 4)}
    with pytest.raises(ModelError, match="4 numbers"):
        system.build(small(), 8)
