"""What a surveillance camera makes of the light: optics, gain, noise, tone, and what cheap ones add.

Everything that belongs to the camera is tied to the frame's coordinates, so that a window of a frame
looks like that part of the whole frame.
"""

from dataclasses import dataclass
from functools import lru_cache

import cv2
import numpy as np
from numpy.typing import NDArray

from reid_core.types import Floats, Image, Spectrum

_TILE = 1024
_LEVELS = 4096
_WHITE, _LIFT = 4.0, 1.3  # near infrared: light that is stored as white, and the gain before


@dataclass(frozen=True, slots=True)
class Sensor:
    """One camera's habits.

    Attributes:
        spectrum: what it records.
        exposure: factor on its automatic exposure.
        white: gains of red, green, blue.
        gamma: of the tone curve.
        contrast: 0 straight, towards 1 an S that deepens shadows.
        black: level that black is lifted to, 0..1.
        saturation: 1 as it is.
        blur: sigma of the lens and of a low resolution, pixels.
        sharpen: strength of the edge enhancement.
        shot, read: noise that grows with the root of the light, and constant noise, of full scale.
        grain: size of the noise in pixels (a low resolution scaled up has coarse noise).
        chroma: sigma by which colour is blurred, pixels; 0 not at all.
        vignette: light lost in the frame's corner.
        interlace: pixels by which odd rows are shifted; 0 progressive.
        bloom: share of what is too bright that spreads.
        black_hot: thermal: warm is dark.
        headroom: thermal: degrees above the warmest of the empty place that map to the top of the range.
        lift: thermal: share of the range that the empty place takes.
        halo: thermal: strength of the dark rim that high-pass filters leave round warm things.
        stripes: thermal: fixed differences between columns, of full scale.
        jpeg_quality: of the stream.
        seed: of its fixed pattern.
    """

    spectrum: Spectrum
    exposure: float = 1.0
    white: tuple[float, float, float] = (1.0, 1.0, 1.0)
    gamma: float = 2.2
    contrast: float = 0.0
    black: float = 0.0
    saturation: float = 1.0
    blur: float = 0.6
    sharpen: float = 0.3
    shot: float = 0.01
    read: float = 0.005
    grain: float = 1.0
    chroma: float = 0.0
    vignette: float = 0.1
    interlace: int = 0
    bloom: float = 0.0
    black_hot: bool = False
    headroom: float = 9.0
    lift: float = 0.35
    halo: float = 0.0
    stripes: float = 0.0
    jpeg_quality: int = 80
    seed: int = 0


def draw_sensor(rng: np.random.Generator, spectrum: Spectrum) -> Sensor:
    """A camera of a spectrum, from good to cheap."""
    poor = float(rng.random()) ** 1.3
    seed, quality = int(rng.integers(2**31)), int(rng.uniform(88, 95) - 45 * poor * rng.random())
    if spectrum is Spectrum.THERMAL:
        return Sensor(
            spectrum,
            exposure=1.0,
            gamma=float(rng.uniform(0.85, 1.25)),
            blur=float(rng.uniform(0.6, 1.0) + 0.6 * poor),
            sharpen=float(rng.uniform(0, 0.7)),
            shot=0.0,
            read=float(rng.uniform(0.003, 0.009) + 0.01 * poor),
            grain=float(rng.choice([1.0, 1.5, 2.0])),
            vignette=float(rng.uniform(-0.05, 0.06)),
            black=float(rng.uniform(0, 0.1)),
            black_hot=bool(rng.random() < 0.15),
            headroom=float(rng.uniform(6, 15)),
            lift=float(rng.uniform(0.2, 0.45)),
            halo=float(rng.uniform(0.1, 0.45)) if rng.random() < 0.45 else 0.0,
            stripes=float(rng.uniform(0.001, 0.006)) if rng.random() < 0.6 else 0.0,
            jpeg_quality=quality,
            seed=seed,
        )
    near = spectrum is Spectrum.NEAR
    warm = float(rng.normal(0, 0.06))
    green = float(rng.normal(0, 0.02))
    return Sensor(
        spectrum,
        exposure=float(np.exp(rng.normal(0, 0.16))),
        white=(1.0, 1.0, 1.0) if near else (1 + warm, 1 + green, 1 - warm),
        gamma=float(rng.uniform(1.9, 2.5)),
        contrast=float(rng.uniform(0.5, 1.0) if near else rng.uniform(0, 0.6)),
        black=float(rng.uniform(0, 0.05)),
        saturation=1.0 if near else float(rng.uniform(0.65, 1.2)),
        blur=float(rng.uniform(0.4, 0.8) + (0.6 if near else 0.9) * poor),
        sharpen=float(rng.uniform(0, 1.0)),
        shot=float(rng.uniform(0.004, 0.012) + 0.012 * poor),
        read=float(rng.uniform(0.001, 0.004) + 0.004 * poor),
        grain=float(rng.choice([1.0, 1.5, 2.0], p=[0.5, 0.3, 0.2])),
        chroma=0.0 if near else float(rng.uniform(0.8, 2.2)),
        vignette=float(rng.uniform(0.02, 0.35)),
        interlace=1 if rng.random() < 0.07 else 0,
        bloom=float(rng.uniform(0.05, 0.35)) if near else float(rng.uniform(0, 0.1)),
        jpeg_quality=quality,
        seed=seed,
    )


