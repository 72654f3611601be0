"""Images of more than 8 bits, or several in a file: read as what they are, or refused with a sentence."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from PIL import Image as Pil
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from reid_core.counts import as_counts, stretch_to_8bit
from reid_core.errors import SourceError
from reid_core.images import count_pictures, decode_picture, read_image, read_pictures

generator = np.random.default_rng(3)
COLOUR = generator.integers(0, 1 << 16, (24, 30, 3)).astype(np.uint16)
COUNTS = generator.integers(0, 1 << 16, (24, 30)).astype(np.uint16)


def written(path, picture):
    assert cv2.imwrite(str(path), picture[:, :, ::-1] if picture.ndim == 3 else picture)
    return path


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_colour_of_sixteen_bits_keeps_its_colours(tmp_path, suffix):
    image = read_image(written(tmp_path / f"a.{suffix}", COLOUR))
    assert np.array_equal(image, COLOUR >> 8)


@pytest.mark.parametrize("suffix", ["png", "tiff"])
@pytest.mark.parametrize("bits", [10, 12])
def test_colour_in_the_lower_bits_is_as_bright_as_its_own_bits_allow(tmp_path, suffix, bits):
    lower = COLOUR >> (16 - bits)
    image = read_image(written(tmp_path / f"a.{suffix}", lower))
    assert np.abs(image - lower * (255 / ((1 << bits) - 1))).max() <= 0.5
    assert np.array_equal(decode_picture((tmp_path / f"a.{suffix}").read_bytes()), image)


def test_half_a_file_of_dark_sixteen_bit_colour_is_damaged(tmp_path):
    file = written(tmp_path / "a.png", COLOUR >> 4)
    file.write_bytes(file.read_bytes()[: file.stat().st_size // 2])
    with pytest.raises(SourceError, match=r"a\.png is damaged"):
        read_image(file)


def test_grey_of_sixteen_bits_with_transparency_is_counts():
    # Neither OpenCV nor Pillow writes one: it is colour type 4 in the header.
    rows = np.stack([COUNTS, np.full_like(COUNTS, 65535)], axis=2).astype(">u2")
    data = zlib.compress(b"".join(b"\0" + row.tobytes() for row in rows))

    def chunk(kind, content):
        return (
            struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
        )

    header = struct.pack(">IIBBBBB", 30, 24, 16, 4, 0, 0, 0)
    png = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", data) + chunk(b"IEND", b"")
    assert np.array_equal(decode_picture(png), COUNTS)


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_one_pixel_that_is_no_number_changes_no_other(tmp_path, value):
    celsius = np.linspace(-12, 31, 24 * 30, dtype=np.float32).reshape(24, 30)
    broken = celsius.copy()
    broken[5, 7] = value
    images = []
    for name, picture in (("whole", celsius), ("broken", broken)):
        Pil.fromarray(picture).save(tmp_path / f"{name}.tif")
        images.append(read_image(tmp_path / f"{name}.tif").astype(int))
    assert images[0].min() == 0 and images[0].max() == 255
    images[0][5, 7] = images[1][5, 7]
    assert np.abs(images[0] - images[1]).max() <= 1
    assert images[1][5, 7, 0] == (255 if value == np.inf else 0)


def test_a_picture_without_one_number_is_black_but_for_what_is_infinite():
    assert not stretch_to_8bit(np.full((4, 4), np.nan, np.float32)).any()
    picture = np.full((4, 4), np.nan, np.float32)
    picture[1, 1], picture[2, 2] = np.inf, -np.inf
    assert stretch_to_8bit(picture)[1, 1] == 255 and stretch_to_8bit(picture).sum() == 255


@given(arrays(np.float32, (5, 6), elements=st.floats(width=32, allow_nan=True, allow_infinity=True)))
def test_floats_come_back_from_a_tiff_bit_by_bit(picture):
    buffer = io.BytesIO()
    Pil.fromarray(picture).save(buffer, "TIFF")
    found = decode_picture(buffer.getvalue())
    assert found.dtype == np.float32 and np.array_equal(found, picture, equal_nan=True)


@given(arrays(np.int16, (4, 5)))
@pytest.mark.slow
def test_counts_below_zero_stay_below_zero(picture):
    buffer, signed = io.BytesIO(), ImageFileDirectory_v2()
    signed[339] = 2
    Pil.fromarray(picture.view(np.uint16)).save(buffer, "TIFF", tiffinfo=signed)
    assert np.array_equal(decode_picture(buffer.getvalue()), picture)


def test_counts_are_sixteen_bits_where_those_hold_them():
    assert as_counts(np.array([[0, 65535]], np.int32)).dtype == np.uint16
    for other in ([[-1, 5]], [[0, 65536]]):
        found = as_counts(np.array(other, np.int32))
        assert found.dtype == np.float32 and found.tolist() == other


@pytest.mark.parametrize("picture", [COUNTS.astype(np.float64), (COLOUR / 65535).astype(np.float32)])
def test_a_form_that_is_not_read_is_refused_with_its_name(tmp_path, picture):
    with pytest.raises(SourceError, match=r"odd\.tif .*a form that is not read"):
        read_image(written(tmp_path / "odd.tif", picture))


# Several pictures in a file


def stack(path, pictures, **options):
    first, *others = map(Pil.fromarray, pictures)
    first.save(path, save_all=True, append_images=others, **options)
    return path


def test_every_page_of_a_tiff_is_a_picture(tmp_path):
    pages = [COUNTS, COUNTS // 2, COUNTS // 3]
    file = stack(tmp_path / "stack.tif", pages)
    assert count_pictures(file) == 3
    for found, page in zip(read_pictures(file), pages, strict=True):
        assert found.dtype == np.uint16 and np.array_equal(found, page)


def test_a_stack_where_one_picture_is_wanted_is_refused(tmp_path):
    with pytest.raises(SourceError, match=r"stack\.tif holds 3 pictures"):
        read_image(stack(tmp_path / "stack.tif", [COUNTS] * 3))


def test_smaller_copies_of_a_picture_are_no_pages(tmp_path):
    """Whether the copy is behind the picture or in front of it."""
    file, small = tmp_path / "a.tif", Pil.fromarray(COUNTS[::3, ::3])
    whole, reduced = ImageFileDirectory_v2(), ImageFileDirectory_v2()
    whole[254], reduced[254] = 0, 1
    for order in (1, -1):
        (first, tags), (other, others) = [(Pil.fromarray(COUNTS), whole), (small, reduced)][::order]
        other.encoderinfo = {"tiffinfo": others}
        first.save(file, save_all=True, append_images=[other], tiffinfo=tags)
        with Pil.open(file) as made:
            assert made.n_frames == 2
        assert count_pictures(file) == 1
        assert np.array_equal(next(read_pictures(file)), COUNTS)
        assert np.array_equal(decode_picture(file.read_bytes()), COUNTS)
        assert read_image(file).shape == (24, 30, 3)


def test_a_preview_beside_a_photograph_is_no_second_picture(tmp_path):
    photograph = (COLOUR >> 8).astype(np.uint8)
    file = stack(tmp_path / "a.jpg", [photograph, photograph[::2, ::2]], format="MPO")
    assert count_pictures(file) == 1 and read_image(file).shape == (24, 30, 3)


def test_a_page_that_is_damaged_is_named(tmp_path):
    file = stack(tmp_path / "stack.tif", [COUNTS, COUNTS], compression="tiff_adobe_deflate")
    data = bytearray(file.read_bytes())
    with Pil.open(file) as made:
        made.seek(1)
        place = made.tag_v2[273][0]
    data[place : place + 400] = bytes(400)
    file.write_bytes(data)
    pictures = read_pictures(file)
    assert np.array_equal(next(pictures), COUNTS)
    with pytest.raises(SourceError, match=r"stack\.tif \(picture 2\)"):
        next(pictures)
