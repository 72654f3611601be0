"""STAR-ReID from a recipe to a checkpoint: it learns, resumes, is evaluated, exported and serves a run."""

import json
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reid_core.errors import ConfigError, ModelError, UsageError
from reid_core.models.checkpoint import load_checkpoint
from reid_core.runtime import load_embedder
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.language import load_text_encoder
from reid_core.runtime.parity import PARITY, cosine_distance, probe_crops
from reid_core.types import Modality
from tests.conftest import ROOT
from tests.support.people import write_captions, write_people
from training.batches import Batch
from training.evaluation.orchestrating import Evaluator
from training.evaluation.worded import WordedQueries
from training.material import open_material
from training.optimiser import create_optimiser
from training.sampling import IdentitySampler
from training.systems.reading import load_recipe
from training.systems.star_reid.task import WORDS, StarTask
from training.trainer import train

pytestmark = pytest.mark.slow

STAR = [
    "system=star-reid",
    "captions={level: identity, files: [people.json]}",
    "input={height: 32, width: 16}",
    "model={pretrained: false, patch: 8, stride: 6, width: 16, depth: 2, heads: 2}",
    "model.dropout=0.2",
    "model.drop_path=0.2",
    "model.text={source: null, width: 8, layers: 1, heads: 2}",
    "sampler={identities: 4, visible: 2, infrared: 2}",
    "schedule={length: 6, warmup: 2}",
    "threads=1",
    "log_every=2",
    "eval_every=0",
    "state_every=3",
    "calibration.gallery=4",
]
NEAR = "synthetic-all-single-A-near+trials=2"


class Silent:
    def __init__(self, stop_at=None):
        self.stop, self._at = threading.Event(), stop_at

    def images(self, done, total):
        pass

    def step(self, done, total, values):
        if done == self._at:
            self.stop.set()

    def note(self, text):
        pass


def told(folder):
    """People with captions of each image and of each identity."""
    write_captions(folder)
    said = json.loads((folder / "people.json").read_text())
    one_each = {name: texts[0] for name, texts in said.items()}
    (folder / "identity_captions.json").write_text(json.dumps(one_each))
    return folder


@pytest.fixture(scope="module")
def people(module_tmp):
    return told(write_people(module_tmp("people") / "set", val=6, test=6, images=2))


@pytest.fixture(scope="module")
def run(people, module_tmp):
    """``run(out, *changes, stop_at=None, start=None) -> result``."""
    cache = module_tmp("cache") / "images"

    def start(out, *changes, stop_at=None, start=None):
        told = Silent(stop_at)
        recipe = load_recipe(None, [*STAR, *changes])
        return train(recipe, out, people, told, stop=told.stop, cache=cache, start=start)

    return start


@pytest.fixture(scope="module")
def whole(run, module_tmp):
    """The folder of an undisturbed run."""
    out = module_tmp("whole") / "run"
    assert run(out).finished
    return out


@pytest.fixture
def task(people):
    """``task(*changes)``: a task as the trainer has it."""

    def make(*changes):
        recipe = load_recipe(None, [*STAR, *changes])
        material = open_material(recipe.data, people, recipe.seed)
        return StarTask(recipe, material, IdentitySampler(material.train, 1, identities=4).identities)

    return make


def batch(step=0, seed=0, size=(32, 16)):
    rng = torch.Generator().manual_seed(seed)
    labels = torch.tensor([0, 0, 1, 1] * 2)
    return Batch(
        step,
        torch.randn(4, 3, *size, generator=rng),
        torch.randn(4, 3, *size, generator=rng),
        labels,
        {WORDS: ["1 a", "1 b", "2 a", "2 b"]},
    )


def weights(out):
    return {
        file: load_file(out / "model" / file) for file in ("weights.safetensors", "text/branch.safetensors")
    }


def same(one, other):
    return all(
        one[file].keys() == other[file].keys()
        and all(torch.equal(one[file][key], other[file][key]) for key in one[file])
        for file in one
    )


def test_it_learns_all_its_losses_and_writes_a_text_encoder(whole):
    rows = (whole / "log.csv").read_text().splitlines()
    assert rows[0].startswith(
        "step,epoch,loss,modality_identity,hard_triplet,modality_shared,discriminative_center,visual_textual,"
        "accuracy"
    )
    network, files = load_checkpoint(whole / "model")
    assert files.manifest.kind == "star-reid" and network.architecture.grid == (5, 2)
    encoder = load_text_encoder(whole / "model", files.model_id)
    vectors = encoder.encode(["1 a", "2 b", "1 a"])
    assert vectors.shape == (3, 16) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert not np.allclose(vectors[0], vectors[1]) and np.allclose(vectors[0], vectors[2], atol=1e-6)
    # A vector does not depend on what else is read: padding is not looked at.
    alone = encoder.encode(["1 a"])
    longer = encoder.encode(["1 a", "1 a 2 b 1 a 2 b"])
    assert np.allclose(alone[0], longer[0], atol=1e-5)


