"""The commands of ``nightreid audit``; everything heavy is imported inside them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console.local_use import CaseOption, PurposeOption

audit = typer.Typer(
    name="audit",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="The audit log: check it, export it, go on with it after a restore.",
)

Db = Annotated[str, typer.Option(help="Gallery database, as an SQLAlchemy URL.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Checkpoints = Annotated[
    list[Path] | None,
    typer.Option("--checkpoints", help="File of checkpoints; may be repeated. Default: the gallery's own."),
]
_DB = "sqlite:///nightreid.db"


class FormChoice(StrEnum):
    """How rows are exported."""

    JSONL = "jsonl"
    CSV = "csv"


@audit.command()
def verify(db: Db = _DB, checkpoints: Checkpoints = None, as_json: Json = False) -> None:
    """Check the chain, the details beside it and the checkpoints; exits with 1 if something is wrong."""
    from console.audit import verify_command

    raise typer.Exit(verify_command(db, checkpoints or [], as_json))


@audit.command()
def export(
    db: Db = _DB,
    out: Annotated[Path | None, typer.Option(help="File to write; default: standard output.")] = None,
    form: Annotated[FormChoice, typer.Option("--format", help="JSON lines or CSV.")] = FormChoice.JSONL,
    from_: Annotated[str | None, typer.Option("--from", help="Since this time: 2026-11-20T18:00Z.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Before this time.")] = None,
    purpose: PurposeOption = None,
    case: CaseOption = None,
) -> None:
    """Export the log. That it was exported is in it."""
    from console.audit import export_command
    from console.local_use import LocalUse

    raise typer.Exit(export_command(db, out, form.value, from_, to, LocalUse(purpose, case)))


@audit.command()
def reseal(
    db: Db = _DB,
    checkpoints: Checkpoints = None,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """After a backup was restored: write down which rows are lost, and go on from there."""
    from console.audit import reseal_command
    from console.local_use import LocalUse

    raise typer.Exit(reseal_command(db, checkpoints or [], LocalUse(purpose, case), as_json))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(audit)
