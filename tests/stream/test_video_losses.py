"""What of a video cannot be read is skipped, counted and told; sums that do not add up are no damage."""

import struct
import threading

import av
import numpy as np
import pytest

from reid_core.types import Modality
from stream.footage.losses import Losses
from stream.footage.naming import parse_source
from stream.footage.video import VideoSource
from tests.support.brightness import RED, Walker, scenes
from tests.support.containers import add_sound, beside, remade, write_frames
from tests.support.files import faststart, truncated

FRAMES = 100
CODECS = [("mp4", "mpeg4"), ("avi", "mpeg4"), ("mkv", "mpeg4"), ("mkv", "ffv1"), ("mp4", "libx264")]


def write(path, codec="mpeg4", frames=FRAMES, size=(96, 64)):
    pictures = scenes((Walker(0, frames, RED),), frames, *size)
    return write_frames(path, pictures, range(frames), codec, rate=25)


def read(path):
    """The source after it was read, and the times of its frames, ms."""
    source = VideoSource(parse_source(f"cam={path}", Modality.VISIBLE), path)
    frames = list(source.frames(0, threading.Event()))
    return source, [round((frame.time_ns - source.start_ns) / 1e6) for frame in frames]


def spoilt(first, last):
    def change(number, data):
        return np.random.default_rng(number).bytes(len(data)) if first <= number < last else data

    return change


@pytest.mark.parametrize("form, codec", CODECS)
@pytest.mark.parametrize("first, last", [(30, 70), (39, 40)])
def test_what_is_behind_bad_packets_is_read(tmp_path, form, codec, first, last):
    whole = write(tmp_path / f"whole.{form}", codec)
    path = remade(whole, tmp_path / f"v.{form}", spoilt(first, last))
    source, times = read(path)
    good = [40 * number for number in range(FRAMES) if not first <= number < last]
    assert times == good
    lost = "1 frame" if last - first == 1 else f"{last - first} frames"
    assert source.problem == f"The video {path} is damaged: {lost} in the middle could not be read."


@pytest.mark.parametrize("form, codec", CODECS)
def test_bad_packets_at_the_end_break_it_off(tmp_path, form, codec):
    whole = write(tmp_path / f"whole.{form}", codec)
    path = remade(whole, tmp_path / f"v.{form}", spoilt(70, FRAMES))
    source, times = read(path)
    assert times == [40 * number for number in range(70)]
    ends = "breaks off after 70 frames" if source.total is None else "ends after 70 of 100 frames"
    assert source.problem == f"The video {path} {ends}: it is damaged or cut short."
    assert (source.total is None) == (form == "mkv")


def test_frames_that_a_bad_one_takes_along_are_counted(tmp_path):
    """Everything up to the next keyframe hangs on what was lost."""
    whole = write(tmp_path / "whole.mp4", "libx264")
    for bad in (30, 40):
        source, times = read(remade(whole, tmp_path / f"{bad}.mp4", spoilt(bad, bad + 1)))
        lost = FRAMES - len(times)
        assert lost > 1 and times[-1] == 40 * (FRAMES - 1)
        assert f"{lost} frames in the middle" in source.problem


@pytest.mark.parametrize("form, codec", [*CODECS, ("flv", "libx264")])
@pytest.mark.parametrize("share", [0.6, 0.613, "between packets"])
def test_a_file_that_is_cut_short_is_told_of(tmp_path, form, codec, share):
    path = write(tmp_path / f"whole.{form}", codec)
    if form == "mp4":
        path = faststart(path, tmp_path / "front.mp4")
    if share == "between packets":
        with av.open(str(path)) as container:
            ends = [packet.pos + packet.size for packet in container.demux(video=0) if packet.size]
        share = (ends[60] + (form == "avi" and ends[60] % 2) + 0.5) / path.stat().st_size
    cut = truncated(path, tmp_path / f"cut.{form}", share)
    source, times = read(cut)
    # Frames that look ahead at missing ones are missing as well.
    ahead = 3 if codec == "libx264" else 0
    assert 30 < len(times) < 90 and times == sorted(times)
    assert times[: len(times) - ahead] == [40 * number for number in range(len(times) - ahead)]
    assert "it is damaged or cut short" in source.problem
    # Its length is that of what is there.
    assert cut.stat().st_mtime_ns - source.start_ns == pytest.approx((times[-1] + 40) * 1e6, abs=2e8)
    assert source.problem.startswith(f"The video {cut} ") and f" after {len(times)} " in source.problem


