"""From a data set with captions to a text encoder's folder: learned, calibrated, written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reid_core.models.checkpoint_files import sha256_of
from reid_core.models.language_files import FORMAT, TextManifest
from reid_core.models.manifest import Training
from reid_core.models.understood.encoder import KIND, FeatureTable, UnderstoodSettings
from reid_core.runtime import Embedder
from reid_core.runtime.cache import cache_folder
from reid_core.types import Floats
from training.datasets.opening import open_dataset
from training.datasets.records import Split, identities_of
from training.evaluation.vectors import embedded
from training.seeding import generator
from training.text.calibrating import ask_people, calibrate_texts, fit_fusion
from training.text.descriptions import Description, describe_people
from training.text.learning import learn_table
from training.text.recipe import TextRecipe

__all__ = ["TextRun", "train_text"]

Told = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class TextRun:
    """What came of a training.

    Attributes:
        folder: of the text encoder.
        manifest: what its ``text.json`` says.
        people: learned from.
        descriptions: of them.
        features: in the table.
        notes: a sentence for each calibration that could not be fitted.
    """

    folder: Path
    manifest: TextManifest
    people: int
    descriptions: int
    features: int
    notes: tuple[str, ...]


def train_text(
    recipe: TextRecipe, embedder: Embedder, data: Path, out: Path, told: Told | None = None
) -> TextRun:
    """Learn a text encoder for an embedder's space.

    Args:
        recipe: what to do.
        embedder: in whose space texts are to lie.
        data: folder of a data set with captions; its test identities are left alone.
        out: folder to write.
        told: called with images embedded and their number.

    Raises:
        SourceError: images or captions are missing.
        UsageError: there are too few people, or words do not tell them apart.
        StorageError: the folder cannot be written.
    """
    dataset = open_dataset(data)
    splits = [each for each in (Split.TRAIN, Split.VAL) if dataset.splits.get(each)] or [Split.TRAIN]
    records = dataset.records(*splits)
    mirror = embedder.manifest.preprocess.mirror
    vectors = embedded(dataset, records, embedder, mirror, cache_folder() / "features", told)
    descriptions = describe_people(dataset, records, recipe.parts, recipe.seed)

    def learned(people: frozenset[int]) -> FeatureTable:
        return learn_table([each for each in descriptions if each.identity in people], vectors, recipe)

    everybody = frozenset(identities_of(records))
    texts = by_others(descriptions, everybody, learned, recipe)
    fusion = fit_fusion(vectors, records, texts, recipe)
    asking = ask_people(vectors, records, texts, fusion, recipe.seed)
    name = f"{dataset.name}: {len(everybody)} identities of {data.resolve().name}, each by others' table"
    calibrations, notes = calibrate_texts(asking, recipe.calibration, recipe.seed, name)
    table = learned(everybody)
    out.mkdir(parents=True, exist_ok=True)
    files = table.save(out)
    manifest = TextManifest(
        format=FORMAT,
        name=recipe.name,
        kind=KIND,
        space=embedder.space,
        embedding=embedder.dim,
        weights={file: sha256_of(out / file) for file in files},
        settings=UnderstoodSettings(fusion=fusion),
        training=Training(
            recipe=f"nightreid train-text: {recipe.name}",
            data=(dataset.name,),
            origin=f"regression on the captions of {len(everybody)} people, to vectors of {embedder.name}",
            licence=recipe.licence,
            settings=recipe.model_dump(mode="json"),
        ),
        calibrations=calibrations,
    )
    (out / TextManifest.file_name).write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    return TextRun(out, manifest, len(everybody), len(descriptions), len(table.names), tuple(notes))


def by_others(
    descriptions: list[Description],
    everybody: frozenset[int],
    learned: Callable[[frozenset[int]], FeatureTable],
    recipe: TextRecipe,
) -> dict[int, Floats]:
    """``(K, D)`` vectors of what is said of each image, by tables that were learned without its person."""
    order = generator(recipe.seed, "folds").permutation(sorted(everybody))
    found: dict[int, list[Floats]] = {}
    for part in np.array_split(order, recipe.folds):
        own = frozenset(part.tolist())
        table = learned(everybody - own)
        for each in descriptions:
            vector = table.vector(each.features) if each.identity in own and each.row >= 0 else None
            if vector is not None:
                found.setdefault(each.row, []).append(vector)
    return {row: np.stack(vectors) for row, vectors in found.items()}
