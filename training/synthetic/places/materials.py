"""Materials of places: colours as built, near-infrared reflectance drawn without looking at them."""

from dataclasses import replace

import numpy as np

from training.synthetic.places.surface import RGB, Material, Texture

_PAINTS: tuple[RGB, ...] = (
    (0.86, 0.85, 0.82),
    (0.90, 0.90, 0.89),
    (0.80, 0.77, 0.70),
    (0.74, 0.75, 0.76),
    (0.84, 0.80, 0.70),
    (0.70, 0.74, 0.72),
    (0.76, 0.70, 0.64),
    (0.62, 0.66, 0.70),
)
_RENDERS: tuple[RGB, ...] = (
    (0.78, 0.74, 0.66),
    (0.70, 0.68, 0.64),
    (0.84, 0.82, 0.78),
    (0.72, 0.62, 0.50),
    (0.62, 0.60, 0.58),
    (0.80, 0.72, 0.56),
    (0.66, 0.52, 0.46),
)
_BRICKS: tuple[RGB, ...] = ((0.56, 0.31, 0.24), (0.48, 0.28, 0.22), (0.66, 0.52, 0.40), (0.60, 0.40, 0.30))
_STONES: tuple[RGB, ...] = ((0.62, 0.61, 0.58), (0.70, 0.68, 0.64), (0.55, 0.54, 0.52), (0.66, 0.60, 0.54))
_WOODS: tuple[RGB, ...] = ((0.66, 0.46, 0.28), (0.52, 0.34, 0.20), (0.74, 0.58, 0.40), (0.42, 0.28, 0.18))
_FABRICS: tuple[RGB, ...] = ((0.34, 0.36, 0.40), (0.26, 0.30, 0.38), (0.42, 0.38, 0.34), (0.36, 0.26, 0.26))
_METALS: tuple[RGB, ...] = ((0.55, 0.57, 0.58), (0.30, 0.31, 0.33), (0.72, 0.73, 0.74), (0.18, 0.19, 0.20))
_CARS: tuple[RGB, ...] = (
    (0.82, 0.83, 0.84),
    (0.62, 0.64, 0.66),
    (0.10, 0.10, 0.11),
    (0.30, 0.31, 0.33),
    (0.14, 0.18, 0.30),
    (0.48, 0.10, 0.11),
    (0.60, 0.58, 0.52),
)
_ACCENTS: tuple[RGB, ...] = (
    (0.16, 0.30, 0.52),
    (0.60, 0.18, 0.16),
    (0.20, 0.42, 0.30),
    (0.80, 0.62, 0.18),
    (0.30, 0.32, 0.36),
    (0.46, 0.50, 0.54),
)

Rng = np.random.Generator


def _one(rng: Rng, colours: tuple[RGB, ...], spread: float = 0.025) -> RGB:
    base = np.asarray(colours[int(rng.integers(len(colours)))])
    drawn = np.clip(base * rng.normal(1, 0.05) + rng.normal(0, spread, 3) * base, 0.02, 0.95)
    return (float(drawn[0]), float(drawn[1]), float(drawn[2]))


def _shade(rgb: RGB, factor: float) -> RGB:
    return (min(1.0, rgb[0] * factor), min(1.0, rgb[1] * factor), min(1.0, rgb[2] * factor))


def _near(rng: Rng, apart: float = 0.12) -> tuple[float, float]:
    """Near-infrared reflectance of two components: nothing about their colour goes in."""
    first = float(rng.uniform(0.12, 0.85))
    return first, float(np.clip(first + rng.normal(0, apart), 0.05, 0.95))


def material(
    rng: Rng,
    texture: Texture,
    rgb: RGB,
    rgb2: RGB | None = None,
    scale: float = 0.3,
    apart: float = 0.12,
    **more: float,
) -> Material:
    """A material of given looks; near infrared and small differences of warmth are drawn."""
    near, near2 = _near(rng, apart)
    heats = {"heat": float(rng.normal(0, 0.35)), "heat2": float(rng.normal(0, 0.35))}
    found = Material(
        texture, rgb, rgb2 or _shade(rgb, 0.7), near, near2, scale, seed=float(rng.integers(1, 9999))
    )
    return replace(found, **(heats | more))  # type: ignore[arg-type]


def plain(rng: Rng, rgb: RGB, **more: float) -> Material:
    """One even colour."""
    return material(rng, Texture.PLAIN, rgb, None, 0.3, 0.12, **more)


def paint(rng: Rng) -> Material:
    """A painted wall inside."""
    return plain(rng, _one(rng, _PAINTS), spread=float(rng.uniform(0.3, 0.9)))


def accent(rng: Rng) -> Material:
    """A stronger colour, for doors, signs and seats."""
    return plain(rng, _one(rng, _ACCENTS), polish=0.25)


