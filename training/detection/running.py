"""A fine-tuning run from frames to weights: ``run.json``, blend, figures, and going on after a kill."""

import copy
import json
import platform
import shutil
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from detectors.config import DetectorSettings, LookSettings
from detectors.detector import PersonDetector, digest_of
from reid_core.errors import ConfigError, UsageError
from reid_core.types import Spectrum
from training.blending import blend
from training.detection.blend import TEACHER, Candidate, choose
from training.detection.dataset import augmented
from training.detection.finetune import Telling, Tuning, fine_tune
from training.detection.frames import LabelledFrame, collect_frames, divide, frames_digest, truths
from training.detection.one_class import (
    are_folded,
    locate_weights,
    one_class,
    open_network,
    save_network,
    unfold,
    write_whole,
)
from training.detection.remembering import Memory
from training.detection.settings import DetectorRecipe
from training.detection.state import STATE_NAME
from training.detection.teacher import FOLDER as TEACHER_FOLDER
from training.detection.teacher import label_real_frames
from training.evaluation.detection import DetectionFigures, figures, find, ranking_settings
from training.log import EVENTS_NAME, LOG_NAME
from training.recipe import differences
from training.run_folder import machine, versions

RUN_NAME = "run.json"
START_NAME = "start.safetensors"
EXAMINED_NAME = ".examined.pt"
FORMAT = 1
_CALIBRATION_FRAMES = 48
_PACKAGES = ("nightreid", "ultralytics", "torch", "numpy", "opencv-python")


@dataclass(frozen=True, slots=True)
class DetectorRun:
    """What came of a run.

    Attributes:
        finished: whether it came to its end.
        weights: the checkpoint, which is there if it did.
        summary: ``run.json``.
    """

    finished: bool
    weights: Path
    summary: Mapping[str, Any]


def train_detector(
    data: Sequence[str | Path],
    weights: str | Path,
    out: Path,
    recipe: DetectorRecipe,
    told: Telling,
    restart: bool = False,
    stop: threading.Event | None = None,
) -> DetectorRun:
    """Fine-tune a detector, or go on with the run in the folder.

    Args:
        data: folders of labelled frames; see `training.detection.frames.collect_frames`.
        weights: checkpoint to start from, by path or published name.
        out: folder of the run.
        recipe: how.
        told: hears how far it has come.
        restart: drop an earlier run in the folder.
        stop: ends the run before its time, when set.

    Raises:
        ConfigError: the folder holds a run of another recipe.
        UsageError: it holds a run on other data or from other weights, or other things.
        SourceError, ModelError, StorageError: data, weights or disk are not as they should be.
    """
    start_from = locate_weights(weights)
    device = _device(recipe)
    threads = recipe.threads or torch.get_num_threads()
    # Wrong weights are told before anything is written.
    original = one_class(open_network(start_from))
    train, validation = divide(collect_frames(data), recipe.frames.validation, recipe.frames.per_spectrum)
    if not train:
        raise UsageError("There are too few frames to train on.")
    facts = {
        "format": FORMAT,
        "recipe": recipe.recorded(),
        "seed": recipe.seed,
        "data": {
            "digest": frames_digest([*train, *validation]),
            "training_frames": _counts(train),
            "validation_frames": _counts(validation),
        },
        "start": {"name": start_from.name, "digest": digest_of(start_from), "licence": "AGPL-3.0"},
    }
    summary, path = _begin(out, facts, restart), out / f"{recipe.name}.pt"
    if summary["status"] == "finished" and path.is_file():
        return DetectorRun(True, path, summary)
    teacher = label_real_frames(start_from, recipe.teacher, 640, out, threads)
    taught, watched = divide(teacher, recipe.frames.validation, None) if teacher else ([], [])
    start = _started(original, train, recipe, out)
    tuned = fine_tune(
        Tuning(
            network=copy.deepcopy(start),
            memory=_memory(start, [*train, *taught], recipe),
            train=[*train, *taught],
            folder=out,
            recipe=recipe,
            device=device,
            threads=threads,
            told=told,
            stop=stop or threading.Event(),
        )
    )
    if tuned is None:
        return DetectorRun(False, path, summary)
    groups = {str(s): [f for f in validation if f.spectrum is s] for s in Spectrum} | {TEACHER: watched}
    examiner = _Examiner({name: frames for name, frames in groups.items() if frames}, out, threads)
    before = examiner.look(start, 0.0)
    alphas = recipe.blend.candidates if recipe.blend.alpha is None else (recipe.blend.alpha,)
    looked = {alpha: examiner.look(blend(start, tuned.cpu(), alpha), alpha) for alpha in alphas}
    chosen = choose(before.candidate, [one.candidate for one in looked.values()], recipe.blend)
    save_network(blend(start, tuned, chosen.alpha), path)
    summary = {
        **summary,
        "status": "finished",
        "finished": _now(),
        "teacher_frames": {"training": len(taught), "validation": len(watched)},
        "versions": {"python": platform.python_version(), **versions(_PACKAGES)},
        "machine": machine(device, threads),
        "results": {
            "on": "frames kept from training, overlap .5, image size 640",
            "start": before.plain(),
            "blends": {f"{alpha:g}": one.plain() for alpha, one in sorted(looked.items())},
            "alpha": chosen.alpha,
        },
        "weights": {"name": path.name, "digest": digest_of(path), "licence": recipe.licence},
    }
    _write(out, summary)
    for scratch in (STATE_NAME, START_NAME):
        (out / scratch).unlink(missing_ok=True)
    return DetectorRun(True, path, summary)


@dataclass(frozen=True, slots=True)
class _Look:
    candidate: Candidate
    figures: Mapping[str, DetectionFigures]

    def plain(self) -> dict[str, dict[str, float | None]]:
        """For JSON; what cannot be told is ``null``."""
        return {
            name: {key: round(v, 4) if v == v else None for key, v in asdict(one).items()}
            for name, one in self.figures.items()
        }


