"""Training: from a recipe and a data set to a checkpoint folder, whatever is trained.

Every random thing is a function of the seed and the step, sums are made in a fixed order, and the state is
written whole; so a run that was killed goes on and ends in the same weights. What is particular to a system
stands in its task (`training.systems`).
"""

import copy
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
import torch
from numpy.typing import NDArray

from reid_core.errors import UsageError
from reid_core.models.checkpoint import take_weights
from reid_core.models.checkpoint_files import CheckpointFiles, open_checkpoint
from reid_core.models.network import Network
from reid_core.runtime.cache import cache_folder
from training.arithmetic import autocast_type, choose_device, reproducible
from training.augmentation.pipeline import Augmenter
from training.averaging import Window
from training.batches import Batch, TrainingBatches, batches_from
from training.blending import blend
from training.datasets.resized import resized_images
from training.finishing import finish
from training.log import RunLog
from training.material import Material, open_material
from training.needs import Needs
from training.optimiser import create_optimiser
from training.recipe import Recipe
from training.run_folder import RunFolder, machine
from training.sampling import IdentitySampler
from training.schedule import learning_rate_factor, total_steps
from training.state import Position, RunState, load_state, read_position, save_state
from training.stopwatch import UNTIMED, Stopwatch
from training.systems import TASKS
from training.systems.task import TrainingTask, columns
from training.validating import embed_images, retrieval_by_spectrum, single_shot_rows


