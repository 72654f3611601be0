"""The logic of ``nightreid evaluate``: protocols on a data set's images, or on vectors computed anywhere."""

import json
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from console.evaluated import FIGURES, FORMAT, Evaluated
from console.failing import check_writable
from console.progress import ProgressBars
from reid_core.errors import UsageError
from reid_core.runtime.cache import cache_folder

if TYPE_CHECKING:
    from reid_core.runtime import Embedder
    from reid_core.types import Floats
    from training.datasets.records import ImageRecord, ReidDataset
    from training.evaluation.evaluating import Contest, Rerank
    from training.evaluation.galleries import Permutations
    from training.evaluation.protocols import ProtocolSpec


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
        found = [_of_files(features, protocols[0], seed)]
    else:
        if not checkpoints or dataset is None:
            raise UsageError(
                "There is nothing to evaluate.", "Give --checkpoint and --dataset, or --features."
            )
        with ProgressBars() as bars:
            found = [
                _of_model(each, dataset, layout, split, trials, protocols, seed, bars) for each in checkpoints
            ]
    said = _with_seeds([one.said for one in found])
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


def _of_files(files: Sequence[Path], protocol: str, seed: int) -> Evaluated:
    from training.evaluation.evaluating import contest_of, evaluate_protocol
    from training.evaluation.features import read_features
    from training.evaluation.protocols import parse_protocol

    spec = parse_protocol(protocol)
    _check_possible(spec, None)
    rerank = _rerank(spec)
    trials = [contest_of(read_features(file), spec) for file in files]
    spec = replace(spec, trials=len(trials))
    widths = {trial.query.shape[1] for trial in trials}
    if len(widths) > 1:
        raise UsageError(f"The files hold vectors of {' and '.join(map(str, sorted(widths)))} numbers.")
    result = evaluate_protocol(spec, trials, rerank, seed=seed)
    said = {
        **_head(),
        "data": {"name": "features", "files": [file.name for file in files]},
        "model": None,
        "results": {spec.id: result.as_json()},
    }
    return Evaluated(said, {spec.id: result}, {spec.id: trials}, None, None)


def _of_model(
    checkpoint: str,
    root: Path,
    layout: str | None,
    split: str,
    trials: Sequence[int],
    wanted: Sequence[str],
    seed: int,
    bars: ProgressBars,
) -> Evaluated:
    from training.datasets.opening import open_dataset
    from training.datasets.records import Split
    from training.evaluation.evaluating import contests, evaluate_protocol
    from training.evaluation.galleries import read_permutations

    contested: dict[str, list[Contest]] = {}
    specs: dict[str, ProtocolSpec] = {}
    models: list[str] = []
    first: tuple[ReidDataset, tuple[ImageRecord, ...]] | None = None
    begun = time.monotonic()
    regdb = open_dataset(root, layout).layout == "regdb"
    for trial in trials if regdb else (1,):
        dataset = open_dataset(root, layout, trial=trial)
        records = dataset.records(Split(split))
        permutations = read_permutations(dataset)
        # What cannot be answered is said before anything is computed.
        asked = _protocols(wanted, dataset, records, permutations)
        if regdb:
            asked = [replace(spec, trials=len(trials)) for spec in asked]
        specs = {spec.id: spec for spec in asked}
        first = first or (dataset, records)
        embedder = _embedder(checkpoint.replace("{trial}", str(trial)), models)
        for flip in sorted({spec.flip for spec in specs.values()}):
            vectors = _vectors(dataset, records, embedder, flip, bars)
            for spec in specs.values():
                if spec.flip is flip:
                    made = contests(records, vectors, spec, permutations, dataset.same_place)
                    contested.setdefault(spec.id, []).extend(made)
    if first is None:
        raise UsageError("RegDB is evaluated on at least one of its trials.")
    dataset, records = first
    results = {}
    for number, spec in enumerate(specs.values(), 1):
        bars.show("protocols", number - 1, len(specs), "")
        calibration = embedder.calibration("infrared-visible")
        results[spec.id] = evaluate_protocol(
            spec, contested[spec.id], _rerank(spec), calibration if spec.reranking == "none" else None, seed
        )
        bars.show("protocols", number, len(specs), "")
    said = {
        **_head(),
        "data": {
            "name": dataset.name,
            "layout": dataset.layout,
            "digest": dataset.digest,
            "split": split,
            "images": len(records),
            "identities": len({record.identity for record in records}),
            **({"trials": list(trials)} if regdb else {}),
        },
        "model": {"name": embedder.name, "ids": models, "checkpoint": Path(checkpoint).name},
        "seconds": round(time.monotonic() - begun, 1),
        "results": {key: result.as_json() for key, result in results.items()},
    }
    return Evaluated(said, results, contested, records, dataset)


