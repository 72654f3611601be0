"""A stage: one camera before one empty place, with its light and its sensor."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Image, Spectrum
from training.seeding import generator
from training.synthetic.geometry.optics import Camera
from training.synthetic.light.lamps import lamp_reach
from training.synthetic.light.sensor import Sensor, capture, draw_sensor
from training.synthetic.places.backdrop import Backdrop, render_backdrop
from training.synthetic.places.conditions import draw_conditions
from training.synthetic.places.place import Place, draw_camera
from training.synthetic.places.variety import varied_conditions, varied_sensor


@dataclass(frozen=True, eq=False)
class Stage:
    """One camera before one place, with its light and its sensor.

    Attributes:
        name: of the camera.
        place: what it looks at.
        camera: its geometry.
        spectrum: what it sees in.
        backdrop: the empty place as it sees it.
        sensor: what it makes of the light.
        rain: strength, 0 none.
    """

    name: str
    place: Place
    camera: Camera
    spectrum: Spectrum
    backdrop: Backdrop
    sensor: Sensor
    rain: float

    @cached_property
    def points(self) -> Floats:
        """``(H, W, 3)`` metres: what each pixel of the empty place shows."""
        rays = self.camera.rays(0, 0, self.camera.width, self.camera.height)
        along = rays @ self.camera.axes[2]
        reach = np.minimum(self.backdrop.depth, 200.0) / np.maximum(along, 1e-3)
        return np.asarray(np.asarray(self.camera.position, np.float32) + rays * reach[..., None], np.float32)

    @cached_property
    def floor(self) -> NDArray[np.bool_]:
        """``(H, W)`` where the empty place shows its floor."""
        return np.asarray(np.abs(self.points[..., 2]) < 0.03)

    @cached_property
    def span(self) -> tuple[float, float]:
        """Darkest and brightest (coldest and warmest) of the place, for a sensor's automatic gain."""
        radiance = self.backdrop.radiance
        if self.spectrum is Spectrum.THERMAL:
            # Screens and radiators may burn out: the gain follows what there is most of.
            low, high = (float(value) for value in np.percentile(radiance, [3, 85]))
            return low, high
        low, high = (float(value) for value in np.percentile(radiance, [2, 98]))
        # A camera exposes for who may come: a light coat must not burn out before dark asphalt, and a
        # pillar beside the lamp must not leave those behind it in the dark.
        light = self.backdrop.light
        spots = np.concatenate([np.asarray(line, np.float32) for line in self.place.walkable])
        chest = np.column_stack([spots, np.full(len(spots), 1.2)]).astype(np.float32)
        near = self.spectrum is Spectrum.NEAR
        white = float(np.mean(light.sky))
        for lamp in light.lamps:
            reach = float(np.quantile(lamp_reach(lamp, chest)[1], 0.45 if near else 0.5))
            white += (0.6 if near else 0.75) * float(np.mean(lamp.colour)) * reach
        return low, 1.15 * white if near else max(high, 0.75 * white)


def build_stage(
    name: str,
    place: Place,
    spectrum: Spectrum,
    size: tuple[int, int],
    seed: int,
    *path: int | str,
    varied: bool = False,
) -> Stage:
    """A camera of its own in a place, the empty place rendered.

    Args:
        name: of the camera.
        place: what it looks at.
        spectrum: what it sees in.
        size: width and height of the frame, pixels.
        seed, path: the random stream it is drawn from.
        varied: cameras and light of every kind; the geometry is the same.
    """
    camera = draw_camera(generator(seed, *path, "camera"), place, *size)
    conditions = draw_conditions(generator(seed, *path, "conditions"), spectrum, place)
    sensor = draw_sensor(generator(seed, *path, "sensor"), spectrum)
    if varied:
        conditions = varied_conditions(conditions, spectrum, generator(seed, *path, "other conditions"))
        sensor = varied_sensor(sensor, generator(seed, *path, "other sensor"))
    backdrop = render_backdrop(place, camera, spectrum, conditions, generator(seed, *path, "backdrop"))
    return Stage(
        name=name,
        place=place,
        camera=camera,
        spectrum=spectrum,
        backdrop=backdrop,
        sensor=sensor,
        rain=conditions.rain,
    )


def photograph(
    stage: Stage, radiance: Floats, rng: np.random.Generator, corner: tuple[int, int] = (0, 0)
) -> Image:
    """What the sensor makes of a window's light, ``(h, w, 3)``, before compression."""
    if radiance.shape[2] == 1:
        radiance = radiance[..., 0]
    return capture(
        radiance,
        stage.sensor,
        rng,
        window=corner,
        frame=(stage.camera.width, stage.camera.height),
        scene=stage.span,
    )
