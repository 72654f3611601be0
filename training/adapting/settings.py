"""What adapting is told."""

from pydantic import Field

from reid_core.config import Settings


class AdaptSettings(Settings):
    """How a head is learned from a gallery; the defaults were chosen on real people.

    Attributes:
        held_out: share of the people whose tracklets are not learned from, but measured on.
        tracklets: looked at of each camera; of more, so many are drawn.
        directions: of the space that the head keeps: those in which vectors vary most.
        shrinkage: what is added to the spread of a tracklet's vectors in each direction, in means of it,
            before it is divided out.
        rounds: of learning: the first tells tracklets of a camera apart, each further one groups of
            tracklets over cameras, which mix people where the model is weak; without any, the spread is
            divided out and no more.
        steps: of each round.
        batch: vectors of each step.
        rate: of learning.
        temperature: of the contrast.
        keep: how strongly the head is held where it began.
        far: mean Jaccard distance beyond which groups of tracklets stay apart.
        nearest: others that reciprocal neighbours are looked for among.
        groups: that have to be found over cameras; fewer teach nothing.
        merge_rate: how often a newcomer may be made one with somebody, of the calibration that follows. Less
            than `nightreid calibrate --gallery` allows: most of the tracklets that it is fitted on were
            learned from, and newcomers are told apart less well than those.
        state_every: steps between states that a killed run goes on from.
    """

    held_out: float = Field(default=0.3, gt=0, lt=1)
    tracklets: int = Field(default=600, ge=10)
    directions: int = Field(default=256, ge=8)
    shrinkage: float = Field(default=0.5, gt=0)
    rounds: int = Field(default=1, ge=0)
    steps: int = Field(default=200, ge=1)
    batch: int = Field(default=256, ge=8)
    rate: float = Field(default=1e-3, gt=0)
    temperature: float = Field(default=0.15, gt=0)
    keep: float = Field(default=0.01, ge=0)
    far: float = Field(default=0.5, gt=0, lt=1)
    nearest: int = Field(default=20, ge=2)
    groups: int = Field(default=10, ge=2)
    merge_rate: float = Field(default=0.02, gt=0, lt=1)
    state_every: int = Field(default=50, ge=1)
