"""Places, cameras, light and sensors of the synthetic world."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("numba", reason="needs the extra 'synthetic'")

from reid_core.types import Spectrum
from training.seeding import generator
from training.synthetic.geometry.optics import Camera
from training.synthetic.light.lamps import Lamp, lamp_reach
from training.synthetic.light.sensor import Sensor, capture, draw_sensor, encode
from training.synthetic.light.weather import add_rain
from training.synthetic.places import materials as made
from training.synthetic.places.backdrop import draw_conditions, render_backdrop
from training.synthetic.places.place import (
    INDOOR,
    OUTDOOR,
    build_place,
    draw_camera,
    draw_place,
    seen_heights,
)

CAMERA = Camera(320, 240, 190.0, (1.0, -2.0, 3.0), 0.4, -0.35, 0.05, -0.12)


def _backdrop(name, spectrum, seed=3):
    place = build_place(generator(seed, name), name)
    camera = draw_camera(generator(seed, "camera"), place, 160, 120)
    conditions = replace(draw_conditions(generator(seed, spectrum.value), spectrum, place), rain=0.0)
    return place, camera, render_backdrop(place, camera, spectrum, conditions, generator(seed, "render"))


@pytest.mark.parametrize("distortion", [-0.16, 0.0, 0.05])
def test_rays_end_where_projection_began(distortion):
    camera = replace(CAMERA, distortion=distortion)
    rays = camera.rays(20, 40, 200, 150)
    points = np.asarray(camera.position, np.float32) + rays * 7
    pixels, depth = camera.project(points)
    across, down = np.meshgrid(np.arange(200) + 20.5, np.arange(150) + 40.5)
    assert np.abs(pixels - np.stack([across, down], -1)).max() < 0.01
    assert depth.max() <= 7 and depth.min() > 3
    assert np.allclose(np.linalg.norm(rays, axis=-1), 1, atol=1e-5)


def test_world_is_not_mirrored():
    level = Camera(640, 480, 400, (0, 0, 2), 0, 0)
    pixels, depth = level.project(np.array([[1, 5, 3], [0, -5, 2]]))
    assert np.allclose(pixels[0], (400, 160)) and depth[0] == 5
    assert depth[1] < 0


def test_lamp_beside_the_lens_falls_off_with_distance_and_shines_ahead():
    lamp = Lamp((1, 1, 1), position=(0, 0, 2), radius=0.1, beam=((0, 1, 0), 0.7))
    _, reach = lamp_reach(lamp, np.array([[0, 3, 2], [0, 12, 2], [0, -3, 2]], np.float32))
    assert reach[0] / reach[1] == pytest.approx(16, rel=0.1)
    assert reach[2] < 0.1 * reach[0]


@pytest.mark.parametrize("name", [*INDOOR, *OUTDOOR])
@pytest.mark.slow
def test_people_can_walk_and_be_seen_in_every_place(name):
    for seed in range(3):
        place = build_place(generator(seed, name), name)
        assert place.kind == ("indoor" if name in INDOOR else "outdoor")
        points = np.concatenate([np.asarray(line) for line in place.walkable])
        assert all(place.free(float(x), float(y)) for x, y in points)
        camera = draw_camera(generator(seed, "camera"), place, 640, 480)
        tall = seen_heights(place, camera, points)
        assert ((tall > 60) & (tall < 350)).sum() >= 8


def test_nobody_stands_in_a_pillar_or_outside():
    place = build_place(generator(1, "station"), "station")
    solid = next(s for s in place.solids if s.half[2] > 1.4 and s.half[0] < 0.4 and s.half[1] < 0.4)
    assert not place.free(*solid.centre[:2])
    assert not place.free(-5.0, 3.0)


@pytest.mark.slow  # compiling
@pytest.mark.parametrize("spectrum", list(Spectrum))
def test_same_stream_same_backdrop(spectrum):
    _, _, first = _backdrop("yard", spectrum)
    _, _, again = _backdrop("yard", spectrum)
    assert np.array_equal(first.radiance, again.radiance) and np.array_equal(first.depth, again.depth)
    assert first.radiance.shape == ((120, 160, 3) if spectrum is Spectrum.VISIBLE else (120, 160))
    assert np.isfinite(first.radiance).all() and (first.depth > 0).all()
    _, _, other = _backdrop("yard", spectrum, seed=4)
    assert not np.array_equal(first.radiance, other.radiance)


@pytest.mark.slow  # compiling
def test_depth_is_that_of_the_floor_where_the_floor_is_seen():
    _, camera, backdrop = _backdrop("corridor", Spectrum.THERMAL)
    rays = camera.rays(0, 0, 160, 120)
    reach = backdrop.depth / (rays @ camera.axes[2])
    height = camera.position[2] + (rays * reach[..., None])[..., 2]
    assert height.min() > -0.02
    assert (np.abs(height) < 0.01).mean() > 0.1


@pytest.mark.slow  # compiling
def test_rooms_hold_their_air_and_the_night_sky_is_cold():
    _, _, room = _backdrop("hall", Spectrum.THERMAL)
    assert abs(np.median(room.radiance) - room.light.air) < 2.5
    place, _, _ = _backdrop("park", Spectrum.THERMAL)
    up = Camera(160, 120, 90, (0, 0, 2.5), 0, 0.3)
    conditions = replace(draw_conditions(generator(3, "t"), Spectrum.THERMAL, place), cold=20.0, rain=0.0)
    park = render_backdrop(place, up, Spectrum.THERMAL, conditions, generator(0))
    sky, ground = np.isinf(park.depth), np.isfinite(park.depth)
    assert park.radiance[sky].mean() < park.radiance[ground].mean() - 4


def test_near_infrared_reflectance_tells_nothing_about_colour():
    rng = generator(5, "materials")
    makers = (made.inner_wall, made.outer_wall, made.inner_floor, made.metal, made.accent, made.lacquer)
    found = [maker(rng) for _ in range(150) for maker in makers]
    near = np.array([one.near for one in found])
    for channel in range(3):
        colour = np.array([one.rgb[channel] for one in found])
        assert abs(np.corrcoef(colour, near)[0, 1]) < 0.1
    leaves = np.array([made.foliage(rng).near for _ in range(50)])
    assert leaves.min() > 0.45


def test_thermal_polarity_turns_warm_dark():
    scene = np.full((60, 60), 15.0, np.float32)
    scene[20:40, 20:40] = 30.0
    hot = Sensor(Spectrum.THERMAL, gamma=1.0, read=0, sharpen=0)
    white = capture(scene, hot, generator(0), scene=(14, 16))
    black = capture(scene, replace(hot, black_hot=True), generator(0), scene=(14, 16))
    assert white[30, 30, 0] > white[5, 5, 0] + 100
    assert np.abs(white.astype(int) + black - 255).max() <= 1


def test_near_infrared_keeps_what_the_lamp_lights_too_much():
    ramp = np.repeat(np.linspace(0, 2.2, 120, dtype=np.float32)[None], 40, 0)
    camera = Sensor(Spectrum.NEAR, vignette=0, blur=0, sharpen=0, shot=0, read=0)
    shown = capture(ramp, camera, generator(1, "x"), scene=(0.0, 0.7))[0, :, 0].astype(int)
    assert np.all(np.diff(shown) >= 0) and len(np.unique(shown[60:])) > 15
    colours = np.repeat(ramp[..., None], 3, -1)
    day = capture(colours, replace(camera, spectrum=Spectrum.VISIBLE), generator(1, "x"), scene=(0.0, 0.7))
    assert len(np.unique(day[0, 60:, 1])) < 5


@pytest.mark.parametrize("spectrum", list(Spectrum))
def test_window_looks_like_that_part_of_the_frame(spectrum):
    rng = generator(2, "window")
    shape = (240, 320, 3) if spectrum is Spectrum.VISIBLE else (240, 320)
    coarse = rng.uniform(0.05, 0.8, (8, 10, *shape[2:])).repeat(30, 0).repeat(32, 1).astype(np.float32)
    radiance = coarse * 20 + 5 if spectrum is Spectrum.THERMAL else coarse
    sensor = replace(draw_sensor(rng, spectrum), read=0.0, shot=0.0, halo=0.3, interlace=0, vignette=0.3)
    scene = tuple(float(v) for v in np.percentile(radiance, [2, 98]))
    whole = capture(radiance, sensor, rng, scene=scene)
    left, top = 61, 43
    part = capture(
        radiance[top : top + 160, left : left + 200], sensor, rng, (left, top), frame=(320, 240), scene=scene
    )
    rim = 45  # what the window's border hides from wide filters
    inner = whole[top : top + 160, left : left + 200][rim:-rim, rim:-rim].astype(int)
    assert np.abs(inner - part[rim:-rim, rim:-rim]).max() <= 2
    assert inner.std() > 5


def test_noise_comes_from_the_stream_and_stays_where_the_camera_put_it():
    radiance = np.full((64, 64, 3), 0.3, np.float32)
    sensor = Sensor(Spectrum.VISIBLE, shot=0.03, read=0.01, chroma=1.0)
    first, again, other = (capture(radiance, sensor, generator(seed)) for seed in (1, 1, 2))
    assert np.array_equal(first, again) and not np.array_equal(first, other)
    assert encode(first, sensor)[:2] == b"\xff\xd8"
    assert (radiance == np.float32(0.3)).all()


def test_rain_is_brighter_under_the_lamp_and_hidden_by_what_is_near():
    grey, far = np.full((240, 320), 0.2, np.float32), np.full((240, 320), 30, np.float32)
    near = add_rain(grey, far, 1.0, generator(1), spectrum=Spectrum.NEAR)
    visible = add_rain(grey, far, 1.0, generator(1), spectrum=Spectrum.VISIBLE)
    assert near.max() > 0.2 and np.abs(near - grey).sum() > np.abs(visible - grey).sum()
    assert np.array_equal(add_rain(grey, far * 0 + 1, 1.0, generator(1)), grey)
    window = add_rain(
        grey[40:200, 50:250], far[40:200, 50:250], 1.0, generator(1), spectrum=Spectrum.NEAR, window=(50, 40)
    )
    apart = (window - near[40:200, 50:250])[4:-4, 4:-4]
    assert np.abs(apart).mean() < 0.1 * np.abs(near - grey).mean()


def test_draw_place_keeps_to_the_kind_asked_for():
    kinds = {draw_place(generator(seed), None).kind for seed in range(12)}
    assert kinds == {"indoor", "outdoor"}
    assert all(draw_place(generator(seed), "outdoor").kind == "outdoor" for seed in range(4))
