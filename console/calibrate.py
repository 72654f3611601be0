"""The logic of ``nightreid calibrate``."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from console.failing import check_writable
from reid_core.config import load_config
from reid_core.errors import UsageError
from reid_core.types import Modality


def calibrate_command(
    model: Path,
    data: Path,
    split: str = "val",
    overrides: Sequence[str] = (),
    seed: int = 1,
    as_json: bool = False,
) -> int:
    """Fit a model's scores on people that it never learned from, and write that into its ``model.json``.

    Args:
        model: checkpoint folder; its weights and its identity stay as they are.
        data: folder of a data set.
        split: whose people; ``all`` takes every split.
        overrides: ``key=value`` each, of `training.recipe.CalibrationSettings`.
        seed: of the galleries that are drawn.
        as_json: print the calibrations as JSON.

    Returns:
        0.

    Raises:
        UsageError: no kind of pair can be calibrated on these people.
        ModelError: the model is missing or damaged.
        SourceError: the data cannot be read.
    """
    from training.recipe import CalibrationSettings

    settings = load_config(CalibrationSettings, None, overrides, os.environ)
    # Heavy, and not needed to find out that an option is wrong.
    from reid_core.models.checkpoint import write_manifest
    from reid_core.models.checkpoint_files import open_checkpoint
    from reid_core.runtime import load_embedder
    from training.calibrating import calibrate
    from training.datasets.opening import open_dataset
    from training.datasets.records import Split, identities_of
    from training.evaluation.single_shot import files_embedder

    files = open_checkpoint(model)
    check_writable(files.folder, folder=True)
    dataset = open_dataset(data)
    splits = [each for each in Split if dataset.splits.get(each)] if split == "all" else [Split(split)]
    records = dataset.records(*splits)
    embed = files_embedder(load_embedder(str(files.folder)).embed)
    vectors: np.ndarray | None = None
    for modality in Modality:
        rows = [row for row, record in enumerate(records) if record.modality is modality]
        if rows:
            found = embed([dataset.file(records[row]) for row in rows], modality)
            if vectors is None:
                vectors = np.empty((len(records), found.shape[1]), np.float32)
            vectors[rows] = found
    assert vectors is not None
    people = len(identities_of(records))
    described = f"{dataset.name}: {people} identities of {data.resolve().name} ({split})"
    calibrations, notes = calibrate(vectors, records, settings, seed, described)
    if not calibrations:
        raise UsageError(notes[0] if notes else "These people make no pairs to calibrate on.")
    write_manifest(files.folder, files.manifest.model_copy(update={"calibration": calibrations}))
    if as_json:
        plain = {kind: each.to_dict() for kind, each in calibrations.items()}
        print(json.dumps({"model_id": files.model_id, "calibration": plain, "notes": notes}, indent=2))
        return 0
    for kind, each in calibrations.items():
        print(
            f"{kind}: a score of {each.threshold:.3f} and more is called the same person "
            f"({each.positives} pairs of the same, {each.negatives} of the best other one)"
        )
    for text in notes:
        print(text)
    return 0
