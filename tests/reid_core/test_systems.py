"""A second system, of a package of somebody else: it is to the rest what one of this repository is."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from reid_core.errors import ModelError, UsageError
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint, take_weights
from reid_core.models.checkpoint_files import open_checkpoint, sha256_of
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.manifest import model_id, read_manifest
from reid_core.models.presets import PRESETS
from reid_core.models.systems import SYSTEMS
from reid_core.preprocess import Preprocess
from reid_core.registry import Registry
from reid_core.runtime import load_embedder
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.parity import PARITY, cosine_distance, probe_crops
from reid_core.types import Modality
from tests.conftest import ROOT
from tests.support.packages import install

FIXTURES = ROOT / "tests/fixtures"

STRIPES = '''
import torch
from torch import nn
from torch.nn.functional import adaptive_avg_pool2d, normalize

from reid_core.config import Settings
from reid_core.models.network import GraphInput, Network, ParameterGroup
from reid_core.models.systems import System


class StripesArchitecture(Settings):
    width: int
    stripes: int = 3
    classes: int | None = None


class Stripes(Network):
    """One convolution; the vector is its mean, the local features are the means of stripes."""

    kind = "stripes"

    def __init__(self, architecture, embedding):
        super().__init__()
        self.architecture, self.embedding = architecture, embedding
        self.convolution = nn.Conv2d(3, architecture.width, 3, 2, 1)
        self.head = nn.Linear(architecture.width, embedding)
        self.register_buffer("scale", torch.tensor(2.0), persistent=False)
        self.classifier = nn.Linear(embedding, architecture.classes) if architecture.classes else None

    def features(self, images, modality):
        maps = self.scale * self.convolution(images) + (1.0 if modality == "infrared" else 0.0)
        parts = adaptive_avg_pool2d(maps, (self.architecture.stripes, 1)).flatten(2).transpose(1, 2)
        return {"embedding": normalize(self.head(maps.mean((2, 3)))), "parts": parts}

    def parameter_groups(self):
        learned = [self.convolution, self.head] + ([self.classifier] if self.classifier else [])
        return tuple(ParameterGroup(type(each).__name__, list(each.parameters())) for each in learned)

    def for_inference(self):
        bare = Stripes(self.architecture.model_copy(update={"classes": None}), self.embedding)
        bare.load_state_dict(self.state_dict(), strict=False)
        return bare

    def graph_inputs(self, preprocess):
        return (GraphInput("crops", (3, preprocess.height, preprocess.width)),)


class StripesSystem(System):
    architecture = StripesArchitecture
    handling = "shared"

    def build(self, architecture, embedding, pretrained=False):
        return Stripes(architecture, embedding or architecture.width)

    def local_features(self, architecture, embedding):
        return {"parts": (architecture.stripes, architecture.width)}

    def classes(self, architecture):
        return architecture.classes

    def for_inference(self, architecture):
        return architecture.model_copy(update={"classes": None})
'''

PREPROCESS = Preprocess(height=24, width=12, std=(255.0,) * 3)


@pytest.fixture(scope="module")
def stripes(module_tmp):
    """The system's module, found by its entry point."""
    folder = module_tmp("site-packages")
    points = {
        "nightreid.systems/stripes": "stripes_system:StripesSystem",
        "nightreid.systems/gone": "stripes_system:NothingOfThisName",
    }
    install(folder, "stripes_system", STRIPES, points)
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        import stripes_system

        yield stripes_system


def built(module, seed=5, **architecture):
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return module.Stripes(module.StripesArchitecture(width=8, **architecture), 6).eval()


@pytest.fixture
def saved(stripes, tmp_path):
    folder = tmp_path / "ck"
    save_checkpoint(
        folder, built(stripes, classes=4), name="s", preprocess=PREPROCESS, label_map=list("abcd")
    )
    return folder


def test_models_of_today_keep_their_ids():
    """Read from the commit before systems were told apart: galleries hold vectors by these ids."""
    manifest = read_manifest(FIXTURES / "manifest_before_systems.json")
    (digest,) = manifest.digest.values()
    assert (
        model_id(manifest, dict.fromkeys(Modality, (digest,)))
        == "2ff174c04697816e72c592f4655dc5b2bcdb978584ecfe4b2f30f95cd4fd5180"
    )
    assert (
        PRESETS.get("imagenet")().model_id
        == "3491c65c9615aa1706df0eb445ef1f261acd3faec449a7447dd5943ee5f94430"
    )


