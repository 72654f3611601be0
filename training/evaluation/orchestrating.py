"""Models under protocols: which apply, whose vectors ask and are searched, and what is refused at once."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reid_core.errors import SourceError, UsageError
from reid_core.ranking import LocalGlobalJoint, NoReranking, parse_reranking, reranked
from reid_core.runtime import Embedder, load_embedder
from reid_core.runtime.cache import cache_folder
from reid_core.types import Floats
from training.datasets.checks.findings import Told
from training.datasets.opening import need_layout
from training.datasets.records import ImageRecord, ReidDataset, Split
from training.evaluation.evaluated import Evaluated, EvaluatedImages, EvaluatedModel
from training.evaluation.evaluating import (
    Contest,
    ProtocolResult,
    Rerank,
    contest_of,
    contests,
    evaluate_protocol,
)
from training.evaluation.features import read_features
from training.evaluation.galleries import Permutations, draw_trials, read_permutations
from training.evaluation.protocols import ProtocolSpec, Sampler, parse_protocol, presets_of
from training.evaluation.queries import QueryMaker
from training.evaluation.texts import query_texts
from training.evaluation.vectors import asked, embedded


@dataclass(frozen=True, slots=True)
class Evaluator:
    """What models are measured by: the same images under the same protocols.

    Attributes:
        root: folder of the data set.
        protocols: presets or ids; none takes all presets that the images can answer.
        layout: of the data set; by default what it looks like.
        split: whose identities.
        trials: of a data set that comes with several divisions of its people, as RegDB; figures are
            averaged over them.
        seed: of intervals and strangers.
        query_maker: makes the vectors of queries with text for a model; without one, protocols with text are
            refused.
        cache: folder that keeps vectors; by default the user's.
    """

    root: Path
    protocols: Sequence[str] = ()
    layout: str | None = None
    split: Split = Split.TEST
    trials: Sequence[int] = (1,)
    seed: int = 1
    query_maker: Callable[[Embedder], QueryMaker] | None = None
    cache: Path | None = None

    def evaluate(self, model: str | Embedder, told: Told | None = None) -> Evaluated:
        """Measure a model.

        Args:
            model: as for `load_embedder`, or one that is open; ``{trial}`` in a name stands for the trial, as
                each needs a model of its own.
            told: called with what is done, how many of it, and of how many.

        Raises:
            UsageError: a protocol does not fit the data or the model, or none does.
            SourceError: the data cannot be read.
            ModelError: the model cannot be loaded.
        """
        begun = time.monotonic()
        tell: Told = told or (lambda what, done, total: None)
        layout = need_layout(self.root, self.layout)
        trials = tuple(self.trials) if layout.trials is not None else (1,)
        contested: dict[str, list[Contest]] = {}
        specs: dict[str, ProtocolSpec] = {}
        embedders: list[Embedder] = []
        images: EvaluatedImages | None = None
        for trial in trials:
            dataset = layout.open(self.root, trial)
            records = dataset.records(self.split)
            permutations = read_permutations(dataset)
            # What cannot be answered is said before anything is computed.
            wanted = self._specs(dataset, records, permutations)
            if layout.trials is not None:
                wanted = [replace(spec, trials=len(trials)) for spec in wanted]
            specs = {spec.id: spec for spec in wanted}
            divisions = None if layout.trials is None else trials
            images = images or EvaluatedImages(dataset, records, str(self.split), divisions)
            embedders.append(_opened(model, trial))
            vectors = _Vectors(self, dataset, records, embedders[-1], tell)
            for spec in sorted(specs.values(), key=lambda spec: spec.flip):
                query, gallery = vectors.query(spec, permutations), vectors.gallery(spec)
                made = contests(records, query, gallery, spec, permutations, dataset.same_place)
                contested.setdefault(spec.id, []).extend(made)
        if images is None:
            raise UsageError(f"{self.root} is evaluated on at least one of its trials.")
        named = EvaluatedModel(
            embedders[-1].name,
            tuple(embedder.model_id for embedder in embedders),
            Path(model).name if isinstance(model, str) else None,
        )
        results = self._measured(list(specs.values()), contested, embedders[-1], tell)
        return Evaluated(results, contested, named, images, seconds=time.monotonic() - begun)

    def _specs(
        self, dataset: ReidDataset, records: Sequence[ImageRecord], permutations: Permutations | None
    ) -> list[ProtocolSpec]:
        """Those that were asked for, or all presets that these images can answer."""
        kind = dataset.protocols
        if self.protocols:
            specs = [parse_protocol(text) for text in self.protocols]
            for text, spec in zip(self.protocols, specs, strict=True):
                if spec.data != kind:
                    raise UsageError(
                        f"The protocol {text!r} is one of {spec.data}; {dataset.root} is {kind}.",
                        f"Possible are: {', '.join(presets_of(kind)) or f'ids that begin with {kind}/'}.",
                    )
                if self.query_maker is None:
                    refuse_text(spec)
                if spec.feature != "bn":
                    raise UsageError(f"The models here give the feature 'bn', not {spec.feature!r}.")
                rerank_of(spec)
                draw_trials(records, spec, permutations)
            return specs
        presets = presets_of(kind)
        if not presets:
            raise UsageError(
                f"There is no preset of {kind}, whose protocols {dataset.root} is evaluated under.",
                f"Give a whole id that begins with {kind}/, or leave protocols out of its ReidDataset.",
            )
        possible = []
        for spec in presets.values():
            if spec.sampler is Sampler.B and permutations is None:
                continue
            try:
                draw_trials(records, spec, permutations)
            except SourceError:
                # A data set without near infrared has no such queries.
                continue
            possible.append(spec)
        if not possible:
            raise UsageError(f"No protocol of {kind} fits the images of {dataset.root}.")
        return possible

    def _measured(
        self,
        specs: Sequence[ProtocolSpec],
        contested: Mapping[str, Sequence[Contest]],
        embedder: Embedder,
        tell: Told,
    ) -> dict[str, ProtocolResult]:
        results = {}
        for number, spec in enumerate(specs, 1):
            tell("protocols", number - 1, len(specs))
            # Scores of anything but two images' vectors are not what was calibrated.
            plain = spec.reranking == "none" and spec.text == "none"
            calibration = embedder.calibration("infrared-visible") if plain else None
            results[spec.id] = evaluate_protocol(
                spec, contested[spec.id], rerank_of(spec), calibration, self.seed
            )
            tell("protocols", number, len(specs))
        return results


def evaluate_features(files: Sequence[Path], protocol: str, seed: int = 1) -> Evaluated:
    """Measure vectors that were computed anywhere.

    Args:
        files: ``.npz`` files, a trial each, see `features.read_features`.
        protocol: preset or id that they were made for; its number of trials becomes that of the files.
        seed: of intervals and strangers.

    Raises:
        UsageError: the protocol asks with text or needs more than vectors, or the files' dimensions differ.
        SourceError: a file cannot be read.
    """
    spec = parse_protocol(protocol)
    refuse_text(spec)
    rerank = rerank_of(spec)
    trials = [contest_of(read_features(file), spec) for file in files]
    spec = replace(spec, trials=len(trials))
    widths = {trial.query.shape[1] for trial in trials}
    if len(widths) > 1:
        raise UsageError(f"The files hold vectors of {' and '.join(map(str, sorted(widths)))} numbers.")
    result = evaluate_protocol(spec, trials, rerank, seed=seed)
    return Evaluated({spec.id: result}, {spec.id: trials}, files=tuple(file.name for file in files))


def refuse_text(spec: ProtocolSpec) -> None:
    """Refuse a protocol whose queries nothing at hand can make.

    Raises:
        UsageError: it asks with text.
    """
    if spec.text != "none":
        raise UsageError(
            f"The protocol asks with text ({spec.text}), and no model of this version reads any.",
            "Leave text=none.",
        )


def rerank_of(spec: ProtocolSpec) -> Rerank | None:
    """The re-ranking of a protocol; ``None`` for none.

    Raises:
        UsageError: there is no such method, or it needs what no model gives.
    """
    method = parse_reranking(spec.reranking)
    if isinstance(method, LocalGlobalJoint):
        raise UsageError("The joint measure needs local vectors, which no model of this version gives.")
    if isinstance(method, NoReranking):
        return None
    return lambda query, gallery: reranked(query, gallery, method)


def _opened(model: str | Embedder, trial: int) -> Embedder:
    return load_embedder(model.replace("{trial}", str(trial))) if isinstance(model, str) else model


class _Vectors:
    """Both sides' vectors of one trial's images, each made once."""

    def __init__(
        self,
        evaluator: Evaluator,
        dataset: ReidDataset,
        records: Sequence[ImageRecord],
        embedder: Embedder,
        tell: Told,
    ) -> None:
        self._evaluator = evaluator
        self._dataset = dataset
        self._records = records
        self._embedder = embedder
        self._tell = tell
        self._cache = evaluator.cache or cache_folder() / "features"
        self._found: dict[bool, Floats] = {}

    def gallery(self, spec: ProtocolSpec) -> Floats:
        """``(N, D)``, of the images alone."""
        if spec.flip not in self._found:
            title = "images with their mirror images" if spec.flip else "images"
            self._found[spec.flip] = embedded(
                self._dataset,
                self._records,
                self._embedder,
                spec.flip,
                self._cache,
                lambda done, total: self._tell(title, done, total),
            )
        return self._found[spec.flip]

    def query(self, spec: ProtocolSpec, permutations: Permutations | None) -> Floats:
        """``(N, D)``: the gallery's own, or NaN but for those that ask with text."""
        maker_of = self._evaluator.query_maker
        if spec.text == "none" or maker_of is None:
            return self.gallery(spec)
        drawn = draw_trials(self._records, spec, permutations)
        rows = list(dict.fromkeys(row for trial in drawn for row in trial.query.tolist()))
        queries = [self._records[row] for row in rows]
        texts = query_texts(self._dataset, queries, spec.text)
        vectors = np.full((len(self._records), self._embedder.dim), np.nan, np.float32)
        vectors[rows] = asked(
            self._dataset,
            queries,
            texts,
            maker_of(self._embedder),
            self._embedder,
            spec.flip,
            self._cache,
            lambda done, total: self._tell(f"queries with text ({spec.text})", done, total),
        )
        return vectors