def test_stopped_and_resumed_it_ends_in_the_same_weights(whole, run, tmp_path):
    assert not run(tmp_path / "run", stop_at=3).finished
    assert run(tmp_path / "run").finished
    assert same(weights(tmp_path / "run"), weights(whole))


def test_a_run_starts_from_a_checkpoint_of_its_kind(whole, run, tmp_path):
    assert run(tmp_path / "run", "schedule={length: 1, warmup: 0}", start=whole / "model").finished
    with pytest.raises(ModelError, match="fusion"):
        run(tmp_path / "other", "model.fusion=sum", start=whole / "model")


def test_what_a_step_reads_has_its_shapes_and_early_steps_compare_within_modalities(task):
    made = task("model.progressive=1")
    network = made.network(None).train()
    steps = made._progressive_steps
    assert (
        steps == IdentitySampler(made.material.train, 1, identities=4, visible=2, infrared=2).steps_per_epoch
    )
    found = {}
    for step in (steps - 1, steps):
        each = batch(step)
        output = made.forward(network, each)
        found[step] = made.readings(output, each), made.losses(made.objective(network), output, each)
    (early, resting), (late, all_of_them) = found.values()
    shapes = {name: tuple(value.shape) for name, value in late.items()}
    assert shapes["features"] == shapes["globals"] == shapes["locals"] == shapes["bn_features"] == (8, 16)
    assert shapes["text_globals"] == shapes["text_locals"] == (4, 16) and shapes["logits"] == (8, 8)
    assert early["compared"].sum() == 32 and late["compared"].all()
    assert resting["modality_shared"] == resting["discriminative_center"] == 0
    assert all_of_them["modality_shared"] > 0 and all_of_them["discriminative_center"] > 0
    # Early, colours do not count: the same grey in other colours gives the same class tokens.
    coloured, grey = batch(0), batch(0)
    luma = (coloured.visible * torch.tensor([0.2989, 0.5870, 0.1140])[None, :, None, None]).sum(1)
    grey.visible[:] = luma[:, None] / 0.9999
    one, other = (made.forward(network, each).images.cls[:4] for each in (coloured, grey))
    assert torch.allclose(one, other, atol=1e-4)


def test_what_is_dropped_is_a_function_of_the_step(task):
    made = task()
    network = made.network(None).train()
    state = torch.get_rng_state()
    first, again, later = (made.forward(network, batch(step)).images.cls for step in (3, 3, 4))
    assert torch.equal(first, again) and not torch.allclose(first, later)
    assert torch.equal(torch.get_rng_state(), state)


def test_words_teach_images_and_rest_without_their_weight(task):
    made = task()
    network = made.network(None).train()
    each = batch()
    output = made.forward(network, each)
    terms = made.losses(made.objective(network), output, each)
    terms["visual_textual"].backward(retain_graph=True)
    reached = {name for name, one in network.named_parameters() if one.grad is not None}
    assert {"visual.vit.patches.weight", "text.bert.embeddings.word_embeddings.weight"} <= reached
    assert not any(
        name.startswith(("visual.alignment", "visual.classifier", "visual.neck")) for name in reached
    )
    network.zero_grad()
    (terms["hard_triplet"] + terms["modality_identity"]).backward()
    reached = {name for name, one in network.named_parameters() if one.grad is not None}
    assert {"visual.alignment.weights", "visual.classifier.weight"} <= reached
    assert not any(name.startswith("text.") for name in reached)
    silent = task("losses.visual_textual.weight=0", "captions=null")
    assert silent.network(None).text is None and silent.needs().texts == {}


def test_every_weight_that_learns_moves_in_one_group(task):
    made = task("model.frozen_blocks=1")
    network = made.network(None)
    grouped = [id(one) for group in network.parameter_groups() for one in group.parameters]
    learning = {id(one) for one in network.parameters() if one.requires_grad}
    assert len(grouped) == len(set(grouped)) and learning == set(grouped)
    settings = load_recipe(ROOT / "configs/recipes/star_reid/sysu.yaml").optimiser
    optimiser = create_optimiser(network, settings, made.objective(network))
    assert {group["factor"] for group in optimiser.param_groups} == {0.5, 1.0, 0.0333}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("sampler.visible=3", "as many of both"),
        ("augmentation.views=2", "views must be 1"),
        ("captions=null", "losses.visual_textual reads them"),
        ("model.frozen_blocks=3", "not so many blocks"),
    ],
)
def test_a_recipe_that_makes_no_sense_is_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        load_recipe(None, [*STAR, change])


