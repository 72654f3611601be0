"""Falling rain before the lens."""

import cv2
import numpy as np

from reid_core.types import Floats, Spectrum

_FALL = 7.5  # metres a second
_BLINK = 1 / 50  # seconds that the shutter is open
_TILE = 1024  # pixels after which drops repeat


def add_rain(
    radiance: Floats,
    depth: Floats,
    strength: float,
    rng: np.random.Generator,
    time: float = 0.0,
    *,
    spectrum: Spectrum = Spectrum.VISIBLE,
    focal: float = 500.0,
    window: tuple[int, int] = (0, 0),
) -> Floats:
    """Draw streaks of rain; what is nearer than a drop hides it.

    Args:
        radiance: ``(h, w)`` or ``(h, w, C)`` light, or degrees Celsius.
        depth: ``(h, w)`` metres to what stands there.
        strength: 0 none, 1 heavy.
        rng: where drops are in this frame; the same stream and time give the same drops.
        time: seconds; drops have fallen by so much.
        spectrum: near infrared drops shine in the lamp's light, thermal ones are hardly seen.
        focal: pixels.
        window: left and top of ``radiance`` in its frame; drops hold to the frame.

    Returns:
        A new array, the same shape.
    """
    height, width = depth.shape
    if strength <= 0:
        return radiance.copy()
    across = 1 + (width - 1) // _TILE
    down = 1 + (height - 1) // _TILE
    count = int(strength * 900 * _TILE**2 / (640 * 480))
    away = 1.2 + 14 * rng.random(count) ** 1.6
    left, start = rng.random(count) * _TILE, rng.random(count) * _TILE
    slant = 0.08 * float(rng.normal())
    speed = focal * _FALL / away
    length = speed * _BLINK
    left = (left - window[0]) % _TILE
    top = (start + speed * time - window[1]) % _TILE
    # The tile repeats beyond its borders; what begins above the window hangs into it.
    left = np.concatenate([left + _TILE * i for i in range(across) for _ in range(down + 1)])
    top = np.concatenate([top + _TILE * (i - 1) for _ in range(across) for i in range(down + 1)])
    copies = across * (down + 1)
    away, length = np.tile(away, copies), np.tile(length, copies)
    inside = (left < width) & (top < height) & (top + length > 0)
    away, length, left, top = away[inside], length[inside], left[inside], top[inside]
    mask = np.zeros((height, width), np.float32)
    nearest = np.full((height, width), np.float32(np.inf))
    for index in np.argsort(-away):
        first = (left[index], top[index])
        last = (left[index] + slant * length[index], top[index] + length[index])
        thick = 2 if away[index] < 2.0 else 1
        ends = [(round(x * 8), round(y * 8)) for x, y in (first, last)]
        bright = min(1.0, 3.0 / away[index])
        cv2.line(mask, ends[0], ends[1], bright, thick, cv2.LINE_AA, 3)
        cv2.line(nearest, ends[0], ends[1], float(away[index]), thick, cv2.LINE_8, 3)
    mask = cv2.GaussianBlur(np.where(nearest < depth, mask, 0).astype(np.float32), (0, 0), 0.7)
    drop = {Spectrum.VISIBLE: 0.16, Spectrum.NEAR: 0.2, Spectrum.THERMAL: 0.05}[spectrum]
    if spectrum is Spectrum.THERMAL:
        target = float(np.median(radiance)) - 1.0
    else:
        target = float(np.percentile(radiance, 90)) * 1.1
    share = drop * mask if radiance.ndim == 2 else (drop * mask)[..., None]
    return np.asarray(radiance * (1 - share) + target * share, np.float32)
