"""What surfaces of a place look like: colour, near-infrared reflectance and warmth of a point, compiled.

A pattern decides how much of a material's second component a point shows; colour, near infrared and
temperature are three look-ups on that one share, with values that were drawn independently.
"""

import numpy as np

from reid_core.types import Floats
from training.synthetic.geometry.compiling import compiled


@compiled()
def hashed(x: int, y: int, z: int) -> float:
    """A fixed random number in 0..1 for a cell."""
    h = (x * 374761393 + y * 668265263 + z * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 16)) * 668265263) & 0xFFFFFFFF
    return ((h ^ (h >> 15)) & 0xFFFF) / 65535.0


@compiled()
def noise(x: float, y: float, z: int) -> float:
    """Smooth value noise in 0..1, one cell a unit."""
    ix, iy = int(np.floor(x)), int(np.floor(y))
    fx, fy = x - ix, y - iy
    fx = fx * fx * (3 - 2 * fx)
    fy = fy * fy * (3 - 2 * fy)
    low = hashed(ix, iy, z) * (1 - fx) + hashed(ix + 1, iy, z) * fx
    high = hashed(ix, iy + 1, z) * (1 - fx) + hashed(ix + 1, iy + 1, z) * fx
    return float(low * (1 - fy) + high * fy)


@compiled()
def cloud(x: float, y: float, z: int, cell: float, pixel: float) -> float:
    """Four octaves of noise about 0, largest ``cell`` metres; what a pixel cannot resolve is left out."""
    total = 0.0
    weight = 0.55
    for octave in range(4):
        keep = min(1.0, max(0.0, cell / (pixel + 1e-6) * 0.7 - 0.7))
        if keep <= 0:
            break
        total += weight * keep * (noise(x / cell, y / cell, z + octave * 17) - 0.5)
        cell *= 0.45
        weight *= 0.62
    return total


@compiled()
def _line(position: float, period: float, width: float, pixel: float) -> float:
    """How much of a pixel a line of some width takes, lines standing ``period`` apart."""
    inside = position / period - np.floor(position / period)
    distance = min(inside, 1 - inside) * period
    wide = max(width, pixel)
    cover = min(1.0, max(0.0, (0.5 * wide - distance) / (0.6 * pixel + 1e-6) + 0.5))
    return float(cover * min(1.0, width / wide))


@compiled()
def _grain(u: float, v: float, z: int, size: float, pixel: float) -> float:
    """Fine speckle about 0, as a pixel of some size still sees it."""
    # Grain doubles in size with distance, in whole steps: a size that slid would bend into rings.
    while size < pixel:
        size *= 2.0
    return float(noise(u / size, v / size, z)) - 0.5


