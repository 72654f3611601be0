"""Clothes: what covers trunk and legs, and which skin they hide."""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats
from training.synthetic.figures.body import regions, template
from training.synthetic.figures.figure import Layer
from training.synthetic.figures.shape import Measures, ramp
from training.synthetic.figures.tailor import Tailor
from training.synthetic.light.surface import SPLIT, Detail, Kind, Surface
from training.synthetic.people.person import Cloth


def _neckline(tailor: Tailor, depth: float) -> Floats:
    """``(V,)`` metres below a neckline that is ``depth`` lower in front than behind."""
    m = tailor.measures
    v = tailor.rest.vertices
    front = ramp(-v[:, 1], -0.05, 0.1)
    line = m.neck + 0.035 - depth * front
    # On the shoulders the neck's edge is a distance from the middle, not a height.
    beside = np.abs(v[:, 0]) - 0.055 - 0.5 * depth
    return np.asarray(np.maximum(line - v[:, 2], beside), np.float32)


def top_layer(tailor: Tailor) -> list[Layer]:
    """The shirt, sweater or whatever covers the trunk."""
    person, m, at = tailor.person, tailor.measures, tailor.at
    top = person.top
    hem = m.hip - (0.12 if top.long else 0.02) * (m.shoulder - m.hip) / 0.5 + 0.02
    if person.bottom.kind == "dress":
        hem = m.hip - 0.06
    depth = {"t-shirt": 0.045, "tank top": 0.09, "blouse": 0.07, "hoodie": 0.02, "sweater": 0.025}.get(
        top.kind, 0.02
    )
    cut = np.minimum(at.z - hem, top.sleeve * m.arm + 0.015 - at.arm)
    if top.sleeve < 0.05:
        cut = np.minimum(at.z - hem, 0.0 - at.arm)
    cut = np.minimum(cut, _neckline(tailor, depth))
    thick = {"sweater": 0.012, "hoodie": 0.014}.get(top.kind, 0.006)
    fit = top.fit
    low = ramp(-tailor.rest.vertices[:, 2], -m.chest, -m.hip)
    offset = thick + fit * (0.012 + 0.022 * low) + tailor.wavy(0.003 + 0.005 * fit)
    sleeve = ramp(at.arm, 0.05, max(0.1, top.sleeve * m.arm))
    offset = offset + sleeve * fit * 0.014
    # Below the waist it hangs over trousers or a skirt.
    under = 0.014 + 0.012 * person.bottom.fit
    offset = offset + under * ramp(-tailor.rest.vertices[:, 2], -m.waist - 0.07, -m.waist - 0.02)
    detail = {
        "shirt": Detail.BUTTONS,
        "polo shirt": Detail.BUTTONS,
        "blouse": Detail.NONE,
        "hoodie": Detail.POCKETS,
    }.get(top.kind, Detail.NONE)
    surface = Surface(
        kind=Kind.CLOTH,
        cloth=top.cloth,
        fold=0.35 + 0.5 * fit,
        detail=detail,
        centre_z=m.chest,
        extra=((SPLIT, _split(top.cloth, m)),),
    )
    return [
        tailor.layer(
            "top", "helper-tights", np.asarray(cut, np.float32), offset, surface, rounds=4 + int(10 * fit)
        )
    ]


def _split(cloth: Cloth, measures: Measures) -> float:
    """Height at which a two-coloured garment changes, or -9 where the sleeves are the second colour."""
    draw = np.random.Generator(np.random.PCG64(cloth.seed + 7)).random()
    return -9.0 if draw < 0.4 else measures.waist + (draw - 0.4) / 0.6 * (measures.chest - measures.waist)