def test_an_external_model_of_today_keeps_its_id_and_an_export_its_checkpoints(tmp_path):
    (tmp_path / "net.onnx").write_bytes(b"weights")
    said = {"format": 1, "name": "n", "kind": "external", "weights": "net.onnx", "embedding": 8}
    said |= {"preprocess": {"height": 64, "width": 32}}
    (tmp_path / "model.json").write_text(json.dumps(said))
    own = open_checkpoint(tmp_path).model_id
    assert own == "65333f9cebcf077eeef804184940a09a41090f8e5f23d36790fa37371a31e640"
    exported = said | {"exported_from": {"model_id": "a" * 64, "own_id": own}}
    (tmp_path / "model.json").write_text(json.dumps(exported))
    assert open_checkpoint(tmp_path).model_id == "a" * 64


def test_its_checkpoint_comes_back_as_it_was(stripes, saved):
    state = torch.random.get_rng_state()
    model, files = load_checkpoint(saved)
    assert torch.equal(torch.random.get_rng_state(), state)
    assert isinstance(model, stripes.Stripes) and not model.training
    assert model.architecture == files.manifest.architecture == built(stripes, classes=4).architecture
    assert files.manifest.handling == "shared" and files.manifest.local_shapes == {"parts": (3, 8)}
    images = torch.randn(2, 3, 24, 12, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        for modality in Modality:
            expected = built(stripes, classes=4).features(images, modality)
            found = model.features(images, modality)
            assert found.keys() == expected.keys()
            assert all(torch.equal(found[name], expected[name]) for name in expected)


def test_its_checkpoint_is_read_strictly(saved):
    file, manifest = saved / "weights.safetensors", (saved / "model.json").read_text()
    before, tensors = sha256_of(file), load_file(file)
    save_file({name: each for name, each in tensors.items() if name != "head.bias"}, file)
    (saved / "model.json").write_text(manifest.replace(before, sha256_of(file)))
    with pytest.raises(ModelError, match=r"lacks 1 tensor: head\.bias"):
        load_checkpoint(saved)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"kind": "stripe"}, r"kind: There is no system 'stripe'\. Did you mean 'stripes'\?"),
        ({"kind": "gone"}, r"kind: The system 'gone' .* cannot be imported"),
        ({"architecture": {"width": 8, "stripe": 3}}, r"'architecture\.stripe'.*'architecture\.stripes'"),
        ({"architecture": {"stripes": 3}}, r"'architecture\.width' is missing"),
        ({"architecture": {"width": "wide"}}, r"architecture\.width: "),
        ({"architecture": None}, "a stripes model needs its architecture"),
        ({"label_map": ["a"]}, "equally long"),
        ({"local_features": {"parts": [3, 8]}}, "only an external model has"),
        ({"weights": {"visible": "a", "infrared": "b"}}, "a stripes model has one weights file"),
        ({"modality_handling": "stems"}, "make it 'shared'"),
    ],
)
def test_what_is_wrong_with_its_manifest_is_said(saved, change, says):
    file = saved / "model.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | change))
    with pytest.raises(ModelError, match=says):
        read_manifest(saved)


def test_weights_are_taken_for_learning_on_but_not_the_classifier(stripes, saved, tmp_path):
    files = open_checkpoint(saved)
    model = built(stripes, seed=6, classes=9)
    kept = model.classifier.weight.clone()
    take_weights(model, files)
    assert torch.equal(model.head.weight, built(stripes, classes=4).head.weight)
    assert torch.equal(model.classifier.weight, kept)
    with pytest.raises(ModelError, match="another network: stripes 3, not 2"):
        take_weights(built(stripes, stripes=2), files)
    with pytest.raises(ModelError, match="another network: kind stripes, not dual-stream"):
        take_weights(create_dual_stream("resnet18"), files)


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["torch", "openvino", "onnx"])
def test_every_runtime_gives_its_local_features(saved, tmp_path, monkeypatch, runtime):
    monkeypatch.setenv("NIGHTREID_CACHE", str(tmp_path / "cache"))
    reference = load_embedder(saved, "torch", "fp32", device="cpu")
    if runtime != "torch":
        # Once by way of the cache and once as a folder of its own.
        export_checkpoint(saved, runtime, tmp_path / "out")
    places = [saved] if runtime == "torch" else [saved, tmp_path / "out"]
    for place in places:
        embedder = load_embedder(place, runtime, "fp32")
        assert embedder.local_features == {"parts": (3, 8)}
        assert embedder.space == embedder.model_id == reference.model_id
        for modality in Modality:
            crops = probe_crops(5)
            wanted = reference.features(crops, modality)
            found = embedder.features(crops, modality, batch_size=2)
            assert found.keys() == {"embedding", "parts"}
            assert found["parts"].shape == (5, 3, 8) and found["parts"].dtype == np.float32
            np.testing.assert_allclose(np.linalg.norm(found["parts"], axis=2), 1, atol=1e-5)
            for name, rows in found.items():
                assert cosine_distance(*(x.reshape(-1, x.shape[-1]) for x in (wanted[name], rows))) <= PARITY
            again = load_embedder(place, runtime, "fp32").features(crops, modality, batch_size=2)
            assert all(np.array_equal(again[name], rows) for name, rows in found.items())
            assert np.array_equal(embedder.embed(crops, modality, batch_size=2), found["embedding"])
    assert reference.features([], "visible")["parts"].shape == (0, 3, 8)