class TrainingProgress(Protocol):
    """Who is told how far a run has come."""

    def images(self, done: int, total: int) -> None:
        """Images resized for the cache."""

    def step(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """Steps done, and the values of the last row of the log."""

    def note(self, text: str) -> None:
        """One sentence worth telling at once."""


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """What came of a call.

    Attributes:
        folder: of the run.
        steps: done.
        finished: whether the run came to its end; else it was interrupted and can go on.
        summary: what ``run.json`` says.
    """

    folder: Path
    steps: int
    finished: bool
    summary: Mapping[str, Any] = field(default_factory=dict)


def train(
    recipe: Recipe,
    out: Path,
    data: Path | None,
    progress: TrainingProgress,
    *,
    restart: bool = False,
    stop: threading.Event | None = None,
    cache: Path | None = None,
    start: Path | None = None,
    stopwatch: Stopwatch = UNTIMED,
) -> TrainingResult:
    """Begin a run, or go on with the one in the folder.

    Args:
        recipe: what to do.
        out: the run's folder.
        data: the data set's folder, above the recipe's own.
        progress: who is told.
        restart: drop an earlier run in the folder.
        stop: set to end after the current step; the state is written.
        cache: folder for resized images; the user's cache folder by default.
        start: checkpoint folder to start from, above the recipe's own.
        stopwatch: told where the time of the steps goes.

    Raises:
        ConfigError: the folder holds a run of another recipe.
        UsageError: the recipe does not fit the data or the machine, or the loss is no number any more.
        SourceError: the data set cannot be read.
        StorageError: something cannot be written.
        ModelError: the state in the folder or the checkpoint to start from is damaged, or the checkpoint is
            of another network than the recipe's.
    """
    material = open_material(recipe.data, data, recipe.seed)
    place = start or recipe.model.start
    files = None if place is None else open_checkpoint(place)
    if files is None and recipe.model.blend < 1:
        raise UsageError("model.blend mixes with the model that a run starts from.", "Name it with --start.")
    sampler = IdentitySampler(material.train, recipe.seed, **recipe.sampler.model_dump())
    task = TASKS.get(recipe.system)(recipe, material, sampler.identities)
    task.start = files
    needs = task.needs()
    folder = RunFolder(
        out, recipe, material, restart, None if files is None else files.model_id, needs.digest
    )
    if folder.finished:
        progress.note(f"The run in {out} is finished: nothing is left to do. --restart discards it.")
        return TrainingResult(out, int(folder.values["steps"]), True, folder.values)
    position = read_position(out)
    device = choose_device(recipe.device)
    if position is not None and position.device != device:
        raise UsageError(
            f"The run in {out} was started on {position.device}; here it would resume on {device}."
        )
    threads = position.threads if position is not None else recipe.threads or torch.get_num_threads()
    with reproducible(recipe.seed, device, threads):
        places = cache or cache_folder() / "images"
        run = _Run(recipe, task, needs, sampler, folder, files, device, threads, progress, places, stopwatch)
        return run.go(position, stop or threading.Event())


class _Run:
    """One process's share of a run."""

    def __init__(
        self,
        recipe: Recipe,
        task: TrainingTask[Any, Any],
        needs: Needs,
        sampler: IdentitySampler,
        folder: RunFolder,
        start: CheckpointFiles | None,
        device: str,
        threads: int,
        progress: TrainingProgress,
        cache: Path,
        stopwatch: Stopwatch,
    ) -> None:
        self.recipe, self.task, self.sampler = recipe, task, sampler
        self.stopwatch = stopwatch
        self.material: Material = task.material
        self.folder, self.progress = folder, progress
        self.start, self.device, self.threads = start, device, threads
        # An epoch is one pass over the images, in however many batches a step takes them.
        self.steps_per_epoch = max(1, sampler.steps_per_epoch // recipe.schedule.accumulate)
        self.total = total_steps(recipe.schedule, self.steps_per_epoch)
        self.preprocess = task.preprocess()
        self.source = self._batches(needs, cache)
        self.watched: NDArray[np.uint8] | None = None
        if self.material.validation:
            self.watched = resized_images(
                self.material.dataset, self.material.validation, self.preprocess, cache, progress.images
            )
        self.model = self._network()
        self.source.know_look_alikes(partial(embed_images, self.model, preprocess=self.preprocess))
        kept = task.kept(self.model, self.source, cache, progress.images)
        if kept is not None:
            self.source.keep(kept)
        self.objective = task.objective(self.model).to(device)
        self.optimiser = create_optimiser(self.model, recipe.optimiser, self.objective)
        self.precision = autocast_type(device) if recipe.amp == "auto" else None
        average = None
        if recipe.ema:
            swa: Any = torch.optim.swa_utils
            average = swa.AveragedModel(
                self.model, multi_avg_fn=swa.get_ema_multi_avg_fn(recipe.ema), use_buffers=True
            )
        scaler = torch.amp.GradScaler(device, enabled=self.precision is torch.float16)
        self.state = RunState(self.model, self.optimiser, scaler, average, self.objective)
        counts = recipe.sampler
        visible = counts.visible * recipe.augmentation.views
        self.images_a_step = counts.identities * (visible + counts.infrared)

    def go(self, position: Position | None, stop: threading.Event) -> TrainingResult:
        """From where the run stands to its end, or until it is told to stop."""
        if position is not None:
            load_state(self.folder.path, self.state)
            self.progress.note(f"Resuming after step {position.step} of {self.total}.")
        position = position or Position(0, 0.0, self.threads, self.device)
        self.folder.write({"status": "running", "machine": machine(self.device, self.threads)})
        with RunLog(self.folder.path, columns(self.task), position.step) as log:
            position = self._steps(position, log, stop)
        if position.step < self.total:
            self.folder.write({"status": "interrupted", "steps": position.step})
            return TrainingResult(self.folder.path, position.step, False, self.folder.values)
        learned = self._blended(self.result_model)
        finish(
            self.folder,
            self.recipe,
            self.material,
            self.start,
            self.task.result(learned),
            self.task.origin(),
            self.preprocess,
            self.watched,
            self.sampler.identities,
            position,
            partial(self._accompany, learned),
            self.progress.note,
        )
        return TrainingResult(self.folder.path, position.step, True, self.folder.values)

    def _accompany(self, learned: Network, checkpoint: CheckpointFiles) -> None:
        self.task.accompany(self.objective, checkpoint)
        self.task.accompany_network(learned, checkpoint)

    @property
    def result_model(self) -> Network:
        """The network that comes out: the average of the weights where there is one."""
        average = self.state.average
        return self.model if average is None else cast(Network, average.module)

    def _steps(self, position: Position, log: RunLog, stop: threading.Event) -> Position:
        recipe, first = self.recipe, position.step
        window = Window()
        begun = time.monotonic()
        self.progress.step(first, self.total, position.final)
        count = recipe.schedule.accumulate
        batches = batches_from(self.source, first * count, self.total * count, recipe.workers, recipe.seed)
        for step in range(first, self.total):
            factor = learning_rate_factor(recipe.schedule, step, self.steps_per_epoch)
            self._learn(islice(batches, count), factor, window)
            done = step + 1
            interrupted = stop.is_set()
            keep = done % recipe.state_every == 0 or done == self.total or interrupted
            # A state never lies between two rows: then a run that goes on has the same rows.
            if keep or done % recipe.log_every == 0:
                values: dict[str, float] = {"step": done, "epoch": step // self.steps_per_epoch}
                values |= window.means(self.images_a_step) | {"lr": recipe.optimiser.lr * factor}
                window = Window()
                self._check_finite(values)
                log.row(values)
                seconds = position.seconds + time.monotonic() - begun
                latest = Position(done, seconds, self.threads, self.device, values)
            if keep:
                save_state(self.folder.path, self.state, latest)
            self.progress.step(done, self.total, values if not window.count else {})
            if recipe.eval_every and done % recipe.eval_every == 0 and done < self.total:
                self._look(done, log)
                window.pause()
            if interrupted:
                return latest
        return latest if first < self.total else position

    def _learn(self, batches: Iterable[Batch], factor: float, window: "Window") -> None:
        """One step of gradient descent, by the mean of its batches' losses."""
        for group in self.optimiser.param_groups:
            group["lr"] = self.recipe.optimiser.lr * group["factor"] * factor
        scaler = self.state.scaler
        self.optimiser.zero_grad(set_to_none=True)
        for each in self.stopwatch.waited(batches):
            with self.stopwatch.timed("forward"):
                batch = each.to(self.device)
                with torch.autocast(self.device, self.precision, enabled=self.precision is not None):
                    output = self.task.forward(self.model, batch)
                terms = self.task.losses(self.objective, output, batch)
                total = self.objective.total(terms)
                scaled: Any = scaler.scale(total / self.recipe.schedule.accumulate)
            with self.stopwatch.timed("backward"):
                scaled.backward()
            window.add({"loss": total, **terms, **self.task.measured(output, batch)})
        with self.stopwatch.timed("step"):
            if self.recipe.optimiser.clip is not None:
                scaler.unscale_(self.optimiser)
                torch.nn.utils.clip_grad_norm_(self.model.parameters(), self.recipe.optimiser.clip)
            scaler.step(self.optimiser)
            scaler.update()
            if self.state.average is not None:
                cast(Any, self.state.average).update_parameters(self.model)

    def _look(self, step: int, log: RunLog) -> None:
        """Single-shot retrieval among the validation identities, told and logged."""
        if self.watched is None:
            return
        records, rows = self.material.validation, single_shot_rows(self.material.validation, self.recipe.seed)
        vectors = embed_images(self.result_model, self.watched, records, rows, self.preprocess)
        shown = [records[row] for row in rows.tolist()]
        results = retrieval_by_spectrum(vectors, shown, self.material.dataset.same_place)
        for kind, found in results.items():
            low, high = found.interval
            figures = {
                "r1": found.result.r1,
                "r1_low": low,
                "r1_high": high,
                "queries": found.result.valid,
                "map": found.result.map,
            }
            log.scalars(step, {f"validation/{kind}/{name}": value for name, value in figures.items()})
            self.progress.note(f"Step {step}: {kind} to visible {found}")

    def _batches(self, needs: Needs, cache: Path) -> TrainingBatches:
        recipe = self.recipe
        scale = recipe.input.cache_scale
        larger = self.preprocess.model_copy(
            update={
                "height": round(recipe.input.height * scale),
                "width": round(recipe.input.width * scale),
            }
        )
        records = self.material.train
        images = resized_images(self.material.dataset, records, larger, cache, self.progress.images)
        augmenter = Augmenter(recipe.augmentation, self.preprocess)
        return TrainingBatches(
            images,
            records,
            self.sampler,
            augmenter,
            recipe.augmentation.views,
            recipe.seed,
            needs,
            # Other processes have clocks of their own.
            UNTIMED if recipe.workers else self.stopwatch,
        )

    def _network(self) -> Network:
        model = self.task.network(self.start).to(self.device)
        return model.to(memory_format=torch.channels_last).train()

    def _blended(self, model: Network) -> Network:
        if self.start is None or self.recipe.model.blend == 1:
            return model
        before = copy.deepcopy(model)
        take_weights(before, self.start)
        return cast(Network, blend(before, model, self.recipe.model.blend))

    def _check_finite(self, values: Mapping[str, float]) -> None:
        if not np.isfinite(values["loss"]):
            raise UsageError(
                f"The loss is NaN or infinite at step {values['step']:.0f}.",
                "Lower optimiser.lr, lengthen schedule.warmup or set optimiser.clip, and --restart.",
            )
