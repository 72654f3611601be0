"""The command ``nightreid serve``; everything heavy is imported inside it."""

from pathlib import Path
from typing import Annotated

import typer


def register(app: typer.Typer) -> None:
    """Give the command line this command."""

    @app.command()
    def serve(
        config: Annotated[
            Path | None, typer.Option("--config", help="YAML file with settings (see configs/serve.yaml).")
        ] = None,
        db: Annotated[str | None, typer.Option(help="Gallery database. Overrides the file's.")] = None,
        port: Annotated[int | None, typer.Option(help="Port; 0: a free one. Overrides the file's.")] = None,
        set_: Annotated[
            list[str] | None, typer.Option("--set", help="One setting: section.key=value. May be repeated.")
        ] = None,
    ) -> None:
        """Serve the console: the HTTP API and the web page."""
        from console.serve import serve_command

        overrides = list(set_ or [])
        for key, value in (("gallery", db), ("bind.port", port)):
            if value is not None:
                overrides.append(f"{key}={value}")
        raise typer.Exit(serve_command(config, overrides))
