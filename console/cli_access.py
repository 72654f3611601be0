"""The commands of ``nightreid user`` and ``nightreid token``; everything heavy is imported inside them."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

user = typer.Typer(
    name="user",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Who may use the console, as what; the first administrator is added here.",
)
token = typer.Typer(
    name="token",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="API tokens: programs that act for a user.",
)


class RoleChoice(StrEnum):
    """What somebody is here for."""

    VIEWER = "viewer"
    INVESTIGATOR = "investigator"
    REVIEWER = "reviewer"
    AUDITOR = "auditor"
    ADMIN = "admin"


Name = Annotated[str, typer.Argument(help="Of the user.")]
Db = Annotated[
    str | None, typer.Option(help="Gallery database. Default: the file's, or sqlite:///nightreid.db.")
]
Config = Annotated[
    Path | None, typer.Option("--config", help="Settings of `nightreid serve` (see configs/serve.yaml).")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Cameras = Annotated[
    list[str] | None, typer.Option("--camera", help="May see this camera alone. May be repeated.")
]
Since = Annotated[
    str | None, typer.Option("--from", help="May see what was captured from this time on (ISO 8601) alone.")
]
Until = Annotated[str | None, typer.Option("--to", help="May see what was captured before this time alone.")]
PasswordFile = Annotated[
    Path | None, typer.Option(help="File with the password, - for standard input. Default: it is asked for.")
]


@user.command()
def add(
    name: Name,
    role: Annotated[RoleChoice, typer.Option(help="What the user is here for.")],
    camera: Cameras = None,
    since: Since = None,
    until: Until = None,
    password_file: PasswordFile = None,
    db: Db = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Add a user."""
    from console.access import add_user_command, asked_scope

    scope = asked_scope(camera, since, until)
    raise typer.Exit(add_user_command(db, config, name, role.value, scope, password_file, as_json))


@user.command("list")
def list_users(db: Db = None, config: Config = None, as_json: Json = False) -> None:
    """List the users: their roles, and what they may see."""
    from console.access import list_users_command

    raise typer.Exit(list_users_command(db, config, as_json))


@user.command()
def disable(name: Name, db: Db = None, config: Config = None, as_json: Json = False) -> None:
    """Keep a user out from now on; sessions end, tokens are not taken."""
    from console.access import change_user_command

    raise typer.Exit(change_user_command(db, config, name, as_json, disabled=True))


@user.command()
def enable(name: Name, db: Db = None, config: Config = None, as_json: Json = False) -> None:
    """Let a disabled user in again."""
    from console.access import change_user_command

    raise typer.Exit(change_user_command(db, config, name, as_json, disabled=False))


@user.command()
def password(
    name: Name,
    password_file: PasswordFile = None,
    db: Db = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Give a user another password; sessions end."""
    from console.access import change_user_command, read_password

    said = read_password(password_file)
    raise typer.Exit(change_user_command(db, config, name, as_json, password=said))


@user.command()
def role(
    name: Name,
    role: Annotated[RoleChoice, typer.Argument(help="The new one.")],
    db: Db = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Give a user another role."""
    from console.access import change_user_command

    raise typer.Exit(change_user_command(db, config, name, as_json, role=role.value))


@user.command()
def scope(
    name: Name,
    camera: Cameras = None,
    since: Since = None,
    until: Until = None,
    db: Db = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Say what a user may see; without any option, everything."""
    from console.access import asked_scope, change_user_command

    asked = asked_scope(camera, since, until)
    raise typer.Exit(change_user_command(db, config, name, as_json, scope=asked))


@user.command()
def link(
    name: Name,
    subject: Annotated[str, typer.Argument(help="As whom the provider knows the user: the claim `sub`.")],
    add_as: Annotated[RoleChoice | None, typer.Option(help="Add the user first, with this role.")] = None,
    db: Db = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Let a user sign in by OpenID Connect, and not by password any more; sessions end."""
    from console.access import link_user_command

    role_name = add_as.value if add_as is not None else None
    raise typer.Exit(link_user_command(db, config, name, subject, role_name, as_json))


@token.command("add")
def add_token(
    name: Annotated[str, typer.Argument(help="Of the token.")],
    user: Annotated[str, typer.Option(help="For whom it acts.")],
    role: Annotated[
        RoleChoice | None, typer.Option(help="It may do what this and the user's role allow.")
    ] = None,
    camera: Cameras = None,
    since: Since = None,
    until: Until = None,
    expires: Annotated[str | None, typer.Option(help="When it ends (ISO 8601); never by default.")] = None,
    db: Db = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """Make a token and print it, this once."""
    from console.access import add_token_command, asked_scope

    scope = asked_scope(camera, since, until)
    role_name = role.value if role is not None else None
    raise typer.Exit(add_token_command(db, config, name, user, role_name, scope, expires, as_json))


@token.command("list")
def list_tokens(
    user: Annotated[str | None, typer.Option(help="Of this user alone.")] = None,
    db: Db = None,
    config: Config = None,
    as_json: Json = False,
) -> None:
    """List the tokens; what opens anything is kept nowhere."""
    from console.access import list_tokens_command

    raise typer.Exit(list_tokens_command(db, config, user, as_json))


@token.command()
def revoke(
    id: Annotated[str, typer.Argument(help="Of the token, as `token list` says it; may be shortened.")],
    db: Db = None,
    config: Config = None,
) -> None:
    """End a token."""
    from console.access import revoke_token_command

    raise typer.Exit(revoke_token_command(db, config, id))


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(user)
    app.add_typer(token)
