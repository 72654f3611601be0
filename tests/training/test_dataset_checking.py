"""Copies of published data sets: whole ones, and what their lists and folders can lack."""

import json
import os
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.support.trees import errors, holding, notes, touch, without, write
from training.datasets.checking import Severity, check_dataset

HALVES = (range(1, 207), range(207, 413))


@pytest.fixture(scope="module")
def forest():
    """Where tens of thousands of empty files are made and removed: in memory, where there is such a place."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK)
    with tempfile.TemporaryDirectory(prefix="nightreid-", dir=memory if usable else None) as folder:
        yield Path(folder)


@pytest.fixture(scope="module")
def sysu(shared, forest):
    """All files of SYSU-MM01, without a byte in them."""
    said = json.loads((shared / "reference/sysu_protocol.json").read_text())
    root = forest / "sysu"
    for split in ("train", "val", "test"):
        write(root, f"exp/{split}_id.txt", ",".join(map(str, said[f"{split}_id"])) + "\n")
    touch(
        root,
        (
            f"cam{camera}/{int(identity):04d}/{number:04d}.jpg"
            for identity, counts in said["counts_cam1_to_6"].items()
            for camera, count in enumerate(counts, 1)
            for number in range(1, count + 1)
        ),
    )
    return root


@pytest.mark.slow
def test_sysu_is_what_was_published(sysu):
    report = check_dataset(sysu)
    assert report.layout == "sysu"
    assert not [count for count in report.counts if count.wrong or count.found is None]
    by_name = {count.what: count.found for count in report.counts}
    assert by_name["images of camera 3 in train and val"] == 7909
    assert by_name["identities at camera 6 in test"] == 96
    assert by_name["visible images of train"] == 20_284
    assert sum(by_name[f"{kind} images of test"] for kind in ("visible", "infrared")) == 10_578
    # The files of this tree hold nothing, and that is the only thing wrong with it.
    assert list(errors(report)) == ["empty"] and set(notes(report)) == {"no-permutations", "no-captions"}
    assert len(errors(report)["empty"].paths) == 44_745
    assert (
        "rand_perm_cam.mat is absent; only the protocols of sampler B"
        in notes(report)["no-permutations"].text
    )


@pytest.mark.slow
def test_what_is_missing_or_surplus_in_sysu_is_named(sysu):
    with without(sysu / "cam3/0006/0007.jpg"):
        one = errors(check_dataset(sysu))["count"]
    assert one.text == (
        "There are 1,882 images of camera 3 in test instead of 1,883: 1 missing; "
        "the numbering of the files leaves out cam3/0006/0007.jpg."
    )
    with holding(sysu / "cam4/0001/9999.jpg", "x"):
        text = errors(check_dataset(sysu))["count"].text
    assert text == "There are 5,812 images of camera 4 in train and val instead of 5,811: 1 too many."


def regdb_names():
    for identity in range(1, 413):
        for side, letter in (("Visible", "v"), ("Thermal", "t")):
            yield from (f"{side}/{identity}/male_back_{letter}_{k:05d}_{identity}.bmp" for k in range(10))


def regdb_lists(trial):
    """Train and test lists of one trial: which half is which, alternates."""
    for part, ids in zip(("train", "test"), HALVES[:: 1 if trial % 2 else -1], strict=True):
        for side, letter in (("Visible", "v"), ("Thermal", "t")):
            lines = [
                f"{side}/{identity}/male_back_{letter}_{k:05d}_{identity}.bmp {label}\n"
                for label, identity in enumerate(ids)
                for k in range(10)
            ]
            yield f"idx/{part}_{side.lower()}_{trial}.txt", lines


@pytest.fixture(scope="module")
def regdb(forest):
    root = forest / "regdb"
    touch(root, regdb_names())
    for trial in range(1, 11):
        for path, lines in regdb_lists(trial):
            write(root, path, "".join(lines))
    return root


def test_regdb_is_what_was_published(regdb):
    report = check_dataset(regdb)
    assert report.layout == "regdb" and list(errors(report)) == ["empty"]
    assert {count.what: count.found for count in report.counts if not count.detail} == {
        "identities in Visible": 412,
        "images in Visible": 4120,
        "identities in Thermal": 412,
        "images in Thermal": 4120,
    }
    of_trials = [count.found for count in report.counts if count.detail]
    assert sorted(of_trials) == [206] * 40 + [2060] * 40


@pytest.mark.slow
def test_what_is_missing_in_regdb_is_named(regdb):
    with without(regdb / "Thermal/12"), without(regdb / "Visible/7/male_back_v_00003_7.bmp"):
        seen = errors(check_dataset(regdb))
    assert seen["no-folder"].text == "1 identity of 1 to 412 without an image: Thermal/12."
    assert seen["not-ten"].text == "1 folder without exactly 10 images: Visible/7 has 9."
    assert seen["count"].text == "There are 411 identities in Thermal instead of 412: 1 missing."
    assert len(seen["listed-missing"].paths) == 11
    assert seen["listed-missing"].text.startswith(
        "11 listed images not there: Thermal/12/male_back_t_00000_12"
    )
    with without(regdb / "idx/test_thermal_3.txt"), without(regdb / "idx/train_visible_10.txt"):
        seen = errors(check_dataset(regdb))
    assert seen["missing-list"].text == "2 lists missing: idx/test_thermal_3.txt, idx/train_visible_10.txt."
    with holding(regdb / "Visible/413/x.bmp", "x"):
        assert notes(check_dataset(regdb))["unlisted"].paths == ("Visible/413",)


@pytest.mark.slow
def test_lists_of_regdb_that_do_not_fit_together(regdb):
    lists = dict(regdb_lists(1))
    thermal = lists["idx/test_thermal_1.txt"]
    file = regdb / "idx/test_thermal_1.txt"

    def with_lines(lines):
        with holding(file, "".join(lines)):
            return errors(check_dataset(regdb))

    assert "different orders" in with_lines(thermal[10:] + thermal[:10])["order"].text
    relabelled = [line.replace(" 205\n", " 204\n") for line in thermal]
    assert "one to one" in with_lines(relabelled)["labels"].text
    # Within a person files may come in any order.
    assert set(with_lines(thermal[9::-1] + thermal[10:])) == {"empty"}
    swapped = with_lines([*thermal[10:], *lists["idx/train_thermal_1.txt"][:10]])
    assert swapped["identity-in-two-splits"].text == "1 identity in train and test of trial 1: 1."
    assert swapped["sides-differ"].text.startswith("2 identities in only one of the visible and the thermal")
    short = with_lines(thermal[1:])
    assert short["count"].text == (
        "There are 2,059 images in idx/test_thermal_1.txt instead of 2,060: 1 missing."
    )
    assert "path label" in with_lines(["Thermal/1/a.bmp\n"])["bad-list"].text
    assert "in no identity's folder" in with_lines(["a.bmp 0\n"])["bad-list"].text


def llcm_names():
    """Side, path below the side's folders, for train and test; so many a person that the counts come out."""
    for side, train, test in (("vis", 16_946, 8_680), ("nir", 13_975, 7_166)):
        yield from (("train", f"{side}/{i % 713 + 1:04d}/{i:05d}_c01_f.jpg") for i in range(train))
        cameras = [camera for camera in range(1, 10) if (side, camera) != ("nir", 3)]
        for i in range(test):
            camera = cameras[i // 351 % len(cameras)]
            yield "test", f"test_{side}/cam{camera}/{i % 351 + 714:04d}/{i:05d}.jpg"


@pytest.fixture(scope="module")
def llcm(forest):
    root = forest / "llcm"
    names = list(llcm_names())
    touch(root, (path for _, path in names))
    for side in ("vis", "nir"):
        own = [path for part, path in names if part == "train" and path.startswith(side)]
        write(root, f"idx/train_{side}.txt", "".join(f"{path} 0\n" for path in own))
    write(root, "idx/test_id.txt", ",".join(map(str, range(714, 1065))) + "\n")
    return root


@pytest.mark.slow
def test_llcm_is_what_was_published(llcm):
    report = check_dataset(llcm)
    assert report.layout == "llcm" and list(errors(report)) == ["empty"]
    assert not [count for count in report.counts if count.wrong or count.found is None]
    by_name = {count.what: count.found for count in report.counts}
    assert by_name["visible images in all"] == 25_626 and by_name["infrared images in all"] == 21_141
    assert by_name["identities in all"] == 1064
    assert "as in every copy" in notes(report)["no-nir-camera-3"].text
    (llcm / "test_nir/cam3").mkdir()
    assert set(notes(check_dataset(llcm))) == {"no-nir-camera-3", "no-captions"}
    (llcm / "test_nir/cam3").rmdir()


@pytest.fixture
def few_of_llcm(tmp_path):
    root = tmp_path / "llcm"
    write(root, "idx/train_vis.txt", "vis/0007/a.jpg 0\nvis/0008/a.jpg 1\n")
    write(root, "idx/train_nir.txt", "nir/0007/b.jpg 0\n")
    write(root, "idx/test_id.txt", "9,12\n")
    for path in ("vis/0007/a.jpg", "vis/0008/a.jpg", "nir/0007/b.jpg", "test_vis/cam1/0009/c.jpg"):
        write(root, path, path)
    for side in ("vis", "nir"):
        for camera in range(1, 10):
            write(root, f"test_{side}/cam{camera}/0012/d.jpg", f"{side}{camera}")
    shutil.rmtree(root / "test_nir/cam3")
    return root


def test_what_is_wrong_with_llcm_is_named(few_of_llcm):
    root = few_of_llcm

    def changed(path, text):
        with holding(root / path, text):
            return check_dataset(root)

    # Another name for nobody's images; every count is far from the published one.
    whole = {each.code for each in check_dataset(root).findings}
    assert whole == {"count", "no-nir-camera-3", "no-captions"}
    seen = {each.code: each for each in changed("vis/0009/c.jpg", "test_vis/cam1/0009/c.jpg").findings}
    assert seen["unlisted"].paths == ("vis/0009/c.jpg",)
    assert "same-twice" not in seen, "vis and nir hold the test images a second time by design"
    seen = {each.code: each for each in changed("idx/test_id.txt", "7,9,12,13").findings}
    assert seen["identity-in-two-splits"].text == "1 identity in the lists of train and test: 7."
    assert seen["no-folder"].paths == ("7", "13")
    seen = {each.code: each for each in changed("idx/test_id.txt", "12").findings}
    assert seen["unlisted-identity"].paths == ("test_vis/cam1/0009",)
    seen = {each.code: each for each in changed("idx/train_vis.txt", "vis/0007/gone.jpg 0\n").findings}
    assert seen["listed-missing"].text == "1 listed image not there: vis/0007/gone.jpg."
    assert "bad-list" in {each.code for each in changed("idx/train_vis.txt", "gone.jpg 0\n").findings}
    assert "bad-list" in {each.code for each in changed("idx/train_vis.txt", "\n").findings}
    assert "bad-list" in {each.code for each in changed("idx/test_id.txt", "nobody").findings}
    for path in ("idx/train_nir.txt", "idx/test_id.txt"):
        with without(root / path):
            missing = [e.text for e in check_dataset(root, "llcm").findings if e.code == "missing-list"]
        assert missing == [f"The list {path} is missing."]
    for path in ("nir", "test_vis/cam3"):
        with without(root / path):
            missing = [e.text for e in check_dataset(root, "llcm").findings if e.code == "missing-folder"]
        assert missing == [f"The folder {path} is missing."]


@pytest.mark.slow
def test_one_image_in_two_splits(few_of_llcm):
    write(few_of_llcm, "idx/test_id.txt", "7,9,12")
    write(few_of_llcm, "test_vis/cam1/0007/other.jpg", "vis/0007/a.jpg")
    seen = {each.code: each for each in check_dataset(few_of_llcm).findings}
    assert seen["same-in-two-splits"].severity is Severity.ERROR
    assert seen["same-in-two-splits"].paths == ("vis/0007/a.jpg = test_vis/cam1/0007/other.jpg",)
