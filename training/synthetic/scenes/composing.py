"""People put before a stage's camera: light composed, shadows cast, what hides whom worked out."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Spectrum
from training.synthetic.captions.seen import Part
from training.synthetic.geometry.raster import rasterise
from training.synthetic.light.lamps import lamp_reach
from training.synthetic.scenes.render import FINE, Model, Sprite, Stance, render
from training.synthetic.scenes.stage import Stage

Window = tuple[int, int, int, int]
"""Left, top, right, bottom in whole pixels of the frame."""


@dataclass(frozen=True, slots=True, eq=False)
class Actor:
    """Somebody on stage.

    Attributes:
        identity: who, 0 for a passer-by outside of the data set.
        model: their triangles.
        stance: where and how they stand.
    """

    identity: int
    model: Model
    stance: Stance


@dataclass(frozen=True, slots=True)
class Seen:
    """What can be seen of an actor.

    Attributes:
        identity: who.
        box: ``(left, top, right, bottom)`` pixels round the whole person, clipped to the frame.
        height: of the unclipped person, pixels.
        visible: share of the person's pixels that nothing hides and the frame holds.
        parts: which of head, trunk, legs and feet are mostly seen.
        items: pixels of each part of the figure before anything hides it.
        yaw: degrees; 0 faces the camera, 90 shows the person's left side, 180 the back.
        distance: metres.
    """

    identity: int
    box: tuple[float, float, float, float]
    height: float
    visible: float
    parts: frozenset[Part]
    items: dict[str, int]
    yaw: float
    distance: float


_BANDS: dict[Part, tuple[float, float]] = {
    "head": (0.0, 0.14),
    "trunk": (0.14, 0.5),
    "legs": (0.5, 0.9),
    "feet": (0.9, 1.0),
}


def seen_yaw(stage: Stage, stance: Stance) -> float:
    """Degrees between where a person faces and the camera; positive shows their left side."""
    facing = np.array([np.sin(stance.heading), -np.cos(stance.heading)])
    towards = np.array(stage.camera.position[:2]) - [stance.x, stance.y]
    angle = np.arctan2(facing[0] * towards[1] - facing[1] * towards[0], facing @ towards)
    return float(np.degrees(angle))


def drawn(stage: Stage, actors: Sequence[Actor], fine: int = FINE) -> list[Sprite | None]:
    """Everybody's pixels, each as if alone; see `training.synthetic.scenes.render.render`."""
    return [render(a.model, a.stance, stage.camera, stage.backdrop.light, fine) for a in actors]


def body_box(stage: Stage, sprite: Sprite) -> tuple[float, float, float, float] | None:
    """``(left, top, right, bottom)`` pixels round a person, clipped to the frame; None outside of it."""
    solid = sprite.body > 0.5
    if not solid.any():
        return None
    down, across = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    box = (
        float(np.clip(sprite.left + across[0], 0, stage.camera.width)),
        float(np.clip(sprite.top + down[0], 0, stage.camera.height)),
        float(np.clip(sprite.left + across[-1] + 1, 0, stage.camera.width)),
        float(np.clip(sprite.top + down[-1] + 1, 0, stage.camera.height)),
    )
    return None if box[2] - box[0] < 2 or box[3] - box[1] < 2 else box


def compose(
    stage: Stage,
    actors: Sequence[Actor],
    sprites: Sequence[Sprite | None],
    window: Window | None = None,
) -> tuple[Floats, list[Seen | None]]:
    """The light that reaches the camera in a window of the frame, and what is seen of everybody.

    Args:
        stage: where.
        actors: who.
        sprites: of each of them (`drawn`).
        window: of the frame; None for all of it.

    Returns:
        ``(h, w, C)`` radiance, and per actor what is seen (None: nothing).
    """
    left, top, right, bottom = window or (0, 0, stage.camera.width, stage.camera.height)
    radiance = stage.backdrop.radiance[top:bottom, left:right].astype(np.float32, copy=True)
    if radiance.ndim == 2:
        radiance = radiance[..., None]
    nearest = stage.backdrop.depth[top:bottom, left:right].copy()
    for actor, sprite in zip(actors, sprites, strict=True):
        if sprite is not None and stage.spectrum is not Spectrum.THERMAL:
            _cast(stage, actor, sprite, radiance, (left, top))
    owner = np.full(nearest.shape, -1, np.int16)
    far_first = sorted(
        (index for index, sprite in enumerate(sprites) if sprite is not None),
        key=lambda index: -_distance(stage, actors[index]),
    )
    for index in far_first:
        sprite = sprites[index]
        assert sprite is not None
        _lay(stage, sprite, radiance, nearest, owner, index, (left, top))
    return radiance, [
        None if sprite is None else _seen(stage, actor, sprite, owner, index, (left, top))
        for index, (actor, sprite) in enumerate(zip(actors, sprites, strict=True))
    ]


def _distance(stage: Stage, actor: Actor) -> float:
    x, y, z = stage.camera.position
    return float(np.sqrt((actor.stance.x - x) ** 2 + (actor.stance.y - y) ** 2 + (z - 1) ** 2))


