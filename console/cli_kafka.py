"""The commands of ``nightreid topics`` and ``nightreid dlq``; everything heavy is imported inside them."""

from pathlib import Path
from typing import Annotated

import typer

topics = typer.Typer(
    name="topics",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Kafka topics: create, check, show consumer lag.",
)
dlq = typer.Typer(
    name="dlq",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Dead letters: list, show, replay.",
)

Bootstrap = Annotated[str | None, typer.Option(help="HOST:PORT of Kafka; several separated by commas.")]
Prefix = Annotated[str | None, typer.Option(help="Prefix of every topic name.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="YAML file with settings; a worker's or publisher's file works."),
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="One setting: section.key=value. May be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Groups = Annotated[
    list[str] | None, typer.Option("--group", help="Only this consumer group. May be repeated.")
]
Topics = Annotated[
    list[str] | None,
    typer.Option("--topic", help="Only this topic, such as frames.visible. May be repeated."),
]
Reason = Annotated[str | None, typer.Option(help="Only this reason, such as schema.")]
Place = Annotated[str, typer.Argument(help="TOPIC/PARTITION/OFFSET, as printed by `nightreid dlq list`.")]


@topics.command("create")
def create(
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Create missing topics; existing ones are left as they are."""
    from console.kafka import create_command, deployment

    raise typer.Exit(create_command(deployment(config, set_ or [], bootstrap, prefix), as_json))


@topics.command("check")
def check(
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Compare the topics with the plan; exits with 1 if something is wrong."""
    from console.kafka import check_command, deployment

    raise typer.Exit(check_command(deployment(config, set_ or [], bootstrap, prefix), as_json))


@topics.command("lag")
def lag(
    group: Groups = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Show how many records each consumer group has yet to read."""
    from console.kafka import deployment, lag_command

    raise typer.Exit(lag_command(deployment(config, set_ or [], bootstrap, prefix), group, as_json))


@dlq.command("list")
def list_(
    topic: Topics = None,
    reason: Reason = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """List all dead letters, oldest first."""
    from console.dead_letters import list_command
    from console.kafka import deployment

    raise typer.Exit(
        list_command(deployment(config, set_ or [], bootstrap, prefix), topic or [], reason, as_json)
    )


@dlq.command("show")
def show(
    place: Place,
    out: Annotated[Path | None, typer.Option(help="Write the record's value to this file.")] = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Show one dead letter: its reason and the headers of its record."""
    from console.dead_letters import show_command
    from console.kafka import deployment

    raise typer.Exit(show_command(deployment(config, set_ or [], bootstrap, prefix), place, out, as_json))


@dlq.command("replay")
def replay(
    places: Annotated[
        list[str] | None, typer.Argument(help="TOPIC/PARTITION/OFFSET of each dead letter to replay.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All dead letters that --topic and --reason select.")
    ] = False,
    topic: Topics = None,
    reason: Reason = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Send dead-lettered records to their topics again, unchanged; the dead letters are kept."""
    from console.dead_letters import replay_command
    from console.kafka import deployment

    raise typer.Exit(
        replay_command(
            deployment(config, set_ or [], bootstrap, prefix),
            places or [],
            everything,
            topic or [],
            reason,
            as_json,
        )
    )


def register(app: typer.Typer) -> None:
    """Give the command line these commands."""
    app.add_typer(topics)
    app.add_typer(dlq)
