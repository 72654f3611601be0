"""Whatever describes crops, measured single-shot: embedders, and what needs no learning."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from reid_core.errors import SourceError, UsageError
from reid_core.runtime import load_embedder
from reid_core.types import Floats, Ints, Modality, Spectrum
from training.datasets.records import ImageRecord, ReidDataset, Split
from training.evaluation.baselines import Describe, EmbedFiles, colour_histogram, hog
from training.evaluation.evaluating import FIGURES, ProtocolResult, contests, evaluate_protocol
from training.evaluation.galleries import draw_trials
from training.evaluation.intervals import Interval
from training.evaluation.protocols import PRESETS, ProtocolSpec
from training.evaluation.public_networks import PUBLIC_NETWORKS, open_public_network

TRIALS = 10


@dataclass(frozen=True, slots=True)
class Method:
    """Something that describes crops.

    Attributes:
        describe: crops to vectors.
        flip: whether it looks at mirror images too, of its own accord.
    """

    describe: Describe
    flip: bool = False


@dataclass(frozen=True, slots=True)
class SpectrumFigures:
    """One spectrum's queries; metrics in 0..1, averaged over the trials.

    Attributes:
        spectrum: of the queries.
        protocol: its id.
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
        interval_95: of rank-1, over identities.
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
    interval_95: Interval

    @classmethod
    def of(cls, spectrum: Spectrum, result: ProtocolResult, identities: int) -> "SpectrumFigures":
        """Those of a protocol's result."""
        return cls(
            spectrum,
            result.protocol,
            identities,
            result.valid,
            result.gallery,
            len(result.trials),
            **{figure: result.mean(figure) for figure in FIGURES},
            r1_spread=result.spread("r1"),
            chance_r1=result.chance_r1,
            chance_map=result.chance_map,
            interval_95=result.intervals["r1"],
        )

    def as_json(self) -> dict[str, Any]:
        """Plain values, metrics to four places."""
        said = {
            key: round(value, 4) if isinstance(value, float) else value for key, value in asdict(self).items()
        }
        return {**said, "interval_95": [round(end, 4) for end in self.interval_95]}


def evaluate_described(
    dataset: ReidDataset,
    embed: EmbedFiles,
    trials: int = TRIALS,
    split: Split = Split.TEST,
    flip: bool = False,
) -> dict[Spectrum, SpectrumFigures]:
    """Measure how well infrared queries find their visible identity, each spectrum for itself.

    The protocol is ``<data set>-all-single-A`` with the queries of one spectrum. Every image is embedded
    once.

    Args:
        dataset: of the SYSU-MM01 layout, or one laid out like it.
        embed: files to vectors.
        trials: galleries to draw.
        split: whose identities are queries and gallery.
        flip: whether the vectors are of images together with their mirror images, for the id.

    Returns:
        Figures for each infrared spectrum of the data set.

    Raises:
        SourceError: the split lacks queries or a gallery, or an image cannot be read.
        UsageError: the layout is another, the vectors are not finite or no query has a positive.
    """
    preset = PRESETS.get(f"{dataset.protocols}-all-single-A")
    if preset is None:
        raise UsageError(
            f"The single-shot protocol is SYSU-MM01's; {dataset.root} is laid out as {dataset.layout}."
        )
    records = dataset.records(split)
    spectra = {
        record.spectrum: None
        for record in records
        if record.modality is Modality.INFRARED and record.spectrum is not None
    }
    visible = any(record.modality is Modality.VISIBLE for record in records)
    if not spectra or not visible:
        lacking = "queries" if visible else "gallery"
        raise SourceError(f"The {split} split of {dataset.root} holds no {lacking}.")
    specs = {each: replace(preset, queries=str(each), trials=trials, flip=flip) for each in spectra}
    vectors = _vectors(dataset, records, list(specs.values()), embed)
    found = {}
    for spectrum, spec in specs.items():
        made = contests(records, vectors, vectors, spec, same_place=dataset.same_place)
        people = len(np.unique(made[0].sides.query_ids))
        found[spectrum] = SpectrumFigures.of(spectrum, evaluate_protocol(spec, made), people)
    return found


def open_methods(reid: Sequence[str], weights: Path | None = None) -> dict[str, Method]:
    """Embedders by name, beside what needs no learning.

    Args:
        reid: checkpoints, as for `load_embedder`.
        weights: folder of the public networks' weights, to open those too.

    Raises:
        ModelError: a checkpoint is missing or damaged.
    """
    methods: dict[str, Method] = {}
    for path in reid:
        embedder = load_embedder(path)
        # Several checkpoints of one recipe have one name.
        name = f"{embedder.name} ({path})" if embedder.name in methods else embedder.name
        methods[name] = Method(embedder.embed, embedder.manifest.preprocess.mirror)
    methods |= {"HOG": Method(hog), "colour histogram": Method(colour_histogram)}
    if weights is not None:
        methods |= {name: Method(open_public_network(name, weights).embed) for name in PUBLIC_NETWORKS}
    return methods


def describes(methods: Mapping[str, Method]) -> dict[str, Describe]:
    """Only what they do."""
    return {name: method.describe for name, method in methods.items()}


def _vectors(
    dataset: ReidDataset, records: Sequence[ImageRecord], specs: Sequence[ProtocolSpec], embed: EmbedFiles
) -> Floats:
    """``(N, D)``: of whoever is drawn into a gallery, and of everybody who asks; NaN for the others."""
    drawn = [trial for spec in specs for trial in draw_trials(records, spec)]
    known = sorted(
        {row for trial in drawn for row in trial.gallery.tolist()}, key=lambda row: records[row].path
    )
    # The queries of a spectrum are the same in all of its trials.
    sides: list[tuple[list[int], Modality]] = [(known, Modality.VISIBLE)]
    for spec in specs:
        asks: Ints = draw_trials(records, replace(spec, trials=1))[0].query
        sides.append((np.sort(asks).tolist(), Modality.INFRARED))
    vectors: Floats | None = None
    for rows, modality in sides:
        found = embed([dataset.file(records[row]) for row in rows], modality)
        if vectors is None:
            vectors = np.full((len(records), found.shape[1]), np.nan, np.float32)
        vectors[rows] = found
    assert vectors is not None
    return vectors
