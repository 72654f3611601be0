"""More than eight bits, mirrors and uneven clocks in videos: the same frames by every way in."""

import json
import threading
from itertools import pairwise

import av
import cv2
import numpy as np
import pytest

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Modality, Spectrum
from stream.chain.config import RunSettings
from stream.footage.naming import SourceSpec, parse_source
from stream.footage.opening import open_source
from stream.footage.video import VideoSource
from stream.kafka.envelope import Kind
from stream.publisher.config import PublishSettings, with_sources
from stream.publisher.publishing import publish
from stream.run.running import run_footage
from stream.worker.camera_lane import CameraLane
from stream.worker.records import prepare
from tests.stream.test_camera_lane import SETTINGS, THERMAL, recording
from tests.support.brightness import RED, START_NS, WARM, Walker, brightness_detector, scene, scenes
from tests.support.containers import write_frames
from tests.support.frames import record

FRAMES = 40


def counts():
    """Counts of a thermal camera; somebody walks by."""
    for picture in scenes((Walker(4, 32, WARM),), FRAMES, 160, 120):
        yield 7000 + 9 * picture[:, :, 0].astype(np.uint16)


@pytest.fixture
def thermal(tmp_path):
    """The same counts as a video and as a folder of images."""
    video = write_frames(
        tmp_path / "night.mkv", counts(), range(FRAMES), "ffv1", "gray16le", "gray16le", rate=10
    )
    folder = tmp_path / "night"
    folder.mkdir()
    for index, picture in enumerate(counts()):
        cv2.imwrite(str(folder / f"{index:03d}.png"), picture)
    return video, folder


def night(source):
    return SourceSpec("night", str(source), Modality.INFRARED, Spectrum.THERMAL, START_NS)


def seen_by_a_run(source):
    frames = open_source(night(source), 10.0, 1, 1).frames(0, threading.Event())
    return [(one.index, one.time_ns, one.rgb()) for one in frames]


def test_a_run_sees_counts_in_a_video_as_in_images(thermal):
    video, folder = map(seen_by_a_run, thermal)
    assert [one[:2] for one in video] == [one[:2] for one in folder] and len(video) == FRAMES
    assert all(np.array_equal(one[2], other[2]) for one, other in zip(video, folder, strict=True))


@pytest.mark.slow
def test_a_run_finds_in_a_video_of_counts_who_is_in_the_images(thermal, tmp_path, colour_checkpoint):
    found = []
    for number, source in enumerate(thermal):
        with Gallery.open(f"sqlite:///{tmp_path / f'{number}.db'}") as gallery:
            embedder = load_embedder(colour_checkpoint)
            settings = RunSettings(folder_fps=10.0)
            result = run_footage([night(source)], gallery, brightness_detector(), embedder, settings)
        [camera] = result.cameras
        found.append([(one.first_frame, one.last_frame) for one in camera.tracklets])
    assert found[0] == found[1] and len(found[0]) == 1


def test_a_worker_sees_the_counts_of_a_video_as_a_run_does(fake_kafka, thermal):
    video, _ = thermal
    publish(with_sources(PublishSettings(), [night(video)]), threading.Event())
    sent = [one for one in fake_kafka.envelopes if one.kind is Kind.FRAME]
    run = seen_by_a_run(video)
    assert [(one.seq, one.capture_ns) for one in sent] == [one[:2] for one in run]
    lane = CameraLane.open(recording(THERMAL), THERMAL.stream, brightness_detector(), SETTINGS, "s", 0)
    for (_, _, rgb), envelope in zip(run, sent, strict=True):
        picture = prepare(record(envelope), None, 1 << 24, 1 << 24).picture
        assert picture.dtype == np.uint16
        assert np.array_equal(rgb, np.repeat(lane.scaler(picture)[:, :, None], 3, 2))


@pytest.mark.slow
def test_a_detector_alone_finds_in_a_video_of_counts_who_is_in_the_images(command, thermal, tmp_path):
    boxes = []
    for source in thermal:
        out = tmp_path / f"{source.suffix}.json"
        assert command("detect", source, "--modality", "infrared", "--out", out).status == 0
        found = json.loads(out.read_text())
        assert len(found["images"]) == FRAMES
        boxes.append([(one["image_id"], one["bbox"], one["score"]) for one in found["annotations"]])
    assert boxes[0] == boxes[1]


def test_an_embedder_alone_refuses_a_video(command, thermal, tmp_path):
    found = command("embed", thermal[0], "--modality", "infrared", "--out", tmp_path / "f.npz")
    assert found.status != 0 and "night.mkv" in found.err and "Traceback" not in found.err


