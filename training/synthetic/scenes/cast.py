"""People ready to be filmed: dressed once, then posed wherever they are needed."""

from collections import OrderedDict

import numpy as np

from training.synthetic.figures.dressing import dress
from training.synthetic.motion.doing import Gait, Motion, draw_motion
from training.synthetic.motion.hold import Girth
from training.synthetic.motion.pose import Actor as Poser
from training.synthetic.people.drawing import draw_person
from training.synthetic.people.person import Person
from training.synthetic.scenes.render import Model, packed

KEPT = 48


class Cast:
    """The people of one world, by number; the last ones asked for are kept dressed.

    Args:
        seed: of the world.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self._kept: OrderedDict[int, tuple[Person, Model]] = OrderedDict()

    def person(self, identity: int) -> Person:
        """Who they are."""
        return self._get(identity)[0]

    def model(self, identity: int) -> Model:
        """Their triangles."""
        return self._get(identity)[1]

    def poser(self, identity: int, rng: np.random.Generator, walking: bool | None = None) -> Poser:
        """What they do this time; ``walking`` None leaves that to chance."""
        person, model = self._get(identity)
        gait: Gait | None = None if walking is None else "walk" if walking else "stand"
        return poser_of(model, draw_motion(person, rng, gait))

    def _get(self, identity: int) -> tuple[Person, Model]:
        if identity in self._kept:
            self._kept.move_to_end(identity)
        else:
            person = draw_person(identity, self.seed)
            self._kept[identity] = (person, packed(dress(person)))
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return self._kept[identity]


def poser_of(model: Model, motion: Motion) -> Poser:
    """Poses of a dressed person: the arms keep outside of the clothes."""
    return Poser(model.figure.skeleton, motion, girth(model))


def girth(model: Model) -> Girth:
    """How wide and deep the dressed hips are."""
    measures = model.figure.measures
    hips, front = 0.0, 0.0
    for layer in model.figure.layers:
        if layer.name not in ("top", "bottom", "outer"):
            continue
        v = layer.vertices
        arms = np.abs(v[:, 0]) > 0.6 * measures.arm
        low = (np.abs(v[:, 2] - measures.hip) < 0.08) & ~arms & (layer.cut > 0)
        belly = (np.abs(v[:, 2] - measures.waist) < 0.12) & ~arms & (layer.cut > 0)
        if low.any():
            hips = max(hips, float(np.percentile(np.abs(v[low, 0]), 98)))
        if belly.any():
            front = max(front, float(-v[belly, 1].min()))
    return Girth(hips=hips or 0.18, front=front or 0.16)
