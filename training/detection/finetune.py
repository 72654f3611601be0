"""Fine-tuning of a detector by ultralytics' trainer, offline and exactly resumable.

From ultralytics come the loss, the assignment of boxes, mosaic and the geometry of frames, the optimiser's
groups, the schedule and the moving average of the weights, which is the result. Ours are the frames and
what happens to them before the mosaic, the batch norms, and the state that a killed run goes on from.
"""

import copy
import threading
from collections import defaultdict
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn

from detectors.ultralytics_package import quiet_ultralytics
from training.detection.dataset import dataset_class
from training.detection.frames import LabelledFrame
from training.detection.one_class import batch_norms
from training.detection.remembering import Memory
from training.detection.settings import DetectorRecipe
from training.detection.state import load_weights, read_state, write_state
from training.log import RunLog

_LOSSES = ("box", "cls", "dfl")
_LOG_EVERY = 10


class Telling(Protocol):
    """Who is told how far a fine-tuning has come."""

    def step(self, done: int, total: int, values: Mapping[str, float]) -> None:
        """Steps done, of how many, and the losses."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """Everything a fine-tuning needs.

    Attributes:
        network: with one class; it is trained in place.
        memory: of what the network said before on visible frames, or ``None``.
        train: frames to learn from.
        folder: of the run; its log and state are written there.
        recipe: how.
        device: ``cpu`` or ``cuda``.
        threads: of torch on a CPU.
        told: hears how far it has come.
        stop: ends the run before its time, when set; what was done of the epoch is lost.
    """

    network: nn.Module
    memory: Memory | None
    train: Sequence[LabelledFrame]
    folder: Path
    recipe: DetectorRecipe
    device: str
    threads: int
    told: Telling
    stop: threading.Event


def fine_tune(tuning: Tuning) -> nn.Module | None:
    """Train, or go on from the state in the folder; every epoch is one state.

    An epoch draws everything from the seed and its number, so a run that was killed and went on has the
    same weights as one that was not (on a CPU with the same number of threads).

    Returns:
        The moving average of the weights, single precision, evaluation mode; ``None`` if it was stopped.

    Raises:
        ModelError: the state in the folder is damaged or of another network.
    """
    quiet_ultralytics()
    if tuning.device == "cpu":
        torch.set_num_threads(tuning.threads)
    plain = copy.deepcopy(tuning.network)
    trainer = _trainer_class()(tuning)
    if trainer.left:
        trainer.train()
    if not trainer.finished:
        return None
    # Into a network without what training hung on it.
    averaged = plain.eval()
    averaged.load_state_dict(trainer.ema.ema.state_dict())
    return averaged


def training_arguments(recipe: DetectorRecipe, folder: Path, device: str, half: bool) -> dict[str, Any]:
    """The recipe in ultralytics' words; whatever could ask the network or draw a plot is off."""
    augmentation, optimiser = recipe.augmentation, recipe.optimiser
    return {
        "task": "detect",
        "mode": "train",
        "model": "night.pt",
        "data": "night.yaml",
        "save_dir": str(folder),
        "project": str(folder.parent),
        "name": folder.name,
        "exist_ok": True,
        "epochs": recipe.epochs,
        "patience": 0,
        "batch": recipe.batch,
        "nbs": recipe.batch,
        "imgsz": recipe.image_size,
        "device": device if device == "cpu" else "0",
        "workers": recipe.workers,
        "seed": recipe.seed,
        "deterministic": True,
        "amp": "bf16" if half and device == "cuda" else False,
        "val": False,
        "plots": False,
        "verbose": False,
        "optimizer": optimiser.kind,
        "lr0": optimiser.lr,
        "lrf": optimiser.final,
        "momentum": optimiser.momentum,
        "warmup_momentum": optimiser.momentum,
        "warmup_bias_lr": 0.0,
        "warmup_epochs": optimiser.warmup,
        "weight_decay": optimiser.weight_decay,
        "freeze": recipe.freeze or None,
        "mosaic": augmentation.mosaic,
        "close_mosaic": augmentation.close_mosaic,
        "scale": augmentation.scale,
        "translate": augmentation.translate,
        "fliplr": augmentation.flip,
        "hsv_h": 0.0,
        "hsv_s": 0.0,
        "hsv_v": 0.0,
        "erasing": 0.0,
        "augmentations": [],
    }