@compiled()
def look(m: Floats, u: float, v: float, wide: float, high: float, pixel: float):  # type: ignore[no-untyped-def]
    """A point of a surface.

    Args:
        m: row of the material table.
        u, v: metres on the surface from its middle.
        wide, high: half the surface's size, metres (of a floor: large).
        pixel: metres that a pixel of the camera covers here.

    Returns:
        linear red, green, blue, near infrared, degrees above the surroundings, polish, mirror, glow.
    """
    kind = int(m[0])
    seed = int(m[16])
    scale = m[9]
    share = 0.0  # of the second component
    tone = 1.0  # of both
    polish, mirror, glow = m[13], m[14], m[15]
    hue = 0.0  # shifts red against blue a little
    heat = m[12] * cloud(u, v, seed + 5, 1.6, pixel)
    dirt = cloud(u, v, seed, 2.3, pixel)
    if kind == 0:
        tone += 0.14 * dirt + 0.05 * _grain(u, v, seed, 0.01, pixel)
    elif kind == 1 or kind == 7:
        row = int(np.floor(v / scale))
        length = scale if kind == 1 else 2 * scale
        shift = 0.5 * length * (row % 2) if kind == 7 else 0.0
        column = int(np.floor((u + shift) / length))
        joint = 0.006 if kind == 1 else 0.009
        share = max(_line(v, scale, joint, pixel), _line(u + shift, length, joint, pixel))
        fade = min(1.0, max(0.0, scale / pixel * 0.5 - 0.5))
        each = hashed(column, row, seed) - 0.5
        tone += fade * (0.1 if kind == 1 else 0.22) * each + 0.2 * dirt
        tone += (0.06 if kind == 1 else 0.14) * _grain(u, v, seed, 0.006, pixel)
        hue = 0.05 * fade * (hashed(row, column, seed + 3) - 0.5) if kind == 7 else 0.0
        heat -= 0.1 * share
    elif kind == 2:
        column = int(np.floor(u / scale))
        along = v + 7 * hashed(column, 3, seed)
        board = int(np.floor(along / 1.6))
        each = hashed(column, board, seed)
        fade = min(1.0, max(0.0, scale / pixel * 0.5 - 0.4))
        strand = cloud(u * 14, along * 0.9, seed + column, 1.0, pixel * 4)
        share = min(1.0, max(0.0, 0.5 + fade * 0.8 * (each - 0.5) + 0.5 * strand + 0.2 * dirt))
        gap = max(_line(u, scale, 0.003, pixel), 0.7 * _line(along, 1.6, 0.003, pixel))
        tone = 1 - 0.5 * gap
    elif kind == 3:
        row = int(np.floor(v / (0.36 * scale)))
        shift = 0.5 * scale * (row % 2)
        column = int(np.floor((u + shift) / scale))
        share = max(_line(v, 0.36 * scale, 0.011, pixel), _line(u + shift, scale, 0.011, pixel))
        fade = min(1.0, max(0.0, 0.36 * scale / pixel * 0.7 - 0.5))
        each = hashed(column, row, seed) - 0.5
        tone += fade * 0.28 * each + 0.25 * dirt + 0.2 * _grain(u, v, seed, 0.012, pixel)
        hue = 0.1 * fade * (hashed(row, column, seed + 1) - 0.5)
        heat += 0.5 * fade * each
    elif kind == 4:
        tone += 0.3 * _grain(u, v, seed, 0.014, pixel) + 0.35 * dirt
        patch = noise(u / 4.1 + seed, v / 5.3, seed + 2)
        share = min(1.0, max(0.0, (patch - 0.66) * 14)) * 0.6
        crack = abs(noise(u / 1.7, v / 1.7, seed + 9) - 0.5 + 0.2 * cloud(u, v, seed + 3, 0.5, pixel))
        if crack < 0.006 and noise(u / 6, v / 6, seed + 4) > 0.5:
            tone *= 0.8
        heat += 0.5 * share
    elif kind == 5:
        tone += 0.34 * dirt + 0.14 * _grain(u, v, seed, 0.012, pixel)
        share = 0.7 * max(_line(u, scale, 0.012, pixel), _line(v, scale, 0.012, pixel))
        drip = cloud(u * 5, v * 0.6, seed + 7, 1.0, pixel * 3)
        tone += 0.12 * drip
    elif kind == 6:
        tone += 0.25 * _grain(u, v, seed, 0.008, pixel) + 0.1 * dirt
        if scale > 0.3:  # carpet tiles, laid crosswise
            cell = int(np.floor(u / scale)) + int(np.floor(v / scale))
            share = 0.35 * (cell % 2)
        share = min(1.0, share + 0.3 * max(0.0, _grain(u * 2, v, seed + 2, 0.02, pixel)))
    elif kind == 8:
        blade = _grain(u * 2.2, v, seed, 0.03, pixel)
        clump = cloud(u, v, seed + 1, 0.9, pixel)
        share = min(1.0, max(0.0, 0.45 + 0.9 * clump + 0.5 * dirt))
        tone += 0.6 * blade + 0.4 * clump
        heat += 1.5 * clump
    elif kind == 9:
        leaf = _grain(u, v * 1.3, seed, 0.035, pixel) + 0.7 * _grain(u * 1.2, v, seed + 6, 0.09, pixel)
        clump = cloud(u, v, seed + 1, 0.4, pixel)
        tone = max(0.12, 0.9 + 0.8 * leaf + 1.1 * clump)
        share = min(1.0, max(0.0, 0.4 + 1.2 * clump))
        heat += 1.2 * clump
    elif kind == 10:
        share = 0.8 * _line(u + 0.31 * scale, scale, 0.012, pixel)
        column = int(np.floor((u + 0.31 * scale) / scale))
        tone += 0.06 * (hashed(column, 1, seed) - 0.5) + 0.1 * dirt
        heat += 0.4 * (hashed(column, 1, seed) - 0.5)
    elif kind == 11:
        across = (u + 60 * scale) / scale
        storey = (v + high) / 3.1
        cu, cv = across - np.floor(across), storey - np.floor(storey)
        cell_u, cell_v = int(np.floor(across)), int(np.floor(storey))
        low = 0.3 if cell_v > 0 else 0.08
        glass = 0.2 < cu < 0.8 and low < cv < 0.82
        frame = glass and (
            cu < 0.2 + 0.06 / scale
            or cu > 0.8 - 0.06 / scale
            or abs(cu - 0.5) < 0.03 / scale
            or cv < low + 0.02
            or cv > 0.8
        )
        tone += 0.22 * dirt + 0.08 * cloud(u * 3, v * 0.5, seed + 2, 1.0, pixel)
        tone -= 0.16 * _line(v + high, 3.1, 0.14, pixel)
        if frame:
            tone = 1.15
            heat += 0.4
        elif glass:
            share = 1.0
            curtain = hashed(cell_u, cell_v, seed)
            tone = 0.55 + 0.9 * curtain * (1.0 if cv > 0.45 + 0.4 * curtain else 0.6)
            polish, mirror = 1.0, 0.1
            heat += 2.0 * (curtain - 0.35)
        elif low - 0.05 < cv <= low and 0.17 < cu < 0.83:
            tone = 1.25
    elif kind == 12:
        x, y = u / (wide + 1e-6), v / (high + 1e-6)
        if abs(x) > 0.94 or abs(y) > 0.95:
            share = 1.0
            tone = 0.9
        else:
            block = hashed(int(np.floor((x + 1) * 1.5)), int(np.floor((y + 1) * 2.0)), seed)
            picture = noise(x * 2.2 + seed, y * 2.6, seed + 1)
            if y > 0.45:
                share = 0.0
                text = noise(x * 16, np.floor(y * 9) * 3.1, seed + 2)
                inside = (y * 9 - np.floor(y * 9)) > 0.45
                if inside and text > 0.42 and abs(x) < 0.8:
                    share = 1.0
            elif y < -0.55:
                share = 0.25
                line = y * 22 - np.floor(y * 22)
                if line > 0.5 and noise(x * 30, np.floor(y * 22) * 2.7, seed + 3) > 0.35 and abs(x) < 0.82:
                    share = 0.8
            else:
                share = min(1.0, max(0.0, 0.2 + 0.6 * block + 1.2 * (picture - 0.5)))
            hue = 0.25 * (block - 0.5)
    elif kind == 13:
        # Boards, and goods of many sizes standing on them.
        level = (v + high) / 0.42
        lv = level - np.floor(level)
        if lv < 0.08:
            tone = 1.0
        else:
            shelf = int(np.floor(level))
            unit = 0.09 + 0.14 * hashed(shelf, int(np.floor(u / 0.9)), seed)
            cell = int(np.floor(u / unit))
            tall = 0.45 + 0.5 * hashed(cell, shelf, seed + 1)
            rest = u / unit - np.floor(u / unit)
            if lv > tall or rest < 0.05:
                tone = 0.16
            else:
                each = hashed(cell // 2, shelf, seed + 2)
                share = each
                hue = 0.7 * (hashed(cell // 2, shelf, seed + 4) - 0.5)
                tone = 0.6 + 0.7 * hashed(cell, shelf, seed + 3)
                if 0.3 < (lv / tall) < 0.55:
                    tone *= 1.3
            heat += 0.3 * (tone - 0.7)
    elif kind == 14:
        wave = 0.5 + 0.5 * np.sin(2 * np.pi * u / scale)
        fade = min(1.0, max(0.0, scale / pixel * 0.4 - 0.5))
        tone += fade * 0.35 * (wave - 0.5) + 0.2 * dirt
        heat += fade * 0.3 * (wave - 0.5)
    elif kind == 15:
        x, y = u / (wide + 1e-6), v / (high + 1e-6)
        tone += 0.08 * dirt
        if abs(x) > 0.88 or y > 0.94:
            share = 1.0
        elif 0.62 < x < 0.78 and abs(y + 0.02) < 0.03:
            tone = 0.4
        elif m[9] > 0.3 and abs(x) < 0.45 and 0.25 < y < 0.75:
            share, tone, polish, mirror = 1.0, 0.3, 1.0, 0.1
    elif kind == 16:
        x, y = u / scale + 50.0, (v + high) / max(0.9, 0.5 * high)
        fx = x - np.floor(x)
        frame = min(fx, 1 - fx) * scale < 0.03 or high - abs(v) < 0.05 or abs(y - np.floor(y)) < 0.025
        if frame:
            share, tone = 1.0, 1.0
            heat += 0.5
        else:
            tone += 0.25 * noise(u * 0.7 + seed, v * 0.4, seed)
            polish, mirror = 1.0, 0.12
    elif kind == 17:
        share = 1.0 if (u / scale - np.floor(u / scale)) < 0.5 else 0.0
        wear = noise(u * 3, v * 3, seed) + cloud(u, v, seed, 0.3, pixel)
        tone += 0.2 * dirt - (0.15 if wear > 0.7 else 0.0)
    else:
        tone += 0.9 * cloud(u * 4, v * 0.6, seed, 0.5, pixel) + 0.2 * _grain(u * 3, v, seed, 0.02, pixel)
    tone = max(0.05, tone)
    keep = 1 - share
    red = (m[1] * keep + m[4] * share) * tone * (1 + hue)
    green = (m[2] * keep + m[5] * share) * tone
    blue = (m[3] * keep + m[6] * share) * tone * (1 - hue)
    near = (m[7] * keep + m[8] * share) * tone
    heat += m[10] * keep + m[11] * share
    return red, green, blue, near, heat, polish, mirror, glow
