"""EEES's training: what learns from what, views, starts, what is kept, and that a run resumes."""

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
from reid_core.models.eees.architecture import EeesArchitecture
from reid_core.models.eees.network import Eees
from tests.support.people import write_captions, write_people
from training.augmentation.pipeline import Augmenter
from training.batches import KEPT, TrainingBatches
from training.datasets.resized import resized_images
from training.evaluation.orchestrating import Evaluator
from training.material import open_material
from training.optimiser import create_optimiser
from training.sampling import IdentitySampler
from training.seeding import generator
from training.systems.eees.task import EeesTask
from training.systems.eees.views import draw_views, multi_view
from training.systems.reading import load_recipe
from training.trainer import train

COMMON = [
    "system=eees",
    "input.height=32",
    "input.width=16",
    "sampler.identities=4",
    "sampler.visible=2",
    "sampler.infrared=2",
    "model.attention={width: 8, inner: 16, heads: 2}",
    "model.text={width: 16, layers: 1, heads: 2, projection: 8}",
    "captions.files=[captions.json]",
    "captions.rephrased=true",
    "schedule.length=6",
    "schedule.warmup=2",
    "threads=1",
    "log_every=2",
    "eval_every=0",
    "state_every=3",
    "calibration.gallery=4",
]
RECIPE = [*COMMON, "model.body={layers: [1, 1, 1, 1], width: 8}", "model.pretrained=false"]
FROZEN = [*COMMON, "input.interpolation=bilinear", "model.frozen=true", "model.views_kept=2"]
TEXTLESS = [
    f"losses.{name}.weight=0" for name in ("image_text", "multi_view", "distillation", "purification")
]
LOSSES = "identity,triplet,attended_identity,attended_triplet,image_text,multi_view,distillation,purification"


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


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_captions(write_people(module_tmp("people") / "set", val=6, images=2))


@pytest.fixture(scope="module")
def run(people, module_tmp):
    """``run(out, settings, *changes, start=None, stop_at=None) -> result``."""
    cache = module_tmp("cache") / "images"

    def go(out, settings, *changes, start=None, stop_at=None):
        told = Silent(stop_at)
        recipe = load_recipe(None, [*settings, *changes])
        return train(recipe, out, people, told, stop=told.stop, cache=cache, start=start)

    return go


@pytest.fixture(scope="module")
def base(module_tmp):
    """A dual-stream checkpoint, its stems unlike."""
    folder = module_tmp("base") / "model"
    network = create_dual_stream("resnet18", last_stride=2)
    with torch.no_grad():
        network.infrared_stem[0].weight.mul_(1.5)
        network.neck.running_mean.add_(0.5)
    save_checkpoint(folder, network, name="base", preprocess=default_preprocess("resnet18", 32, 16))
    return folder


@pytest.fixture(scope="module")
def trained(run, module_tmp):
    """The folder of an undisturbed run from random weights."""
    out = module_tmp("trained") / "run"
    run(out, RECIPE)
    return out


@pytest.fixture(scope="module")
def task(people):
    """``task(settings, *changes, start=None) -> (task, network in training mode)``."""

    def make(settings, *changes, start=None):
        recipe = load_recipe(None, [*settings, *changes])
        material = open_material(recipe.data, people, recipe.seed)
        sampler = IdentitySampler(material.train, recipe.seed, **recipe.sampler.model_dump())
        made = EeesTask(recipe, material, sampler.identities)
        made.start = None if start is None else open_checkpoint(start)
        return made, made.network(made.start).train()

    return make


def batch_of(made):
    """A batch of images that are noise, with its texts."""
    recipe, records = made.recipe, made.material.train
    height, width = recipe.input.height, recipe.input.width
    sampler = IdentitySampler(records, recipe.seed, **recipe.sampler.model_dump())
    noise = np.random.default_rng(0).integers(0, 255, (len(records), height, width, 3), np.uint8)
    augmenter = Augmenter(recipe.augmentation, made.preprocess())
    return TrainingBatches(noise, records, sampler, augmenter, 1, recipe.seed, made.needs())[3]