@pytest.mark.parametrize("form, codec", [*CODECS, ("flv", "libx264"), ("ts", "libx264"), ("webm", "libvpx")])
def test_a_whole_file_is_whole(tmp_path, form, codec):
    source, times = read(write(tmp_path / f"whole.{form}", codec))
    assert len(times) == FRAMES and source.problem is None and source.notes == []


@pytest.mark.parametrize("named", [0, 12, 10 * FRAMES])
def test_counts_that_cannot_be_are_no_damage(tmp_path, named):
    path = write(tmp_path / "v.avi")
    data = bytearray(path.read_bytes())
    main, stream = data.index(b"avih"), data.index(b"strh")
    assert struct.unpack_from("<I", data, main + 24) == struct.unpack_from("<I", data, stream + 40)
    struct.pack_into("<I", data, main + 24, named)
    struct.pack_into("<I", data, stream + 40, named)
    path.write_bytes(data)
    source, times = read(path)
    assert times == [40 * number for number in range(FRAMES)] and source.problem is None
    # Nobody waits for frames that cannot be.
    assert source.total is None or source.total < 2 * FRAMES


@pytest.mark.parametrize("seconds", [2, 60])
def test_sound_of_another_length_is_no_damage(tmp_path, seconds):
    path = add_sound(write(tmp_path / "v.mkv"), tmp_path / "sound.mkv", seconds)
    source, times = read(path)
    assert times[-1] == 40 * (FRAMES - 1) and source.problem is None and source.notes == []
    # A recording is as long as its pictures.
    assert path.stat().st_mtime_ns - source.start_ns == pytest.approx(4e9, abs=5e7)


def test_of_several_streams_of_pictures_the_best_is_read_and_the_others_named(tmp_path):
    small = write(tmp_path / "small.mkv", frames=20)
    large = write(tmp_path / "large.mkv", size=(192, 128))
    path = beside([small, large], tmp_path / "v.mkv")
    source, times = read(path)
    assert (source.width, source.height, len(times)) == (192, 128, FRAMES)
    assert source.problem is None
    assert source.notes == [
        f"cam: The video {path} holds another stream of pictures: only the best one is read."
    ]


def test_packets_that_show_nothing_are_no_loss_unless_there_was_an_error():
    losses = Losses()
    for at in (1, 2, 3):
        losses.sent(at)
    losses.shown(3, False)
    assert losses.middle == 0 and not losses.at_the_end
    for at in (4, 5, 6, 7):
        losses.sent(at)
    losses.failed()
    # Held back, it was before what failed.
    losses.shown(4, False)
    assert losses.middle == 0 and losses.at_the_end
    losses.shown(7, True)
    assert losses.middle == 2 and not losses.at_the_end
    # It only came late.
    losses.shown(6, False)
    assert losses.middle == 1 and not losses.at_the_end


@pytest.mark.parametrize(
    ("form", "codec"),
    [("ts", "libx264"), ("ts", "mpeg2video"), ("m2ts", "libx264"), ("asf", "mpeg4"), ("flv", "flv1")],
)
@pytest.mark.parametrize("share", [0.6, 0.613])
def test_a_file_without_an_index_that_is_cut_short_is_told_of(tmp_path, form, codec, share):
    whole = write(tmp_path / f"whole.{form}", codec)
    assert read(whole)[0].problem is None
    source, times = read(truncated(whole, tmp_path / f"cut.{form}", share))
    assert 30 < len(times) < 90
    assert source.problem.endswith(f"breaks off after {len(times)} frames: it is damaged or cut short.")


def test_transport_packets_with_a_checksum_behind_them(tmp_path):
    whole = write(tmp_path / "whole.ts", "libx264").read_bytes()
    packets = [whole[place : place + 188] + bytes(16) for place in range(0, len(whole), 188)]
    path = tmp_path / "checked.ts"
    for cut in (0, 100):
        path.write_bytes(b"".join(packets)[: 204 * len(packets) - cut])
        assert (read(path)[0].problem is not None) == bool(cut)
