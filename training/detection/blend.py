"""Between the detector that was started from and the fine-tuned one: weights in a straight line.

Wortsman et al., "Robust fine-tuning of zero-shot models" (CVPR 2022): a blend of the weights before and
after fine-tuning keeps most of what was learned and loses little of what was known, on data of neither.
"""

import copy
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import nn

from reid_core.types import Spectrum
from training.detection.settings import BlendSettings


@torch.no_grad()
def blend(start: nn.Module, tuned: nn.Module, alpha: float) -> nn.Module:
    """``alpha * tuned + (1 - alpha) * start``, batch norm statistics too.

    Args:
        start: the network before fine-tuning, batch norms stated as in ``tuned``.
        tuned: the network after it.
        alpha: 0 gives the start's weights, 1 the tuned one's, exactly.

    Returns:
        A new network.
    """
    before, after = start.state_dict(), tuned.state_dict()
    if before.keys() != after.keys():
        raise ValueError("only two states of one network can be blended")
    blended = copy.deepcopy(tuned)
    blended.load_state_dict(
        {
            name: torch.lerp(before[name].float(), after[name].float(), alpha).to(after[name].dtype)
            if after[name].is_floating_point()
            else after[name]
            for name in after
        }
    )
    return blended


@dataclass(frozen=True, slots=True)
class Candidate:
    """One blend on the frames that were kept from training.

    Attributes:
        alpha: of the blend.
        ap50: average precision by what was looked at: a spectrum, or ``teacher`` for the real frames.
    """

    alpha: float
    ap50: Mapping[str, float]


TEACHER = "teacher"
_VISIBLE = (str(Spectrum.VISIBLE), TEACHER)


def choose(start: Candidate, candidates: Sequence[Candidate], settings: BlendSettings) -> Candidate:
    """The blend with the best mean precision in infrared, among those that lose little in visible light.

    A candidate may lose ``tolerance`` against the start on visible frames and on the teacher's, each; where
    all lose more, the one that loses least is taken. Of equal ones the smallest alpha.
    """
    ranked = sorted(candidates, key=lambda one: one.alpha)

    def lost(one: Candidate) -> float:
        return max(
            (start.ap50[name] - one.ap50[name] for name in _VISIBLE if name in start.ap50), default=0.0
        )

    def infrared(one: Candidate) -> float:
        values = [value for name, value in one.ap50.items() if name not in _VISIBLE]
        return sum(values) / len(values) if values else sum(one.ap50.values())

    kept = [one for one in ranked if lost(one) <= settings.tolerance]
    return max(kept, key=infrared) if kept else min(ranked, key=lost)
