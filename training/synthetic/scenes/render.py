"""One person in one pose before one camera: from triangles to light, in the camera's own pixels."""

from dataclasses import dataclass, field

import cv2
import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Spectrum
from training.synthetic.figures.figure import Figure
from training.synthetic.geometry.optics import Camera
from training.synthetic.geometry.raster import Int32s, interpolate, rasterise, skin, vertex_normals
from training.synthetic.geometry.skeleton import BONE, bone_transforms
from training.synthetic.light.lamps import Light, lamp_reach
from training.synthetic.light.paint import paint
from training.synthetic.light.surface import Surface, table

# Not part of the person when a box is drawn round them.
BESIDE = ("suitcase", "umbrella", "pushchair")
FINE = 300
SUN_GRID = 160


@dataclass(frozen=True, slots=True, eq=False)
class Model:
    """A figure packed for speed: one array each, all layers one after another.

    Attributes:
        figure: whose.
        vertices, bones, weights, texture, cut: of all layers' vertices.
        faces: ``(F, 3)`` of all layers and of what keeps upright.
        surface: ``(F,)`` row of ``table`` of each face.
        part: ``(F,)`` index in ``names`` of each face.
        names: of the parts.
        table: ``(S, COLUMNS)`` surfaces.
        upright: vertices of what keeps upright, which bone each hangs from, how far from it, and whether
            it rolls on the floor instead of following the bone's height.
        feet: ``(K,)`` vertices that may touch the ground.
    """

    figure: Figure
    vertices: Floats
    bones: NDArray[np.int16]
    weights: Floats
    texture: Floats
    cut: Floats
    faces: Int32s
    surface: Int32s
    part: Int32s
    names: tuple[str, ...]
    table: Floats
    upright: tuple[tuple[Floats, str, Floats, bool], ...]
    feet: NDArray[np.int64]


def packed(figure: Figure) -> Model:
    """Put a figure's layers into one array each."""
    faces: list[Int32s] = []
    surface: list[Int32s] = []
    part: list[Int32s] = []
    names: list[str] = []
    surfaces: list[Surface] = []
    texture: list[Floats] = []
    cut: list[Floats] = []
    count = 0
    for layer in figure.layers:
        names.append(layer.name)
        faces.append(layer.faces + count)
        surface.append(np.full(len(layer.faces), len(surfaces), np.int32))
        part.append(np.full(len(layer.faces), len(names) - 1, np.int32))
        surfaces.append(layer.surface)
        texture.append(layer.texture)
        cut.append(layer.cut)
        count += len(layer.vertices)
    upright = []
    for attachment, named in zip(figure.upright, figure.upright_surfaces, strict=True):
        mesh = attachment.mesh
        names.append(attachment.name)
        faces.append(mesh.faces + count)
        surface.append(mesh.material.astype(np.int32) + len(surfaces))
        part.append(np.full(len(mesh.faces), len(names) - 1, np.int32))
        surfaces.extend(named)
        texture.append(mesh.texture)
        cut.append(np.ones(len(mesh.vertices), np.float32))
        offset = np.asarray(attachment.offset, np.float32)
        upright.append((mesh.vertices, attachment.anchor, offset, attachment.rolling))
        count += len(mesh.vertices)
    vertices = np.concatenate([layer.vertices for layer in figure.layers])
    low = vertices[:, 2] < figure.measures.sole + 0.16
    return Model(
        figure=figure,
        vertices=np.ascontiguousarray(vertices, np.float32),
        bones=np.ascontiguousarray(np.concatenate([layer.bones for layer in figure.layers])),
        weights=np.ascontiguousarray(np.concatenate([layer.weights for layer in figure.layers]), np.float32),
        texture=np.ascontiguousarray(np.concatenate(texture), np.float32),
        cut=np.ascontiguousarray(np.concatenate(cut), np.float32),
        faces=np.ascontiguousarray(np.concatenate(faces), np.int32),
        surface=np.concatenate(surface),
        part=np.concatenate(part),
        names=tuple(names),
        table=table(surfaces),
        upright=tuple(upright),
        feet=np.flatnonzero(low),
    )


@dataclass(frozen=True, slots=True)
class Stance:
    """Where and how a person stands.

    Attributes:
        x, y: metres on the floor.
        heading: radians; 0 walks towards -y, positive turns left (counter-clockwise from above).
        rotations: ``(104, 3)`` or ``(104, 3, 3)`` of the bones.
    """

    x: float
    y: float
    heading: float
    rotations: NDArray[np.floating] = field(repr=False)