def bottom_layers(tailor: Tailor) -> list[Layer]:
    """Trousers, shorts, a skirt or the skirt of a dress."""
    person, m, at = tailor.person, tailor.measures, tailor.at
    bottom = person.bottom
    waist = m.waist + 0.02
    if bottom.kind in ("skirt", "dress"):
        hem = m.hip - bottom.length * m.leg
        return [_skirt(tailor, "bottom", bottom.cloth, waist + 0.04, hem, 0.010, bottom.fit, False)]
    cut = np.minimum(waist - at.z, bottom.length * m.leg + 0.03 - at.leg)
    below = ramp(at.leg, 0.35 * m.leg, 0.95 * m.leg)
    if bottom.kind == "leggings":
        offset = np.full(len(at.z), 0.002, np.float32)
    else:
        offset = 0.004 + 0.012 * bottom.fit + below * (0.008 + 0.045 * bottom.fit) + tailor.wavy(0.004)
        if bottom.kind == "shorts":
            offset = offset + 0.008 + 0.02 * bottom.fit * ramp(at.leg, 0.05, 0.4 * m.leg)
    surface = Surface(
        kind=Kind.CLOTH,
        cloth=bottom.cloth,
        fold=0.0 if bottom.kind == "leggings" else 0.4 + 0.4 * bottom.fit,
        detail=Detail.POCKETS if bottom.kind != "leggings" else Detail.NONE,
        centre_z=m.hip,
        extra=((SPLIT, -9.0),),
    )
    rounds = 0 if bottom.kind == "leggings" else 2 + int(8 * bottom.fit)
    return [
        tailor.layer(
            "bottom",
            "helper-tights",
            np.asarray(cut, np.float32),
            np.asarray(offset, np.float32),
            surface,
            rounds,
        )
    ]


def _skirt(
    tailor: Tailor,
    name: str,
    cloth: Cloth,
    waist: float,
    hem: float,
    thick: float,
    fit: float,
    opened: bool,
    detail: Detail = Detail.NONE,
) -> Layer:
    """A cone from the helper skirt: of skirts, dresses and the tails of coats."""
    m = tailor.measures
    moved = tailor.rest.vertices.copy()
    used = np.unique(template().groups["helper-skirt"])
    points = moved[used]
    fall = ramp(m.waist - points[:, 2], 0.0, 0.5 * m.leg)
    centre = np.array([0.0, float(points[:, 1].mean())], np.float32)
    angle = np.arctan2(points[:, 1] - centre[1], points[:, 0])
    phase = tailor.rng.uniform(0, 2 * np.pi)
    pleats = 1 + (0.02 + 0.05 * fit) * fall * np.sin(angle * int(tailor.rng.integers(7, 13)) + phase)
    grow = (1 + (0.30 * fit - 0.02) * fall) * pleats
    points[:, :2] = centre + (points[:, :2] - centre) * grow[:, None]
    moved[used] = points
    z = moved[:, 2]
    cut = np.minimum(waist - z, z - hem)
    if opened:
        front = moved[:, 1] < centre[1]
        cut = np.where(front, np.minimum(cut, np.abs(moved[:, 0]) - _gap(tailor, z)), cut)
    surface = Surface(
        kind=Kind.CLOTH,
        cloth=cloth,
        fold=0.5,
        detail=detail,
        centre_z=m.chest,
        extra=((SPLIT, _split(cloth, m)),),
    )
    layer = tailor.layer(
        name,
        "helper-skirt",
        np.asarray(cut, np.float32),
        np.full(len(z), thick, np.float32),
        surface,
        rounds=2,
        moved=moved,
    )
    # Sleeves of a second colour are told by how far out they lie: a skirt never is.
    texture = layer.texture.copy()
    texture[:, 0] = np.clip(texture[:, 0], -0.17, 0.17)
    return replace(layer, texture=texture)


def _gap(tailor: Tailor, z: Floats) -> Floats:
    """Half the width of an open front at each height, metres."""
    m = tailor.measures
    return np.asarray(0.025 + 0.11 * ramp(m.neck - z, 0.0, m.neck - m.knee), np.float32)


