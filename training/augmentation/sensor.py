"""What real cameras do to an image: light, colour, gain, polarity, blur, few pixels, noise, compression."""

from typing import Any, TypeAlias

import cv2
import numpy as np
from pydantic import Field

from reid_core.config import Settings
from reid_core.types import Image, Modality, Spectrum

# Two axes for one channel, three for colours; OpenCV tells no types.
_Picture: TypeAlias = Any

_LEVELS = np.arange(256, dtype=np.float32) / 255
_LUMA = np.array([0.2989, 0.5870, 0.1140], np.float32)


class SensorSettings(Settings):
    """How often and how much; each is drawn for itself.

    Attributes:
        tone: probability of another gain, offset and gamma.
        gain: greatest change of contrast, either way: .4 is from 1/1.4 to 1.4.
        offset: greatest change of brightness, share of the range.
        gamma: greatest change of gamma, either way.
        colour: of visible images: greatest change of a channel's gain, either way (white balance, lamps).
        saturation: of visible images: greatest change of colourfulness, either way.
        inversion: probability that a thermal image is of the other polarity.
        blur: probability of a soft or moved image.
        blur_sigma: greatest sigma, in pixels of a crop 128 high.
        low_resolution: probability that the person had few pixels.
        least_height: of those, pixels.
        noise: probability of noise.
        noise_sigma: greatest, grey levels.
        compression: probability of JPEG.
        least_quality: of that.
    """

    tone: float = Field(default=0.6, ge=0, le=1)
    gain: float = Field(default=0.5, ge=0)
    offset: float = Field(default=0.15, ge=0, le=1)
    gamma: float = Field(default=0.5, ge=0)
    colour: float = Field(default=0.15, ge=0)
    saturation: float = Field(default=0.5, ge=0)
    inversion: float = Field(default=0.25, ge=0, le=1)
    blur: float = Field(default=0.25, ge=0, le=1)
    blur_sigma: float = Field(default=1.6, ge=0)
    low_resolution: float = Field(default=0.3, ge=0, le=1)
    least_height: int = Field(default=32, ge=4)
    noise: float = Field(default=0.3, ge=0, le=1)
    noise_sigma: float = Field(default=12.0, ge=0)
    compression: float = Field(default=0.3, ge=0, le=1)
    least_quality: int = Field(default=25, ge=1, le=100)


def through_sensor(
    image: Image,
    modality: Modality,
    spectrum: Spectrum | None,
    settings: SensorSettings,
    rng: np.random.Generator,
) -> Image:
    """An image as another camera would have taken it.

    The order is that of light: scene, lens, pixels, noise, file.

    Args:
        image: ``uint8`` ``H x W x 3`` RGB; infrared with three equal channels.
        modality: of it; only visible images have colours to change.
        spectrum: of it; only ``thermal`` has a polarity.
        settings: how much.
        rng: where everything is drawn from.

    Returns:
        ``uint8`` of the same size; infrared channels stay equal.
    """
    # What happens is drawn first, whether or not it applies: one number, one meaning.
    chance = rng.random(6)
    visible = modality is Modality.VISIBLE
    # One channel is a third of the work.
    picture: _Picture = image if visible else image[..., 0]
    if spectrum is Spectrum.THERMAL and chance[0] < settings.inversion:
        picture = 255 - picture
    if chance[1] < settings.tone:
        picture = _toned(picture, settings, rng)
    height, width = picture.shape[:2]
    if chance[2] < settings.blur:
        picture = _blurred(picture, settings.blur_sigma * height / 128, rng)
    if chance[3] < settings.low_resolution and settings.least_height < height:
        picture = _shrunken(picture, settings.least_height, rng)
    if chance[4] < settings.noise:
        grain = rng.standard_normal(picture.shape, dtype=np.float32)
        grain *= np.float32(rng.uniform(0, settings.noise_sigma))
        # Never one of the arguments as the result: it may be a view of the cache.
        picture = cv2.add(picture, grain, dtype=cv2.CV_8U)
    if picture.shape[:2] != (height, width):
        picture = cv2.resize(picture, (width, height), interpolation=cv2.INTER_LINEAR)
    if chance[5] < settings.compression:
        picture = _compressed(picture, int(rng.integers(settings.least_quality, 96)))
    taken: Image = picture if visible else cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_GRAY2RGB)
    return taken


def _toned(picture: _Picture, settings: SensorSettings, rng: np.random.Generator) -> _Picture:
    """Another exposure: gamma, then contrast about the image's own mean, then offset; by a table."""
    draw = rng.uniform(-1, 1, 7)
    curve = _LEVELS ** np.float32((1 + settings.gamma) ** draw[0])
    middle = curve[int(picture.mean())]
    curve = (curve - middle) * (1 + settings.gain) ** draw[1] + middle + settings.offset * draw[2]
    if picture.ndim == 2:
        return cv2.LUT(picture, np.clip(curve * 255 + 0.5, 0, 255).astype(np.uint8))
    amount = np.float32(
        (1 + settings.saturation) ** draw[3] if draw[3] > 0 else 1 + settings.saturation * draw[3]
    )
    # Mix of each channel with the luma, then each channel's own gain: one linear map.
    mix = amount * np.eye(3, dtype=np.float32) + (1 - amount) * np.tile(_LUMA, (3, 1))
    mix *= ((1 + settings.colour) ** draw[4:])[:, None]
    toned = cv2.LUT(picture, np.clip(curve * 255 + 0.5, 0, 255).astype(np.uint8))
    return cv2.transform(toned, mix.astype(np.float32))


def _blurred(picture: _Picture, sigma: float, rng: np.random.Generator) -> _Picture:
    """Out of focus, or (a third) moved along a line while the shutter was open."""
    strength = rng.uniform(0.2, 1) * sigma
    if rng.random() < 2 / 3:
        return cv2.GaussianBlur(picture, (0, 0), strength)
    length = 2 * round(1.5 * strength) + 1
    angle = rng.uniform(0, np.pi)
    steps = np.linspace(-(length // 2), length // 2, 2 * length)
    kernel = np.zeros((length, length), np.float32)
    rows, columns = np.rint(length // 2 + np.outer([np.sin(angle), np.cos(angle)], steps)).astype(np.int64)
    np.add.at(kernel, (rows, columns), 1 / len(steps))
    return cv2.filter2D(picture, -1, kernel)


def _shrunken(picture: _Picture, least: int, rng: np.random.Generator) -> _Picture:
    """Fewer pixels, as of somebody far away; small heights as likely as large ones on a log scale."""
    height, width = picture.shape[:2]
    rows = round(least * (height / least) ** rng.random())
    columns = max(4, round(width * rows / height))
    # Good cameras average over a pixel, cheap scalers do not.
    how = cv2.INTER_AREA if rng.random() < 0.7 else cv2.INTER_LINEAR
    return cv2.resize(picture, (columns, rows), interpolation=how)


def _compressed(picture: _Picture, quality: int) -> _Picture:
    flags = cv2.IMREAD_GRAYSCALE if picture.ndim == 2 else cv2.IMREAD_COLOR
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return cv2.imdecode(data, flags)
