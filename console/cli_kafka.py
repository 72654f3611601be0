"""The commands of ``nightreid topics`` and ``nightreid dlq``; everything heavy is imported inside them."""

from pathlib import Path
from typing import Annotated

import typer

topics = typer.Typer(
    name="topics",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Topics of Kafka: make them, check them, see who is behind.",
)
dlq = typer.Typer(
    name="dlq",
    no_args_is_help=True,
    rich_markup_mode=None,
    help="Dead letters: records that no worker could use, with the reason.",
)

Bootstrap = Annotated[str | None, typer.Option(help="HOST:PORT of Kafka, several with commas.")]
Prefix = Annotated[str | None, typer.Option(help="In front of every topic's name.")]
Config = Annotated[
    Path | None,
    typer.Option("--config", help="YAML file with settings; a worker's or a publisher's will do."),
]
Set = Annotated[
    list[str] | None, typer.Option("--set", help="One setting: section.key=value. May be repeated.")
]
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Groups = Annotated[list[str] | None, typer.Option("--group", help="Of these groups alone.")]
Topics = Annotated[
    list[str] | None, typer.Option("--topic", help="Of this topic alone, such as frames.visible.")
]
Reason = Annotated[str | None, typer.Option(help="With this reason alone, such as schema.")]
Place = Annotated[str, typer.Argument(help="TOPIC/PARTITION/OFFSET, as `nightreid dlq list` prints it.")]


@topics.command("create")
def create(
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Make the topics that are not there; the others are left as they are."""
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
    """Compare the topics with what they should be; exits with 1 where something is wrong."""
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
    """How many records each group of workers has yet to read."""
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
    """Print every dead letter, each once, oldest first."""
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
    """Print one dead letter: why it is one, and the headers of its record."""
    from console.dead_letters import show_command
    from console.kafka import deployment

    raise typer.Exit(show_command(deployment(config, set_ or [], bootstrap, prefix), place, out, as_json))


@dlq.command("replay")
def replay(
    places: Annotated[
        list[str] | None, typer.Argument(help="TOPIC/PARTITION/OFFSET of each letter to send again.")
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="All letters, or all that --topic and --reason leave.")
    ] = False,
    topic: Topics = None,
    reason: Reason = None,
    bootstrap: Bootstrap = None,
    prefix: Prefix = None,
    config: Config = None,
    set_: Set = None,
    as_json: Json = False,
) -> None:
    """Send the records of dead letters to their topics again, unchanged; the letters are kept."""
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
