import json

import cv2
import numpy as np
import pytest

from reid_core.errors import SourceError, UsageError
from reid_core.preprocess import Preprocess, grey
from reid_core.types import Modality, Spectrum
from tests.support.people import write_people
from training.datasets import ImageRecord, Split, open_dataset
from training.datasets.records import identities_of, listing_digest
from training.datasets.resized import resized_images
from training.material import open_material
from training.recipe import DataSettings


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_people(module_tmp("people") / "set", train=5, val=3, test=2, images=2)


def touch(root, *paths):
    for path in paths:
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).touch()


def write(root, path, text):
    (root / path).parent.mkdir(parents=True, exist_ok=True)
    (root / path).write_text(text)


def test_a_sysu_layout_is_recognised_and_split(people):
    dataset = open_dataset(people)
    assert (dataset.layout, dataset.same_place, dataset.digest) == ("sysu", {3: 2}, "d1")
    found = {split: identities_of(dataset.records(split)) for split in Split}
    assert found == {Split.TRAIN: [1, 2, 3, 4, 5], Split.VAL: [6, 7, 8], Split.TEST: [9, 10]}
    assert dataset.records(Split.TEST)[0] == ImageRecord(
        "cam1/0009/0001.jpg", 9, 1, Modality.VISIBLE, Spectrum.VISIBLE, "cam1/0009/0001.jpg"
    )
    assert {r.camera: r.spectrum for r in dataset.records(Split.TRAIN)}[6] is Spectrum.THERMAL


def test_cameras_are_what_the_manifest_says(tmp_path):
    root = write_people(tmp_path / "set", 2, 1, 1, 1, manifest=False)
    plain = {r.camera: r.spectrum for r in open_dataset(root).records(Split.TRAIN)}
    assert (plain[3], plain[6]) == (Spectrum.NEAR, Spectrum.NEAR)
    named = {str(camera): {"spectrum": "visible"} for camera in (1, 2, 4)} | {"3": {"spectrum": "thermal"}}
    write(root, "synthetic.json", json.dumps({"cameras": named}))
    said = {r.camera: r.spectrum for r in open_dataset(root).records(Split.TRAIN)}
    assert said[3] is Spectrum.THERMAL and set(said) == {1, 2, 3, 4}
    write(root, "synthetic.json", json.dumps({"cameras": {"1": {"spectrum": "x-ray"}}}))
    with pytest.raises(SourceError, match="do not name their spectrum"):
        open_dataset(root)


def test_regdb_takes_the_identity_from_the_folder_and_the_split_from_the_trial(tmp_path):
    for side in ("visible", "thermal"):
        folder = side.capitalize()
        touch(tmp_path, *(f"{folder}/{identity}/a_{k}.bmp" for identity in (7, 193) for k in range(2)))
        for trial, (train, test) in {1: (7, 193), 2: (193, 7)}.items():
            for part, identity in (("train", train), ("test", test)):
                lines = "".join(f"{folder}/{identity}/a_{k}.bmp 0\n" for k in range(2))
                write(tmp_path, f"idx/{part}_{side}_{trial}.txt", lines)
    first, second = open_dataset(tmp_path), open_dataset(tmp_path, trial=2)
    assert identities_of(first.records(Split.TRAIN)) == [7]
    assert identities_of(second.records(Split.TRAIN)) == [193]
    kinds = {(r.camera, r.modality, r.spectrum) for r in first.records(Split.TEST)}
    assert kinds == {
        (1, Modality.VISIBLE, Spectrum.VISIBLE),
        (2, Modality.INFRARED, Spectrum.THERMAL),
    }
    with pytest.raises(SourceError, match="no images of its val split"):
        first.records(Split.VAL)
    with pytest.raises(SourceError, match="trials 1 to 10"):
        open_dataset(tmp_path, trial=11)
    with pytest.raises(SourceError, match=r"train_visible_3\.txt is missing"):
        open_dataset(tmp_path, trial=3)


def test_llcm_reads_lists_for_training_and_folders_for_test(tmp_path):
    write(tmp_path, "idx/train_vis.txt", "vis/0007/0007_c03_s1.jpg 0\n")
    write(tmp_path, "idx/train_nir.txt", "nir/0007/whatever.jpg 0\n")
    write(tmp_path, "idx/test_id.txt", "9,12\n")
    touch(tmp_path, "vis/0007/0007_c03_s1.jpg", "nir/0007/whatever.jpg")
    touch(tmp_path, "test_vis/cam1/0009/a.jpg", "test_nir/cam2/0009/b.jpg", "test_vis/cam1/0044/c.jpg")
    (tmp_path / "test_nir/cam3").mkdir()
    dataset = open_dataset(tmp_path)
    train, test = dataset.records(Split.TRAIN), dataset.records(Split.TEST)
    assert {(r.path, r.camera, r.identity) for r in train} == {
        ("vis/0007/0007_c03_s1.jpg", 3, 7),
        ("nir/0007/whatever.jpg", 0, 7),
    }
    assert [(r.path, r.caption_key, r.camera, r.modality) for r in test] == [
        ("test_vis/cam1/0009/a.jpg", "vis/0009/a.jpg", 1, Modality.VISIBLE),
        ("test_nir/cam2/0009/b.jpg", "nir/0009/b.jpg", 2, Modality.INFRARED),
    ]