def learned_from(made, network, batch, *losses):
    """Groups of parameters that get a gradient from some losses alone."""
    network.zero_grad(set_to_none=True)
    output = made.forward(network, batch)
    terms = made.losses(made.objective(network), output, batch)
    sum(terms[name] for name in losses).backward()
    return {
        group.name
        for group in network.parameter_groups()
        if any(each.grad is not None and each.grad.any() for each in group.parameters)
    }


def test_views_are_others_of_the_same_person_and_modality():
    labels = np.array([3, 3, 3, 5, 5, 5, 3, 3, 3, 5, 5, 5])
    infrared = np.arange(12) >= 6
    seen = set()
    for step in range(20):
        drawn = draw_views(labels, infrared, 2, generator(1, "cross views", step))
        assert drawn.shape == (12, 2)
        for row, others in enumerate(drawn.tolist()):
            assert row not in others and len(set(others)) == 2
            assert {(labels[one], infrared[one]) for one in others} == {(labels[row], infrared[row])}
        (one,) = draw_views(labels, infrared, 1, generator(1, "cross views", step))[0]
        seen.add(int(one))
    assert seen == {1, 2}, "each of them is drawn"
    with pytest.raises(UsageError, match="fewer than 3 other images"):
        draw_views(labels, infrared, 3, generator(1))


def test_several_views_are_averaged_with_the_own():
    features = torch.tensor([[1.0, 0.0], [3.0, 2.0], [5.0, 7.0]])
    others = torch.tensor([[1, 2], [0, 2], [0, 1]])
    assert multi_view(features, others).tolist() == [[3.0, 3.0]] * 3
    assert multi_view(features, others[:, :1])[0].tolist() == [2.0, 1.0]


@pytest.mark.slow
def test_texts_teach_what_sees_and_what_reads(task):
    made, network = task(RECIPE)
    batch = batch_of(made)
    visual, text = {"backbone", "attention"}, {"text", "text-bias", "text-ends"}
    assert learned_from(made, network, batch, "image_text") == visual | text
    assert learned_from(made, network, batch, "multi_view") == visual | text
    assert learned_from(made, network, batch, "distillation") == visual | text
    assert learned_from(made, network, batch, "purification") == visual | text
    # What tells identities apart teaches no text, and one head not the other.
    assert learned_from(made, network, batch, "identity", "triplet") == {"backbone", "head"}
    assert learned_from(made, network, batch, "attended_triplet") == visual
    assert learned_from(made, network, batch, "attended_identity") == visual | {"head"}


@pytest.mark.slow
def test_a_frozen_body_learns_nothing_and_keeps_its_statistics(task, base):
    made, network = task(FROZEN, start=base)
    before = {name: each.clone() for name, each in network.visual.state_dict().items()}
    batch = batch_of(made)
    assert learned_from(made, network, batch, "image_text", "identity") == {
        "attention", "head", "text", "text-bias", "text-ends",
    }  # fmt: skip
    moved = {
        name for name, each in network.visual.state_dict().items() if not torch.equal(each, before[name])
    }
    assert moved and all(name.startswith(("neck.", "attention_neck.")) for name in moved)
    (body,) = (group for group in network.parameter_groups() if group.name == "backbone")
    assert not body.parameters


@pytest.mark.slow
def test_several_views_of_a_step_are_those_of_its_own_images_and_texts(task):
    made, network = task(RECIPE)
    batch = batch_of(made)
    output = made.forward(network.eval(), batch)
    others = torch.tensor([1, 0, 3, 2, 5, 4, 7, 6, 9, 8, 11, 10, 13, 12, 15, 14])
    # Two images of a modality each: the other one is the only partner.
    torch.testing.assert_close(
        output.multi_attended, (output.heads.attended + output.heads.attended[others]) / 2
    )
    torch.testing.assert_close(output.multi_texts, (output.texts + output.texts[others]) / 2)
    read = network.tower(torch.from_numpy(made._tokens(batch.texts["texts"])))
    torch.testing.assert_close(output.texts, read)
    assert len(batch.texts["texts"]) == 16 and all("cam" in text for text in batch.texts["texts"])


