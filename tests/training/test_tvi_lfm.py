"""TVI-LFM's fine-tuning: what learns, what is frozen, what is kept, and that a run resumes."""

import json
import threading

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from reid_core.errors import ModelError, UsageError
from reid_core.images import read_image
from reid_core.models.checkpoint import load_checkpoint
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.dual_stream.architecture import DualStreamArchitecture
from reid_core.models.dual_stream.network import DualStream
from reid_core.runtime import load_embedder
from reid_core.runtime.export import export_checkpoint
from reid_core.runtime.language import load_text_encoder
from reid_core.runtime.parity import PARITY, cosine_distance, probe_crops
from reid_core.runtime.raw import RawFeatures
from reid_core.types import Modality
from tests.support.people import write_captions, write_people
from training.batches import KEPT, Batch
from training.datasets.opening import open_dataset
from training.datasets.records import Split
from training.evaluation.galleries import draw_trials
from training.evaluation.orchestrating import Evaluator
from training.evaluation.protocols import parse_protocol
from training.evaluation.texts import query_texts
from training.material import open_material
from training.optimiser import create_optimiser
from training.sampling import IdentitySampler
from training.systems.reading import load_recipe
from training.systems.tvi_lfm.task import TviTask
from training.trainer import train

pytestmark = pytest.mark.slow

COMMON = [
    "input.height=32",
    "input.width=16",
    "sampler.identities=4",
    "sampler.visible=2",
    "sampler.infrared=2",
    "schedule.warmup=2",
    "threads=1",
    "log_every=2",
    "eval_every=0",
    "state_every=3",
    "calibration.gallery=4",
]
BASE = [
    *COMMON,
    "model.backbone=resnet18",
    "model.pretrained=false",
    "model.embedding=16",
    "schedule.length=4",
]
TAUGHT = [
    *COMMON,
    "system=tvi-lfm",
    "captions.files=[captions.json]",
    "captions.rephrased=true",
    "augmentation.views=2",
    "augmentation.exchange=1",
    "model.text={width: 16, layers: 1, heads: 2, projection: 8}",
    "model.views_kept=2",
    "schedule.length=6",
    "optimiser.kind=adam",
]


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
    return write_captions(write_people(module_tmp("people") / "set", val=6, test=4, images=2))


@pytest.fixture(scope="module")
def run(people, module_tmp):
    """``run(out, settings, *changes, start=None, stop_at=None) -> result``."""
    cache = module_tmp("cache") / "images"

    def start(out, settings, *changes, start=None, stop_at=None):
        told = Silent(stop_at)
        recipe = load_recipe(None, [*settings, *changes])
        return train(recipe, out, people, told, stop=told.stop, cache=cache, start=start)

    return start


@pytest.fixture(scope="module")
def base(run, module_tmp):
    """The checkpoint that all runs here start from."""
    out = module_tmp("base") / "run"
    run(out, BASE)
    return out / "model"


@pytest.fixture(scope="module")
def taught(run, base, module_tmp):
    """The folder of an undisturbed run."""
    out = module_tmp("taught") / "run"
    run(out, TAUGHT, start=base)
    return out


@pytest.fixture
def task(people, base):
    """``task(*changes)``: a task as the trainer has it."""

    def make(*changes):
        recipe = load_recipe(None, [*TAUGHT, *changes])
        material = open_material(recipe.data, people, recipe.seed)
        made = TviTask(recipe, material, IdentitySampler(material.train, 1, identities=4).identities)
        made.start = open_checkpoint(base)
        return made

    return make


def weights(out):
    return [load_file(out / "model" / file) for file in ("weights.safetensors", "text/tower.safetensors")]


def same(one, other):
    return one.keys() == other.keys() and all(torch.equal(one[key], other[key]) for key in one)