def test_what_is_wrong_is_one_sentence(tmp_path, people):
    with pytest.raises(SourceError, match="does not exist"):
        open_dataset(tmp_path / "nowhere")
    with pytest.raises(SourceError, match="no data set of a known layout"):
        open_dataset(tmp_path)
    with pytest.raises(UsageError, match="no data set layout 'duke'"):
        open_dataset(people, "duke")
    root = write_people(tmp_path / "set", 2, 1, 1, 1)
    write(root, "exp/test_id.txt", "2,4")
    with pytest.raises(SourceError, match=r"Identity 2 .* is in two splits: train and test"):
        open_dataset(root)
    write(root, "exp/test_id.txt", "four")
    with pytest.raises(SourceError, match="not a list of numbers"):
        open_dataset(root)
    (root / "exp/test_id.txt").unlink()
    with pytest.raises(SourceError, match=r"test_id\.txt is missing"):
        open_dataset(root)


def test_another_set_of_files_has_another_digest(people):
    dataset = open_dataset(people)
    train, val = dataset.records(Split.TRAIN), dataset.records(Split.VAL)
    assert listing_digest(dataset, train) == listing_digest(dataset, train[::-1])
    assert len({listing_digest(dataset, some) for some in (train, val, train[1:])}) == 3


def test_images_are_resized_once(people, tmp_path):
    dataset = open_dataset(people)
    records = dataset.records(Split.VAL)
    told = []
    size = Preprocess(height=32, width=16, interpolation="area")
    images = resized_images(dataset, records, size, tmp_path, lambda *done: told.append(done))
    assert images.shape == (len(records), 32, 16, 3) and told[-1] == (len(records),) * 2
    crop = cv2.cvtColor(cv2.imread(str(dataset.file(records[5]))), cv2.COLOR_BGR2RGB)
    assert np.abs(images[5].astype(int) - size.resize([crop])[0]).max() <= 8
    told.clear()
    again = resized_images(dataset, records, size, tmp_path, lambda *done: told.append(done))
    assert not told and np.array_equal(again, images)
    assert resized_images(dataset, records[:3], size, tmp_path).shape[0] == 3
    with pytest.raises(ValueError, match="read-only"):
        again[0] = 0


def test_who_is_watched_is_never_learned_from(people):
    def people_of(**settings):
        material = open_material(DataSettings(**settings), people, 1)
        return set(identities_of(material.train)), set(identities_of(material.validation))

    assert people_of(split="train") == ({1, 2, 3, 4, 5}, {6, 7, 8})
    assert people_of(split="trainval") == (set(range(1, 9)), set())
    train, watched = people_of(split="trainval", hold_out=3)
    assert len(watched) == 3 and train | watched == set(range(1, 9)) and not train & watched
    fewer, more = (people_of(split="train", identities=n)[0] for n in (2, 4))
    assert len(fewer) == 2 and len(more) == 4 and fewer < more
    with pytest.raises(UsageError, match="5 identities to learn from"):
        people_of(split="train", identities=6)
    with pytest.raises(UsageError, match="names no data set"):
        open_material(DataSettings(), None, 1)


def test_a_sysu_tree_without_its_lists_is_called_that(tmp_path):
    (tmp_path / "cam1/0001").mkdir(parents=True)
    with pytest.raises(SourceError, match="laid out like SYSU-MM01 but lacks its exp folder"):
        open_dataset(tmp_path)


def test_infrared_images_in_a_palette_are_grey_as_an_embedder_makes_them(people, tmp_path, monkeypatch):
    dataset = open_dataset(people)
    records = dataset.records(Split.VAL)
    coloured = np.random.default_rng(1).integers(0, 256, (32, 16, 3), dtype=np.uint8)
    monkeypatch.setattr("training.datasets.resized.read_image", lambda file: coloured)
    images = resized_images(dataset, records, Preprocess(height=32, width=16), tmp_path)
    for record, image in zip(records, images, strict=True):
        expected = grey(coloured) if record.modality is Modality.INFRARED else coloured
        assert np.array_equal(image, expected)
