"""From cameras and recordings to records, with everything of Kafka but its client."""

import json
import threading
import time
from urllib.error import HTTPError
from urllib.request import urlopen

import cv2
import numpy as np
import pytest
from kafka.errors import KafkaTimeoutError, MessageSizeTooLargeError

from reid_core.errors import SourceError, UsageError
from reid_core.types import Modality, Spectrum
from stream.footage.naming import SourceSpec
from stream.footage.opening import open_source
from stream.footage.sources import recording_id
from stream.kafka.blobs import BlobStore, BlobStoreAwayError
from stream.kafka.envelope import Codec, EnvelopeError, Kind
from stream.kafka.errors import BrokerError
from stream.kafka.payloads import decode
from stream.publisher.accounts import State
from stream.publisher.config import CameraSettings, PublishSettings, ReconnectSettings, with_sources
from stream.publisher.limiting import RateLimit
from stream.publisher.outgoing import Cause
from stream.publisher.publishing import publish
from tests.stream.test_live import live
from tests.support.brightness import WARM, Walker, scenes
from tests.support.mjpeg import camera
from tests.support.night import specs

QUICK = ReconnectSettings(open_seconds=2, gone_seconds=0, first_seconds=0.1, most_seconds=0.2)
NEVER = threading.Event()


class Watching:
    """Remembers what it is told, and acts when something is so."""

    def __init__(self, when=None, act=None):
        self.notes = []
        self.status = None
        self._when, self._act = when, act

    def update(self, status):
        self.status = status
        if self._when is not None and self._when(status):
            self._act()

    def note(self, text):
        self.notes.append(text)


@pytest.fixture
def send(fake_kafka):
    """Publish, all of it losslessly unless said otherwise; returns the result."""

    def go(sources=(), stop=None, progress=None, registry=None, **settings):
        settings = PublishSettings(**{"codec": "png", "live": QUICK} | settings)
        stop = stop or threading.Event()
        too_long = threading.Timer(60, stop.set)
        too_long.start()
        try:
            return publish(with_sources(settings, sources), stop, progress, registry)
        finally:
            too_long.cancel()

    return go


@pytest.fixture
def begin(send):
    """Publish in a thread; what comes back waits for the result, and may stop it before."""
    stop = threading.Event()
    threads = []

    def go(*args, **kwargs):
        found = []
        threads.append(threading.Thread(target=lambda: found.append(send(*args, stop=stop, **kwargs))))
        threads[-1].start()

        def done(stopped=False):
            if stopped:
                stop.set()
            threads[-1].join(30)
            return found[0]

        return done

    yield go
    stop.set()
    for thread in threads:
        thread.join(30)


def until(true, seconds=10):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def pictures_of(spec):
    """What `nightreid run` decodes of a recording."""
    source = open_source(spec, 10, 1, 1)
    return source, list(source.frames(0, NEVER))


def seqs(envelopes):
    return [one.seq for one in envelopes if one.kind is Kind.FRAME]


# Recordings


@pytest.mark.slow
def test_a_worker_sees_the_pixels_and_numbers_that_a_run_sees(send, fake_kafka, night_videos):
    sources = specs(night_videos)
    result = send(sources)
    assert result.complete and not result.interrupted and result.undelivered == 0
    for spec, status in zip(sources, result.status.cameras, strict=True):
        source, pictures = pictures_of(spec)
        *frames, end = fake_kafka.of(spec.camera)
        assert end.kind is Kind.END and end.seq == len(pictures) and end.problem is None
        assert end.capture_ns == pictures[-1].time_ns
        assert seqs(frames) == [picture.index for picture in pictures]
        assert status.read == status.acknowledged == len(pictures) == source.total
        for frame, picture in zip(frames[::7], pictures[::7], strict=True):
            assert frame.capture_ns == picture.time_ns
            assert (decode(frame, frame.payload) == picture.rgb()).all()
        stream = frames[0].stream
        assert all(frame.stream == stream for frame in [*frames, end])
        assert stream.id == recording_id(source) and stream.fps == source.fps
        assert (stream.start_ns, stream.live, stream.spectrum) == (source.start_ns, False, spec.spectrum)
    for record, envelope in zip(fake_kafka.records, fake_kafka.envelopes, strict=True):
        assert record.key == envelope.stream.camera.encode()
        assert record.topic == f"frames.{envelope.stream.modality}"
        assert abs(record.timestamp_ms / 1000 - time.time()) < 60


