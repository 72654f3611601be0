"""Instance norm beside batch norm: what it computes, and that weights of networks without it fit."""

import numpy as np
import pytest
import torch
from torch import nn

from reid_core.errors import ModelError
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint, take_weights
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.dual_stream.architecture import DualStreamArchitecture
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.instance_norm import HalfInstanceNorm
from reid_core.preprocess import Preprocess
from reid_core.runtime import load_embedder
from reid_core.types import Modality

PREPROCESS = Preprocess(height=32, width=16)


def images(count, seed=0):
    return torch.randn(count, 3, 32, 16, generator=torch.Generator().manual_seed(seed))


def test_half_of_the_channels_are_normalised_by_their_own_image_and_half_by_the_batch():
    batch = nn.BatchNorm2d(6)
    rng = torch.Generator().manual_seed(1)
    batch.weight.data, batch.bias.data = torch.rand(6, generator=rng) + 0.5, torch.randn(6, generator=rng)
    batch.running_mean, batch.running_var = torch.randn(6, generator=rng), torch.rand(6, generator=rng) + 0.5
    both = HalfInstanceNorm(batch)
    maps = torch.randn(4, 6, 5, 3, generator=rng) * 3 + 2
    values = maps.numpy().astype(np.float64)
    weight, bias = (each.detach().numpy()[:, None, None] for each in (batch.weight, batch.bias))
    own = values - values.mean((2, 3), keepdims=True)
    own = own / np.sqrt(values.var((2, 3), keepdims=True) + batch.eps) * weight + bias
    for mode in (False, True):
        batch.train(mode), both.train(mode)
        found = both(maps).detach().numpy()
        np.testing.assert_allclose(found[:, :3], own[:, :3], atol=1e-4)
        np.testing.assert_allclose(found[:, 3:], batch(maps).detach().numpy()[:, 3:], atol=1e-4)
    torch.testing.assert_close(both.running_var[3:], batch.running_var[3:])
    # The other half's statistics are not used and stay.
    assert (both.running_var[:3] - batch.running_var[:3]).abs().min() > 0.01


@pytest.mark.parametrize(("backbone", "replaced"), [("resnet18", 3 * 2), ("tf_efficientnet_lite0", 11)])
def test_early_blocks_have_it_and_late_ones_do_not(backbone, replaced):
    model = create_dual_stream(backbone, instance_norm=True, stem_stages=0)
    assert sum(isinstance(each, HalfInstanceNorm) for each in model.trunk.modules()) == replaced
    plain = create_dual_stream(backbone, stem_stages=0)
    assert not any(isinstance(each, HalfInstanceNorm) for each in plain.modules())
    assert plain.state_dict().keys() == model.state_dict().keys()
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), model.parameters(), strict=True))


def test_contrast_and_brightness_of_an_image_go():
    both = HalfInstanceNorm(nn.BatchNorm2d(6)).eval()
    maps = torch.randn(4, 6, 5, 3, generator=torch.Generator().manual_seed(2))
    with torch.no_grad():
        plain, other = both(maps), both(3 * maps + 2)
    torch.testing.assert_close(plain[:, :3], other[:, :3], atol=1e-4, rtol=0)
    assert (plain[:, 3:] - other[:, 3:]).abs().min() > 0.01


def test_a_checkpoint_without_it_is_what_one_with_it_begins_with(tmp_path):
    plain = create_dual_stream("resnet18", embedding=16).eval()
    save_checkpoint(tmp_path / "plain", plain, name="plain", preprocess=PREPROCESS)
    # The manifest, and so the model's id, are those of before there was such a setting.
    files = open_checkpoint(tmp_path / "plain")
    assert "instance_norm" not in (tmp_path / "plain/model.json").read_text()
    assert "instance_norm" not in DualStreamArchitecture(backbone="resnet18").model_dump()
    normed = plain.extended(True, None, False).eval()
    assert all(torch.equal(a, b) for a, b in zip(plain.parameters(), normed.parameters(), strict=True))
    with torch.no_grad():
        moved = normed.embed(images(2), Modality.VISIBLE) - plain.embed(images(2), Modality.VISIBLE)
    assert moved.abs().max() > 0.01
    with pytest.raises(ModelError, match="instance_norm False, not True"):
        take_weights(normed, files)


@pytest.mark.slow
def test_it_is_written_read_and_exported(tmp_path):
    preprocess = Preprocess(height=128, width=64, mean=(127.5,) * 3, std=(127.5,) * 3)
    normed = create_dual_stream("resnet18", embedding=16, instance_norm=True).eval()
    save_checkpoint(tmp_path / "normed", normed, name="normed", preprocess=preprocess)
    again, files = load_checkpoint(tmp_path / "normed")
    assert files.manifest.architecture.instance_norm
    # Infrared crops become grey before anything else, so these are.
    grey = [np.random.default_rng(seed).integers(0, 256, (40, 20, 1), dtype=np.uint8) for seed in range(3)]
    crops = [crop.repeat(3, 2) for crop in grey]
    with torch.no_grad():
        expected = again.embed(torch.from_numpy(preprocess(crops)), Modality.INFRARED).numpy()
    for runtime in ("torch", "openvino"):
        found = load_embedder(tmp_path / "normed", runtime=runtime, precision="fp32", threads=1)
        np.testing.assert_allclose(found.embed(crops, Modality.INFRARED), expected, atol=1e-3)
