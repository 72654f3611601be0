"""Similarities made of more than the vectors of two images: re-ranked, by parts, narrowed by text."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reid_core.errors import UsageError
from reid_core.querying.local_vectors import joined_parts
from reid_core.ranking import LocalGlobalJoint, NoReranking, local_global_joint, parse_reranking, reranked
from reid_core.ranking.mixing import mix_retrieve, parse_mix
from reid_core.runtime import Embedder
from reid_core.types import Floats
from training.datasets.records import ImageRecord, ReidDataset
from training.evaluation.evaluating import Contest, Rerank
from training.evaluation.protocols import ProtocolSpec
from training.evaluation.ranks import Scores
from training.evaluation.vectors import Told, located


def measure_of(spec: ProtocolSpec) -> Rerank | None:
    """How a protocol compares; ``None`` by dot products.

    Raises:
        UsageError: there is no such method, or mix-retrieve has no text.
    """
    method, mix = parse_reranking(spec.reranking), parse_mix(spec.feature)
    if mix is not None and spec.text == "none":
        raise UsageError(f"The feature {spec.feature!r} narrows the gallery by text.", "Add +text=SOURCE.")
    if mix is None and isinstance(method, NoReranking):
        return None

    def compared(trial: Contest) -> Scores:
        if isinstance(method, LocalGlobalJoint):
            if trial.query_local is None or trial.gallery_local is None:
                raise UsageError("The joint measure needs local vectors besides.")
            scores: Scores = -local_global_joint(
                trial.query,
                trial.gallery,
                trial.query_local,
                trial.gallery_local,
                method.k,
                method.weight,
                method.jaccard,
            )
        elif isinstance(method, NoReranking):
            scores = trial.similarities()
        else:
            scores = reranked(trial.query, trial.gallery, method)
        if mix is None:
            return scores
        if trial.query_text is None:
            raise UsageError("Mix-retrieve needs the vectors of texts besides.")
        texts = trial.query_text.astype(np.float64) @ trial.gallery.astype(np.float64).T
        return mix_retrieve(scores, texts, mix.share)

    return compared


def needs_parts(spec: ProtocolSpec) -> bool:
    """Whether a protocol compares local vectors too."""
    return isinstance(parse_reranking(spec.reranking), LocalGlobalJoint)


def check_parts(spec: ProtocolSpec, embedder: Embedder) -> None:
    """Make sure that a model gives the local vectors that a protocol needs.

    Raises:
        UsageError: it does not.
    """
    if needs_parts(spec) and not embedder.local_features:
        raise UsageError(
            f"The joint measure needs local vectors, and {embedder.name!r} gives none.",
            "Leave rerank=none, or evaluate a model with local features.",
        )


def parts_of(
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    embedder: Embedder,
    cache: Path,
    told: Told | None = None,
) -> Floats:
    """Local vectors of images, see `joined_parts`.

    Returns:
        ``(N, L)`` float32 of length one.
    """
    return joined_parts(located(dataset, records, embedder, cache, told))
