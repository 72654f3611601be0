"""The augmentations that a recipe names: blocks, other visible cameras, other thermal cameras."""

import cv2
import numpy as np
import pytest

from reid_core.preprocess import Preprocess
from reid_core.types import Modality, Spectrum
from training.augmentation import AUGMENTATIONS
from training.augmentation.blocks import BlockSettings, RandomBlock
from training.augmentation.camera_style import CameraStyle, CameraStyleSettings
from training.augmentation.pipeline import Augmenter
from training.augmentation.step import Shown
from training.augmentation.thermal_camera import ThermalCamera, ThermalCameraSettings
from training.systems.reading import load_recipe

VISIBLE = Shown(Modality.VISIBLE, Spectrum.VISIBLE)
NEAR = Shown(Modality.INFRARED, Spectrum.NEAR)
THERMAL = Shown(Modality.INFRARED, Spectrum.THERMAL)
STYLE = dict.fromkeys(("transfer", "cast", "clipping"), 0.0)
HEAT = dict.fromkeys(("polarity", "saturation", "gain_control", "halo", "colour_map", "dead"), 0.0)


def picture(seed=0, height=72, width=36):
    small = np.random.default_rng(seed).integers(20, 236, (9, 5, 3), dtype=np.uint8)
    return cv2.resize(small, (width, height), interpolation=cv2.INTER_LINEAR)


def grey(seed=0):
    return picture(seed)[..., :1].repeat(3, 2)


def streams(count):
    return [np.random.default_rng(seed) for seed in range(count)]


def test_a_block_is_a_square_of_one_colour_up_to_its_share_of_the_width():
    block, sides, tops = RandomBlock(BlockSettings(probability=0.5, most=0.8)), [], []
    for rng in streams(400):
        before = picture()
        image = before.copy()
        after = block(image, VISIBLE, image, rng)
        assert (image == before).all(), "the image is not written into"
        changed = (after != before).any(-1)
        if not changed.any():
            continue
        rows, columns = np.flatnonzero(changed.any(1)), np.flatnonzero(changed.any(0))
        inside = after[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        assert (inside == inside[0, 0]).all()
        sides.append((len(rows), len(columns)))
        tops.append(rows[0])
    # A pixel that had the block's colour can hide a border, so nearly all are whole.
    assert 150 < len(sides) < 250 and np.mean([down == across for down, across in sides]) > 0.95
    assert max(sides) <= (29, 29) and max(down for down, _ in sides) > 24 and min(sides)[0] <= 3
    assert min(tops) < 8 and max(tops) > 50
    infrared = [block(grey(), THERMAL, grey(), rng) for rng in streams(40)]
    assert all((one == one[..., :1]).all() for one in infrared)


def test_a_transfer_brings_the_mean_and_deviation_of_the_other_picture():
    own, other = picture(1) // 2 + 60, picture(2) // 3 + 10
    style = CameraStyle(CameraStyleSettings(**STYLE | {"transfer": 1.0}))

    def lab(image):
        return cv2.cvtColor(image, cv2.COLOR_RGB2LAB).astype(float).mean((0, 1))

    shares = []
    for rng in streams(60):
        moved = lab(style(own, VISIBLE, other, rng)) - lab(own)
        whole = lab(other) - lab(own)
        shares.append(float(moved @ whole / (whole @ whole)))
        assert np.linalg.norm(moved - shares[-1] * whole) < 0.12 * np.linalg.norm(whole) + 2
    assert min(shares) < 0.15 and max(shares) > 0.85


def test_a_cast_changes_colours_and_keeps_the_brightness():
    image = np.full((20, 10, 3), 110, np.uint8)
    style = CameraStyle(CameraStyleSettings(**STYLE | {"cast": 1.0, "warmth": 0.5, "tint": 0.0}))
    ratios = []
    for rng in streams(100):
        after = style(image, VISIBLE, image, rng).astype(float).mean((0, 1))
        assert after.sum() == pytest.approx(330, abs=3)
        ratios.append(after[0] / after[2])
    assert 0.64 < min(ratios) < 0.75 and 1.35 < max(ratios) < 1.55


def test_clipping_loses_one_end_of_the_range():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, 2).repeat(4, 1)
    style = CameraStyle(CameraStyleSettings(**STYLE | {"clipping": 1.0, "lost": 0.4}))
    bright, dark = [], []
    for rng in streams(100):
        after = style(ramp, VISIBLE, ramp, rng)
        bright.append(float((after == 255).all((1, 2)).mean()))
        dark.append(float((after == 0).all((1, 2)).mean()))
        assert (np.diff(after[:, 0, 0].astype(int)) >= 0).all()
        assert min(bright[-1], dark[-1]) < 0.01, "one end at a time"
    assert 0.3 < max(bright) < 0.42 and 0.3 < max(dark) < 0.42


