"""Colour, near-infrared reflectance and temperature of every fragment, compiled.

One function a spectrum reads the same surface: what colour a point has, how much near infrared it
throws back and how warm it is are three look-ups on the same hit.
"""

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Spectrum
from training.synthetic.geometry.compiling import compiled
from training.synthetic.geometry.raster import Int32s
from training.synthetic.light.cloth import second_colour, stitch
from training.synthetic.light.noise import noise
from training.synthetic.light.surface import (
    BEARD,
    BLUE,
    DETAIL,
    EYE_X,
    EYE_Z,
    FOLD,
    GREEN,
    KIND,
    LENGTH,
    NEAR,
    NEAR2,
    RED,
    RED2,
    ROUGHNESS,
    SEED_A,
    WARMTH,
    Detail,
    Kind,
)

_CLOTH, _SKIN, _HEAD, _HAIR, _EYE = (
    int(kind) for kind in (Kind.CLOTH, Kind.SKIN, Kind.HEAD, Kind.HAIR, Kind.EYE)
)
_QUILT = int(Detail.QUILT)
_BANDS = {Spectrum.VISIBLE: 0, Spectrum.NEAR: 1, Spectrum.THERMAL: 2}


@compiled(inline="always")
def _step(value: float, low: float, high: float) -> float:
    t = (value - low) / (high - low)
    t = min(1.0, max(0.0, t))
    return t * t * (3 - 2 * t)


@compiled()
def line_of_hair(y: float) -> float:
    """Height of the hairline at ``y``, in half axes of the skull from its centre; -1 in y is the face."""
    if y < -0.75:
        return 0.6 + 0.12 * min(1.0, (-0.75 - y) / 0.45)
    if y < -0.45:
        return 0.2 + 0.4 * (-0.45 - y) / 0.3
    if y < -0.1:
        return -0.1 + 0.3 * (-0.1 - y) / 0.35
    if y < 0.3:
        return -0.62 + 0.52 * (0.3 - y) / 0.4
    return -0.8 + 0.18 * max(0.0, (0.7 - y) / 0.4)


@compiled()
def lines_of_hair(at: NDArray[np.float64]) -> NDArray[np.float64]:
    """`line_of_hair` of each of ``(N,)``."""
    lines = np.empty(len(at), np.float64)
    for index in range(len(at)):
        lines[index] = line_of_hair(at[index])
    return lines


