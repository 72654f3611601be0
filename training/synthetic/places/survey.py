"""What is known of a point of a place: how open it is, and what its surface looks like, compiled."""

import numpy as np

from training.synthetic.geometry.compiling import compiled
from training.synthetic.places.textures import look
from training.synthetic.places.trace import CEILING, CROWN, CYLINDER, ELLIPSOID, SKY


@compiled()
def _distance(s, x, y, z):  # type: ignore[no-untyped-def]
    px, py, pz = x - s[1], y - s[2], z - s[3]
    lx, ly = abs(s[7] * px + s[8] * py), abs(s[7] * py - s[8] * px)
    kind = int(s[0])
    if kind in (ELLIPSOID, CROWN):
        size = np.sqrt((lx / s[4]) ** 2 + (ly / s[5]) ** 2 + (pz / s[6]) ** 2)
        return (size - 1) * min(s[4], min(s[5], s[6]))
    if kind == CYLINDER:
        qx, qy, qz = np.sqrt(lx * lx + ly * ly) - s[4], -1.0, abs(pz) - s[6]
    else:
        qx, qy, qz = lx - s[4], ly - s[5], abs(pz) - s[6]
    ax, ay, az = max(qx, 0.0), max(qy, 0.0), max(qz, 0.0)
    return np.sqrt(ax * ax + ay * ay + az * az)


@compiled()
def openness(solids, ceiling, points, normals, steps):  # type: ignore[no-untyped-def]
    """``(N,)`` 1 in the open, towards 0 in corners: how near other things come in front of a point."""
    out = np.ones(points.shape[0], np.float32)
    close = np.empty(solids.shape[0], np.int32)
    longest = steps[-1]
    for p in range(points.shape[0]):
        x, y, z = points[p, 0], points[p, 1], points[p, 2]
        if z < -1 or abs(x) > 500 or abs(y) > 500:
            continue
        count = 0
        for i in range(solids.shape[0]):
            reach = longest * 2 + solids[i, 9]
            apart = (x - solids[i, 1]) ** 2 + (y - solids[i, 2]) ** 2 + (z - solids[i, 3]) ** 2
            if apart < reach * reach:
                close[count] = i
                count += 1
        hidden, weight = 0.0, 0.22
        for step in steps:
            qx = x + step * normals[p, 0]
            qy = y + step * normals[p, 1]
            qz = z + step * normals[p, 2]
            room = min(step, max(qz, 0.0))
            if ceiling > 0:
                room = min(room, max(ceiling - qz, 0.0))
            for k in range(count):
                room = min(room, _distance(solids[close[k]], qx, qy, qz))
            hidden += weight * (step - max(room, 0.0)) / step
            weight *= 0.97
        out[p] = max(0.12, 1 - hidden)
    return out


@compiled()
def surfaces(solids, regions, materials, ceiling, points, what, normals, footprint):  # type: ignore[no-untyped-def]
    """``(N, 8)`` of `look` for each hit, and the middle of what the sky's rays meet left 0."""
    out = np.zeros((points.shape[0], 8), np.float32)
    for p in range(points.shape[0]):
        which = what[p]
        if which == SKY:
            continue
        x, y, z = points[p, 0], points[p, 1], points[p, 2]
        if which >= 0:
            s = solids[which]
            px, py, v = x - s[1], y - s[2], z - s[3]
            lx, ly = s[7] * px + s[8] * py, s[7] * py - s[8] * px
            material = int(s[10])
            kind = int(s[0])
            wide, high = s[4], s[6]
            if kind == CYLINDER:
                u = np.arctan2(ly, lx) * s[4] if abs(normals[p, 2]) < 0.9 else lx
            elif kind in (ELLIPSOID, CROWN):
                u, v = lx + 0.7 * ly, v + 0.7 * ly - 0.3 * lx
            elif abs(normals[p, 2]) > 0.8:
                u, v, high = lx, ly, s[5]
                material = int(s[11])
            else:
                across = s[7] * normals[p, 0] + s[8] * normals[p, 1]
                u = ly if abs(across) > 0.7 else lx
                wide = s[5] if abs(across) > 0.7 else s[4]
        elif which == CEILING:
            u, v, wide, high, material = x, y, 50.0, 50.0, int(ceiling)
        else:
            u, v, wide, high, material = x, y, 50.0, 50.0, int(regions[0, 6])
            for k in range(regions.shape[0] - 1, 0, -1):
                px, py = x - regions[k, 0], y - regions[k, 1]
                lx = regions[k, 4] * px + regions[k, 5] * py
                ly = regions[k, 4] * py - regions[k, 5] * px
                if abs(lx) < regions[k, 2] and abs(ly) < regions[k, 3]:
                    u, v, wide, high = lx, ly, regions[k, 2], regions[k, 3]
                    material = int(regions[k, 6])
                    break
        r, g, b, n, heat, polish, mirror, glow = look(materials[material], u, v, wide, high, footprint[p])
        out[p, 0], out[p, 1], out[p, 2], out[p, 3] = r, g, b, n
        out[p, 4], out[p, 5], out[p, 6], out[p, 7] = heat, polish, mirror, glow
    return out