def test_only_visible_pictures_get_another_cameras_colours():
    everything = CameraStyle(CameraStyleSettings(transfer=1, cast=1, clipping=1))
    for shown in (NEAR, THERMAL):
        assert (everything(grey(), shown, grey(1), np.random.default_rng(0)) == grey()).all()


@pytest.mark.parametrize("what", list(HEAT))
def test_each_habit_of_a_thermal_camera_changes_thermal_pictures_alone(what):
    camera = ThermalCamera(ThermalCameraSettings(**HEAT | {what: 1.0}))
    changes = []
    for rng in streams(30):
        before = grey()
        image = before.copy()
        after = camera(image, THERMAL, image, rng)
        assert (image == before).all() and after.dtype == np.uint8 and after.shape == image.shape
        assert (after == after[..., :1]).all()
        changes.append(np.abs(after.astype(int) - before).mean())
    assert np.median(changes) > 0.2
    for image, shown in ((grey(), NEAR), (picture(), VISIBLE)):
        assert (camera(image, shown, image, np.random.default_rng(0)) == image).all()


def test_without_any_habit_a_thermal_picture_stays_as_it_is():
    camera = ThermalCamera(ThermalCameraSettings(**HEAT))
    assert (camera(grey(), THERMAL, grey(), np.random.default_rng(0)) == grey()).all()


def test_saturation_cuts_off_what_is_warm_or_what_is_cold():
    ramp = np.repeat(np.arange(256, dtype=np.uint8)[:, None, None], 3, 2).repeat(4, 1)
    camera = ThermalCamera(ThermalCameraSettings(**HEAT | {"saturation": 1.0, "lost": 0.5}))
    white, black = [], []
    for rng in streams(100):
        after = camera(ramp, THERMAL, ramp, rng)[:, 0, 0].astype(int)
        assert (np.diff(after) >= 0).all()
        white.append((after == 255).mean())
        black.append((after == 0).mean())
    assert 0.4 < max(white) < 0.53 and 0.4 < max(black) < 0.53
    assert max(np.minimum(white, black)) < 0.05


def test_a_halo_darkens_what_is_beside_something_warm():
    image = np.full((80, 40, 3), 60, np.uint8)
    image[20:60, 15:25] = 200
    camera = ThermalCamera(ThermalCameraSettings(**HEAT | {"halo": 1.0, "depth": 0.8}))
    rims = [camera(image, THERMAL, image, rng)[40, 12, 0] for rng in streams(20)]
    far = [camera(image, THERMAL, image, rng)[2, 2, 0] for rng in streams(20)]
    assert all(near <= away for near, away in zip(rims, far, strict=True))
    assert min(rims) < 45 and max(far) > 62


def test_a_recipe_that_names_them_uses_them_and_others_are_as_before():
    names = ("block", "camera_style", "thermal_camera")
    assert set(names) <= set(AUGMENTATIONS.names)
    plain = load_recipe()
    assert not set(names) & set(type(plain.augmentation).model_fields)
    named = load_recipe(
        None,
        [
            "augmentation.block.probability=1",
            "augmentation.camera_style.cast=1",
            "augmentation.thermal_camera.polarity=1",
            "augmentation.flip=0",
            "augmentation.reality=null",
        ],
    )
    augmenter = Augmenter(named.augmentation, Preprocess(height=72, width=36))
    for image, shown in ((picture(), VISIBLE), (grey(), THERMAL)):
        made = augmenter.picture(image, image, shown, np.random.default_rng(0))
        assert np.abs(made.astype(int) - image).mean() > 8