@cache
def _trainer_class() -> type[Any]:
    from ultralytics.models.yolo.detect import DetectionTrainer
    from ultralytics.utils.torch_utils import init_seeds

    # Not called a trainer: ultralytics hangs the uploads of its platform on classes of that name.
    class FineTuning(DetectionTrainer):  # type: ignore[misc]
        def __init__(self, tuning: Tuning) -> None:
            self.tuning = tuning
            self.opened = ExitStack()
            recipe = tuning.recipe
            self.state = read_state(tuning.folder)
            half = recipe.amp == "on" or (recipe.amp == "auto" and multiplies_in_bfloat16(tuning.device))
            super().__init__(overrides=training_arguments(recipe, tuning.folder, tuning.device, half))
            self.model = tuning.network
            for parameter in self.model.parameters():
                parameter.requires_grad_(True)
            if tuning.device == "cpu":
                # A tenth faster there; on a GPU ultralytics does it itself.
                self.model.to(memory_format=torch.channels_last)
                if half:
                    _in_bfloat16(self.model)
            if tuning.memory is not None:
                self.model.loss = self._with_memory(self.model.loss)
            self.left = self.state is None or self.state["epoch"] < recipe.epochs
            self.finished = False
            if not self.left:
                self._finish_from_state()
            # Whatever others registered: nothing of this run is sent or logged but by us.
            self.callbacks: dict[str, list[Any]] = defaultdict(list)
            self.add_callback("on_train_epoch_start", FineTuning.begin_epoch)
            self.add_callback("on_train_batch_end", FineTuning.end_batch)

        def _with_memory(self, loss: Any) -> Any:
            """The network's loss and, as one number more, how far it has moved on visible frames."""
            memory, weight = self.tuning.memory, self.tuning.recipe.remember.weight

            def both(batch: Any, preds: Any = None) -> Any:
                parts, items = loss(batch, preds)
                assert memory is not None
                # Ultralytics sums losses over the batch.
                moved = weight * len(batch["img"]) * memory.loss(self.model, self.steps_done)
                return torch.cat([parts.reshape(-1), moved.reshape(1)]), items

            return both

        def _finish_from_state(self) -> None:
            from ultralytics.utils.torch_utils import ModelEMA

            assert self.state is not None
            self.ema = ModelEMA(self.model)
            load_weights(self.ema.ema, self.state["ema"], self.tuning.folder)
            self.finished = True

        def get_dataset(self) -> dict[str, Any]:
            return {"train": "", "val": "", "nc": 1, "names": {0: "person"}, "channels": 3}

        def setup_model(self) -> dict[str, Any] | None:
            return self.state

        def build_dataset(self, img_path: str, mode: str = "train", batch: int | None = None) -> Any:
            return dataset_class()(
                self.tuning.train if mode == "train" else self.tuning.train[:1],
                self.tuning.recipe,
                imgsz=self.args.imgsz,
                batch_size=batch,
                augment=mode == "train",
                hyp=self.args,
                stride=self.stride,
                task="detect",
            )

        def begin_epoch(self) -> None:
            """Everything random in an epoch follows from the seed and its number."""
            init_seeds(self.tuning.recipe.seed * 100_003 + self.epoch, deterministic=True)
            self.train_loader.dataset.forget()
            self.train_loader.reset()
            self.train_loader.generator.manual_seed(torch.initial_seed())

        def _model_train(self) -> None:
            super()._model_train()
            if self.tuning.recipe.batch_norm == "frozen":
                for layer in batch_norms(self.model):
                    layer.eval()

        def end_batch(self) -> None:
            self.steps_done += 1
            total = self.tuning.recipe.epochs * len(self.train_loader)
            values = {name: float(value) for name, value in self.loss_items.items()}
            losses = dict(zip(_LOSSES, values.values(), strict=False))
            row = {"loss": sum(values.values()), **losses, "lr": self.optimizer.param_groups[0]["lr"]}
            if self.steps_done % _LOG_EVERY == 0 or self.steps_done == total:
                self.log.row({"step": self.steps_done, "epoch": self.epoch + 1, **row})
            self.tuning.told.step(self.steps_done, total, row)
            if self.tuning.stop.is_set():
                raise _Stopped

        def _do_train(self) -> None:
            with self.opened:
                try:
                    super()._do_train()
                    self.finished = True
                except _Stopped:
                    self.finished = False

        def resume_training(self, ckpt: dict[str, Any] | None) -> None:
            if ckpt is not None:
                folder = self.tuning.folder
                load_weights(self.model, ckpt["model"], folder)
                load_weights(self.ema.ema, ckpt["ema"], folder)
                self.ema.updates = ckpt["updates"]
                self.optimizer.load_state_dict(ckpt["optimizer"])
                self.start_epoch = ckpt["epoch"]
            self.steps_done = self.start_epoch * len(self.train_loader)
            columns = ("step", "epoch", "loss", *_LOSSES, "lr")
            self.log = self.opened.enter_context(RunLog(self.tuning.folder, columns, self.steps_done))

        def validate(self) -> tuple[dict[str, float], float]:
            return {}, 0.0

        def save_metrics(self, metrics: Mapping[str, float]) -> None:
            return

        def final_eval(self) -> None:
            return

        def save_model(self) -> bool:
            write_state(
                self.tuning.folder,
                {
                    "epoch": self.epoch + 1,
                    "model": self.model.state_dict(),
                    "ema": self.ema.ema.state_dict(),
                    "updates": self.ema.updates,
                    "optimizer": self.optimizer.state_dict(),
                },
            )
            return True

    return FineTuning


class _Stopped(Exception):  # noqa: N818 (not an error)
    """The run is to end now."""


def multiplies_in_bfloat16(device: str) -> bool:
    """Whether a device has instructions for it; elsewhere it is emulated, and slow."""
    if device == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    capabilities: Mapping[str, Any] = getattr(torch.cpu, "get_capabilities", dict)()
    return any(capabilities.get(name) for name in ("avx512_bf16", "amx_bf16", "arm_bf16"))


def _in_bfloat16(network: nn.Module) -> None:
    """Let a network calculate in bfloat16 on a CPU, for which ultralytics' trainer has no switch."""
    context: Any = torch.autocast("cpu", torch.bfloat16)

    def enter(*_: object) -> None:
        context.__enter__()

    def leave(*_: object) -> None:
        context.__exit__(None, None, None)

    network.register_forward_pre_hook(enter)
    network.register_forward_hook(leave, always_call=True)
