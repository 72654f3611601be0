"""Learning without forgetting: on visible frames, the network is held to what it said before.

Li and Hoiem, "Learning without Forgetting" (2018): beside the new task's loss, the answers of the network
as it was are targets for the network as it becomes. Here they are the raw outputs of the detection head, on
visible frames alone, so that infrared people can be learned beside them.
"""

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from detectors.letterbox import place
from detectors.network import PAD_VALUE
from training.detection.dataset import augmented
from training.detection.frames import LabelledFrame
from training.detection.settings import DetectorRecipe

_SOMEBODY = 0.05


class Memory:
    """The network as it was, and the frames on which it is asked.

    Args:
        before: the network that is started from; a copy is kept.
        frames: visible ones.
        recipe: how many frames a step, at what size, and what is done to them.
    """

    def __init__(self, before: nn.Module, frames: Sequence[LabelledFrame], recipe: DetectorRecipe) -> None:
        self._before = copy.deepcopy(before).eval().requires_grad_(False)
        self._frames = list(frames)
        self._recipe = recipe

    def loss(self, network: nn.Module, step: int) -> Tensor:
        """How far a network's answers have moved from those before, one number.

        Args:
            network: that is trained.
            step: by which the frames are drawn, with the recipe's seed.
        """
        device = next(network.parameters()).device
        images = self._pictures(step).to(device)
        with torch.no_grad():
            wanted = _raw(self._before.to(device), images)
        return distance(_raw(network, images), wanted)

    def _pictures(self, step: int) -> Tensor:
        recipe = self._recipe
        rng = np.random.default_rng([recipe.seed, 2, step])
        size = recipe.image_size
        chosen = rng.integers(0, len(self._frames), recipe.remember.batch)
        drawn = np.empty((len(chosen), size, size, 3), np.uint8)
        for row, index in enumerate(chosen.tolist()):
            frame = self._frames[index]
            image = augmented(frame.frame(index).image, frame.spectrum, recipe.augmentation, rng)
            if rng.random() < recipe.augmentation.flip:
                image = np.ascontiguousarray(image[:, ::-1])
            # With room around them, people as small as those of distant cameras are remembered too.
            height, width = image.shape[:2]
            room, down, across = rng.uniform(0, 1, 3).tolist()
            tall, wide = round(room * height), round(room * width)
            top, left = round(down * tall), round(across * wide)
            edges = ((top, tall - top), (left, wide - left), (0, 0))
            image = np.pad(image, edges, constant_values=PAD_VALUE)
            drawn[row] = place(image, (0, 0, image.shape[1], image.shape[0]), (size, size), invert=False)[0]
        return torch.from_numpy(drawn).permute(0, 3, 1, 2).float() / 255


def distance(answers: dict[str, Tensor], wanted: dict[str, Tensor]) -> Tensor:
    """Divergence of raw answers of a detection head from wanted ones; 0 where they are equal.

    Args:
        answers, wanted: ``scores`` ``(B, classes, anchors)``, logits, and ``boxes``
            ``(B, 4 x bins, anchors)``, logits of the distances to the four sides.

    Returns:
        The cross-entropy of the scores less its least value, over the sum of the wanted scores, and where
        somebody was found the divergence of the distances.
    """
    share = wanted["scores"].float().sigmoid()
    scores = answers["scores"].float()
    least = functional.binary_cross_entropy_with_logits(wanted["scores"].float(), share, reduction="sum")
    moved = functional.binary_cross_entropy_with_logits(scores, share, reduction="sum") - least
    found = moved / share.sum().clamp(min=1.0)
    weight = share.amax(dim=1)
    weight = weight * (weight > _SOMEBODY)
    if not weight.any():
        return found
    batch, channels, anchors = wanted["boxes"].shape
    shape = (batch, 4, channels // 4, anchors)
    before = wanted["boxes"].float().view(shape).log_softmax(dim=2)
    now = answers["boxes"].float().view(shape).log_softmax(dim=2)
    apart = (before.exp() * (before - now)).sum(dim=2).mean(dim=1)
    return found + (apart * weight).sum() / weight.sum()


def _raw(network: nn.Module, images: Tensor) -> dict[str, Tensor]:
    # Not called as a whole: this happens within a call, whose hooks set the precision.
    whole: Any = network
    answers: Any = whole.predict(images)
    # In evaluation the head decodes its answers and gives the raw ones beside them.
    raw: dict[str, Tensor] = answers if isinstance(answers, dict) else answers[1]
    return raw
