"""Rays through a place: what they meet first, how open a point is, and what shades it, compiled."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats
from training.synthetic.geometry.compiling import compiled
from training.synthetic.places.textures import hashed, noise

BOX, CYLINDER, LYING, ELLIPSOID, CROWN, HULL = range(6)
SKY, FLOOR, CEILING = -1, -2, -3
FAR = 1e9
_RUN = 64

Int32s = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Packed:
    """A place as the compiled loops read it.

    Attributes:
        solids: ``(P, 14)``: shape, centre, half sizes, cosine, sine, bounding radius, material of the
            sides, of the top, first and last plane.
        planes: ``(Q, 4)`` of hulls, in the solid's own frame.
        regions: ``(R, 7)`` of the floor: centre, half sizes, cosine, sine, material; later ones on top.
        materials: ``(M, 17)``, see `training.synthetic.places.surface.row`.
        ceiling: metres, 0 for none; and its material.
    """

    solids: Floats
    planes: Floats
    regions: Floats
    materials: Floats
    ceiling: tuple[float, int]


@compiled()
def _slab(origin: float, direction: float, half: float):  # type: ignore[no-untyped-def]
    if abs(direction) < 1e-9:
        return (-FAR, FAR) if abs(origin) <= half else (FAR, -FAR)
    first, second = (-half - origin) / direction, (half - origin) / direction
    return (first, second) if first < second else (second, first)


@compiled()
def _meet(s, planes, ox, oy, oz, dx, dy, dz, near, far):  # type: ignore[no-untyped-def]
    """Distance to a solid and the normal there in the solid's own frame; FAR where it is missed."""
    px, py, pz = ox - s[1], oy - s[2], oz - s[3]
    ahead = -(px * dx + py * dy + pz * dz)
    size = s[9]
    if px * px + py * py + pz * pz - ahead * ahead > size * size or ahead - size > far or ahead + size < 0:
        return FAR, 0.0, 0.0, 0.0
    c, n = s[7], s[8]
    lx, ly = c * px + n * py, c * py - n * px
    ex, ey = c * dx + n * dy, c * dy - n * dx
    kind = int(s[0])
    hx, hy, hz = s[4], s[5], s[6]
    if kind == BOX:
        ax, bx = _slab(lx, ex, hx)
        ay, by = _slab(ly, ey, hy)
        az, bz = _slab(pz, dz, hz)
        start = max(ax, max(ay, az))
        if start > min(bx, min(by, bz)) or start < near:
            return FAR, 0.0, 0.0, 0.0
        if start == ax:
            return start, -np.sign(ex), 0.0, 0.0
        if start == ay:
            return start, 0.0, -np.sign(ey), 0.0
        return start, 0.0, 0.0, -np.sign(dz)
    if kind in (CYLINDER, LYING):
        # The axis is z, or the solid's own x.
        if kind == CYLINDER:
            ua, va, wa, ub, vb, wb, radius, half = lx, ly, pz, ex, ey, dz, hx, hz
        else:
            ua, va, wa, ub, vb, wb, radius, half = ly, pz, lx, ey, dz, ex, hy, hx
        a = ub * ub + vb * vb
        low, high = _slab(wa, wb, half)
        if a < 1e-12:
            first, last = (-FAR, FAR) if ua * ua + va * va <= radius * radius else (FAR, -FAR)
        else:
            b = ua * ub + va * vb
            d = b * b - a * (ua * ua + va * va - radius * radius)
            if d < 0:
                return FAR, 0.0, 0.0, 0.0
            root = np.sqrt(d)
            first, last = (-b - root) / a, (-b + root) / a
        start = max(first, low)
        if start > min(last, high) or start < near:
            return FAR, 0.0, 0.0, 0.0
        if start == first:
            nu, nv, nw = (ua + start * ub) / radius, (va + start * vb) / radius, 0.0
        else:
            nu, nv, nw = 0.0, 0.0, -np.sign(wb)
        return (start, nu, nv, nw) if kind == CYLINDER else (start, nw, nu, nv)
    if kind == HULL:
        start, end = -FAR, FAR
        nx, ny, nz = 0.0, 0.0, 0.0
        for q in range(int(s[12]), int(s[13])):
            rate = planes[q, 0] * ex + planes[q, 1] * ey + planes[q, 2] * dz
            gap = planes[q, 3] - (planes[q, 0] * lx + planes[q, 1] * ly + planes[q, 2] * pz)
            if abs(rate) < 1e-9:
                if gap < 0:
                    return FAR, 0.0, 0.0, 0.0
            elif rate < 0:
                if gap / rate > start:
                    start = gap / rate
                    nx, ny, nz = planes[q, 0], planes[q, 1], planes[q, 2]
            else:
                end = min(end, gap / rate)
        if start > end or start < near:
            return FAR, 0.0, 0.0, 0.0
        return start, nx, ny, nz
    ux, uy, uz, wx, wy, wz = lx / hx, ly / hy, pz / hz, ex / hx, ey / hy, dz / hz
    a = wx * wx + wy * wy + wz * wz
    b = ux * wx + uy * wy + uz * wz
    d = b * b - a * (ux * ux + uy * uy + uz * uz - 1)
    if d < 0:
        return FAR, 0.0, 0.0, 0.0
    root = np.sqrt(d)
    for side in range(2):
        start = (-b - root) / a if side == 0 else (-b + root) / a
        if start < near:
            continue
        qx, qy, qz = ux + start * wx, uy + start * wy, uz + start * wz
        if kind == CROWN:
            # Leaves end where the noise does: a ragged rim, light through the gaps.
            x, y, z = qx * hx, qy * hy, qz * hz
            seed = int(s[1] * 31 + s[2] * 17 + s[3] * 7)
            leaf = 0.5 * noise(x * 5.1 + z * 3.7, y * 5.1 - z * 4.3, seed)
            leaf += 0.5 * noise(x * 17 - z * 13, y * 17 + z * 15, seed + 1)
            if leaf < 0.76 - 0.40 * min(1.0, root / np.sqrt(a) * 1.15):
                continue
        slope = np.sqrt((qx / hx) ** 2 + (qy / hy) ** 2 + (qz / hz) ** 2)
        return start, qx / hx / slope, qy / hy / slope, qz / hz / slope
    return FAR, 0.0, 0.0, 0.0


