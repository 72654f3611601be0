"""A BLIP fine-tuned to caption crops of one modality, as TVI-LFM does for its modality-specific captioner.

Source: Hu et al., "Empowering Visible-Infrared Person Re-Identification with Large Foundation Models"
(NeurIPS 2024). What a step draws is a function of the seed and the step, and the state is written whole: a
run that was killed goes on and ends in the same weights.
"""

import hashlib
import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from reid_core.errors import ModelError, StorageError, UsageError
from reid_core.images import read_image
from reid_core.models.blip.captioner import KIND, BlipSettings
from reid_core.models.blip.loading import Blip, load_blip
from reid_core.models.hub import quiet
from reid_core.models.language_files import FORMAT, CaptionerManifest
from reid_core.models.manifest import Training
from reid_core.models.published import fetched, files_of
from reid_core.preprocess import grey
from reid_core.types import Modality
from training.arithmetic import choose_device, reproducible
from training.captioning.blip_recipe import BlipRecipe
from training.captioning.pairs import Pair, pairs_of
from training.datasets.opening import open_dataset
from training.datasets.records import ReidDataset, Split
from training.schedule import learning_rate_factor
from training.seeding import generator

Progress = Callable[[str, int, int, str], None]
"""Told what is done, how many of how many, and what else there is to say."""

_STATE, _IMAGES = "state.pt", "preprocessor_config.json"
_IGNORED = -100
_PIXEL = 255.0


@dataclass(frozen=True, slots=True)
class BlipTrained:
    """What came of it.

    Attributes:
        folder: of the captioner.
        steps: done.
        finished: whether it came to its end; else it was stopped and can go on.
        before: loss on validation images at the beginning; ``None`` without any.
        after: the same at the end.
    """

    folder: Path
    steps: int
    finished: bool
    before: float | None = None
    after: float | None = None


def train_blip(
    data: Path,
    out: Path,
    recipe: BlipRecipe,
    progress: Progress,
    stopped: Callable[[], bool] = lambda: False,
    restart: bool = False,
) -> BlipTrained:
    """Fine-tune a BLIP and write its folder, or go on with what was begun there.

    Args:
        data: folder of a data set.
        out: folder of the captioner.
        recipe: how.
        progress: told how far it has come.
        stopped: whether to end after the current step; the state is written.
        restart: drop what was begun there.

    Raises:
        SourceError: the data set or its captions cannot be read.
        ModelError: the BLIP is not to be had, or the state is damaged.
        UsageError: another recipe or other captions began there, or the loss is no number any more.
        StorageError: the folder cannot be written.
    """
    dataset, device = open_dataset(data), choose_device(recipe.device)
    learned, checked = (_pairs(dataset, split, recipe) for split in (Split.TRAIN, Split.VAL))
    if not learned:
        raise UsageError(f"{data} has no training people.")
    checked = checked[: recipe.checked]
    with reproducible(recipe.seed, device, recipe.threads or torch.get_num_threads()):
        run = _Run(dataset, learned, recipe, device)
        try:
            out.mkdir(parents=True, exist_ok=True)
            state = _State(out / _STATE, run, restart)
            before = state.before if state.step else run.loss_of(checked)
            progress("learn", state.step, run.total, "")
            for step in range(state.step, run.total):
                loss = run.learn(step)
                if not math.isfinite(loss):
                    raise UsageError(
                        f"The loss is NaN or infinite at step {step + 1}.", "Try a smaller learning rate: lr."
                    )
                ended = stopped()
                if ended or (step + 1) % recipe.state_every == 0 or step + 1 == run.total:
                    state.save(step + 1, before)
                progress("learn", step + 1, run.total, f"loss {loss:.3f}")
                if ended and step + 1 < run.total:
                    return BlipTrained(out, step + 1, False, before)
            after = run.loss_of(checked)
            _write(out, run.blip, recipe, dataset.name, before, after)
        except OSError as error:
            raise StorageError(
                f"The captioner {out} cannot be written: {error.strerror or error}."
            ) from error
    return BlipTrained(out, run.total, True, before, after)


