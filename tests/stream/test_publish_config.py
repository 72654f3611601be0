"""Settings of a publisher."""

from datetime import datetime
from pathlib import Path

import pytest
import yaml

from reid_core.config import load_config
from reid_core.errors import ConfigError
from reid_core.types import Modality, Spectrum
from stream.footage.naming import SourceSpec
from stream.kafka.envelope import Codec
from stream.publisher.config import CameraSettings, PublishSettings, with_sources
from stream.publisher.outgoing import Policy

CONFIG = Path(__file__).parents[2] / "configs/publish.yaml"
START = 1_700_000_000_123_456_000


def test_publish_yaml_holds_every_setting_at_its_default():
    assert load_config(PublishSettings, CONFIG) == PublishSettings()
    given = yaml.safe_load(CONFIG.read_text())
    # Secrets are no defaults to be dumped: they are compared by their names.
    assert _names(given) == _names(PublishSettings().model_dump())


def _names(values):
    return {key: _names(value) if isinstance(value, dict) else None for key, value in values.items()}


def test_the_camera_in_the_comments_is_valid_and_has_every_setting(tmp_path):
    text = CONFIG.read_text()
    begin = text.index("# - camera:")
    lines = text[begin : text.index("\n\n", begin)].splitlines()
    file = tmp_path / "mine.yaml"
    file.write_text("cameras:\n" + "\n".join(f"  {line.removeprefix('# ')}" for line in lines))
    assert set(yaml.safe_load(file.read_text())["cameras"][0]) == set(CameraSettings.model_fields)
    with pytest.raises(ConfigError, match="a camera of near light is not visible"):
        load_config(PublishSettings, file)
    file.write_text(file.read_text().replace("modality: visible", "modality: infrared"))
    (plan,) = load_config(PublishSettings, file).plans()
    assert plan.spec.spectrum is Spectrum.NEAR and plan.topic == "frames.infrared"
    assert (plan.max_fps, plan.codec, plan.quality, plan.passthrough) == (5, Codec.PNG, 80, False)
    assert plan.policy is Policy.DROP_LATEST
    assert plan.spec.start_ns == int(datetime.fromisoformat("2026-11-20T18:00:00Z").timestamp()) * 10**9


def test_a_camera_is_as_all_of_them_are_where_it_does_not_say():
    settings = PublishSettings(
        prefix="yard.",
        max_fps=3,
        quality=70,
        cameras=[
            {"camera": "a", "source": "rtsp://cam/1", "modality": "visible"},
            {"camera": "b", "source": "b.mp4", "modality": "infrared", "max_fps": 9},
            {"camera": "c", "source": "c.mp4", "modality": "infrared", "policy": "drop-oldest"},
        ],
    )
    a, b, c = settings.plans()
    assert (a.policy, b.policy, c.policy) == (Policy.DROP_OLDEST, Policy.WAIT, Policy.DROP_OLDEST)
    assert (a.max_fps, b.max_fps, a.quality) == (3, 9, 70)
    assert (a.topic, b.topic) == ("yard.frames.visible", "yard.frames.infrared")
    assert b.spec.spectrum is Spectrum.THERMAL
    every = settings.model_copy(update={"buffer": settings.buffer.model_copy(update={"policy": "wait"})})
    assert [plan.policy for plan in every.plans()] == [Policy.WAIT, Policy.WAIT, Policy.DROP_OLDEST]


def test_sources_become_cameras_and_stay_what_they_are():
    specs = [
        SourceSpec("gate", "gate.mp4", Modality.VISIBLE, Spectrum.VISIBLE, START),
        SourceSpec("night", "rtsp://cam/1", Modality.INFRARED, Spectrum.NEAR),
    ]
    settings = with_sources(PublishSettings(), specs)
    assert [plan.spec for plan in settings.plans()] == specs


def test_a_cameras_address_is_not_shown():
    camera = CameraSettings(camera="a", source="rtsp://joe:hush@cam/1", modality="visible")
    assert "hush" not in f"{camera!r} {camera} {PublishSettings(cameras=[camera])}"


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("inline_bytes=1000000", "inline_bytes"),
        ("buffer.bytes=1000", "buffer.bytes"),
        ("cameras=[{camera: a, source: x, modality: thermal}]", "cameras.0.modality"),
        (
            "cameras=[{camera: a, source: x, modality: visible, start: 2026-11-20T18:00:00}]",
            "cameras.0.start",
        ),
        ("cameras=[{camera: a, source: x, modality: visible, sauce: y}]", "cameras.0.sauce"),
        ("codec=gif", "codec"),
    ],
)
def test_what_cannot_be_is_one_sentence(override, said):
    smaller = ["buffer.bytes=2000000"] if override.startswith("inline") else []
    with pytest.raises(ConfigError) as caught:
        load_config(PublishSettings, None, [*smaller, override])
    assert f"'{said}'" in caught.value.message and "\n" not in caught.value.message


def test_a_small_buffer_wants_small_pictures():
    with pytest.raises(ConfigError, match="inline_bytes"):
        load_config(PublishSettings, None, ["buffer.bytes=2000000"])
    assert load_config(PublishSettings, None, ["buffer.bytes=2000000", "inline_bytes=500000"])
