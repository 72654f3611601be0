"""The commands of ``nightreid synthetic``; everything heavy is imported inside them."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="synthetic",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The synthetic night shift: data from a seed. Visible, near infrared and thermal.",
)

Seed = Annotated[int, typer.Option(help="Seed of the world; the same seed gives the same bytes.")]
Processes = Annotated[int | None, typer.Option(help="Number of processes. Default: one per core.")]


@app.command()
def dataset(
    out: Annotated[Path, typer.Argument(help="Folder to write (SYSU-MM01 layout).")],
    ids: Annotated[int, typer.Option(help="Number of people.")] = 100,
    seed: Seed = 1,
    images: Annotated[int, typer.Option(help="Images per person and camera.")] = 3,
    infrared: Annotated[
        str, typer.Option(help="Spectra of cameras 3 and 6: near or thermal, comma-separated.")
    ] = "near,thermal",
    val: Annotated[float, typer.Option(help="Share of people for validation.")] = 0.1,
    test: Annotated[float, typer.Option(help="Share of people for test.")] = 0.2,
    mistakes: Annotated[float, typer.Option(help="Share of captions with a captioner's mistake.")] = 0.1,
    visits: Annotated[
        int, typer.Option(help="Number of sites that everybody passes; the images are shared out among them.")
    ] = 1,
    site: Annotated[int, typer.Option(help="Number of people who pass the same site.")] = 40,
    varied: Annotated[bool, typer.Option(help="Cameras and light of every kind.")] = False,
    processes: Processes = None,
) -> None:
    """Write a re-identification data set with captions and labels."""
    from console.synthetic import dataset_command

    shares = val, test, mistakes
    raise typer.Exit(
        dataset_command(out, ids, seed, images, infrared, shares, visits, site, varied, processes)
    )


@app.command()
def video(
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    people: Annotated[int, typer.Option(help="Number of people.")] = 14,
    seed: Seed = 1,
    strangers: Annotated[float, typer.Option(help="Share of people who come at night only.")] = 0.2,
    fps: Annotated[int, typer.Option(help="Frames per second.")] = 10,
    processes: Processes = None,
) -> None:
    """Write the videos of a night shift, with MOT ground truth and YOLO labels."""
    from console.synthetic import video_command

    raise typer.Exit(video_command(out, people, seed, strangers, fps, processes))


@app.command()
def frames(
    out: Annotated[Path, typer.Argument(help="Folder to write.")],
    count: Annotated[int, typer.Option(help="Frames per spectrum.")] = 200,
    seed: Seed = 1,
    processes: Processes = None,
) -> None:
    """Write single frames of many places, with YOLO labels, to train and evaluate detectors."""
    from console.synthetic import frames_command

    raise typer.Exit(frames_command(out, count, seed, processes))


@app.command()
def sheet(
    out: Annotated[Path, typer.Argument(help="Image to write (.png or .jpg).")],
    people: Annotated[int, typer.Option(help="Number of rows.")] = 8,
    seed: Seed = 1,
) -> None:
    """Draw a contact sheet: one person per row, all cameras and spectra, with captions."""
    from console.synthetic import sheet_command

    raise typer.Exit(sheet_command(out, people, seed))


@app.command()
def judge(
    data: Annotated[
        Path | None, typer.Option(help="Folder with reid and frames; missing parts are created there.")
    ] = None,
    weights: Annotated[Path | None, typer.Option(help="Folder of the public networks' weights.")] = None,
    seed: Seed = 50_001,
    processes: Processes = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure how realistic the world looks to public networks."""
    from console.judge import judge_command

    raise typer.Exit(judge_command(data, weights, seed, processes, as_json))
