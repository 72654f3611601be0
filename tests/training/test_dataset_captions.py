"""Captions as they are published, looked up by a data set's images."""

import json
import statistics

import pytest

from reid_core.errors import SourceError
from reid_core.types import Modality
from tests.support.people import write_people
from training.datasets import ImageRecord, Split, open_dataset
from training.datasets.captions import ImageCaption, read_identity_captions, read_image_captions


def record(key, modality="visible", identity=1):
    return ImageRecord(f"somewhere/{key}", identity, 1, Modality(modality), None, key)


def put(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(values if isinstance(values, str) else json.dumps(values))
    return path


def everything(dataset):
    return [image for split in Split for image in dataset.splits.get(split, ())]


@pytest.fixture(scope="module")
def regdb(shared, module_tmp):
    """RegDB as its lists give it, the names of the images out of the published captions, and the captions."""
    texts = shared / "data/captions/tri_regdb"
    root = module_tmp("regdb")
    for name, side in (("RGB", "visible"), ("IR", "thermal")):
        keys = json.loads((texts / f"Blip_{name}/caption_dict_Blip_{name}.json").read_text())
        paths = [key.removeprefix("datasets/regdb/") for key in keys]
        (root / side.capitalize()).mkdir()
        for part, half in (("train", range(1, 207)), ("test", range(207, 413))):
            own = [path for path in paths if int(path.split("/")[1]) in half]
            put(root / f"idx/{part}_{side}_1.txt", "".join(f"{path} 0\n" for path in own))
    return open_dataset(root), texts


@pytest.mark.parametrize(("name", "modality"), [("RGB", "visible"), ("IR", "infrared")])
def test_the_published_captions_of_regdb(regdb, name, modality):
    dataset, texts = regdb
    folder = texts / f"Blip_{name}"
    own = [image for image in everything(dataset) if image.modality == modality]
    plain = read_image_captions(folder / f"caption_dict_Blip_{name}.json", everything(dataset))
    # Captions of one modality miss none of the other.
    assert len(plain) == 4120 and not plain.missing and not plain.elsewhere
    assert set(plain) == {image.caption_key for image in own}
    assert all(caption.aug_description is None for caption in plain.values())
    words = statistics.fmean(len(caption.description.split()) for caption in plain.values())
    assert words == pytest.approx({"RGB": 33.5, "IR": 28.9}[name], abs=0.05)
    rephrased = read_image_captions(folder / f"caption_llm_dict_Blip_{name}.json", own)
    assert {key: each.description for key, each in rephrased.items()} == {
        key: each.description for key, each in plain.items()
    }
    words = statistics.fmean(len(caption.aug_description.split()) for caption in rephrased.values())
    assert words == pytest.approx({"RGB": 30.1, "IR": 27.5}[name], abs=0.05)


def test_the_published_captions_of_identities(shared, regdb):
    dataset, texts = regdb
    maps = read_identity_captions(texts / "Blip_RGB/id_caption_map_Blip_RGB.json")
    assert set(maps) == {image.identity for image in everything(dataset)} == set(range(1, 413))
    by_image = read_image_captions(texts / "Blip_RGB/caption_dict_Blip_RGB.json", everything(dataset))
    told = {
        by_image[image.caption_key].description
        for image in everything(dataset)
        if image.identity == 7 and image.modality == "visible"
    }
    assert set(maps[7]) == told
    flat = read_identity_captions(shared / "data/captions/identity_level/regdb.json")
    assert len(flat) == 412 and {len(captions) for captions in flat.values()} == {1}
    assert flat[1][0].startswith("a male wearing a gray long-sleeved shirt")
    assert len(read_identity_captions(shared / "data/captions/identity_level/sysu.json")) == 491


@pytest.mark.parametrize("prefix", ["", "datasets/sysu/", "/data0/anything/SYSU-MM01/", "./", "D:\\data\\"])
def test_the_part_after_the_root_counts(tmp_path, prefix):
    root = write_people(tmp_path / "set", 1, 0, 1, 1, manifest=False)
    records = open_dataset(root).records(Split.TEST)
    visible = [one.caption_key for one in records if one.modality is Modality.VISIBLE]
    keys = [key.replace("/", "\\") if "\\" in prefix else key for key in visible]
    captions = {prefix + key: {"description": f"at {key}", "aug_description": "x"} for key in keys}
    read = read_image_captions(put(tmp_path / "captions.json", captions), records)
    assert sorted(read) == sorted(visible)
    assert read[visible[0]] == ImageCaption(f"at {keys[0]}", "x")


def test_test_images_of_llcm_go_by_their_first_place(tmp_path):
    root = tmp_path / "llcm"
    for side in ("vis", "nir"):
        put(root / f"idx/train_{side}.txt", f"{side}/0007/a.jpg 0\n")
        put(root / f"{side}/0007/a.jpg", "")
        put(root / f"test_{side}/cam2/0009/b.jpg", "")
    put(root / "idx/test_id.txt", "9")
    records = everything(open_dataset(root))
    first = {f"datasets/llcm/{key}": {"description": key} for key in ("nir/0009/b.jpg", "nir/0007/a.jpg")}
    read = read_image_captions(put(tmp_path / "first.json", first), records)
    (of_test,) = [each for each in records if each.path == "test_nir/cam2/0009/b.jpg"]
    assert read[of_test.caption_key].description == "nir/0009/b.jpg" and len(read) == 2
    by_camera = {"x/test_nir/cam2/0009/b.jpg": {"description": "b"}, "x/nir/0007/a.jpg": {"description": "a"}}
    read = read_image_captions(put(tmp_path / "camera.json", by_camera), records)
    assert {key: each.description for key, each in read.items()} == {
        "nir/0009/b.jpg": "b",
        "nir/0007/a.jpg": "a",
    }


def test_images_of_nobody_in_the_data_set_are_counted(tmp_path):
    captions = {f"cam1/{one}/0001.jpg": {"description": "a man"} for one in ("0001", "0026", "0032")}
    read = read_image_captions(put(tmp_path / "captions.json", captions), [record("cam1/0001/0001.jpg")])
    assert (len(read), read.elsewhere) == (1, 2)


SEEN = [record("cam1/0001/0001.jpg"), record("cam1/0001/0002.jpg"), record("cam3/0001/0001.jpg", "infrared")]
WHOLE = {f"cam1/0001/000{k}.jpg": {"description": "a man"} for k in (1, 2)}


def test_captions_that_do_not_fit_the_images(tmp_path):
    file = tmp_path / "captions.json"

    def refusal(values, records=SEEN):
        with pytest.raises(SourceError) as caught:
            read_image_captions(put(file, values), records)
        assert caught.value.message.endswith(".") and "\n" not in caught.value.message
        return caught.value.message.replace(str(file), "FILE")

    assert len(read_image_captions(put(file, WHOLE), SEEN)) == 2
    assert refusal(WHOLE | {"x/cam1/0001/0009.jpg": {"description": "a boy"}}) == (
        "1 of the 3 captions of FILE match no image of the data set; the first is 'x/cam1/0001/0009.jpg'."
    )
    assert refusal({"cam1/0002/0001.jpg": {"description": "a boy"}}).startswith("1 of the 1 captions of FILE")
    (one, _), (other, _) = WHOLE.items()
    assert refusal({one: WHOLE[one]}) == (
        "1 images have no caption in FILE; the first is somewhere/cam1/0001/0002.jpg."
    )
    some = read_image_captions(put(file, {one: WHOLE[one]}), SEEN, allow_missing=True)
    assert some.missing == (f"somewhere/{other}",) and list(some) == [one]
    twice = refusal(WHOLE | {f"elsewhere/{one}": {"description": "a woman"}})
    assert twice == f"Two captions of FILE contradict each other on the image {one}."
    same = read_image_captions(put(file, WHOLE | {f"elsewhere/{one}": WHOLE[one]}), SEEN)
    assert len(same) == 2


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("{", "cannot be read"),
        ("[" * 100_000, "cannot be read"),
        ([1], "no JSON object with captions"),
        ({}, "no JSON object with captions"),
        ({"cam1/0001/0001.jpg": "a man"}, "has no description"),
        ({"cam1/0001/0001.jpg": {"description": " "}}, "has no description"),
        ({"cam1/0001/0001.jpg": {"description": "a", "aug_description": 1}}, "no text in aug_description"),
        ({"1": ["a man"]}, "has no description"),
    ],
)
def test_files_that_hold_no_captions_of_images(tmp_path, values, said):
    with pytest.raises(SourceError, match=said):
        read_image_captions(put(tmp_path / "captions.json", values), SEEN)


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ("{", "cannot be read"),
        ("[]", "no JSON object"),
        ({"anna": "a woman"}, "'anna' is no identity's number"),
        ({"1": []}, "no text for identity 1"),
        ({"1": ""}, "no text for identity 1"),
        ({"1": ["a man", None]}, "no text for identity 1"),
        ({"1": {"description": "a man"}}, "no text for identity 1"),
        ({"1": "a man", "0001": "a boy"}, "name identity 1 twice"),
        ('{"1": "a man", "1": "a boy"}', "says two things of '1'"),
    ],
)
def test_files_that_hold_no_captions_of_identities(tmp_path, values, said):
    with pytest.raises(SourceError, match=said):
        read_identity_captions(put(tmp_path / "captions.json", values))


def test_a_file_that_is_not_there(tmp_path):
    for read in (read_identity_captions, lambda path: read_image_captions(path, SEEN)):
        with pytest.raises(SourceError, match=r"no\.json does not exist"):
            read(tmp_path / "no.json")


def test_zero_padded_identities_are_numbers(tmp_path):
    file = put(tmp_path / "captions.json", {"0001": "a man", "12": ["a boy", "a child"]})
    assert read_identity_captions(file) == {1: ("a man",), 12: ("a boy", "a child")}
