"""The ``nightreid`` command. Everything heavy is imported inside the commands: ``--help`` must be quick."""

import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from console import (
    cli_access,
    cli_adapt,
    cli_audit,
    cli_captions,
    cli_checkpoints,
    cli_crops,
    cli_dataset,
    cli_erase,
    cli_identity,
    cli_kafka,
    cli_publish,
    cli_query,
    cli_retention,
    cli_serve,
    cli_standardise,
    cli_training,
    cli_watch,
    cli_words,
    cli_worker,
)
from console.cli_synthetic import app as synthetic
from console.statuses import BROKEN_PIPE, INTERRUPTED
from console.terminal import take_every_name

app = typer.Typer(
    name="nightreid",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    add_completion=False,
    help="Night-time person search: link people seen by infrared cameras to the visible-light gallery.",
)


class ModalityChoice(StrEnum):
    """The two modalities, as the command line spells them."""

    VISIBLE = "visible"
    INFRARED = "infrared"


class BenchChoice(StrEnum):
    """What can be measured."""

    PIPELINE = "pipeline"
    SEARCH = "search"
    WORLD = "world"
    EVALUATE = "evaluate"
    INGEST = "ingest"
    SHIFT = "shift"
    GALLERY = "gallery"
    QUERY = "query"
    TRAIN = "train"


Sources = Annotated[
    list[str] | None,
    typer.Option(help="[NAME=]SOURCE: video, image folder, RTSP/HTTP address or webcam number."),
]
Config = Annotated[
    Path | None, typer.Option("--config", help="YAML file with settings (see configs/run.yaml).")
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="One setting: section.key=value. May be repeated.")
]
DetectorOption = Annotated[
    str | None,
    typer.Option(
        help="YOLO weights: .pt (path or published name), .onnx, .engine or OpenVINO folder. "
        "Default: the starter model."
    ),
]
ReidOption = Annotated[
    str | None,
    typer.Option("--reid", help="Embedder: a checkpoint folder or a model.json. Default: the starter model."),
]


def _tell_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(version("nightreid"))
        raise typer.Exit


@app.callback()
def options(
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
    _version: Annotated[
        bool,
        typer.Option("--version", help="Print the version and exit.", callback=_tell_version, is_eager=True),
    ] = False,
) -> None:
    """Options of all commands."""
    if debug:
        os.environ["NIGHTREID_DEBUG"] = "1"


