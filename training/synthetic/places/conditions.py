"""When a camera looks: hour, weather, lamps and temperatures, and the light that follows from them."""

from dataclasses import dataclass

import numpy as np

from reid_core.types import Spectrum
from training.synthetic.geometry.optics import Camera
from training.synthetic.light.lamps import Lamp, Light, Vector
from training.synthetic.places.place import Place

_DOWN = (0.0, 0.0, -1.0)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What the hour and the weather do to a place.

    Attributes:
        sun: unit vector towards the sun, or None (overcast, night, inside).
        sky: level of light from above, in units of the place's normal light.
        tint: linear RGB of that light.
        direct: level of the sun, or of the lamps inside.
        rain: 0 none to 1 heavy.
        haze: share of the light lost per metre.
        air: degrees Celsius.
        cold: degrees that the clear night sky lies below the air (outside).
        stored: degrees of the day's warmth still in walls and ground; large on a warm evening.
        lamp: near infrared: strength of the lamp beside the lens at 4 m.
        beam: its half angle, radians.
        street: near infrared: level of the place's own lamps.
    """

    sun: Vector | None = None
    sky: float = 0.5
    tint: Vector = (1.0, 1.0, 1.0)
    direct: float = 0.6
    rain: float = 0.0
    haze: float = 0.0
    air: float = 18.0
    cold: float = 20.0
    stored: float = 1.0
    lamp: float = 1.0
    beam: float = 0.8
    street: float = 0.0


def draw_conditions(rng: np.random.Generator, spectrum: Spectrum, place: Place) -> Conditions:
    """An hour and its weather that suit a spectrum: visible is day, near infrared and thermal are night."""
    outdoor = place.kind == "outdoor"
    rain = float(rng.uniform(0.2, 1.0)) if outdoor and rng.random() < 0.16 else 0.0
    haze = float(rng.uniform(0.002, 0.007)) if outdoor and (rain or rng.random() < 0.1) else 0.0012 * outdoor
    if spectrum is Spectrum.VISIBLE:
        return _day(rng, outdoor, rain, haze)
    if spectrum is Spectrum.NEAR:
        return Conditions(
            sky=float(rng.uniform(0.01, 0.06)),
            rain=rain,
            haze=haze,
            lamp=float(rng.uniform(0.8, 1.5)),
            beam=float(rng.uniform(0.6, 1.05)),
            street=float(rng.uniform(0.15, 0.6)) if outdoor and rng.random() < 0.4 else 0.0,
        )
    evening = rng.random() < 0.06
    if not outdoor:
        return Conditions(air=float(rng.uniform(27, 31) if evening else rng.uniform(15, 23)), stored=0.3)
    air = float(rng.uniform(24, 30) if evening else rng.uniform(-4, 19))
    return Conditions(
        rain=rain,
        haze=haze * 0.5,
        air=air,
        cold=float(rng.uniform(4, 12) if rain else rng.uniform(8, 32)),
        stored=float(rng.uniform(2, 6) if evening else rng.uniform(0, 2.5)) * (0.3 if rain else 1.0),
    )


def _day(rng: np.random.Generator, outdoor: bool, rain: float, haze: float) -> Conditions:
    if not outdoor:
        share = float(rng.uniform(0.4, 0.65))
        return Conditions(sky=share * 0.8, direct=1 - share)
    if rain or rng.random() < 0.45:
        blue = float(rng.uniform(0.0, 0.08))
        return Conditions(sky=0.9, tint=(1 - blue, 1.0, 1 + blue), direct=0.0, rain=rain, haze=haze)
    high, turn = float(rng.uniform(0.3, 1.1)), float(rng.uniform(0, 2 * np.pi))
    sun = (float(np.cos(high) * np.cos(turn)), float(np.cos(high) * np.sin(turn)), float(np.sin(high)))
    strong = float(rng.uniform(0.8, 1.4))
    return Conditions(sun=sun, sky=0.42, tint=(0.88, 0.98, 1.16), direct=strong, haze=haze)


def place_light(place: Place, camera: Camera, spectrum: Spectrum, conditions: Conditions) -> Light:
    """What shines in a place under some conditions, as seen by one camera."""
    if spectrum is Spectrum.THERMAL:
        return _thermal(place, conditions)
    if spectrum is Spectrum.NEAR:
        return _near(place, camera, conditions)
    level = conditions.sky
    sky = (level * conditions.tint[0], level * conditions.tint[1], level * conditions.tint[2])
    if place.kind == "indoor":
        return _indoor(place, conditions, sky)
    lamps: tuple[Lamp, ...] = ()
    if conditions.sun is not None:
        low = 1 - conditions.sun[2]
        warm = (
            1.04 * conditions.direct,
            (0.98 - 0.08 * low) * conditions.direct,
            (0.90 - 0.2 * low) * conditions.direct,
        )
        lamps = (Lamp(colour=warm, direction=conditions.sun, radius=0.01),)
    else:
        # An overcast sky is brightest overhead: a wide lamp without a shadow.
        lamps = (Lamp(colour=(0.3, 0.3, 0.3), direction=(0.0, 0.0, 1.0), radius=1.0, wrap=0.5),)
        sky = (sky[0] * 0.75, sky[1] * 0.75, sky[2] * 0.75)
    bounce = 0.22 * (level + conditions.direct * (conditions.sun[2] if conditions.sun else 0.3))
    ground = (bounce * 1.03, bounce, bounce * 0.94)
    veil = (0.72 * level + 0.1, 0.76 * level + 0.1, 0.8 * level + 0.1)
    shadow = 0 if conditions.sun is not None else None
    return Light(Spectrum.VISIBLE, sky, ground, lamps, shadow, haze=conditions.haze, veil=veil)


def _indoor(place: Place, conditions: Conditions, sky: Vector) -> Light:
    height = place.layout.ceiling[0] if place.layout.ceiling else 3.0
    reference = height - 1.0
    count = max(1, len(place.fixtures))
    x0, y0, x1, y1 = place.layout.extent
    # The same light on the floor whatever the number of lamps: what counts is lamps a square metre.
    each = conditions.direct * float(np.clip((x1 - x0) * (y1 - y0) / (7.0 * count), 0.5, 2.2))
    lamps = [
        Lamp(
            colour=(fixture.colour[0] * each, fixture.colour[1] * each, fixture.colour[2] * each),
            position=fixture.position,
            radius=0.4,
            reference=reference,
            wrap=0.15,
            beam=(_DOWN, 1.5),
        )
        for fixture in place.fixtures
    ]
    warm = place.fixtures[0].colour if place.fixtures else (1.0, 1.0, 1.0)
    sky = (sky[0] * warm[0], sky[1] * warm[1], sky[2] * warm[2])
    if place.layout.window is not None:
        size = float(np.linalg.norm(place.layout.window))
        direction = tuple(part / size for part in place.layout.window)
        lamps.append(
            Lamp(colour=(0.3, 0.33, 0.37), direction=direction, radius=0.8, wrap=0.6)  # type: ignore[arg-type]
        )
    bounce = 0.62 * conditions.sky
    return Light(Spectrum.VISIBLE, sky, (bounce * 1.04, bounce, bounce * 0.93), tuple(lamps), None)


def _near(place: Place, camera: Camera, conditions: Conditions) -> Light:
    axis = tuple(float(part) for part in camera.axes[2])
    power = conditions.lamp
    lamps = [
        Lamp(
            colour=(power, power, power),
            position=camera.position,
            # The beam is shaped: what lies at its feet gets less than the square law says.
            radius=4.0,
            reference=5.0,
            wrap=0.05,
            beam=(axis, conditions.beam),  # type: ignore[arg-type]
        )
    ]
    if conditions.street > 0:
        lamps += [
            Lamp((conditions.street,) * 3, fixture.position, radius=0.4, reference=3.5, beam=(_DOWN, 1.3))
            for fixture in place.fixtures
        ]
    low = conditions.sky
    # Inside, walls throw the lamp's light about.
    around = low + (0.07 * power if place.kind == "indoor" else 0.02 * power)
    veil = 0.12 * power
    return Light(
        Spectrum.NEAR,
        (around,) * 3,
        (around * 0.8,) * 3,
        tuple(lamps),
        None,
        haze=conditions.haze,
        veil=(veil, veil, veil),
    )


def _thermal(place: Place, conditions: Conditions) -> Light:
    skin = 33.6 - 0.13 * max(0.0, 26.0 - conditions.air)
    surround = conditions.air - (0.25 * conditions.cold if place.kind == "outdoor" else 0.0)
    veil = conditions.air - 1.0
    return Light(
        Spectrum.THERMAL,
        air=conditions.air,
        skin=skin,
        surround=surround,
        haze=conditions.haze,
        veil=(veil, veil, veil),
    )