@dataclass(frozen=True, slots=True, eq=False)
class Sprite:
    """A person's pixels, in a window of the frame.

    Attributes:
        left, top: the window's corner in the frame, pixels; may lie outside of it.
        radiance: ``(h, w, C)`` light or temperature, times ``alpha``.
        alpha: ``(h, w)`` share of each pixel that is the person or what they carry.
        body: ``(h, w)`` share that is the person without what stands beside them.
        depth: ``(h, w)`` metres along the axis, infinite off the person.
        parts: fragments of each named part before anything hides them.
        posed: ``(V, 3)`` vertices in the world, from which shadows are cast.
    """

    left: int
    top: int
    radiance: Floats
    alpha: Floats
    body: Floats
    depth: Floats
    parts: dict[str, int]
    posed: Floats


def place(model: Model, stance: Stance) -> Floats:
    """``(V, 3)`` vertices in the world, the lowest foot on the floor."""
    figure = model.figure
    transforms = bone_transforms(figure.skeleton, stance.rotations).astype(np.float32)
    posed = skin(model.vertices, model.bones, model.weights, transforms)
    ground = float(posed[model.feet, 2].min())
    cosine, sine = np.cos(stance.heading), np.sin(stance.heading)
    turn = np.array([[cosine, -sine, 0], [sine, cosine, 0], [0, 0, 1]], np.float32)
    pieces = [posed]
    for vertices, anchor, offset, rolling in model.upright:
        index = BONE[anchor]
        head = transforms[index, :3, :3] @ figure.skeleton.heads[index].astype(np.float32)
        at = head + transforms[index, :3, 3] + offset
        if rolling:
            at[2] = ground
        pieces.append(vertices + at)
    world = np.concatenate(pieces) if len(pieces) > 1 else posed
    world = (world - np.array([0, 0, ground], np.float32)) @ turn.T
    return np.ascontiguousarray(world + np.array([stance.x, stance.y, 0], np.float32), np.float32)


def _lighting(light: Light, centre: Floats) -> tuple[Floats, Floats, Floats, Floats, Floats]:
    towards = np.zeros((len(light.lamps), 3), np.float32)
    colours = np.zeros((len(light.lamps), 3), np.float32)
    wraps = np.zeros(len(light.lamps), np.float32)
    for index, lamp in enumerate(light.lamps):
        direction, reach = lamp_reach(lamp, centre[None])
        towards[index] = direction[0]
        colours[index] = np.asarray(lamp.colour, np.float32) * float(reach[0])
        wraps[index] = lamp.wrap
    return (
        np.asarray(light.sky, np.float32),
        np.asarray(light.ground, np.float32),
        towards,
        colours,
        wraps,
    )


def _self_shadow(world: Floats, model: Model, points: Floats, towards: Floats) -> Floats:
    """How much of a distant lamp reaches each point past the person's own body, 0..1."""
    side = np.cross(towards, [0.0, 0.0, 1.0])
    side = side / (np.linalg.norm(side) + 1e-9)
    up = np.cross(side, towards)
    basis = np.stack([side, up, -towards]).astype(np.float32)
    local = world @ basis.T
    low = np.array([local[:, axis].min() for axis in range(3)])
    high = np.array([local[:, axis].max() for axis in range(3)])
    scale = SUN_GRID / max(float((high - low)[:2].max()), 1e-6)
    flat = (local[:, :2] - low[:2]) * scale
    depth = local[:, 2] - low[2] + 1.0
    size = np.ceil((high - low)[:2] * scale).astype(int) + 1
    hit = rasterise(
        np.ascontiguousarray(flat),
        np.ascontiguousarray(depth),
        model.faces,
        model.cut,
        int(size[1]),
        int(size[0]),
    )
    nearest = np.full((size[1], size[0]), np.inf, np.float32)
    nearest[hit.row, hit.column] = hit.depth
    at = points @ basis.T
    column = np.clip(((at[:, 0] - low[0]) * scale).astype(int), 0, size[0] - 1)
    row = np.clip(((at[:, 1] - low[1]) * scale).astype(int), 0, size[1] - 1)
    return np.asarray(at[:, 2] - low[2] + 1.0 < nearest[row, column] + 0.035, np.float32)