@pytest.mark.slow
def test_recordings_are_merged_by_their_times(send, fake_kafka, night_videos):
    send(specs(night_videos))
    times = [one.capture_ns for one in fake_kafka.envelopes]
    assert times == sorted(times)


def test_what_the_rate_takes_away_is_taken_before_it_is_numbered(send, fake_kafka, night_videos):
    (gate,) = specs(night_videos, ["gate"])
    result = send([gate], max_fps=10)
    *frames, end = fake_kafka.of("gate")
    assert seqs(frames) == list(range(end.seq))
    assert abs(end.seq - 120) <= 1 and result.status.cameras[0].limited == 300 - end.seq
    assert frames[0].stream.fps == 10
    gaps = np.diff([frame.capture_ns for frame in frames]) / 1e9
    assert gaps.min() >= 0.079 and gaps.max() <= 0.121


@pytest.mark.parametrize("fps", [25.0, 24.0, 10.0, 7.0, 1.0, 0.1])
def test_a_rate_is_kept_on_average_and_jitter_costs_nothing(fps):
    jitter = np.random.default_rng(1).normal(0, 0.004, 2500)
    times = [round((i / 25 + early) * 1e9) for i, early in enumerate(np.clip(jitter, -0.015, 0.015))]
    limit = RateLimit(fps)
    kept = [time_ns for time_ns in times if limit.admits(time_ns)]
    assert abs(len(kept) - fps * 100) <= max(1, 0.01 * fps * 100)
    assert limit.rate(25.0) == fps
    assert all(RateLimit(None).admits(time_ns) for time_ns in times) and RateLimit(None).rate(25) == 25


def test_a_clock_put_back_does_not_stop_the_pictures():
    limit = RateLimit(10)
    assert limit.admits(10**18)
    assert limit.admits(10**18 - 3600 * 10**9)
    assert not limit.admits(10**18 - 3600 * 10**9 + 10**7)


@pytest.mark.slow
def test_recordings_are_sent_as_slowly_as_they_were_taken_where_that_is_wanted(send, night_videos):
    (night,) = specs(night_videos, ["night"])
    slow = CameraSettings(camera="night", source=night.location, modality="infrared", max_fps=5)
    begun = time.monotonic()
    stop = threading.Event()
    threading.Timer(2.0, stop.set).start()
    result = send(cameras=[slow], realtime=True, stop=stop)
    assert time.monotonic() - begun < 4
    assert result.interrupted and not result.complete
    assert 7 <= result.status.acknowledged <= 12


def test_an_interrupted_recording_has_no_end(send, fake_kafka, night_videos):
    stop = threading.Event()
    watching = Watching(lambda status: status.acknowledged > 0, stop.set)
    result = send(specs(night_videos, ["night"]), stop, watching, realtime=True)
    assert result.interrupted and result.undelivered == 0
    assert {one.kind for one in fake_kafka.envelopes} == {Kind.FRAME}
    assert seqs(fake_kafka.envelopes) == list(range(len(fake_kafka.records)))


