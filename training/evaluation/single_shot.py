"""The SYSU-like protocol on a data set: all infrared test images against one visible image a camera.

Ten galleries are drawn as the AGW lineage of codes draws them (Ye et al., TPAMI 2021): for trial t, Python's
generator seeded with t chooses one file of each (identity, camera) in order. Metrics are averaged over the
trials.
"""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from reid_core.errors import SourceError, UsageError
from reid_core.images import read_image
from reid_core.types import Floats, Modality, Spectrum
from training.datasets import sysu
from training.datasets.records import ImageRecord, ReidDataset, Split
from training.evaluation.baselines import Describe
from training.evaluation.galleries import one_a_folder
from training.evaluation.retrieval import chance, chance_map, evaluate_retrieval

EmbedFiles: TypeAlias = Callable[[Sequence[Path], Modality], Floats]
"""Image files of one modality to ``(N, D)`` float32 unit vectors."""

TRIALS = 10
_BATCH = 64


@dataclass(frozen=True, slots=True)
class SingleShotResult:
    """One spectrum's queries; metrics in 0..1, averaged over the trials.

    Attributes:
        spectrum: of the queries.
        protocol: what was measured, in words that name every choice.
        identities: in the query set.
        queries: images; those without a positive are not counted.
        gallery: images in a trial's gallery.
        trials: galleries drawn.
        r1: rank-1; likewise r5, r10, r20 over identities.
        map: over images.
        minp: over images.
        r1_spread: standard deviation of rank-1 over the trials.
        chance_r1: rank-1 to expect of a random ranking.
        chance_map: mAP to expect of a random ranking.
    """

    spectrum: Spectrum
    protocol: str
    identities: int
    queries: int
    gallery: int
    trials: int
    r1: float
    r5: float
    r10: float
    r20: float
    map: float
    minp: float
    r1_spread: float
    chance_r1: float
    chance_map: float

    def as_json(self) -> dict[str, Any]:
        """Plain values, metrics to four places."""
        return {
            key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()
        }


def evaluate_single_shot(
    dataset: ReidDataset, embed: EmbedFiles, trials: int = TRIALS, split: Split = Split.TEST
) -> dict[Spectrum, SingleShotResult]:
    """Measure how well infrared queries find their visible identity.

    Every image is embedded once. An infrared camera's queries do not see the visible camera that stands in
    the same place.

    Args:
        dataset: of the SYSU-MM01 layout.
        embed: files to vectors.
        trials: galleries to draw.
        split: whose identities are queries and gallery.

    Returns:
        A result for each infrared spectrum of the data set.

    Raises:
        SourceError: the split lacks queries or a gallery, or an image cannot be read.
        UsageError: the layout is another, the vectors are not finite or no query has a positive.
    """
    if dataset.layout != sysu.LAYOUT:
        raise UsageError(
            f"The single-shot protocol is SYSU-MM01's; {dataset.root} is laid out as {dataset.layout}."
        )
    images = dataset.records(split)
    visible = [image for image in images if image.modality is Modality.VISIBLE]
    queries: dict[Spectrum, list[ImageRecord]] = {}
    for image in images:
        if image.modality is Modality.INFRARED:
            queries.setdefault(image.spectrum or Spectrum.NEAR, []).append(image)
    if not queries or not visible:
        lacking = "queries" if visible else "gallery"
        raise SourceError(f"The {split} split of {dataset.root} holds no {lacking}.")
    galleries = [draw_gallery(visible, trial) for trial in range(trials)]
    # An image may be in several galleries.
    drawn = sorted({image.path for gallery in galleries for image in gallery})
    place = {path: index for index, path in enumerate(drawn)}
    vectors = embed([dataset.root / path for path in drawn], Modality.VISIBLE)
    known = [(gallery, vectors[[place[image.path] for image in gallery]]) for gallery in galleries]
    found = {}
    for spectrum, of_it in queries.items():
        probes = embed([dataset.file(image) for image in of_it], Modality.INFRARED)
        protocol = "/".join(
            (
                f"{dataset.name} {split}",
                "all-search",
                "single-shot",
                "AGW sampler",
                f"{trials} trials",
                f"{spectrum} to visible",
                "same place excluded",
                "no text",
                "no flip",
                "no re-ranking",
            )
        )
        found[spectrum] = _average(protocol, spectrum, of_it, probes, known, dataset.same_place)
    return found


def draw_gallery(visible: Iterable[ImageRecord], trial: int) -> list[ImageRecord]:
    """One image of each (identity, camera), identities and cameras ascending, files in order of name."""
    folders: dict[tuple[int, int], list[ImageRecord]] = {}
    for image in visible:
        folders.setdefault((image.identity, image.camera), []).append(image)
    return one_a_folder(
        (sorted(folders[key], key=lambda image: image.path) for key in sorted(folders)), trial
    )


def files_embedder(describe: Describe) -> EmbedFiles:
    """Let what describes crops read them from files, a batch at a time."""

    def embed(paths: Sequence[Path], modality: Modality) -> Floats:
        parts = [
            describe([read_image(path) for path in paths[start : start + _BATCH]], modality)
            for start in range(0, len(paths), _BATCH)
        ]
        return np.concatenate(parts)

    return embed


def _average(
    protocol: str,
    spectrum: Spectrum,
    queries: Sequence[ImageRecord],
    probes: Floats,
    galleries: Sequence[tuple[Sequence[ImageRecord], Floats]],
    exclude: Mapping[int, int],
) -> SingleShotResult:
    """The mean over galleries, each drawn from the same folders."""
    query_sides = _sides(queries)
    results = [
        evaluate_retrieval(probes, *query_sides, vectors, *_sides(images), exclude)
        for images, vectors in galleries
    ]
    sides = (*query_sides, *_sides(galleries[0][0]), exclude)

    def mean(figure: str) -> float:
        return statistics.fmean(getattr(result, figure) for result in results)

    return SingleShotResult(
        spectrum=spectrum,
        protocol=protocol,
        identities=len(set(query_sides[0])),
        queries=results[0].valid,
        gallery=len(galleries[0][0]),
        trials=len(galleries),
        r1=mean("r1"),
        r5=mean("r5"),
        r10=mean("r10"),
        r20=mean("r20"),
        map=mean("map"),
        minp=mean("minp"),
        r1_spread=statistics.pstdev(result.r1 for result in results),
        chance_r1=chance(*sides),
        chance_map=chance_map(*sides),
    )


def _sides(images: Sequence[ImageRecord]) -> tuple[list[int], list[int]]:
    return [image.identity for image in images], [image.camera for image in images]
