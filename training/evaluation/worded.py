"""Queries with text by the text encoder beside a checkpoint: the text alone, fused, or an ensemble."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

from reid_core.errors import UsageError
from reid_core.fusion import Ensemble
from reid_core.models.language import FusingEncoder
from reid_core.models.language_files import TextManifest
from reid_core.runtime import Embedder
from reid_core.runtime.language import load_text_encoder
from reid_core.runtime.raw import RawFeatures
from reid_core.types import Floats
from training.evaluation.queries import FUSED_FEATURES, QueryBatch


class WordedQueries:
    """Makes the vectors of queries that come with text; a `QueryMaker`.

    Args:
        checkpoint: folder of a model with a text encoder in ``text/``.
        embedder: the same model, which makes the gallery's vectors.

    Raises:
        ModelMismatchError: the text encoder is of another space.
        ModelError: it cannot be loaded.
    """

    def __init__(self, checkpoint: Path, embedder: Embedder) -> None:
        self._checkpoint = checkpoint
        self._encoder = load_text_encoder(checkpoint, embedder.space)
        self._raw: RawFeatures | None = None
        self.model_id, self.space = self._encoder.model_id, embedder.space

    def __call__(self, queries: QueryBatch) -> Floats:
        """``(N, D)`` float32 of length one.

        Raises:
            UsageError: the feature is of a fusion, and the text encoder knows none.
            SourceError: an image is missing.
        """
        if queries.feature not in FUSED_FEATURES:
            return self._encoder.encode(queries.texts)
        if not isinstance(self._encoder, FusingEncoder):
            raise UsageError(
                f"The text encoder of {self._checkpoint} reads texts alone, not {queries.feature!r}.",
                "Leave feature=bn.",
            )
        self._raw = self._raw or RawFeatures(self._checkpoint)
        images = self._raw(queries.crops(), queries.modality, mirror=queries.flip)
        if queries.feature == "fused":
            return self._encoder.fused(images, queries.texts, queries.filters)
        form: Ensemble = "mean" if queries.feature == "ensemble-mean" else "cosines"
        return self._encoder.ensemble(images, queries.texts, queries.filters, form)


def worded_by(model: str | Embedder, trial: int) -> Callable[[Embedder], WordedQueries] | None:
    """What makes queries with text for a model, or ``None`` where it has no text encoder.

    Args:
        model: as for `Evaluator.evaluate`; only a folder can have one beside it.
        trial: that ``{trial}`` in it stands for.
    """
    if not isinstance(model, str):
        return None
    folder = Path(model.replace("{trial}", str(trial)))
    if not (folder / TextManifest.folder_name / TextManifest.file_name).is_file():
        return None
    return partial(WordedQueries, folder)
