"""Vectors to evaluate that were computed anywhere, read from a file."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import SourceError, UsageError
from reid_core.types import Floats, Ints

KEYS = ("q_feat", "q_pid", "q_cam", "g_feat", "g_pid", "g_cam")


@dataclass(frozen=True, slots=True)
class FeatureFile:
    """One trial of vectors that were computed anywhere.

    Attributes:
        query: ``(Q, D)`` float32.
        query_ids: ``(Q,)``.
        query_cameras: ``(Q,)``.
        gallery: ``(G, D)`` float32.
        gallery_ids: ``(G,)``.
        gallery_cameras: ``(G,)``.
        path: where it was read.
    """

    query: Floats
    query_ids: Ints
    query_cameras: Ints
    gallery: Floats
    gallery_ids: Ints
    gallery_cameras: Ints
    path: Path


def read_features(path: Path) -> FeatureFile:
    """Read ``q_feat q_pid q_cam g_feat g_pid g_cam`` from an ``.npz`` file.

    Raises:
        SourceError: it is no such file, an array is missing or of the wrong shape or kind.
        UsageError: the gallery or the query is empty, a number is not finite, or dimensions disagree.
    """
    if not path.is_file():
        raise SourceError(f"The feature file {path} does not exist.")
    try:
        with np.load(path, allow_pickle=False) as file:
            missing = [key for key in KEYS if key not in file]
            if missing:
                raise SourceError(
                    f"The feature file {path} lacks the arrays {', '.join(missing)}.",
                    f"It needs {', '.join(KEYS)}.",
                )
            arrays = {key: file[key] for key in KEYS}
    except (OSError, ValueError, EOFError, TypeError, AttributeError, BadZipFile):
        # NumPy's own words would have it read as pickle, which must not be.
        raise SourceError(f"{path} is no .npz file of arrays.", f"It needs {', '.join(KEYS)}.") from None
    for side, what in (("q", "query"), ("g", "gallery")):
        _check_side(path, what, *(arrays[f"{side}_{part}"] for part in ("feat", "pid", "cam")))
    if arrays["q_feat"].shape[1] != arrays["g_feat"].shape[1]:
        raise UsageError(
            f"In {path} query vectors have {arrays['q_feat'].shape[1]} numbers and gallery vectors "
            f"{arrays['g_feat'].shape[1]}: they are of different models."
        )
    feats = {key: arrays[key].astype(np.float32) for key in KEYS if key.endswith("feat")}
    ids = {key: arrays[key].astype(np.int64) for key in KEYS if not key.endswith("feat")}
    return FeatureFile(
        feats["q_feat"], ids["q_pid"], ids["q_cam"], feats["g_feat"], ids["g_pid"], ids["g_cam"], path
    )


def _check_side(path: Path, what: str, feat: NDArray[Any], ids: NDArray[Any], cameras: NDArray[Any]) -> None:
    if feat.ndim != 2 or not np.issubdtype(feat.dtype, np.floating):
        raise SourceError(
            f"The {what} vectors of {path} are {feat.dtype} of shape {feat.shape}, not float (N, D)."
        )
    if len(feat) == 0:
        raise UsageError(f"The {what} of {path} is empty.")
    for name, numbers in (("identities", ids), ("cameras", cameras)):
        if numbers.ndim != 1 or not np.issubdtype(numbers.dtype, np.integer):
            raise SourceError(
                f"The {what} {name} of {path} are {numbers.dtype}, not a list of whole numbers."
            )
        if len(numbers) != len(feat):
            raise UsageError(f"{path} has {len(feat)} {what} vectors and {len(numbers)} {name}.")
    bad = np.flatnonzero(~np.isfinite(feat).all(axis=1))
    if len(bad):
        raise UsageError(f"{len(bad)} {what} vectors of {path} hold NaN or infinity; the first is {bad[0]}.")