@compiled()
def _paint(
    band: int,
    table: Floats,
    surface: Int32s,
    texture: Floats,
    normals: Floats,
    view: Floats,
    sky: Floats,
    ground: Floats,
    towards: Floats,
    colours: Floats,
    wraps: Floats,
    shade: Floats,
    shadow_lamp: int,
    air: float,
    skin_heat: float,
    surround: float,
) -> Floats:
    count = surface.shape[0]
    out = np.zeros((count, 3), np.float32)
    for p in range(count):
        row = table[surface[p]]
        kind = int(row[KIND])
        x, y, z = texture[p, 0], texture[p, 1], texture[p, 2]
        nx, ny, nz = normals[p, 0], normals[p, 1], normals[p, 2]
        length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
        nx, ny, nz = nx / length, ny / length, nz / length
        if nx * view[0] + ny * view[1] + nz * view[2] < 0:
            nx, ny, nz = -nx, -ny, -nz
        red, green, blue = row[RED], row[GREEN], row[BLUE]
        near = row[NEAR]
        warmth = row[WARMTH]
        rough = row[ROUGHNESS]
        seed = row[SEED_A] * 97.0
        folded = 0.0
        if kind == _CLOTH:
            mix = second_colour(row, x, y, z)
            red += mix * (row[RED2] - red)
            green += mix * (row[RED2 + 1] - green)
            blue += mix * (row[RED2 + 2] - blue)
            near += mix * (row[NEAR2] - near)
            sewn = stitch(row, x, y, z)
            fold = row[FOLD]
            if fold > 0:
                u = x * 9.0 + z * 5.0 + seed
                v = y * 9.0 + 3.1
                w = z * 13.0 - x * 6.0
                here = noise(u, v, w)
                step = 0.35
                gx = noise(u + step, v, w) - here
                gy = noise(u, v + step, w) - here
                gz = noise(u, v, w + step) - here
                strength = 1.5 * fold
                nx += strength * gx
                ny += strength * gy
                nz += strength * gz
                folded = fold * (here - 0.5)
            if int(row[DETAIL]) == _QUILT:
                nz += 0.55 * np.sin(2 * np.pi * z / 0.075)
            weave = 1 + 0.10 * (noise(x * 60 + seed, y * 60, z * 60) - 0.5) + 0.25 * folded
            weave *= sewn
            red, green, blue = red * weave, green * weave, blue * weave
            near *= weave
            warmth *= 1 + 0.35 * (noise(x * 7 + seed, y * 7, z * 7) - 0.5) + 0.5 * folded
            warmth = warmth * (0.93 if sewn < 0.9 else 1.0)
        elif kind == _HEAD:
            ragged = 0.10 * (noise(x * 14 + seed, y * 14, z * 14) - 0.5)
            hair = 0.0
            if row[LENGTH] > 0:
                hair = _step(z - line_of_hair(y) + ragged, -0.03, 0.03)
            front = _step(-y, 0.2, 0.5)
            ex = abs(x) - row[EYE_X]
            ez = z - row[EYE_Z]
            brow = front * (1.0 if abs(ex) < 0.24 and abs(ez - 0.19 + 0.1 * abs(ex)) < 0.045 else 0.0)
            mouth = front * (1.0 if abs(x) < 0.3 and abs(z + 0.5) < 0.05 else 0.0)
            socket = front * np.exp(-(ex * ex / 0.06 + ez * ez / 0.016))
            beard = 0.0
            if row[BEARD] > 0:
                jaw = _step(-0.3 - z - 0.25 * abs(x), -0.02, 0.1) * _step(-y, -0.15, 0.1)
                cheek = _step(0.05 - z, 0, 0.2) * _step(abs(x), 0.72, 0.85) * _step(-y, -0.1, 0.1)
                bare = 1.0 if mouth > 0.5 else 0.0
                beard = row[BEARD] * max(jaw, 0.8 * cheek) * (1 - bare)
                beard *= 0.75 + 0.5 * noise(x * 25, y * 25, z * 25)
                beard = min(1.0, beard)
            hairy = max(hair, max(0.75 * brow, beard))
            red *= (1 - 0.3 * socket) * (1 - 0.1 * mouth)
            green *= (1 - 0.3 * socket) * (1 - 0.42 * mouth)
            blue *= (1 - 0.3 * socket) * (1 - 0.38 * mouth)
            strands = 0.75 + 0.5 * noise(x * 22 + seed, y * 22, z * 3)
            red += hairy * (row[RED2] * strands - red)
            green += hairy * (row[RED2 + 1] * strands - green)
            blue += hairy * (row[RED2 + 2] * strands - blue)
            near = near * (1 - 0.12 * socket) + hairy * (row[NEAR2] * strands - near)
            warmth = 1.0 + 0.06 * socket - 0.1 * _step(-z, 0.1, 0.4) * _step(-y, 1.0, 1.3)
            warmth += hairy * (0.42 - warmth) - 0.08 * (1 - front)
            rough = 0.7
        elif kind == _SKIN:
            warmth = 0.86 + 0.1 * noise(x * 6 + seed, y * 6, z * 6)
        elif kind == _HAIR:
            strands = 0.7 + 0.6 * noise(x * 90 + seed, y * 90, z * 7)
            red, green, blue = red * strands, green * strands, blue * strands
            near *= strands
            warmth = 0.4 + 0.1 * (strands - 1)
            nz += 0.25 * (strands - 1)
        elif kind == _EYE:
            iris = _step(-y, 0.72, 0.8)
            red = 0.6 - 0.52 * iris
            green = 0.56 - 0.5 * iris
            blue = 0.54 - 0.48 * iris
            near = 0.45 - 0.3 * iris
            facing = nx * view[0] + ny * view[1] + nz * view[2]
            if iris > 0.6 and facing > 0.93:
                near = 1.6  # the retina throws the lamp's light straight back
            warmth = 1.0
        # A normal that is longer than 1 would make the highlights below explode.
        length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
        nx, ny, nz = nx / length, ny / length, nz / length
        facing = nx * view[0] + ny * view[1] + nz * view[2]
        if facing < 0:
            facing = 0.0
        if band == 2:
            grazing = 1 - 0.22 * (1 - facing) ** 3
            heat = air + warmth * (skin_heat - air)
            out[p, 0] = surround + grazing * (heat - surround)
            continue
        open_sky = 0.5 + 0.5 * nz
        lr = sky[0] * open_sky + ground[0] * (1 - open_sky)
        lg = sky[1] * open_sky + ground[1] * (1 - open_sky)
        lb = sky[2] * open_sky + ground[2] * (1 - open_sky)
        shine = 0.0
        for lamp in range(towards.shape[0]):
            dot = nx * towards[lamp, 0] + ny * towards[lamp, 1] + nz * towards[lamp, 2]
            wrap = wraps[lamp]
            if kind in (_SKIN, _HEAD):
                wrap = max(wrap, 0.15)
            lit = max(0.0, (dot + wrap) / (1 + wrap))
            if lamp == shadow_lamp:
                lit *= shade[p]
            lr += colours[lamp, 0] * lit
            lg += colours[lamp, 1] * lit
            lb += colours[lamp, 2] * lit
            hx = towards[lamp, 0] + view[0]
            hy = towards[lamp, 1] + view[1]
            hz = towards[lamp, 2] + view[2]
            size = np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
            half = max(0.0, (nx * hx + ny * hy + nz * hz) / size)
            gloss = (1 - rough) * 0.16 * half ** (6 + 40 * (1 - rough))
            if lamp == shadow_lamp:
                gloss *= shade[p]
            shine += gloss * colours[lamp, 1]
        if band == 0:
            out[p, 0] = red * lr + shine
            out[p, 1] = green * lg + shine
            out[p, 2] = blue * lb + shine
        else:
            # Fabric looks brighter towards its rim under a lamp beside the lens: fibres stand out.
            out[p, 0] = near * lg + shine
    return out


