import time

import cv2
import numpy as np
import pytest

from reid_core.preprocess import Preprocess
from reid_core.types import Modality, Spectrum
from training.augmentation.framing import FramingSettings, reframe
from training.augmentation.occlusion import OcclusionSettings, occlude
from training.augmentation.pipeline import AugmentationSettings, Augmenter
from training.augmentation.published import (
    ChannelAdapGray,
    ChannelExchange,
    ChannelRandomErasing,
    HorizontalFlip,
    PadCrop,
    RandomGray,
)
from training.augmentation.sensor import SensorSettings, through_sensor
from training.augmentation.step import Shown
from training.seeding import generator

LUMA = np.array([0.2989, 0.5870, 0.1140])
NOTHING = dict.fromkeys(("tone", "inversion", "blur", "low_resolution", "noise", "compression"), 0.0)


def tensor(seed=0, height=36, width=18):
    return np.random.default_rng(seed).normal(size=(3, height, width)).astype(np.float32)


def picture(seed=0, height=72, width=36):
    small = np.random.default_rng(seed).integers(0, 256, (9, 5, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_CUBIC)


def streams(count):
    return [np.random.default_rng(seed) for seed in range(count)]


def test_erasing_paints_one_rectangle_of_the_published_size_in_the_published_colour():
    erase, areas, aspects, erased = ChannelRandomErasing(0.5), [], [], 0
    fill = np.array([0.4914, 0.4822, 0.4465], np.float32)[:, None]
    for rng in streams(400):
        before = tensor()
        after = erase(before.copy(), rng)
        changed = (after != before).all(axis=0)
        if not changed.any():
            assert (after == before).all()
            continue
        erased += 1
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        assert changed.sum() == len(rows) * len(columns)
        assert (after[:, changed] == fill).all()
        areas.append(changed.mean())
        aspects.append(len(rows) / len(columns))
    assert 160 < erased < 240
    # Whole pixels make it a little more or less than 2 to 40 %, and .3 to 3.33.
    assert 0.01 < min(areas) < 0.05 and 0.3 < max(areas) < 0.43
    assert 0.2 < min(aspects) < 0.6 and 2.3 < max(aspects) < 4.5


def test_exchange_copies_each_channel_a_third_of_the_time():
    before = tensor()
    chosen = []
    for rng in streams(300):
        after = ChannelExchange()(before.copy(), rng)
        assert (after == after[0]).all()
        chosen.append(next(c for c in range(3) if (after[0] == before[c]).all()))
    assert min(np.bincount(chosen, minlength=3)) > 70
    kept = sum((ChannelExchange(0.5)(before.copy(), rng) == before).all() for rng in streams(300))
    assert 110 < kept < 190


def test_adaptive_grey_is_three_channels_and_other_a_quarter_each():
    before = tensor()
    luma = np.tensordot(LUMA, before, 1)
    counts = dict.fromkeys(["channel", "luma", "same"], 0)
    for rng in streams(800):
        after = ChannelAdapGray(0.5)(before.copy(), rng)
        if (after == before).all():
            counts["same"] += 1
        elif np.allclose(after, luma, atol=1e-5):
            counts["luma"] += 1
        else:
            assert any((after == before[c]).all() for c in range(3))
            counts["channel"] += 1
    assert counts["channel"] == pytest.approx(600, abs=45)
    assert counts["luma"] == pytest.approx(100, abs=35) and counts["same"] == pytest.approx(100, abs=35)


def test_grey_is_luma():
    before = tensor()
    grey = RandomGray(1.0)(before.copy(), np.random.default_rng(0))
    assert np.allclose(grey, np.tensordot(LUMA, before, 1), atol=1e-5)
    assert (RandomGray(0.0)(before.copy(), np.random.default_rng(0)) == before).all()


def test_pad_and_crop_is_a_move_with_black_behind_it():
    image = picture() // 2 + 100
    seen = set()
    for rng in streams(300):
        cut = PadCrop(3)(image, rng)
        padded = np.pad(image, ((3, 3), (3, 3), (0, 0)))
        places = [
            (y, x)
            for y in range(7)
            for x in range(7)
            if (padded[y : y + image.shape[0], x : x + image.shape[1]] == cut).all()
        ]
        assert len(places) == 1
        seen.update(places)
    assert len(seen) == 49


def test_flip_is_a_mirror():
    image = picture()
    assert (HorizontalFlip(1.0)(image, np.random.default_rng(0)) == image[:, ::-1]).all()


def test_a_box_in_its_place_is_the_resized_picture():
    image = picture(height=90, width=45)
    still = FramingSettings(probability=1, shift=0, zoom=0, stretch=0, cut_legs=0, rotation=0)
    framed = reframe(image, 80, 40, still, np.random.default_rng(0))
    plain = cv2.resize(image, (40, 80))
    assert np.abs(framed.astype(int) - plain).max() <= 3
    assert (reframe(image, 90, 45, None, np.random.default_rng(0)) == image).all()


def test_a_box_without_legs_shows_the_upper_part():
    rows = np.repeat(np.arange(0, 200, 2, dtype=np.uint8), 50).reshape(100, 50)
    image = np.repeat(rows[..., None], 3, 2)
    half = FramingSettings(probability=1, shift=0, zoom=0, stretch=0, cut_legs=1, least_kept=0.5, rotation=0)
    lowest = [int(reframe(image, 100, 50, half, rng)[-1].mean()) for rng in streams(200)]
    tops = [int(reframe(image, 100, 50, half, rng)[0].mean()) for rng in streams(20)]
    assert max(tops) <= 2
    assert 96 <= min(lowest) < 110 and max(lowest) > 180


def test_what_stands_in_front_is_a_rectangle_of_the_other_picture():
    image, other = np.zeros((60, 30, 3), np.uint8), np.full((60, 30, 3), 9, np.uint8)
    shares = []
    for rng in streams(200):
        covered = occlude(image, other, OcclusionSettings(least=0.1, most=0.3), rng)
        mask = (covered == 9).all(-1)
        assert mask.sum() == mask.any(1).sum() * mask.any(0).sum()
        shares.append(mask.mean())
    assert not image.any()
    assert min(shares) > 0.05 and max(shares) < 0.34


def test_only_thermal_pictures_have_a_polarity():
    image = np.repeat(picture()[..., :1], 3, 2)
    settings = SensorSettings(**NOTHING | {"inversion": 1.0})

    def seen(modality, spectrum):
        return through_sensor(image, modality, spectrum, settings, np.random.default_rng(0))

    assert (seen(Modality.INFRARED, Spectrum.THERMAL) == 255 - image).all()
    assert (seen(Modality.INFRARED, Spectrum.NEAR) == image).all()
    assert (seen(Modality.VISIBLE, Spectrum.VISIBLE) == image).all()


@pytest.mark.parametrize("what", list(NOTHING))
def test_each_part_of_the_sensor_changes_the_picture_but_not_its_form(what):
    settings = SensorSettings(**NOTHING | {what: 1.0})
    grey = np.repeat(picture()[..., :1], 3, 2)
    changes = []
    for rng in streams(20):
        after = through_sensor(grey, Modality.INFRARED, Spectrum.THERMAL, settings, rng)
        assert after.dtype == np.uint8 and after.shape == grey.shape
        assert (after == after[..., :1]).all(), "infrared has one channel"
        changes.append(np.abs(after.astype(int) - grey).mean())
    assert np.median(changes) > 0.5
    if what != "inversion":
        colour = picture()
        after = through_sensor(colour, Modality.VISIBLE, Spectrum.VISIBLE, settings, np.random.default_rng(1))
        assert after.shape == colour.shape and (after != colour).any()


def test_few_pixels_lose_detail_but_not_the_mean():
    fine = np.random.default_rng(0).integers(0, 256, (128, 64, 1), dtype=np.uint8).repeat(3, 2)
    settings = SensorSettings(**NOTHING | {"low_resolution": 1.0})
    for rng in streams(10):
        after = through_sensor(fine, Modality.INFRARED, Spectrum.NEAR, settings, rng)
        assert after.std() < 0.9 * fine.std() and abs(after.mean() - fine.mean()) < 6


def augmented(settings, seed=1, height=128, width=64):
    """Thirty-two visible and thirty-two thermal crops, as a training step makes them."""
    augmenter = Augmenter(
        settings, Preprocess(height=height, width=width, mean=(127.5,) * 3, std=(127.5,) * 3)
    )
    rngs = [generator(seed, "test", number) for number in range(64)]
    visible, thermal = (
        Shown(Modality.VISIBLE, Spectrum.VISIBLE),
        Shown(Modality.INFRARED, Spectrum.THERMAL),
    )
    kinds = [visible] * 32 + [thermal] * 32
    images = [picture(number, round(height * 1.125), round(width * 1.125)) for number in range(64)]
    images = [
        image if kind is visible else image[..., :1].repeat(3, 2)
        for image, kind in zip(images, kinds, strict=True)
    ]
    before = [image.copy() for image in images]
    begun = time.process_time()
    pictures = [
        augmenter.picture(image, images[number - 1 if number % 32 else number], kind, rng)
        for number, (image, kind, rng) in enumerate(zip(images, kinds, rngs, strict=True))
    ]
    tensors = augmenter.tensors(pictures)
    for row, kind, rng in zip(tensors, kinds, rngs, strict=True):
        augmenter.channels(row, kind, rng)
    seconds = time.process_time() - begun
    assert all((a == b).all() for a, b in zip(images, before, strict=True)), "the cache is not written into"
    return tensors, seconds


def test_the_same_seed_augments_the_same():
    first, again, other = (augmented(AugmentationSettings(), seed)[0] for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert first.shape == (64, 3, 128, 64) and np.isfinite(first).all()


def test_a_batch_takes_a_small_part_of_a_step():
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)
    try:
        seconds = min(augmented(AugmentationSettings())[1] for _ in range(5))
    finally:
        cv2.setNumThreads(threads)
    assert seconds < 0.06


def test_without_anything_it_is_what_inference_sees():
    nothing = AugmentationSettings(
        flip=0, visible_erasing=0, infrared_erasing=0, grey=0, exchange=0, reality=None
    )
    plain = Preprocess(height=40, width=20)
    image = picture(height=40, width=20)
    rng = np.random.default_rng(0)
    augmenter = Augmenter(nothing, plain)
    shown = Shown(Modality.VISIBLE, None)
    made = augmenter.tensors([augmenter.picture(image, image, shown, rng)])
    augmenter.channels(made[0], shown, rng)
    assert np.array_equal(made, plain([image]))
