"""STAR-ReID whose transformer sees the last maps of another system's network, which stays as it is."""

import json
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reid_core.errors import ConfigError, ModelError, UsageError
from reid_core.models.backbones import default_preprocess
from reid_core.models.body_settings import BodySettings
from reid_core.models.checkpoint import load_checkpoint, save_checkpoint
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.star_reid.architecture import StarArchitecture
from reid_core.models.star_reid.network import StarReid
from reid_core.runtime import load_embedder
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.parity import PARITY, cosine_distance, probe_crops
from reid_core.types import Modality
from tests.conftest import ROOT
from tests.support.people import write_captions, write_people
from tests.support.silent import Silent
from training.batches import KEPT, Batch
from training.material import open_material
from training.sampling import IdentitySampler
from training.systems.reading import load_recipe
from training.systems.star_reid.task import WORDS, StarTask
from training.trainer import train

pytestmark = pytest.mark.slow

HYBRID = [
    "system=star-reid",
    "captions={level: identity, files: [people.json]}",
    "input={height: 64, width: 32, interpolation: bilinear}",
    "model={pretrained: false, body: {backbone: resnet18, last_stride: 2}, width: 16, depth: 1, heads: 2}",
    "model.text={source: null, width: 8, layers: 1, heads: 2}",
    "sampler={identities: 4, visible: 2, infrared: 2}",
    "schedule={length: 4, warmup: 1}",
    "threads=1",
    "log_every=2",
    "eval_every=0",
    "state_every=2",
    "calibration.gallery=4",
]
FROZEN = [*HYBRID, "model.frozen=true", "model.views_kept=2"]
BODY = ("visible_stem.", "infrared_stem.", "trunk.")


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_captions(write_people(module_tmp("people") / "set", val=6, test=6, images=2))


@pytest.fixture(scope="module")
def base(module_tmp):
    """A dual-stream checkpoint, its stems unlike."""
    folder = module_tmp("base") / "model"
    network = create_dual_stream("resnet18", last_stride=2)
    with torch.no_grad():
        network.infrared_stem[0].weight.mul_(1.5)
    save_checkpoint(folder, network, name="base", preprocess=default_preprocess("resnet18", 64, 32))
    return folder


@pytest.fixture(scope="module")
def task(people):
    """``task(settings, *changes, start=None) -> (task, network in training mode)``."""

    def make(settings, *changes, start=None):
        recipe = load_recipe(None, [*settings, *changes])
        material = open_material(recipe.data, people, recipe.seed)
        identities = IdentitySampler(material.train, 1, identities=4).identities
        made = StarTask(recipe, material, identities)
        made.start = None if start is None else open_checkpoint(start)
        return made, made.network(made.start).train()

    return make


@pytest.fixture(scope="module")
def trained(people, base, module_tmp):
    """The folder of a run on kept maps."""
    out = module_tmp("trained") / "run"
    recipe = load_recipe(None, FROZEN)
    cache = module_tmp("cache") / "images"
    done = train(recipe, out, people, Silent(), stop=threading.Event(), cache=cache, start=base)
    assert done.finished
    return out


def test_the_body_of_another_system_is_taken_and_stays_as_it_is(base, trained):
    before, after = (load_file(one / "weights.safetensors") for one in (base, trained / "model"))
    body = {name for name in before if name.startswith(BODY)}
    assert body and all(torch.equal(before[name], after[name]) for name in body)
    network, files = load_checkpoint(trained / "model")
    assert network.architecture.body == BodySettings(backbone="resnet18", last_stride=2)
    assert network.architecture.grid == (2, 1) and files.manifest.embedding == 16
    assert files.manifest.preprocess == default_preprocess("resnet18", 64, 32)


def test_it_sees_each_modality_through_its_own_stem(base, trained):
    network = load_checkpoint(trained / "model")[0].eval()
    images = torch.randn(3, 3, 64, 32, generator=torch.Generator().manual_seed(1))
    day, night = (network.maps(images, modality) for modality in Modality)
    assert day.shape == (3, 512, 2, 1) and not torch.allclose(day, night)
    both = network.maps_of_both(images, images)
    assert torch.allclose(both, torch.cat([day, night]), atol=1e-5)
    tokens = network.vit(day)
    assert tokens.patches.shape == (3, 2, 16)
    # A patch is a place of the maps: without position and blocks it depends on nothing else.
    bare = network.vit.patches(day).flatten(2).transpose(1, 2)
    changed = day.clone()
    changed[:, :, 1] += 1
    assert torch.allclose(network.vit.patches(changed).flatten(2).transpose(1, 2)[:, 0], bare[:, 0])


