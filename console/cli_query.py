"""The `query` command; everything heavy is imported inside it."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from console.local_use import CaseOption, LocalUse, PurposeOption


class FormChoice(StrEnum):
    """What is made of an image and a text."""

    FUSED = "fused"
    ENSEMBLE = "ensemble"
    NARROWED = "narrowed"
    TEXT = "text"
    IMAGE = "image"


class LightChoice(StrEnum):
    """What light an image was taken in."""

    VISIBLE = "visible"
    INFRARED = "infrared"


def register(app: typer.Typer) -> None:
    """Add the command."""

    @app.command()
    def query(
        text: Annotated[
            str | None, typer.Argument(metavar="[TEXT]", help="A description of a person, in English.")
        ] = None,
        track: Annotated[
            str | None,
            typer.Option(
                metavar="ID",
                help="Like this stored tracklet, of either modality; the id's beginning is enough.",
            ),
        ] = None,
        image: Annotated[
            list[Path] | None,
            typer.Option(help="Like the person on this image, a crop. May be repeated, for one person."),
        ] = None,
        modality: Annotated[
            LightChoice | None, typer.Option(help="Of the images; by default visible.")
        ] = None,
        whole: Annotated[
            bool, typer.Option("--whole", help="The images are whole pictures: find the one person in each.")
        ] = False,
        db: Annotated[
            str, typer.Option(help="Gallery database, as an SQLAlchemy URL.")
        ] = "sqlite:///nightreid.db",
        cameras: Annotated[
            list[str] | None,
            typer.Option("--cameras", help="Only seen by this camera; repeat, or separate by commas."),
        ] = None,
        from_: Annotated[
            str | None,
            typer.Option(
                "--from", help="Only seen since this time: 2026-11-20T18:00Z, or 18:00Z of any day."
            ),
        ] = None,
        to: Annotated[str | None, typer.Option("--to", help="Only seen before this time; likewise.")] = None,
        fusion: Annotated[
            FormChoice | None,
            typer.Option(help="What is made of an image or tracklet and a text; by default fused."),
        ] = None,
        keep: Annotated[
            float | None,
            typer.Option(
                metavar="SHARE", help="Share of the identities that narrowing words keep; by default 0.5."
            ),
        ] = None,
        rerank: Annotated[
            str | None,
            typer.Option(
                metavar="METHOD",
                help="Compare the best by their parts too: ljm, or ljm(K,WEIGHT,JACCARD). For STAR-ReID.",
            ),
        ] = None,
        size: Annotated[int, typer.Option(min=1, max=1000, help="Identities in a page.")] = 10,
        cursor: Annotated[str | None, typer.Option(help="Of the page before: shows the next.")] = None,
        reid: Annotated[
            str | None, typer.Option("--reid", help="The gallery's embedder; default: the starter model.")
        ] = None,
        encoder: Annotated[
            str | None,
            typer.Option(
                "--text-encoder", help="Folder of the text encoder; default: text: in the configuration."
            ),
        ] = None,
        detector: Annotated[
            str | None, typer.Option(help="YOLO weights for --whole; default: the starter model.")
        ] = None,
        as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
        config: Annotated[
            Path | None, typer.Option("--config", help="YAML file with settings (see configs/run.yaml).")
        ] = None,
        set_: Annotated[
            list[str] | None,
            typer.Option("--set", help="One setting: section.key=value. May be repeated."),
        ] = None,
        purpose: PurposeOption = None,
        case: CaseOption = None,
    ) -> None:
        """Search the gallery by a description, a tracklet, images, or a description with either."""
        from console.query import Asked, query_command

        asked = Asked(
            text=text,
            track=track,
            images=tuple(image or ()),
            modality=modality.value if modality is not None else None,
            whole=whole,
            cameras=tuple(part.strip() for one in cameras or () for part in one.split(",") if part.strip()),
            since=from_,
            until=to,
            form=fusion.value if fusion is not None else None,
            keep=keep,
            rerank=rerank,
            size=size,
            cursor=cursor,
        )
        use = LocalUse(purpose, case)
        raise typer.Exit(query_command(asked, db, reid, encoder, detector, config, set_ or [], as_json, use))
