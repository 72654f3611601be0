"""Frames in, detector out: what is collected, what is done to it, and a run that survives a kill."""

import csv
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from reid_core.config import load_config
from reid_core.errors import ConfigError, SourceError, UsageError
from reid_core.types import Spectrum
from training.detection.dataset import augmented
from training.detection.frames import collect_frames, divide, frames_digest, truths
from training.detection.one_class import one_class, save_network
from training.detection.settings import AugmentationSettings, DetectorRecipe

ROOT = Path(__file__).parents[2]
SMALL = [
    "image_size=64",
    "batch=2",
    "epochs=2",
    "threads=1",
    "frames.validation=0.3",
    "blend.candidates=[0.5, 1.0]",
]


def write_frames(root, counts=(("visible", 4), ("near", 4), ("thermal", 4))):
    """A bright block on noise in each frame, labelled as a person."""
    rng = np.random.default_rng(4)
    for camera, count in counts:
        (root / "images" / camera).mkdir(parents=True)
        (root / "labels" / camera).mkdir(parents=True)
        for index in range(count):
            image = rng.integers(0, 90, (64, 96, 3)).astype(np.uint8)
            x, y = (int(v) for v in rng.integers(5, 25, 2))
            image[y : y + 32, x : x + 12] = 230
            cv2.imwrite(str(root / f"images/{camera}/{index:05d}.jpg"), image)
            label = f"0 {(x + 6) / 96:.6f} {(y + 16) / 64:.6f} {12 / 96:.6f} {32 / 64:.6f}\n"
            (root / f"labels/{camera}/{index:05d}.txt").write_text(label)
    return root


def test_frames_are_found_with_their_spectrum(tmp_path):
    write_frames(tmp_path / "world/one", (("visible", 2), ("thermal", 1)))
    write_frames(tmp_path / "world/two", (("gate", 1),))
    (tmp_path / "world/two/video.json").write_text(json.dumps({"cameras": {"gate": {"spectrum": "near"}}}))
    frames = collect_frames([tmp_path / "world"])
    assert [(f.name, f.spectrum) for f in frames] == [
        ("one/thermal/00000.jpg", Spectrum.THERMAL),
        ("one/visible/00000.jpg", Spectrum.VISIBLE),
        ("one/visible/00001.jpg", Spectrum.VISIBLE),
        ("two/gate/00000.jpg", Spectrum.NEAR),
    ]
    assert frames[0].rows()[0].tolist() == pytest.approx([0.28, 0.45, 0.125, 0.5], abs=0.2)
    (tmp_path / "world/two/video.json").unlink()
    with pytest.raises(UsageError, match="gate"):
        collect_frames([tmp_path / "world"])


def test_a_folder_without_frames_is_told(tmp_path):
    for folder in (tmp_path, tmp_path / "none"):
        with pytest.raises(SourceError):
            collect_frames([folder])


def test_folders_of_one_name_are_told_apart(tmp_path):
    folders = [write_frames(tmp_path / side / "set", (("near", 1),)) for side in "ab"]
    assert len({frame.name for frame in collect_frames(folders)}) == 2


def test_the_digest_is_that_of_pictures_and_labels(tmp_path):
    frames = collect_frames([write_frames(tmp_path / "a/set")])
    again = collect_frames([write_frames(tmp_path / "b/set")])
    assert frames_digest(frames) == frames_digest(again)
    again[0].labels.write_text("")
    assert frames_digest(frames) != frames_digest(again)


def test_the_last_frames_of_each_camera_are_kept_from_training(tmp_path):
    frames = collect_frames([write_frames(tmp_path, (("visible", 10), ("thermal", 5)))])
    train, kept = divide(frames, 0.2, None)
    assert [f.image.stem for f in kept] == ["00008", "00009", "00004"]
    assert not {f.name for f in train} & {f.name for f in kept}
    few, _ = divide(frames, 0.2, 3)
    assert [f.image.stem for f in few if f.spectrum is Spectrum.VISIBLE] == ["00000", "00004", "00007"]


def test_hidden_people_are_ignored_where_the_truth_says_so(tmp_path):
    write_frames(tmp_path, (("near", 2),))
    (tmp_path / "truth").mkdir()
    (tmp_path / "truth/near.txt").write_text(
        "1,1,5,5,12,32,1,-1,-1,0.9\n1,2,50,5,12,32,0,-1,-1,0.1\n2,1,6,5,12,32,1,-1,-1,0.9\n"
    )
    first, second = truths(collect_frames([tmp_path]))
    assert first.ignored.tolist() == [False, True]
    assert second.boxes.tolist() == [[6, 5, 18, 37]]