class _Examiner:
    """Measures networks on the frames kept from training, as `PersonDetector` looks at them."""

    def __init__(self, groups: Mapping[str, Sequence[LabelledFrame]], folder: Path, threads: int) -> None:
        self._groups = groups
        self._truth = {name: list(truths(frames)) for name, frames in groups.items()}
        self._file = folder / EXAMINED_NAME
        # Whole frames, as they are: what is compared is networks.
        look = LookSettings(tile_below=0)
        self._settings = ranking_settings(DetectorSettings(visible=look, infrared=look, threads=threads))

    def look(self, network: nn.Module, alpha: float) -> _Look:
        """Average precision by group."""
        save_network(network, self._file)
        try:
            with PersonDetector.open(self._file, self._settings) as detector:
                measured = {
                    name: figures(
                        find(
                            detector,
                            (frame.frame(i) for i, frame in enumerate(frames)),
                            frames[0].spectrum.modality,
                        ),
                        self._truth[name],
                    )
                    for name, frames in self._groups.items()
                }
        finally:
            self._file.unlink(missing_ok=True)
        seen = {name: one.ap50 for name, one in measured.items() if one.people}
        return _Look(Candidate(alpha, seen), measured)


def _started(
    original: nn.Module, train: Sequence[LabelledFrame], recipe: DetectorRecipe, out: Path
) -> nn.Module:
    """The network that is started from; kept in the folder, for the blend of a run that went on."""
    file = out / START_NAME
    if file.is_file():
        original.load_state_dict(load_file(file), strict=True)
        return original
    if recipe.batch_norm == "learned" and are_folded(original):
        unfold(original, _calibration_batches(train, recipe))
    tensors = {name: tensor.contiguous().clone() for name, tensor in original.state_dict().items()}
    scratch = file.with_name(f".{file.name}")
    save_file(tensors, scratch)
    scratch.replace(file)
    return original


def _memory(start: nn.Module, frames: Sequence[LabelledFrame], recipe: DetectorRecipe) -> Memory | None:
    visible = [frame for frame in frames if frame.spectrum is Spectrum.VISIBLE]
    return Memory(start, visible, recipe) if recipe.remember.weight and visible else None


def _calibration_batches(train: Sequence[LabelledFrame], recipe: DetectorRecipe) -> list[Tensor]:
    """Training frames as the network will see them, less the mosaic: ``(1, 3, H, W)`` in 0..1 each."""
    from detectors.letterbox import place

    rng = np.random.default_rng([recipe.seed, 1])
    chosen = rng.choice(len(train), min(_CALIBRATION_FRAMES, len(train)), replace=False)
    batches = []
    for index in sorted(chosen.tolist()):
        image = train[index].frame(index).image
        image = augmented(image, train[index].spectrum, recipe.augmentation, rng)
        size = recipe.image_size
        drawn, _ = place(image, (0, 0, image.shape[1], image.shape[0]), (size, size), invert=False)
        batches.append(torch.from_numpy(drawn).permute(2, 0, 1)[None].float() / 255)
    return batches


def _device(recipe: DetectorRecipe) -> str:
    if recipe.device == "cuda" and not torch.cuda.is_available():
        raise ConfigError("The recipe needs a GPU, and torch finds none here.", "Use --set device=cpu.")
    return "cuda" if recipe.device != "cpu" and torch.cuda.is_available() else "cpu"


def _counts(frames: Sequence[LabelledFrame]) -> dict[str, int]:
    return {str(s): sum(frame.spectrum is s for frame in frames) for s in Spectrum}


def _begin(out: Path, facts: Mapping[str, Any], restart: bool) -> dict[str, Any]:
    """``run.json`` of the run in the folder, or of a new one."""
    file = out / RUN_NAME
    if restart and file.is_file():
        result = f"{_name_of(file)}.pt"
        for name in (RUN_NAME, STATE_NAME, START_NAME, LOG_NAME, EXAMINED_NAME, "args.yaml", result):
            (out / name).unlink(missing_ok=True)
        for name in (TEACHER_FOLDER, EVENTS_NAME, "weights"):
            shutil.rmtree(out / name, ignore_errors=True)
    if file.is_file():
        return _same(file, facts)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise UsageError(
            f"{out} holds something other than a training run.", "Name another folder with --out."
        )
    summary = {**facts, "status": "running", "begun": _now()}
    _write(out, summary)
    return summary


def _name_of(file: Path) -> str:
    """What the weights of an earlier run are called; its record may be damaged."""
    try:
        return str(json.loads(file.read_text(encoding="utf-8"))["recipe"]["name"])
    except (OSError, ValueError, KeyError, TypeError):
        return DetectorRecipe().name


def _same(file: Path, facts: Mapping[str, Any]) -> dict[str, Any]:
    try:
        before: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        changed = differences(before["recipe"], facts["recipe"])
        others = [key for key in ("format", "data", "start") if before[key] != facts[key]]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise UsageError(f"{file} cannot be read: {error!r}.", "Start over with --restart.") from None
    hint = "Name another folder with --out, or discard the run there with --restart."
    if changed:
        raise ConfigError(
            f"The run in {file.parent} was started with another recipe ({'; '.join(changed[:4])}).", hint
        )
    if others:
        what = {"data": "on other data", "start": "from other weights", "format": "by another version"}
        raise UsageError(f"The run in {file.parent} was started {what[others[0]]}.", hint)
    return before


def _write(out: Path, summary: Mapping[str, Any]) -> None:
    write_whole(out / RUN_NAME, (json.dumps(summary, indent=2, ensure_ascii=False) + "\n").encode())


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
