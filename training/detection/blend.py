"""Which blend of a detector before and after fine-tuning is taken; see `training.blending`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reid_core.types import Spectrum
from training.detection.settings import BlendSettings


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
