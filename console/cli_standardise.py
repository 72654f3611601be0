"""The `standardise` command."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def standardise(
        db: Annotated[str, typer.Option(help="Gallery database.")],
        reid: Annotated[
            Path | None, typer.Option("--reid", help="The gallery's embedder. Default: the starter model.")
        ] = None,
        form: Annotated[
            str | None,
            typer.Option(help="mean, deviation or mean-deviation(50,0.5). Default: what the model knows."),
        ] = None,
        undo: Annotated[bool, typer.Option("--undo", help="Compare the vectors as they are again.")] = False,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Compare a gallery's vectors by how they stand out from what their cameras show. Needs no labels."""
        from console.standardise import standardise_command

        raise typer.Exit(standardise_command(db, reid, form, undo, as_json))
