"""What anybody can do without learning: colour histograms and oriented gradients as descriptors of crops."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from reid_core.images import read_image
from reid_core.preprocess import as_rgb
from reid_core.runtime.embedder import normalised
from reid_core.types import Floats, Image, Modality

Describe: TypeAlias = Callable[[Sequence[Image], Modality], Floats]
"""Crops of one modality to ``(N, D)`` float32 unit vectors: a model's ``embed``, or a baseline."""

EmbedFiles: TypeAlias = Callable[[Sequence[Path], Modality], Floats]
"""Image files of one modality to ``(N, D)`` float32 unit vectors."""

HEIGHT, WIDTH = 128, 64
STRIPES, LEVELS = 6, 16
_BATCH = 64

_CELL, _BINS, _CLIP = 8, 9, 0.2
_BLOCK = 2 * _CELL
_REGULARISER = 1e-3


def files_embedder(describe: Describe) -> EmbedFiles:
    """Let what describes crops read them from files, a batch at a time."""

    def embed(paths: Sequence[Path], modality: Modality) -> Floats:
        parts = [
            describe([read_image(path) for path in paths[start : start + _BATCH]], modality)
            for start in range(0, len(paths), _BATCH)
        ]
        return np.concatenate(parts)

    return embed


def colour_histogram(crops: Sequence[Image], modality: Modality = Modality.VISIBLE) -> Floats:
    """Hue, saturation and value histograms of six horizontal stripes.

    The stripes follow Gray and Tao, "Viewpoint Invariant Pedestrian Recognition with an Ensemble of
    Localized Features" (ECCV 2008): head, chest, belly, thighs, knees and feet keep their own colours. A
    pixel's hue counts by its saturation, as a grey pixel's is noise. Square roots make the dot product
    Bhattacharyya's coefficient.

    Args:
        crops: ``uint8`` ``h x w x 3`` RGB of any sizes.
        modality: ignored; an infrared crop simply has no hue.

    Returns:
        ``(N, 288)`` float32, L2-normalised.
    """
    import cv2

    vectors = np.empty((len(crops), STRIPES * 3 * LEVELS), np.float32)
    stripe = np.arange(HEIGHT) * STRIPES // HEIGHT * (3 * LEVELS)
    for index, crop in enumerate(crops):
        hsv = cv2.cvtColor(_resized(as_rgb(crop, index)), cv2.COLOR_RGB2HSV_FULL)
        level = hsv.astype(np.intp) * LEVELS // 256
        place = stripe[:, None, None] + np.arange(3) * LEVELS + level
        weight = np.ones(hsv.shape)
        weight[..., 0] = hsv[..., 1] / 255.0
        counts = np.bincount(place.ravel(), weight.ravel(), vectors.shape[1])
        vectors[index] = np.sqrt(counts)
    return normalised(vectors)


