"""The empty place as a camera sees it: rays, surfaces, light, mirrors and sky, in three spectra."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Spectrum
from training.synthetic.geometry.compiling import keep_compiled
from training.synthetic.geometry.optics import Camera
from training.synthetic.light.lamps import Lamp, Light, dot, lamp_reach
from training.synthetic.places.conditions import Conditions, draw_conditions, place_light
from training.synthetic.places.place import Place
from training.synthetic.places.sky import sky_radiance
from training.synthetic.places.survey import openness, surfaces
from training.synthetic.places.trace import SKY, Int32s, blocked, cast

__all__ = ["Backdrop", "Conditions", "draw_conditions", "render_backdrop"]

_INDOOR_STEPS = np.array([0.06, 0.16, 0.4, 0.9, 1.6], np.float32)
_OUTDOOR_STEPS = np.array([0.06, 0.18, 0.5, 1.2, 2.6], np.float32)
_COARSE = 3
_QUARTERS = ((-0.25, -0.125), (0.125, -0.25), (0.25, 0.125), (-0.125, 0.25))


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """An empty place before a camera.

    Attributes:
        radiance: ``(H, W, 3)`` linear RGB, ``(H, W)`` near infrared or degrees Celsius.
        depth: ``(H, W)`` metres along the optical axis, infinite for the sky.
        light: what shines on people there.
    """

    radiance: Floats
    depth: Floats
    light: Light


@dataclass(frozen=True, slots=True, eq=False)
class _Hits:
    """What rays met: distance, which thing, point, normal, and the ray itself."""

    reach: Floats
    what: Int32s
    points: Floats
    normals: Floats
    directions: Floats

    def some(self, keep: NDArray[np.int64]) -> "_Hits":
        return _Hits(
            self.reach[keep], self.what[keep], self.points[keep], self.normals[keep], self.directions[keep]
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Scene:
    """Everything that shading needs."""

    place: Place
    camera: Camera
    spectrum: Spectrum
    conditions: Conditions
    light: Light

    def cast(self, origins: Floats, directions: Floats) -> _Hits:
        packed = self.place.packed
        directions = np.ascontiguousarray(directions, np.float32)
        reach, what, normals = cast(packed.solids, packed.planes, packed.ceiling[0], origins, directions)
        points = origins + directions * np.minimum(reach, 1e4)[:, None]
        return _Hits(reach, what, np.ascontiguousarray(points, np.float32), normals, directions)

    def look(self, hits: _Hits, blur: float = 1.0) -> Floats:
        """``(N, 8)`` of the surfaces met; ``blur`` widens what a pixel covers."""
        packed = self.place.packed
        facing = np.abs(dot(hits.normals, hits.directions))
        footprint = blur * hits.reach / self.camera.focal / np.maximum(facing, 0.12)
        return np.asarray(
            surfaces(
                packed.solids,
                packed.regions,
                packed.materials,
                packed.ceiling[1],
                hits.points,
                hits.what,
                hits.normals,
                footprint.astype(np.float32),
            )
        )

    def shade(self, hits: _Hits, surface: Floats, open_: Floats, lit: Floats) -> Floats:
        """``(N, C)`` what reaches the camera from the points, mirrors left out.

        Args:
            hits: the points.
            surface: ``look`` of them.
            open_: ``(N,)`` openness.
            lit: ``(N,)`` share of the direct light that nothing blocks.
        """
        sky = hits.what == SKY
        if self.spectrum is Spectrum.THERMAL:
            value = self._temperature(hits, surface, open_)[:, None]
        else:
            light = self.light
            up = 0.5 + 0.5 * hits.normals[:, 2]
            around = np.outer(up, light.sky) + np.outer(1 - up, light.ground)
            value = around * open_[:, None]
            bright = (0.35 + 0.65 * open_) * lit
            for lamp in light.lamps:
                value += np.outer(self._arriving(lamp, hits) * bright, lamp.colour)
            if self.spectrum is Spectrum.VISIBLE:
                value = surface[:, :3] * (value + surface[:, 7:8])
            else:
                value = surface[:, 3:4] * value[:, :1]
        if self.light.haze > 0:
            clear = np.exp(-self.light.haze * np.minimum(hits.reach, 400))[:, None]
            value = value * clear + (1 - clear) * np.asarray(self.light.veil)[: value.shape[1]]
        if sky.any():
            value[sky] = sky_radiance(hits.directions[sky], self.place, self.spectrum, self.conditions)
        return np.asarray(value, np.float32)

    def _arriving(self, lamp: Lamp, hits: _Hits) -> Floats:
        towards, reach = lamp_reach(lamp, hits.points)
        facing = dot(hits.normals, towards)
        return np.asarray(reach * np.maximum(0, (facing + lamp.wrap) / (1 + lamp.wrap)))

    def _temperature(self, hits: _Hits, surface: Floats, open_: Floats) -> Floats:
        now = self.conditions
        heat = self.light.air + surface[:, 4]
        if self.place.kind == "indoor":
            # Warm air gathers under the ceiling; corners are colder than the middle of a wall.
            return np.asarray(heat + 0.35 * (hits.points[:, 2] - 1.2) + 0.9 * (open_ - 0.8))
        up = 0.5 + 0.5 * hits.normals[:, 2]
        # What sees the clear sky loses heat to it, what is sheltered keeps the day's warmth.
        loss = 0.05 * now.cold * up * open_**0.35
        return np.asarray(heat + now.stored * (1.4 - 0.6 * up) - loss + 1.0)


def render_backdrop(
    place: Place, camera: Camera, spectrum: Spectrum, conditions: Conditions, rng: np.random.Generator
) -> Backdrop:
    """Render an empty place.

    Args:
        place, camera, spectrum: what is seen, by whom, in which light.
        conditions: hour and weather.
        rng: for small differences between visits (a lamp that ages, cars that cooled).
    """
    keep_compiled()
    light = place_light(place, camera, spectrum, conditions)
    scene = _Scene(place, camera, spectrum, conditions, light)
    size = (camera.height, camera.width)
    origin = np.asarray(camera.position, np.float32)[None]
    hits = scene.cast(origin, camera.rays(0, 0, camera.width, camera.height).reshape(-1, 3))
    surface = scene.look(hits)
    _rain_on(surface, hits, conditions)
    open_, lit = _exposure(scene, hits, size)
    value = scene.shade(hits, surface, open_, lit)
    value = _mirrored(scene, hits, surface, value, size)
    value = _smooth_edges(scene, hits, open_, lit, value, origin, size)
    depth = hits.reach * (hits.directions @ camera.axes[2])
    depth = np.where(hits.what == SKY, np.inf, depth).astype(np.float32)
    value *= float(rng.uniform(0.97, 1.03)) if spectrum is not Spectrum.THERMAL else 1.0
    shaped = value.reshape(*size, -1)
    return Backdrop(
        np.ascontiguousarray(shaped if spectrum is Spectrum.VISIBLE else shaped[..., 0], np.float32),
        depth.reshape(size),
        light,
    )


def _rain_on(surface: Floats, hits: _Hits, conditions: Conditions) -> None:
    """Wet ground is darker and mirrors."""
    if conditions.rain <= 0:
        return
    wet = (hits.what != SKY) & (hits.normals[:, 2] > 0.7)
    held = wet & (surface[:, 5] > 0)
    surface[wet, :4] *= 1 - 0.45 * min(1.0, 0.5 + conditions.rain)
    surface[held, 5] = np.maximum(surface[held, 5], 0.5 + 0.4 * conditions.rain)
    surface[held, 6] = np.maximum(surface[held, 6], 0.02)


def _exposure(scene: _Scene, hits: _Hits, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Openness and share of direct light of every pixel; what changes slowly is worked out coarsely."""
    packed = scene.place.packed
    height, width = size
    index = np.arange(height * width).reshape(size)[_COARSE // 2 :: _COARSE, _COARSE // 2 :: _COARSE]
    small = (index.shape[0], index.shape[1])
    points = np.ascontiguousarray(hits.points[index.ravel()])
    normals = np.ascontiguousarray(hits.normals[index.ravel()])
    steps = _INDOOR_STEPS if scene.place.kind == "indoor" else _OUTDOOR_STEPS
    open_ = openness(packed.solids, packed.ceiling[0], points, normals, steps)
    what, far = hits.what[index.ravel()], hits.reach[index.ravel()]
    near = (what.reshape(small), far.reshape(small), normals.reshape(*small, 3))
    open_ = _spread(open_.reshape(small), near, hits, size)
    lit = np.ones(height * width, np.float32)
    if scene.spectrum is Spectrum.THERMAL:
        return open_, lit
    if scene.light.shadow is not None:
        lamp = scene.light.lamps[scene.light.shadow]
        shaded = blocked(packed.solids, packed.planes, hits.points, hits.normals, lamp.direction, True, 0.0)
        soft = cv2.GaussianBlur(shaded.reshape(size), (0, 0), 0.7)
        return open_, np.asarray(1 - soft.reshape(-1))
    hung = [lamp for lamp in scene.light.lamps if lamp.position is not None]
    if scene.spectrum is Spectrum.VISIBLE and hung:
        arriving, total = np.zeros(len(points), np.float32), np.full(len(points), 1e-6, np.float32)
        for lamp in hung:
            towards, reach = lamp_reach(lamp, points)
            share = reach * np.maximum(0, dot(normals, towards)) + 1e-5
            hidden = blocked(packed.solids, packed.planes, points, normals, lamp.position, False, 0.5)
            arriving += share * (1 - hidden)
            total += share
        visible = cv2.GaussianBlur((arriving / total).reshape(small), (0, 0), 1.3)
        lit = _spread(visible, near, hits, size)
    return open_, lit


def _spread(
    coarse: Floats, near: tuple[Int32s, Floats, Floats], hits: _Hits, size: tuple[int, int]
) -> Floats:
    """A coarse map at full size; a pixel listens to coarse neighbours that show the same thing."""
    height, width = size
    what, far, normals = near
    rows = (np.arange(height) - _COARSE // 2) / _COARSE
    columns = (np.arange(width) - _COARSE // 2) / _COARSE
    total = np.zeros(size, np.float32)
    weight = np.zeros(size, np.float32)
    same_as = hits.what.reshape(size)
    away = hits.reach.reshape(size)
    facing = hits.normals.reshape(*size, 3)
    for down in (0, 1):
        r = np.clip(np.floor(rows).astype(int) + down, 0, coarse.shape[0] - 1)
        share_r = 1 - np.abs(rows - (np.floor(rows) + down))
        for across in (0, 1):
            c = np.clip(np.floor(columns).astype(int) + across, 0, coarse.shape[1] - 1)
            share_c = 1 - np.abs(columns - (np.floor(columns) + across))
            kin = (what[r][:, c] == same_as) & (np.abs(far[r][:, c] - away) < 0.05 * away + 0.05)
            kin &= dot(normals[r][:, c], facing) > 0.6
            share = (share_r[:, None] * share_c[None] + 1e-3) * np.where(kin, 1, 1e-3)
            total += (share * coarse[r][:, c]).astype(np.float32)
            weight += share.astype(np.float32)
    return np.asarray((total / weight).reshape(-1))


def _mirrored(scene: _Scene, hits: _Hits, surface: Floats, value: Floats, size: tuple[int, int]) -> Floats:
    """Add what polished floors, panes and wet ground mirror, a little blurred."""
    shiny = (surface[:, 5] + surface[:, 6] > 0.02) & (hits.what != SKY)
    index = np.flatnonzero(shiny.reshape(size)[::2, ::2].ravel())
    if not len(index):
        return value
    height, width = size
    full = np.arange(height * width).reshape(size)[::2, ::2]
    chosen = full.ravel()[index]
    some = hits.some(chosen)
    facing = dot(some.normals, some.directions)
    normals = np.where(facing[:, None] > 0, -some.normals, some.normals)
    away = some.directions + 2 * np.abs(facing)[:, None] * normals
    start = np.ascontiguousarray(some.points + 0.01 * normals, np.float32)
    beyond = scene.cast(start, away)
    there = scene.look(beyond, blur=4.0)
    ones = np.ones(len(index), np.float32)
    found = scene.shade(beyond, there, 0.75 * ones, 0.8 * ones)
    small = np.zeros((full.shape[0], full.shape[1], found.shape[1]), np.float32)
    mask = np.zeros(full.shape, np.float32)
    small.reshape(-1, found.shape[1])[index] = found
    mask.reshape(-1)[index] = 1
    sigma = 0.0016 * width
    blurred = cv2.GaussianBlur(small, (0, 0), sigma, sigmaY=2 * sigma).reshape(small.shape)
    mask = cv2.GaussianBlur(mask, (0, 0), sigma, sigmaY=2 * sigma)
    blurred /= np.maximum(mask, 1e-3)[..., None]
    wide = cv2.resize(blurred, (width, height), interpolation=cv2.INTER_LINEAR).reshape(height * width, -1)
    cosine = np.abs(dot(hits.normals, hits.directions))
    grazing = (1 - np.clip(cosine, 0, 1)) ** 5
    share = surface[:, 6] + surface[:, 5] * (0.03 + 0.55 * grazing)
    if scene.spectrum is Spectrum.THERMAL:
        # Long waves are mirrored by what is smooth, whatever its colour, and only weakly.
        share = 0.35 * share
    share = np.where(shiny, np.clip(share, 0, 0.85), 0)[:, None]
    return np.asarray(value * (1 - share) + wide * share, np.float32)


def _smooth_edges(
    scene: _Scene,
    hits: _Hits,
    open_: Floats,
    lit: Floats,
    value: Floats,
    origin: Floats,
    size: tuple[int, int],
) -> Floats:
    """Where things meet, a pixel is the mean of four rays."""
    what = hits.what.reshape(size)
    edge = np.zeros(size, bool)
    for axis in (0, 1):
        differs = np.diff(what, axis=axis) != 0
        pad = [(0, 0), (0, 0)]
        pad[axis] = (1, 0)
        edge |= np.pad(differs, pad)
        pad[axis] = (0, 1)
        edge |= np.pad(differs, pad)
    index = np.flatnonzero(edge)
    if not len(index):
        return value
    rows, columns = np.divmod(index, size[1])
    total = np.zeros((len(index), value.shape[1]), np.float32)
    camera = scene.camera
    for right, down in _QUARTERS:
        pixels = np.stack([columns + 0.5 + right, rows + 0.5 + down], 1)
        directions = camera.directions(pixels)
        directions /= np.linalg.norm(directions, axis=1, keepdims=True)
        found = scene.cast(origin, directions.astype(np.float32))
        surface = scene.look(found)
        _rain_on(surface, found, scene.conditions)
        total += scene.shade(found, surface, open_[index], lit[index])
    smooth = value.copy()
    smooth[index] = total / len(_QUARTERS)
    return smooth
