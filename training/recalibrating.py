"""A checkpoint's scores fitted anew on a data set's people, and written into its ``model.json``."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from reid_core.calibration import Calibration
from reid_core.errors import UsageError
from reid_core.models.checkpoint import write_manifest
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.manifest import PairKind
from reid_core.runtime import load_embedder
from reid_core.types import Floats, Modality
from training.calibrating import calibrate
from training.datasets.opening import open_dataset
from training.datasets.records import Split, identities_of
from training.evaluation.baselines import files_embedder
from training.recipe import CalibrationSettings


@dataclass(frozen=True, slots=True)
class Recalibrated:
    """What was fitted.

    Attributes:
        calibration: by kind of pair.
        notes: a sentence for each kind that could not be fitted.
    """

    calibration: Mapping[PairKind, Calibration]
    notes: Sequence[str]


def recalibrate(
    files: CheckpointFiles, data: Path, split: Split | None, settings: CalibrationSettings, seed: int
) -> Recalibrated:
    """Fit a model's scores on people that it never learned from, and write that into its ``model.json``.

    Args:
        files: of the checkpoint; its weights and its identity stay as they are.
        data: folder of a data set.
        split: whose people; ``None`` for everybody.
        settings: how galleries are drawn.
        seed: of the draws.

    Raises:
        UsageError: no kind of pair can be calibrated on these people.
        ModelError: the model is damaged.
        SourceError: the data cannot be read.
    """
    dataset = open_dataset(data)
    splits = [each for each in Split if dataset.splits.get(each)] if split is None else [split]
    records = dataset.records(*splits)
    embed = files_embedder(load_embedder(str(files.folder)).embed)
    vectors: Floats | None = None
    for modality in Modality:
        rows = [row for row, record in enumerate(records) if record.modality is modality]
        if rows:
            found = embed([dataset.file(records[row]) for row in rows], modality)
            if vectors is None:
                vectors = np.empty((len(records), found.shape[1]), np.float32)
            vectors[rows] = found
    assert vectors is not None
    people = len(identities_of(records))
    described = f"{dataset.name}: {people} identities of {data.resolve().name} ({split or 'all'})"
    calibrations, notes = calibrate(vectors, records, settings, seed, described)
    if not calibrations:
        raise UsageError(notes[0] if notes else "These people make no pairs to calibrate on.")
    write_manifest(files.folder, files.manifest.model_copy(update={"calibration": calibrations}))
    return Recalibrated(calibrations, notes)
