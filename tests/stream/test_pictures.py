"""Payloads: exact where they promise it, and refused before they can ask for memory."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image as Pil

from stream.footage.sources import SourceFrame
from stream.kafka.envelope import Codec, Envelope, EnvelopeError, Kind, Refusal
from stream.kafka.payloads import decode, encode
from tests.support.files import png
from tests.support.frames import Camera
from tests.support.memory import peak_growth

MEBI = 1 << 20
generator = np.random.default_rng(7)
COLOUR = generator.integers(0, 256, (40, 60, 3)).astype(np.uint8)
GREY = COLOUR[:, :, 1]
RAW = generator.integers(0, 1 << 16, (40, 60)).astype(np.uint16)
SMOOTH = np.linspace(0, 255, 60, dtype=np.uint8)[None, :, None].repeat(40, 0).repeat(3, 2)


def frame(codec, width=60, height=40):
    return Envelope(Kind.FRAME, Camera().stream, 0, 0, codec, width, height)


def refusal(envelope, payload, **limits):
    with pytest.raises(EnvelopeError) as caught:
        decode(envelope, payload, **limits)
    return caught.value.reason


def saved(picture, kind, **options):
    buffer = io.BytesIO()
    image = picture if isinstance(picture, Pil.Image) else Pil.fromarray(picture)
    image.save(buffer, kind, **options)
    return buffer.getvalue()


# Exactness


def test_png_loses_nothing_of_colour():
    assert np.array_equal(decode(frame(Codec.PNG), encode(COLOUR, Codec.PNG)), COLOUR)


def test_grey_of_a_file_is_repeated_three_times():
    picture = decode(frame(Codec.PNG), encode(GREY, Codec.PNG))
    assert picture.dtype == np.uint8 and np.array_equal(picture, GREY[:, :, None].repeat(3, 2))


def test_raw_grey_stays_as_it_is_until_somebody_needs_its_colours():
    payload = encode(GREY, Codec.GRAY8)
    picture = decode(frame(Codec.GRAY8), payload)
    assert picture.dtype == np.uint8 and np.array_equal(picture, GREY)
    assert np.shares_memory(picture, np.frombuffer(payload, np.uint8))
    assert np.array_equal(SourceFrame(0, 0, picture).rgb(), GREY[:, :, None].repeat(3, 2))


@pytest.mark.parametrize("codec", [Codec.PNG, Codec.GRAY16])
@pytest.mark.parametrize("counts", [RAW, np.zeros_like(RAW), np.full_like(RAW, 65535), RAW.astype(">u2")])
def test_raw_counts_stay_raw(codec, counts):
    picture = decode(frame(codec), encode(counts, codec))
    assert picture.dtype == np.uint16 and picture.dtype.isnative and np.array_equal(picture, counts)


def test_a_tiff_of_raw_counts():
    for options in ({}, {"compression": "tiff_lzw"}, {"compression": "tiff_deflate"}):
        picture = decode(frame(Codec.TIFF), saved(RAW, "TIFF", **options))
        assert picture.dtype == np.uint16 and np.array_equal(picture, RAW)


def test_raw_counts_are_little_endian_row_by_row():
    payload = encode(np.array([[1, 2], [3, 0x0405]], np.uint16), Codec.GRAY16)
    assert payload == bytes([1, 0, 2, 0, 3, 0, 5, 4])


def test_pictures_that_lie_otherwise_in_memory():
    turned = RAW.T[::-1]
    assert np.array_equal(decode(frame(Codec.GRAY16, 40, 60), encode(turned, Codec.GRAY16)), turned)
    assert np.array_equal(decode(frame(Codec.PNG, 30, 40), encode(COLOUR[:, ::2], Codec.PNG)), COLOUR[:, ::2])


def test_jpeg_is_close():
    picture = decode(frame(Codec.JPEG), encode(SMOOTH, Codec.JPEG))
    assert picture.shape == SMOOTH.shape and np.abs(picture.astype(int) - SMOOTH).max() <= 4
    assert len(encode(COLOUR, Codec.JPEG, 30)) < len(encode(COLOUR, Codec.JPEG, 95))


@pytest.mark.parametrize("codec", [Codec.JPEG, Codec.PNG, Codec.GRAY8, Codec.GRAY16])
def test_one_pixel(codec):
    picture = np.full((1, 1), 200, np.uint16 if codec is Codec.GRAY16 else np.uint8)
    found = decode(frame(codec, 1, 1), encode(picture, codec))
    assert found.shape[:2] == (1, 1) and abs(int(found.flat[0]) - 200) <= 1


@pytest.mark.parametrize("picture", ["1", "P", "LA", "RGBA", "CMYK"])
def test_other_kinds_of_colour_become_rgb(picture):
    kind, codec = ("JPEG", Codec.JPEG) if picture == "CMYK" else ("PNG", Codec.PNG)
    found = decode(frame(codec), saved(Pil.fromarray(SMOOTH).convert(picture), kind))
    assert found.dtype == np.uint8 and found.shape == (40, 60, 3)


def test_the_camera_was_turned():
    turned = Pil.Exif()
    turned[0x0112] = 6
    payload = saved(SMOOTH, "JPEG", exif=turned)
    assert decode(frame(Codec.JPEG, 40, 60), payload).shape == (60, 40, 3)
    assert refusal(frame(Codec.JPEG, 60, 40), payload) is Refusal.SIZE


@pytest.mark.parametrize(
    ("picture", "codec"),
    [
        (RAW, Codec.JPEG),
        (RAW, Codec.GRAY8),
        (GREY, Codec.GRAY16),
        (COLOUR, Codec.GRAY8),
        (np.zeros((4, 4, 3), np.uint16), Codec.PNG),
        (GREY, Codec.TIFF),
        (GREY, Codec.NONE),
    ],
)
def test_a_codec_that_does_not_hold_such_a_picture(picture, codec):
    with pytest.raises(ValueError, match="does not hold"):
        encode(picture, codec)


# Sizes

ENCODED = {
    Codec.JPEG: encode(SMOOTH, Codec.JPEG),
    Codec.PNG: encode(COLOUR, Codec.PNG),
    Codec.TIFF: saved(RAW, "TIFF"),
    Codec.GRAY8: encode(GREY, Codec.GRAY8),
    Codec.GRAY16: encode(RAW, Codec.GRAY16),
}


@pytest.mark.parametrize("codec", list(ENCODED))
@pytest.mark.parametrize(
    ("width", "height"), [(61, 40), (60, 39), (40, 60), (59, 40), (1, 1), (0, 0), (0, 40)]
)
def test_another_size_than_said(codec, width, height):
    # The raw ones cannot tell 60 x 40 from 40 x 60.
    if not (codec in (Codec.GRAY8, Codec.GRAY16) and width * height == 2400):
        assert refusal(frame(codec, width, height), ENCODED[codec]) is Refusal.SIZE


@pytest.mark.parametrize("codec", list(ENCODED))
def test_more_than_is_allowed(codec):
    assert refusal(frame(codec), ENCODED[codec], most_pixels=2399) is Refusal.SIZE
    decode(frame(codec), ENCODED[codec], most_pixels=2400)


def test_what_is_said_to_be_huge_is_not_looked_at():
    assert refusal(frame(Codec.PNG, 20_000, 20_000), b"not even looked at") is Refusal.SIZE


@pytest.mark.parametrize(("side", "said"), [(5000, (60, 40)), (20_000, (60, 40)), (20_000, (20_000, 20_000))])
def test_a_bomb_is_refused_before_it_is_decoded(tmp_path, side, said):
    payload = _black(tmp_path) if side == 5000 else _header_only(side)
    with peak_growth() as grown:
        assert refusal(frame(Codec.PNG, *said), payload) is Refusal.SIZE
    assert grown() < 8 * MEBI, f"{grown() / MEBI:.0f} MiB for a picture that is refused"


@pytest.mark.slow
def test_a_bomb_would_have_taken_more(tmp_path):
    with peak_growth() as grown:
        assert decode(frame(Codec.PNG, 5000, 5000), _black(tmp_path)).shape == (5000, 5000, 3)
    assert grown() > 70 * MEBI


def test_more_rows_than_the_header_says_are_not_inflated():
    """A PNG of 60 x 40 pixels in its header, and of 200 MB in its data."""
    payload = _png(60, 40, zlib.compress(bytes(200 * MEBI), 1))
    with peak_growth() as grown:
        found = decode(frame(Codec.PNG), payload)
    assert not found.any() and grown() < 8 * MEBI


def _black(folder):
    return png(folder / "black.png", 5000, 5000).read_bytes()


def _header_only(side):
    return _png(side, side, zlib.compress(bytes(1000)))


def _png(width, height, data):
    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


def test_words_inside_a_picture_are_no_bomb_either():
    """A PNG whose comment inflates to 300 MB."""
    text = zlib.compress(bytes(300 * MEBI), 1)
    whole = encode(COLOUR, Codec.PNG)
    content = b"Comment\0\0" + text
    comment = struct.pack(">I", len(content)) + b"zTXt" + content
    comment += struct.pack(">I", zlib.crc32(b"zTXt" + content))
    with peak_growth() as grown:
        try:
            decode(frame(Codec.PNG), whole[:33] + comment + whole[33:])
        except EnvelopeError as error:
            assert error.reason is Refusal.DAMAGED
    assert grown() < 16 * MEBI


# Damage


@pytest.mark.parametrize("codec", list(ENCODED))
@pytest.mark.parametrize("share", [0.0, 0.05, 0.5, 0.9])
def test_a_truncated_picture(codec, share):
    payload = ENCODED[codec][: int(len(ENCODED[codec]) * share)]
    assert refusal(frame(codec), payload) in (Refusal.DAMAGED, Refusal.SIZE)


@pytest.mark.parametrize("codec", [Codec.JPEG, Codec.PNG, Codec.TIFF])
@pytest.mark.parametrize("payload", [b"\0" * 4000, b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\0", b"hello"])
def test_no_picture_at_all(codec, payload):
    assert refusal(frame(codec), payload) is Refusal.DAMAGED


def test_a_picture_without_a_codec():
    assert refusal(frame(Codec.NONE), ENCODED[Codec.PNG]) is Refusal.CODEC


@pytest.mark.parametrize("kind", ["GIF", "WEBP", "BMP", "EPS", "PPM", "PNG", "JPEG", "TIFF"])
@pytest.mark.parametrize("codec", [Codec.JPEG, Codec.PNG, Codec.TIFF])
def test_a_picture_of_another_format_than_said(kind, codec):
    if codec != kind.lower():
        assert refusal(frame(codec), saved(SMOOTH, kind)) is Refusal.DAMAGED


def test_a_bent_png_of_sixteen_bits_in_colour_is_refused_or_of_eight():
    wide = cv2.imencode(".png", COLOUR.astype(np.uint16) * 257)[1].tobytes()
    found = decode(frame(Codec.PNG), wide)
    assert found.dtype == np.uint8 and np.array_equal(found[:, :, ::-1], COLOUR)


@pytest.mark.parametrize("value", [np.nan, -1.0, 70_000.0, np.inf, 20.5])
def test_counts_that_sixteen_bits_do_not_hold_stay_what_they_are(value):
    counts = np.zeros((40, 60), np.float32)
    counts[3, 4] = value
    for payload in (saved(counts, "TIFF"), encode(counts, Codec.TIFF)):
        picture = decode(frame(Codec.TIFF), payload)
        assert picture.dtype == np.float32 and np.array_equal(picture, counts, equal_nan=True)


@pytest.mark.parametrize(("kind", "codec"), [("PNG", Codec.PNG), ("TIFF", Codec.TIFF), ("MPO", Codec.JPEG)])
def test_of_several_pictures_the_first_counts_and_no_other_is_decoded(kind, codec):
    first, other = Pil.fromarray(SMOOTH), Pil.fromarray(np.zeros((2000, 2000, 3), np.uint8))
    others = [other.resize(first.size)] * 3 if kind == "PNG" else [other] * 3
    payload = saved(first, kind, save_all=True, append_images=others)
    with Pil.open(io.BytesIO(payload)) as made:
        assert made.n_frames == 4
    with peak_growth() as grown:
        found = decode(frame(codec), payload)
    assert np.abs(found.astype(int) - SMOOTH).max() <= 8 and grown() < 8 * MEBI


@given(
    st.sampled_from(list(ENCODED)), st.lists(st.tuples(st.floats(0, 1), st.binary(max_size=3)), max_size=4)
)
def test_whatever_the_bytes_are_it_is_a_picture_of_that_size_or_refused(codec, changes):
    payload = ENCODED[codec]
    for place, change in changes:
        at = int(place * len(payload))
        payload = payload[:at] + change + payload[at + len(change) :]
    try:
        found = decode(frame(codec), payload)
    except EnvelopeError:
        return
    assert found.shape[:2] == (40, 60) and found.dtype in (np.uint8, np.uint16, np.float32)


@given(st.sampled_from(list(Codec)), st.binary(max_size=300), st.integers(0, 50), st.integers(0, 50))
def test_random_bytes_are_refused(codec, payload, width, height):
    raw = {Codec.GRAY8: 1, Codec.GRAY16: 2}.get(codec)
    if raw and len(payload) == raw * width * height > 0:
        assert decode(frame(codec, width, height), payload).shape[:2] == (height, width)
    else:
        assert refusal(frame(codec, width, height), payload)