@lru_cache(maxsize=8)
def _noise_tile(grain: float) -> Floats:
    """``(1024, 1024)`` unit normal noise, coarser for a larger grain; wraps round."""
    rng = np.random.Generator(np.random.PCG64(20))
    tile = rng.standard_normal((_TILE, _TILE), dtype=np.float32)
    if grain > 1:
        around = cv2.copyMakeBorder(tile, 8, 8, 8, 8, cv2.BORDER_WRAP)
        tile = cv2.GaussianBlur(around, (0, 0), 0.45 * grain)[8:-8, 8:-8]
        # A part stays fine: denoising is never even.
        tile = tile / tile.std() * np.float32(0.95)
    return np.ascontiguousarray(tile, np.float32)


def _noise(rng: np.random.Generator, grain: float, shape: tuple[int, ...]) -> Floats:
    """Noise for a frame, cut out of the tile somewhere; channels are cut out apart."""
    tile = _noise_tile(grain)
    planes = []
    for _ in range(shape[2] if len(shape) == 3 else 1):
        top, left = (int(value) for value in rng.integers(0, _TILE, 2))
        height, width = shape[0], shape[1]
        if top + height <= _TILE and left + width <= _TILE:
            planes.append(tile[top : top + height, left : left + width])
        else:
            rows, columns = (top + np.arange(height)) % _TILE, (left + np.arange(width)) % _TILE
            planes.append(tile[rows[:, None], columns[None]])
    return planes[0] if len(shape) == 2 else cv2.merge(planes)


@lru_cache(maxsize=64)
def _stripes(seed: int, width: int) -> Floats:
    """Fixed offsets of a frame's columns, of unit deviation."""
    rng = np.random.Generator(np.random.PCG64(seed))
    drift = np.convolve(rng.standard_normal(width + 40), np.ones(40) / 40**0.5, "valid")[:width]
    return np.asarray(rng.standard_normal(width) + 0.7 * drift, np.float32)


@lru_cache(maxsize=64)
def _tone(sensor: Sensor) -> NDArray[np.uint8]:
    """Table from light (0..1 in steps of ``1 / (_LEVELS - 1)``) to the stored value."""
    light = np.linspace(0, 1, _LEVELS)
    if sensor.spectrum is Spectrum.THERMAL:
        value = light**sensor.gamma
        value = 1 - value if sensor.black_hot else value
    else:
        # A shoulder: bright things fade into white instead of being cut off.
        value = np.where(
            light < 0.6, light, 0.6 + 0.4 * (1 - np.exp(-(light - 0.6) / 0.4)) / (1 - np.exp(-1))
        )
        value = value ** (1 / sensor.gamma)
        value = (1 - sensor.contrast) * value + sensor.contrast * value * value * (3 - 2 * value)
    value = sensor.black + (1 - sensor.black) * value
    return np.asarray(np.clip(value * 255 + 0.5, 0, 255), np.uint8)


def _vignette(
    sensor: Sensor, window: tuple[int, int], frame: tuple[int, int], shape: tuple[int, ...]
) -> Floats:
    across = (window[0] + np.arange(shape[1], dtype=np.float32) + 0.5) / frame[0] * 2 - 1
    down = (window[1] + np.arange(shape[0], dtype=np.float32) + 0.5) / frame[1] * 2 - 1
    return np.asarray(
        1 - 0.5 * sensor.vignette * (down * down)[:, None] - 0.5 * sensor.vignette * (across * across)[None],
        np.float32,
    )


def capture(
    radiance: Floats,
    sensor: Sensor,
    rng: np.random.Generator,
    window: tuple[int, int] = (0, 0),
    frame: tuple[int, int] | None = None,
    scene: tuple[float, float] | None = None,
) -> Image:
    """What the camera stores, before compression.

    Args:
        radiance: ``(h, w, 3)`` linear RGB, or ``(h, w)`` near infrared or degrees Celsius.
        sensor: the camera.
        rng: of this frame's noise.
        window: left and top of ``radiance`` in the frame, pixels.
        frame: width and height of the whole frame; by default the window is the frame.
        scene: low and high (2nd and 98th percentile) of the whole frame, which the automatic gain
            follows; by default those of ``radiance``.

    Returns:
        ``(h, w, 3)`` uint8; infrared carries its channel three times.
    """
    picture = np.array(radiance, np.float32, copy=True)
    frame = frame or (picture.shape[1], picture.shape[0])
    low, high = scene or (float(v) for v in np.percentile(picture, [2, 98]))
    if sensor.spectrum is Spectrum.THERMAL:
        stored = _thermal(picture, sensor, rng, window, frame, (low, high))
    else:
        stored = _optical(picture, sensor, rng, window, frame, high)
    if sensor.sharpen > 0:
        soft = cv2.GaussianBlur(stored, (0, 0), 1.1)
        stored = cv2.addWeighted(stored, 1 + sensor.sharpen, soft, -sensor.sharpen, 0)
    if sensor.interlace:
        first = (window[1] + 1) % 2
        stored[first::2] = np.roll(stored[first::2], sensor.interlace, axis=1)
    return cv2.merge([stored] * 3) if stored.ndim == 2 else np.ascontiguousarray(stored)


