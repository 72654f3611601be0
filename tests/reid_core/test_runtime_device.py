"""What computes is decided by what torch reports; here it reports GPUs that are not there."""

import subprocess
import sys

import numpy as np
import pytest
import torch

from reid_core.errors import ModelError, UsageError
from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.runtime import device as device_module
from reid_core.runtime import load_embedder
from reid_core.runtime import torch as torch_module
from reid_core.runtime.device import find_device
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.parity import probe_crops

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def checkpoint(module_tmp):
    folder = module_tmp("models") / "small"
    model = create_dual_stream("resnet18", embedding=24)
    save_checkpoint(folder, model, name="small", preprocess=default_preprocess("resnet18", 64, 32))
    return folder


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("NIGHTREID_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def gpus(monkeypatch):
    """``gpus(count)``: what torch reports from now on."""

    def report(count):
        monkeypatch.setattr(torch.cuda, "is_available", lambda: count > 0)
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)

    report(0)
    return report


@pytest.fixture
def errors(monkeypatch):
    """What a GPU that is none adds to a vector's first number, by precision; and what was made of it."""

    class OnCpu(torch_module.TorchEmbedder):
        made = []  # noqa: RUF012

        def __init__(self, manifest, model_id, model, precision="fp32", threads=None, device="cpu"):
            super().__init__(manifest, model_id, model, "fp32", threads)
            self.precision, self.device = precision, device
            self.made.append((device, precision))

        def _infer(self, batch, modality, names):
            shown, self.device = self.device, "cpu"
            found = dict(super()._infer(batch, modality, names))
            self.device = shown
            if shown != "cpu":
                found["embedding"][:, 0] += added[self.precision]
            return found

    added = {"fp32": 0.0, "fp16": 0.0, "bf16": 0.0, "made": OnCpu.made}
    monkeypatch.setattr(torch_module, "TorchEmbedder", OnCpu)
    return added


def test_a_device_is_what_torch_can_use(gpus):
    assert find_device("cpu") == find_device("auto") == "cpu"
    with pytest.raises(UsageError, match=r"no device 'cuda' here: torch sees no GPU\.$"):
        find_device("cuda")
    gpus(2)
    assert (find_device("auto"), find_device("cuda"), find_device("cuda:1")) == ("cuda:0", "cuda:0", "cuda:1")
    assert find_device("cpu") == "cpu"
    with pytest.raises(UsageError, match=r"no device 'cuda:2' here: torch sees only 2"):
        find_device("cuda:2")
    for name in ("gpu", "cuda:", "cuda:x", "", "CUDA"):
        with pytest.raises(UsageError, match=f"no device '{name}'.*Use 'auto'"):
            find_device(name)


def test_torch_is_asked_only_where_there_is_a_driver(tmp_path):
    """Loading torch takes seconds and memory that a worker without a GPU has better use for."""
    code = (
        "import sys; from reid_core.runtime import device; device._DRIVERS = (sys.argv[1],);"
        "device.find_device('auto'); print('torch' in sys.modules)"
    )
    for path, asked in ((tmp_path / "none", "False"), (tmp_path, "True")):
        said = subprocess.run(
            [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True
        )
        assert said.stdout.strip() == asked
    assert isinstance(device_module._has_driver(), bool)


def test_without_a_gpu_nothing_changes(checkpoint, gpus):
    assert (load_embedder(checkpoint).runtime, load_embedder(checkpoint).device) == ("openvino", "cpu")
    assert load_embedder(checkpoint, "torch").device == "cpu"
    with pytest.raises(UsageError, match="no device 'cuda' here"):
        load_embedder(checkpoint, device="cuda")


def test_auto_is_torch_on_a_gpu_in_half_precision(checkpoint, gpus, errors):
    gpus(1)
    embedder = load_embedder(checkpoint)
    assert (embedder.runtime, embedder.device, embedder.precision) == ("torch", "cuda:0", "fp16")
    assert errors["made"][0] == ("cpu", "fp32"), "parity is measured against the CPU"
    reference = load_embedder(checkpoint, "torch", "fp32", device="cpu")
    assert reference.device == "cpu"
    crops = probe_crops(2)
    assert np.array_equal(embedder.embed(crops, "visible"), reference.embed(crops, "visible"))
    assert load_embedder(checkpoint, precision="bf16").precision == "bf16"
    assert load_embedder(checkpoint, precision="fp32").precision == "fp32"
    # Those that compute on the CPU alone do so still.
    assert load_embedder(checkpoint, "openvino").device == "cpu"
    assert load_embedder(checkpoint, device="cpu").runtime == "openvino"


@pytest.mark.parametrize("wrong", [0.1, float("nan")])
def test_half_precision_is_taken_only_with_parity(checkpoint, gpus, errors, wrong):
    gpus(2)
    errors["fp16"] = wrong
    embedder = load_embedder(checkpoint, device="cuda:1")
    assert (embedder.device, embedder.precision) == ("cuda:1", "fp32")
    errors["fp32"] = 0.1
    with pytest.raises(ModelError, match=r"on cuda:1 lie 0\.\d+ from the CPU's.*device 'cpu'"):
        load_embedder(checkpoint, device="cuda:1")


def test_what_a_gpu_cannot_be_asked_for_is_said(checkpoint, gpus, tmp_path):
    gpus(1)
    with pytest.raises(UsageError, match=r"Runtime 'openvino' computes on the CPU, not on 'cuda'"):
        load_embedder(checkpoint, "openvino", device="cuda")
    with pytest.raises(UsageError, match="fp16 is computed on a GPU only"):
        load_embedder(checkpoint, precision="fp16", device="cpu")
    export_checkpoint(checkpoint, "openvino", tmp_path / "out")
    with pytest.raises(UsageError, match=r"external model 'small' computes on the CPU, not on 'cuda:0'"):
        load_embedder(tmp_path / "out", device="cuda:0")
    assert load_embedder(tmp_path / "out").device == "cpu"
