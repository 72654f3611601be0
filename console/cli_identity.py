"""The commands of ``nightreid identity``; everything heavy is imported inside them."""

from pathlib import Path
from typing import Annotated

import typer

from console.local_use import CaseOption, LocalUse, PurposeOption

identity = typer.Typer(
    name="identity",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Identities of a gallery: look at them and put them right. Ids may be shortened to their beginning.",
)

Db = Annotated[str, typer.Option(help="Gallery database, as an SQLAlchemy URL.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
By = Annotated[str | None, typer.Option("--by", help="Who corrects; by default the user of this machine.")]
Why = Annotated[str, typer.Option("--why", help="The reason, kept with the correction.")]
Anyway = Annotated[
    bool, typer.Option("--anyway", help="Also where both were in one picture at the same time.")
]
_DB = "sqlite:///nightreid.db"


@identity.command()
def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[ID]", help="Identity; without it, all are listed.")
    ] = None,
    db: Db = _DB,
    crops: Annotated[
        Path | None, typer.Option(help="Write the crops to this folder and print their paths.")
    ] = None,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Show an identity: tracklets by camera and time, crops, exemplars, links, corrections."""
    from console.identity import show_command

    raise typer.Exit(show_command(db, name, crops, as_json, LocalUse(purpose, case)))


@identity.command()
def merge(
    name: Annotated[str, typer.Argument(metavar="ID", help="Identity that stays.")],
    other: Annotated[str, typer.Argument(metavar="OTHER", help="Identity that becomes the same.")],
    db: Db = _DB,
    by: By = None,
    why: Why = "",
    anyway: Anyway = False,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Make two identities one."""
    from console.identity import merge_command

    raise typer.Exit(merge_command(db, name, other, by, why, anyway, as_json, LocalUse(purpose, case)))


@identity.command()
def split(
    name: Annotated[str, typer.Argument(metavar="ID", help="Identity.")],
    tracklets: Annotated[
        list[str], typer.Option("--tracklets", help="Tracklet that leaves it; repeat, or separate by commas.")
    ],
    db: Db = _DB,
    by: By = None,
    why: Why = "",
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Make some tracklets of an identity a new one."""
    from console.identity import split_command

    chosen = [part.strip() for one in tracklets for part in one.split(",") if part.strip()]
    raise typer.Exit(split_command(db, name, chosen, by, why, as_json, LocalUse(purpose, case)))


@identity.command()
def move(
    tracklet: Annotated[str, typer.Argument(metavar="TRACKLET", help="Visible tracklet.")],
    name: Annotated[str, typer.Argument(metavar="ID", help="Identity that it belongs to.")],
    db: Db = _DB,
    by: By = None,
    why: Why = "",
    anyway: Anyway = False,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Give a tracklet to another identity."""
    from console.identity import move_command

    raise typer.Exit(move_command(db, tracklet, name, by, why, anyway, as_json, LocalUse(purpose, case)))


@identity.command()
def undo(
    number: Annotated[
        int | None,
        typer.Argument(metavar="[N]", help="Correction; by default the last that a person made."),
    ] = None,
    db: Db = _DB,
    by: By = None,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Undo a correction."""
    from console.identity import undo_command

    raise typer.Exit(undo_command(db, number, by, as_json, LocalUse(purpose, case)))


@identity.command()
def review(
    db: Db = _DB,
    yes: Annotated[
        list[int] | None, typer.Option("--yes", metavar="N", help="Pair N is one person. May be repeated.")
    ] = None,
    no: Annotated[
        list[int] | None, typer.Option("--no", metavar="N", help="Pair N is two people. May be repeated.")
    ] = None,
    skip: Annotated[
        list[int] | None, typer.Option("--skip", metavar="N", help="Leave pair N out of later lists.")
    ] = None,
    least: Annotated[
        float, typer.Option(min=0, max=1, help="List pairs of at least this probability.")
    ] = 0.5,
    reid: Annotated[
        str | None, typer.Option("--reid", help="The gallery's embedder; default: the starter model.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", help="YAML file with settings (see configs/run.yaml).")
    ] = None,
    by: By = None,
    why: Why = "",
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """List pairs of identities that may be one person; on a terminal, ask about each."""
    from console.identity_review import review_command

    answers = {"yes": yes or [], "no": no or [], "skip": skip or []}
    raise typer.Exit(
        review_command(db, answers, least, reid, config, by, why, as_json, LocalUse(purpose, case))
    )


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(identity)