def _optical(
    picture: Floats,
    sensor: Sensor,
    rng: np.random.Generator,
    window: tuple[int, int],
    frame: tuple[int, int],
    high: float,
) -> NDArray[np.uint8]:
    """Visible and near infrared: gain, lens, noise, tone."""
    # Lamps in the frame do not count: white paper in the place's normal light is 1.
    high = min(high, 0.9)
    gain = sensor.exposure * (0.72 if sensor.spectrum is Spectrum.VISIBLE else 0.7) / max(high, 0.02)
    shade = _vignette(sensor, window, frame, picture.shape) * np.float32(gain)
    if picture.ndim == 3:
        picture *= shade[..., None]
        picture *= np.asarray(sensor.white, np.float32)
    else:
        picture *= shade
    if sensor.spectrum is Spectrum.NEAR:
        # A lamp beside the lens lights the near far more than the distant: such cameras compress the light.
        # Reinhard et al., "Photographic Tone Reproduction for Digital Images" (2002), eq. 4.
        picture *= np.float32(_LIFT)
        picture *= (1 + picture / np.float32(_WHITE**2)) / (1 + picture)
    if sensor.bloom > 0:
        over = np.clip(picture - 0.9, 0, 3)
        if float(over.max()) > 0.05:
            over = cv2.blur(cv2.blur(over, (21, 21)), (31, 31))
            picture += np.float32(sensor.bloom) * over
    if sensor.blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), sensor.blur)
    if sensor.shot > 0 or sensor.read > 0:
        spread = np.sqrt(np.clip(picture, 0, 1) * np.float32(sensor.shot**2) + np.float32(sensor.read**2))
        picture += spread * _noise(rng, sensor.grain, picture.shape)
    picture *= np.float32(_LEVELS - 1)
    np.clip(picture, 0, _LEVELS - 1, out=picture)
    stored = _tone(sensor)[picture.astype(np.uint16)]
    if stored.ndim == 3 and (sensor.chroma > 0 or sensor.saturation != 1):
        split = cv2.cvtColor(stored, cv2.COLOR_RGB2YCrCb)
        luma, red, blue = cv2.split(split)
        colour = []
        for plane in (red, blue):
            plane = cv2.GaussianBlur(plane, (0, 0), sensor.chroma) if sensor.chroma > 0 else plane
            colour.append(
                cv2.convertScaleAbs(plane, alpha=sensor.saturation, beta=128 * (1 - sensor.saturation))
            )
        stored = cv2.cvtColor(cv2.merge([luma, *colour]), cv2.COLOR_YCrCb2RGB)
    return np.asarray(stored, np.uint8)


def _thermal(
    picture: Floats,
    sensor: Sensor,
    rng: np.random.Generator,
    window: tuple[int, int],
    frame: tuple[int, int],
    scene: tuple[float, float],
) -> NDArray[np.uint8]:
    """Degrees to grey: gain that gives the empty place a part of the range and warm things the rest."""
    low, high = scene
    low = max(low, high - 9.0)  # a cold sky may go under
    span = max(high - low, 2.5)
    if sensor.blur > 0:
        picture = cv2.GaussianBlur(picture, (0, 0), sensor.blur)
    knee, lift = low + span, sensor.lift
    grey = np.interp(
        picture,
        [low - 0.15 * span, knee, knee + sensor.headroom],
        [0.0, lift, 1.0],
    ).astype(np.float32)
    if sensor.halo > 0:
        around = cv2.blur(cv2.blur(grey, (25, 25)), (41, 41))
        grey -= np.float32(sensor.halo) * np.maximum(around - grey * 0.5 - 0.5 * lift, 0)
    grey *= _vignette(sensor, window, frame, picture.shape)
    if sensor.stripes > 0:
        columns = _stripes(sensor.seed, frame[0])[window[0] : window[0] + picture.shape[1]]
        grey[:, : len(columns)] += np.float32(sensor.stripes) * columns
    if sensor.read > 0:
        grey += np.float32(sensor.read) * _noise(rng, sensor.grain, picture.shape)
    grey *= np.float32(_LEVELS - 1)
    np.clip(grey, 0, _LEVELS - 1, out=grey)
    return np.asarray(_tone(sensor)[grey.astype(np.uint16)])


def encode(image: Image, sensor: Sensor) -> bytes:
    """The frame as the camera's stream carries it: JPEG of its quality."""
    _, data = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, sensor.jpeg_quality])
    return bytes(data)
