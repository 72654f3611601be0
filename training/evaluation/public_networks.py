"""Public person re-identification networks, to measure beside: Open Model Zoo's and OSNet."""

import os
from dataclasses import dataclass
from pathlib import Path

from reid_core.errors import ModelError
from reid_core.models.manifest import ModelManifest
from reid_core.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess
from reid_core.runtime.embedder import Embedder
from reid_core.types import Modality


@dataclass(frozen=True, slots=True)
class PublicNetwork:
    """Where a network lies in the folder of weights and how it takes a crop.

    Attributes:
        file: relative to the folder.
        embedding: numbers in a vector.
        preprocess: of a crop.
    """

    file: str
    embedding: int
    preprocess: Preprocess


_OMZ = Preprocess(height=256, width=128, channels="bgr")
_ZOO = "open_model_zoo/person-reidentification-retail-"
PUBLIC_NETWORKS = {
    "OMZ 0287": PublicNetwork(f"{_ZOO}0287/FP32/person-reidentification-retail-0287.xml", 256, _OMZ),
    "OMZ 0277": PublicNetwork(f"{_ZOO}0277/FP16/person-reidentification-retail-0277.xml", 256, _OMZ),
    "OSNet x0.25": PublicNetwork(
        "osnet_x0_25_msmt17/osnet_x0_25_msmt17.onnx",
        512,
        Preprocess(height=256, width=128, mean=IMAGENET_MEAN, std=IMAGENET_STD),
    ),
}


def shared_folder() -> Path | None:
    """Where real footage and public weights lie, if they do: ``NIGHTREID_SHARED``, else beside the clone."""
    named = os.environ.get("NIGHTREID_SHARED")
    folder = Path(named) if named else Path(__file__).resolve().parents[3] / "shared"
    return folder if folder.is_dir() else None


def open_public_network(name: str, weights: Path, threads: int | None = None) -> Embedder:
    """Open one of `PUBLIC_NETWORKS`.

    Args:
        name: its key.
        weights: the folder of weights.
        threads: how many it may use, ``None`` for all.

    Raises:
        ModelError: it is not there, or no network.
        MissingDependencyError: OpenVINO is not installed.
    """
    from reid_core.runtime.openvino import OpenVinoEmbedder

    known = PUBLIC_NETWORKS[name]
    file = weights / known.file
    if not file.is_file():
        raise ModelError(f"The network {file} does not exist.", "Give the folder of weights with --weights.")
    manifest = ModelManifest(
        format=1,
        name=name,
        kind="external",
        weights=file.name,
        preprocess=known.preprocess,
        embedding=known.embedding,
    )
    return OpenVinoEmbedder(manifest, file.stem, dict.fromkeys(Modality, file), "fp32", threads)
