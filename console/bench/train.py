"""How many images a second a training step takes, and where its time goes."""

import json
import tempfile
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from console.bench.machine import describe_machine
from reid_core.errors import UsageError
from reid_core.starter import starter_embedder
from reid_core.types import Modality
from training.datasets.sysu import CAMERAS
from training.stopwatch import WAITING, RunningStopwatch
from training.systems.reading import load_recipe
from training.trainer import train

TARGET = 0.1
"""Share of a step that waits for its batch, where another process makes batches ahead."""

_SEED = 70_003
_PEOPLE, _IMAGES, _SIZE = 16, 4, (256, 128)
_WARM_UP, _STEPS = 3, 12
_RECIPES = Path(__file__).parents[2] / "configs"
_QUIET = ("eval_every=0", "state_every=1000000", "log_every=1000000")
_SAID = (
    "a man in a red jacket and blue jeans, carrying a black backpack",
    "a woman in a long grey coat with a white bag",
    "a man wearing a striped shirt, brown shorts and a cap",
    "a person in dark trousers and a green hoodie",
)


@dataclass(frozen=True, slots=True)
class Case:
    """A recipe to be measured.

    Attributes:
        recipe: below ``configs``.
        settings: above it.
        starts: whether it goes on with the starter embedder.
    """

    recipe: str
    settings: tuple[str, ...] = ()
    starts: bool = False


_CAPTIONS = 'captions.files=["captions.json"]'
_CASES = {
    "backbone": Case("train_base.yaml", ("model.pretrained=false",)),
    "fine-tuning": Case("recipes/tvi_lfm/synthetic.yaml", (_CAPTIONS, "model.views_kept=0"), True),
    "fine-tuning, features kept": Case(
        "recipes/tvi_lfm/synthetic.yaml", (_CAPTIONS, "model.views_kept=1"), True
    ),
}
_ON_A_GPU = {
    "ResNet-50, 288x144, 8 x (4 + 4)": Case(
        "train_base.yaml",
        (
            "model.backbone=resnet50",
            "model.pretrained=false",
            "input.height=288",
            "input.width=144",
        ),
    )
}


def bench_train(steps: int = _STEPS, cases: Mapping[str, Case] | None = None) -> dict[str, Any]:
    """Time steps of real runs on made-up images, each recipe with batches made in between and ahead.

    Made in between, the parts of a step add up, and their shares are of one process. Made ahead by one
    process, what is left of loading is the waiting for it.

    Args:
        steps: measured of each, after a few to warm up.
        cases: what is measured; the shipped recipes by default, and ResNet-50 where there is a GPU.

    Raises:
        UsageError: this version carries no starter embedder to fine-tune.
    """
    import torch

    start = starter_embedder()
    if start is None:
        raise UsageError("This version carries no starter model, which fine-tuning starts from.")
    told: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as place:
        data = _people(Path(place) / "people")
        usual = _CASES | (_ON_A_GPU if torch.cuda.is_available() else {})
        for name, case in (cases or usual).items():
            measured = [
                _measured(case, data, Path(place) / f"{len(told)}-{workers}", start, workers, steps)
                for workers in (0, 1)
            ]
            told[name] = _told(*measured)
    worst = max(told.values(), key=lambda one: one["waiting_ahead"])
    return {
        "name": "train",
        "ours_s": worst["step_ahead_s"],
        "baseline_s": worst["step_s"],
        "ratio": worst["waiting_ahead"],
        "target": TARGET,
        "cases": told,
        "machine": describe_machine(),
    }


@dataclass(frozen=True, slots=True)
class _Measured:
    """Seconds of so many steps, by stage."""

    steps: int
    images: int
    seconds: Mapping[str, float]

    @property
    def total(self) -> float:
        """Of everything but what is counted within another stage."""
        return sum(spent for stage, spent in self.seconds.items() if stage != "augmentation")


class _Counting:
    """Ends a run after so many steps, and forgets the time of the first."""

    def __init__(self, watch: RunningStopwatch, steps: int) -> None:
        self.stop = threading.Event()
        self._watch, self._steps = watch, steps

    def images(self, done: int, total: int) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def step(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """One more is done."""
        if done == _WARM_UP:
            self._watch.seconds.clear()
        if done == _WARM_UP + self._steps - 1:
            # The step behind this one is the last.
            self.stop.set()


def _measured(case: Case, data: Path, out: Path, start: Path, workers: int, steps: int) -> _Measured:
    import torch

    recipe = load_recipe(
        _RECIPES / case.recipe, [*_of(case, start), *case.settings, *_QUIET, f"workers={workers}"]
    )
    watch = RunningStopwatch(torch.cuda.synchronize if torch.cuda.is_available() else lambda: None)
    counting = _Counting(watch, steps)
    place = start if case.starts else None
    train(recipe, out, data, counting, stop=counting.stop, cache=out / "cache", start=place, stopwatch=watch)
    drawn = recipe.sampler.visible * recipe.augmentation.views + recipe.sampler.infrared
    return _Measured(steps, recipe.sampler.identities * drawn, dict(watch.seconds))


def _of(case: Case, start: Path) -> Sequence[str]:
    """What a network to start from reads, and that its classifier is of other people."""
    if not case.starts:
        return ()
    from reid_core.models.checkpoint_files import open_checkpoint
    from training.systems.starting import input_of

    return [*input_of(open_checkpoint(start)), "model.inherit_classifier=false"]


def _told(between: _Measured, ahead: _Measured) -> dict[str, Any]:
    augmentation = between.seconds.get("augmentation", 0.0)
    parts = {
        "loading": between.seconds[WAITING] - augmentation,
        "augmentation": augmentation,
        **{stage: between.seconds[stage] for stage in ("forward", "backward", "step")},
    }
    return {
        "images_a_step": between.images,
        "images_a_second": round(between.images * between.steps / between.total, 1),
        "step_s": round(between.total / between.steps, 4),
        "shares": {stage: round(spent / between.total, 4) for stage, spent in parts.items()},
        "images_a_second_ahead": round(ahead.images * ahead.steps / ahead.total, 1),
        "step_ahead_s": round(ahead.total / ahead.steps, 4),
        "waiting_ahead": round(ahead.seconds[WAITING] / ahead.total, 4),
    }


def _people(folder: Path) -> Path:
    """People of noise, laid out like SYSU-MM01, with captions."""
    rng = np.random.default_rng(_SEED)
    captions = {}
    for camera, spectrum in CAMERAS.items():
        for person in range(1, _PEOPLE + 1):
            place = folder / f"cam{camera}" / f"{person:04d}"
            place.mkdir(parents=True)
            for number in range(1, _IMAGES + 1):
                image = rng.integers(0, 256, (*_SIZE, 3), np.uint8)
                if spectrum.modality is Modality.INFRARED:
                    image[:] = image[..., :1]
                cv2.imwrite(str(place / f"{number:04d}.jpg"), image)
                said = _SAID[int(rng.integers(len(_SAID)))]
                captions[f"cam{camera}/{person:04d}/{number:04d}.jpg"] = {"description": said}
    (folder / "exp").mkdir()
    for split in ("train", "val", "test"):
        listed = range(1, _PEOPLE + 1) if split == "train" else ()
        (folder / "exp" / f"{split}_id.txt").write_text(",".join(map(str, listed)))
    (folder / "captions.json").write_text(json.dumps(captions))
    return folder
