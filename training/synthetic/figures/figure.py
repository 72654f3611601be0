"""One person as triangles: skin, hair, clothes and shoes, ready to be posed."""

from dataclasses import dataclass

import numpy as np

from reid_core.types import Floats
from training.synthetic.figures.accessories import Attachment
from training.synthetic.figures.shape import Measures
from training.synthetic.geometry.raster import Int32s
from training.synthetic.geometry.skeleton import RestSkeleton
from training.synthetic.light.surface import Surface
from training.synthetic.people.person import Person


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """A piece of the figure with one surface.

    Attributes:
        name: what it is (``skin``, ``top``, ``shoes``, an item's kind).
        vertices: ``(V, 3)`` rest pose, metres.
        faces: ``(F, 3)``.
        texture: ``(V, 3)`` coordinates of the surface's pattern, metres.
        bones, weights: ``(V, 4)`` what moves it.
        cut: ``(V,)`` negative where there is nothing (hems, openings).
        surface: what it is made of.
    """

    name: str
    vertices: Floats
    faces: Int32s
    texture: Floats
    bones: np.ndarray[tuple[int, int], np.dtype[np.int16]]
    weights: Floats
    cut: Floats
    surface: Surface


@dataclass(frozen=True, slots=True, eq=False)
class Figure:
    """A person's whole geometry.

    Attributes:
        person: whose.
        measures: of the body.
        skeleton: bones at rest.
        layers: everything that bones move.
        upright: things that keep upright (bags in a hand, umbrellas).
        upright_surfaces: surfaces of each of ``upright``.
    """

    person: Person
    measures: Measures
    skeleton: RestSkeleton
    layers: tuple[Layer, ...]
    upright: tuple[Attachment, ...]
    upright_surfaces: tuple[tuple[Surface, ...], ...]
