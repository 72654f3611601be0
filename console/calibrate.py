"""The logic of ``nightreid calibrate``."""

import json
import os
from collections.abc import Sequence
from pathlib import Path

from console.failing import check_writable
from reid_core.config import load_config


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
    from reid_core.models.checkpoint_files import open_checkpoint
    from training.datasets.records import Split
    from training.recalibrating import recalibrate

    files = open_checkpoint(model)
    check_writable(files.folder, folder=True)
    found = recalibrate(files, data, None if split == "all" else Split(split), settings, seed)
    if as_json:
        plain = {kind: each.to_dict() for kind, each in found.calibration.items()}
        print(
            json.dumps(
                {"model_id": files.model_id, "calibration": plain, "notes": list(found.notes)}, indent=2
            )
        )
        return 0
    for kind, each in found.calibration.items():
        print(
            f"{kind}: a score of {each.threshold:.3f} and more is called the same person "
            f"({each.positives} pairs of the same, {each.negatives} of the best other one)"
        )
    for text in found.notes:
        print(text)
    return 0