def metal(rng: Rng) -> Material:
    """Painted or bare metal."""
    return plain(rng, _one(rng, _METALS), polish=0.4, mirror=0.03)


def wood(rng: Rng, scale: float = 0.11, polish: float = 0.2) -> Material:
    """Boards."""
    base = _one(rng, _WOODS)
    return material(
        rng, Texture.PLANKS, base, _shade(base, float(rng.uniform(0.62, 0.8))), scale, 0.05, polish=polish
    )


def fabric(rng: Rng, tiles: bool = False) -> Material:
    """Carpet or upholstery."""
    base = _one(rng, _FABRICS)
    scale = 0.5 if tiles else 0.2
    return material(rng, Texture.CARPET, base, _shade(base, float(rng.choice([0.75, 1.3]))), scale, 0.08)


def inner_wall(rng: Rng) -> Material:
    """Plaster mostly, sometimes tiles, brick, concrete or panels."""
    kind = rng.random()
    if kind < 0.58:
        return paint(rng)
    if kind < 0.7:
        base = _one(rng, _PAINTS)
        scale = float(rng.choice([0.15, 0.3, 0.45]))
        return material(rng, Texture.TILES, base, _shade(base, 0.75), scale, polish=0.35, spread=0.5)
    if kind < 0.8:
        return brick(rng)
    if kind < 0.9:
        base = _one(rng, _STONES)
        return material(rng, Texture.CONCRETE, base, _shade(base, 0.7), float(rng.uniform(1.2, 2.4)))
    base = _one(rng, _PAINTS + _WOODS)
    return material(rng, Texture.PANELS, base, _shade(base, 0.5), float(rng.uniform(0.6, 1.2)), polish=0.15)


def brick(rng: Rng) -> Material:
    """A brick wall in running bond."""
    base = _one(rng, _BRICKS)
    mortar = _one(rng, _STONES)
    return material(rng, Texture.BRICKS, base, mortar, float(rng.uniform(0.21, 0.25)), spread=0.8)


def facade(rng: Rng) -> Material:
    """A house front with rows of windows."""
    base = _one(rng, _RENDERS + _BRICKS)
    glass = (0.16, 0.19, 0.22)
    scale = float(rng.uniform(2.2, 3.6))
    return material(
        rng, Texture.FACADE, base, glass, scale, 0.2, spread=1.0, heat=1.0, heat2=float(rng.normal(0.5, 1))
    )


def outer_wall(rng: Rng) -> Material:
    """A wall outside: brick, render, concrete or corrugated sheet."""
    kind = rng.random()
    if kind < 0.35:
        return brick(rng)
    if kind < 0.65:
        return plain(rng, _one(rng, _RENDERS), spread=0.9)
    base = _one(rng, _STONES if kind < 0.85 else _METALS[:3])
    if kind < 0.85:
        return material(
            rng, Texture.CONCRETE, base, _shade(base, 0.7), float(rng.uniform(1.2, 2.5)), spread=0.8
        )
    return material(rng, Texture.RIBS, base, None, float(rng.uniform(0.12, 0.3)), polish=0.2, spread=0.6)


def glass_front(rng: Rng) -> Material:
    """Large panes in frames."""
    dark = float(rng.uniform(0.25, 0.5))
    frame = _one(rng, _METALS)
    return material(
        rng,
        Texture.WINDOW,
        (dark * 0.95, dark, dark * 1.04),
        frame,
        float(rng.uniform(0.9, 1.6)),
        0.2,
        spread=0.3,
    )


def inner_floor(rng: Rng) -> Material:
    """Tiles, boards, carpet, linoleum or screed."""
    kind = rng.random()
    if kind < 0.36:
        base = _one(rng, _STONES + _PAINTS[:3])
        scale = float(rng.choice([0.3, 0.4, 0.6, 0.9]))
        polish = float(rng.uniform(0.15, 0.9))
        return material(rng, Texture.TILES, base, _shade(base, 0.68), scale, 0.08, polish=polish, mirror=0.02)
    if kind < 0.56:
        return wood(rng, float(rng.uniform(0.07, 0.18)), polish=float(rng.uniform(0.2, 0.7)))
    if kind < 0.76:
        return fabric(rng, tiles=bool(rng.random() < 0.5))
    if kind < 0.9:
        return plain(
            rng, _shade(_one(rng, _PAINTS + _STONES), 0.8), polish=float(rng.uniform(0.3, 0.8)), mirror=0.02
        )
    base = _one(rng, _STONES)
    return material(rng, Texture.CONCRETE, base, _shade(base, 0.75), float(rng.uniform(2, 4)), polish=0.3)


def ceiling(rng: Rng) -> Material:
    """Plaster or square panels."""
    base = _one(rng, _PAINTS[:4], 0.01)
    if rng.random() < 0.6:
        return material(rng, Texture.TILES, base, _shade(base, 0.75), 0.6, heat=0.8)
    return plain(rng, base, heat=0.8)


