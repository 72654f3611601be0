"""The `worker` command."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def worker(
        config: Annotated[
            Path | None,
            typer.Option("--config", help="YAML file with settings (see configs/night_shift.yaml)."),
        ] = None,
        bootstrap: Annotated[
            str | None,
            typer.Option(help="HOST:PORT of Kafka; several separated by commas. Overrides the file's."),
        ] = None,
        db: Annotated[str | None, typer.Option(help="Gallery database. Overrides the file's.")] = None,
        metrics_port: Annotated[
            int | None, typer.Option(help="Serve /metrics, /live and /ready on this port; 0: a free port.")
        ] = None,
        set_: Annotated[
            list[str] | None, typer.Option("--set", help="One setting: section.key=value. May be repeated.")
        ] = None,
    ) -> None:
        """Process frames from Kafka: find and link people. Any number of workers share the cameras."""
        from console.worker import worker_command

        overrides = list(set_ or [])
        for key, value in (("kafka.bootstrap", bootstrap), ("database", db), ("metrics_port", metrics_port)):
            if value is not None:
                overrides.append(f"{key}={value}")
        raise typer.Exit(worker_command(config, overrides))
