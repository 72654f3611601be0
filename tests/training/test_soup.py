"""Networks whose weights are averaged."""

import json

import pytest
import torch
from safetensors.torch import load_file

from console.soup import soup_command
from reid_core.errors import ModelError, UsageError
from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.manifest import Training
from reid_core.runtime import load_embedder
from training.soup import soup


def checkpoint(folder, seed, *, classes=None, licence="MIT", height=64, contrast="as is", **built):
    network = create_dual_stream(
        "resnet18", classes=classes, generator=torch.Generator().manual_seed(seed), **built
    )
    preprocess = default_preprocess("resnet18", height, height // 2).model_copy(update={"contrast": contrast})
    labels = [str(one) for one in range(classes or 0)]
    training = Training(data=(f"data {seed}",), origin=f"origin {seed}", licence=licence)
    save_checkpoint(
        folder, network, name=f"net-{seed}", preprocess=preprocess, label_map=labels, training=training
    )
    return folder


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    folder = tmp_path_factory.mktemp("networks")
    return checkpoint(folder / "a", 1), checkpoint(folder / "b", 2, classes=3, licence="AGPL-3.0", height=96)


def test_each_weight_is_the_mean_by_shares_and_the_rest_is_the_firsts(two, tmp_path):
    manifest = soup(two, [3, 1], tmp_path / "both", "both")
    first, second, mixed = (load_file(folder / "weights.safetensors") for folder in (*two, tmp_path / "both"))
    assert mixed.keys() == first.keys(), "a classifier of one has no part in it"
    floats = [key for key in mixed if mixed[key].is_floating_point()]
    assert len(floats) > 50
    for key in floats:
        torch.testing.assert_close(mixed[key], 0.75 * first[key] + 0.25 * second[key])
    assert (manifest.preprocess.height, manifest.name, manifest.calibration) == (64, "both", {})
    said = manifest.training
    assert said.data == ("data 1", "data 2") and said.licence == "MIT AND AGPL-3.0"
    assert "0.75 of net-1" in said.origin and "0.25 of net-2" in said.origin and "origin 2" in said.origin
    assert load_embedder(tmp_path / "both").dim == 512


def test_the_mean_of_a_network_and_itself_is_itself(two, tmp_path):
    soup([two[0], two[0]], [0.3, 0.7], tmp_path / "same")
    first, mixed = (load_file(folder / "weights.safetensors") for folder in (two[0], tmp_path / "same"))
    for key in first:
        torch.testing.assert_close(mixed[key], first[key])


def test_what_cannot_be_averaged_is_told(two, tmp_path):
    for shares, models in (
        ([1], two[:1]),
        ([1, 0], two),
        ([1, float("nan")], two),
        ([1, float("inf")], two),
        ([1], two),
        ([1, 1, 1], two),
    ):
        with pytest.raises(UsageError):
            soup(models, shares, tmp_path / "x")
    strided = checkpoint(tmp_path / "strided", 3, last_stride=2)
    with pytest.raises(ModelError, match="built otherwise"):
        soup([two[0], strided], [1, 1], tmp_path / "x")
    contrasted = checkpoint(tmp_path / "contrasted", 3, contrast="crop")
    with pytest.raises(ModelError, match="other images"):
        soup([two[0], contrasted], [1, 1], tmp_path / "x")
    assert not (tmp_path / "x").exists()


def test_the_command_says_what_came_out_and_overwrites_nothing(two, tmp_path, capsys):
    assert soup_command(two, [], tmp_path / "new", None, True) == 0
    said = json.loads(capsys.readouterr().out)
    assert load_embedder(said["folder"]).model_id == said["model_id"]
    with pytest.raises(UsageError, match="exists already"):
        soup_command(two, [], tmp_path / "new", None, True)
