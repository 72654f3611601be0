"""Systems side by side: what each finds by images alone and with words, and what it costs to run."""

from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reid_core.errors import UsageError
from reid_core.images import read_image
from reid_core.models.checkpoint_files import CheckpointFiles, open_checkpoint
from reid_core.models.language import FusingEncoder
from reid_core.models.language_files import TextManifest
from reid_core.querying.asking import QueryModels
from reid_core.querying.description import Description, read_description
from reid_core.querying.query import Form
from reid_core.ranking.mixing import MixRetrieve, parse_mix
from reid_core.types import Image, Modality
from training.datasets.checks.findings import Told
from training.datasets.opening import need_layout
from training.evaluation.evaluated import Evaluated
from training.evaluation.evaluating import Contest, ProtocolResult
from training.evaluation.orchestrating import Evaluator
from training.evaluation.protocols import Direction, ProtocolSpec, parse_protocol, presets_of
from training.evaluation.serving_times import Times, Worded, crop_times, query_times
from training.evaluation.texts import query_texts

_FORMS = {"fused": Form.FUSED, "ensemble-mean": Form.ENSEMBLE, "ensemble-cosines": Form.ENSEMBLE}


@dataclass(frozen=True, slots=True)
class Side:
    """One system.

    Attributes:
        name: of its model.
        checkpoint: name of the folder.
        model_id: what its vectors were made by.
        image: by images alone.
        words: with words beside the images; ``None`` for a system that reads none.
        crop: embedding a crop.
        query: asking by an image.
        worded: asking by an image with words.
        gallery: pictures that the timed queries were compared with.
        mib: of the visual weights' files.
        text_mib: of the text encoder's files.
    """

    name: str
    checkpoint: str
    model_id: str
    image: ProtocolResult
    words: ProtocolResult | None
    crop: Times
    query: Times
    worded: Times | None
    gallery: int
    mib: float
    text_mib: float | None


def side_by_side(
    root: Path,
    checkpoints: Sequence[Path],
    protocol: str | None = None,
    text: str = "identity-fixed",
    layout: str | None = None,
    queries: int = 50,
    told: Told | None = None,
) -> tuple[Side, ...]:
    """Measure systems on the same images, with words as each asks: by fusion, or by narrowing the gallery.

    Args:
        root: folder of the data set.
        checkpoints: folders of models of any systems.
        protocol: preset or id of infrared queries by images alone; the data set's first preset by default.
        text: source of the words, as in protocols; ``none`` to leave them out.
        layout: of the data set; by default what it looks like.
        queries: of each kind that are timed.
        told: called with what is done, how many of it, and of how many.

    Raises:
        UsageError: the protocol does not fit the data or is of something else, there is no such source of
            words, or there is no checkpoint.
        SourceError: images or captions cannot be read.
        ModelError: a checkpoint cannot be opened.
    """
    if not checkpoints:
        raise UsageError("There is nothing to set side by side.", "Name a checkpoint for each system.")
    alone = _spec(root, layout, protocol)
    parse_protocol(replace(alone, text=text).id)
    files = [open_checkpoint(one) for one in checkpoints]
    return tuple(_side(root, layout, each, alone, text, queries, told) for each in files)


def _spec(root: Path, layout: str | None, protocol: str | None) -> ProtocolSpec:
    data = need_layout(root, layout).open(root, 1).protocols
    asked_by_night = [one for one in presets_of(data).values() if one.direction is Direction.IR2VIS]
    if protocol is None and not asked_by_night:
        raise UsageError(f"There is no preset of {data} with infrared queries.", "Name a --protocol.")
    spec = parse_protocol(protocol) if protocol is not None else asked_by_night[0]
    if (spec.direction, spec.text, spec.feature) != (Direction.IR2VIS, "none", "bn"):
        raise UsageError(
            f"Systems are set side by side by infrared queries of images alone, not by {spec.id}.",
            "Words are added to the protocol, each system's way.",
        )
    return spec


def _side(
    root: Path,
    layout: str | None,
    files: CheckpointFiles,
    alone: ProtocolSpec,
    text: str,
    queries: int,
    told: Told | None,
) -> Side:
    folder = files.folder
    beside = folder / TextManifest.folder_name
    models = QueryModels(str(folder))
    worded = text != "none" and (beside / TextManifest.file_name).is_file()
    asked = replace(alone, text=text, feature=_feature(models)) if worded else None
    protocols = [one.id for one in (alone, asked) if one is not None]
    done = Evaluator(root, protocols, layout).evaluate(str(folder), told)
    results = list(done.results.values())
    first = done.contests[results[0].protocol][0]
    crops, words = _asking(done, first, asked, queries)
    form = None
    if asked is not None:
        form = Worded(words, _FORMS.get(asked.feature, Form.NARROWED), parse_mix(asked.feature))
    return Side(
        name=files.manifest.name,
        checkpoint=folder.name,
        model_id=files.model_id,
        image=results[0],
        words=results[1] if asked is not None else None,
        crop=crop_times(models.embedder, crops, Modality.INFRARED, queries),
        query=query_times(models, first.gallery, crops),
        worded=query_times(models, first.gallery, crops, form) if form is not None else None,
        gallery=len(first.gallery),
        mib=_mib(set(files.weights.values())),
        text_mib=_mib(beside.rglob("*")) if worded else None,
    )


def _feature(models: QueryModels) -> str:
    """How a system asks by an image with words."""
    return "fused" if isinstance(models.encoder, FusingEncoder) else MixRetrieve().id


def _asking(
    done: Evaluated, first: Contest, asked: ProtocolSpec | None, queries: int
) -> tuple[list[Image], list[Description]]:
    """Crops of queries of the first trial, evenly chosen; with words, those whose words are understood."""
    assert done.images is not None and first.query_rows is not None
    dataset, rows = done.images.dataset, first.query_rows
    chosen = rows[np.unique(np.linspace(0, len(rows) - 1, queries).astype(np.int64))].tolist()
    records = [done.images.records[row] for row in chosen]
    if asked is None:
        return [read_image(dataset.file(one)) for one in records], []
    crops, words = [], []
    for record, text in zip(records, query_texts(dataset, records, asked.text), strict=True):
        with suppress(UsageError):
            words.append(read_description(text))
            crops.append(read_image(dataset.file(record)))
    if not words:
        raise UsageError(f"None of the words of {asked.text} can be asked by: none is understood.")
    return crops, words


def _mib(files: Iterable[Path]) -> float:
    return sum(one.stat().st_size for one in files if one.is_file()) / 2**20
