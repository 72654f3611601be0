"""The commands of ``nightreid crops``; everything heavy is imported inside them."""

from typing import Annotated

import typer

from console.local_use import CaseOption, PurposeOption

crops = typer.Typer(
    name="crops",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Encrypt the crops that a gallery keeps: a key for each class of cameras.",
)

Db = Annotated[str, typer.Option(help="Gallery database, as an SQLAlchemy URL.")]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_DB = "sqlite:///nightreid.db"


@crops.command()
def status(db: Db = _DB, as_json: Json = False) -> None:
    """Show whether crops are encrypted, with which keys, and which of them are there."""
    from console.crops import status_command

    raise typer.Exit(status_command(db, as_json))


@crops.command()
def encrypt(db: Db = _DB, purpose: PurposeOption = None, case: CaseOption = None) -> None:
    """Encrypt crops from now on, and those that are stored; after a new key, with that one. Resumes."""
    from console.crops import lie_command
    from console.local_use import LocalUse

    raise typer.Exit(lie_command(db, True, LocalUse(purpose, case)))


@crops.command()
def decrypt(db: Db = _DB, purpose: PurposeOption = None, case: CaseOption = None) -> None:
    """Store crops plain from now on, and those that are stored. Resumes."""
    from console.crops import lie_command
    from console.local_use import LocalUse

    raise typer.Exit(lie_command(db, False, LocalUse(purpose, case)))


@crops.command()
def key(
    name: Annotated[str, typer.Argument(metavar="CLASS", help="Of cameras; `default` is of all others.")],
) -> None:
    """Make the next key of a class in the folder of keys; crops are encrypted with it from then on."""
    from console.crops import key_command

    raise typer.Exit(key_command(name))


@crops.command("class")
def class_(
    camera: Annotated[str, typer.Argument(help="Id of a camera.")],
    name: Annotated[str, typer.Argument(metavar="CLASS", help="Its class from now on.")],
    db: Db = _DB,
    purpose: PurposeOption = None,
    case: CaseOption = None,
) -> None:
    """Have a camera's crops be encrypted with the key of a class."""
    from console.crops import class_command
    from console.local_use import LocalUse

    raise typer.Exit(class_command(db, camera, name, LocalUse(purpose, case)))


@crops.command()
def forget(
    keys: Annotated[list[str], typer.Argument(metavar="KEY", help="Ids of keys that were destroyed.")],
    db: Db = _DB,
    yes: Annotated[bool, typer.Option("--yes", help="Do it; without it, show how many there are.")] = False,
    purpose: PurposeOption = None,
    case: CaseOption = None,
) -> None:
    """Empty the crops whose key was destroyed: nobody can read them any more."""
    from console.crops import forget_command
    from console.local_use import LocalUse

    raise typer.Exit(forget_command(db, keys, yes, LocalUse(purpose, case)))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(crops)