@compiled()
def _in_cone(solids, origin, directions, found):  # type: ignore[no-untyped-def]
    """Number of solids, listed in ``found``, that rays in a run of neighbouring pixels may meet."""
    ax, ay, az = 0.0, 0.0, 0.0
    for k in range(directions.shape[0]):
        ax, ay, az = ax + directions[k, 0], ay + directions[k, 1], az + directions[k, 2]
    size = np.sqrt(ax * ax + ay * ay + az * az) + 1e-9
    ax, ay, az = ax / size, ay / size, az / size
    narrow = 1.0
    for k in range(directions.shape[0]):
        narrow = min(narrow, directions[k, 0] * ax + directions[k, 1] * ay + directions[k, 2] * az)
    half = np.arccos(max(-1.0, narrow)) + 1e-3
    count = 0
    for i in range(solids.shape[0]):
        px, py, pz = solids[i, 1] - origin[0], solids[i, 2] - origin[1], solids[i, 3] - origin[2]
        far = np.sqrt(px * px + py * py + pz * pz)
        if far > solids[i, 9]:
            angle = np.arccos(min(1.0, max(-1.0, (px * ax + py * ay + pz * az) / far)))
            if angle > half + np.arcsin(solids[i, 9] / far):
                continue
        found[count] = i
        count += 1
    return count


