"""Clothes: layers cut out of the body's helper geometry, pushed out, smoothed and hemmed.

Hems and openings are not cut along the mesh but by a number per vertex whose interpolation the
rasteriser compares with zero, so that they are as smooth as the pixels.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats
from training.synthetic.figures.body import SKIN_VERTICES, RestBody, regions, template, triangles
from training.synthetic.figures.figure import Layer
from training.synthetic.figures.shape import Coordinates, Measures, ramp, smoothed
from training.synthetic.geometry.raster import Int32s, vertex_normals
from training.synthetic.geometry.skeleton import BONE
from training.synthetic.light.surface import SPLIT, Detail, Kind, Surface
from training.synthetic.people.person import Cloth, Person


@dataclass(frozen=True, slots=True)
class Tailor:
    """What is needed to cut a person's clothes.

    Attributes:
        person: who wears them.
        rest: the body.
        measures, at: its lengths, and where its vertices lie.
        rng: of what is random about the cut.
    """

    person: Person
    rest: RestBody
    measures: Measures
    at: Coordinates
    rng: np.random.Generator

    def layer(
        self,
        name: str,
        group: str,
        cut: Floats,
        offset: Floats,
        surface: Surface,
        rounds: int = 0,
        moved: Floats | None = None,
    ) -> Layer:
        """A copy of a group of the mesh, smoothed, then pushed out along its normals.

        Args:
            name: of the layer.
            group: of the template.
            cut: ``(V,)`` over all vertices, negative where there is no cloth.
            offset: ``(V,)`` metres outwards.
            surface: of the layer.
            rounds: of smoothing.
            moved: ``(V, 3)`` to start from instead of the rest vertices.
        """
        shared = template()
        faces = triangles(shared.groups[group])
        # Beyond the hem a strip stays, so that the mesh's own ragged border is never seen.
        keep = (cut[faces] > -0.06).any(1)
        faces = faces[keep]
        used, flat = np.unique(faces, return_inverse=True)
        faces = flat.reshape(-1, 3).astype(np.int32)
        source = self.rest.vertices if moved is None else moved
        points = np.ascontiguousarray(source[used])
        if rounds:
            # Along the normals only: sliding within the surface would fray hems and bend stripes.
            outwards = vertex_normals(points, faces)
            away = ((smoothed(points, faces, rounds) - points) * outwards).sum(1, keepdims=True)
            # Cloth fills hollows; pressed into the body it would let what lies below show through.
            away = np.maximum(away, -0.003)
            points = np.ascontiguousarray(points + away * outwards, np.float32)
        normals = vertex_normals(points, faces)
        points = points + normals * offset[used, None]
        return Layer(
            name=name,
            vertices=points.astype(np.float32),
            faces=faces,
            texture=self.texture()[used],
            bones=shared.bone_indices[used],
            weights=shared.bone_weights[used],
            cut=cut[used].astype(np.float32),
            surface=surface,
        )

    def texture(self) -> Floats:
        """``(V, 3)``: x, y and height, sleeves as if the arms hung down."""
        texture = self.rest.vertices.copy()
        arms = regions()["arm.L"] | regions()["arm.R"]
        texture[arms, 2] = self.measures.shoulder - self.at.arm[arms]
        return texture

    def wavy(self, amount: float, frequency: float = 9.0) -> Floats:
        """``(V,)`` metres: slow waves over the body, so that no cloth is as smooth as skin."""
        phase = self.rng.uniform(0, 2 * np.pi, 6)
        turn = self.rng.normal(0, frequency, (3, 3))
        p = self.rest.vertices
        waves = np.sin(p @ turn[0] + phase[0]) + np.sin(p @ (1.7 * turn[1]) + phase[1])
        waves = waves + 0.6 * np.sin(p @ (2.9 * turn[2]) + phase[2])
        return np.asarray(amount * waves / 2.6, np.float32)


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


def shoe_layers(tailor: Tailor) -> list[Layer]:
    """A pair of shoes lofted round the feet, with the shaft of boots."""
    person, m = tailor.person, tailor.measures
    shoes = person.shoes
    layers = []
    sole = replace(shoes.sole, pattern="plain")
    for side in "LR":
        upper, low = _shoe(tailor, side)
        surface = Surface(kind=Kind.CLOTH, cloth=replace(shoes.cloth, pattern="plain"), fold=0.1)
        layers.append(replace(upper, surface=surface))
        layers.append(replace(low, surface=Surface(kind=Kind.CLOTH, cloth=sole)))
    if shoes.kind == "boots":
        height = float(tailor.rng.uniform(0.1, 0.32))
        reach = m.leg - tailor.at.leg
        cut = np.minimum(height - reach, reach + 0.06)
        cut = np.where(regions()["leg"], cut, -1.0)
        offset = np.full(len(cut), 0.009, np.float32)
        layers.append(
            tailor.layer(
                "shoes",
                "helper-tights",
                np.asarray(cut, np.float32),
                offset,
                Surface(kind=Kind.CLOTH, cloth=replace(shoes.cloth, pattern="plain"), fold=0.2),
                rounds=3,
            )
        )
    return layers


_PROFILE = np.array(
    [  # along the foot 0 heel .. 1 toe: half width, height of the upper (fractions of foot width, height)
        [-0.01, 0.05, 0.10],
        [0.00, 0.50, 0.72],
        [0.10, 0.72, 0.98],
        [0.25, 0.78, 1.04],
        [0.42, 0.80, 0.92],
        [0.58, 0.92, 0.66],
        [0.74, 1.00, 0.52],
        [0.88, 0.90, 0.44],
        [0.97, 0.58, 0.36],
        [1.00, 0.30, 0.30],
        [1.01, 0.03, 0.05],
    ],
    np.float32,
)


def _shoe(tailor: Tailor, side: str) -> tuple[Layer, Layer]:
    """Upper and sole of one shoe: half ellipses along the foot."""
    shared, m, kind = template(), tailor.measures, tailor.person.shoes.kind
    sided = np.array([name.endswith(f".{side}") for name in shared.bones])[shared.bone_indices[:, 0]]
    foot = tailor.rest.vertices[regions()["foot"] & sided & (np.arange(len(sided)) < SKIN_VERTICES)]
    low, high = foot.min(0), foot.max(0)
    heads = tailor.rest.bone_heads
    ankle = heads[BONE[f"foot.{side}"]]
    # The foot points a little outwards: its axis runs from the heel to the middle of the toes.
    heel = foot[foot[:, 1] > high[1] - 0.03].mean(0)
    toe = foot[foot[:, 1] < low[1] + 0.04].mean(0)
    axis = (toe - heel) * np.array([1, 1, 0], np.float32)
    length = float(np.linalg.norm(axis)) + 0.05
    axis = axis / np.linalg.norm(axis)
    across = np.array([-axis[1], axis[0], 0], np.float32)
    width = 0.5 * float(np.ptp(foot @ across)) + 0.008
    start = heel - axis * 0.035
    top = float(ankle[2] - m.sole) + (0.02 if kind != "high heels" else -0.02)
    sole = {"sneakers": 0.03, "boots": 0.028, "high heels": 0.016}.get(kind, 0.018)
    pointed = 0.8 if kind in ("leather shoes", "high heels") else 1.0
    ring = np.linspace(0, np.pi, 9)
    upper_points, sole_points = [], []
    for along, half, height in _PROFILE:
        centre = start + axis * (along * length)
        wide = width * half * (pointed if along > 0.7 else 1.0)
        tall = max(0.004, top * height)
        for angle in ring:
            upper_points.append(
                centre
                + across * (wide * np.cos(angle))
                + np.array([0, 0, m.sole - centre[2] + tall * np.sin(angle) ** 0.8])
            )
        for edge, z in ((1, sole), (1, -0.012), (-1, -0.012), (-1, sole)):
            sole_points.append(
                centre + across * (edge * (wide + 0.004)) + np.array([0, 0, m.sole - centre[2] + z])
            )
    rows, columns = len(_PROFILE), len(ring)
    upper = np.array(upper_points, np.float32)
    under = np.array(sole_points, np.float32)

    def grid(columns: int) -> Int32s:
        quads = [
            (r * columns + c, (r + 1) * columns + c, (r + 1) * columns + c + 1, r * columns + c + 1)
            for r in range(rows - 1)
            for c in range(columns - 1)
        ]
        return triangles(np.array(quads, np.int32))

    foot_bone, toe_bone = BONE[f"foot.{side}"], BONE[f"toe2-1.{side}"]

    def layer(points: Floats, columns: int) -> Layer:
        bones = np.zeros((len(points), 4), np.int16)
        bones[:, 0], bones[:, 1] = foot_bone, toe_bone
        share = ramp(np.repeat(_PROFILE[:, 0], columns), 0.6, 0.85)
        weights = np.zeros((len(points), 4), np.float32)
        weights[:, 0], weights[:, 1] = 1 - share, share
        return Layer(
            name="shoes",
            vertices=points,
            faces=grid(columns),
            texture=points.copy(),
            bones=bones,
            weights=weights,
            cut=np.ones(len(points), np.float32),
            surface=Surface(kind=Kind.CLOTH, cloth=tailor.person.shoes.cloth),
        )

    return layer(upper, columns), layer(under, 4)
