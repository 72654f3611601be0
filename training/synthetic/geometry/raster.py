"""Triangles to pixels: skinning, normals and a z-buffer, compiled, on one core.

Everything here is a plain loop in a fixed order, so the same input gives the same bytes.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats
from training.synthetic.geometry.compiling import compiled

Int32s = NDArray[np.int32]


class Fragments(NamedTuple):
    """The pixels in which a triangle is nearest to the camera, row by row.

    Attributes:
        row, column: ``(P,)`` pixel of the window.
        face: ``(P,)`` triangle that is seen.
        bary: ``(P, 3)`` barycentric coordinates in it.
        depth: ``(P,)`` metres along the optical axis.
    """

    row: Int32s
    column: Int32s
    face: Int32s
    bary: Floats
    depth: Floats


@compiled()
def skin(vertices: Floats, bones: NDArray[np.int16], weights: Floats, transforms: Floats) -> Floats:
    """Linear blend skinning.

    Args:
        vertices: ``(V, 3)`` rest positions.
        bones: ``(V, K)`` bones that pull at each.
        weights: ``(V, K)``, rows sum to 1.
        transforms: ``(B, 4, 4)`` from rest to pose.

    Returns:
        ``(V, 3)`` posed positions.
    """
    count, pulls = bones.shape
    out = np.empty((count, 3), np.float32)
    for v in range(count):
        x, y, z = vertices[v, 0], vertices[v, 1], vertices[v, 2]
        a = np.float32(0)
        b = np.float32(0)
        c = np.float32(0)
        for k in range(pulls):
            w = weights[v, k]
            if w == 0:
                continue
            m = transforms[bones[v, k]]
            a += w * (m[0, 0] * x + m[0, 1] * y + m[0, 2] * z + m[0, 3])
            b += w * (m[1, 0] * x + m[1, 1] * y + m[1, 2] * z + m[1, 3])
            c += w * (m[2, 0] * x + m[2, 1] * y + m[2, 2] * z + m[2, 3])
        out[v, 0] = a
        out[v, 1] = b
        out[v, 2] = c
    return out


@compiled()
def vertex_normals(vertices: Floats, faces: Int32s) -> Floats:
    """``(V, 3)`` unit normals, the faces weighted by their area; counter-clockwise is outside."""
    out = np.zeros_like(vertices)
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        ax = vertices[j, 0] - vertices[i, 0]
        ay = vertices[j, 1] - vertices[i, 1]
        az = vertices[j, 2] - vertices[i, 2]
        bx = vertices[k, 0] - vertices[i, 0]
        by = vertices[k, 1] - vertices[i, 1]
        bz = vertices[k, 2] - vertices[i, 2]
        nx = ay * bz - az * by
        ny = az * bx - ax * bz
        nz = ax * by - ay * bx
        for v in (i, j, k):
            out[v, 0] += nx
            out[v, 1] += ny
            out[v, 2] += nz
    for v in range(out.shape[0]):
        length = np.sqrt(out[v, 0] ** 2 + out[v, 1] ** 2 + out[v, 2] ** 2)
        if length > 0:
            out[v] /= length
    return out


@compiled()
def _fill(
    points: Floats, depth: Floats, faces: Int32s, cut: Floats, near: float, height: int, width: int
) -> tuple[Int32s, Floats, Floats]:
    winner = np.full((height, width), -1, np.int32)
    bary = np.zeros((height, width, 2), np.float32)
    buffer = np.full((height, width), np.inf, np.float32)
    for f in range(faces.shape[0]):
        i, j, k = faces[f, 0], faces[f, 1], faces[f, 2]
        if cut[i] < 0 and cut[j] < 0 and cut[k] < 0:
            continue
        if depth[i] < near or depth[j] < near or depth[k] < near:
            continue
        x0, y0 = points[i, 0], points[i, 1]
        x1, y1 = points[j, 0], points[j, 1]
        x2, y2 = points[k, 0], points[k, 1]
        area = (x1 - x0) * (y2 - y0) - (x2 - x0) * (y1 - y0)
        if area == 0:
            continue
        top = max(0, int(np.ceil(min(y0, y1, y2) - 0.5)))
        bottom = min(height - 1, int(np.floor(max(y0, y1, y2) - 0.5)))
        left = max(0, int(np.ceil(min(x0, x1, x2) - 0.5)))
        right = min(width - 1, int(np.floor(max(x0, x1, x2) - 0.5)))
        if top > bottom or left > right:
            continue
        inverse = 1.0 / area
        for row in range(top, bottom + 1):
            y = row + 0.5
            for column in range(left, right + 1):
                x = column + 0.5
                b = ((x - x0) * (y2 - y0) - (x2 - x0) * (y - y0)) * inverse
                if b < 0:
                    continue
                c = ((x1 - x0) * (y - y0) - (x - x0) * (y1 - y0)) * inverse
                if c < 0 or b + c > 1:
                    continue
                a = 1 - b - c
                z = a * depth[i] + b * depth[j] + c * depth[k]
                if z >= buffer[row, column]:
                    continue
                if a * cut[i] + b * cut[j] + c * cut[k] < 0:
                    continue
                buffer[row, column] = z
                winner[row, column] = f
                bary[row, column, 0] = b
                bary[row, column, 1] = c
    return winner, bary, buffer


@compiled()
def _collect(winner: Int32s, bary: Floats, buffer: Floats) -> tuple[Int32s, Int32s, Int32s, Floats, Floats]:
    height, width = winner.shape
    count = 0
    for row in range(height):
        for column in range(width):
            if winner[row, column] >= 0:
                count += 1
    rows = np.empty(count, np.int32)
    columns = np.empty(count, np.int32)
    face = np.empty(count, np.int32)
    weights = np.empty((count, 3), np.float32)
    depth = np.empty(count, np.float32)
    at = 0
    for row in range(height):
        for column in range(width):
            if winner[row, column] >= 0:
                rows[at] = row
                columns[at] = column
                face[at] = winner[row, column]
                weights[at, 1] = bary[row, column, 0]
                weights[at, 2] = bary[row, column, 1]
                weights[at, 0] = 1 - weights[at, 1] - weights[at, 2]
                depth[at] = buffer[row, column]
                at += 1
    return rows, columns, face, weights, depth


def rasterise(
    points: Floats,
    depth: Floats,
    faces: Int32s,
    cut: Floats,
    height: int,
    width: int,
    near: float = 0.2,
) -> Fragments:
    """Which triangle each pixel of a window sees.

    Args:
        points: ``(V, 2)`` pixel coordinates in the window; a pixel's centre lies at one half.
        depth: ``(V,)`` metres along the optical axis.
        faces: ``(F, 3)``; both sides are seen.
        cut: ``(V,)``; where its interpolation is negative, there is no cloth (hems, openings).
        height, width: of the window, pixels.
        near: triangles with a corner nearer than this (metres) are left out.
    """
    return Fragments(*_collect(*_fill(points, depth, faces, cut, near, height, width)))


@compiled()
def interpolate(values: Floats, faces: Int32s, face: Int32s, bary: Floats) -> Floats:
    """``(P, C)``: the ``(V, C)`` values of the corners, mixed in each fragment."""
    width = values.shape[1]
    out = np.empty((face.shape[0], width), np.float32)
    for p in range(face.shape[0]):
        i, j, k = faces[face[p], 0], faces[face[p], 1], faces[face[p], 2]
        a, b, c = bary[p, 0], bary[p, 1], bary[p, 2]
        for channel in range(width):
            out[p, channel] = a * values[i, channel] + b * values[j, channel] + c * values[k, channel]
    return out
