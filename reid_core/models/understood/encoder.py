"""Words first, then vectors: what is understood of a text, mapped into a space by a table of features."""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from reid_core.calibration import Calibration
from reid_core.config import Settings
from reid_core.errors import ModelError, UsageError
from reid_core.fusion import AgreementFusion
from reid_core.models.language import QueryKind
from reid_core.models.language_files import LanguageFiles, TextManifest
from reid_core.types import Floats
from reid_core.words.features import features_of
from reid_core.words.understanding import understand

__all__ = ["FEATURES", "KIND", "TABLE", "FeatureTable", "UnderstoodEncoder", "UnderstoodSettings"]

KIND = "understood"
TABLE, FEATURES = "table.safetensors", "features.json"
_MAP, _BIAS = "map", "bias"


class FeatureTable:
    """``L2(bias + sum of the rows of the features that are said)``.

    Args:
        names: of the features, one a row.
        rows: ``(F, D)``.
        bias: ``(D,)``, what a text that says nothing would be.
    """

    def __init__(self, names: Sequence[str], rows: Floats, bias: Floats) -> None:
        self.names, self.rows, self.bias = tuple(names), rows, bias
        self._places = {name: place for place, name in enumerate(self.names)}

    def vector(self, features: Sequence[str]) -> Floats | None:
        """``(D,)`` float32 of length one; ``None`` where it knows none of the features."""
        known = [self._places[name] for name in features if name in self._places]
        if not known:
            return None
        total = self.bias.astype(np.float64) + self.rows[known].sum(axis=0, dtype=np.float64)
        return np.asarray(total / max(float(np.linalg.norm(total)), 1e-12), np.float32)

    def save(self, folder: Path) -> tuple[str, ...]:
        """Write it into a folder.

        Returns:
            The names of its files.
        """
        from safetensors.numpy import save_file

        # In C order: what is written is the memory as it lies.
        rows, bias = np.ascontiguousarray(self.rows, np.float16), np.ascontiguousarray(self.bias, np.float32)
        save_file({_MAP: rows, _BIAS: bias}, folder / TABLE)
        (folder / FEATURES).write_text(json.dumps(self.names, indent=0) + "\n", encoding="utf-8")
        return TABLE, FEATURES

    @classmethod
    def load(cls, folder: Path) -> "FeatureTable":
        """What `save` wrote.

        Raises:
            ModelError: it is damaged, or the files do not belong together.
        """
        from safetensors import SafetensorError
        from safetensors.numpy import load_file

        try:
            state = load_file(folder / TABLE)
            names = json.loads((folder / FEATURES).read_text(encoding="utf-8"))
        except (SafetensorError, ValueError) as error:
            raise ModelError(f"The text encoder {folder} is damaged: {error}.") from None
        listed = isinstance(names, list) and all(isinstance(each, str) for each in names)
        if state.keys() != {_MAP, _BIAS} or not listed:
            raise ModelError(f"The files {TABLE} and {FEATURES} of {folder} are not those of a text encoder.")
        rows, bias = state[_MAP].astype(np.float32), state[_BIAS].astype(np.float32)
        if rows.ndim != 2 or bias.shape != rows.shape[1:] or len(names) != len(rows):
            raise ModelError(
                f"The text encoder {folder} has {len(names)} features, but a table of shape {rows.shape}."
            )
        return cls(names, rows, bias)


class UnderstoodSettings(Settings):
    """What ``settings`` of ``text.json`` holds.

    Attributes:
        fusion: of images and texts.
    """

    fusion: AgreementFusion


class UnderstoodEncoder:
    """Texts to vectors of a space by what is understood of them (`reid_core.words.understanding`).

    Words that are not understood, that nobody is searched by, or that the witness was not sure of count for
    nothing: two wordings of one description have one vector.

    Args:
        files: with the table and the names of its features.
    """

    settings = UnderstoodSettings

    def __init__(self, files: LanguageFiles[TextManifest]) -> None:
        self.model_id, self.space = files.model_id, files.manifest.space
        if set(files.manifest.weights) != {TABLE, FEATURES}:
            raise ModelError(f"The text encoder {files.folder} needs the files {FEATURES}, {TABLE}.")
        self._table = FeatureTable.load(files.folder)
        settings = files.manifest.settings
        assert isinstance(settings, UnderstoodSettings)
        self.fusion = settings.fusion
        self._calibrations = files.manifest.calibrations

    @property
    def dim(self) -> int:
        """Numbers in a vector."""
        return len(self._table.bias)

    def encode(self, texts: Sequence[str]) -> Floats:
        """``(N, D)`` float32 of length one; ``(0, D)`` for no texts.

        Raises:
            UsageError: a text is empty, too long, not English, or says nothing that is understood.
        """
        vectors = np.empty((len(texts), self.dim), np.float32)
        for row, text in zip(vectors, texts, strict=True):
            row[:] = self._vector(text)
        return vectors

    def fuse(self, vector: Floats, text: Floats) -> Floats:
        """One query of an image's vector and a text's, as it was calibrated."""
        return self.fusion(vector, text)

    def calibration(self, kind: QueryKind) -> Calibration | None:
        """Of queries of a kind against identities' best crops; ``None`` where it was not fitted."""
        return self._calibrations.get(kind)

    def _vector(self, text: str) -> Floats:
        found = understand(text)
        vector = self._table.vector(features_of(found.terms))
        if vector is None:
            told = found.told
            raise UsageError(
                f"Nothing in the description is understood{f': {told}' if told else ''}.",
                "Say what the person wears or carries, and in which colours.",
            )
        return vector