@pytest.mark.slow
def test_local_features_are_the_crops_own_where_vectors_see_the_mirror_image(stripes, tmp_path):
    features = []
    for mirror in (False, True):
        preprocess = PREPROCESS.model_copy(update={"mirror": mirror})
        save_checkpoint(tmp_path / "ck", built(stripes), name="s", preprocess=preprocess)
        embedder = load_embedder(tmp_path / "ck", "torch", "fp32")
        features.append(embedder.features(probe_crops(2), "visible"))
    assert np.array_equal(features[0]["parts"], features[1]["parts"])
    assert not np.array_equal(features[0]["embedding"], features[1]["embedding"])


@pytest.mark.slow
@pytest.mark.parametrize("format", ["onnx", "openvino"])
def test_an_export_whose_local_features_differ_is_not_written(stripes, saved, tmp_path, monkeypatch, format):
    plain = stripes.Stripes.features

    def features(self, images, modality):
        found = plain(self, images, modality)
        # Only a graph that is being recorded sees other parts; the vector stays.
        recorded = torch.jit.is_tracing() or torch.compiler.is_compiling()
        return {**found, "parts": found["parts"].flip(2)} if recorded else found

    monkeypatch.setattr(stripes.Stripes, "features", features)
    with pytest.raises(ModelError, match="reaches a cosine distance"):
        export_checkpoint(saved, format, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.slow
def test_a_network_without_the_features_of_its_manifest_is_said(stripes, saved, tmp_path, monkeypatch):
    plain = stripes.Stripes.features
    monkeypatch.setattr(stripes.Stripes, "features", lambda *given: {"embedding": plain(*given)["embedding"]})
    with pytest.raises(ModelError, match="gives no feature 'parts'"):
        load_embedder(saved, "torch")
    with pytest.raises(ModelError, match="gives no feature 'parts'"):
        export_checkpoint(saved, "onnx", tmp_path / "out")
    monkeypatch.setattr(
        stripes.Stripes, "features", lambda *given: {**plain(*given), "parts": plain(*given)["parts"][:, 1:]}
    )
    with pytest.raises(ModelError, match=r"shape \(1, 2, 8\) as 'parts' to 1 crops, not \(1, 3, 8\)"):
        load_embedder(saved, "torch")


def test_a_registry_says_what_there_is_not(stripes):
    assert SYSTEMS.names[0] == "dual-stream" and "stripes" in SYSTEMS and "stripe" not in SYSTEMS
    assert SYSTEMS.get("stripes") is stripes.StripesSystem
    with pytest.raises(UsageError, match=r"no system 'dual-steam'.*'dual-stream'"):
        SYSTEMS.get("dual-steam")
    listed = r"Choose one of: dual-stream, (.+, )?gone, stripes\."
    with pytest.raises(UsageError, match=rf"no system 'zzz'.*{listed}"):
        SYSTEMS.get("zzz")
    with pytest.raises(UsageError, match=r"'gone' \(stripes_system:NothingOfThisName\) cannot be imported"):
        SYSTEMS.get("gone")
    empty = Registry("text encoder", "nightreid.nothing_of_this", {})
    with pytest.raises(UsageError, match=r"None is built in; .* entry point .*'nightreid\.nothing_of_this'"):
        empty.get("clip")


def test_a_name_of_this_repository_is_not_taken_by_a_package(tmp_path, monkeypatch):
    install(tmp_path, "taker", "Mine = 1", {"nightreid.systems/dual-stream": "taker:Mine"})
    monkeypatch.syspath_prepend(tmp_path)
    own = Registry("system", "nightreid.systems", {"dual-stream": "reid_core.types:Modality"})
    assert own.names.count("dual-stream") == 1 and own.get("dual-stream") is Modality
