"""The commands that train and measure models; everything heavy is imported inside them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from reid_core.errors import UsageError

Set = Annotated[
    list[str] | None, typer.Option("--set", help="One setting: section.key=value. May be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Restart = Annotated[bool, typer.Option("--restart", help="Discard an earlier run in the folder.")]


class PolarityChoice(StrEnum):
    """Which end of thermal frames is warm."""

    AUTO = "auto"
    WHITE_HOT = "white-hot"
    BLACK_HOT = "black-hot"


class SplitChoice(StrEnum):
    """Whose people of a data set."""

    TRAIN = "train"
    VAL = "val"
    TEST = "test"
    ALL = "all"


def train(
    recipe: Annotated[Path, typer.Argument(help="YAML file, such as configs/train_base.yaml.")],
    data: Annotated[Path | None, typer.Option(help="Folder of the data set.")] = None,
    out: Annotated[Path | None, typer.Option(help="Folder of the run. Default: runs/<name>.")] = None,
    settings: Set = None,
    restart: Restart = False,
    as_json: Json = False,
    start: Annotated[
        Path | None, typer.Option(help="Checkpoint folder to start from, instead of ImageNet weights.")
    ] = None,
) -> None:
    """Train an embedder. The same command resumes an interrupted run."""
    from console.train import train_command

    raise typer.Exit(train_command(recipe, data, out, settings or [], restart, as_json, start))


def train_detector(
    data: Annotated[list[Path], typer.Argument(help="Folders of frames with YOLO labels.")],
    weights: Annotated[str, typer.Option(help="Checkpoint to start from: a path or a published name.")],
    out: Annotated[Path, typer.Option(help="Folder of the run.")],
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML file (see configs/train_detector.yaml).")
    ] = None,
    settings: Set = None,
    restart: Restart = False,
    as_json: Json = False,
) -> None:
    """Fine-tune a one-class person detector. For visible and infrared frames."""
    from console.train_detector import train_detector_command

    raise typer.Exit(train_detector_command(data, weights, out, config, settings or [], restart, as_json))


def evaluate_detector(
    sources: Annotated[list[Path], typer.Argument(help="Folders of frames with YOLO labels, or of images.")],
    detector: Annotated[list[str], typer.Option(help="YOLO weights; may be repeated to compare.")],
    coco: Annotated[Path | None, typer.Option(help="Ground truth as a COCO-style JSON file.")] = None,
    modality: Annotated[
        str | None, typer.Option(help="visible or infrared, if the source does not tell.")
    ] = None,
    polarity: Annotated[
        PolarityChoice, typer.Option(help="Polarity of thermal frames.")
    ] = PolarityChoice.AUTO,
    as_json: Json = False,
    config: Annotated[Path | None, typer.Option("--config", help="YAML file with settings.")] = None,
    settings: Set = None,
) -> None:
    """Compare the average precision of person detectors."""
    from console.train_detector import detector_command
    from reid_core.types import Modality

    kind = None if modality is None else Modality(modality)
    choice: Any = polarity.value
    raise typer.Exit(detector_command(sources, detector, coco, kind, choice, as_json, config, settings or []))


def evaluate(
    checkpoint: Annotated[
        list[str] | None,
        typer.Option(help="Model; may be repeated, for several seeds. {trial} stands for RegDB's trial."),
    ] = None,
    dataset: Annotated[Path | None, typer.Option(help="Folder of a data set.")] = None,
    features: Annotated[
        list[Path] | None, typer.Option(help="Vectors computed elsewhere (.npz), one trial per file.")
    ] = None,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Preset or id; may be repeated. Default: all that apply.")
    ] = None,
    layout: Annotated[
        str | None,
        typer.Option(help="sysu, regdb, llcm, own or another. Default: recognised from the folder."),
    ] = None,
    split: Annotated[SplitChoice, typer.Option(help="Split whose people are used.")] = SplitChoice.TEST,
    trial: Annotated[
        list[int] | None, typer.Option(help="RegDB's trial; may be repeated. Default: 1.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option(help="Write the results to this file, for nightreid compare.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write an HTML report to this file.")] = None,
    as_json: Json = False,
    seed: Annotated[int, typer.Option(help="Seed of intervals, strangers and the report's examples.")] = 1,
) -> None:
    """Evaluate models under published protocols. Or vectors computed elsewhere: --features."""
    from console.evaluate import evaluate_command

    raise typer.Exit(
        evaluate_command(
            checkpoint or [],
            dataset,
            features or [],
            protocol or [],
            layout,
            split.value,
            tuple(trial or (1,)),
            out,
            report,
            as_json,
            seed,
        )
    )


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Files written by nightreid evaluate --out.")],
    protocol: Annotated[
        list[str] | None, typer.Option(help="Only this preset or id; may be repeated.")
    ] = None,
    mixed: Annotated[
        bool, typer.Option("--mixed", help="Include protocols that not all files have.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Compare results of the same protocols. Published ones stand beside them."""
    from console.compare import compare_command

    raise typer.Exit(compare_command(runs, protocol or [], mixed, as_json))


