"""The logic of ``nightreid calibrate``."""

import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.failing import check_writable
from console.progress import ProgressBars
from reid_core.config import load_config

if TYPE_CHECKING:
    from reid_core.models.manifest import PairKind
    from training.evaluation.open_world import AtSize
    from training.recalibrating import Checked

# Sizes of galleries whose thresholds are told.
_TOLD = (20, 100, 1_000)


def calibrate_command(
    model: Path,
    data: Path,
    split: str = "val",
    overrides: Sequence[str] = (),
    seed: int = 1,
    as_json: bool = False,
    sizes: Sequence[int] = (),
    form: str | None = None,
) -> int:
    """Fit a model's scores on people that it never learned from, and write that into its ``model.json``.

    With sizes nothing is fitted: the calibration that the model has is measured in galleries of these.

    Args:
        model: checkpoint folder; its weights and its identity stay as they are.
        data: folder of a data set.
        split: whose people; ``all`` takes every split.
        overrides: ``key=value`` each, of `training.recipe.CalibrationSettings`.
        seed: of the galleries that are drawn.
        as_json: print the calibrations as JSON.
        sizes: numbers of identities; none fits and writes.
        form: fit scores of vectors that are standardised by their cameras in this form, instead of others.

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
    from training.recalibrating import check_calibration, recalibrate

    files = open_checkpoint(model)
    whose = None if split == "all" else Split(split)
    with ProgressBars() as bars:

        def told(done: int, total: int) -> None:
            bars.show("images", done, total, "")

        if sizes:
            checked = check_calibration(files, data, whose, sizes, settings, seed, told)
        else:
            check_writable(files.folder, folder=True)
            found = recalibrate(files, data, whose, settings, seed, told, form)
    if sizes:
        _say_checked(checked, as_json)
        return 0
    if as_json:
        plain = {kind: each.to_dict() for kind, each in found.calibration.items()}
        said: dict[str, object] = {
            "model_id": files.model_id,
            "calibration": plain,
            "notes": list(found.notes),
        }
        if form is not None:
            said["standardised"] = form
        print(json.dumps(said, indent=2))
        return 0
    how = f", standardised as {form}" if form is not None else ""
    for kind, each in found.calibration.items():
        law = each.sizes
        by_size = ", ".join(
            f"{each.threshold_for(size):.3f} in a gallery of {size:,}" for size in _TOLD if law is not None
        )
        print(
            f"{kind}{how}: a score of {by_size or f'{each.threshold:.3f}'} and more is called the same "
            f"person ({each.positives} pairs of the same, {each.negatives} of the best other one)"
        )
        if law is not None:
            print(
                f"  so that the best wrong one reaches it once in {1 / law.rate:.0f} times; measured in "
                f"galleries of {law.smallest:,} to {law.largest:,}"
            )
    for text in found.notes:
        print(text)
    return 0


def calibrate_gallery_command(
    database: str,
    model: Path | None = None,
    overrides: Sequence[str] = (),
    seed: int = 1,
    as_json: bool = False,
) -> int:
    """Fit when visible tracklets are one person on a gallery's own cameras, without labels.

    Args:
        database: of the gallery, which keeps the calibration; the model's folder stays as it is.
        model: checkpoint folder; by default the starter model.
        overrides: ``key=value`` each, of `training.recipe.CalibrationSettings`; only ``merge_rate`` counts.
        seed: of the draws.
        as_json: print one JSON object.

    Returns:
        0.

    Raises:
        UsageError: the gallery holds too little.
        ModelMismatchError: the gallery is of another model.
        ModelError: the model is missing or damaged.
    """
    from console.identity import open_gallery
    from reid_core.own_cameras import PAIR, calibrate_on_own_cameras
    from reid_core.runtime import load_embedder
    from training.recipe import CalibrationSettings

    rate = load_config(CalibrationSettings, None, overrides, os.environ).merge_rate
    embedder = load_embedder(None if model is None else str(model))
    with open_gallery(database) as gallery:
        fit = calibrate_on_own_cameras(gallery, gallery.comparing(embedder.model_id), rate, seed)
    if as_json:
        said = {
            "version": fit.version,
            "cameras": sorted(fit.cameras),
            "calibration": {PAIR: fit.calibration.to_dict()},
            "tracklets": fit.tracklets,
            "threshold": fit.threshold,
            "halves_accepted": fit.halves_accepted,
            "seen_at_once": {"pairs": fit.apart, "accepted": fit.apart_accepted},
            "notes": list(fit.notes),
        }
        print(json.dumps(said, indent=2))
        return 0
    print(
        f"{PAIR}: calibrated on {fit.tracklets} tracklets of {', '.join(sorted(fit.cameras))}: "
        f"a score of {fit.threshold:.3f} and more is called the same person at the present size\n"
        f"  the two halves of {100 * fit.halves_accepted:.0f} % of the tracklets reach it, and "
        f"{fit.apart_accepted} of {fit.apart} pairs of people seen at once"
    )
    for text in fit.notes:
        print(text)
    print("It counts for tracklets to come; links keep the model's probabilities.")
    return 0


def calibrate_labels_command(
    database: str,
    model: Path | None = None,
    overrides: Sequence[str] = (),
    seed: int = 1,
    as_json: bool = False,
) -> int:
    """Fit what links' scores are worth to the links that people confirmed and rejected in a gallery.

    Args:
        database: of the gallery, which keeps the calibration; the model's folder stays as it is.
        model: checkpoint folder; by default the starter model.
        overrides: ``key=value`` each, of `training.recipe.CalibrationSettings`; only ``link_rate`` counts.
        seed: of the draws.
        as_json: print one JSON object.

    Returns:
        0.

    Raises:
        UsageError: too few links are confirmed.
        ModelMismatchError: the gallery is of another model.
        ModelError: the model is missing or damaged.
    """
    from console.identity import open_gallery
    from reid_core.reviewing.calibrating import PAIR, calibrate_on_labels
    from reid_core.runtime.source import find_source
    from training.recipe import CalibrationSettings

    rate = load_config(CalibrationSettings, None, overrides, os.environ).link_rate
    source = find_source(None if model is None else str(model))
    with open_gallery(database) as gallery:
        fit = calibrate_on_labels(gallery, gallery.comparing(source.model_id), rate, seed)
    if as_json:
        said = {
            "version": fit.version,
            "cameras": sorted(fit.cameras),
            "calibration": {PAIR: fit.calibration.to_dict()},
            "confirmed": fit.confirmed,
            "rejected": fit.rejected,
            "threshold": fit.threshold,
        }
        print(json.dumps(said, indent=2))
        return 0
    print(
        f"{PAIR}: calibrated on {fit.confirmed} confirmed and {fit.rejected} rejected links of "
        f"{', '.join(sorted(fit.cameras))}: a score of {fit.threshold:.3f} and more is called the same "
        "person at the present size"
    )
    print("It counts for links to come, and for searches by infrared tracklets and pictures.")
    return 0


def _say_checked(checked: "Checked", as_json: bool) -> None:
    if as_json:
        said: dict[str, object] = {"data": checked.data, "galleries": _plain(checked.found)}
        if checked.form is not None:
            said["standardised"] = {"form": checked.form, "galleries": _plain(checked.standardised)}
        print(json.dumps(said, indent=2))
        return
    _say_table(checked.found, checked.data)
    if checked.form is not None:
        _say_table(checked.standardised, f"{checked.data}, standardised as {checked.form}")


def _plain(found: "Mapping[PairKind, Sequence[AtSize]]") -> dict[str, list[dict[str, Any]]]:
    return {kind: [each.as_json() for each in all_] for kind, all_ in found.items()}


def _say_table(of_kinds: "Mapping[PairKind, Sequence[AtSize]]", data: str) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from training.evaluation.intervals import in_words

    for kind, found in of_kinds.items():
        strangers = "strangers\nlinked" if kind == "infrared-visible" else "newcomers\nmerged"
        heads = (
            "gallery",
            "score",
            f"{strangers} (95 %)",
            "of",
            "known\nfound",
            "mis-\ntaken",
            "of",
            "ECE",
        )
        table = Table(*heads, title=f"{kind}: {data}", box=SIMPLE_HEAD, padding=(0, 1))
        for each in found:
            cells = (
                f"{each.size:,}",
                f"{each.threshold:.3f}",
                f"{each.accepted:.3f} ({in_words(each.accepted_95)})",
                f"{each.strangers:,}",
                f"{each.found:.3f}",
                f"{each.mistaken:.3f}",
                f"{each.known:,}",
                f"{each.calibration_error:.3f}",
            )
            table.add_row(*(Text(cell, no_wrap=True) for cell in cells))
        Console().print(table)