@compiled()
def _in_beam(solids, points, target, found):  # type: ignore[no-untyped-def]
    """Number of solids, listed in ``found``, between a run of points and a distant lamp."""
    low = np.array([1e9, 1e9, 1e9])
    high = -low
    for k in range(points.shape[0]):
        for axis in range(3):
            low[axis] = min(low[axis], points[k, axis])
            high[axis] = max(high[axis], points[k, axis])
    middle = 0.5 * (low + high)
    reach = 0.5 * np.sqrt(((high - low) ** 2).sum()) + 0.02
    count = 0
    for i in range(solids.shape[0]):
        px, py, pz = solids[i, 1] - middle[0], solids[i, 2] - middle[1], solids[i, 3] - middle[2]
        along = px * target[0] + py * target[1] + pz * target[2]
        room = reach + solids[i, 9]
        if along > -room and px * px + py * py + pz * pz - along * along < room * room:
            found[count] = i
            count += 1
    return count


@compiled()
def cast(solids, planes, ceiling, origins, directions):  # type: ignore[no-untyped-def]
    """First hits of N rays: distance, what (index of a solid, SKY, FLOOR, CEILING) and world normal."""
    count = directions.shape[0]
    fixed = origins.shape[0] == 1
    reach = np.empty(count, np.float32)
    what = np.empty(count, np.int32)
    normal = np.zeros((count, 3), np.float32)
    ahead = np.arange(solids.shape[0]).astype(np.int32)
    alive = solids.shape[0]
    for p in range(count):
        o = 0 if fixed else p
        if fixed and p % _RUN == 0:
            alive = _in_cone(solids, origins[0], directions[p : p + _RUN], ahead)
        ox, oy, oz = origins[o, 0], origins[o, 1], origins[o, 2]
        dx, dy, dz = directions[p, 0], directions[p, 1], directions[p, 2]
        best, which, nx, ny, nz = FAR, SKY, 0.0, 0.0, 0.0
        if dz < -1e-7:
            best, which, nz = -oz / dz, FLOOR, 1.0
        elif dz > 1e-7 and ceiling > 0:
            best, which, nz = (ceiling - oz) / dz, CEILING, -1.0
        for k in range(alive):
            i = ahead[k]
            t, lx, ly, lz = _meet(solids[i], planes, ox, oy, oz, dx, dy, dz, 1e-3, best)
            if t < best:
                c, n = solids[i, 7], solids[i, 8]
                best, which = t, i
                nx, ny, nz = c * lx - n * ly, n * lx + c * ly, lz
        reach[p], what[p] = best, which
        normal[p, 0], normal[p, 1], normal[p, 2] = nx, ny, nz
    return reach, what, normal


@compiled()
def blocked(solids, planes, points, normals, target, distant, spread):  # type: ignore[no-untyped-def]
    """``(N,)`` 1 where something stands between a point and a lamp (or, ``distant``, towards it)."""
    out = np.zeros(points.shape[0], np.float32)
    between = np.arange(solids.shape[0]).astype(np.int32)
    alive = solids.shape[0]
    for p in range(points.shape[0]):
        if distant and p % _RUN == 0:
            alive = _in_beam(solids, points[p : p + _RUN], target, between)
        ox = points[p, 0] + 0.012 * normals[p, 0]
        oy = points[p, 1] + 0.012 * normals[p, 1]
        oz = points[p, 2] + 0.012 * normals[p, 2]
        jx = spread * (hashed(p, 1, 5) - 0.5)
        jy = spread * (hashed(p, 2, 6) - 0.5)
        if distant:
            dx, dy, dz, far = target[0] + jx, target[1] + jy, target[2], FAR
        else:
            dx, dy, dz = target[0] + jx - ox, target[1] + jy - oy, target[2] - oz
            far = np.sqrt(dx * dx + dy * dy + dz * dz) - 0.15
        size = np.sqrt(dx * dx + dy * dy + dz * dz)
        dx, dy, dz = dx / size, dy / size, dz / size
        if normals[p, 0] * dx + normals[p, 1] * dy + normals[p, 2] * dz <= 0:
            out[p] = 1
            continue
        for k in range(alive):
            t, _, _, _ = _meet(solids[between[k]], planes, ox, oy, oz, dx, dy, dz, 0.0, far)
            if t < far:
                out[p] = 1
                break
    return out
