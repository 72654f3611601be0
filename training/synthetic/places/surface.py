"""Materials of the surfaces of a place in three spectra, and the table that compiled code reads."""

from dataclasses import dataclass
from enum import IntEnum

RGB = tuple[float, float, float]


class Texture(IntEnum):
    """How a material's two components share a surface."""

    PLAIN = 0
    TILES = 1
    PLANKS = 2
    BRICKS = 3
    ASPHALT = 4
    CONCRETE = 5
    CARPET = 6
    PAVING = 7
    GRASS = 8
    FOLIAGE = 9
    PANELS = 10
    FACADE = 11
    POSTER = 12
    SHELF = 13
    RIBS = 14
    DOOR = 15
    WINDOW = 16
    STRIPES = 17
    BARK = 18


@dataclass(frozen=True, slots=True)
class Material:
    """A surface in three spectra.

    Attributes:
        texture: the pattern.
        rgb, rgb2: sRGB of the two components, 0..1.
        near, near2: their near-infrared reflectance, 0..1.
        scale: metres of one repeat (a tile, a brick, a plank's width); a door above 0.3 has a pane.
        heat, heat2: degrees Celsius above what the surroundings give.
        spread: degrees Celsius of slow variation over the surface.
        polish: 0 so rough that water seeps in, 0.01 matt, 1 mirrors what grazing rays meet.
        mirror: part of the light thrown back as by a mirror when seen straight on.
        glow: light of its own, in units of the place's normal light (lamps, screens).
        seed: of what is random about the surface.
    """

    texture: Texture
    rgb: RGB
    rgb2: RGB = (0.3, 0.3, 0.3)
    near: float = 0.5
    near2: float = 0.4
    scale: float = 0.3
    heat: float = 0.0
    heat2: float = 0.0
    spread: float = 0.4
    polish: float = 0.01
    mirror: float = 0.0
    glow: float = 0.0
    seed: float = 0.0


_LINEAR = 2.2


def row(material: Material) -> list[float]:
    """The material as `look` reads it; colours become linear."""
    first = [max(0.0, part) ** _LINEAR for part in material.rgb]
    second = [max(0.0, part) ** _LINEAR for part in material.rgb2]
    return [
        float(material.texture),
        *first,
        *second,
        material.near,
        material.near2,
        material.scale,
        material.heat,
        material.heat2,
        material.spread,
        material.polish,
        material.mirror,
        material.glow,
        material.seed,
    ]