@pytest.mark.parametrize("pixels", ["gray10le", "gray12le", "gray16le"])
def test_grey_of_more_than_eight_bits_keeps_its_counts(tmp_path, pixels):
    bits = int(pixels[4:6])
    written = [(picture >> (16 - bits)).astype(np.uint16) for picture in counts()]
    path = tmp_path / "v.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("ffv1", rate=10)
        stream.width, stream.height, stream.pix_fmt = 160, 120, pixels
        for index, picture in enumerate(written):
            frame = av.VideoFrame.from_ndarray(picture, format=pixels)
            frame.pts = index
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    read = [one.image for one in VideoSource(night(path), path).shown(threading.Event())]
    assert all(np.array_equal(one, other) for one, other in zip(read, written, strict=True))


@pytest.mark.parametrize(
    "form, codec, pixels",
    [("mkv", "ffv1", "yuv420p10le"), ("mkv", "ffv1", "gbrp16le"), ("mov", "png", "rgb48be")],
)
def test_colour_of_more_than_eight_bits_looks_right(tmp_path, form, codec, pixels):
    pictures = list(scenes((Walker(0, 10, RED),), 10))
    path = write_frames(tmp_path / f"v.{form}", pictures, range(10), codec, pixels, rate=10)
    source = VideoSource(parse_source(f"c={path}", Modality.VISIBLE), path)
    read = [one.rgb() for one in source.frames(0, threading.Event())]
    for one, other in zip(read, pictures, strict=True):
        # Colour of half the resolution is off along edges.
        assert np.median(np.abs(one.astype(int) - other)) <= 2
        figure = (other[:, :, 0] > 150) & (other[:, :, 1] < 100)
        assert np.abs(one[figure].mean(0) - other[figure].mean(0)).max() < 10


def with_matrix(path, matrix):
    """The same MP4 with another display matrix in its track's header."""
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 4 + 40
    a, b, c, d = (65536 * number for number in matrix)
    data[at : at + 36] = np.array([a, b, 0, c, d, 0, 0, 0, 1 << 30], ">i4").tobytes()
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "matrix, shown",
    [
        ((-1, 0, 0, 1), lambda picture: picture[:, ::-1]),
        ((1, 0, 0, -1), lambda picture: picture[::-1]),
        ((-1, 0, 0, -1), lambda picture: picture[::-1, ::-1]),
        ((0, 1, -1, 0), lambda picture: np.rot90(picture, -1)),
    ],
)
def test_what_a_container_turns_or_mirrors_is_upright(tmp_path, matrix, shown):
    pictures = [scene((Walker(0, 10, RED, row=0.1),), index) for index in range(2)]
    path = with_matrix(write_frames(tmp_path / "v.mp4", pictures, range(2), rate=10), matrix)
    source = VideoSource(parse_source(f"c={path}", Modality.VISIBLE), path)
    for frame, picture in zip(source.frames(0, threading.Event()), pictures, strict=True):
        assert frame.rgb().shape == shown(picture).shape == (source.height, source.width, 3)
        assert np.abs(frame.rgb().astype(int) - shown(picture)).mean() < 3


@pytest.mark.slow
@pytest.mark.parametrize("form", ["mp4", "mkv"])
@pytest.mark.parametrize("hole_ms, tracklets", [(1500, 1), (60_000, 2)])
def test_a_hole_in_time_splits_a_visit(tmp_path, colour_checkpoint, fake_kafka, form, hole_ms, tracklets):
    """By a run; a publisher sends the same capture times."""
    times = [100 * index + (hole_ms if index >= 30 else 0) for index in range(60)]
    path = write_frames(tmp_path / f"v.{form}", scenes((Walker(5, 55, RED),), 60), times)
    spec = SourceSpec("gate", str(path), Modality.VISIBLE, Spectrum.VISIBLE, START_NS)
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        embedder = load_embedder(colour_checkpoint)
        [camera] = run_footage([spec], gallery, brightness_detector(), embedder).cameras
    assert len(camera.tracklets) == tracklets
    assert camera.tracklets[0].first_ns - START_NS == pytest.approx(500e6, abs=100e6)
    assert camera.tracklets[-1].last_ns - START_NS == pytest.approx(5.5e9 + hole_ms * 1e6, abs=100e6)
    publish(with_sources(PublishSettings(), [spec]), threading.Event())
    sent = [one.capture_ns - START_NS for one in fake_kafka.envelopes if one.kind is Kind.FRAME]
    assert sent == [time * 1_000_000 for time in times]
    assert all(earlier < later for earlier, later in pairwise(sent))