def test_kept_maps_are_read_as_those_of_images(task, base):
    made, network = task(FROZEN, start=base)
    rng = torch.Generator().manual_seed(2)
    images = torch.randn(16, 3, 64, 32, generator=rng)
    labels = torch.arange(4).repeat_interleave(2).repeat(2)
    texts = {WORDS: ["1 a"] * 8}
    seen = Batch(0, images[:8], images[8:], labels, texts)
    kept = made.frozen(network).network
    rows = torch.cat([kept.raw(images[:8], Modality.VISIBLE), kept.raw(images[8:], Modality.INFRARED)])
    assert rows.shape == (16, kept.embedding) == (16, 1024)
    nothing = torch.empty(8, 3, 0, 0)
    one, other = (
        made.forward(network, batch)
        for batch in (seen, Batch(0, nothing, nothing, labels, texts, {KEPT: rows}))
    )
    for name in ("fused", "cls", "logits", "patches"):
        assert torch.allclose(getattr(one.images, name), getattr(other.images, name), atol=1e-4), name


def test_a_frozen_body_learns_nothing_and_a_thawed_one_does(task, base):
    learns = {}
    for settings in (FROZEN, HYBRID):
        made, network = task(settings, start=base)
        images = torch.randn(8, 3, 64, 32, generator=torch.Generator().manual_seed(3))
        labels = torch.arange(2).repeat_interleave(2).repeat(2)
        batch = Batch(0, images[:4], images[4:], labels, {WORDS: ["1 a"] * 4})
        made.forward(network, batch).images.fused.sum().backward()
        frozen = settings is FROZEN
        body = [one for name, one in network.visual.named_parameters() if name.startswith(BODY)]
        learns[frozen] = [one.grad is not None for one in body]
        groups = {group.name: len(group.parameters) for group in network.parameter_groups()}
        assert groups["backbone"] == (0 if frozen else len(body))
        assert network.visual.trunk.training is not frozen and network.visual.vit.training
        assert network.visual.vit.patches.weight.grad is not None
    assert all(learns[False]) and not any(learns[True])


@pytest.mark.parametrize("form", ["onnx", "openvino"])
def test_its_graphs_give_its_features(trained, tmp_path, form):
    pytest.importorskip({"onnx": "onnxruntime", "openvino": "openvino"}[form])
    export_checkpoint(trained / "model", form, tmp_path / "graphs")
    torch_one = load_embedder(trained / "model", "torch", "fp32")
    graph = load_embedder(tmp_path / "graphs", form, "fp32")
    found = {}
    for modality in Modality:
        found[modality], theirs = (each.embed(probe_crops(3), modality) for each in (torch_one, graph))
        assert cosine_distance(found[modality], theirs) <= PARITY
    assert not np.allclose(*found.values(), atol=1e-3)


def test_what_does_not_fit_is_refused(task, base, trained):
    with pytest.raises(UsageError, match=r"input\.interpolation=bilinear"):
        task(FROZEN, "input.interpolation=area", start=base)[0].preprocess()
    with pytest.raises(ConfigError, match="blend must be 1"):
        task(HYBRID, "model.blend=0.5", start=base)
    with pytest.raises(ModelError):
        task([*HYBRID, "model.body=null"], start=base)
    # Its own kind is gone on from, with the text left to learn anew.
    again = task(FROZEN, start=trained / "model")[1].visual.for_inference().state_dict()
    own = load_checkpoint(trained / "model")[0].state_dict()
    assert all(torch.equal(each, own[name]) for name, each in again.items())
    other = StarReid(
        StarArchitecture(
            image=(64, 32),
            body=BodySettings(backbone="resnet18", last_stride=1),
            maps=(4, 2),
            width=16,
            heads=2,
        )
    )
    with pytest.raises(ModelError, match="another one"):
        other.take_body(StarReid(StarArchitecture(image=(64, 32), width=16, heads=2, depth=1)), "odd")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("model.body=null", "frozen is of a body"),
        ("model.frozen=false", "views_kept must be 0 where the body learns"),
        ("model.progressive=1", "views_kept must be 0 where first epochs are grey"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        load_recipe(None, [*FROZEN, change])


def test_the_shipped_recipe_is_a_hybrid_on_the_starter():
    recipe = load_recipe(ROOT / "configs/recipes/star_reid/synthetic.yaml")
    starter = json.loads((ROOT / "models/night-embedder/model.json").read_text())
    built, given = starter["architecture"], recipe.model.body
    assert (given.backbone, given.stem_stages, given.last_stride) == (
        built["backbone"],
        built["stem_stages"],
        built["last_stride"],
    )
    assert recipe.model.frozen and recipe.model.views_kept
    for name in ("height", "width", "contrast", "mirror"):
        assert getattr(recipe.input, name) == starter["preprocess"][name], name
