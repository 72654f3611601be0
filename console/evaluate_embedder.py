"""Embedders measured on a data set's test identities and on real pairs, beside what needs no learning."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from reid_core.errors import UsageError
from reid_core.standardising import parse_form


def evaluate_command(
    data: Path | None,
    reid: Sequence[str],
    as_json: bool,
    public: bool = False,
    min_height: int = 60,
    frames: tuple[Path, Path] | None = None,
    form: str | None = None,
) -> int:
    """Measure embedders and print their figures beside HOG's, the colour histogram's and chance.

    Args:
        data: a data set of the SYSU-MM01 layout, such as ``nightreid synthetic dataset`` writes; ``None``
            for the real pairs alone.
        reid: checkpoints, as for `load_embedder`.
        as_json: print one JSON object.
        public: also measure the public networks of the shared folder's weights.
        min_height: of a real person's box, pixels.
        frames: folders of aligned visible and thermal frames, whose people the detector finds.
        form: how vectors of real pairs are standardised (`reid_core.standardising.parse_form`); ``None`` not
            at all.

    Returns:
        0.

    Raises:
        UsageError: there is nothing to measure on, or no such form.
        ModelError: a checkpoint is missing or damaged.
        SourceError: the data cannot be read.
    """
    from detectors.detector import PersonDetector
    from training.datasets.opening import open_dataset
    from training.evaluation.aligned_frames import PROTOCOL as ALIGNED
    from training.evaluation.aligned_frames import read_aligned
    from training.evaluation.baselines import files_embedder
    from training.evaluation.describing import describes, evaluate_described, open_methods
    from training.evaluation.pairs import evaluate_pairs, read_pairs
    from training.evaluation.public_networks import shared_folder

    shared = shared_folder()
    kaist = shared / "data" / "kaist" if shared else None
    if kaist is not None and not (kaist / "pairs_demo").is_dir():
        kaist = None
    if data is None and kaist is None and frames is None:
        raise UsageError(
            "There is nothing to measure on.",
            "Give a data set, --frames, or the real pairs' folder in NIGHTREID_SHARED.",
        )
    standardised = None if form is None else parse_form(form)
    methods = open_methods(reid, shared / "weights" if shared and public else None)
    result: dict[str, Any] = {"single_shot": None, "real_pairs": None, "aligned_frames": None}
    if data is not None:
        dataset = open_dataset(data)
        note = Console(stderr=True)
        found: dict[str, Any] = {}
        for name, method in methods.items():
            note.print(f"Measuring {name}", highlight=False, markup=False)
            figures = evaluate_described(dataset, files_embedder(method.describe), flip=method.flip)
            found[name] = {str(spectrum): each.as_json() for spectrum, each in figures.items()}
        result["single_shot"] = {"data": dataset.name, "digest": dataset.digest, "methods": found}
    if kaist is not None:
        found = evaluate_pairs(read_pairs(kaist, min_height), describes(methods), form=standardised)
        result["real_pairs"] = found
    if frames is not None:
        with PersonDetector.open() as detector:
            pairs = read_aligned(*frames, detector)
        result["aligned_frames"] = evaluate_pairs(pairs, describes(methods), ALIGNED, standardised)
    if as_json:
        print(json.dumps(result, indent=2))
    else:
        _show(result)
    return 0


def _show(result: Mapping[str, Any]) -> None:
    from training.evaluation.intervals import in_words

    console = Console()
    if result["single_shot"] is not None:
        heads = ("method", "queries", "", "R1", "95 %", "mAP", "by chance")
        table = Table(*heads, title="Unseen identities", box=SIMPLE_HEAD)
        for name, spectra in result["single_shot"]["methods"].items():
            for spectrum, figures in spectra.items():
                first, mean = (f"{figures[key]:.3f}" for key in ("r1", "map"))
                chance = f"{figures['chance_r1']:.3f}, {figures['chance_map']:.3f}"
                interval = in_words(figures["interval_95"])
                table.add_row(name, spectrum, str(figures["queries"]), first, interval, mean, chance)
        console.print(table)
    for pairs in (result["real_pairs"], result["aligned_frames"]):
        if pairs is None:
            continue
        title = f"{pairs['pairs']} real people, thermal to visible, chance {pairs['chance_r1']:.3f}"
        heads = ("method", "R1", "95 %", "R5", "mAP", "shifted", "95 %")
        table = Table(*heads, title=title, box=SIMPLE_HEAD)
        for name, figures in pairs["methods"].items():
            first, *others = (f"{figures[key]:.3f}" for key in ("r1", "r5", "map", "r1_shifted"))
            exact, shifted = (in_words(figures[key]) for key in ("interval_95", "interval_95_shifted"))
            table.add_row(name, first, exact, *others, shifted)
        console.print(table)
