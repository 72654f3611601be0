"""TVI-LFM's Table 1: what each part of it adds, over seeds, beside a regression on words."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from torch.nn import functional

from reid_core.fusion import ensemble_cosines, ensemble_mean, semantic_filtered
from reid_core.models.checkpoint import load_checkpoint
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.clip_text.encoder import ClipTextEncoder
from reid_core.models.network import NeckedNetwork
from reid_core.runtime.language import load_text_encoder
from reid_core.types import Floats, Modality
from training.ablation.asking import (
    LEVELS,
    Ask,
    Asked,
    Examination,
    Figures,
    Level,
    kinds_of,
    raw_features,
)
from training.ablation.plan import Plan, Training
from training.ablation.table import Ablated, Row
from training.datasets.opening import open_dataset
from training.datasets.records import ReidDataset, Split
from training.evaluation.texts import captions_of_images
from training.evaluation.word_regression import WordRegression, person_means
from training.systems.starting import input_of

INFRARED_ONLY = "infrared only"


# Without modality joint learning the losses see what asks, and the classifier's own identities.
TRAININGS = (
    Training("baseline text", ("model.fusion=sum", "model.joint=[fusion]", "captions.rephrased=false")),
    Training("+ SFF", ("model.joint=[fusion]", "captions.rephrased=false")),
    Training("+ MJL", ("captions.rephrased=false",)),
    Training("+ paraphraser", ("captions.rephrased=true",)),
)
"""Each adds a part to the one before; the ensemble of the last needs no training of its own."""


def ablate(plan: Plan) -> Ablated:
    """Queries of every level of words are measured; see `Ablation`."""
    dataset = open_dataset(plan.root)
    kinds = kinds_of(dataset)
    examination = Examination(dataset, kinds, plan.trials)
    raw = raw_features(dataset, examination.records, plan.start)
    found: dict[tuple[str, str, Level | None], list[Figures]] = {}

    def measure(name: str, ask: Ask, gallery: Floats, levels: Sequence[Level | None]) -> None:
        for kind in kinds:
            for level in levels:
                figures = examination.measure(ask, gallery, level or "own", kind)
                found.setdefault((name, kind, level), []).append(figures)

    base = _Base(dataset, plan.start)
    gallery = base.necked(raw)
    measure(INFRARED_ONLY, lambda asked: gallery[asked.rows], gallery, [None])
    for name, ask in base.regression(gallery).items():
        measure(name, ask, gallery, LEVELS)
    for training, model in plan.models(TRAININGS, _of_start(plan.start), plan.start):
        loaded = load_text_encoder(model)
        assert isinstance(loaded, ClipTextEncoder)
        reader = _Reader(loaded, raw, examination.captions)
        ask = reader.summed if "model.fusion=sum" in training.settings else reader.fused
        measure(training.name, ask, reader.gallery, LEVELS)
        if training == TRAININGS[-1]:
            for name, other in reader.others():
                measure(name, other, reader.gallery, LEVELS)
    return Ablated(tuple(Row(name, kind, level, tuple(each)) for (name, kind, level), each in found.items()))


class _Reader:
    """What one run's text encoder makes of queries; it reads each text once, however often it is asked with.

    Args:
        encoder: of the run.
        raw: ``(N, D)`` before the neck, of all test images.
        captions: of all of them, among which are all texts that are asked with.

    Attributes:
        gallery: ``(N, D)`` vectors of all of them, of length one.
    """

    def __init__(self, encoder: ClipTextEncoder, raw: Floats, captions: Sequence[str]) -> None:
        self._encoder, self._raw = encoder, raw
        self.gallery = encoder.necked(raw)
        texts = sorted(set(captions))
        self._places = {text: place for place, text in enumerate(texts)}
        self._read = encoder.raw(texts)

    def summed(self, asked: Asked) -> Floats:
        """The text is added, and nothing is filtered."""
        return self._encoder.necked(self._raw[asked.rows] + self._texts(asked.texts))

    def fused(self, asked: Asked) -> Floats:
        """Semantic filtered fusion."""
        return self._encoder.necked(self._fusion(asked))

    def others(self) -> Iterator[tuple[str, Ask]]:
        """What the same weights make besides: rows that need no training of their own."""
        necked = self._encoder.necked
        yield "text alone", lambda asked: necked(self._texts(asked.texts))
        yield (
            "+ MER, mean of raw features",
            lambda asked: necked(
                ensemble_mean(self._raw[asked.rows], self._texts(asked.texts), self._fusion(asked))
            ),
        )
        yield (
            "+ MER, sum of cosines",
            lambda asked: ensemble_cosines(
                necked(self._raw[asked.rows]), necked(self._texts(asked.texts)), self.fused(asked)
            ),
        )

    def _fusion(self, asked: Asked) -> Floats:
        return semantic_filtered(self._raw[asked.rows], self._texts(asked.texts), self._texts(asked.filters))

    def _texts(self, texts: Sequence[str]) -> Floats:
        return self._read[[self._places[text] for text in texts]]


def _of_start(start: Path) -> list[str]:
    """What the network reads, and whether it has a classifier to go on with, as settings."""
    files = open_checkpoint(start)
    read = input_of(files)
    return read if files.manifest.label_map else [*read, "model.inherit_classifier=false"]


class _Base:
    """The network that everything starts from, and a ridge regression from words to its vectors."""

    def __init__(self, dataset: ReidDataset, start: Path) -> None:
        network, _ = load_checkpoint(start)
        assert isinstance(network, NeckedNetwork)
        self._network = network
        self._dataset, self._start = dataset, start

    def necked(self, raw: Floats) -> Floats:
        import torch

        with torch.inference_mode():
            vectors: Floats = functional.normalize(self._network.neck(torch.from_numpy(raw))).numpy()
        return vectors

    def regression(self, gallery: Floats) -> Mapping[str, Ask]:
        """From TF-IDF of a visible image's caption (1 and 2 words) to its person's mean visible vector."""
        records = [
            record for record in self._dataset.records(Split.TRAIN) if record.modality is Modality.VISIBLE
        ]
        captions = captions_of_images(self._dataset, records)
        vectors = self.necked(raw_features(self._dataset, records, self._start))
        regression = WordRegression(captions, person_means(vectors, [each.identity for each in records]))

        def text(asked: Asked) -> Floats:
            return regression(asked.texts)

        def both(asked: Asked) -> Floats:
            said = text(asked)
            return ensemble_cosines(gallery[asked.rows], said, np.zeros_like(said))

        return {"ridge on TF-IDF, text alone": text, "ridge on TF-IDF, sum of cosines": both}
