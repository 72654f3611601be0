"""The logic of ``nightreid train-text`` and ``nightreid evaluate-text``."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from console.failing import check_writable
from console.progress import ProgressBars
from reid_core.config import load_config
from reid_core.errors import UsageError

if TYPE_CHECKING:
    from training.text.measuring import TextRow


def train_text_command(
    recipe: Path, data: Path, reid: str | None, out: Path, overrides: Sequence[str], as_json: bool
) -> int:
    """Learn a text encoder for an embedder's space.

    Args:
        recipe: YAML file.
        data: folder of a data set with captions.
        reid: embedder; the starter model by default.
        out: folder of the text encoder.
        overrides: ``section.key=value`` each.
        as_json: print its manifest.

    Returns:
        0.

    Raises:
        UsageError: the folder holds something else.
        SourceError: images or captions are missing.
        ModelError: the embedder cannot be loaded.
    """
    from training.text.recipe import TextRecipe

    settings = load_config(TextRecipe, recipe, overrides, os.environ)
    # Heavy, and not needed to find out that a recipe is wrong.
    from reid_core import load_embedder
    from reid_core.models.language_files import TextManifest
    from training.text.making import train_text

    if out.is_dir() and any(out.iterdir()) and not (out / TextManifest.file_name).is_file():
        raise UsageError(f"{out} holds something other than a text encoder and is not written into.")
    check_writable(out, folder=True)
    with ProgressBars() as bars:
        made = train_text(
            settings, load_embedder(reid), data, out, lambda done, total: bars.show("images", done, total, "")
        )
    if as_json:
        print(made.manifest.model_dump_json(indent=2))
        return 0
    print(
        f"{out}: {made.features:,} features of {made.descriptions:,} descriptions of {made.people:,} people"
    )
    for text in made.notes:
        print(text)
    return 0


def evaluate_text_command(
    dataset: Path,
    text: Path | None,
    reid: str | None,
    rewordings: Path | None,
    beside: Path | None,
    trials: int,
    as_json: bool,
) -> int:
    """Measure a text encoder on a data set's test people, and print tables.

    Args:
        dataset: folder of a data set with captions.
        text: folder of the text encoder; the starter model by default.
        reid: embedder; the starter model by default.
        rewordings: list of descriptions in whose words the captions are said, too.
        beside: data set whose captions a plain regression learns from, to be measured beside.
        trials: galleries drawn.
        as_json: print JSON instead of tables.

    Returns:
        0.

    Raises:
        UsageError: there is no text encoder, or the data set has no protocol by kind of infrared images.
        SourceError: images, captions or the list cannot be read.
        ModelError: a model cannot be loaded.
    """
    from reid_core import load_embedder
    from reid_core.runtime import load_text_encoder
    from reid_core.starter import starter_text_encoder
    from training.text.measuring import measure_text

    place = text or starter_text_encoder()
    if place is None:
        raise UsageError("There is no text encoder to measure.", "Name its folder with --text FOLDER.")
    embedder = load_embedder(reid)
    encoder = load_text_encoder(place, embedder.space)
    with ProgressBars() as bars:
        rows = measure_text(
            encoder,
            embedder,
            dataset,
            rewordings,
            beside,
            trials,
            lambda done, total: bars.show("images", done, total, ""),
        )
    if as_json:
        print(json.dumps([asdict(row) for row in rows], indent=2))
    else:
        print("\n\n".join(_tables(rows)))
    return 0


def _tables(rows: Sequence["TextRow"]) -> list[str]:
    """A Markdown table for each kind of infrared images."""
    tables = []
    for kind in dict.fromkeys(row.kind for row in rows):
        own = [row for row in rows if row.kind == kind]
        lines = [
            f"{kind}, {own[0].figures.queries:,} queries",
            "",
            "| asked with | words | R1 | 95 % | mAP | mINP |",
            "|---|---|---|---|---|---|",
        ]
        for row in own:
            found, words = row.figures, row.level or ""
            low, high = (f"{100 * each:.1f}" for each in found.r1_95)
            figures = [f"{100 * found.r1:.1f}", f"{low} to {high}"]
            figures += [f"{100 * each:.1f}" for each in (found.map, found.minp)]
            said = f"{words}, reworded" if row.reworded else words
            lines.append(f"| {row.name} | {said} | {' | '.join(figures)} |")
        tables.append("\n".join(lines))
    return tables
