"""The commands that make checkpoints of others; everything heavy is imported inside them."""

from pathlib import Path
from typing import Annotated

import typer

from console.cli_training import Json


def import_checkpoint(
    file: Annotated[Path, typer.Argument(help="Released checkpoint: .safetensors, .pth or .pt.")],
    out: Annotated[Path, typer.Argument(help="Folder to be created.")],
    kind: Annotated[
        str,
        typer.Option(help="tvi-lfm (a checkpoint folder), clip or clip-visual (parts of recipes)."),
    ] = "clip",
    tokenizer: Annotated[
        str, typer.Option(help="CLIP's tokenizer: a name on the Hugging Face hub, or a folder.")
    ] = "openai/clip-vit-base-patch32",
    torchscript: Annotated[
        bool, typer.Option("--torchscript", help="The file is a TorchScript archive of somebody you trust.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Import a checkpoint that others released. Says what was taken; anything missing is an error."""
    from console.import_checkpoint import import_command

    raise typer.Exit(import_command(file, out, kind, tokenizer, torchscript, as_json))


def soup(
    models: Annotated[list[Path], typer.Argument(help="Checkpoint folders, all trained from one start.")],
    out: Annotated[Path, typer.Option(help="Folder to be created.")],
    share: Annotated[
        list[float] | None, typer.Option(help="Share of a checkpoint; one for each. Default: equal shares.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="Name of the model. Default: the first one's.")] = None,
    as_json: Json = False,
) -> None:
    """Average the weights of checkpoints. One network, that mostly holds up better on other data."""
    from console.soup import soup_command

    raise typer.Exit(soup_command(models, share or [], out, name, as_json))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.command()(import_checkpoint)
    app.command()(soup)