def outer_layers(tailor: Tailor) -> list[Layer]:
    """A jacket or coat, with its tails, closed or open in front."""
    person, m, at = tailor.person, tailor.measures, tailor.at
    outer = person.outer
    if outer is None:
        return []
    v = tailor.rest.vertices
    hem = m.hip - 0.02 - outer.length * (m.hip - m.knee)
    upper_hem = max(hem, m.hip - 0.03)
    sleeve = m.arm + 0.02 if outer.sleeve else 0.0
    cut = np.minimum(at.z - upper_hem, sleeve - at.arm)
    cut = np.minimum(cut, _neckline(tailor, 0.03 if outer.kind != "blazer" else 0.16))
    if outer.open:
        front = (v[:, 1] < 0.0) & (at.arm < 0)
        cut = np.where(front, np.minimum(cut, np.abs(v[:, 0]) - _gap(tailor, v[:, 2])), cut)
    thick = {"down jacket": 0.034, "coat": 0.022, "blazer": 0.014, "raincoat": 0.02}.get(outer.kind, 0.018)
    low = ramp(-v[:, 2], -m.chest, -m.hip)
    inner = 0.006 + person.top.fit * 0.034
    offset = thick + inner * (0.35 + 0.65 * low) + outer.fit * (0.008 + 0.018 * low)
    offset = offset + tailor.wavy(0.004 + 0.003 * outer.fit)
    offset = offset + ramp(at.arm, 0.0, 0.2) * (0.004 + 0.012 * outer.fit)
    under = 0.014 + 0.012 * person.bottom.fit
    offset = offset + under * ramp(-v[:, 2], -m.waist - 0.12, -m.waist - 0.04)
    detail = {
        "down jacket": Detail.QUILT,
        "jacket": Detail.ZIP,
        "blazer": Detail.BUTTONS,
        "coat": Detail.BUTTONS,
        "vest": Detail.ZIP,
    }.get(outer.kind, Detail.ZIP)
    if outer.open:
        detail = Detail.QUILT if detail is Detail.QUILT else Detail.NONE
    surface = Surface(
        kind=Kind.CLOTH,
        cloth=outer.cloth,
        fold=0.5 + 0.3 * outer.fit,
        detail=detail,
        centre_z=m.chest,
        extra=((SPLIT, _split(outer.cloth, m)),),
    )
    layers = [
        tailor.layer(
            "outer",
            "helper-tights",
            np.asarray(cut, np.float32),
            np.asarray(offset, np.float32),
            surface,
            rounds=8 + int(8 * outer.fit),
        )
    ]
    if hem < upper_hem - 0.02:
        wide = 0.35 * outer.fit
        if person.bottom.kind in ("skirt", "dress"):
            wide = max(wide, person.bottom.fit) + 0.12
        tail = _skirt(tailor, "outer", outer.cloth, m.waist, hem, thick + 0.022, wide, outer.open, detail)
        layers.append(replace(tail, surface=surface))
    return layers


def covered(tailor: Tailor) -> NDArray[np.bool_]:
    """``(V,)`` whether clothes hide the skin there, with a margin below the hems."""
    person, m, at = tailor.person, tailor.measures, tailor.at
    sleeve = person.top.sleeve
    if person.outer is not None:
        sleeve = max(sleeve, person.outer.sleeve)
    edge = sleeve * m.arm - 0.05 if sleeve > 0.05 else -0.05
    region = regions()
    arms = region["arm.L"] | region["arm.R"]
    hidden = arms & (at.arm < edge)
    depth = _neckline(tailor, 0.1)
    trunk = ~arms & ~region["head"] & ~region["leg"] & (depth > 0.05) & (at.arm < edge)
    legs = region["leg"] | (~arms & (at.z < m.hip))
    length = person.bottom.length * m.leg
    legs &= at.leg < (length - 0.06 if person.bottom.kind not in ("skirt", "dress") else 0.12)
    return np.asarray(hidden | trunk | legs)