def test_it_is_evaluated_by_image_by_parts_and_by_text(whole, people, tmp_path):
    mixed = f"{NEAR}+text=identity-fixed+feature=mix-retrieve(0.5)"
    everybody = f"{NEAR}+text=identity-fixed+feature=mix-retrieve(1)"
    wanted = [NEAR, f"{NEAR}+rerank=ljm(3,0.2,0.3)", mixed, f"{mixed}+rerank=ljm(3,0.2,0.3)", everybody]
    evaluator = Evaluator(people, wanted, cache=tmp_path)
    results = list(evaluator.evaluate(str(whole / "model")).results.values())
    plain, joint, mix, both, kept = results
    assert len({json.dumps(each.as_json()["trials"]) for each in (plain, joint, mix, both)}) == 4
    # Where the text keeps everybody, it is the image alone that ranks.
    assert kept.as_json()["trials"] == plain.as_json()["trials"]
    assert "text-identity-fixed/no-flip/rerank-none/feature-mix-retrieve(0.5)" in mix.protocol
    # Half of the gallery is as many columns behind all others as in front.
    rows = np.sort(mix.scores, axis=1)
    half = rows.shape[1] // 2
    assert (rows[:, half] - rows[:, half - 1] > 0).all()
    again = evaluator.evaluate(str(whole / "model")).results
    assert [each.as_json() for each in again.values()] == [each.as_json() for each in results]
    with pytest.raises(UsageError, match="narrows the gallery by text"):
        Evaluator(people, [f"{NEAR}+feature=mix-retrieve(0.5)"]).evaluate(str(whole / "model"))


@pytest.mark.parametrize("format", ["onnx", "openvino"])
@pytest.mark.parametrize("attention", ["channel", "token"])
def test_its_graphs_give_its_features(whole, run, tmp_path, format, attention):
    pytest.importorskip({"onnx": "onnxruntime", "openvino": "openvino"}[format])
    model = whole / "model"
    if attention != "channel":
        run(tmp_path / "run", f"model.attention={attention}", "schedule={length: 1, warmup: 0}")
        model = tmp_path / "run/model"
    export_checkpoint(model, format, tmp_path / "graphs")
    torch_one = load_embedder(model, "torch", "fp32")
    graph = load_embedder(tmp_path / "graphs", format, "fp32")
    assert graph.model_id == torch_one.model_id and graph.local_features == {"local": (1, 16)}
    for modality in Modality:
        ours, theirs = (each.features(probe_crops(3), modality) for each in (torch_one, graph))
        for name in ("embedding", "local"):
            flat = (each[name].reshape(-1, each[name].shape[-1]) for each in (ours, theirs))
            assert cosine_distance(*flat) <= PARITY


def test_it_serves_a_run(whole, night_videos, tmp_path):
    from reid_core.gallery import Gallery
    from stream import run_footage
    from tests.support.brightness import brightness_detector
    from tests.support.night import specs

    embedder = load_embedder(whole / "model")
    with Gallery.open(f"sqlite:///{tmp_path / 'g.db'}") as gallery:
        found = run_footage(specs(night_videos), gallery, brightness_detector(), embedder)
        assert [one.id for one in gallery.models()] == [embedder.model_id]
    assert found.model == embedder.model_id
    assert found.links and all(link.candidates for link in found.links)


def test_the_full_size_trains_a_step_and_is_evaluated(tmp_path):
    # Each image takes about a second.
    people = told(write_people(tmp_path / "set", train=2, val=2, test=3, images=1))
    changes = [
        "model.pretrained=false",
        "model.text={source: base, context: 100}",
        "model.progressive=0",
        "data.split=train",
        "captions.files=[people.json]",
        "sampler={identities: 2, visible: 1, infrared: 1}",
        "schedule={unit: steps, length: 1, warmup: 0}",
        "optimiser.kind=sgd",
        "threads=2",
        "calibration.gallery=4",
    ]
    recipe = load_recipe(ROOT / "configs/recipes/star_reid/sysu.yaml", changes)
    assert train(recipe, tmp_path / "run", people, Silent(), cache=tmp_path / "images").finished
    network, files = load_checkpoint(tmp_path / "run/model")
    vit = sum(each.numel() for each in network.vit.parameters())
    # ViT-B/16 without its head, with 211 positions in place of 197.
    assert vit == 85_798_656 + (211 - 197) * 768
    assert files.manifest.preprocess.height == 256 and files.manifest.embedding == 768
    encoder = load_text_encoder(tmp_path / "run/model", files.model_id)
    assert sum(each.numel() for each in encoder._branch.bert.parameters()) == 108_891_648
    mixed = "synthetic-all-single-A-near+trials=1+text=identity-fixed+feature=mix-retrieve(0.5)"
    # By torch itself: exporting a network of this size takes longer than all the rest.
    embedder = load_embedder(tmp_path / "run/model", "torch", "fp32")
    evaluator = Evaluator(
        people,
        [f"{mixed}+rerank=ljm(10,0.2,0.3)"],
        query_maker=lambda each: WordedQueries(tmp_path / "run/model", each),
        cache=tmp_path,
    )
    (result,) = evaluator.evaluate(embedder).results.values()
    assert 0 < result.mean("map") <= 1
