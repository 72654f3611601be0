"""Tasks, losses and augmentations are found by name: those here, and those of a package of somebody else."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
import time

import pytest
import torch

from reid_core.errors import ConfigError, UsageError
from reid_core.models.dual_stream.network import create_dual_stream
from tests.conftest import ROOT, command_environment
from tests.support.people import write_captions, write_people
from tests.support.tiny_task import install
from training.augmentation import AUGMENTATIONS
from training.losses import LOSSES
from training.losses.attribute_prediction import AttributePrediction
from training.losses.loss import LossContext
from training.material import open_material
from training.objective import Objective
from training.optimiser import create_optimiser
from training.recipe import OptimiserSettings, differences
from training.systems import TASKS
from training.systems.dual_stream import DualStreamLosses
from training.systems.reading import load_recipe, parse_recipe
from training.systems.task import columns
from training.trainer import train

TINY = """
system: tiny
model: {pretrained: false, embedding: 16}
input: {height: 32, width: 16}
sampler: {identities: 4, visible: 2, infrared: 2}
schedule: {length: 10, warmup: 2}
ema: 0.5
threads: 1
log_every: 1
eval_every: 0
state_every: 3
calibration: {gallery: 4}
augmentation: {dimmed: {by: 30}}
"""


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_captions(write_people(module_tmp("people") / "set", val=6, test=1, images=2))


@pytest.fixture(scope="module")
def command(people, module_tmp):
    """Starts ``nightreid train`` where somebody else's package is installed: a process."""
    folder = module_tmp("package")
    recipe = folder / "tiny.yaml"
    recipe.write_text(TINY)
    environment = command_environment() | {"NIGHTREID_CACHE": str(folder / "cache")}
    environment["PYTHONPATH"] += os.pathsep + str(install(folder))

    def start(out, *changes):
        sets = [part for change in changes for part in ("--set", change)]
        words = ["train", recipe, "--data", people, "--out", out, *sets]
        return subprocess.Popen(
            [sys.executable, "-m", "console.cli", *map(str, words)],
            cwd=ROOT,
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    return start


def ended(process, status=0):
    _, said = process.communicate(timeout=120)
    assert process.returncode == status, said
    return said


def weights(out):
    return json.loads((out / "model/model.json").read_text())["digest"]["weights.safetensors"]


@pytest.mark.slow
def test_a_task_of_somebody_else_trains_is_killed_and_resumes_to_the_same_weights(command, tmp_path):
    # The first one makes the cache of images; worker processes bring the same texts; a step of another
    # package changes the images.
    ended(command(tmp_path / "whole"))
    others = [
        command(tmp_path / "workers", "workers=1"),
        command(tmp_path / "bright", "augmentation.dimmed.by=0"),
    ]
    process, log = command(tmp_path / "broken"), tmp_path / "broken/log.csv"
    end = time.monotonic() + 90
    while time.monotonic() < end and process.poll() is None:
        if log.exists() and len(log.read_text().splitlines()) > 5:
            break
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL and not (tmp_path / "broken/model").exists()
    said = ended(command(tmp_path / "broken"))
    assert "Resuming after step" in said
    assert weights(tmp_path / "broken") == weights(tmp_path / "whole")
    with (tmp_path / "whole/log.csv").open() as file:
        rows = list(csv.DictReader(file))
    # Its own loss and its own measure, and none of another system's.
    assert list(rows[0]) == ["step", "epoch", "loss", "words", "longest", "lr", "images_per_second"]
    assert all(
        float(row["words"]) > 0 and float(row["longest"]) >= len("plain cam1/0001/0001.jpg") for row in rows
    )
    run = json.loads((tmp_path / "whole/run.json").read_text())
    assert run["recipe"]["system"] == "tiny" and run["recipe"]["losses"] == {
        "words": {"weight": 1.0, "words": 4}
    }
    assert len(run["data"]["brought"]) == 64
    for other in others:
        ended(other)
    assert weights(tmp_path / "workers") == weights(tmp_path / "whole")
    assert weights(tmp_path / "bright") != weights(tmp_path / "whole")


class Told:
    """A run that says nothing and stops after a step."""

    def __init__(self):
        self.stop = threading.Event()

    def images(self, done, total):
        pass

    def step(self, done, total, values):
        if done:
            self.stop.set()

    def note(self, text):
        pass


@pytest.fixture
def tiny(people, tmp_path, monkeypatch):
    """``tiny(*changes)``: two steps of the task of somebody else, here."""
    monkeypatch.syspath_prepend(str(install(tmp_path)))
    registries = (TASKS, LOSSES, AUGMENTATIONS)
    known = [dict(vars(registry)) | {"_loaded": dict(registry._loaded)} for registry in registries]
    for registry in registries:
        vars(registry).pop("_others", None)
    file = tmp_path / "tiny.yaml"
    file.write_text(TINY)

    def run(*changes):
        told = Told()
        recipe = load_recipe(file, changes)
        return train(recipe, tmp_path / "run", people, told, stop=told.stop, cache=tmp_path / "cache")

    yield run
    for registry, before in zip(registries, known, strict=True):
        vars(registry).clear()
        vars(registry).update(before)


@pytest.mark.slow
def test_a_run_is_not_resumed_with_other_texts_or_another_loss(tiny, people):
    assert tiny().steps == 2
    captions = people / "captions.json"
    before = captions.read_text()
    captions.write_text(before.replace("plain", "other"))
    try:
        with pytest.raises(UsageError, match="on other data"):
            tiny()
    finally:
        captions.write_text(before)
    with pytest.raises(ConfigError, match=r"losses\.triplet: None before, {'weight': 1.0"):
        tiny("losses.triplet.weight=1")
    assert tiny().steps == 3


@pytest.mark.slow
def test_a_loss_that_reads_what_a_system_has_not_is_named(tiny):
    with pytest.raises(UsageError, match=r"The loss 'words' reads 'words', .*bn_features, logits, labels"):
        tiny("system=dual-stream", "losses.words.weight=1")
    for wrong, right in (
        ("losses.wrods.weight=1", "losses.words"),
        ("losses.words.word=1", "losses.words.words"),
        ("augmentation.dimmed.bye=1", "augmentation.dimmed.by"),
    ):
        with pytest.raises(ConfigError, match="Unknown configuration key") as caught:
            tiny(wrong)
        assert f"'{right}'" in caught.value.hint
    with pytest.raises(UsageError, match="no training task 'tini'") as caught:
        tiny("system=tini")
    assert "'tiny'" in caught.value.hint


def test_a_recipe_without_a_system_is_of_the_first(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\nlosses: {triplet: {weight: 1}}\n")
    mine = load_recipe(file, ["model.last_stride=1"], {"NIGHTREID_SEED": "3"})
    assert (mine.system, mine.seed, mine.model.last_stride) == ("dual-stream", 3, 1)
    assert [name for name, each in mine.losses.named().items() if each.weight] == [
        *("identity", "triplet", "contrastive")
    ]
    for wrong, hint in (
        ("losses.identty.weight=1", "losses.identity"),
        ("losses.triplet.mod=x", "triplet.mode"),
    ):
        with pytest.raises(ConfigError, match="Unknown configuration key") as caught:
            load_recipe(file, [wrong])
        assert hint in caught.value.hint
    with pytest.raises(UsageError, match="no training task 'dual'"):
        load_recipe(file, ["system=dual"])
    with pytest.raises(ConfigError, match="at least one weight"):
        load_recipe(
            None, ["losses.identity.weight=0", "losses.contrastive.weight=0", "losses.attributes.weight=1"]
        )


def test_a_recipe_that_was_recorded_before_there_were_systems_is_the_same_today():
    before = json.loads((ROOT / "tests/fixtures/recipe_before_systems.json").read_text())
    assert "system" not in before and "factors" not in before["optimiser"]
    now = parse_recipe(before).recorded()
    assert differences(before, now) == [
        "calibration.link_rate: None before, 0.1 now",
        "calibration.merge_rate: None before, 0.05 now",
        "model.instance_norm: None before, False now",
        "model.neck_bias: None before, False now",
        "model.non_local: None before, False now",
        "model.stem_activation: None before, True now",
        "optimiser.decays: None before, {} now",
        "optimiser.factors: None before, {} now",
        "sampler.alike: None before, 0.0 now",
        "schedule.accumulate: None before, 1 now",
        "system: None before, 'dual-stream' now",
    ]
    assert differences(parse_recipe(now).recorded(), now) == []
    same = load_recipe(ROOT / "configs/night_embedder.yaml").recorded()
    assert {line.split(":")[0] for line in differences(now, same)} <= {
        *("data.root", "model.blend", "schedule.length", "threads")
    }


def test_the_log_has_a_column_for_each_loss_of_the_recipe(people):
    recipe = load_recipe(None, ["sampler.identities=4"])
    material = open_material(recipe.data, people, 1)
    task = TASKS.get("dual-stream")(recipe, material, range(8))
    assert ",".join(columns(task)) == (
        "step,epoch,loss,identity,triplet,contrastive,attributes,accuracy,lr,images_per_second"
    )
    assert task.needs().digest is None


def test_the_objective_sums_what_is_weighted_and_learns_what_learns(tmp_path):
    (tmp_path / "labels.json").write_text(json.dumps({"4": {"hat": "cap"}, "7": {"hat": "none"}}))
    network = create_dual_stream("resnet18", 8, classes=2)
    named = DualStreamLosses.model_validate(
        {
            "identity": {"weight": 2, "smoothing": 0},
            "contrastive": {"weight": 0},
            "attributes": {"weight": 0.5},
        }
    ).named()
    objective = Objective(named, LossContext(network, (4, 7), tmp_path, 1))
    assert list(objective) == ["identity", "attributes"]
    assert list(objective.state_dict()) == ["attributes.weight", "attributes.bias"]
    drawn = torch.Generator().manual_seed(3)
    readings = {
        "bn_features": torch.randn(4, 8, generator=drawn),
        "logits": torch.randn(4, 2, generator=drawn),
        "labels": torch.tensor([0, 1, 1, 0]),
    }
    terms = objective.terms(readings)
    assert terms["identity"].item() == pytest.approx(
        torch.nn.functional.cross_entropy(readings["logits"], readings["labels"]).item()
    )
    assert isinstance(objective["attributes"], AttributePrediction)
    assert objective.total(terms).item() == pytest.approx(
        2 * terms["identity"].item() + 0.5 * terms["attributes"].item()
    )
    del readings["logits"]
    with pytest.raises(
        UsageError, match="'identity' reads 'logits', and this system offers: bn_features, labels"
    ):
        objective.terms(readings)


def test_groups_of_parameters_have_their_factors_and_keep_their_order():
    network = create_dual_stream("resnet18", 8, classes=2)
    objective = torch.nn.Linear(2, 3)
    settings = OptimiserSettings(head_factor=5, factors={"backbone": 0.1})
    optimiser = create_optimiser(network, settings, objective)
    names = {parameter: name for name, parameter in network.named_parameters()}
    heads = ("reduce.", "neck.", "classifier.")
    seen = []
    for group in optimiser.param_groups:
        of_head = [
            parameter not in names or names[parameter].startswith(heads) for parameter in group["params"]
        ]
        assert all(of_head) or not any(of_head)
        assert group["factor"] == (5 if of_head[0] else 0.1)
        assert {parameter.ndim > 1 for parameter in group["params"]} == {group["weight_decay"] > 0}
        seen.append((of_head[0], group["weight_decay"] > 0))
    # States of runs count through the parameters: the backbone's first, those that are not decayed first.
    assert seen == [(False, False), (False, True), (True, False), (True, True)]
    ordered = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    assert set(ordered) == {*(one for one in names if one.requires_grad), *objective.parameters()}
    # What a loss learns comes after what the network has of the same kind.
    assert ordered[-1] is objective.weight and ordered[-2] is network.classifier.weight
    with pytest.raises(UsageError, match=r"factors names 'text', .*network") as caught:
        create_optimiser(network, OptimiserSettings(factors={"text": 2.0}), objective)
    assert "backbone, head" in caught.value.hint
    with pytest.raises(ConfigError, match="head_factor"):
        load_recipe(None, ["optimiser.factors.head=3"])