def test_it_learns_words_and_leaves_the_visual_side_alone(taught, base):
    (after, words), before = weights(taught), load_file(base / "weights.safetensors")
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    # What is frozen is frozen, batch norms too: only the neck and the classifier learn on.
    assert moved == {
        "neck.weight",
        "neck.running_mean",
        "neck.running_var",
        "neck.num_batches_tracked",
        "classifier.weight",
    }
    rows = (taught / "log.csv").read_text().splitlines()
    assert rows[0].startswith("step,epoch,loss,identity,triplet,accuracy,lr") and len(rows) == 5
    _, files = load_checkpoint(taught / "model")
    assert files.manifest.kind == "dual-stream" and files.manifest.training.settings["system"] == "tvi-lfm"
    encoder = load_text_encoder(taught / "model", files.model_id)
    vectors = encoder.encode(["plain cam1/0001/0001.jpg", "other cam1/0002/0001.jpg"])
    assert vectors.shape == (2, 16) and not np.allclose(*vectors)
    assert words["tower.clip.text_projection.weight"].shape == (16, 16)
    assert load_embedder(taught / "model", "torch", "fp32").space == encoder.space


def test_stopped_and_resumed_it_ends_in_the_same_weights(taught, run, base, tmp_path):
    assert not run(tmp_path / "run", TAUGHT, start=base, stop_at=3).finished
    assert not (tmp_path / "run/model").exists()
    assert run(tmp_path / "run", TAUGHT, start=base).finished
    assert all(same(*each) for each in zip(weights(tmp_path / "run"), weights(taught), strict=True))
    assert open_checkpoint(tmp_path / "run/model").model_id == open_checkpoint(taught / "model").model_id


def test_drifting_moves_the_statistics_and_no_weight(run, base, tmp_path):
    run(tmp_path / "run", TAUGHT, "model.visual=drifting", "model.views_kept=0", start=base)
    before, after = load_file(base / "weights.safetensors"), weights(tmp_path / "run")[0]
    moved = {name for name in before if not torch.equal(before[name], after[name])}
    counted = {
        name for name in before if name.endswith(("running_mean", "running_var", "num_batches_tracked"))
    }
    assert moved == counted | {"neck.weight", "classifier.weight"}


def write_texts(people):
    """The captions where an evaluation looks for them."""
    said = json.loads((people / "captions.json").read_text())
    for side, cameras in (("RGB", (1, 2, 4, 5)), ("IR", (3, 6))):
        file = people / f"Text/Blip_{side}/caption_dict_Blip_{side}.json"
        file.parent.mkdir(parents=True, exist_ok=True)
        own = {key: each for key, each in said.items() if int(key.split("cam")[1][0]) in cameras}
        file.write_text(json.dumps(own))


def test_it_is_evaluated_with_text_in_every_form(taught, people, tmp_path):
    write_texts(people)
    preset = "synthetic-all-single-A-near+trials=1+text=identity-random(1)"
    features = ("bn", "fused", "ensemble-mean", "ensemble-cosines")
    wanted = [preset if each == "bn" else f"{preset}+feature={each}" for each in features]
    evaluator = Evaluator(
        people, [*wanted, "synthetic-all-single-A-near+trials=1"], cache=tmp_path / "features"
    )
    done = evaluator.evaluate(str(taught / "model"))
    asked = [contests[0].query for contests in done.contests.values()]
    assert len(asked) == 5
    dataset, embedder = open_dataset(people), load_embedder(taught / "model", "torch", "fp32")
    (drawn,) = draw_trials(dataset.records(Split.TEST), parse_protocol(wanted[0]), None)
    queries = [dataset.records(Split.TEST)[row] for row in drawn.query.tolist()]
    wanted_texts = query_texts(dataset, queries, "identity-random(1)")
    filters = query_texts(dataset, queries, "image")
    assert all("cam3" in each for each in filters) and not any("cam3" in each for each in wanted_texts)
    encoder = load_text_encoder(taught / "model")
    crops = [read_image(dataset.file(record)) for record in queries]
    raw = RawFeatures(taught / "model")(crops, Modality.INFRARED)
    plain = encoder.necked(raw)
    expected = [
        encoder.encode(wanted_texts),
        encoder.fused(raw, wanted_texts, filters),
        encoder.ensemble(raw, wanted_texts, filters, "mean"),
        encoder.ensemble(raw, wanted_texts, filters, "cosines"),
        plain,
    ]
    for found, other in zip(asked, expected, strict=True):
        np.testing.assert_allclose(found, other, atol=2e-3)
    np.testing.assert_allclose(plain, embedder.embed(crops, Modality.INFRARED), atol=1e-4)
    assert not np.allclose(expected[1], expected[2], atol=0.05)