class _Run:
    def __init__(self, dataset: ReidDataset, pairs: Sequence[Pair], recipe: BlipRecipe, device: str) -> None:
        self.blip = load_blip(fetched(recipe.source))
        self._dataset, self._pairs, self._recipe, self._device = dataset, pairs, recipe, device
        self.total = recipe.schedule.length * (
            max(1, len(pairs) // recipe.batch) if recipe.schedule.unit == "epochs" else 1
        )
        network = self.blip.network.to(device)
        if recipe.frozen == "vision":
            network.vision_model.requires_grad_(False)
        learned = [one for one in network.parameters() if one.requires_grad]
        # Norms and biases are not pulled towards zero.
        groups: list[dict[str, Any]] = [
            {"params": [one for one in learned if one.ndim > 1], "weight_decay": recipe.weight_decay},
            {"params": [one for one in learned if one.ndim <= 1], "weight_decay": 0.0},
        ]
        self.network, self.optimiser = network, torch.optim.AdamW(groups, lr=recipe.lr)

    @property
    def digest(self) -> str:
        """Of the recipe and of what is learned from."""
        said = [
            self._recipe.model_dump(mode="json", exclude={"device", "threads", "licence", "state_every"}),
            [[pair.record.path, *pair.texts] for pair in self._pairs],
        ]
        return hashlib.sha256(json.dumps(said).encode()).hexdigest()

    def learn(self, step: int) -> float:
        """One step of gradient descent; returns its loss."""
        recipe = self._recipe
        per_epoch = max(1, len(self._pairs) // recipe.batch)
        for group in self.optimiser.param_groups:
            group["lr"] = recipe.lr * learning_rate_factor(recipe.schedule, step, per_epoch)
        rng = generator(recipe.seed, "blip", step)
        # Dropout too is a function of the step.
        torch.manual_seed(int(rng.integers(1 << 62)))
        size = min(recipe.batch, len(self._pairs))
        drawn = [self._pairs[at] for at in rng.choice(len(self._pairs), size, replace=False).tolist()]
        texts = [pair.texts[int(rng.integers(len(pair.texts)))] for pair in drawn]
        self.network.train()
        if recipe.frozen == "vision":
            self.network.vision_model.eval()
        self.optimiser.zero_grad(set_to_none=True)
        loss: Any = self._loss(drawn, texts)
        loss.backward()
        self.optimiser.step()
        return float(loss.detach())

    def loss_of(self, pairs: Sequence[Pair]) -> float | None:
        """The mean loss of the first caption of each; ``None`` without any."""
        if not pairs:
            return None
        self.network.eval()
        total = 0.0
        with torch.inference_mode():
            for start in range(0, len(pairs), self._recipe.batch):
                some = pairs[start : start + self._recipe.batch]
                total += len(some) * float(self._loss(some, [pair.texts[0] for pair in some]))
        return total / len(pairs)

    def _loss(self, pairs: Sequence[Pair], texts: Sequence[str]) -> Tensor:
        """Cross entropy of the next token, as generation goes: behind the token that begins captions."""
        crops = [read_image(self._dataset.file(pair.record)) for pair in pairs]
        if self._recipe.modality is Modality.INFRARED:
            crops = [grey(crop) for crop in crops]
        pixels = torch.from_numpy(self.blip.preprocess(crops)).to(self._device)
        read = self.blip.tokenizer(
            list(texts), padding=True, truncation=True, max_length=self._recipe.longest, return_tensors="pt"
        )
        tokens, mask = read["input_ids"].to(self._device), read["attention_mask"].to(self._device)
        tokens[:, 0] = self.network.config.text_config.bos_token_id
        labels = tokens.masked_fill(mask == 0, _IGNORED)
        found: Tensor = self.network(
            pixel_values=pixels, input_ids=tokens, attention_mask=mask, labels=labels
        ).loss
        return found


class _State:
    """Where a run stands, on disk."""

    def __init__(self, file: Path, run: _Run, restart: bool) -> None:
        self._file, self._run = file, run
        self.step, self.before = 0, None
        if restart:
            file.unlink(missing_ok=True)
        if not file.is_file():
            return
        try:
            found = torch.load(file, weights_only=True, map_location=next(run.network.parameters()).device)
            digest, self.step, self.before = found["digest"], int(found["step"]), found["before"]
        except Exception as error:
            # torch has a family of errors for damaged files.
            raise ModelError(f"The state {file} is damaged.", "--restart begins anew.") from error
        if digest != run.digest:
            raise UsageError(
                f"The folder {file.parent} holds a run of another recipe, or of other captions.",
                "Give --restart to drop it, or another folder.",
            )
        run.network.load_state_dict(found["network"])
        run.optimiser.load_state_dict(found["optimiser"])

    def save(self, step: int, before: float | None) -> None:
        """Write it; the file is there wholly or not at all."""
        scratch = self._file.with_name(f"{self._file.name}.tmp")
        torch.save(
            {
                "digest": self._run.digest,
                "step": step,
                "before": before,
                "network": self._run.network.state_dict(),
                "optimiser": self._run.optimiser.state_dict(),
            },
            scratch,
        )
        scratch.replace(self._file)


def _pairs(dataset: ReidDataset, split: Split, recipe: BlipRecipe) -> list[Pair]:
    records = dataset.records(split)
    if not records:
        return []
    return pairs_of(dataset, records, recipe.modality, recipe.captions, recipe.rephrased)


def _write(
    out: Path, blip: Blip, recipe: BlipRecipe, data: str, before: float | None, after: float | None
) -> None:
    """The folder in transformers' form, with its manifest last."""
    file = out / CaptionerManifest.file_name
    file.unlink(missing_ok=True)
    with quiet():
        blip.network.to("cpu").save_pretrained(out)
        blip.tokenizer.save_pretrained(out)
    mean, std = (np.asarray(values) / _PIXEL for values in (blip.preprocess.mean, blip.preprocess.std))
    images = {"image_mean": mean.tolist(), "image_std": std.tolist()}
    (out / _IMAGES).write_text(json.dumps(images, indent=2) + "\n", encoding="utf-8")
    training = Training(
        recipe=f"nightreid train-blip: {recipe.name}",
        data=(data,),
        origin=recipe.source,
        licence=recipe.licence,
        settings=recipe.model_dump(mode="json") | {"loss_before": before, "loss_after": after},
    )
    manifest = CaptionerManifest(
        format=FORMAT,
        name=recipe.name,
        kind=KIND,
        weights=files_of(out),
        settings=BlipSettings(longest=recipe.longest),
        training=training,
    )
    file.write_text(json.dumps(manifest.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
