"""A video on an HTTP server with a length is a recording, read once; everything else stays a camera."""

import json
import threading
import time

import pytest

from reid_core.errors import SourceError
from reid_core.gallery import Gallery, RecordingStatus
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from stream.chain.config import LiveSettings, RunSettings
from stream.footage.http_files import http_file
from stream.footage.naming import parse_source
from stream.footage.opening import asked, open_source
from stream.footage.video import VideoSource
from stream.kafka.envelope import Kind
from stream.publisher.config import PublishSettings, ReconnectSettings, with_sources
from stream.publisher.publishing import publish
from stream.run.running import run_footage
from tests.support.brightness import RED, SMALL, Walker, brightness_detector, scenes
from tests.support.containers import write_frames
from tests.support.file_server import files
from tests.support.files import faststart
from tests.support.mjpeg import camera

FRAMES = 60
WRITTEN = 1_760_000_000
PLAYLIST = b"#EXTM3U\n#EXT-X-VERSION:3\n#EXTINF:4.0,\npart0.ts\n"


@pytest.fixture(scope="module")
def clip(module_tmp):
    """Somebody walks by; the index is in front."""
    folder = module_tmp("clip")
    pictures = scenes((Walker(5, 50, RED),), FRAMES)
    whole = write_frames(folder / "whole.mp4", pictures, range(FRAMES), rate=10)
    return faststart(whole, folder / "clip.mp4")


def opened(url, name="gate", seconds=5):
    source = open_source(parse_source(f"{name}={url}", Modality.VISIBLE), 10, seconds, 1)
    assert isinstance(source, VideoSource) and not source.spec.live
    return source


def read(source):
    frames = list(source.frames(0, threading.Event()))
    return [frame.index for frame in frames], [frame.time_ns - source.start_ns for frame in frames]


@pytest.mark.parametrize("ranges", [True, False])
@pytest.mark.parametrize("kind", ["video/mp4", "application/octet-stream"])
def test_it_is_read_as_the_file_is(clip, ranges, kind):
    local = VideoSource(parse_source(f"gate={clip}", Modality.VISIBLE), clip)
    with files(clip.read_bytes(), ranges, kind=kind, written=WRITTEN) as server:
        remote = opened(server.url)
        assert read(remote) == read(local) and remote.problem is None
        assert (remote.digest, remote.total, remote.fps) == (local.digest, FRAMES, local.fps)
        length = local._file.modified_ns - local.start_ns
        assert WRITTEN * 10**9 - remote.start_ns == pytest.approx(length, abs=1e6)
    if not ranges:
        assert len(server.asked) == 2, "asked what it is, and copied once"


@pytest.mark.parametrize("ranges", [True, False])
def test_one_with_its_index_at_the_end(clip, ranges):
    whole = clip.with_name("whole.mp4").read_bytes()
    with files(whole, ranges) as server:
        source = opened(server.url)
        assert read(source)[0] == list(range(FRAMES)) and source.problem is None


def test_a_server_that_breaks_off_is_asked_for_the_rest(clip):
    with files(clip.read_bytes()) as server:
        source = opened(server.url)
        server.data = clip.read_bytes()
        server.hiccups = 2
        reader = source._file.reader()
        reader.seek(1000)
        parts = []
        while part := reader.read(50_000):
            parts.append(part)
        assert b"".join(parts) == server.data[1000:] and not source._file.missing
        assert server.hiccups == 0


@pytest.mark.parametrize("ranges", [True, False])
def test_a_server_that_breaks_off_for_good_is_damage(clip, ranges, monkeypatch):
    monkeypatch.setattr("stream.footage.http_files._PAUSE_SECONDS", 0)
    data = clip.read_bytes()
    with files(data, ranges, ends_at=int(0.6 * len(data))) as server:
        source = opened(server.url)
        indices, _ = read(source)
    assert 20 < len(indices) < 50
    shown = "http://***@" if "@" in server.url else "http://127.0.0.1"
    assert source.problem.startswith(f"The video {shown}") and "it is damaged or cut short" in source.problem
    assert f"ends after {len(indices)} of {FRAMES} frames" in source.problem


