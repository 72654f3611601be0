"""The `words` command."""

from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def words(
        text: Annotated[str, typer.Argument(help="A description of a person, in English.")],
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
    ) -> None:
        """Show how a description is understood."""
        from console.words import words_command

        words_command(text, as_json)
