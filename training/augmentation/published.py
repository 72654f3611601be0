"""The augmentations of AGW, CAJ and CAJ+ as they were published.

Source: Ye et al., "Channel Augmented Joint Learning for Visible-Infrared Recognition" (ICCV 2021), section
3.2, and its public code. There they work in this order: pad and crop, flip, normalise, then the channel
ones on what is normalised already. The first two here take ``uint8`` ``H x W x 3``, the others ``float32``
``3 x H x W``, which they may write into. All draw from the generator they are given.
"""

from dataclasses import dataclass

import numpy as np

from reid_core.types import Floats, Image

_LUMA = np.array([0.2989, 0.5870, 0.1140], np.float32)


@dataclass(frozen=True, slots=True)
class PadCrop:
    """Pad with black on all sides, then cut the first size out at a random place.

    Attributes:
        pad: pixels on every side; CAJ: 10 at 288 x 144.
    """

    pad: int = 10

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """``H x W x 3`` to the same size."""
        down, right = (int(each) for each in rng.integers(-self.pad, self.pad + 1, 2))
        height, width = image.shape[:2]
        cut = np.zeros_like(image)
        # What of the image is left after it moved by (down, right).
        rows, columns = (
            slice(max(0, down), height + min(0, down)),
            slice(max(0, right), width + min(0, right)),
        )
        source_rows = slice(max(0, -down), height + min(0, -down))
        source_columns = slice(max(0, -right), width + min(0, -right))
        cut[rows, columns] = image[source_rows, source_columns]
        return cut


@dataclass(frozen=True, slots=True)
class HorizontalFlip:
    """Mirror with a probability.

    Attributes:
        probability: published: .5.
    """

    probability: float = 0.5

    def __call__(self, image: Image, rng: np.random.Generator) -> Image:
        """``H x W x 3`` to the same size."""
        return image[:, ::-1] if rng.random() < self.probability else image


@dataclass(frozen=True, slots=True)
class ChannelRandomErasing:
    """Paint a random rectangle over, after normalisation.

    Area uniform in 2 to 40 % of the image, aspect (height to width) uniform in .3 to 3.33; up to 100 tries
    to find one that fits inside; each channel is set to its value of ``fill``.

    Attributes:
        probability: CAJ .5; CAJ+ and TVI-LFM .6 on visible images.
        fill: of each channel, as normalised values.
        smallest: least share of the area.
        largest: greatest share.
        aspect: least aspect; the greatest is its reciprocal.
    """

    probability: float = 0.5
    fill: tuple[float, float, float] = (0.4914, 0.4822, 0.4465)
    smallest: float = 0.02
    largest: float = 0.4
    aspect: float = 0.3

    def __call__(self, tensor: Floats, rng: np.random.Generator) -> Floats:
        """``3 x H x W``, written into."""
        if rng.random() >= self.probability:
            return tensor
        height, width = tensor.shape[1:]
        for _ in range(100):
            area = rng.uniform(self.smallest, self.largest) * height * width
            aspect = rng.uniform(self.aspect, 1 / self.aspect)
            rows, columns = round((area * aspect) ** 0.5), round((area / aspect) ** 0.5)
            if rows < height and columns < width:
                top = int(rng.integers(0, height - rows + 1))
                left = int(rng.integers(0, width - columns + 1))
                tensor[:, top : top + rows, left : left + columns] = np.array(self.fill)[:, None, None]
                break
        return tensor


@dataclass(frozen=True, slots=True)
class ChannelExchange:
    """Copy red, green or blue, a third each, to all channels of a visible image.

    Attributes:
        probability: CAJ: 1, on the second view; TVI-LFM's code: .5.
    """

    probability: float = 1.0

    def __call__(self, tensor: Floats, rng: np.random.Generator) -> Floats:
        """``3 x H x W``, written into."""
        if self.probability < 1 and rng.random() >= self.probability:
            return tensor
        tensor[:] = tensor[int(rng.integers(3))].copy()
        return tensor


@dataclass(frozen=True, slots=True)
class ChannelAdapGray:
    """Of an infrared image: red, green, blue or "other", a quarter each, to all channels.

    "Other" is the luma ``.2989 R + .5870 G + .1140 B`` of the normalised values with a probability, else the
    image as it was.

    Attributes:
        probability: CAJ .5, CAJ+ .6.
    """

    probability: float = 0.5

    def __call__(self, tensor: Floats, rng: np.random.Generator) -> Floats:
        """``3 x H x W``, written into."""
        choice = int(rng.integers(4))
        if choice < 3:
            tensor[:] = tensor[choice].copy()
        elif rng.random() < self.probability:
            tensor[:] = np.tensordot(_LUMA, tensor, 1)
        return tensor


@dataclass(frozen=True, slots=True)
class RandomGray:
    """Luma to all channels of a visible image with a probability (CAJ+: .1, on the first view).

    Attributes:
        probability: of it.
    """

    probability: float = 0.1

    def __call__(self, tensor: Floats, rng: np.random.Generator) -> Floats:
        """``3 x H x W``, written into."""
        if rng.random() < self.probability:
            tensor[:] = np.tensordot(_LUMA, tensor, 1)
        return tensor