@pytest.mark.parametrize("ranges", [True, False])
def test_one_without_what_it_needs_is_no_video(clip, ranges, monkeypatch):
    monkeypatch.setattr("stream.footage.http_files._PAUSE_SECONDS", 0)
    whole = clip.with_name("whole.mp4").read_bytes()
    with (
        files(whole, ranges, ends_at=len(whole) // 2) as server,
        pytest.raises(SourceError, match=r"cut short or no video\. The server broke off before its end\."),
    ):
        opened(server.url)


def test_one_that_becomes_another_is_not_read_on(clip):
    with files(clip.read_bytes()) as server:
        source = opened(server.url)
        server.data += bytes(100)
        with pytest.raises(SourceError, match="was changed while it was read"):
            read(source)


def test_a_login_is_said_and_never_shown(clip):
    with files(clip.read_bytes(), login="joe:s3cret/#1") as server:
        source = opened(server.url)
        assert read(source)[0] == list(range(FRAMES))
        shown = f"{source.notes} {source.spec.shown} {source.name} {source._file} {source.spec}"
        assert source.spec.shown.startswith("http://***@") and source.name == "gate.mp4"
        wrong = server.url.replace("s3cret", "other")
        with pytest.raises(ConnectionError) as told:
            http_file(wrong, 5)
        for secret in ("s3cret", "joe", "hush"):
            assert secret not in shown and secret not in str(told.value)


def test_a_start_without_a_date_is_told_of(clip):
    with files(clip.read_bytes()) as server:
        before = time.time_ns()
        source = opened(server.url)
        [note] = source.notes
        assert "does not say when" in note and "--start gate=TIME" in note and source.written_ns is None
        assert before <= source.start_ns + 6 * 10**9 <= time.time_ns()
    with files(clip.read_bytes(), written=WRITTEN) as server:
        source = opened(server.url)
        assert source.notes == [] and source.written_ns == WRITTEN * 10**9


def is_recorded(url):
    [spec] = asked([parse_source(f"gate={url}", Modality.VISIBLE)], 5)
    assert spec.live is not spec.recorded
    return spec.recorded


@pytest.mark.parametrize(
    ("data", "options"),
    [
        (None, {"length": False, "ranges": False}),
        (PLAYLIST, {"kind": "application/vnd.apple.mpegurl"}),
        (PLAYLIST, {"kind": "application/octet-stream", "ranges": False}),
        (b'<?xml version="1.0"?><MPD type="dynamic"></MPD>', {"kind": "video/mp4"}),
        (b"\xff\xd8\xff\xe0" + bytes(2000), {"kind": "image/jpeg"}),
        (
            b"--frame\r\nContent-Type: image/jpeg\r\n\r\n",
            {"kind": "multipart/x-mixed-replace; boundary=frame"},
        ),
    ],
    ids=["no length", "playlist", "playlist of no type", "DASH", "a single picture", "pictures"],
)
def test_what_is_no_file_of_a_length_stays_a_camera(clip, data, options):
    with files(data or clip.read_bytes(), **options) as server:
        assert is_recorded(server.url) is False


def test_a_camera_stays_a_camera():
    with camera(frames=1000) as server:
        assert is_recorded(server.url) is False


def test_nobody_knows_what_does_not_answer():
    [spec, other] = asked(
        [parse_source(f"http://127.0.0.1:{port}/clip.mp4", Modality.VISIBLE) for port in (1, 9)], 2
    )
    assert spec.recorded is None and spec.live and other.live


@pytest.mark.slow
@pytest.mark.parametrize("ranges", [True, False])
def test_a_run_ends_by_itself_and_reads_it_once(tmp_path, clip, colour_checkpoint, ranges):
    def go(url):
        settings = RunSettings(detector=SMALL, live=LiveSettings(open_seconds=5, gone_seconds=60))
        with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
            spec = parse_source(f"gate={url}", Modality.VISIBLE)
            embedder = load_embedder(colour_checkpoint)
            result = run_footage([spec], gallery, brightness_detector(), embedder, settings)
            return result, list(gallery.recordings())

    with files(clip.read_bytes(), ranges, login="joe:s3cret", written=WRITTEN) as server:
        for _ in range(2):
            result, [recording] = go(server.url)
            [gate] = result.cameras
            assert (gate.status, gate.frames, len(gate.tracklets)) == ("complete", FRAMES, 1)
            assert recording.status is RecordingStatus.COMPLETE
    for secret in ("s3cret", "joe", "hush"):
        assert secret not in f"{result} {recording}"
    # The same file from a disk is the same recording.
    result, recordings = go(clip)
    assert len(recordings) == 1 and len(result.cameras[0].tracklets) == 1


def published(fake_kafka, url, **settings):
    spec = parse_source(f"gate={url}", Modality.VISIBLE)
    found = publish(with_sources(PublishSettings(**settings), [spec]), threading.Event())
    frames = [one for one in fake_kafka.envelopes if one.kind is Kind.FRAME]
    return found, frames, [one for one in fake_kafka.envelopes if one.kind is Kind.END]


def test_it_is_published_once(fake_kafka, clip):
    with files(clip.read_bytes(), written=WRITTEN) as server:
        found, frames, ends = published(fake_kafka, server.url)
    assert found.complete and [one.seq for one in frames] == list(range(FRAMES)) and len(ends) == 1
    [gate] = found.status.cameras
    assert not gate.live and not frames[0].stream.live and "hush" not in frames[0].stream.source


@pytest.mark.slow
def test_one_whose_server_is_away_at_first_is_published_once(fake_kafka, clip):
    with files(clip.read_bytes(), written=WRITTEN) as server:
        server.on = False
        threading.Timer(2.0, lambda: setattr(server, "on", True)).start()
        again = ReconnectSettings(open_seconds=2, first_seconds=0.2, most_seconds=0.5)
        found, frames, ends = published(fake_kafka, server.url, live=again)
    assert found.complete and [one.seq for one in frames] == list(range(FRAMES)) and len(ends) == 1
    assert not found.status.cameras[0].live


@pytest.mark.slow
def test_a_detector_alone_reads_it(command, clip, tmp_path):
    out = tmp_path / "found.json"
    with files(clip.read_bytes(), login="joe:s3cret") as server:
        found = command("detect", server.url, "--modality", "visible", "--out", out)
        assert found.status == 0
    names = [image["file_name"] for image in json.loads(out.read_text())["images"]]
    assert names == [f"gate.mp4#{number}" for number in range(FRAMES)]
    for secret in ("s3cret", "joe", "hush"):
        assert secret not in f"{found.out} {found.err} {out.read_text()}"
    with camera(frames=1000) as server:
        found = command("detect", server.url, "--modality", "visible", "--out", out)
    assert found.status != 0 and "is a camera, or a list" in found.err and "s3cret" not in found.err
