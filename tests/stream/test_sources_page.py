"""What docs/sources.md says of each form of video is so."""

import threading
from pathlib import Path

import numpy as np
import pytest

from reid_core.errors import SourceError
from reid_core.types import Modality
from stream.footage.naming import parse_source
from stream.footage.video import VideoSource
from tests.stream.test_video_forms import with_matrix
from tests.support.brightness import RED, Walker, scenes
from tests.support.containers import add_sound, beside, remade, write_frames
from tests.support.files import faststart, truncated

PAGE = Path(__file__).parents[2] / "docs" / "sources.md"
FRAMES = 40


def rows(section):
    """The table of a section: form to what is said of it."""
    text = PAGE.read_text().partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    lines = text[text.index("|---|---|") :].partition("\n\n")[0].splitlines()[1:]
    return dict([cell.strip() for cell in line.strip("|").split("|")] for line in lines)


def pictures(width=96, height=64):
    return scenes((Walker(0, FRAMES, RED),), FRAMES, width, height)


def write(path, codec="mpeg4", pixels="yuv420p", times=range(FRAMES), given="rgb24", made=None):
    return write_frames(path, made or pictures(), times, codec, pixels, given, rate=25)


def source(path):
    return VideoSource(parse_source(f"gate={path}", Modality.VISIBLE), path)


def read(path):
    """The source after it was read, its frames, and their times, ms."""
    opened = source(path)
    frames = list(opened.shown(threading.Event()))
    return opened, frames, [round((frame.time_ns - opened.start_ns) / 1e6) for frame in frames]


def colour(folder, said):
    assert said == "8-bit colour"
    for codec, pixels in (("mpeg4", "yuv420p"), ("ffv1", "yuv420p10le"), ("ffv1", "gbrp16le")):
        _, frames, _ = read(write(folder / f"{pixels}.mkv", codec, pixels))
        assert {(one.image.dtype, one.image.shape) for one in frames} == {(np.dtype(np.uint8), (64, 96, 3))}


def grey(folder, said):
    assert said == "colour, the channel three times over"
    _, frames, _ = read(write(folder / "v.mkv", "ffv1", "gray"))
    assert all(np.ptp(one.image, axis=2).max() == 0 and one.image.shape[2] == 3 for one in frames)


def counts(folder, said):
    assert said == "raw counts, as for images"
    made = [picture[:, :, 0].astype(np.uint16) * 9 for picture in pictures()]
    _, frames, _ = read(write(folder / "v.mkv", "ffv1", "gray16le", given="gray16le", made=made))
    assert all(np.array_equal(one.image, other) for one, other in zip(frames, made, strict=True))


def turned(folder, said):
    assert said == "upright"
    plain = write(folder / "plain.mp4")
    whole = read(plain)[1][9].image
    for matrix, shown in (((0, 1, -1, 0), np.rot90(whole, -1)), ((-1, 0, 0, 1), whole[:, ::-1])):
        path = with_matrix(write(folder / "v.mp4"), matrix)
        assert np.array_equal(read(path)[1][9].image, shown)


def askew(folder, said):
    path = write(folder / "v.mp4")
    data = bytearray(path.read_bytes())
    at = data.index(b"tkhd") + 44
    data[at : at + 36] = np.array([46341, 46341, 0, -46341, 46341, 0, 0, 0, 1 << 30], ">i4").tobytes()
    path.write_bytes(data)
    with pytest.raises(SourceError, match=said.partition('"')[2].rstrip('"')):
        read(path)


def several(folder, said):
    assert said == "the one of most pixels"
    small, large = write(folder / "s.mp4"), write(folder / "l.mp4", made=pictures(192, 128))
    opened, _, _ = read(beside([small, large], folder / "v.mkv"))
    assert (opened.width, opened.height) == (192, 128)
    assert "holds another stream of pictures" in " ".join(opened.notes)


def uneven(folder, said):
    assert said.startswith("each at its own timestamp, counted from the first")
    times = np.cumsum(np.random.default_rng(5).choice([1, 2, 500], FRAMES)).tolist()
    _, _, found = read(write(folder / "v.mkv", times=times))
    assert found == [40 * (time - times[0]) for time in times]


def without_timestamps(folder, said):
    assert said == "a frame's length behind the one before"
    _, _, found = read(write(folder / "v.h264", "libx264"))
    assert found == [40 * number for number in range(FRAMES)]