def asphalt(rng: Rng) -> Material:
    """A road: holds the day's warmth longer than the air."""
    grey = float(rng.uniform(0.38, 0.54))
    warm = float(rng.uniform(0.5, 3.0))
    base = (grey, grey * 1.0, grey * 1.01)
    return material(rng, Texture.ASPHALT, base, _shade(base, 0.78), 1.0, 0.05, heat=warm, heat2=warm + 0.5)


def pavement(rng: Rng) -> Material:
    """Slabs, pavers, concrete or asphalt to walk on."""
    kind = rng.random()
    if kind >= 0.85:
        return asphalt(rng)
    base = _one(rng, (*_STONES, _BRICKS[2], _BRICKS[3]))
    texture, low, high = Texture.CONCRETE, 1.5, 3.0
    if kind < 0.4:
        texture, low, high = Texture.PAVING, 0.1, 0.2
    elif kind < 0.7:
        texture, low, high = Texture.TILES, 0.3, 0.6
    warm, scale = float(rng.uniform(0.0, 2.2)), float(rng.uniform(low, high))
    return material(rng, texture, base, _shade(base, 0.62), scale, 0.08, heat=warm, heat2=warm - 0.4)


def grass(rng: Rng) -> Material:
    """Vegetation: bright in near infrared, colder than the air on a clear night."""
    dry = float(rng.uniform(0, 1))
    base = (0.30 + 0.16 * dry, 0.38 + 0.04 * dry, 0.19)
    near = float(rng.uniform(0.55, 0.8))
    cold = -float(rng.uniform(0.3, 2.0))
    found = material(
        rng, Texture.GRASS, base, (base[0] * 1.3, base[1] * 1.12, base[2] * 1.15), heat=cold, heat2=cold
    )
    return replace(found, near=near, near2=near - 0.1, spread=0.8, polish=0.0)


def foliage(rng: Rng) -> Material:
    """Leaves of hedges and trees: green or autumnal, bright in near infrared, near the air's temperature."""
    autumn = rng.random() < 0.2
    base = (0.42, 0.26, 0.12) if autumn else (0.22, 0.31, 0.15)
    other = (0.52, 0.38, 0.14) if autumn else (0.34, 0.42, 0.20)
    tint = float(rng.uniform(0.8, 1.15))
    near = float(rng.uniform(0.5, 0.85))
    found = material(rng, Texture.FOLIAGE, _shade(base, tint), _shade(other, tint), heat=0.3, heat2=-0.2)
    return replace(found, near=near, near2=near * 0.85, spread=0.7, polish=0.0)


def bark(rng: Rng) -> Material:
    """A trunk."""
    return material(rng, Texture.BARK, (0.34, 0.28, 0.22), None, 0.2, heat=0.6)


def poster(rng: Rng) -> Material:
    """Print: most inks let near infrared through to the white paper, black keeps it."""
    base = _one(rng, _ACCENTS + _PAINTS, 0.06)
    other = _one(rng, _ACCENTS + _PAINTS, 0.06)
    found = material(rng, Texture.POSTER, base, other)
    if rng.random() < 0.6:
        found = replace(found, near=float(rng.uniform(0.6, 0.85)), near2=float(rng.uniform(0.45, 0.85)))
    return replace(found, heat=0.2, heat2=0.2)


def goods(rng: Rng) -> Material:
    """A full shelf."""
    return material(rng, Texture.SHELF, _one(rng, _PAINTS, 0.08), _one(rng, _ACCENTS, 0.08), apart=0.3)


def lacquer(rng: Rng) -> Material:
    """A car's paint."""
    return plain(rng, _one(rng, _CARS), polish=0.8, mirror=0.04, heat=-0.5)


def dark_glass(rng: Rng) -> Material:
    """A car's window; the clear night sky is mirrored in it."""
    return plain(rng, (0.09, 0.10, 0.11), polish=1.0, mirror=0.08, heat=-1.0)


def rubber(rng: Rng) -> Material:
    """Tyres and kerb protectors."""
    return plain(rng, (0.12, 0.12, 0.12))


def stone(rng: Rng) -> Material:
    """Kerbs, plinths and planters."""
    base = _one(rng, _STONES)
    return material(rng, Texture.CONCRETE, base, _shade(base, 0.75), float(rng.uniform(0.6, 1.2)), heat=0.8)


def warm(found: Material, degrees: float) -> Material:
    """The same surface, warmer."""
    return replace(found, heat=found.heat + degrees, heat2=found.heat2 + degrees)


def glowing(rng: Rng, rgb: RGB, glow: float, degrees: float = 0.0) -> Material:
    """A lamp or screen."""
    return plain(rng, rgb, glow=glow, heat=degrees, heat2=degrees, spread=0.1)
