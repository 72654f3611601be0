import io

import numpy as np
import pytest
from PIL import Image

from reid_core.errors import SourceError, UsageError
from reid_core.images import decode_jpeg, encode_jpeg, read_image, stretch_to_8bit
from reid_core.listing import list_images


def test_colour_comes_back_as_written(tmp_path):
    picture = np.random.default_rng(0).integers(0, 256, (7, 5, 3), np.uint8)
    Image.fromarray(picture).save(tmp_path / "a.png")
    np.testing.assert_array_equal(read_image(tmp_path / "a.png"), picture)


def test_grey_palette_and_transparent_pictures_become_rgb(tmp_path):
    grey = np.random.default_rng(0).integers(0, 256, (7, 5), np.uint8)
    Image.fromarray(grey).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_image(tmp_path / "grey.png"), np.repeat(grey[:, :, None], 3, 2))
    for mode in ("P", "RGBA", "LA", "1", "CMYK"):
        Image.new(mode, (5, 7)).save(tmp_path / f"{mode}.tif")
        image = read_image(tmp_path / f"{mode}.tif")
        assert image.shape == (7, 5, 3) and image.dtype == np.uint8


def test_sixteen_bits_are_stretched_between_percentiles(tmp_path):
    raw = np.linspace(8000, 9000, 400).reshape(20, 20).astype(np.uint16)
    raw[0, 0] = 65535
    Image.fromarray(raw).save(tmp_path / "raw.png")
    image = read_image(tmp_path / "raw.png")
    assert (image[..., 0] == image[..., 1]).all() and (image[..., 0] == image[..., 2]).all()
    assert image.max() == 255 and image[0, 1, 0] < 5 and 118 < image[10, 0, 0] < 137


def test_a_picture_of_one_value_is_black_and_rare_hot_pixels_still_show():
    assert (stretch_to_8bit(np.full((4, 4), 9000, np.uint16)) == 0).all()
    hot = np.full((100, 100), 20.0, np.float32)
    hot[3, 3] = 40.0
    assert stretch_to_8bit(hot)[3, 3] == 255


def test_the_orientation_tag_is_obeyed(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    Image.new("RGB", (30, 10)).save(tmp_path / "turned.jpg", exif=exif)
    assert read_image(tmp_path / "turned.jpg").shape == (30, 10, 3)


@pytest.mark.slow
def test_a_picture_too_large_is_refused_before_it_is_decoded(tmp_path):
    bomb = tmp_path / "bomb.png"
    Image.new("1", (30_000, 30_000)).save(bomb)
    with pytest.raises(SourceError, match=r"bomb\.png .*100 megapixels"):
        read_image(bomb)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
@pytest.mark.parametrize("size", [(30_000, 30_000), (12_000, 10_000)])
def test_so_is_one_in_memory(size):
    buffer = io.BytesIO()
    Image.new("1", size).save(buffer, "PNG")
    with pytest.raises(SourceError, match="100 megapixels"):
        decode_jpeg(buffer.getvalue())


def test_what_is_no_picture_is_named(tmp_path):
    (tmp_path / "text.jpg").write_text("not a picture")
    (tmp_path / "empty.png").touch()
    data = encode_jpeg(np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8))
    (tmp_path / "half.jpg").write_bytes(data[: len(data) // 2])
    (tmp_path / "folder.jpg").mkdir()
    for name in ("text.jpg", "empty.png", "half.jpg", "folder.jpg", "missing.jpg"):
        with pytest.raises(SourceError, match=name):
            read_image(tmp_path / name)


def test_jpeg_keeps_colours_and_order():
    image = np.zeros((32, 16, 3), np.uint8)
    image[..., 0], image[..., 1] = 200, 60
    back = decode_jpeg(encode_jpeg(image, quality=95))
    assert back.shape == image.shape and np.abs(back.astype(int) - image).max() <= 3
    with pytest.raises(UsageError):
        encode_jpeg(image, quality=0)
    with pytest.raises(UsageError):
        encode_jpeg(image.astype(np.float32))


def test_images_are_listed_sorted_without_hidden_ones(tmp_path):
    for name in ("b/2.JPG", "b/1.png", "a.bmp", ".hidden/x.png", "b/.y.png", "notes.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()
    assert [p.relative_to(tmp_path).as_posix() for p in list_images(tmp_path)] == [
        "a.bmp",
        "b/1.png",
        "b/2.JPG",
    ]
    assert [p.name for p in list_images(tmp_path, recursive=False)] == ["a.bmp"]
    with pytest.raises(SourceError):
        list_images(tmp_path / "nowhere")