def hog(crops: Sequence[Image], modality: Modality = Modality.VISIBLE) -> Floats:
    """Histograms of oriented gradients of the grey crop at 128 x 64.

    Dalal and Triggs, "Histograms of Oriented Gradients for Human Detection" (CVPR 2005), with the
    settings they recommend: centred [-1, 0, 1] gradients without smoothing, 9 orientations without sign,
    cells of 8 x 8 pixels in overlapping blocks of 2 x 2 under a Gaussian of sigma 8 pixels, votes shared
    linearly between neighbouring orientations and cells, each block normalised by L2-Hys (length one,
    cut at 0.2, length one again).

    Args:
        crops: ``uint8`` ``h x w x 3`` RGB of any sizes.
        modality: ignored.

    Returns:
        ``(N, 3780)`` float32, L2-normalised.
    """
    import cv2

    grey = np.empty((len(crops), HEIGHT, WIDTH), np.float32)
    for index, crop in enumerate(crops):
        grey[index] = cv2.cvtColor(_resized(as_rgb(crop, index)), cv2.COLOR_RGB2GRAY)
    parts = [_blocks(grey[start : start + _BATCH]) for start in range(0, len(grey), _BATCH)]
    size = (HEIGHT // _CELL - 1) * (WIDTH // _CELL - 1) * 4 * _BINS
    return normalised(np.concatenate(parts).reshape(-1, size)) if parts else np.empty((0, size), np.float32)


def _blocks(grey: Floats) -> Floats:
    """``(N, 128, 64)`` to L2-Hys blocks ``(N, 15, 7, 2, 2, 9)``: block row, column, cell row, column, bin."""
    count = len(grey)
    rows, columns = HEIGHT // _CELL, WIDTH // _CELL
    tiles = _votes(grey).reshape(count, rows, _CELL, columns, _CELL, _BINS)
    tiles = tiles.transpose(0, 1, 3, 5, 2, 4).reshape(count, rows, columns, _BINS, _CELL * _CELL)
    # What each tile gives to each cell of a block, for each of the four places it may have in it.
    given = (tiles @ _shares()).reshape(count, rows, columns, _BINS, 2, 2, 2, 2)
    summed = sum(
        given[:, top : rows - 1 + top, left : columns - 1 + left, :, top, left]
        for top in (0, 1)
        for left in (0, 1)
    )
    blocks = np.moveaxis(np.asarray(summed, np.float32), 3, -1)
    return _unit(np.minimum(_unit(blocks), _CLIP))


def _votes(grey: Floats) -> Floats:
    """Gradient magnitudes shared between the two nearest orientations: ``(N, H, W, 9)``."""
    padded = np.pad(grey, ((0, 0), (1, 1), (1, 1)), mode="reflect")
    across = padded[:, 1:-1, 2:] - padded[:, 1:-1, :-2]
    down = padded[:, 2:, 1:-1] - padded[:, :-2, 1:-1]
    strength = np.hypot(across, down)
    # Bin b is centred at (b + 1/2) 20 degrees.
    place = np.mod(np.arctan2(down, across), np.pi) * (_BINS / np.pi) - 0.5
    lower = np.floor(place)
    upper_share = place - lower
    first = lower.astype(np.intp) % _BINS
    votes = np.zeros((*grey.shape, _BINS), np.float32)
    np.put_along_axis(votes, first[..., None], (strength * (1 - upper_share))[..., None], axis=-1)
    np.put_along_axis(votes, ((first + 1) % _BINS)[..., None], (strength * upper_share)[..., None], axis=-1)
    return votes


def _shares() -> Floats:
    """Weight of a tile's pixels for the cells of a block.

    Returns:
        ``(64, 16)``: pixel of the 8 x 8 tile; place of the tile in the block (row, column) and cell (row,
        column).
    """
    from_middle = np.arange(_BLOCK) - (_BLOCK - 1) / 2
    bell = np.exp(-(from_middle**2) / (2 * (_BLOCK / 2) ** 2))
    centres = np.array([(_CELL - 1) / 2, _BLOCK - (_CELL + 1) / 2])
    near: NDArray[np.float64] = np.maximum(0, 1 - np.abs(np.arange(_BLOCK) - centres[:, None]) / _CELL)
    line = (near * bell).reshape(2, 2, _CELL)
    # line[cell, tile, pixel], once down and once across.
    both = np.einsum("ctp,dsq->pqtscd", line, line)
    return np.ascontiguousarray(both.reshape(_CELL * _CELL, 16), np.float32)


def _unit(blocks: Floats) -> Floats:
    """Blocks of length one, over their last three axes; an empty one stays empty."""
    squares = np.einsum("nijabk,nijabk->nij", blocks, blocks)
    lengths = np.sqrt(squares + np.float32(_REGULARISER**2))
    return np.asarray(blocks / lengths[..., None, None, None], np.float32)


def _resized(crop: Image) -> Image:
    """The crop at 128 x 64, averaged where it shrinks."""
    import cv2

    shrinks = crop.shape[0] >= HEIGHT
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (WIDTH, HEIGHT), interpolation=method), np.uint8)