def test_a_model_without_words_says_so(base, people, tmp_path):
    evaluator = Evaluator(people, ["synthetic-all-single-A-near+text=image"], cache=tmp_path)
    with pytest.raises(UsageError, match="the model reads none"):
        evaluator.evaluate(str(base))


def test_the_fused_network_is_exported_like_any_other(taught, tmp_path):
    graph = export_checkpoint(taught / "model", "openvino", tmp_path / "graph")
    torch_vectors, graph_vectors = (
        load_embedder(folder, runtime, "fp32").embed(probe_crops(3), Modality.INFRARED)
        for folder, runtime in ((taught / "model", "torch"), (tmp_path / "graph", "openvino"))
    )
    assert graph is not None and cosine_distance(torch_vectors, graph_vectors) <= PARITY


def batch_of(step, visible, infrared, labels, features, texts):
    empty = torch.empty(visible, 3, 0, 0), torch.empty(infrared, 3, 0, 0)
    return Batch(step, *empty, labels, texts, {KEPT: features})


def test_a_step_joins_what_the_recipe_says(task):
    made = task()
    network = made.network(made.start).train()
    labels = torch.tensor([0, 0, 1, 1])
    features = torch.randn(12, 16, generator=torch.Generator().manual_seed(0))
    seen, said = [f"plain cam1/000{n}/0001.jpg" for n in (1, 1, 2, 2)], ["plain cam3", "cam6", "cam3", "cam3"]
    # The second view's texts are drawn too, and not read.
    texts = {"wanted": [*seen, "zebra", "zebra", "zebra", "zebra"], "filtered": said}
    batch = batch_of(0, 8, 4, labels.repeat(3), features, texts)
    with torch.no_grad():
        wanted, filtered = (network.tower(torch.from_numpy(made._tokens(each))) for each in (seen, said))
    output = made.forward(network, batch)
    expected = [features[:8], features[8:], features[8:] + wanted - filtered, wanted]
    torch.testing.assert_close(output.features, torch.cat(expected), rtol=1e-4, atol=1e-5)
    assert (
        output.labels.tolist() == labels.tolist() * 5
        and output.infrared.tolist() == [False] * 8 + [True] * 12
    )
    torch.testing.assert_close(output.bn_features.mean(0), torch.zeros(16), atol=1e-5, rtol=0)
    torch.testing.assert_close(output.logits, output.bn_features @ network.visual.classifier.weight.t())
    plain = task("model.joint=[fusion]", "model.fusion=sum").forward(network, batch)
    torch.testing.assert_close(plain.features, features[8:] + wanted, rtol=1e-4, atol=1e-5)


def test_filter_texts_learn_through_the_fusion_alone(task):
    made = task("model.joint=[infrared, text]")
    network = made.network(made.start).train()
    texts = {"wanted": ["plain"] * 8, "filtered": ["zebra other"] * 4}
    output = made.forward(network, batch_of(0, 8, 4, torch.arange(4).repeat(3), torch.randn(12, 16), texts))
    output.features.sum().backward()
    learned = network.tower.clip.text_model.embeddings.token_embedding.weight.grad.abs().sum(1) > 0
    read = made._tokens(["plain"])[0]
    assert set(torch.nonzero(learned)[:, 0].tolist()) == set(read.tolist())


def test_each_group_has_the_rate_that_the_recipe_gives_it(task):
    made = task("optimiser.factors={text: 0.5, text-bias: 3}", "optimiser.decays={text: 0.25}")
    network = made.network(made.start)
    optimiser = create_optimiser(network, made.recipe.optimiser, torch.nn.Identity())
    assert isinstance(optimiser, torch.optim.Adam) and not isinstance(optimiser, torch.optim.AdamW)
    told = {(group["factor"], group["weight_decay"]) for group in optimiser.param_groups}
    # Weights of the transformer decay by their own share; norms and biases do not.
    assert told == {(0.5, 0.25), (0.5, 0.0), (3.0, 0.0), (1.0, 0.02), (1.0, 0.0), (2.0, 0.02), (2.0, 0.0)}
    moved = {id(each) for group in optimiser.param_groups for each in group["params"]}
    assert moved == {id(each) for each in network.parameters() if each.requires_grad}
    with pytest.raises(UsageError, match="decays names 'txt'"):
        create_optimiser(
            network, load_recipe(None, [*TAUGHT, "optimiser.decays={txt: 1}"]).optimiser, network
        )


