"""The logic of ``nightreid evaluate``: asked here, measured by `training.evaluation`, printed here."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.failing import check_writable
from console.progress import ProgressBars
from reid_core.errors import UsageError


def evaluate_command(
    checkpoints: Sequence[str],
    dataset: Path | None,
    features: Sequence[Path],
    protocols: Sequence[str],
    layout: str | None = None,
    split: str = "test",
    trials: Sequence[int] = (1,),
    out: Path | None = None,
    report: Path | None = None,
    as_json: bool = False,
    seed: int = 1,
) -> int:
    """Measure and print.

    Args:
        checkpoints: models, as for `load_embedder`; ``{trial}`` in a path stands for RegDB's trial.
        dataset: folder of a data set.
        features: ``.npz`` files, a trial each, in place of models and data set.
        protocols: presets or ids; none takes all presets that apply.
        layout: of the data set; by default what it looks like.
        split: whose identities.
        trials: of RegDB, whose figures are averaged.
        out: file for the JSON.
        report: file for the HTML report.
        as_json: print the JSON instead of a table.
        seed: of intervals, strangers and the report's examples.

    Returns:
        0.

    Raises:
        UsageError: the combination makes no sense, a protocol does not fit the data, or nothing can be
            measured.
        SourceError: data or features cannot be read.
        ModelError: a model cannot be loaded.
    """
    from training.datasets.records import Split
    from training.evaluation.evaluated import as_json as as_json_of
    from training.evaluation.orchestrating import Evaluator, evaluate_features

    for file in (out, report):
        if file is not None:
            check_writable(file)
    if features:
        if checkpoints or dataset is not None:
            raise UsageError(
                "Vectors come from --features or from --checkpoint and --dataset, not from both."
            )
        if len(protocols) != 1:
            raise UsageError("--features needs one --protocol: the one that the files were made for.")
        found = [evaluate_features(features, protocols[0], seed)]
    else:
        if split not in list(Split):
            raise UsageError(f"Protocols are of one split, not of {split!r}.", f"Choose: {', '.join(Split)}.")
        if not checkpoints or dataset is None:
            raise UsageError(
                "There is nothing to evaluate.", "Give --checkpoint and --dataset, or --features."
            )
        evaluator = Evaluator(dataset, protocols, layout, Split(split), trials, seed)
        with ProgressBars() as bars:
            found = [
                evaluator.evaluate(each, lambda what, done, total: bars.show(what, done, total, ""))
                for each in checkpoints
            ]
    said = as_json_of(found)
    if out is not None:
        from stream.run.export import write_atomically

        write_atomically(out, json.dumps(said, indent=2) + "\n")
    if report is not None:
        from console.evaluation_report import write_evaluation_report

        write_evaluation_report(found, report, seed)
    if as_json:
        print(json.dumps(said, indent=2))
    else:
        _show(said)
    return 0


def _show(said: Mapping[str, Any]) -> None:
    from training.evaluation.evaluating import FIGURES
    from training.evaluation.protocols import short_name

    console = Console()
    for run in said.get("runs", [said]):
        model = run["model"]
        by = f"{model['name']} {model['ids'][0][:12]}" if model else "vectors from files"
        heads = ("R1", "R5", "R10", "R20", "mAP", "mINP")
        table = Table("", *heads, title=f"{run['data']['name']}: {by}", box=SIMPLE_HEAD, padding=(0, 1))
        for key, found in run["results"].items():
            cells = (f"{found[figure]:.3f}" for figure in FIGURES)
            table.add_row(Text(short_name(key), no_wrap=True), *cells)
        console.print(table)
        for key, found in run["results"].items():
            low, high = found["interval_95"]["r1"]
            lines = [
                f"{short_name(key)}: {found['valid']} of {found['queries']} queries valid, gallery "
                f"{found['gallery']}; R1 {low:.3f} to {high:.3f} (95 %), by chance {found['chance_r1']:.3f}",
                f"  {key}",
            ]
            lost = found["queries"] - found["valid"]
            if lost:
                lines.append(f"  not counted, as the gallery shows them no image of who they are: {lost}")
            if found["text"] != "none":
                lines.append(f"  query text: {found['text']}")
            console.print("\n".join(lines), highlight=False, markup=False, soft_wrap=True)
    for key, figures in said.get("over_runs", {}).items():
        means = (f"{figure} {each['mean']:.4f} ± {each['std']:.4f}" for figure, each in figures.items())
        results = [run["results"][key] for run in said["runs"]]
        lows, highs = zip(*(found["interval_95"]["r1"] for found in results), strict=True)
        console.print(
            f"{short_name(key)}, {len(results)} models: {', '.join(means)}; "
            f"{results[0]['valid']} queries valid, "
            f"R1 of each within {min(lows):.3f} to {max(highs):.3f} (95 %)",
            highlight=False,
        )
