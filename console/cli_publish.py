"""The command ``nightreid publish``; everything heavy is imported inside it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer


class PublishedModality(StrEnum):
    """The two modalities, as the command line spells them."""

    VISIBLE = "visible"
    INFRARED = "infrared"


class PublishedCodec(StrEnum):
    """How frames are encoded."""

    JPEG = "jpeg"
    PNG = "png"


def publish(
    source: Annotated[
        list[str] | None,
        typer.Argument(help="[CAMERA=]SOURCE: video, image folder, RTSP/HTTP address or webcam number."),
    ] = None,
    camera: Annotated[list[str] | None, typer.Option(help="Camera id; one per source, in order.")] = None,
    modality: Annotated[PublishedModality | None, typer.Option(help="Modality of the sources.")] = None,
    near_infrared: Annotated[
        bool, typer.Option("--near-infrared", help="The infrared cameras are near infrared, not thermal.")
    ] = False,
    start: Annotated[
        list[str] | None,
        typer.Option(help="[CAMERA=]TIME: start of a recording (ISO 8601 with time zone)."),
    ] = None,
    bootstrap: Annotated[
        str | None, typer.Option(help="HOST:PORT of Kafka; several separated by commas.")
    ] = None,
    max_fps: Annotated[float | None, typer.Option(help="Maximum frames per second of each camera.")] = None,
    codec: Annotated[
        PublishedCodec | None, typer.Option(help="png is lossless and several times as large.")
    ] = None,
    realtime: Annotated[
        bool, typer.Option("--realtime", help="Send recordings at their recorded speed.")
    ] = False,
    metrics_port: Annotated[
        int | None, typer.Option(help="Serve /metrics, /live and /ready on this port.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print a summary as JSON.")] = False,
    config: Annotated[
        Path | None,
        typer.Option("--config", help="YAML file with settings and cameras (see configs/publish.yaml)."),
    ] = None,
    set_: Annotated[
        list[str] | None, typer.Option("--set", help="One setting: section.key=value. May be repeated.")
    ] = None,
) -> None:
    """Publish frames of cameras and recordings to Kafka."""
    from console.publish import publish_command

    raise typer.Exit(
        publish_command(
            sources=source or [],
            cameras=camera or [],
            modality=None if modality is None else modality.value,
            near_infrared=near_infrared,
            starts=start or [],
            bootstrap=bootstrap,
            max_fps=max_fps,
            codec=None if codec is None else codec.value,
            realtime=realtime,
            metrics_port=metrics_port,
            as_json=as_json,
            config=config,
            overrides=set_ or [],
        )
    )


def register(app: typer.Typer) -> None:
    """Give the command line this command."""
    app.command()(publish)
