"""Small meshes: what people carry and wear beside their clothes, built from simple shapes."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from training.synthetic.geometry.skeleton import BONE

Floats = npt.NDArray[np.floating]


@dataclass(frozen=True, slots=True, eq=False)
class Mesh:
    """Triangles that follow bones.

    Attributes:
        vertices: (V, 3) float32 metres, in the identity's rest coordinates (or the object's own).
        faces: (F, 3) int32, counter-clockwise seen from outside.
        texture: (V, 3) float32 metres, in the object's own coordinates.
        bones: (V, 4) int16 indices into `skeleton.BONES`.
        weights: (V, 4) float32, rows sum to 1.
        material: (F,) int16 index into the owner's list of surfaces.
    """

    vertices: npt.NDArray[np.float32]
    faces: npt.NDArray[np.int32]
    texture: npt.NDArray[np.float32]
    bones: npt.NDArray[np.int16]
    weights: npt.NDArray[np.float32]
    material: npt.NDArray[np.int16]

    def moved(self, offset: Sequence[float] | Floats) -> "Mesh":
        """Shifted by metres (3,)."""
        return replace(self, vertices=(self.vertices + np.asarray(offset)).astype(np.float32))

    def turned(self, rotation: Floats, about: Sequence[float] | Floats = (0.0, 0.0, 0.0)) -> "Mesh":
        """Turned by a rotation matrix (3, 3) about a point."""
        centre = np.asarray(about)
        return replace(
            self, vertices=((self.vertices - centre) @ np.asarray(rotation).T + centre).astype(np.float32)
        )

    def shaped(self, vertices: Floats) -> "Mesh":
        """The same triangles with other vertices (V, 3)."""
        return replace(self, vertices=np.asarray(vertices, np.float32))

    def of(self, material: int) -> "Mesh":
        """All of one surface."""
        return replace(self, material=np.full(len(self.faces), material, np.int16))

    def bound(self, *bones: str, weights: Floats | None = None) -> "Mesh":
        """Tied to up to four bones: alike, or by ``weights`` (V, K), which need not sum to 1."""
        count = len(self.vertices)
        index = np.zeros((count, 4), np.int16)
        index[:, : len(bones)] = [BONE[name] for name in bones]
        share = np.zeros((count, 4))
        share[:, : len(bones)] = 1.0 if weights is None else weights
        share /= share.sum(1, keepdims=True)
        return replace(self, bones=index, weights=share.astype(np.float32))

    def mirrored(self) -> "Mesh":
        """Left for right (x reversed); ties to bones stay."""
        flip = np.array([-1, 1, 1], np.float32)
        return replace(self, vertices=self.vertices * flip, faces=self.faces[:, ::-1].copy())

    def outside(self) -> Floats:
        """(F, 3) unit normals of the triangles."""
        a, b, c = (self.vertices[self.faces[:, corner]].astype(float) for corner in range(3))
        normal = np.cross(b - a, c - a)
        result: Floats = normal / np.maximum(np.linalg.norm(normal, axis=1, keepdims=True), 1e-12)
        return result


def joined(meshes: Sequence[Mesh]) -> Mesh:
    """Several meshes as one; their surfaces keep their numbers."""
    starts = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    return Mesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        faces=np.concatenate(
            [mesh.faces + start for mesh, start in zip(meshes, starts, strict=False)]
        ).astype(np.int32),
        texture=np.concatenate([mesh.texture for mesh in meshes]),
        bones=np.concatenate([mesh.bones for mesh in meshes]),
        weights=np.concatenate([mesh.weights for mesh in meshes]),
        material=np.concatenate([mesh.material for mesh in meshes]),
    )


def mesh(vertices: Floats, faces: npt.NDArray[np.integer], texture: Floats | None = None) -> Mesh:
    """Vertices (V, 3) and triangles (F, 3), of surface 0, tied to the root."""
    count = len(vertices)
    weights = np.zeros((count, 4), np.float32)
    weights[:, 0] = 1
    return Mesh(
        vertices=np.asarray(vertices, np.float32),
        faces=np.asarray(faces, np.int32),
        texture=np.asarray(vertices if texture is None else texture, np.float32),
        bones=np.zeros((count, 4), np.int16),
        weights=weights,
        material=np.zeros(len(faces), np.int16),
    )


def _slope(points: Floats, axis: int) -> npt.NDArray[np.float64]:
    return np.asarray(np.gradient(points, axis=axis), float)


def _grid_faces(
    rows: int, columns: int, round_rows: bool = False, round_columns: bool = False
) -> npt.NDArray[np.int64]:
    """Triangles of a grid of vertices, outside where row direction × column direction points."""
    r = np.arange(rows if round_rows else rows - 1)[:, None]
    c = np.arange(columns if round_columns else columns - 1)[None]
    a = r * columns + c
    b = (r + 1) % rows * columns + c
    d = r * columns + (c + 1) % columns
    e = (r + 1) % rows * columns + (c + 1) % columns
    result: npt.NDArray[np.int64] = np.concatenate(
        [np.stack([a, b, e], -1).reshape(-1, 3), np.stack([a, e, d], -1).reshape(-1, 3)]
    )
    return result


def box(size: Sequence[float], radius: float = 0.01) -> Mesh:
    """A box of ``size`` (3,) about the origin with edges rounded by ``radius``; 108 triangles."""
    half = np.asarray(size, float) / 2
    radius = min(radius, float(half.min()) * 0.99)
    steps = np.stack([-half, -half + radius, half - radius, half])
    parts = []
    for axis in range(3):
        first, second = (axis + 1) % 3, (axis + 2) % 3
        for sign in (-1, 1):
            points = np.zeros((4, 4, 3))
            points[..., axis] = sign * half[axis]
            points[..., first] = steps[:, None, first]
            points[..., second] = steps[None, :, second]
            faces = _grid_faces(4, 4)
            core = np.clip(points, -(half - radius), half - radius)
            away = points - core
            away /= np.maximum(np.linalg.norm(away, axis=-1, keepdims=True), 1e-12)
            flat = (core + radius * away).reshape(-1, 3)
            parts.append(mesh(flat, faces if sign > 0 else faces[:, ::-1]))
    return joined(parts)


def lathe(profile: Floats, segments: int = 12, stretch: Sequence[float] = (1.0, 1.0)) -> Mesh:
    """A profile (N, 2) of (radius, z) turned about the z axis; outside is to the profile's right.

    Args:
        profile: from the bottom up for a shape whose outside is away from the axis.
        segments: corners round the axis.
        stretch: factors of x and y.
    """
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False)
    circle = np.stack([np.cos(angle) * stretch[0], np.sin(angle) * stretch[1]], -1)
    points = np.empty((segments, len(profile), 3))
    points[..., :2] = circle[:, None] * profile[None, :, :1]
    points[..., 2] = profile[None, :, 1]
    return mesh(points.reshape(-1, 3), _grid_faces(segments, len(profile), round_rows=True))


def ellipsoid(
    radii: Sequence[float],
    rings: int = 7,
    segments: int = 12,
    lowest: float = -np.pi / 2,
    highest: float = np.pi / 2,
) -> Mesh:
    """An ellipsoid about the origin, or the part of it between two latitudes (a dome: from 0)."""
    latitude = np.linspace(lowest, highest, rings)
    profile = np.stack([np.cos(latitude), np.sin(latitude) * radii[2]], -1)
    return lathe(profile, segments, stretch=radii[:2])


def tube(
    points: Floats,
    radius: float | Floats,
    segments: int = 6,
    closed: bool = False,
    flat: float = 1.0,
    facing: Floats | None = None,
) -> Mesh:
    """A tube along a line of points; a cone or cylinder where there are two; a strap where it is flat.

    Args:
        points: (N, 3).
        radius: metres, or one a point (N,).
        segments: corners of the cross-section.
        closed: whether the end joins the beginning (a ring); otherwise the ends are closed by caps.
        flat: thickness across ``facing``, of the width.
        facing: (N, 3) outward direction of a flat tube, e.g. the body's normal under a strap.
    """
    points = np.asarray(points, float)
    count = len(points)
    along = np.roll(points, -1, 0) - np.roll(points, 1, 0) if closed else _slope(points, 0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-12)
    if facing is None:
        # One start direction carried along the line, so that the cross-section does not spin.
        least = np.eye(3)[int(np.argmin(np.abs(along[0])))]
        up = np.empty_like(points)
        previous = least
        for row in range(count):
            previous = previous - along[row] * (previous @ along[row])
            previous = previous / max(float(np.linalg.norm(previous)), 1e-12)
            up[row] = previous
    else:
        up = np.asarray(facing, float) - along * (np.asarray(facing) * along).sum(1, keepdims=True)
        up /= np.maximum(np.linalg.norm(up, axis=1, keepdims=True), 1e-12)
    side = np.cross(along, up)
    angle = np.linspace(0, 2 * np.pi, segments, endpoint=False) + np.pi / segments
    size = np.broadcast_to(np.asarray(radius, float), (count,))[:, None, None]
    ring = points[:, None] + size * (
        np.cos(angle)[None, :, None] * side[:, None] + flat * np.sin(angle)[None, :, None] * up[:, None]
    )
    vertices = ring.reshape(-1, 3)
    distance = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(points, axis=0), axis=1))])
    texture = np.empty((count, segments, 3))
    texture[..., :2] = size * np.stack([np.cos(angle), np.sin(angle)], -1)[None]
    texture[..., 2] = distance[:, None]
    # Round turns clockwise seen along the line, so that row × column points outwards.
    faces = _grid_faces(count, segments, round_rows=closed, round_columns=True)
    if not closed:
        first = np.arange(1, segments - 1)
        zero = np.zeros_like(first)
        last = (count - 1) * segments
        faces = np.concatenate(
            [
                faces,
                np.stack([zero, first, first + 1], -1),
                np.stack([zero, first + 1, first], -1) + last,
            ]
        )
    return mesh(vertices, faces, texture.reshape(-1, 3))


def sheet(grid: Floats, thickness: float = 0.004) -> Mesh:
    """A sheet through a grid of points (R, C, 3), with two sides and no rim.

    The first side looks where row direction × column direction points; it lies on the grid, the second
    ``thickness`` metres behind it.
    """
    grid = np.asarray(grid, float)
    rows, columns = grid.shape[:2]
    down, across = _slope(grid, 0), _slope(grid, 1)
    normal = np.cross(down, across)
    normal /= np.maximum(np.linalg.norm(normal, axis=-1, keepdims=True), 1e-12)
    faces = _grid_faces(rows, columns)
    front = mesh(grid.reshape(-1, 3), faces)
    back = mesh((grid - thickness * normal).reshape(-1, 3), faces[:, ::-1])
    return joined([front, replace(back, texture=front.texture)])
