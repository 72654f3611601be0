"""The commands about captions; everything heavy is imported inside them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

Captioner = Annotated[
    str, typer.Option(help="Captioner: its folder, a BLIP's folder or hub name, or starter.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="One setting: section.key=value. May be repeated.")
]


class FolderModality(StrEnum):
    """Of the images of a plain folder."""

    VISIBLE = "visible"
    INFRARED = "infrared"


def caption(
    source: Annotated[Path, typer.Argument(help="Folder of a data set, or of images (with --modality).")],
    captioner: Captioner = "starter",
    infrared_captioner: Annotated[
        str | None, typer.Option(help="Another captioner for infrared images.")
    ] = None,
    name: Annotated[
        str | None, typer.Option(help="Name in the files' names. Default: from the captioner's.")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="Folder to write to. Default: SOURCE/Text.")] = None,
    modality: Annotated[FolderModality | None, typer.Option(help="Of the images of a plain folder.")] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the rewordings.")] = 1,
    restart: Annotated[bool, typer.Option("--restart", help="Discard captions begun before.")] = False,
    as_json: Json = False,
) -> None:
    """Caption the images of a data set. The same command resumes an interrupted run."""
    from console.caption import caption_command
    from reid_core.types import Modality

    kind = None if modality is None else Modality(modality)
    raise typer.Exit(
        caption_command(source, captioner, infrared_captioner, name, out, kind, seed, restart, as_json)
    )


def rephrase(
    captions: Annotated[Path, typer.Argument(help="File of captions of images: caption_dict_*.json.")],
    model: Annotated[
        str,
        typer.Option(
            help="Language model that follows instructions: its name on the Hugging Face hub, or its folder."
        ),
    ],
    modality: Annotated[
        FolderModality, typer.Option(help="Of the images; of infrared ones no colour is said.")
    ],
    out: Annotated[
        Path | None, typer.Option(help="File to write. Default: caption_llm_dict_*.json beside.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Seed of what the model draws.")] = 1,
    restart: Annotated[bool, typer.Option("--restart", help="Discard what was begun before.")] = False,
    as_json: Json = False,
) -> None:
    """Have a language model say captions in other words. The same command resumes an interrupted run."""
    from console.rephrase import rephrase_command
    from reid_core.types import Modality

    raise typer.Exit(rephrase_command(captions, model, Modality(modality), out, seed, restart, as_json))


def train_captioner(
    recipe: Annotated[Path, typer.Argument(help="YAML file, such as configs/night_captioner.yaml.")],
    data: Annotated[Path, typer.Option(help="Folder of a data set with captions.")],
    out: Annotated[Path, typer.Option(help="Folder of the captioner.")],
    settings: Set = None,
) -> None:
    """Train the small captioner that looks through an embedder's network."""
    from console.caption import train_captioner_command

    raise typer.Exit(train_captioner_command(recipe, data, out, settings or []))


def train_blip(
    recipe: Annotated[Path, typer.Argument(help="YAML file, such as configs/blip_visible.yaml.")],
    data: Annotated[Path, typer.Option(help="Folder of a data set with captions of visible images.")],
    out: Annotated[Path, typer.Option(help="Folder of the captioner.")],
    settings: Set = None,
    restart: Annotated[bool, typer.Option("--restart", help="Discard what was begun there.")] = False,
) -> None:
    """Fine-tune a BLIP to caption one modality. The same command resumes an interrupted run."""
    from console.caption import train_blip_command

    raise typer.Exit(train_blip_command(recipe, data, out, settings or [], restart))


def evaluate_captioner(
    data: Annotated[Path, typer.Argument(help="Folder of a synthetic data set.")],
    captioner: Annotated[
        list[str] | None, typer.Option(help="Captioner; may be repeated to compare. Default: starter.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(help="Folder of public networks, for the attribute network beside.")
    ] = None,
    most: Annotated[int | None, typer.Option(min=1, help="At most so many images of each modality.")] = None,
    as_json: Json = False,
) -> None:
    """Measure what captions say of people: precision and recall of each attribute."""
    from console.evaluate_captioner import evaluate_captioner_command

    raise typer.Exit(evaluate_captioner_command(data, captioner or ["starter"], weights, most, as_json))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.command()(caption)
    app.command()(rephrase)
    app.command()(train_captioner)
    app.command()(train_blip)
    app.command()(evaluate_captioner)
