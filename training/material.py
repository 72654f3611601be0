"""What of a data set is learned from, and what is only watched."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reid_core.errors import UsageError
from reid_core.types import Modality
from training.datasets.opening import open_dataset
from training.datasets.records import ImageRecord, ReidDataset, Split, identities_of
from training.recipe import DataSettings
from training.seeding import generator


@dataclass(frozen=True, slots=True)
class Material:
    """The two disjoint parts of a data set that a run looks at.

    Attributes:
        dataset: where the images lie.
        train: images that are learned from.
        validation: images of other people, to watch and to calibrate on; may be empty.
    """

    dataset: ReidDataset
    train: tuple[ImageRecord, ...]
    validation: tuple[ImageRecord, ...]

    def counts(self) -> dict[str, int]:
        """Identities and images, for the record."""
        counts = {}
        for part, records in (("train", self.train), ("validation", self.validation)):
            counts[f"{part}_identities"] = len(identities_of(records))
            for modality in Modality:
                counts[f"{part}_{modality}"] = sum(record.modality is modality for record in records)
        return counts


def open_material(settings: DataSettings, root: Path | None, seed: int) -> Material:
    """Open a recipe's data.

    Args:
        settings: of the recipe.
        root: the data set's folder, above the recipe's own.
        seed: by which identities are held out or left out.

    Raises:
        UsageError: no folder is named, or too few identities are left.
        SourceError: the data set cannot be read.
    """
    folder = root or settings.root
    if folder is None:
        raise UsageError("The recipe names no data set.", "Give its folder with --data FOLDER.")
    dataset = open_dataset(folder, settings.layout, trial=settings.trial)
    splits = [Split.TRAIN]
    if settings.split == "trainval" and dataset.splits.get(Split.VAL):
        splits.append(Split.VAL)
    train = dataset.records(*splits)
    validation = dataset.splits.get(Split.VAL, ()) if Split.VAL not in splits else ()
    everybody = identities_of(train)
    # One order for all numbers of identities: what a run of 100 learns from, one of 300 does too.
    order = generator(seed, "identities").permutation(everybody)
    held = np.sort(order[: settings.hold_out])
    left = order[settings.hold_out :][: settings.identities]
    if len(left) < (settings.identities or 2):
        raise UsageError(
            f"The data have {len(everybody)} identities to learn from: too few for data.identities and "
            "data.hold_out."
        )
    kept, watched = set(left.tolist()), set(held.tolist())
    return Material(
        dataset,
        tuple(record for record in train if record.identity in kept),
        (*validation, *(record for record in train if record.identity in watched)),
    )