def test_kept_features_are_those_of_augmented_images_and_draw_among_them(task, tmp_path):
    from training.augmentation.pipeline import Augmenter
    from training.batches import TrainingBatches
    from training.datasets.resized import resized_images
    from training.seeding import generator

    made = task()
    recipe, material = made.recipe, made.material
    network = made.network(made.start).train()
    preprocess = made.preprocess()
    images = resized_images(material.dataset, material.train, preprocess, tmp_path / "images")
    sampler = IdentitySampler(material.train, recipe.seed, **recipe.sampler.model_dump())
    augmenter = Augmenter(recipe.augmentation, preprocess)
    source = TrainingBatches(images, material.train, sampler, augmenter, 2, recipe.seed, made.needs())
    whole = source[5]
    kept = made.kept(network, source, tmp_path / "images", None)
    source.keep(kept)
    batch, drawn = source[5], sampler.batch(5)
    assert torch.equal(batch.labels, whole.labels) and batch.texts == whole.texts
    assert batch.visible.shape == (16, 3, 0, 0) and batch.is_infrared.tolist() == whole.is_infrared.tolist()
    rows = batch.rows[KEPT].numpy()
    assert len({row.tobytes() for row in rows[:8]} & {row.tobytes() for row in rows[8:16]}) == 0, "two views"
    visual = network.visual.eval()
    for place, row, part in [
        (drawn.visible[3], rows[3], 0),
        (drawn.visible[3], rows[11], 1),
        (drawn.infrared[2], rows[18], 2),
    ]:
        candidates = []
        for view in range(2):
            stream = generator(recipe.seed, "kept view", int(place), part if part < 2 else 0, view)
            image = torch.from_numpy(source.augmented(np.array([place]), part, [stream]))
            with torch.no_grad():
                candidates.append(visual.raw(image, material.train[place].modality)[0].numpy())
        fits = [np.allclose(row, each, rtol=1e-3, atol=1e-4) for each in candidates]
        assert any(fits) and not np.allclose(*candidates)
    again = made.kept(network, source, tmp_path / "images", None)
    assert np.array_equal(
        again(5, np.arange(3), np.zeros(3, np.int64)), kept(5, np.arange(3), np.zeros(3, np.int64))
    )
    assert len(list((tmp_path / "kept").iterdir())) == 1


def test_a_run_needs_a_network_that_has_learned_on_these_images(task, run, tmp_path, base):
    with pytest.raises(UsageError, match="--start"):
        run(tmp_path / "run", TAUGHT)
    with pytest.raises(UsageError, match=r"input\.height=32"):
        run(tmp_path / "other", TAUGHT, "input.height=64", start=base)
    made = task()
    made.identities = [*made.identities[:-1], 99]
    with pytest.raises(ModelError, match="no classifier of these identities"):
        made.network(made.start)
    anew = task("model.inherit_classifier=false")
    anew.identities = [1, 2, 3]
    assert anew.network(anew.start).visual.classifier.weight.shape == (3, 16)


def test_vectors_that_are_more_than_the_neck_gives_are_refused(task, monkeypatch):
    architecture = DualStreamArchitecture(backbone="resnet18", classes=5, imagenet_share=0.3)
    wide = DualStream(architecture, 16 + 512, False)
    monkeypatch.setattr("training.systems.tvi_lfm.task.load_network", lambda _start: wide)
    made = task()
    with pytest.raises(ModelError, match="more than its neck gives"):
        made.network(made.start)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("model.visual=drifting", "views_kept must be 0"),
        ("model.blend=0.5", "blend must be 1"),
        ("model.joint=[text, text]", "names a part twice"),
        ("sampler.infrared=3", "as many"),
        ("augmentation.views=1", "visible-augmented"),
    ],
)
def test_recipes_that_contradict_themselves_are_refused(change, said):
    from reid_core.errors import ConfigError

    with pytest.raises(ConfigError, match=said):
        load_recipe(None, [*TAUGHT, change])