def paint(
    spectrum: Spectrum,
    table: Floats,
    surface: Int32s,
    texture: Floats,
    normals: Floats,
    view: Floats,
    lighting: "tuple[Floats, Floats, Floats, Floats, Floats]",
    shade: Floats,
    shadow_lamp: int,
    heat: tuple[float, float, float],
) -> Floats:
    """What each fragment sends to the camera.

    Args:
        spectrum: the camera's.
        table: ``(S, COLUMNS)`` of `training.synthetic.light.surface`.
        surface: ``(P,)`` row of the table.
        texture, normals: ``(P, 3)``; normals need not be unit.
        view: ``(3,)`` unit vector towards the camera.
        lighting: sky and ground ``(3,)``, and of L lamps the direction ``(L, 3)`` towards, colour
            ``(L, 3)`` and wrap ``(L,)``.
        shade: ``(P,)`` how much of the shadow lamp arrives, 0..1.
        shadow_lamp: its number, -1 for none.
        heat: air, skin and surroundings, degrees Celsius.

    Returns:
        ``(P, 3)`` linear light, or ``(P, 1)`` (near infrared: linear, thermal: degrees Celsius).
    """
    band = _BANDS[spectrum]
    sky, ground, towards, colours, wraps = lighting
    painted = _paint(
        band,
        table,
        surface,
        texture,
        normals,
        view,
        sky,
        ground,
        towards,
        colours,
        wraps,
        shade,
        shadow_lamp,
        *heat,
    )
    return np.asarray(painted if band == 0 else painted[:, :1])