def test_only_infrared_frames_lose_their_polarity():
    settings = AugmentationSettings(negative_near=1.0, grey=0.0, sensor=None)
    image = np.full((40, 40, 3), 200, np.uint8)
    rng = np.random.default_rng(1)
    assert augmented(image, Spectrum.VISIBLE, settings, rng).mean() == 200
    assert augmented(image, Spectrum.THERMAL, settings, rng).mean() == 200
    assert augmented(image, Spectrum.NEAR, settings, rng).mean() == 55
    hot = AugmentationSettings().sensor
    assert hot is not None
    always = AugmentationSettings(
        grey=0.0, sensor=hot.model_copy(update={"inversion": 1.0, "tone": 0.0, "noise": 0.0})
    )
    assert augmented(image, Spectrum.THERMAL, always, rng).mean() == pytest.approx(55, abs=3)
    assert augmented(image, Spectrum.VISIBLE, always, rng).mean() == pytest.approx(200, abs=3)


def test_a_visible_frame_may_lose_its_colour():
    image = np.zeros((20, 20, 3), np.uint8)
    image[..., 0] = 200
    settings = AugmentationSettings(grey=1.0, sensor=None)
    grey = augmented(image, Spectrum.VISIBLE, settings, np.random.default_rng(1))
    assert (grey == grey[..., :1]).all()
    assert image[..., 1].max() == 0


def test_train_detector_yaml_holds_every_setting_at_its_default():
    settings = load_config(DetectorRecipe, ROOT / "configs/train_detector.yaml")
    assert settings == DetectorRecipe()
    assert settings.model_fields_set == set(DetectorRecipe.model_fields)


class Silent:
    """Hears how far a run has come, and does something at a step."""

    def __init__(self, at=None, then=None):
        self.at, self.then = at, then
        self.total = None

    def step(self, done, total, values):
        self.total = total
        assert np.isfinite(list(values.values())).all()
        if done == self.at:
            self.then()


@pytest.fixture(scope="module")
def world(module_tmp):
    """Folder of frames and a small detector that knows nothing."""
    from tests.training.test_detection_network import yolo

    folder = module_tmp("detection")
    save_network(one_class(yolo(classes=3)), folder / "start.pt")
    return write_frames(folder / "world"), folder / "start.pt"


def trained(world, out, *changes, told=None, **options):
    from training.detection.running import train_detector

    recipe = load_config(DetectorRecipe, None, [*SMALL, *changes])
    return train_detector([world[0]], world[1], out, recipe, told or Silent(), **options)


@pytest.fixture(scope="module")
def undisturbed(world, module_tmp):
    return trained(world, module_tmp("runs") / "whole")