@pytest.mark.slow
def test_what_no_loss_reads_is_not_made(task):
    silent = [each for each in RECIPE if "captions" not in each]
    made, network = task(silent, *TEXTLESS, "optimiser.factors={text: 0.5, text-ends: 2}")
    assert network.tower is None and not made.needs().texts
    # Rates of a tower that is not there are no mistake: a recipe's parts are taken away one by one.
    create_optimiser(network, made.recipe.optimiser, torch.nn.Identity())
    assert made.forward(network, batch_of(made)).texts is None
    made, network = task(RECIPE, "losses.multi_view.weight=0", "losses.distillation.weight=0")
    output = made.forward(network, batch_of(made))
    assert output.texts is not None and output.multi_texts is None


@pytest.mark.slow
def test_it_learns_and_only_what_sees_is_kept(trained):
    rows = (trained / "log.csv").read_text().splitlines()
    assert rows[0].startswith(f"step,epoch,loss,{LOSSES},accuracy,attended_accuracy,lr") and len(rows) == 5
    first, last = (dict(zip(rows[0].split(","), row.split(","), strict=True)) for row in (rows[1], rows[-1]))
    assert all(float(first[name]) != float(last[name]) for name in LOSSES.split(","))
    network, files = load_checkpoint(trained / "model")
    assert files.manifest.kind == "eees" and not (trained / "model/text").exists()
    assert isinstance(network, Eees) and network.architecture.grid == (2, 1)
    assert len(files.manifest.label_map) == network.architecture.classes == 8
    assert files.manifest.training.origin == "random weights"
    assert files.manifest.calibration and not any("tower" in name for name in network.state_dict())


@pytest.mark.slow
def test_stopped_and_resumed_it_ends_in_the_same_weights(trained, run, tmp_path):
    assert not run(tmp_path / "run", RECIPE, stop_at=3).finished
    assert run(tmp_path / "run", RECIPE).finished
    one, other = (load_file(out / "model/weights.safetensors") for out in (trained, tmp_path / "run"))
    assert one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


@pytest.mark.slow
def test_it_goes_on_from_its_own_checkpoint(trained, task, people):
    _, network = task(RECIPE, start=trained / "model")
    own, theirs = (
        network.visual.for_inference().state_dict(),
        load_checkpoint(trained / "model")[0].state_dict(),
    )
    assert all(torch.equal(each, theirs[name]) for name, each in own.items())
    with pytest.raises(ModelError, match="of another network"):
        task(RECIPE, "model.attention={width: 4, inner: 16, heads: 2}", start=trained / "model")


@pytest.mark.slow
def test_the_body_of_another_system_is_taken_as_it_is(task, base):
    made, network = task(FROZEN, start=base)
    before, after = load_file(base / "weights.safetensors"), network.visual.state_dict()
    body = {name for name in before if not name.startswith("neck.")}
    assert all(torch.equal(before[name], after[name]) for name in (*body, "neck.running_mean"))
    assert network.architecture.body == BodySettings(backbone="resnet18", last_stride=2)
    assert made.preprocess().mean == default_preprocess("resnet18").mean
    with pytest.raises(UsageError, match=r"input\.interpolation=bilinear"):
        task(FROZEN, "input.interpolation=area", start=base)[0].preprocess()
    with pytest.raises(ConfigError, match="blend must be 1"):
        task(COMMON, "model.blend=0.5", start=base)


@pytest.mark.slow
def test_a_body_that_is_another_one_is_refused(base):
    small = Eees(EeesArchitecture(body=BodySettings(layers=(1, 1, 1, 1), width=8), grid=(2, 1)))
    with pytest.raises(ModelError, match=r"The body of odd is another one .* differ"):
        small.take_body(load_checkpoint(base)[0], "odd")