def _overlap(
    sprite: Sprite, corner: tuple[int, int], shape: tuple[int, ...]
) -> tuple[slice, slice, slice, slice] | None:
    """Rows and columns of the window, then of the sprite, that coincide."""
    top, left = sprite.top - corner[1], sprite.left - corner[0]
    height, width = sprite.alpha.shape
    first_row, last_row = max(0, top), min(shape[0], top + height)
    first_column, last_column = max(0, left), min(shape[1], left + width)
    if first_row >= last_row or first_column >= last_column:
        return None
    return (
        slice(first_row, last_row),
        slice(first_column, last_column),
        slice(first_row - top, last_row - top),
        slice(first_column - left, last_column - left),
    )


def _lay(
    stage: Stage,
    sprite: Sprite,
    radiance: Floats,
    nearest: Floats,
    owner: NDArray[np.int16],
    index: int,
    corner: tuple[int, int],
) -> None:
    where = _overlap(sprite, corner, radiance.shape)
    if where is None:
        return
    rows, columns, inner_rows, inner_columns = where
    alpha = sprite.alpha[inner_rows, inner_columns]
    depth = sprite.depth[inner_rows, inner_columns]
    # Half-covered border pixels may have no depth of their own: they go with their neighbours.
    edge = (alpha > 0) & ~np.isfinite(depth)
    if edge.any():
        known = depth[np.isfinite(depth)]
        depth = np.where(edge, known.min() if len(known) else 0.0, depth)
    shown = (alpha > 0) & (depth < nearest[rows, columns] + 0.02)
    share = (alpha * shown)[..., None]
    light = stage.backdrop.light
    own = sprite.radiance[inner_rows, inner_columns] * shown[..., None]
    if light.haze > 0:
        clear = np.exp(-light.haze * np.where(np.isfinite(depth), depth, 0))[..., None]
        veil = np.asarray(light.veil, np.float32)[: own.shape[2]]
        own = own * clear + share * (1 - clear) * veil
    radiance[rows, columns] = radiance[rows, columns] * (1 - share) + own
    solid = shown & (alpha > 0.5)
    nearest[rows, columns] = np.where(solid, depth, nearest[rows, columns])
    body = solid & (sprite.body[inner_rows, inner_columns] > 0.5)
    owned = owner[rows, columns]
    owned[solid] = -1
    owned[body] = index


def _cast(stage: Stage, actor: Actor, sprite: Sprite, radiance: Floats, corner: tuple[int, int]) -> None:
    """Darken the floor: the shadow of the lamp that casts one, and where the feet stand."""
    light = stage.backdrop.light
    height, width = radiance.shape[:2]
    rows = slice(corner[1], corner[1] + height)
    columns = slice(corner[0], corner[0] + width)
    floor = stage.floor[rows, columns]
    if not floor.any():
        return
    points = stage.points[rows, columns]
    apart = (points[..., 0] - actor.stance.x) ** 2 + (points[..., 1] - actor.stance.y) ** 2
    keep = 1 - 0.5 * np.exp(-apart / 0.06)
    if light.shadow is not None:
        lamp = light.lamps[light.shadow]
        towards, reach = lamp_reach(lamp, sprite.posed)
        if float(towards[:, 2].min()) > 0.08:
            ground = sprite.posed - towards * (sprite.posed[:, 2] / towards[:, 2])[:, None]
            pixels, depth = stage.camera.project(ground)
            flat = np.ascontiguousarray(pixels - np.array(corner, np.float32), np.float32)
            model = actor.model
            hit = rasterise(
                flat, np.ascontiguousarray(depth, np.float32), model.faces, model.cut, height, width
            )
            mask = np.zeros((height, width), np.float32)
            mask[hit.row, hit.column] = 1
            soft = max(0.6, lamp.radius * 0.5 * stage.camera.focal / max(_distance(stage, actor), 1.0))
            mask = cv2.GaussianBlur(mask, (0, 0), soft)
            direct = float(np.mean(lamp.colour)) * float(reach.mean()) * float(towards[:, 2].mean())
            share = direct / (direct + float(np.mean(light.sky)) + 1e-6)
            keep = keep * (1 - share * mask)
    radiance *= np.where(floor, keep, 1)[..., None].astype(np.float32)


def _seen(
    stage: Stage, actor: Actor, sprite: Sprite, owner: NDArray[np.int16], index: int, corner: tuple[int, int]
) -> Seen | None:
    solid = sprite.body > 0.5
    if not solid.any():
        return None
    down = np.flatnonzero(solid.any(1))
    first, last = int(down[0]), int(down[-1]) + 1
    total = int(solid.sum())
    shown = np.zeros(solid.shape, bool)
    where = _overlap(sprite, corner, owner.shape)
    if where is not None:
        rows, columns, inner_rows, inner_columns = where
        shown[inner_rows, inner_columns] = owner[rows, columns] == index
    parts: set[Part] = set()
    for name, (begin, end) in _BANDS.items():
        band = slice(first + int(begin * (last - first)), first + max(1, int(np.ceil(end * (last - first)))))
        of_band = int(solid[band].sum())
        if of_band and int(shown[band].sum()) >= 0.5 * of_band:
            parts.add(name)
    box = body_box(stage, sprite)
    if box is None:
        return None
    return Seen(
        identity=actor.identity,
        box=box,
        height=float(last - first),
        visible=int(shown.sum()) / total,
        parts=frozenset(parts),
        items=sprite.parts,
        yaw=seen_yaw(stage, actor.stance),
        distance=_distance(stage, actor),
    )
