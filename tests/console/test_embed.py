import errno
import io
import json
import re

import numpy as np
import openvino
import pytest
from openvino import opset13 as ops
from PIL import Image
from rich.console import Console

import console.embed as embed_module
from console.embed import embed_command
from reid_core.errors import ModelError, SourceError, StorageError, UsageError
from reid_core.runtime import load_embedder
from reid_core.types import Modality


@pytest.fixture(scope="module")
def model(module_tmp):
    """A network whose vector is the crop's mean colour."""
    folder = module_tmp("model")
    images = ops.parameter([-1, 3, 8, 4], np.float32, name="images")
    pooled = ops.reduce_mean(images, np.array([2, 3]), keep_dims=True)
    openvino.save_model(openvino.Model([pooled], [images]), str(folder / "net.xml"), compress_to_fp16=False)
    manifest = {"format": 1, "name": "mean colour", "kind": "external", "weights": "net.xml", "embedding": 3,
                "preprocess": {"height": 8, "width": 4}}  # fmt: skip
    (folder / "model.json").write_text(json.dumps(manifest))
    return str(folder)


@pytest.fixture
def crops(tmp_path):
    """A folder with a folder in it, of crops of one colour each."""
    colours = {
        "b/2.png": (255, 0, 0),
        "a.png": (0, 255, 0),
        "b/1.png": (0, 0, 255),
        "b/10.png": (255, 255, 255),
    }
    for name, colour in colours.items():
        path = tmp_path / "crops" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (5, 9), colour).save(path)
    return tmp_path / "crops"


def quiet():
    return Console(file=io.StringIO(), width=60)


def said(console):
    return console.file.getvalue()


def read(path):
    with np.load(path, allow_pickle=False) as file:
        return {key: file[key] for key in file}


def test_a_folder_becomes_features_and_paths_in_order(crops, model, tmp_path):
    out = tmp_path / "new" / "f.npz"
    assert embed_command(crops, model, Modality.VISIBLE, out, batch_size=3, console=quiet()) == 4
    result = read(out)
    assert result["path"].tolist() == ["a.png", "b/1.png", "b/10.png", "b/2.png"]
    third = 3**-0.5
    expected = [[0, 1, 0], [0, 0, 1], [third, third, third], [1, 0, 0]]
    np.testing.assert_allclose(result["feat"], expected, atol=1e-6)
    assert result["feat"].dtype == np.float32
    assert str(result["model"]) == load_embedder(model).model_id
    assert [path.name for path in out.parent.iterdir()] == ["f.npz"]


def test_a_list_keeps_its_order_and_its_words(crops, model, tmp_path):
    (crops / "list.txt").write_text("b/2.png\r\n\na.png\nb/../a.png\n", encoding="utf-8-sig")
    embed_command(crops / "list.txt", model, Modality.VISIBLE, tmp_path / "f.npz", console=quiet())
    result = read(tmp_path / "f.npz")
    assert result["path"].tolist() == ["b/2.png", "a.png", "b/../a.png"]
    np.testing.assert_allclose(result["feat"], [[1, 0, 0], [0, 1, 0], [0, 1, 0]], atol=1e-6)


def test_infrared_crops_are_grey(crops, model, tmp_path):
    embed_command(crops, model, Modality.INFRARED, tmp_path / "f.npz", console=quiet())
    np.testing.assert_allclose(read(tmp_path / "f.npz")["feat"], 3**-0.5, atol=1e-6)


@pytest.mark.slow
def test_unreadable_images_are_named_and_the_others_kept(crops, model, tmp_path):
    (crops / "a broken [red].jpg").write_text("no picture")
    Image.new("1", (30_000, 30_000)).save(crops / "bomb.png")
    console = quiet()
    with pytest.raises(SourceError, match=r"2 of 6 images could not be used; the other 4 are in .*f\.npz"):
        embed_command(crops, model, Modality.VISIBLE, tmp_path / "f.npz", batch_size=1, console=console)
    assert read(tmp_path / "f.npz")["path"].tolist() == ["a.png", "b/1.png", "b/10.png", "b/2.png"]
    lines = said(console).splitlines()
    assert any(re.search(r"a broken \[red\]\.jpg.* in no known image format", line) for line in lines)
    assert any(re.search(r"bomb\.png.*100 megapixels", line) for line in lines)
    assert any("embed: 6 of 6" in line for line in lines)


def test_a_list_of_unreadable_images_alone_still_writes_its_shape(crops, model, tmp_path):
    (crops / "list.txt").write_text("gone.png\n")
    with pytest.raises(SourceError, match="1 of 1"):
        embed_command(crops / "list.txt", model, Modality.VISIBLE, tmp_path / "f.npz", console=quiet())
    result = read(tmp_path / "f.npz")
    assert result["feat"].shape == (0, 3) and result["path"].shape == (0,)


def test_sources_without_images_are_said(crops, model, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "blank.txt").write_text("\n\n")
    (tmp_path / "video.mp4").write_bytes(b"\x00\xff\xfe\x80")
    for source, words in (
        ("empty", "holds no image"),
        ("blank.txt", "names no image"),
        ("video.mp4", "neither a folder"),
        ("nowhere", "does not exist"),
        ("nowhere.png", "does not exist"),
    ):
        with pytest.raises(SourceError, match=words):
            embed_command(tmp_path / source, model, Modality.VISIBLE, tmp_path / "f.npz", console=quiet())
    assert not (tmp_path / "f.npz").exists()


def test_one_image_is_a_source_too(crops, model, tmp_path):
    assert embed_command(crops / "a.png", model, Modality.VISIBLE, tmp_path / "f.npz", console=quiet()) == 1
    assert read(tmp_path / "f.npz")["path"].tolist() == ["a.png"]


def test_a_failure_leaves_the_old_file_and_nothing_beside_it(crops, model, tmp_path, monkeypatch):
    out = tmp_path / "f.npz"
    out.write_bytes(b"the old one")
    before = sorted(tmp_path.iterdir())
    with pytest.raises(ModelError):
        embed_command(crops, str(tmp_path / "no model"), Modality.VISIBLE, out, console=quiet())

    def full(*_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(StorageError, match="No space left"):
        embed_command(crops, model, Modality.VISIBLE, out, console=quiet())
    assert out.read_bytes() == b"the old one" and sorted(tmp_path.iterdir()) == before


def test_a_place_that_cannot_be_written_is_said_before_the_work(crops, model, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(StorageError, match=r"f\.npz cannot be written"):
        embed_command(crops, model, Modality.VISIBLE, tmp_path / "file" / "f.npz", console=quiet())
    with pytest.raises(UsageError, match="is a folder"):
        embed_command(crops, model, Modality.VISIBLE, tmp_path, console=quiet())


def test_ctrl_c_keeps_what_was_embedded(crops, model, tmp_path, monkeypatch):
    embedder = load_embedder(model)
    real = embedder.embed
    calls = []

    def embed(*arguments):
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return real(*arguments)

    monkeypatch.setattr(embedder, "embed", embed)
    monkeypatch.setattr(embed_module, "load_embedder", lambda *_: embedder)
    console = quiet()
    with pytest.raises(KeyboardInterrupt):
        embed_command(crops, model, Modality.VISIBLE, tmp_path / "f.npz", batch_size=1, console=console)
    result = read(tmp_path / "f.npz")
    assert result["path"].tolist() == ["a.png", "b/1.png"] and result["feat"].shape == (2, 3)
    assert "2 of 4 images" in said(console)