@pytest.mark.slow
def test_maps_that_are_kept_are_those_of_augmented_images(task, base, run, tmp_path):
    made, network = task(FROZEN, start=base)
    recipe, material = made.recipe, made.material
    images = resized_images(material.dataset, material.train, made.preprocess(), tmp_path / "images")
    sampler = IdentitySampler(material.train, recipe.seed, **recipe.sampler.model_dump())
    augmenter = Augmenter(recipe.augmentation, made.preprocess())
    source = TrainingBatches(images, material.train, sampler, augmenter, 1, recipe.seed, made.needs())
    source.keep(made.kept(network, source, tmp_path / "images", None))
    batch = source[2]
    assert batch.visible.shape == (8, 3, 0, 0) and batch.rows[KEPT].shape == (16, 512)
    place = sampler.batch(2).visible[5]
    candidates = []
    for view in range(2):
        stream = generator(recipe.seed, "kept view", int(place), 0, view)
        image = torch.from_numpy(source.augmented(np.array([place]), 0, [stream]))
        with torch.no_grad():
            candidates.append(network.visual.maps(image, material.train[place].modality)[0].flatten().numpy())
    fits = [np.allclose(batch.rows[KEPT][5].numpy(), each, rtol=1e-3, atol=1e-4) for each in candidates]
    assert any(fits) and not np.allclose(*candidates)
    heads = made.forward(network.eval(), batch).heads
    with torch.no_grad():
        pooled = network.visual.pool(batch.rows[KEPT].reshape(-1, 512, 1, 1))
    torch.testing.assert_close(heads.features, pooled)
    assert run(tmp_path / "run", FROZEN, start=base).finished


@pytest.mark.slow
def test_each_group_has_the_rate_that_the_recipe_gives_it(task):
    made, network = task(RECIPE, "optimiser.factors={backbone: 0.02, text: 0.5, attention: 3}")
    optimiser = create_optimiser(network, made.recipe.optimiser, torch.nn.Identity())
    told = {group["factor"] for group in optimiser.param_groups}
    assert told == {0.02, 0.5, 3.0, 2.0, 1.0}
    moved = {id(each) for group in optimiser.param_groups for each in group["params"]}
    assert moved == {id(each) for each in network.parameters() if each.requires_grad}


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("model.views_kept=2", "views_kept must be 0"),
        ("sampler.infrared=3", "as many"),
        ("augmentation.views=2", "views must be 1"),
        ("model.cross_views=2", "1 other images"),
        ("captions=null", "losses read texts"),
    ],
)
def test_recipes_that_contradict_themselves_are_refused(change, said):
    with pytest.raises(ConfigError, match=said):
        load_recipe(None, [*RECIPE, change])


def test_weights_of_a_clip_are_for_the_body_of_one():
    with pytest.raises(ConfigError, match="visual side of a CLIP"):
        load_recipe(None, [*COMMON, "model.body.backbone=resnet18", "model.source=somewhere"])


@pytest.mark.slow
def test_the_full_size_takes_a_step_and_is_evaluated_on_a_cpu(run, people, tmp_path):
    """CLIP RN50 at 288x144 with its text tower, from random weights."""
    full = [
        "system=eees", "model.pretrained=false", "model.text.source=RN50", "captions.files=[captions.json]",
        "input={height: 288, width: 144, interpolation: bilinear, cache_scale: 1}", "threads=2",
        "sampler={identities: 2, visible: 2, infrared: 2}", "augmentation.reality=null",
        "schedule={length: 1, warmup: 0}", "log_every=1", "eval_every=0", "calibration.gallery=4",
    ]  # fmt: skip
    assert run(tmp_path / "run", full).finished
    values = (tmp_path / "run/log.csv").read_text().splitlines()
    told = dict(zip(*(row.split(",") for row in values), strict=True))
    assert all(np.isfinite(float(told[name])) and float(told[name]) > 0 for name in LOSSES.split(","))
    network, files = load_checkpoint(tmp_path / "run/model")
    assert network.architecture.grid == (18, 9) and files.manifest.embedding == 2048 + 1024
    preset = "synthetic-all-single-A-near"
    done = Evaluator(people, (f"{preset}+trials=1",), cache=tmp_path / "vectors").evaluate(
        str(tmp_path / "run/model")
    )
    (result,) = done.results.values()
    assert result.queries > 0 and 0 < result.mean("map") <= 1
