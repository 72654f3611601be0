import numpy as np
import pytest

from reid_core.errors import UsageError
from reid_core.preprocess import IMAGENET_MEAN, IMAGENET_STD, Preprocess


def noise(height, width, seed=0):
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), np.uint8)


@pytest.mark.parametrize("channels", ["rgb", "bgr"])
def test_it_computes_pixel_minus_mean_over_std_in_the_order_of_the_channels(channels):
    mean, std = (10.0, 20.0, 30.0), (2.0, 4.0, 8.0)
    crop = noise(8, 4)
    tensor = Preprocess(height=8, width=4, channels=channels, mean=mean, std=std)([crop])
    ordered = crop if channels == "rgb" else crop[..., ::-1]
    expected = (ordered.astype(np.float64) - mean) / std
    assert tensor.shape == (1, 3, 8, 4) and tensor.dtype == np.float32 and tensor.flags.c_contiguous
    np.testing.assert_allclose(tensor[0], expected.transpose(2, 0, 1), rtol=1e-5, atol=1e-5)


def test_crops_of_any_sizes_become_one_batch_each_as_it_would_alone():
    prepare = Preprocess(height=16, width=8, mean=IMAGENET_MEAN, std=IMAGENET_STD)
    crops = [noise(30, 12), noise(5, 50, 1), noise(16, 8, 2), noise(1, 1, 3)]
    together = prepare(crops)
    assert together.shape == (4, 3, 16, 8)
    for crop, row in zip(crops, together, strict=True):
        np.testing.assert_array_equal(prepare([crop])[0], row)


def test_one_pixel_fills_the_input():
    pixel = np.array([[[200, 100, 50]]], np.uint8)
    tensor = Preprocess(height=4, width=2)([pixel])
    assert (tensor[0] == np.array([200, 100, 50], np.float32)[:, None, None]).all()


def test_no_crops_are_an_empty_batch():
    assert Preprocess(height=4, width=2)([]).shape == (0, 3, 4, 2)


def test_grey_counts_as_three_equal_channels():
    grey = noise(6, 5)[..., 0]
    prepare = Preprocess(height=4, width=2)
    colour = np.repeat(grey[:, :, None], 3, axis=2)
    np.testing.assert_array_equal(prepare([grey]), prepare([colour]))
    np.testing.assert_array_equal(prepare([grey[:, :, None]]), prepare([colour]))


def test_views_of_a_frame_and_mirrored_crops_are_read_as_they_look():
    frame = noise(40, 40)
    prepare = Preprocess(height=10, width=5, interpolation="area")
    for view in (frame[3:25, 7:20], frame[:, ::-1], frame[..., ::-1], frame[::2, ::2]):
        np.testing.assert_array_equal(prepare([view]), prepare([view.copy()]))


@pytest.mark.parametrize(
    ("crop", "says"),
    [
        (np.zeros((4, 4, 3), np.float32), "float32"),
        (np.zeros((4, 4, 4), np.uint8), r"\(4, 4, 4\)"),
        (np.zeros((0, 4, 3), np.uint8), "no pixel"),
        (np.zeros((2, 4, 4, 3), np.uint8), r"\(2, 4, 4, 3\)"),
        ("crop.png", "str"),
    ],
)
def test_what_is_no_crop_is_named_by_its_place(crop, says):
    with pytest.raises(UsageError, match=rf"Crop 1 .*{says}"):
        Preprocess(height=4, width=2)([np.zeros((2, 2, 3), np.uint8), crop])


@pytest.mark.parametrize(
    "wrong",
    [
        {"std": (1, 0, 1)},
        {"std": (1, -1, 1)},
        {"mean": (1, float("nan"), 1)},
        {"height": 0},
        {"channels": "grb"},
    ],
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(ValueError, match=next(iter(wrong))):
        Preprocess(**{"height": 4, "width": 2} | wrong)


def test_even_contrast_takes_gain_and_offset_away_and_leaves_colours():
    rng = np.random.default_rng(3)
    crop = rng.integers(60, 120, (40, 20, 3)).astype(np.uint8)
    brighter = (crop * 2).astype(np.uint8)
    shifted = (crop + 90).astype(np.uint8)
    even = Preprocess(height=32, width=16, contrast="crop")
    plain = Preprocess(height=32, width=16)
    once, twice, thrice = even([crop, brighter, shifted])
    gain = 64 / plain([crop]).std()
    assert np.abs(once - twice).max() <= gain and np.abs(once - thrice).max() <= gain, "rounding alone"
    assert np.abs(plain([crop])[0] - plain([shifted])[0]).min() > 80
    assert once.mean() == pytest.approx(127.5, abs=0.01) and once.std() == pytest.approx(64, rel=1e-3)
    # One gain and one offset for the whole crop: channels keep their order and proportion.
    small = plain([crop])[0]
    slope = (once - once.mean()) / (small - small.mean())
    assert np.median(slope) == pytest.approx(64 / small.std(), rel=1e-3)


def test_a_flat_crop_is_not_stretched_into_noise():
    flat = np.full((8, 4, 3), 77, np.uint8)
    flat[0, 0] = 79
    tensor = Preprocess(height=8, width=4, contrast="crop")([flat])
    assert np.isfinite(tensor).all() and np.abs(tensor - 127.5).max() < 64