@app.command()
def run(
    visible: Sources = None,
    infrared: Sources = None,
    db: Annotated[
        str, typer.Option(help="Gallery database, as an SQLAlchemy URL.")
    ] = "sqlite:///nightreid.db",
    detector: DetectorOption = None,
    reid: ReidOption = None,
    report: Annotated[Path | None, typer.Option(help="Write the report to this HTML file.")] = None,
    mot: Annotated[
        Path | None, typer.Option(help="Write one MOT Challenge file per camera to this folder.")
    ] = None,
    truth: Annotated[
        Path | None,
        typer.Option(help="Folder of MOT ground truth, one file per camera: marks links right or wrong."),
    ] = None,
    start: Annotated[
        list[str] | None, typer.Option(help="CAMERA=TIME: start of a recording (ISO 8601).")
    ] = None,
    near_infrared: Annotated[
        bool, typer.Option("--near-infrared", help="The infrared cameras are near infrared, not thermal.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as JSON.")] = False,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Find people in footage and link night to day."""
    from console.run import run_command

    raise typer.Exit(
        run_command(
            visible=visible or [],
            infrared=infrared or [],
            database=db,
            detector=detector,
            reid=reid,
            report=report,
            mot=mot,
            truth=truth,
            starts=start or [],
            near_infrared=near_infrared,
            as_json=as_json,
            config=config,
            overrides=set_ or [],
        )
    )


@app.command()
def detect(
    source: Annotated[str, typer.Argument(help="Image, image folder or video.")],
    out: Annotated[Path, typer.Option(help="COCO results file to write.")],
    modality: Annotated[ModalityChoice, typer.Option(help="Modality of the source.")],
    detector: DetectorOption = None,
    config: Config = None,
    set_: Set = None,
) -> None:
    """Run the person detector alone and write COCO results."""
    from console.detect import detect_command
    from reid_core.types import Modality

    raise typer.Exit(detect_command(source, Modality(modality), out, detector, config, set_ or []))


@app.command()
def embed(
    source: Annotated[Path, typer.Argument(help="Folder of crops, or text file with one path per line.")],
    out: Annotated[Path, typer.Option(help="The .npz to write: feat (N, D), path (N,).")],
    modality: Annotated[ModalityChoice, typer.Option(help="Modality of the crops.")],
    checkpoint: Annotated[
        str | None, typer.Option(help="Checkpoint folder or model.json; default: the starter model.")
    ] = None,
    batch_size: Annotated[int, typer.Option(help="Crops per batch.")] = 16,
    runtime: Annotated[str, typer.Option(help="auto, torch, onnx or openvino.")] = "auto",
    precision: Annotated[str, typer.Option(help="auto, fp32, bf16 or int8.")] = "auto",
) -> None:
    """Write the features of crops from any source."""
    from console.embed import embed_command
    from reid_core.types import Modality

    choice: Any = runtime
    numbers: Any = precision
    embed_command(source, checkpoint, Modality(modality), out, batch_size, choice, numbers)


@app.command()
def reembed(
    db: Annotated[str, typer.Option(help="Gallery database, as an SQLAlchemy URL.")],
    reid: Annotated[str, typer.Option("--reid", help="The new embedder.")],
) -> None:
    """Re-embed a gallery with another model and link its infrared tracklets anew."""
    from console.gallery import reembed_command

    raise typer.Exit(reembed_command(db, reid))


@app.command()
def bench(
    name: Annotated[BenchChoice, typer.Argument(help="What to measure.")],
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    detector: DetectorOption = None,
    reid: ReidOption = None,
    visible: Sources = None,
    infrared: Sources = None,
    bootstrap: Annotated[
        str, typer.Option(help="HOST:PORT of Kafka, for ingest and shift.")
    ] = "localhost:9092",
    minutes: Annotated[float, typer.Option(help="Duration of shift.")] = 10.0,
    size: Annotated[
        list[int] | None,
        typer.Option(
            help="Sightings of gallery, query and search --http; repeat it. "
            "By default 100,000, for gallery 1,000,000 too."
        ),
    ] = None,
    watches: Annotated[int, typer.Option(help="Watches in shift's gallery.", min=0)] = 0,
    http: Annotated[
        bool, typer.Option("--http", help="search: ask a console, while tracklets come in.")
    ] = False,
) -> None:
    """Measure speed relative to a reference, within one run."""
    from console.bench.command import bench_command

    raise typer.Exit(
        bench_command(
            name.value,
            as_json,
            detector,
            reid,
            visible or [],
            infrared or [],
            bootstrap,
            minutes,
            size or [],
            watches,
            http,
        )
    )


cli_training.register(app)
cli_checkpoints.register(app)
cli_dataset.register(app)
cli_identity.register(app)
cli_erase.register(app)
cli_worker.register(app)
cli_publish.register(app)
cli_kafka.register(app)
cli_words.register(app)
cli_query.register(app)
cli_captions.register(app)
cli_watch.register(app)
cli_standardise.register(app)
cli_adapt.register(app)
cli_serve.register(app)
cli_audit.register(app)
cli_access.register(app)
cli_retention.register(app)
cli_crops.register(app)
app.add_typer(synthetic)


def main() -> None:
    """Run the command line; errors come out as one sentence and a hint, and a non-zero status."""
    take_every_name()
    try:
        # Outside of its standalone mode typer returns the status of an Exit instead of raising it.
        status = app(prog_name="nightreid", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, typer.Abort):
        status = INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        status = BROKEN_PIPE
    except Exception as error:
        from console.failing import explain

        status = explain(error)
    sys.exit(status if isinstance(status, int) else 0)


if __name__ == "__main__":
    main()
