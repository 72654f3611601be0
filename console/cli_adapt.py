"""The `adapt` command."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def adapt(
        db: Annotated[str, typer.Option(help="Gallery database.")],
        reid: Annotated[
            Path | None, typer.Option("--reid", help="The gallery's embedder. Default: the starter model.")
        ] = None,
        form: Annotated[
            str | None, typer.Option(help="How vectors are standardised. Default: what the model knows.")
        ] = None,
        overrides: Annotated[
            list[str] | None, typer.Option("--set", help="A setting of learning, key=value; repeatable.")
        ] = None,
        seed: Annotated[int, typer.Option(min=0, help="Of every draw.")] = 1,
        state: Annotated[
            Path | None, typer.Option(help="Folder that a killed call goes on from. Default: in the cache.")
        ] = None,
        undo: Annotated[bool, typer.Option("--undo", help="Compare as before it was adapted last.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Learn from a gallery's footage without labels; kept only if held-out people are found better."""
        from console.adapt import adapt_command, take_back_command

        if undo:
            raise typer.Exit(take_back_command(db, reid, as_json))
        raise typer.Exit(adapt_command(db, reid, form, overrides or (), seed, state, as_json))
