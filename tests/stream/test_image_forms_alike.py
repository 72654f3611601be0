"""Counts, floats and stacks: the same frames by every way in."""

import json
import threading

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays
from PIL import Image as Pil

from reid_core.types import Modality, Spectrum
from stream.footage.naming import SourceSpec
from stream.footage.opening import open_source
from stream.kafka import wire
from stream.kafka.envelope import Codec, Kind
from stream.kafka.payloads import decode
from stream.publisher.config import PublishSettings, with_sources
from stream.publisher.publishing import publish
from stream.worker.camera_lane import CameraLane
from stream.worker.records import prepare
from tests.stream.test_camera_lane import SETTINGS, THERMAL, recording
from tests.support.brightness import START_NS, WARM, Walker, brightness_detector, scenes
from tests.support.frames import Camera, record

FRAMES = 40
shapes = array_shapes(min_dims=2, max_dims=2, min_side=32, max_side=40)


def through_kafka(picture, codec):
    height, width = picture.shape
    made = Camera(camera="night", modality=Modality.INFRARED, spectrum=Spectrum.THERMAL).frame(
        0, picture, codec
    )
    value, headers = wire.write(made)
    read = wire.read(value, headers)
    assert (read.width, read.height) == (width, height)
    return decode(read, read.payload)


@given(arrays(np.uint16, shapes), st.sampled_from([Codec.PNG, Codec.GRAY16]), st.booleans())
def test_sixteen_bits_come_back_as_they_were_sent(picture, codec, turned):
    picture = picture.T[::-1] if turned else picture
    found = through_kafka(picture, codec)
    assert found.dtype == np.uint16 and np.array_equal(found, picture)


@given(arrays(np.float32, shapes, elements=st.floats(width=32, allow_nan=True, allow_infinity=True)))
@pytest.mark.slow
def test_floats_come_back_as_they_were_sent(picture):
    found = through_kafka(picture, Codec.TIFF)
    assert found.dtype == np.float32 and np.array_equal(found, picture, equal_nan=True)


# Ways in


def counts():
    """Counts of a thermal camera; somebody walks by."""
    for picture in scenes((Walker(4, 32, WARM),), FRAMES, 160, 120):
        yield 7000 + 9 * picture[:, :, 0].astype(np.uint16)


def celsius(broken=True):
    for index, picture in enumerate(counts()):
        degrees = picture.astype(np.float32) * np.float32(0.04) - np.float32(300)
        if broken and index % 5 == 3:
            degrees[2, 2], degrees[3, 3], degrees[4, 4] = np.nan, np.inf, -np.inf
        yield degrees


def save(folder, form):
    """Footage in one of the forms; returns what to give as a source."""
    folder.mkdir()
    if form == "png":
        for index, picture in enumerate(counts()):
            cv2.imwrite(str(folder / f"{index:03d}.png"), picture)
    elif form == "float tiff":
        for index, picture in enumerate(celsius()):
            Pil.fromarray(picture).save(folder / f"{index:03d}.tif")
    elif form == "16-bit colour":
        for index, picture in enumerate(scenes((Walker(4, 32, WARM),), FRAMES, 160, 120)):
            cv2.imwrite(str(folder / f"{index:03d}.png"), (picture[:, :, ::-1].astype(np.uint16) * 16))
    else:
        first, *others = map(Pil.fromarray, counts() if form == "stack" else celsius())
        first.save(folder / "night.tif", save_all=True, append_images=others)
        return folder / "night.tif"
    return folder


def seen_by_a_run(source):
    spec = SourceSpec("night", str(source), Modality.INFRARED, Spectrum.THERMAL, START_NS)
    opened = open_source(spec, 10.0, 1, 1)
    return opened, [(one.index, one.time_ns, one.rgb()) for one in opened.frames(0, threading.Event())]


@pytest.mark.parametrize("passthrough", [True, False])
@pytest.mark.parametrize("form", ["png", "float tiff", "stack", "float stack", "16-bit colour"])
def test_a_worker_sees_what_a_run_sees(fake_kafka, tmp_path, form, passthrough):
    source = save(tmp_path / "night", form)
    opened, run = seen_by_a_run(source)
    assert opened.total == FRAMES and opened.problem is None
    assert [index for index, _, _ in run] == list(range(FRAMES))
    settings = PublishSettings(codec="png", passthrough=passthrough)
    spec = SourceSpec("night", str(source), Modality.INFRARED, Spectrum.THERMAL, START_NS)
    publish(with_sources(settings, [spec]), threading.Event())
    sent = [one for one in fake_kafka.envelopes if one.kind is Kind.FRAME]
    assert [(one.seq, one.capture_ns) for one in sent] == [(index, time) for index, time, _ in run]
    scaler = CameraLane.open(
        recording(THERMAL), THERMAL.stream, brightness_detector(), SETTINGS, "s", 0
    ).scaler
    for (_, _, rgb), envelope in zip(run, sent, strict=True):
        picture = prepare(record(envelope), None, 1 << 24, 1 << 24).picture
        grey = scaler(picture) if picture.dtype != np.uint8 else picture
        assert np.array_equal(rgb, grey if grey.ndim == 3 else np.repeat(grey[:, :, None], 3, 2))
        # No record carries what is behind its own picture.
        assert len(envelope.payload) < 4 * 160 * 120 + 2000


@pytest.mark.slow
@pytest.mark.parametrize("form", ["stack", "float stack"])
def test_a_detector_alone_sees_every_picture_of_a_stack(command, tmp_path, form):
    source = save(tmp_path / "night", form)
    out = tmp_path / "found.json"
    assert command("detect", source, "--modality", "infrared", "--out", out).status == 0
    names = [image["file_name"] for image in json.loads(out.read_text())["images"]]
    assert names == [f"night.tif#{number}" for number in range(FRAMES)]
