"""The commands of ``nightreid synthetic``; everything heavy is imported inside them."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="synthetic",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The synthetic night shift: people in visible, near-infrared and thermal light, from a seed.",
)

Seed = Annotated[int, typer.Option(help="Of the world; the same seed gives the same bytes.")]
Processes = Annotated[int | None, typer.Option(help="At the same time. Default: one a core.")]


@app.command()
def dataset(
    out: Annotated[Path, typer.Argument(help="Folder to write (SYSU-MM01 layout).")],
    ids: Annotated[int, typer.Option(help="Number of people.")] = 100,
    seed: Seed = 1,
    images: Annotated[int, typer.Option(help="Images of each person and camera.")] = 3,
    infrared: Annotated[
        str, typer.Option(help="Spectra of cameras 3 and 6: near or thermal, with a comma.")
    ] = "near,thermal",
    val: Annotated[float, typer.Option(help="Share of the people kept for validation.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of the people kept for test.")] = 0.2,
    mistakes: Annotated[float, typer.Option(help="Share of captions with a captioner's mistake.")] = 0.1,
    processes: Processes = None,
) -> None:
    """Write a re-identification data set with captions and labels."""
    from console.synthetic import dataset_command

    raise typer.Exit(dataset_command(out, ids, seed, images, infrared, val, test, mistakes, processes))


@app.command()
def video(
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    people: Annotated[int, typer.Option(help="Number of people.")] = 14,
    seed: Seed = 1,
    strangers: Annotated[float, typer.Option(help="Share of the people who come at night only.")] = 0.2,
    fps: Annotated[int, typer.Option(help="Frames a second.")] = 10,
    processes: Processes = None,
) -> None:
    """Write the videos of a night shift, with truth in MOT format and YOLO labels."""
    from console.synthetic import video_command

    raise typer.Exit(video_command(out, people, seed, strangers, fps, processes))


@app.command()
def frames(
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    count: Annotated[int, typer.Option(help="Frames of each spectrum.")] = 200,
    seed: Seed = 1,
    processes: Processes = None,
) -> None:
    """Write single frames of many places, with YOLO labels: to train and judge detectors."""
    from console.synthetic import frames_command

    raise typer.Exit(frames_command(out, count, seed, processes))


@app.command()
def sheet(
    out: Annotated[Path, typer.Argument(help="Picture to write (.png or .jpg).")],
    people: Annotated[int, typer.Option(help="Rows.")] = 8,
    seed: Seed = 1,
) -> None:
    """Draw a contact sheet: one person a row, all cameras and spectra, the captions beside."""
    from console.synthetic import sheet_command

    raise typer.Exit(sheet_command(out, people, seed))


@app.command()
def judge(
    data: Annotated[
        Path | None, typer.Option(help="Folder with reid and frames; what is missing is made there.")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder of the public networks' weights.")] = None,
    seed: Seed = 50_001,
    processes: Processes = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Ask public networks that never saw this world what they make of it."""
    from console.judge import judge_command

    raise typer.Exit(judge_command(data, weights, seed, processes, as_json))
