"""The commands ``nightreid erase`` and ``nightreid hold``; everything heavy is imported inside them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console.local_use import CaseOption, LocalUse, PurposeOption

Db = Annotated[str, typer.Option(help="Gallery database, as an SQLAlchemy URL.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_DB = "sqlite:///nightreid.db"


class ErasePictureChoice(StrEnum):
    """What light a picture is of."""

    VISIBLE = "visible"
    INFRARED = "infrared"


hold = typer.Typer(
    name="hold",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Legal holds: who is neither erased nor falls to retention.",
)


@hold.command("add")
def add_hold(
    identity: Annotated[str | None, typer.Option(help="Identity; its id may be shortened.")] = None,
    tracklet: Annotated[str | None, typer.Option(help="Tracklet; its id may be shortened.")] = None,
    camera: Annotated[str | None, typer.Option(help="All that this camera saw.")] = None,
    from_: Annotated[str | None, typer.Option("--from", help="Since this time: 2026-11-20T18:00Z.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Before this time.")] = None,
    why: Annotated[str, typer.Option("--why", help="The reason, kept with the hold.")] = "",
    by: Annotated[str | None, typer.Option("--by", help="Who holds; by default the user.")] = None,
    db: Db = _DB,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Hold an identity, a tracklet, or what a camera saw."""
    from console.holding import hold_command

    raise typer.Exit(
        hold_command(db, (identity, tracklet, camera), (from_, to), why, by, as_json, LocalUse(purpose, case))
    )


@hold.command("list")
def list_holds(
    db: Db = _DB,
    lifted: Annotated[bool, typer.Option("--lifted", help="Also those that were lifted.")] = False,
    as_json: Json = False,
) -> None:
    """List the holds that stand."""
    from console.holding import list_command

    raise typer.Exit(list_command(db, lifted, as_json))


@hold.command("lift")
def lift_hold(
    number: Annotated[int, typer.Argument(metavar="N", help="Number of the hold.")],
    by: Annotated[str | None, typer.Option("--by", help="Who lifts it; by default the user.")] = None,
    db: Db = _DB,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Lift a hold."""
    from console.holding import lift_command

    raise typer.Exit(lift_command(db, number, by, as_json, LocalUse(purpose, case)))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(hold)

    @app.command()
    def erase(
        identity: Annotated[
            list[str] | None, typer.Option(help="Identity; its id may be shortened. May be repeated.")
        ] = None,
        tracklet: Annotated[
            list[str] | None,
            typer.Option(help="Tracklet of either modality; its id may be shortened. May be repeated."),
        ] = None,
        image: Annotated[
            list[Path] | None,
            typer.Option(help="A crop of the person: candidates are shown to choose from. May be repeated."),
        ] = None,
        modality: Annotated[
            ErasePictureChoice, typer.Option(help="Of the crops.")
        ] = ErasePictureChoice.VISIBLE,
        keep_linked: Annotated[
            bool,
            typer.Option("--keep-linked", help="Leave infrared tracklets that are linked to the identity."),
        ] = False,
        db: Db = _DB,
        yes: Annotated[bool, typer.Option("--yes", help="Do not ask; for scripts.")] = False,
        dry: Annotated[bool, typer.Option("--dry-run", help="Show who would go, and erase nobody.")] = False,
        quick: Annotated[
            bool, typer.Option("--quick", help="Do not write the database's files anew afterwards.")
        ] = False,
        search: Annotated[
            list[Path] | None,
            typer.Option(
                help="Search this folder or file raw for what was kept of them: reports, logs, blobs. "
                "The gallery's own files are searched too. May be repeated."
            ),
        ] = None,
        blobs: Annotated[
            str | None,
            typer.Option(
                envvar="NIGHTREID_BLOBS",
                show_envvar=False,
                help="Blob store of large frames, a folder or s3://…: those that show them are removed. "
                "Or NIGHTREID_BLOBS.",
            ),
        ] = None,
        tidy: Annotated[
            bool, typer.Option("--tidy", help="Only write the database's files anew, as an erasure does.")
        ] = False,
        list_: Annotated[
            bool, typer.Option("--list", help="Only list what was erased, when and by whom.")
        ] = False,
        by: Annotated[str | None, typer.Option("--by", help="Who erases; by default the user.")] = None,
        reid: Annotated[
            str | None, typer.Option("--reid", help="The gallery's embedder; default: the starter model.")
        ] = None,
        purpose: PurposeOption = None,
        case: CaseOption = None,
        as_json: Json = False,
    ) -> None:
        """Erase a person: everything that the gallery holds of them, for good."""
        from console.erase import Asked, erase_command, list_command, tidy_command

        if list_ or tidy:
            raise typer.Exit(list_command(db, as_json) if list_ else tidy_command(db, as_json))
        asked = Asked(
            identities=tuple(identity or ()),
            tracklets=tuple(tracklet or ()),
            images=tuple(image or ()),
            modality=modality.value,
            linked=not keep_linked,
            yes=yes,
            dry=dry,
            whole=not quick,
            search=tuple(search or ()),
            blobs=blobs,
            by=by,
            reid=reid,
        )
        raise typer.Exit(erase_command(db, asked, as_json, LocalUse(purpose, case)))
