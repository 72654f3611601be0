"""From a data set with captions to the folder of a captioner."""

import json
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from safetensors.torch import save_file

from reid_core.errors import ModelError, SourceError
from reid_core.models.attribute_captioner.captioner import KIND, WEIGHTS, AttributeSettings, Eyes
from reid_core.models.attribute_captioner.head import AttributeHead
from reid_core.models.checkpoint_files import sha256_of
from reid_core.models.language_files import FORMAT, CaptionerManifest
from reid_core.models.manifest import Training
from reid_core.starter import starter_embedder
from reid_core.types import Modality
from reid_core.words.terms import Term
from training.augmentation.pipeline import Augmenter
from training.captioning.examples import Learned, Values, seen, terms_of_captions, values_of
from training.captioning.learning import FEWEST_SAID, NEVER, certainties, learn
from training.captioning.recipe import CaptionerRecipe
from training.datasets.opening import open_dataset
from training.datasets.records import ImageRecord, ReidDataset, Split

Progress = Callable[[str, int, int, str], None]
"""Told what is done, how many of how many, and what else there is to say."""


@dataclass(frozen=True, slots=True)
class _Material:
    """Images of a split and what their captions say, in the same order."""

    records: Sequence[ImageRecord]
    captions: Sequence[tuple[Term, ...]]

    def of(self, modality: Modality) -> "_Material":
        """Those of one modality."""
        places = [at for at, record in enumerate(self.records) if record.modality is modality]
        return _Material([self.records[at] for at in places], [self.captions[at] for at in places])


def train_captioner(
    data: Path, out: Path, recipe: CaptionerRecipe, progress: Progress, stopped: Callable[[], bool]
) -> Path:
    """Train a captioner and write its folder.

    The embedder that looks learns nothing: it looks at every image once, and the head learns from what it
    saw. Values and certainties come from the training and the validation people.

    Args:
        data: folder of a data set with captions of both modalities, or of one, and validation people.
        out: folder to be written.
        recipe: how.
        progress: told how far it has come.
        stopped: whether to end early; nothing is written then.

    Returns:
        ``captioner.json``.

    Raises:
        SourceError: the data set has no captions, or no validation people; or of those nothing is said
            rightly, and the captioner would be silent.
        ModelError: the embedder cannot look.
        KeyboardInterrupt: it was stopped.
    """
    folder = recipe.eyes or starter_embedder()
    if folder is None:
        raise ModelError("This version carries no embedder.", "Name one in the recipe: eyes.")
    eyes, dataset = Eyes(folder), open_dataset(data)
    learned_from, held_out = (_material(dataset, split) for split in (Split.TRAIN, Split.VAL))
    values = values_of(learned_from.captions, recipe.least)
    if not values:
        raise SourceError(f"The captions of {data} name nothing {recipe.least} times.")
    augmenter = Augmenter(recipe.augmentation, eyes.preprocess) if recipe.views else None
    examples = _looked_at(eyes, dataset, learned_from, values, augmenter, recipe, "look", progress, stopped)
    head = learn(
        examples,
        values,
        recipe,
        lambda done, total, loss: progress("learn", done, total, f"loss {loss:.3f}"),
        stopped,
    )
    del examples
    checked = _looked_at(eyes, dataset, held_out, values, None, recipe, "check", progress, stopped)
    certain = certainties(head, checked, values, recipe.right)
    if min(certain.values()) == NEVER:
        raise SourceError(
            f"Of the {len(held_out.records):,} validation images of {data} nothing is said often enough and "
            f"rightly: {recipe.right:g} of at least {FEWEST_SAID} times.",
            "Take more people, or a smaller 'right'.",
        )
    settings = AttributeSettings(
        eyes=os.path.relpath(folder.resolve(), out.resolve()),
        groups=values,
        certain=certain,
        width=recipe.width,
    )
    training = Training(
        recipe=f"nightreid train-captioner: {recipe.name}",
        data=(dataset.name,),
        origin=f"nothing; it looks through {eyes.name} ({eyes.model_id})",
        licence=recipe.licence,
        settings=recipe.model_dump(mode="json", exclude={"eyes"}),
    )
    return _written(out, head, settings, recipe.name, eyes.model_id, training)


def _material(dataset: ReidDataset, split: Split) -> _Material:
    records = dataset.records(split)
    return _Material(records, terms_of_captions(dataset, records))


def _looked_at(
    eyes: Eyes,
    dataset: ReidDataset,
    material: _Material,
    values: Values,
    augmenter: Augmenter | None,
    recipe: CaptionerRecipe,
    what: str,
    progress: Progress,
    stopped: Callable[[], bool],
) -> Mapping[Modality, Learned]:
    def told(done: int, total: int) -> None:
        if stopped():
            raise KeyboardInterrupt
        progress(f"{what} {modality}", done, total, "")

    found = {}
    for modality in Modality:
        own = material.of(modality)
        if len(own.records) > 1:
            views = recipe.views if augmenter is not None else 0
            found[modality] = seen(
                eyes, dataset, own.records, own.captions, values, augmenter, views, recipe.seed, told
            )
    return found


def _written(
    out: Path, head: AttributeHead, settings: AttributeSettings, name: str, space: str, training: Training
) -> Path:
    out.mkdir(parents=True, exist_ok=True)
    # Half precision changes no word, and halves what is committed.
    state = {key: each.half().contiguous() for key, each in head.state_dict().items()}
    save_file(state, out / WEIGHTS)
    manifest = CaptionerManifest(
        format=FORMAT,
        name=name,
        kind=KIND,
        space=space,
        weights={WEIGHTS: sha256_of(out / WEIGHTS)},
        settings=settings,
        training=training,
    )
    file = out / CaptionerManifest.file_name
    file.write_text(json.dumps(manifest.model_dump(mode="json"), indent=2) + "\n", encoding="utf-8")
    return file