def compare_systems(
    checkpoints: Annotated[list[Path], typer.Argument(help="Checkpoint folders of any systems.")],
    dataset: Annotated[Path, typer.Option(help="Folder of a data set; with captions for words.")],
    protocol: Annotated[
        str | None,
        typer.Option(help="Preset or id of infrared images alone. Default: the data set's first."),
    ] = None,
    text: Annotated[
        str, typer.Option(help="Words of queries: image, identity-fixed, identity-random(SEED) or none.")
    ] = "identity-fixed",
    layout: Annotated[str | None, typer.Option(help="Of the data set. Default: recognised.")] = None,
    queries: Annotated[int, typer.Option(min=1, help="Number of timed queries.")] = 50,
    as_json: Json = False,
) -> None:
    """Set systems side by side. Accuracy by images and with words, milliseconds and size, in one table."""
    from console.compare_systems import compare_systems_command

    raise typer.Exit(compare_systems_command(checkpoints, dataset, protocol, text, layout, queries, as_json))


def evaluate_embedder(
    data: Annotated[
        Path | None, typer.Argument(help="Data set (SYSU-MM01 layout). Default: the real pairs only.")
    ] = None,
    reid: Annotated[list[str] | None, typer.Option("--reid", help="Checkpoint; may be repeated.")] = None,
    public: Annotated[bool, typer.Option("--public", help="Include public networks.")] = False,
    min_height: Annotated[int, typer.Option(help="Minimum box height of a real person, pixels.")] = 60,
    as_json: Json = False,
    frames: Annotated[
        tuple[Path, Path] | None,
        typer.Option(
            help="Folders of aligned visible and thermal frames; the detector finds who is in both."
        ),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option("--standardised", help="Standardise the vectors of real pairs in this form."),
    ] = None,
) -> None:
    """Compare embedders with baselines. Rank-1 and mAP, beside HOG, a colour histogram and chance."""
    from console.evaluate_embedder import evaluate_command

    raise typer.Exit(evaluate_command(data, reid or [], as_json, public, min_height, frames, form))


