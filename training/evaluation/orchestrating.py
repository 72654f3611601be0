"""Models under protocols: which apply, whose vectors ask and are searched, and what is refused at once."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from reid_core.errors import SourceError, UsageError
from reid_core.ranking.mixing import MixRetrieve, parse_mix
from reid_core.runtime import Embedder, load_embedder
from reid_core.runtime.cache import cache_folder
from reid_core.standardising import parse_form
from reid_core.types import Floats
from training.datasets.checks.findings import Told
from training.datasets.opening import need_layout
from training.datasets.records import ImageRecord, ReidDataset, Split
from training.evaluation.evaluated import Evaluated, EvaluatedImages, EvaluatedModel
from training.evaluation.evaluating import (
    Contest,
    ProtocolResult,
    contest_of,
    contests,
    evaluate_protocol,
)
from training.evaluation.features import read_features
from training.evaluation.galleries import Permutations, draw_trials, read_permutations
from training.evaluation.measures import check_parts, measure_of, needs_parts, parts_of
from training.evaluation.protocols import Direction, ProtocolSpec, Sampler, parse_protocol, presets_of
from training.evaluation.queries import FUSED_FEATURES, QueryMaker
from training.evaluation.standardised import standardised
from training.evaluation.texts import query_texts
from training.evaluation.vectors import asked, embedded
from training.evaluation.worded import worded_by


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
        query_maker: makes the vectors of queries with text for a model; by default the text encoder beside it
            does (`training.evaluation.worded`). Without either, protocols with text are refused.
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
            maker_of = self.query_maker or worded_by(model, trial)
            wanted = self._specs(dataset, records, permutations, maker_of is not None)
            if layout.trials is not None:
                wanted = [replace(spec, trials=len(trials)) for spec in wanted]
            specs = {spec.id: spec for spec in wanted}
            divisions = None if layout.trials is None else trials
            images = images or EvaluatedImages(dataset, records, str(self.split), divisions)
            embedders.append(_opened(model, trial))
            for spec in specs.values():
                check_parts(spec, embedders[-1])
            vectors = _Vectors(self, dataset, records, embedders[-1], maker_of, tell)
            for spec in sorted(specs.values(), key=lambda spec: spec.flip):
                query, gallery = vectors.query(spec, permutations), vectors.gallery(spec)
                if spec.standardised != "none":
                    query = gallery = standardised(gallery, records, parse_form(spec.standardised))
                made = contests(records, query, gallery, spec, permutations, dataset.same_place)
                contested.setdefault(spec.id, []).extend(
                    vectors.completed(each, spec, permutations) for each in made
                )
        if images is None:
            raise UsageError(f"{self.root} is evaluated on at least one of its trials.")
        named = EvaluatedModel(
            embedders[-1].name,
            tuple(embedder.model_id for embedder in embedders),
            Path(model).name if isinstance(model, str) else None,
        )
        # The first trial's scores are those that are judged, so the first trial's model is asked.
        results = self._measured(list(specs.values()), contested, embedders[0], tell)
        return Evaluated(results, contested, named, images, seconds=time.monotonic() - begun)

    def _specs(
        self,
        dataset: ReidDataset,
        records: Sequence[ImageRecord],
        permutations: Permutations | None,
        reads: bool,
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
                if not reads:
                    refuse_text(spec)
                known = spec.text != "none" and spec.feature in FUSED_FEATURES
                if spec.feature != "bn" and not known and parse_mix(spec.feature) is None:
                    raise UsageError(
                        f"The models here give the feature 'bn', not {spec.feature!r}.",
                        f"Queries with text have {', '.join(FUSED_FEATURES)} and {MixRetrieve().id} too.",
                    )
                measure_of(spec)
                check_standardised(spec)
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
            plain = (spec.reranking, spec.text, spec.standardised) == ("none", "none", "none")
            plain = plain and spec.direction is not Direction.VIS2VIS
            plain = plain and spec.flip == embedder.manifest.preprocess.mirror
            calibration = embedder.calibration("infrared-visible") if plain else None
            results[spec.id] = evaluate_protocol(
                spec, contested[spec.id], measure_of(spec), calibration, self.seed
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
    rerank = measure_of(spec)
    if needs_parts(spec):
        raise UsageError("The joint measure needs local vectors, and feature files hold none.")
    if spec.standardised != "none":
        raise UsageError(
            "Vectors from files are compared as they are.",
            "Standardise them before, and leave standardised out.",
        )
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
            f"The protocol asks with text ({spec.text}), and the model reads none.",
            "Leave text=none, or give a checkpoint with a text encoder in text/.",
        )


def check_standardised(spec: ProtocolSpec) -> None:
    """Make sure that there is such a form of standardising, for queries that are images.

    Raises:
        UsageError: there is not, or the protocol asks with text.
    """
    if spec.standardised == "none":
        return
    parse_form(spec.standardised)
    if spec.text != "none":
        raise UsageError("Queries with text are of no camera.", "Leave either text or standardised out.")


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
        maker_of: Callable[[Embedder], QueryMaker] | None,
        tell: Told,
    ) -> None:
        self._maker_of = maker_of
        self._evaluator = evaluator
        self._dataset = dataset
        self._records = records
        self._embedder = embedder
        self._tell = tell
        self._cache = evaluator.cache or cache_folder() / "features"
        self._found: dict[bool, Floats] = {}
        self._parts: Floats | None = None
        self._words: dict[str, Floats] = {}

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
        if spec.text == "none" or parse_mix(spec.feature) is not None:
            return self.gallery(spec)
        return self._worded(spec, permutations)

    def completed(self, trial: Contest, spec: ProtocolSpec, permutations: Permutations | None) -> Contest:
        """A trial with what its protocol compares besides vectors of images."""
        ask, known = trial.query_rows, trial.gallery_rows
        if needs_parts(spec):
            if self._parts is None:
                self._parts = parts_of(
                    self._dataset,
                    self._records,
                    self._embedder,
                    self._cache,
                    lambda done, total: self._tell("parts of images", done, total),
                )
            trial = replace(trial, query_local=self._parts[ask], gallery_local=self._parts[known])
        if parse_mix(spec.feature) is not None:
            trial = replace(trial, query_text=self._worded(spec, permutations)[ask])
        return trial

    def _worded(self, spec: ProtocolSpec, permutations: Permutations | None) -> Floats:
        """``(N, D)``, NaN but for those that ask."""
        if spec.id not in self._words:
            self._words[spec.id] = self._made(spec, permutations)
        return self._words[spec.id]

    def _made(self, spec: ProtocolSpec, permutations: Permutations | None) -> Floats:
        assert self._maker_of is not None
        drawn = draw_trials(self._records, spec, permutations)
        rows = list(dict.fromkeys(row for trial in drawn for row in trial.query.tolist()))
        queries = [self._records[row] for row in rows]
        texts = query_texts(self._dataset, queries, spec.text)
        # What an image itself shows, in words, is its own caption.
        fused = spec.feature in FUSED_FEATURES
        filters = query_texts(self._dataset, queries, "image") if fused else ()
        vectors = np.full((len(self._records), self._embedder.dim), np.nan, np.float32)
        vectors[rows] = asked(
            self._dataset,
            queries,
            texts,
            self._maker_of(self._embedder),
            self._embedder,
            spec.flip,
            self._cache,
            lambda done, total: self._tell(f"queries with text ({spec.text})", done, total),
            spec.feature if fused else "bn",
            filters,
        )
        return vectors
