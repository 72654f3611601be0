"""The commands of ``nightreid dataset``; everything heavy is imported inside them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

dataset = typer.Typer(
    name="dataset",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Data sets: check a copy, import your own images.",
)

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]


class SpectrumChoice(StrEnum):
    """The kinds of infrared."""

    NEAR = "near"
    THERMAL = "thermal"


@dataset.command()
def check(
    name: Annotated[
        str,
        typer.Argument(help="Layout: sysu, regdb, llcm, own or another; auto: recognised from the folder."),
    ],
    root: Annotated[Path, typer.Argument(help="Folder of the data set.")],
    deep: Annotated[bool, typer.Option("--deep", help="Decode every image.")] = False,
    as_json: Json = False,
) -> None:
    """Compare a copy with the published counts and report what is missing or surplus."""
    from console.dataset import check_command

    raise typer.Exit(check_command(name, root, deep, as_json))


@dataset.command("import")
def import_(
    folder: Annotated[
        Path, typer.Argument(help="Folder with visible/<identity>/[<camera>/]<file> and infrared/...")
    ],
    out: Annotated[Path, typer.Argument(help="Folder to create.")],
    csv: Annotated[
        Path | None,
        typer.Option(help="Table: path (in FOLDER), identity, camera, modality; optional spectrum, split."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name of the data set. Default: the folder's name.")
    ] = None,
    val: Annotated[
        float | None, typer.Option(help="Share of identities for validation. Default: 0.1.")
    ] = None,
    test: Annotated[float | None, typer.Option(help="Share of identities for test. Default: 0.2.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of the split.")] = 1,
    spectrum: Annotated[
        SpectrumChoice | None, typer.Option(help="Spectrum of infrared images whose row names none.")
    ] = None,
    same_place: Annotated[
        list[str] | None,
        typer.Option(help="INFRARED=VISIBLE: cameras at the same location. May be repeated."),
    ] = None,
    copy: Annotated[bool, typer.Option("--copy", help="Copy the images into the data set.")] = False,
    as_json: Json = False,
) -> None:
    """Make a data set of your own images, for training and evaluation."""
    from console.dataset import import_command

    raise typer.Exit(
        import_command(
            folder,
            out,
            csv,
            name=name,
            val=val,
            test=test,
            seed=seed,
            spectrum=None if spectrum is None else spectrum.value,
            same_place=same_place or [],
            copy=copy,
            as_json=as_json,
        )
    )


@dataset.command()
def describe(
    tags: Annotated[
        Path, typer.Argument(help="JSON file: identity -> eleven tags, such as a synthetic attributes.json.")
    ],
    out: Annotated[Path, typer.Argument(help="File of identity captions to write.")],
    model: Annotated[
        str | None,
        typer.Option(help="Language model that makes the sentences, by name or folder. Default: a template."),
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the language model's draws.")] = 1,
) -> None:
    """Make a description of each identity from its tags; say who is told alike."""
    from console.describe import describe_command

    raise typer.Exit(describe_command(tags, out, model, seed))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(dataset)