def render(model: Model, stance: Stance, camera: Camera, light: Light, fine: int = FINE) -> Sprite | None:
    """What a camera sees of a person.

    Args:
        model: the person.
        stance: where they stand and how.
        camera: its geometry.
        light: of the place, in the camera's spectrum.
        fine: rows that the person is drawn with before averaging, about.

    Returns:
        None where nothing of the person lies in the frame.
    """
    world = place(model, stance)
    pixels, depth = camera.project(world)
    ahead = depth > 0.3
    if not ahead.any():
        return None
    across, down = pixels[ahead, 0], pixels[ahead, 1]
    low = np.floor([across.min(), down.min()]).astype(int) - 1
    high = np.ceil([across.max(), down.max()]).astype(int) + 1
    # Half a frame of margin keeps boxes honest where somebody is cut by the border.
    low = np.maximum(low, [-camera.width // 8, -camera.height // 8])
    high = np.minimum(high, [camera.width + camera.width // 8, camera.height + camera.height // 8])
    width, height = int(high[0] - low[0]), int(high[1] - low[1])
    if width < 2 or height < 2 or low[0] >= camera.width or low[1] >= camera.height or (high <= 0).any():
        return None
    scale = int(np.clip(round(fine / height), 1, 4))
    flat = np.ascontiguousarray((pixels - low) * scale, np.float32)
    hit = rasterise(
        flat, np.ascontiguousarray(depth, np.float32), model.faces, model.cut, height * scale, width * scale
    )
    if not len(hit.face):
        return None
    normals = vertex_normals(world, model.faces)
    values = interpolate(np.concatenate([model.texture, normals, world], 1), model.faces, hit.face, hit.bary)
    centre = np.array([stance.x, stance.y, 1.1], np.float32)
    view = np.asarray(camera.position, np.float32) - centre
    view = (view / np.linalg.norm(view)).astype(np.float32)
    lighting = _lighting(light, centre)
    shade = np.ones(len(hit.face), np.float32)
    shadow_lamp = -1
    if light.spectrum is not Spectrum.THERMAL and light.shadow is not None:
        shadow_lamp = light.shadow
        shade = _self_shadow(world, model, values[:, 6:9], lighting[2][shadow_lamp])
    painted = paint(
        light.spectrum,
        model.table,
        model.surface[hit.face],
        np.ascontiguousarray(values[:, :3]),
        np.ascontiguousarray(values[:, 3:6]),
        view,
        lighting,
        shade,
        shadow_lamp,
        (light.air, light.skin, light.surround),
    )
    shape = (height * scale, width * scale)
    radiance = np.zeros((*shape, painted.shape[1]), np.float32)
    far = np.full(shape, np.inf, np.float32)
    alpha = np.zeros(shape, np.float32)
    far[hit.row, hit.column] = hit.depth
    if light.spectrum is not Spectrum.THERMAL:
        painted = painted * _openness(far, hit.row, hit.column, scale, camera)[:, None]
    radiance[hit.row, hit.column] = painted
    alpha[hit.row, hit.column] = 1
    beside = np.array([name in BESIDE for name in model.names])
    parts = model.part[hit.face]
    counts = np.bincount(parts, minlength=len(model.names))
    body = alpha.copy()
    if beside.any():
        body[hit.row, hit.column] = ~beside[parts]
    seen: dict[str, int] = {}
    for name, pixels_of in zip(model.names, counts, strict=True):
        seen[name] = seen.get(name, 0) + int(pixels_of) // (scale * scale)
    if scale > 1:
        size = (width, height)
        radiance = cv2.resize(radiance, size, interpolation=cv2.INTER_AREA).reshape(height, width, -1)
        alpha = cv2.resize(alpha, size, interpolation=cv2.INTER_AREA)
        body = cv2.resize(body, size, interpolation=cv2.INTER_AREA)
        far = far[scale // 2 :: scale, scale // 2 :: scale]
    return Sprite(
        left=int(low[0]),
        top=int(low[1]),
        radiance=np.asarray(radiance, np.float32),
        alpha=np.asarray(alpha, np.float32),
        body=np.asarray(body, np.float32),
        depth=np.asarray(far, np.float32),
        parts=seen,
        posed=world,
    )


def _openness(far: Floats, row: Int32s, column: Int32s, scale: int, camera: Camera) -> Floats:
    """Darker where something near stands in front: hems, armpits, between the legs."""
    nearest = float(far[row, column].min())
    radius = max(1.5, 0.07 * camera.focal * scale / max(nearest, 0.5))
    filled = np.where(np.isfinite(far), far, nearest + 1.2).astype(np.float32)
    step = max(1, int(radius // 3))
    small = filled[::step, ::step]
    mean = cv2.GaussianBlur(small, (0, 0), radius / step)
    mean = cv2.resize(mean, (far.shape[1], far.shape[0]), interpolation=cv2.INTER_LINEAR)
    behind = far[row, column] - mean[row, column]
    return np.asarray(1 - 0.55 * np.clip(behind / 0.12, 0, 1), np.float32)
