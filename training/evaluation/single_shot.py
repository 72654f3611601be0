"""The SYSU-like protocol on a data set folder: all infrared test images against one visible image a camera.

Ten galleries are drawn as the AGW lineage of codes draws them (Ye et al., TPAMI 2021): for trial t, Python's
generator seeded with t chooses one file of each (identity, camera) in order. Metrics are averaged over the
trials.
"""

import json
import random
import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np

from reid_core.errors import SourceError
from reid_core.images import IMAGE_SUFFIXES, read_image
from reid_core.types import Floats, Modality, Spectrum
from training.evaluation.baselines import Describe
from training.evaluation.retrieval import SYSU_EXCLUSION, chance, chance_map, evaluate_retrieval

EmbedFiles: TypeAlias = Callable[[Sequence[Path], Modality], Floats]
"""Image files of one modality to ``(N, D)`` float32 unit vectors."""

TRIALS = 10
_SYSU_SPECTRA = {
    1: Spectrum.VISIBLE,
    2: Spectrum.VISIBLE,
    3: Spectrum.NEAR,
    4: Spectrum.VISIBLE,
    5: Spectrum.VISIBLE,
    6: Spectrum.NEAR,
}
_BATCH = 64


@dataclass(frozen=True, slots=True)
class TestImage:
    """One crop of the test split: its file, whose it is and which camera took it."""

    path: Path
    identity: int
    camera: int


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
    folder: Path, embed: EmbedFiles, trials: int = TRIALS
) -> dict[Spectrum, SingleShotResult]:
    """Measure how well infrared queries find their visible identity.

    Every image is embedded once. Queries of camera 3 do not see camera 2, which stands in the same place.

    Args:
        folder: a data set in the SYSU-MM01 layout; its test identities are used.
        embed: files to vectors.
        trials: galleries to draw.

    Returns:
        A result for each infrared spectrum of the data set.

    Raises:
        SourceError: the folder is no such data set, or its test split lacks queries or a gallery.
        UsageError: the vectors are not finite or no query has a positive.
    """
    name, spectra = camera_spectra(folder)
    images = read_test_images(folder)
    queries = [image for image in images if spectra[image.camera] is not Spectrum.VISIBLE]
    visible = [image for image in images if spectra[image.camera] is Spectrum.VISIBLE]
    if not queries or not visible:
        raise SourceError(f"The test split of {folder} holds no {'queries' if visible else 'gallery'}.")
    galleries = [draw_gallery(visible, trial) for trial in range(trials)]
    # An image may be in several galleries.
    drawn = sorted({image for gallery in galleries for image in gallery}, key=lambda image: image.path)
    places = {image: place for place, image in enumerate(drawn)}
    vectors = embed([image.path for image in drawn], Modality.VISIBLE)
    found = {}
    for spectrum in dict.fromkeys(spectra[image.camera] for image in queries):
        of_it = [image for image in queries if spectra[image.camera] is spectrum]
        probes = embed([image.path for image in of_it], Modality.INFRARED)
        found[spectrum] = _average(
            f"{name}/all/single-shot/AGW sampler/{trials} trials/{spectrum.value} to visible/"
            "camera 3 without camera 2/no text/no TTA/no re-ranking",
            spectrum,
            of_it,
            probes,
            [(gallery, vectors[[places[image] for image in gallery]]) for gallery in galleries],
        )
    return found


def draw_gallery(visible: Iterable[TestImage], trial: int) -> list[TestImage]:
    """One image of each (identity, camera), identities and cameras ascending, files in order of name."""
    folders: dict[tuple[int, int], list[TestImage]] = {}
    for image in visible:
        folders.setdefault((image.identity, image.camera), []).append(image)
    # The same draws as of the module's own functions after random.seed(trial), which this leaves alone.
    generator = random.Random(trial)
    return [
        generator.choice(sorted(folders[key], key=lambda image: image.path.name)) for key in sorted(folders)
    ]


def files_embedder(describe: Describe) -> EmbedFiles:
    """Let what describes crops read them from files, a batch at a time."""

    def embed(paths: Sequence[Path], modality: Modality) -> Floats:
        parts = [
            describe([read_image(path) for path in paths[start : start + _BATCH]], modality)
            for start in range(0, len(paths), _BATCH)
        ]
        return np.concatenate(parts)

    return embed


def camera_spectra(folder: Path) -> tuple[str, dict[int, Spectrum]]:
    """A data set's name and what each of its cameras records.

    Without a ``synthetic.json`` it is SYSU-MM01 itself: 3 and 6 near infrared, the others visible.

    Raises:
        SourceError: the manifest cannot be read.
    """
    manifest = folder / "synthetic.json"
    if not manifest.is_file():
        return "SYSU-MM01", dict(_SYSU_SPECTRA)
    try:
        values = json.loads(manifest.read_text(encoding="utf-8"))
        cameras: Mapping[str, Mapping[str, str]] = values["cameras"]
        return "synthetic", {int(camera): Spectrum(said["spectrum"]) for camera, said in cameras.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise SourceError(f"The manifest {manifest} cannot be read: {error!r}.") from None


def read_test_images(folder: Path, split: str = "test") -> list[TestImage]:
    """All images of a split's identities, by identity, camera and file name.

    Raises:
        SourceError: the folder holds no list of the split's identities.
    """
    listing = folder / "exp" / f"{split}_id.txt"
    try:
        text = listing.read_text(encoding="utf-8")
        identities = sorted({int(part) for part in text.replace("\n", ",").split(",") if part.strip()})
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{listing} does not list the split's identities: {error}.",
            "It is one line of numbers and commas.",
        ) from None
    return [
        TestImage(path, identity, camera)
        for identity in identities
        for camera in _SYSU_SPECTRA
        for path in sorted((folder / f"cam{camera}" / f"{identity:04d}").glob("*"))
        if path.suffix.lower() in IMAGE_SUFFIXES
    ]


def _average(
    protocol: str,
    spectrum: Spectrum,
    queries: Sequence[TestImage],
    probes: Floats,
    galleries: Sequence[tuple[Sequence[TestImage], Floats]],
) -> SingleShotResult:
    """The mean over galleries, each drawn from the same folders."""
    query_sides = _sides(queries)
    results = [
        evaluate_retrieval(probes, *query_sides, vectors, *_sides(images), SYSU_EXCLUSION)
        for images, vectors in galleries
    ]
    sides = (*query_sides, *_sides(galleries[0][0]), SYSU_EXCLUSION)

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


def _sides(images: Sequence[TestImage]) -> tuple[list[int], list[int]]:
    return [image.identity for image in images], [image.camera for image in images]
