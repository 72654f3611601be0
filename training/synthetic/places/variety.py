"""Cameras and light of every kind: what a network is shown so that it does not learn the usual ones by heart.

Usual cameras and hours are drawn to look real (`training.synthetic.light.sensor.draw_sensor`,
`training.synthetic.places.conditions.draw_conditions`). From those, the ones here go far to all sides: colour
casts, too much and too little light, thermal cameras that cut off what is warm, either polarity, lamps of any
colour. Domain randomisation: Tobin et al., "Domain Randomization for Transferring Deep Neural Networks from
Simulation to the Real World" (2017).
"""

from dataclasses import replace

import numpy as np

from reid_core.types import Spectrum
from training.synthetic.light.sensor import Sensor
from training.synthetic.places.conditions import Conditions


def varied_sensor(usual: Sensor, rng: np.random.Generator) -> Sensor:
    """Another camera of the same spectrum.

    Args:
        usual: a camera as they are drawn; its seed stays.
        rng: where the difference is drawn from.
    """
    if usual.spectrum is Spectrum.THERMAL:
        return replace(
            usual,
            gamma=_times(usual.gamma, 0.3, rng),
            blur=usual.blur + float(rng.uniform(0, 1.2)),
            read=usual.read * float(rng.uniform(1, 2.5)),
            black_hot=bool(rng.random() < 0.4),
            # From cut off a little above the warmest of the place to hardly any contrast.
            headroom=float(np.exp(rng.uniform(np.log(2.0), np.log(24.0)))),
            lift=float(rng.uniform(0.08, 0.65)),
            halo=float(rng.uniform(0.1, 0.9)) if rng.random() < 0.6 else 0.0,
            stripes=float(rng.uniform(0.001, 0.014)) if rng.random() < 0.6 else 0.0,
        )
    near = usual.spectrum is Spectrum.NEAR
    warm, green = float(rng.normal(0, 0.13)), float(rng.normal(0, 0.06))
    return replace(
        usual,
        exposure=_times(usual.exposure, 0.3, rng),
        white=usual.white if near else (1 + warm, 1 + green, 1 - warm),
        gamma=_times(usual.gamma, 0.2, rng),
        contrast=float(rng.uniform(0, 1)),
        black=float(rng.uniform(0, 0.15)),
        saturation=1.0 if near else float(rng.uniform(0.25, 1.5)),
        blur=usual.blur + float(rng.uniform(0, 1.0)),
        shot=usual.shot * float(rng.uniform(1, 2.5)),
        bloom=float(rng.uniform(0, 0.6) if near else rng.uniform(0, 0.25)),
        vignette=float(rng.uniform(0, 0.5)),
    )


def varied_conditions(usual: Conditions, spectrum: Spectrum, rng: np.random.Generator) -> Conditions:
    """Another hour, weather and light for the same place.

    Args:
        usual: as they are drawn for the spectrum.
        spectrum: of the camera.
        rng: where the difference is drawn from.
    """
    if spectrum is Spectrum.THERMAL:
        return replace(
            usual,
            air=float(rng.uniform(-12, 31)),
            cold=float(rng.uniform(2, 36)),
            stored=float(rng.uniform(0, 6)),
        )
    if spectrum is Spectrum.NEAR:
        return replace(
            usual,
            lamp=float(np.exp(rng.uniform(np.log(0.4), np.log(2.5)))),
            beam=float(rng.uniform(0.45, 1.2)),
            street=float(rng.uniform(0.1, 0.8)) if rng.random() < 0.5 else 0.0,
        )
    # Lamps and skies from orange to blue.
    warm = float(rng.uniform(-0.3, 0.3))
    red, green, blue = usual.tint
    return replace(
        usual,
        sky=_times(usual.sky, 0.35, rng),
        tint=(red * (1 + warm), green * (1 + float(rng.uniform(-0.06, 0.06))), blue * (1 - warm)),
        direct=_times(usual.direct, 0.4, rng),
    )


def _times(value: float, spread: float, rng: np.random.Generator) -> float:
    """The value times a factor whose logarithm is normal."""
    return value * float(np.exp(rng.normal(0, spread)))