def calibrate(
    model: Annotated[
        Path | None,
        typer.Argument(help="Checkpoint folder. Default, with --gallery: the starter model."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="Data set of people that the model was not trained on; model.json is rewritten."),
    ] = None,
    gallery: Annotated[
        str | None,
        typer.Option(help="Gallery database whose own cameras are calibrated on, without labels."),
    ] = None,
    labels: Annotated[
        bool,
        typer.Option("--labels", help="With --gallery: links, on those that people confirmed and rejected."),
    ] = False,
    split: Annotated[SplitChoice, typer.Option(help="Split whose people are used.")] = SplitChoice.VAL,
    settings: Set = None,
    seed: Annotated[int, typer.Option(help="Seed of the sampled galleries.")] = 1,
    check: Annotated[
        list[int] | None,
        typer.Option(help="Measure the model's calibration in galleries of N people, write nothing. Repeat."),
    ] = None,
    form: Annotated[
        str | None,
        typer.Option(
            "--standardised", help="Fit scores of vectors standardised by camera in this form, not others."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Calibrate on labelled people, or a gallery on its own cameras. Scores then become probabilities."""
    from console.calibrate import calibrate_command, calibrate_gallery_command, calibrate_labels_command

    if gallery is not None:
        if data is not None or check or form is not None:
            raise UsageError(
                "A gallery is calibrated on what it holds.", "Leave --data, --check and --standardised out."
            )
        calibrate = calibrate_labels_command if labels else calibrate_gallery_command
        raise typer.Exit(calibrate(gallery, model, settings or [], seed, as_json))
    if labels:
        raise UsageError("Labels are of a gallery.", "Name its database with --gallery.")
    if model is None or data is None:
        raise UsageError(
            "There is nothing to calibrate on.", "Give a model and --data, or --gallery with a database."
        )
    if check and form is not None:
        raise UsageError("What is measured is what the model has.", "Leave --check or --standardised out.")
    raise typer.Exit(
        calibrate_command(model, data, split.value, settings or [], seed, as_json, check or [], form)
    )


def demo(
    out: Annotated[Path, typer.Option(help="Working folder.")] = Path("nightreid-demo"),
    people: Annotated[int, typer.Option(help="Number of people.")] = 24,
    seed: Annotated[int, typer.Option(help="Seed of the world.")] = 40_001,
    processes: Annotated[int | None, typer.Option(help="Number of processes. Default: one per core.")] = None,
    detector: Annotated[str | None, typer.Option(help="YOLO weights. Default: the starter model.")] = None,
    reid: Annotated[str | None, typer.Option("--reid", help="Embedder. Default: the starter model.")] = None,
    serve: Annotated[
        bool, typer.Option("--serve", help="Then open the console on its gallery, for this machine alone.")
    ] = False,
    port: Annotated[int, typer.Option(help="Of the console; 0: a free one.")] = 8642,
    as_json: Json = False,
) -> None:
    """Try everything on a synthetic night. Renders it, runs on it, compares with the ground truth."""
    from console.demo import demo_command, is_finished
    from console.demo_serving import serve_demo

    if serve and is_finished(out, people, seed):
        raise typer.Exit(serve_demo(out, port, reid))

    done = demo_command(
        out=out,
        people=people,
        seed=seed,
        processes=processes,
        detector=detector,
        reid=reid,
        as_json=as_json,
    )
    raise typer.Exit(serve_demo(out, port, reid) if serve and not done else done)


def ablate(
    what: Annotated[
        str, typer.Argument(help="Whose parts are added one by one: tvi_lfm, or another that is registered.")
    ],
    dataset: Annotated[Path, typer.Option(help="Folder of a data set with captions.")],
    start: Annotated[
        Path | None, typer.Option(help="Checkpoint to start from. Default: the starter embedder.")
    ] = None,
    recipe: Annotated[
        Path | None, typer.Option(help="Recipe. Default: the shipped one for synthetic data.")
    ] = None,
    out: Annotated[Path, typer.Option(help="Folder of the runs; finished ones are kept.")] = Path(
        "runs/ablation"
    ),
    seeds: Annotated[int, typer.Option(min=1, help="Number of seeds.")] = 3,
    trials: Annotated[int, typer.Option(min=1, help="Number of galleries drawn.")] = 10,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Measure what each part of a system adds. Rank-1, mAP and mINP, mean and deviation over seeds."""
    from console.ablate import ablate_command

    raise typer.Exit(
        ablate_command(what, recipe, dataset, start, out, seeds, settings or [], trials, as_json)
    )


def train_text(
    recipe: Annotated[Path, typer.Argument(help="YAML file, such as configs/night_words.yaml.")],
    data: Annotated[Path, typer.Option(help="Folder of a data set with captions.")],
    out: Annotated[Path, typer.Option(help="Folder of the text encoder.")],
    reid: Annotated[
        str | None,
        typer.Option("--reid", help="Embedder whose space texts are to lie in. Default: the starter model."),
    ] = None,
    settings: Set = None,
    as_json: Json = False,
) -> None:
    """Train a text encoder on a data set's captions. Takes a minute; calibrated in the same go."""
    from console.text import train_text_command

    raise typer.Exit(train_text_command(recipe, data, reid, out, settings or [], as_json))


def evaluate_text(
    dataset: Annotated[Path, typer.Option(help="Folder of a data set with captions.")],
    text: Annotated[
        Path | None, typer.Option(help="Folder of a text encoder. Default: the starter model.")
    ] = None,
    reid: Annotated[str | None, typer.Option("--reid", help="Embedder. Default: the starter model.")] = None,
    reworded: Annotated[
        Path | None, typer.Option(help="YAML list of descriptions whose words the captions are said in, too.")
    ] = None,
    beside: Annotated[
        Path | None,
        typer.Option(help="Data set whose captions a plain regression learns from, to be measured beside."),
    ] = None,
    trials: Annotated[int, typer.Option(min=1, help="Number of galleries drawn.")] = 10,
    as_json: Json = False,
) -> None:
    """Measure what words add to infrared queries. Single-shot, on the test people of a data set."""
    from console.text import evaluate_text_command

    raise typer.Exit(evaluate_text_command(dataset, text, reid, reworded, beside, trials, as_json))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.command()(train)
    app.command()(train_detector)
    app.command()(evaluate_detector)
    app.command()(evaluate)
    app.command()(compare)
    app.command()(compare_systems)
    app.command()(evaluate_embedder)
    app.command()(calibrate)
    app.command()(ablate)
    app.command()(train_text)
    app.command()(evaluate_text)
    app.command()(demo)