def spoilt(folder, said):
    assert said == "passed over; their number is told at the end"
    whole = write(folder / "whole.mp4")

    def change(number, data):
        return bytes(len(data)) if 12 <= number < 15 else data

    opened, frames, _ = read(remade(whole, folder / "v.mp4", change))
    assert f"{FRAMES - len(frames)} frames in the middle could not be read" in opened.problem


def broken_off(folder, said):
    assert said == "what can be read, and a sentence"
    for form, codec in (
        ("mp4", "mpeg4"),
        ("avi", "mpeg4"),
        ("mkv", "mpeg4"),
        ("asf", "mpeg4"),
        ("flv", "flv1"),
    ):
        whole = write(folder / f"whole.{form}", codec)
        whole = faststart(whole, folder / "front.mp4") if form == "mp4" else whole
        opened, frames, _ = read(truncated(whole, folder / f"v.{form}", 0.5 if form == "asf" else 0.7))
        assert 0 < len(frames) < FRAMES and "it is damaged or cut short" in opened.problem


def without_its_index(folder, said):
    with pytest.raises(SourceError, match=said.partition('"')[2].rstrip('"')):
        read(truncated(write(folder / "whole.mp4"), folder / "v.mp4", 0.7))


def transport(folder, said):
    assert said == "what can be read, and a sentence, unless it ends between two packets of the stream"
    whole = write(folder / "whole.ts", "libx264").read_bytes()
    for cut, told in ((whole[: 188 * 70 + 50], True), (whole[: 188 * 70], False)):
        (folder / "v.ts").write_bytes(cut)
        opened, frames, _ = read(folder / "v.ts")
        assert 0 < len(frames) < FRAMES and (opened.problem is not None) == told


def untold(folder, said):
    assert said == "what can be read; nothing in them says that there was more"
    for form, codec in (("mpg", "mpeg2video"), ("h264", "libx264")):
        whole = write(folder / f"whole.{form}", codec)
        opened, frames, _ = read(truncated(whole, folder / f"v.{form}", 0.7))
        assert 0 < len(frames) < FRAMES and opened.problem is None


def false_sums(folder, said):
    assert said == "no damage, all frames are read"
    opened, frames, _ = read(add_sound(write(folder / "whole.mp4"), folder / "v.mp4", 9))
    assert len(frames) == FRAMES and opened.problem is None
    data = bytearray(write(folder / "v.avi").read_bytes())
    for place in (data.index(b"avih") + 24, data.index(b"strh") + 40):
        data[place : place + 4] = (7 * FRAMES).to_bytes(4, "little")
    (folder / "v.avi").write_bytes(data)
    opened, frames, _ = read(folder / "v.avi")
    assert len(frames) == FRAMES and opened.problem is None


def odd_sizes(folder, said):
    assert said == "refused"
    with pytest.raises(SourceError, match="too small to show a person"):
        read(write(folder / "v.mp4", made=pictures(48, 30)))


def playlist(folder, said):
    assert said == "refused: nothing but files is followed"
    (folder / "v.m3u8").write_text("#EXTM3U\n#EXTINF:4.0,\nhttp://127.0.0.1:9/part.ts\n#EXT-X-ENDLIST\n")
    with pytest.raises(SourceError, match="not a video that can be decoded"):
        read(folder / "v.m3u8")


CHECKS = {
    "colour, of 8 bits or more a channel": colour,
    "grey of 8 bits": grey,
    "grey of more than 8 bits": counts,
    "turned by a multiple of 90 degrees, or mirrored, by the container": turned,
    "turned by any other angle": askew,
    "several video streams": several,
    "frames at uneven distances, holes": uneven,
    "frames without timestamps": without_timestamps,
    "frames that cannot be decoded in the middle": spoilt,
    "MP4, AVI, Matroska, ASF or FLV file that breaks off": broken_off,
    "MP4 that breaks off, its index at its end": without_its_index,
    "MPEG transport stream that breaks off": transport,
    "other forms without an index (MPEG program stream, raw H.264, broadcast) that break off": untold,
    "a count in the container that does not fit": false_sums,
    "frames with a side below 32 pixels, or of more than 100 megapixels": odd_sizes,
    "a playlist that leads to other addresses": playlist,
}


def test_every_row_is_held():
    assert list(rows("Videos")) == list(CHECKS)


@pytest.mark.parametrize("form", CHECKS)
def test_a_video_of_this_form_is_read_as_the_page_says(tmp_path, form):
    CHECKS[form](tmp_path, rows("Videos")[form])
