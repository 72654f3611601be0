"""The commands of ``nightreid watch``; everything heavy is imported inside them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console.local_use import CaseOption, LocalUse, PurposeOption

watch = typer.Typer(
    name="watch",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Standing queries: an alert when somebody like that comes by, in `run` and in workers.",
)

Db = Annotated[str, typer.Option(help="Gallery database, as an SQLAlchemy URL.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Number = Annotated[int, typer.Argument(metavar="N", help="Number of the watch.")]
_DB = "sqlite:///nightreid.db"


class PictureChoice(StrEnum):
    """What light a picture is of."""

    VISIBLE = "visible"
    INFRARED = "infrared"


class LooksChoice(StrEnum):
    """Which tracklets a watch looks at."""

    VISIBLE = "visible"
    INFRARED = "infrared"
    BOTH = "both"


class StateChoice(StrEnum):
    """What has become of a delivery."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    GIVEN_UP = "given up"
    GONE = "gone"


@watch.command()
def add(
    text: Annotated[
        str | None, typer.Argument(metavar="[TEXT]", help="Description of a person, in English.")
    ] = None,
    identity: Annotated[
        str | None, typer.Option(help="Instead: an identity of the gallery; its id may be shortened.")
    ] = None,
    image: Annotated[Path | None, typer.Option(help="Instead: a picture of a person, cut out.")] = None,
    modality: Annotated[PictureChoice, typer.Option(help="Of the picture.")] = PictureChoice.VISIBLE,
    on: Annotated[LooksChoice, typer.Option("--on", help="Tracklets to look at.")] = LooksChoice.BOTH,
    camera: Annotated[
        list[str] | None, typer.Option(help="Only this camera's tracklets. May be repeated.")
    ] = None,
    hours: Annotated[
        str | None, typer.Option(help="Only at these times of day, as 22:00-06:00, by the clock of --zone.")
    ] = None,
    zone: Annotated[str, typer.Option(help="Time zone of the hours, as Europe/Berlin.")] = "UTC",
    until: Annotated[
        str | None,
        typer.Option(help="Look at nobody who is seen later: a time (ISO 8601), or a span as 8h or 3d."),
    ] = None,
    false_alarms: Annotated[
        float | None,
        typer.Option("--false-alarms", help="False alarms allowed a night; default: watches.false_alarms."),
    ] = None,
    score: Annotated[
        float | None,
        typer.Option(help="Fire at this cosine instead, without any calibration.", min=-1, max=1),
    ] = None,
    name: Annotated[str, typer.Option(help="Name; default: what is looked for.")] = "",
    by: Annotated[
        str | None, typer.Option("--by", help="Who adds it; by default the user of this machine.")
    ] = None,
    why: Annotated[str, typer.Option("--why", help="The purpose, kept with the watch.")] = "",
    reid: Annotated[
        str | None,
        typer.Option("--reid", help="For a picture: the gallery's embedder. Default: the starter."),
    ] = None,
    db: Db = _DB,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Add a watch. It looks at whoever comes into the gallery from now on."""
    from console.watch import Asked, add_command

    asked = Asked(
        text=text,
        identity=identity,
        image=image,
        pictured=modality.value,
        on=None if on is LooksChoice.BOTH else on.value,
        cameras=tuple(camera or ()),
        hours=hours,
        zone=zone,
        until=until,
        false_alarms=false_alarms,
        score=score,
        name=name,
        by=by,
        why=why,
        reid=reid,
    )
    raise typer.Exit(add_command(db, asked, as_json, LocalUse(purpose, case)))


@watch.command("list")
def list_(db: Db = _DB, as_json: Json = False) -> None:
    """List the watches: whom they look for, how they can fire, and their alerts."""
    from console.watch import list_command

    raise typer.Exit(list_command(db, as_json))


@watch.command()
def show(
    number: Number,
    db: Db = _DB,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Show a watch and its alerts."""
    from console.watch import show_command

    raise typer.Exit(show_command(db, number, as_json, LocalUse(purpose, case)))


@watch.command()
def pause(
    number: Number,
    db: Db = _DB,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Have a watch look at nobody until it is resumed."""
    from console.watch import change_command

    raise typer.Exit(change_command(db, number, "pause", as_json, LocalUse(purpose, case)))


@watch.command()
def resume(
    number: Number,
    db: Db = _DB,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Have a paused watch look again, at whoever comes from now on."""
    from console.watch import change_command

    raise typer.Exit(change_command(db, number, "resume", as_json, LocalUse(purpose, case)))


@watch.command()
def remove(
    number: Number,
    db: Db = _DB,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """Forget a watch and whom it looked for. Its alerts stay."""
    from console.watch import change_command

    raise typer.Exit(change_command(db, number, "remove", as_json, LocalUse(purpose, case)))


@watch.command()
def alerts(
    number: Annotated[
        int | None, typer.Argument(metavar="[N]", help="Number of a watch; without it, those of all.")
    ] = None,
    last: Annotated[int, typer.Option(help="How many, the latest.", min=1)] = 100,
    db: Db = _DB,
    purpose: PurposeOption = None,
    case: CaseOption = None,
    as_json: Json = False,
) -> None:
    """List alerts, the latest last."""
    from console.watch import alerts_command

    raise typer.Exit(alerts_command(db, number, last, as_json, LocalUse(purpose, case)))


@watch.command()
def deliveries(
    state: Annotated[StateChoice | None, typer.Option(help="Only these.")] = None,
    webhook: Annotated[str | None, typer.Option(help="Only of this webhook.")] = None,
    last: Annotated[int, typer.Option(help="How many, the latest.", min=1)] = 100,
    db: Db = _DB,
    as_json: Json = False,
) -> None:
    """List which alerts were delivered by webhook, which wait, and which were given up and why."""
    from console.watch_deliveries import deliveries_command

    raise typer.Exit(deliveries_command(db, state.value if state else None, webhook, last, as_json))


@watch.command()
def retry(
    numbers: Annotated[
        list[int] | None, typer.Argument(metavar="[N]...", help="Numbers of deliveries.")
    ] = None,
    all_: Annotated[bool, typer.Option("--all", help="All that were given up.")] = False,
    db: Db = _DB,
    as_json: Json = False,
) -> None:
    """Deliver alerts again that were given up, or have those that wait tried at once."""
    from console.watch_deliveries import retry_command

    raise typer.Exit(retry_command(db, numbers or [], all_, as_json))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(watch)
