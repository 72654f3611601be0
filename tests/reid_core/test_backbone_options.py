"""Options of the dual-stream network that came later: AGW's non-local blocks, and what TVI-LFM released."""

import numpy as np
import pytest
import torch

from reid_core.errors import ModelError
from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint, take_weights
from reid_core.models.dual_stream.architecture import DualStreamArchitecture
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.non_local import NonLocal
from reid_core.types import Modality

PREPROCESS = default_preprocess("resnet18", height=64, width=32)
OPTIONS = {"non_local": True, "stem_activation": False, "neck_bias": True}


def random(*shape, seed=0):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def test_a_non_local_block_is_the_formula():
    block = NonLocal(5, inner=2).eval()
    torch.nn.init.normal_(block.norm.weight)
    torch.nn.init.normal_(block.norm.bias)
    maps = random(2, 5, 4, 3)
    with torch.no_grad():
        found = block(maps).numpy()
    weights = {name: each.detach().numpy().astype(np.float64) for name, each in block.state_dict().items()}
    for picture, told in zip(maps.numpy().astype(np.float64), found, strict=True):
        flat = picture.reshape(5, 12)
        theta, phi, g = (
            weights[f"{name}.weight"][:, :, 0, 0] @ flat + weights[f"{name}.bias"][:, None]
            for name in ("theta", "phi", "g")
        )
        seen = np.stack(
            [sum(theta[:, i] @ phi[:, j] * g[:, j] for j in range(12)) / 12 for i in range(12)], 1
        )
        out = weights["out.weight"][:, :, 0, 0] @ seen + weights["out.bias"][:, None]
        out = out / np.sqrt(1 + 1e-5) * weights["norm.weight"][:, None] + weights["norm.bias"][:, None]
        np.testing.assert_allclose(told, (flat + out).reshape(5, 4, 3), rtol=1e-4, atol=1e-5)


@pytest.mark.slow
def test_blocks_stand_where_agw_has_them_and_change_nothing_at_first():
    model = create_dual_stream("resnet50", non_local=True).eval()
    blocks = [name for name, module in model.named_modules() if isinstance(module, NonLocal)]
    # The trunk begins with the first stage: the second has four blocks, the third six.
    assert blocks == [f"trunk.1.{n}.1" for n in (2, 3)] + [f"trunk.2.{n}.1" for n in (3, 4, 5)]
    widths = [model.get_submodule(name).out.out_channels for name in blocks]
    inner = [model.get_submodule(name).g.out_channels for name in blocks]
    assert widths == [512, 512, 1024, 1024, 1024] and inner == [1] * 5
    maps = random(1, 512, 4, 2)
    assert torch.equal(model.get_submodule(blocks[0])(maps), maps)


@pytest.mark.slow
def test_a_small_network_has_one_behind_each_block_there_is():
    model = create_dual_stream("resnet18", non_local=True)
    assert sum(isinstance(module, NonLocal) for module in model.modules()) == 4


@pytest.mark.parametrize("option", [{"non_local": True}, {"stem_activation": False}])
def test_other_backbones_have_no_place_for_them(option):
    with pytest.raises(ModelError, match="tf_efficientnet_lite0 has no place for"):
        create_dual_stream("tf_efficientnet_lite0", **option)


@pytest.mark.slow
def test_a_stem_without_activation_lets_negative_values_through():
    images = random(2, 3, 64, 32)
    with torch.no_grad():
        lowest = [
            create_dual_stream("resnet18", stem_activation=active).eval().visible_stem(images).min()
            for active in (True, False)
        ]
    assert lowest[0] >= 0 > lowest[1]


def test_a_neck_with_a_bias_learns_it_with_the_head():
    for learned in (False, True):
        model = create_dual_stream("resnet18", classes=3, neck_bias=learned)
        head = next(group for group in model.parameter_groups() if group.name == "head")
        assert any(each is model.neck.bias for each in head.parameters) is learned


@pytest.mark.slow
def test_a_checkpoint_keeps_them_and_one_without_has_the_id_it_had(tmp_path):
    plain = create_dual_stream("resnet18", embedding=8)
    changed = create_dual_stream("resnet18", embedding=8, **OPTIONS).eval()
    save_checkpoint(tmp_path / "changed", changed, name="changed", preprocess=PREPROCESS)
    loaded, _ = load_checkpoint(tmp_path / "changed")
    images = random(2, 3, 64, 32)
    with torch.no_grad():
        assert torch.equal(loaded.embed(images, Modality.INFRARED), changed.embed(images, Modality.INFRARED))
    before = {"backbone", "stem_stages", "last_stride", "gem_p", "gem_learned", "classes"}
    assert set(plain.architecture.model_dump(mode="json")) == before
    assert DualStreamArchitecture.model_validate(changed.architecture.model_dump()) == changed.architecture
    assert {name: changed.architecture.model_dump()[name] for name in OPTIONS} == OPTIONS


@pytest.mark.slow
def test_weights_of_a_network_without_the_option_are_refused(tmp_path):
    save_checkpoint(tmp_path / "plain", create_dual_stream("resnet18"), name="plain", preprocess=PREPROCESS)
    _, files = load_checkpoint(tmp_path / "plain")
    with pytest.raises(ModelError, match="neck_bias False, not True"):
        take_weights(create_dual_stream("resnet18", neck_bias=True), files)


@pytest.mark.slow
def test_the_raw_feature_comes_before_the_neck_and_both_modalities_count_as_one_batch():
    model = create_dual_stream("resnet18", embedding=8, classes=3).eval()
    images = {Modality.VISIBLE: random(2, 3, 64, 32), Modality.INFRARED: random(3, 3, 64, 32, seed=1)}
    with torch.no_grad():
        output = model(images[Modality.VISIBLE], images[Modality.INFRARED])
        apart = torch.cat([model.raw(images[modality], modality) for modality in Modality])
        both = model.raw_of_both(*(images[modality] for modality in Modality))
    torch.testing.assert_close(both, output.features)
    torch.testing.assert_close(apart, output.features, rtol=1e-4, atol=1e-5)
    for other in (model.train().raw_of_both, model.forward):
        model.trunk[0][0].bn1.reset_running_stats()
        with torch.no_grad():
            other(*(images[modality] for modality in Modality))
        assert model.trunk[0][0].bn1.num_batches_tracked == 1


def test_a_new_classifier_is_a_function_of_its_seed_and_leaves_the_rest():
    model = create_dual_stream("resnet18", embedding=8, classes=3)
    one, same, other = (model.with_classifier(5, seed) for seed in (1, 1, 2))
    assert one.architecture.classes == 5 and model.architecture.classes == 3
    assert torch.equal(one.classifier.weight, same.classifier.weight)
    assert not torch.equal(one.classifier.weight, other.classifier.weight)
    assert torch.equal(one.neck.weight, model.neck.weight) and one.neck is not model.neck