@pytest.mark.slow
def test_a_damaged_video_ends_with_the_reason(send, fake_kafka, night_videos, tmp_path):
    whole = cv2.VideoCapture(str(night_videos["gate"]))
    out = cv2.VideoWriter(str(tmp_path / "cut.avi"), cv2.VideoWriter.fourcc(*"MJPG"), 25, (320, 240))
    while (read := whole.read())[0]:
        out.write(read[1])
    out.release()
    data = (tmp_path / "cut.avi").read_bytes()
    (tmp_path / "cut.avi").write_bytes(data[: len(data) // 2])
    cut = SourceSpec("cut", str(tmp_path / "cut.avi"), Modality.VISIBLE, Spectrum.VISIBLE)
    result = send([cut, *specs(night_videos, ["night"])])
    *frames, end = fake_kafka.of("cut")
    assert 50 < len(frames) == end.seq < 250
    assert end.problem is not None and end.problem == result.status.cameras[0].message
    assert [one.state for one in result.status.cameras] == [State.BROKEN, State.ENDED]
    assert not result.complete


def test_what_is_not_there_does_not_keep_the_others(send, fake_kafka, night_videos, tmp_path):
    missing = SourceSpec("a", str(tmp_path / "missing.mp4"), Modality.VISIBLE, Spectrum.VISIBLE)
    watching = Watching()
    result = send([missing, *specs(night_videos, ["night"])], progress=watching)
    assert len(fake_kafka.of("night")) == 201 and not result.complete
    assert any("missing.mp4 does not exist" in note for note in watching.notes)
    with pytest.raises(SourceError, match=r"missing\.mp4 does not exist"):
        send([missing])
    with pytest.raises(UsageError, match="nothing to publish"):
        send()
    with pytest.raises(UsageError, match="2 sources are called 'night'"):
        send(specs(night_videos, ["night", "night"]))


# Folders


@pytest.fixture
def folder(tmp_path):
    """PNG frames, the third damaged, the fifth a JPEG, the sixth a bitmap."""
    for index, picture in enumerate(scenes((Walker(0, 9, WARM),), 6)):
        suffix = {4: "jpg", 5: "bmp"}.get(index, "png")
        cv2.imwrite(str(tmp_path / f"{index}.{suffix}"), picture[:, :, ::-1])
    data = (tmp_path / "2.png").read_bytes()
    (tmp_path / "2.png").write_bytes(data[: len(data) // 2])
    return tmp_path


def test_files_go_out_as_they_are_and_a_damaged_one_leaves_its_number(send, fake_kafka, folder):
    spec = SourceSpec("yard", str(folder), Modality.VISIBLE, Spectrum.VISIBLE)
    result = send([spec], codec="jpeg")
    *frames, end = fake_kafka.of("yard")
    _, pictures = pictures_of(spec)
    assert seqs(frames) == [0, 1, 3, 4, 5] == [picture.index for picture in pictures]
    assert [one.codec for one in frames] == [Codec.PNG] * 3 + [Codec.JPEG] * 2
    for frame in frames[:4]:
        (file,) = folder.glob(f"{frame.seq}.*")
        assert frame.payload == file.read_bytes()
    for frame, picture in zip(frames[:4], pictures, strict=False):
        assert frame.capture_ns == picture.time_ns
        assert (decode(frame, frame.payload) == picture.image).all()
    assert end.seq == 6 and "2.png is damaged" in end.problem and not result.complete


def test_files_are_encoded_anew_where_that_is_wanted(send, fake_kafka, folder):
    spec = SourceSpec("yard", str(folder), Modality.VISIBLE, Spectrum.VISIBLE)
    send([spec], codec="jpeg", passthrough=False, quality=30)
    frames = fake_kafka.of("yard")[:-1]
    assert {one.codec for one in frames} == {Codec.JPEG}
    assert frames[0].payload != (folder / "0.png").read_bytes()


@pytest.mark.parametrize("passthrough", [True, False])
@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_raw_thermal_counts_stay_raw(send, fake_kafka, tmp_path, passthrough, suffix):
    counts = np.random.default_rng(0).integers(20_000, 30_000, (3, 64, 80)).astype(np.uint16)
    for index, picture in enumerate(counts):
        cv2.imwrite(str(tmp_path / f"{index}.{suffix}"), picture)
    spec = SourceSpec("roof", str(tmp_path), Modality.INFRARED, Spectrum.THERMAL)
    assert send([spec], codec="jpeg", passthrough=passthrough).complete
    frames = fake_kafka.of("roof")[:-1]
    assert [one.codec for one in frames] == [Codec(suffix if passthrough else "png")] * 3
    for frame, picture in zip(frames, counts, strict=True):
        seen = decode(frame, frame.payload)
        assert seen.dtype == np.uint16 and (seen == picture).all()
        assert (frame.width, frame.height) == (80, 64)


# Frames that are too large for a record


def test_large_pictures_are_dropped_and_counted_without_a_blob_store(send, fake_kafka, night_videos):
    watching = Watching()
    night = specs(night_videos, ["night"])
    result = send(night, progress=watching, codec="jpeg", quality=100, inline_bytes=1024)
    (end,) = fake_kafka.of("night")
    assert end.seq == 200 and result.status.cameras[0].dropped == {Cause.TOO_LARGE: 200}
    assert not result.complete
    (note,) = watching.notes
    assert "Name a blob store" in note


def test_large_pictures_go_into_the_blob_store(send, fake_kafka, night_videos, tmp_path):
    result = send(specs(night_videos, ["night"]), inline_bytes=1024, blobs=str(tmp_path / "blobs"))
    assert result.complete
    _, pictures = pictures_of(specs(night_videos, ["night"])[0])
    store = BlobStore(str(tmp_path / "blobs"))
    frames = fake_kafka.of("night")[:-1]
    assert 50 < sum(frame.blob != "" for frame in frames) < 200
    for frame, picture in zip(frames, pictures, strict=True):
        assert bool(frame.blob) != bool(frame.payload) and len(frame.payload) <= 1024
        payload = store.get(frame.blob, frame.digest, 1 << 20) if frame.blob else frame.payload
        assert (decode(frame, payload) == picture.rgb()).all()
    # By camera and capture time each is found, and removed with whoever is erased.
    blobs = [frame for frame in frames if frame.blob]
    first, last = blobs[0], blobs[-1]
    removed = store.remove_shown("night", first.capture_ns, last.capture_ns - 1)
    assert removed == len({one.blob for one in blobs if one.capture_ns < last.capture_ns})
    assert store.get(last.blob, last.digest, 1 << 20)
    with pytest.raises(EnvelopeError):
        store.get(first.blob, first.digest, 1 << 20)


def test_a_recording_waits_for_its_blob_store(send, fake_kafka, night_videos, tmp_path, monkeypatch):
    real, failures = BlobStore.put, iter(range(5))

    def put(self, payload, shown):
        if next(failures, None) is not None:
            raise BlobStoreAwayError("The blob store cannot be written: no space left.")
        return real(self, payload, shown)

    monkeypatch.setattr(BlobStore, "put", put)
    watching = Watching()
    result = send(
        specs(night_videos, ["night"]), progress=watching, inline_bytes=1024, blobs=str(tmp_path / "blobs")
    )
    assert result.complete and seqs(fake_kafka.of("night")) == list(range(200))
    assert watching.notes == [
        "night: The blob store cannot be written: no space left. Retrying until it succeeds."
    ]


# Kafka


def test_what_kafka_gives_up_is_sent_again_in_order(send, fake_kafka, night_videos):
    failures = {5, 50, 51, 120}
    given = iter(range(10_000))

    def fail(_record):
        number = next(given)
        return KafkaTimeoutError("Expiring 1 record(s)") if number in failures else None

    fake_kafka.fail = fail
    result = send(specs(night_videos, ["night"]))
    assert result.complete and seqs(fake_kafka.of("night")) == list(range(200))
    assert fake_kafka.sessions == result.status.sessions > 1
    assert result.status.again >= len(failures) - 1
    assert result.status.cameras[0].sent == 200


def test_what_kafka_finds_too_large_gives_way_to_the_others(send, fake_kafka, night_videos):
    """What is no smaller than what was refused is not tried again: each refusal costs a connection."""

    def fail(record):
        return MessageSizeTooLargeError(None) if len(record.value) > 1500 else None

    fake_kafka.fail = fail
    watching = Watching()
    result = send(specs(night_videos, ["night"]), progress=watching)
    *frames, end = fake_kafka.of("night")
    refused = 200 - len(frames)
    assert 20 < refused < 180 and end.seq == 200
    assert result.status.cameras[0].dropped == {Cause.REFUSED: refused} and not result.complete
    _, pictures = pictures_of(specs(night_videos, ["night"])[0])
    for frame in frames:
        assert len(frame.payload) < 1500 and frame.capture_ns == pictures[frame.seq].time_ns
    assert len(watching.notes) == 1 and "Kafka takes no record of" in watching.notes[0]
    assert 1 < fake_kafka.sessions < 15


@pytest.mark.slow
def test_kafka_that_is_away_at_the_start_is_asked_until_it_answers(begin, fake_kafka, night_videos):
    fake_kafka.away.set()
    watching = Watching()
    done = begin(specs(night_videos, ["night"]), progress=watching)
    until(lambda: watching.notes)
    time.sleep(0.5)
    fake_kafka.away.clear()
    result = done()
    assert result.complete and seqs(fake_kafka.of("night")) == list(range(200))
    assert watching.notes == ["No Kafka broker answers at nowhere. Retrying."]


def test_topics_that_do_not_exist_are_an_error(send, fake_kafka, night_videos):
    fake_kafka.topics = ["frames.infrared"]
    with pytest.raises(BrokerError, match=r"no topic frames\.visible\. `nightreid topics create`"):
        send(specs(night_videos))


def test_the_client_is_not_left_to_give_records_up(send, fake_kafka, night_videos):
    send(specs(night_videos, ["night"]))
    assert fake_kafka.options["delivery_timeout_ms"] > 365 * 86400 * 1000


@pytest.mark.slow
def test_stopping_waits_for_kafka_only_so_long_and_tells_what_is_left(send, fake_kafka, night_videos):
    fake_kafka.hold.set()
    stop = threading.Event()
    watching = Watching(lambda status: status.waiting > 20, stop.set)
    begun = time.monotonic()
    result = send(specs(night_videos), stop, watching, flush_seconds=0.5)
    assert time.monotonic() - begun < 10
    assert result.interrupted and result.undelivered > 20 and fake_kafka.records == []


@pytest.mark.slow
def test_recordings_wait_while_nothing_gets_through(begin, fake_kafka, night_videos):
    fake_kafka.hold.set()
    watching = Watching()
    done = begin(specs(night_videos), progress=watching, buffer={"bytes": 1 << 20}, inline_bytes=200_000)
    until(lambda: watching.status and watching.status.waiting_bytes > 900_000)
    for _ in range(20):
        time.sleep(0.05)
        assert watching.status.waiting_bytes <= 1 << 20
    assert sum(one.read for one in watching.status.cameras) < 700
    fake_kafka.hold.clear()
    result = done()
    assert result.complete and len(fake_kafka.records) == 783


# Live cameras


@pytest.fixture
def live_sent(send, fake_kafka):
    """Publish live cameras until something is so."""

    def go(server, when, **settings):
        stop = threading.Event()
        watching = Watching(when, stop.set)
        result = send([live(server)], stop, watching, codec="jpeg", **settings)
        return result, watching.notes, fake_kafka.of("door")

    return go


def test_a_camera_ends_when_it_is_stopped(live_sent):
    with camera(frames=10_000) as server:
        result, _, (*frames, end) = live_sent(server, lambda status: status.acknowledged >= 20)
    assert result.interrupted and result.undelivered == 0 and result.complete
    assert seqs(frames) == list(range(end.seq)) and end.seq >= 20
    assert end.kind is Kind.END and end.problem is None
    assert frames[0].stream.live and frames[0].stream.source.startswith("http://***@127.0.0.1")
    assert 0 <= result.status.cameras[0].delay_s < 5


@pytest.mark.slow
def test_a_camera_that_comes_back_begins_anew(live_sent):
    with camera(frames=10_000, pause_at=30, pause=1.0) as server:
        result, notes, envelopes = live_sent(
            server, lambda status: status.cameras[0].streams == 2 and status.acknowledged > 45
        )
    ends = [place for place, one in enumerate(envelopes) if one.kind is Kind.END]
    assert len(ends) == 2 and ends[1] == len(envelopes) - 1
    first, second = envelopes[: ends[0]], envelopes[ends[0] + 1 : -1]
    assert seqs(first) == list(range(len(first))) and seqs(second) == list(range(len(second)))
    assert len(first) >= 29 and envelopes[ends[0]].seq == len(first)
    assert "was lost" in envelopes[ends[0]].problem and envelopes[-1].problem is None
    ids = [{one.stream.id for one in part} for part in (first, second)]
    assert [len(one) for one in ids] == [1, 1] and ids[0] != ids[1]
    assert result.status.cameras[0].reconnects == 1 and result.status.cameras[0].state is State.ENDED
    assert len([note for note in notes if "was lost" in note]) == 1
    assert notes[-1] == "door: The camera is back."


@pytest.mark.slow
def test_a_short_silence_does_not_end_a_stream(live_sent):
    with camera(frames=10_000, pause_at=30, pause=1.0) as server:
        result, notes, envelopes = live_sent(
            server,
            lambda status: status.acknowledged > 45,
            live=ReconnectSettings(open_seconds=2, gone_seconds=8),
        )
    assert {one.stream.id for one in envelopes} == {envelopes[0].stream.id}
    assert seqs(envelopes) == list(range(len(envelopes) - 1))
    assert result.status.cameras[0].reconnects == 1
    assert notes == ["door: The camera was away for a moment and is back."]


@pytest.mark.parametrize("scheme", ["rtsp", "http"])
def test_a_camera_that_does_not_answer_is_asked_for_ever_and_nothing_tells_its_password(
    begin,
    fake_kafka,
    night_videos,
    scheme,
    capfd,
    caplog,
):
    address = f"{scheme}://joe:s3cret@127.0.0.1:9/video?password=hush"
    dead = SourceSpec("dead", address, Modality.VISIBLE, Spectrum.VISIBLE)
    watching = Watching()
    done = begin([dead, *specs(night_videos, ["night"])], progress=watching, metrics_port=0)
    # The recording is not kept waiting.
    until(lambda: len(fake_kafka.records) == 201)
    until(lambda: watching.status and watching.status.cameras[0].state is State.AWAY)
    time.sleep(0.5)
    (port,) = [int(note.split()[-1][:-1]) for note in watching.notes if "Metrics" in note]
    metrics = ask(port, "/metrics")[1]
    result = done(stopped=True)
    told = [note for note in watching.notes if note.startswith("dead")]
    assert len(told) == 1 and "does not answer" in told[0]
    assert fake_kafka.of("dead") == []
    everything = f"{watching.notes} {result} {metrics} {capfd.readouterr()} {caplog.text}"
    for secret in ("s3cret", "joe", "hush"):
        assert secret not in everything


@pytest.mark.slow
def test_what_a_camera_that_breaks_off_leaves_behind_does_not_tell_its_password(live_sent):
    with camera(frames=20) as server:
        result, notes, envelopes = live_sent(server, lambda status: status.cameras[0].state is State.AWAY)
    for secret in ("s3cret", "joe", "hush"):
        assert secret not in f"{envelopes} {notes} {result}"
    assert envelopes[-1].problem is not None and envelopes[-1].seq == 20


@pytest.mark.slow
@pytest.mark.parametrize(
    ("policy", "cause"), [("drop-oldest", Cause.OLDEST), ("drop-latest", Cause.LATEST), ("wait", None)]
)
def test_a_camera_gives_way_as_it_is_told_and_every_drop_is_a_gap(
    live_sent,
    fake_kafka,
    policy,
    cause,
):
    """Nothing gets through until the buffer has been full for a while."""
    fake_kafka.hold.set()
    highest = [0]

    def when(status):
        highest[0] = max(highest[0], status.waiting_bytes)
        one = status.cameras[0]
        if one.dropped.get(cause, 0) >= 15 or (cause is None and status.waiting_bytes > 2 << 20):
            fake_kafka.hold.clear()
        return not fake_kafka.hold.is_set() and status.acknowledged >= 40

    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    _, jpeg = cv2.imencode(".jpg", noise)
    assert len(jpeg) > 50_000
    with camera(frames=10_000) as server, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.support.mjpeg.scene", lambda *_: noise)
        result, _, (*frames, end) = live_sent(
            server, when, buffer={"bytes": 3 << 20, "policy": policy}, inline_bytes=700_000
        )
    dropped = result.status.cameras[0].dropped
    missing = set(range(end.seq)) - set(seqs(frames))
    assert seqs(frames) == sorted(set(seqs(frames)))
    assert len(missing) == sum(dropped.values())
    assert highest[0] <= 3 << 20
    if cause is None:
        assert set(dropped) <= {Cause.STOPPED}
    else:
        assert dropped[cause] >= 15
        # The oldest go from the front of the queue, the latest never get in.
        half_full = (3 << 20) / len(frames[0].payload) / 2
        assert (min(missing) < half_full) == (cause is Cause.OLDEST)


# Metrics and health


def ask(port, path):
    try:
        with urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return answer.status, answer.read().decode()
    except HTTPError as error:
        return error.code, error.read().decode()


@pytest.mark.slow
def test_health_follows_kafka_and_the_cameras(begin, fake_kafka, monkeypatch):
    monkeypatch.setattr("stream.publisher.publishing._AWAY_SECONDS", 0.5)
    fake_kafka.away.set()
    watching = Watching()
    with camera(frames=10_000) as server:
        done = begin([live(server)], progress=watching, codec="jpeg", metrics_port=0)
        until(lambda: any("Metrics" in note for note in watching.notes))
        (port,) = [int(note.split()[-1][:-1]) for note in watching.notes if "Metrics" in note]
        until(lambda: watching.status and watching.status.waiting > 5)
        assert ask(port, "/live")[0] == 200
        status, text = ask(port, "/ready")
        assert status == 503 and json.loads(text)["reasons"] == ["Kafka has not answered yet."]
        fake_kafka.away.clear()
        until(lambda: ask(port, "/ready")[0] == 200)
        # It may be told before it is asked for.
        told = len(watching.notes)
        fake_kafka.hold.set()
        until(lambda: ask(port, "/ready")[0] == 503)
        assert "acknowledged nothing" in ask(port, "/ready")[1] and ask(port, "/live")[0] == 200
        until(lambda: any("acknowledged nothing" in note for note in watching.notes[told:]))
        told = len(watching.notes)
        fake_kafka.hold.clear()
        until(lambda: any("Kafka is back" in note for note in watching.notes[told:]))
        until(lambda: ask(port, "/ready")[0] == 200)
        lines = ask(port, "/metrics")[1].splitlines()
        values = dict(line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
        assert float(values['nightreid_publisher_frames_acknowledged_total{camera="door"}']) > 5
        assert values['nightreid_publisher_frames_dropped_total{camera="door",cause="oldest"}'] == "0.0"
        assert values['nightreid_publisher_camera_up{camera="door"}'] == "1.0"
        assert float(values["nightreid_publisher_buffer_limit_bytes"]) == 256 << 20
        server.on.clear()
        until(lambda: "No camera is being read." in ask(port, "/ready")[1])
        done(stopped=True)
