import json

import numpy as np
import pytest

from reid_core.errors import SourceError
from reid_core.types import Modality
from training.evaluation.baselines import colour_histogram, hog
from training.evaluation.intervals import wilson
from training.evaluation.pairs import evaluate_pairs, read_pairs

BLOCKS = (15, 7, 2, 2, 9)


def ramp(across, down):
    """A picture of one gradient everywhere, 128 x 64: grey levels a pixel across and down."""
    rows, columns = np.mgrid[0:128, 0:64]
    grey = 20 + across * columns + down * rows
    return np.repeat(grey[..., None], 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("across", "down", "shares"),
    [
        # Degrees from the horizontal axis; bins are 20 degrees wide, centred at 10, 30, ... 170.
        (1, 0, {0: 0.5, 8: 0.5}),
        (0, 1, {4: 1.0}),
        (1, 1, {1: 0.25, 2: 0.75}),
    ],
)
def test_hog_puts_a_gradient_between_its_two_nearest_orientations(across, down, shares):
    inside = hog([ramp(across, down)]).reshape(BLOCKS)[7, 3]
    # Four cells a block share one histogram; L2-Hys then cuts what is above 0.2.
    wanted = np.zeros(9)
    for place, share in shares.items():
        wanted[place] = min(0.2, share / np.sqrt(4 * sum(each**2 for each in shares.values())))
    directions = inside / np.linalg.norm(inside)
    np.testing.assert_allclose(
        directions, np.tile(wanted, (2, 2, 1)) / np.linalg.norm(np.tile(wanted, (2, 2, 1))), atol=2e-3
    )


def test_hog_is_the_obvious_loop_over_blocks_and_pixels():
    crop = np.random.default_rng(3).integers(0, 256, (128, 64), np.uint8)
    grey = np.pad(crop.astype(float), 1, mode="reflect")
    wanted = np.zeros(BLOCKS)
    for row in range(15):
        for column in range(7):
            for y in range(16):
                for x in range(16):
                    top, left = 8 * row + y + 1, 8 * column + x + 1
                    dx = grey[top, left + 1] - grey[top, left - 1]
                    dy = grey[top + 1, left] - grey[top - 1, left]
                    weight = np.hypot(dx, dy) * np.exp(-((x - 7.5) ** 2 + (y - 7.5) ** 2) / 128)
                    place = np.degrees(np.arctan2(dy, dx)) % 180 / 20 - 0.5
                    low = int(np.floor(place))
                    for which, share in ((low, low + 1 - place), (low + 1, place - low)):
                        for cy, cx in np.ndindex(2, 2):
                            near = max(0, 1 - abs(y - 3.5 - 8 * cy) / 8) * max(
                                0, 1 - abs(x - 3.5 - 8 * cx) / 8
                            )
                            wanted[row, column, cy, cx, which % 9] += weight * share * near
            block = wanted[row, column]
            block /= np.linalg.norm(block)
            np.minimum(block, 0.2, out=block)
            block /= np.linalg.norm(block)
    np.testing.assert_allclose(hog([crop])[0], wanted.ravel() / np.linalg.norm(wanted), atol=1e-5)


def test_hog_does_not_care_how_bright_it_is():
    crop = np.random.default_rng(4).integers(0, 120, (200, 90, 3), np.uint8)
    bright, dark = hog([crop * 2, crop])
    assert bright @ dark > 0.999


def test_colours_are_kept_where_they_are():
    red, blue, grey = np.uint8([200, 10, 10]), np.uint8([10, 10, 200]), np.uint8([90, 90, 90])

    def person(top, bottom):
        crop = np.empty((90, 40, 3), np.uint8)
        crop[:45], crop[45:] = top, bottom
        return crop

    dressed = [person(red, blue), person(red, blue)[:, ::-1], person(blue, red), person(grey, grey)]
    same, mirrored, swapped, colourless = colour_histogram(dressed)
    assert same @ mirrored == pytest.approx(1, abs=1e-5)
    # Saturation and value of both halves are alike, a third of the histogram is not.
    assert same @ swapped == pytest.approx(2 / 3, abs=0.03)
    hues = colourless.reshape(6, 3, 16)[:, 0]
    assert not hues.any()


@pytest.mark.parametrize("describe", [hog, colour_histogram])
def test_vectors_have_length_one_whatever_the_crop(describe):
    random = np.random.default_rng(5)
    crops = [random.integers(0, 256, size, np.uint8) for size in ((1, 1, 3), (300, 130, 3), (40, 70))] * 40
    vectors = describe(crops, Modality.INFRARED)
    assert (vectors.dtype, len(vectors)) == (np.float32, 120)
    np.testing.assert_allclose(np.linalg.norm(vectors[1:3], axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(vectors[:3], vectors[117:], atol=1e-6)
    assert np.isfinite(vectors).all()
    assert describe([]).shape == (0, vectors.shape[1])


def test_small_numbers_have_wide_intervals():
    # By Wilson's formula for 95 %.
    assert wilson(0, 10) == pytest.approx((0, 0.2775), abs=1e-4)
    assert wilson(5, 10) == pytest.approx((0.2366, 0.7634), abs=1e-4)
    assert wilson(10, 10)[1] == pytest.approx(1)


@pytest.mark.footage
def test_real_pairs_share_their_shape(shared):
    pairs = read_pairs(shared / "data/kaist")
    assert len(pairs) == 33
    assert {pair.night for pair in pairs} == {False, True}
    assert min(pair.height for pair in pairs) >= 60
    result = evaluate_pairs(pairs, {"HOG": hog, "colour histogram": colour_histogram})
    shape, colour = result["methods"]["HOG"], result["methods"]["colour histogram"]
    assert shape["r1"] > 4 * result["chance_r1"] > colour["r1"]
    assert shape["interval_95"][0] < shape["r1"] < shape["interval_95"][1]
    assert shape["hits"] == round(shape["r1"] * 33)
    for figures in (shape, colour):
        assert figures["pairs_day"] + figures["pairs_night"] == 33
        by_kind = [(figures[f"r1_{kind}"], figures[f"pairs_{kind}"]) for kind in ("day", "night")]
        assert sum(round((r1 or 0) * pairs) for r1, pairs in by_kind) == figures["hits"]
        for name in ("_shifted", *(f"_{kind}" for kind in ("day", "night") if figures[f"pairs_{kind}"])):
            low, high = figures[f"interval_95{name}"]
            assert low <= figures[f"r1{name}"] <= high and low < high


def test_pairs_without_annotations_are_told_of(tmp_path):
    with pytest.raises(SourceError, match="KAIST_annotation"):
        read_pairs(tmp_path)
    (tmp_path / "annotations").mkdir()
    (tmp_path / "annotations/KAIST_annotation.json").write_text(json.dumps({"images": [], "annotations": []}))
    with pytest.raises(SourceError, match="No person"):
        read_pairs(tmp_path)
