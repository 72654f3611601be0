"""The commands of ``nightreid retention``; everything heavy is imported inside them."""

from pathlib import Path
from typing import Annotated

import typer

from console.local_use import CaseOption, PurposeOption

retention = typer.Typer(
    name="retention",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="For how long what is kept: remove what is over, and prove it.",
)

Db = Annotated[str, typer.Option(help="Gallery database, as an SQLAlchemy URL.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_DB = "sqlite:///nightreid.db"


@retention.command()
def enforce(
    db: Db = _DB,
    config: Annotated[
        Path | None,
        typer.Option(
            "--config", help="YAML file with retention: rules to keep from now on; a worker's file works."
        ),
    ] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", help="One setting: retention.days.crops=7. May be repeated."),
    ] = None,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Remove what is over, by these rules or those that the gallery keeps. Workers do so by themselves."""
    from console.local_use import LocalUse
    from console.retention import enforce_command

    raise typer.Exit(enforce_command(db, config, set_ or [], LocalUse(purpose, case), as_json))


@retention.command()
def report(db: Db = _DB, as_json: Json = False) -> None:
    """Show by camera and class: the rule, the oldest that is left, what went and when."""
    from console.retention import report_command

    raise typer.Exit(report_command(db, as_json))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(retention)