def _embedder(path: str, models: list[str]) -> "Embedder":
    from reid_core.runtime import load_embedder

    embedder = load_embedder(path)
    models.append(embedder.model_id)
    return embedder


def _vectors(
    dataset: "ReidDataset",
    records: "Sequence[ImageRecord]",
    embedder: "Embedder",
    flip: bool,
    bars: ProgressBars,
) -> "Floats":
    from training.evaluation.features import embedded

    title = "images with their mirror images" if flip else "images"
    return embedded(
        dataset,
        records,
        embedder,
        flip,
        cache_folder() / "features",
        lambda done, total: bars.show(title, done, total, ""),
    )


def _protocols(
    wanted: Sequence[str],
    dataset: "ReidDataset",
    records: "Sequence[ImageRecord]",
    permutations: "Permutations | None",
) -> "list[ProtocolSpec]":
    """Those that were asked for, or all presets that these images can answer."""
    from reid_core.errors import SourceError
    from training.evaluation.galleries import data_kind, draw_trials
    from training.evaluation.protocols import Sampler, parse_protocol, presets_of

    kind = data_kind(dataset)
    if wanted:
        specs = [parse_protocol(text) for text in wanted]
        for text, spec in zip(wanted, specs, strict=True):
            if spec.data != kind:
                raise UsageError(
                    f"The protocol {text!r} is one of {spec.data}; {dataset.root} is {kind}.",
                    f"Possible are: {', '.join(presets_of(kind))}.",
                )
            _check_possible(spec, dataset)
            _rerank(spec)
            draw_trials(records, spec, permutations)
        return specs
    possible = []
    for spec in presets_of(kind).values():
        if spec.sampler is Sampler.B and permutations is None:
            continue
        try:
            draw_trials(records, spec, permutations)
        except SourceError:
            # A data set without near infrared has no such queries.
            continue
        possible.append(spec)
    if not possible:
        raise UsageError(f"No protocol of {kind} fits the images of {dataset.root}.")
    return possible


def _check_possible(spec: "ProtocolSpec", dataset: "ReidDataset | None") -> None:
    if spec.text != "none":
        raise UsageError(
            f"The protocol asks with text ({spec.text}), and no model of this version reads any.",
            "Leave text=none.",
        )
    if spec.feature != "bn" and dataset is not None:
        raise UsageError(f"The models here give the feature 'bn', not {spec.feature!r}.")


def _rerank(spec: "ProtocolSpec") -> "Rerank | None":
    from reid_core.ranking import LocalGlobalJoint, NoReranking, parse_reranking, reranked

    method = parse_reranking(spec.reranking)
    if isinstance(method, LocalGlobalJoint):
        raise UsageError("The joint measure needs local vectors, which no model of this version gives.")
    if isinstance(method, NoReranking):
        return None
    return lambda query, gallery: reranked(query, gallery, method)


def _head() -> dict[str, Any]:
    return {"format": FORMAT, "nightreid": version("nightreid")}


def _with_seeds(runs: list[dict[str, Any]]) -> dict[str, Any]:
    """One model's results as they are; of several, each one's and their mean and spread."""
    if len(runs) == 1:
        return runs[0]
    shared = [key for key in runs[0]["results"] if all(key in run["results"] for run in runs)]
    return {
        **_head(),
        "runs": runs,
        "over_runs": {
            key: {
                figure: {
                    "mean": statistics.fmean(run["results"][key][figure] for run in runs),
                    "std": statistics.stdev(run["results"][key][figure] for run in runs),
                }
                for figure in FIGURES
            }
            for key in shared
        },
    }


def _show(said: Mapping[str, Any]) -> None:
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
        console.print(f"{short_name(key)}, {len(said['runs'])} models: {', '.join(means)}", highlight=False)