@pytest.mark.slow
def test_a_run_says_what_it_was(world, undisturbed):
    from detectors.detector import PersonDetector
    from reid_core.types import Frame, Modality

    out, summary = undisturbed.weights.parent, undisturbed.summary
    assert undisturbed.finished
    assert json.loads((out / "run.json").read_text()) == summary
    assert summary["status"] == "finished"
    assert summary["start"]["licence"] == summary["weights"]["licence"] == "AGPL-3.0"
    assert summary["data"]["training_frames"] == {"visible": 3, "near": 3, "thermal": 3}
    assert set(summary["results"]["start"]) == {"visible", "near", "thermal"}
    assert summary["results"]["alpha"] in (0.5, 1.0)
    assert str(ROOT) not in (out / "run.json").read_text()
    with (out / "log.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert int(rows[-1]["step"]) == 10
    assert {path.suffix for path in world[0].rglob("*") if path.is_file()} == {".jpg", ".txt"}
    with PersonDetector.open(undisturbed.weights) as detector:
        image = np.zeros((64, 96, 3), np.uint8)
        assert detector.detect([Frame("a", Modality.INFRARED, 0, 0, image)])[0].boxes.shape[1] == 4
        assert detector.digest == summary["weights"]["digest"]


@pytest.mark.slow
def test_a_run_changes_the_network_and_the_blend_lies_between(world, undisturbed, tmp_path):
    from training.detection.one_class import open_network

    half, whole = (
        trained(world, tmp_path / f"a{alpha}", f"blend.alpha={alpha}").weights for alpha in (0.5, 1.0)
    )
    start, half, whole = (
        open_network(one).state_dict()["model.0.conv.weight"] for one in (world[1], half, whole)
    )
    assert (whole - start).abs().max() > 1e-4
    assert (half - (start + whole) / 2).abs().max() < 1e-3


@pytest.mark.slow
def test_killed_and_gone_on_is_the_same_as_undisturbed(world, undisturbed, tmp_path):
    out = tmp_path / "killed"
    script = f"""
import os, signal, sys
from pathlib import Path
from tests.training.test_detection_training import Silent, trained
kill = lambda: os.kill(os.getpid(), signal.SIGKILL)
trained((Path({str(world[0])!r}), Path({str(world[1])!r})), Path({str(out)!r}), told=Silent(8, kill))
"""
    killed = subprocess.run([sys.executable, "-c", script], cwd=ROOT, env=os.environ, capture_output=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr[-1000:]
    assert not (out / "yolo11n-night.pt").exists()
    told = Silent()
    again = trained(world, out, told=told)
    assert again.weights.read_bytes() == undisturbed.weights.read_bytes()
    assert again.summary["results"] == undisturbed.summary["results"]
    steps = [row.split(",")[0] for row in (out / "log.csv").read_text().splitlines()]
    assert len(set(steps)) == len(steps)


@pytest.mark.slow
def test_a_finished_run_is_not_run_again_and_another_recipe_is_refused(world, undisturbed):
    out = undisturbed.weights.parent

    def never():
        raise AssertionError("trained again")

    assert trained(world, out, told=Silent(1, never)).summary == undisturbed.summary
    with pytest.raises(ConfigError, match=r"optimiser\.lr"):
        trained(world, out, "optimiser.lr=0.1")


@pytest.mark.slow
def test_a_finished_run_is_dropped_when_told(world, tmp_path):
    first = trained(world, tmp_path / "run", "epochs=1", "blend.alpha=1.0")
    again = trained(world, tmp_path / "run", "epochs=1", "blend.alpha=0.0", restart=True)
    assert first.weights == again.weights
    assert again.summary["results"]["alpha"] == 0.0
    assert again.summary["results"]["blends"]["0"] == again.summary["results"]["start"]


@pytest.mark.slow
def test_stopped_goes_on(world, undisturbed, tmp_path):
    stop = threading.Event()
    run = trained(world, tmp_path / "run", told=Silent(6, stop.set), stop=stop)
    assert not run.finished
    assert trained(world, tmp_path / "run").weights.read_bytes() == undisturbed.weights.read_bytes()


@pytest.mark.slow
def test_what_is_remembered_is_no_distance_from_itself(world):
    from training.detection.one_class import batch_norms, open_network
    from training.detection.remembering import Memory

    network = open_network(world[1]).float()
    frames = [frame for frame in collect_frames([world[0]]) if frame.spectrum is Spectrum.VISIBLE]
    memory = Memory(network, frames, load_config(DetectorRecipe, None, [*SMALL, "remember.weight=1"]))
    network.train()
    for layer in batch_norms(network):
        layer.eval()
    first = network.get_parameter("model.0.conv.weight").requires_grad_(True)
    assert memory.loss(network, 0).item() == pytest.approx(0, abs=1e-5)
    with torch.no_grad():
        first.mul_(1.5)
    moved = memory.loss(network, 0)
    assert moved.item() > 1e-6 and moved.item() == memory.loss(network, 0).item()
    assert memory.loss(network, 1).item() != moved.item()
    moved.backward()
    assert first.grad.abs().sum() > 0


@pytest.mark.slow
def test_a_run_that_remembers_goes_on_after_a_stop(world, undisturbed, tmp_path):
    changes = ("remember.weight=50", "remember.batch=2")
    stop = threading.Event()
    whole = trained(world, tmp_path / "whole", *changes)
    assert not trained(world, tmp_path / "parts", *changes, told=Silent(6, stop.set), stop=stop).finished
    parts = trained(world, tmp_path / "parts", *changes)
    assert whole.weights.read_bytes() == parts.weights.read_bytes() != undisturbed.weights.read_bytes()


@pytest.mark.slow
def test_batch_norms_learn_only_when_told(world, tmp_path):
    from training.detection.one_class import open_network

    start = open_network(world[1]).state_dict()
    for how, moved in (("frozen", False), ("learned", True)):
        run = trained(world, tmp_path / how, f"batch_norm={how}", "blend.alpha=1.0", "epochs=1")
        after = open_network(run.weights).state_dict()
        name = "model.1.bn.running_mean"
        assert bool((after[name] - start[name]).abs().max() > 1e-4) == moved


@pytest.mark.footage
@pytest.mark.slow
def test_the_teacher_labels_people_it_is_sure_of(shared, tmp_path):
    from training.detection.settings import TeacherSettings
    from training.detection.teacher import label_real_frames

    settings = TeacherSettings(sources=(str(shared / "data/day_visible/one_by_one.mp4"),), count=12)
    weights = shared / "weights/yolo11n_from_int8/yolo11n.pt"
    frames = label_real_frames(weights, settings, 640, tmp_path, threads=1)
    assert 3 <= len(frames) <= 12
    assert {frame.spectrum for frame in frames} == {Spectrum.VISIBLE}
    heights = np.concatenate([frame.rows()[:, 3] for frame in frames])
    assert len(heights) >= 3
    assert np.median(heights) > 0.2
