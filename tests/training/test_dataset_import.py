"""A user's own images made a data set, and everything that keeps them from being one."""

import csv
import json
import shutil
from dataclasses import replace

import cv2
import numpy as np
import pytest

from reid_core.errors import SourceError, UsageError
from reid_core.types import Modality, Spectrum
from tests.support.people import person
from training.datasets import Split, open_dataset
from training.datasets.checking import check_dataset
from training.datasets.importing import ImportSettings, import_dataset
from training.datasets.records import identities_of
from training.evaluation.evaluating import contests, evaluate_protocol
from training.evaluation.protocols import ProtocolSpec
from training.material import open_material
from training.recipe import DataSettings
from training.sampling import IdentitySampler

NAMES = ("anna", "bert", "clara", "dora", "emil", "fritz", "gerda", "hans", "ida", "jan")
PLAIN = ImportSettings()


def picture(file, identity, spectrum, number):
    file.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(file), person(identity, spectrum, np.random.default_rng([identity, number])))


def photos_of(root, names=NAMES, cameras=("gate", "yard"), infrared=("night",), images=2):
    """``visible/<name>/<camera>/k.png`` and ``infrared/...``."""
    for identity, name in enumerate(names, 1):
        for kind, places in (("visible", cameras), ("infrared", infrared)):
            for place, camera in enumerate(places):
                for k in range(images):
                    spectrum = "visible" if kind == "visible" else "near"
                    picture(root / kind / name / camera / f"{k}.png", identity, spectrum, 10 * place + k)
    return root


@pytest.fixture
def photos(tmp_path):
    return photos_of(tmp_path / "photos")


@pytest.fixture
def few(tmp_path):
    """Two people, one image of each modality; without folders of cameras."""
    return photos_of(tmp_path / "few", ("anna", "bert"), ("",), ("",), 1)


def table(folder, rows, header="path,identity,camera,modality"):
    file = folder / "table.csv"
    file.write_text("\n".join([header, *rows]) + "\n")
    return file


def refusal(*arguments, kind=SourceError):
    with pytest.raises(kind) as caught:
        import_dataset(*arguments)
    assert caught.value.message.endswith(".") and "\n" not in caught.value.message
    return caught.value.message


def test_folders_become_a_data_set_that_everything_opens(photos, tmp_path):
    settings = replace(PLAIN, same_place={"night": "yard"}, spectrum=Spectrum.NEAR, seed=4)
    imported = import_dataset(photos, tmp_path / "own", settings)
    dataset = open_dataset(tmp_path / "own")
    assert dataset == imported.dataset and dataset.layout == "own" and dataset.name == "photos"
    # Names become numbers in their order: cameras are gate, night and yard.
    assert dataset.same_place == {2: 3} and imported.notes == ()
    people = {split: identities_of(dataset.splits[split]) for split in Split}
    assert {split: len(ids) for split, ids in people.items()} == {"train": 7, "val": 1, "test": 2}
    assert sorted(one for ids in people.values() for one in ids) == list(range(1, 11))
    said = json.loads((tmp_path / "own/dataset.json").read_text())
    assert said["identities"]["1"] == "anna" and said["cameras"] == {"1": "gate", "2": "night", "3": "yard"}
    assert said["splits"] == "drawn: val 0.1, test 0.2, seed 4"
    records = [record for split in Split for record in dataset.splits[split]]
    assert len(records) == 60 and all(dataset.file(record).is_file() for record in records)
    one = next(record for record in records if record.path == "infrared/clara/night/1.png")
    assert (one.identity, one.camera, one.modality, one.spectrum) == (3, 2, Modality.INFRARED, Spectrum.NEAR)
    assert one.caption_key == one.path
    for split in Split:
        order = [(record.identity, record.camera, record.path) for record in dataset.splits[split]]
        assert order == sorted(order)
    # It is trained on ...
    material = open_material(DataSettings(split="train"), tmp_path / "own", 1)
    assert identities_of(material.train) == people["train"]
    assert identities_of(material.validation) == people["val"]
    batch = IdentitySampler(material.train, 1, identities=4).batch(0)
    assert {material.train[row].modality for row in batch.infrared.tolist()} == {Modality.INFRARED}
    # ... and evaluated: with the identity as its vector everybody is found.
    test = dataset.records(Split.TEST)
    vectors = np.eye(11, dtype=np.float32)[[record.identity for record in test]]
    spec = ProtocolSpec("own")
    found = contests(test, vectors, vectors, spec, same_place=dataset.same_place)
    assert [camera for contest in found for camera in set(contest.sides.gallery_cameras.tolist())] == [
        1,
        3,
    ] * 10
    assert evaluate_protocol(spec, found).mean("map") == 1.0
    report = check_dataset(tmp_path / "own", deep=True)
    assert report.findings == ()


def test_what_the_seed_draws(photos, tmp_path):
    def drawn(number, **settings):
        imported = import_dataset(photos, tmp_path / f"own{number}", replace(PLAIN, **settings))
        return [identities_of(imported.dataset.splits[split]) for split in Split], imported

    first, one = drawn(1, seed=1, val=0.2, test=0.5)
    again, two = drawn(2, seed=1, val=0.2, test=0.5)
    other, three = drawn(3, seed=2, val=0.2, test=0.5)
    assert [len(ids) for ids in first] == [3, 2, 5]
    assert first == again and one.dataset.digest == two.dataset.digest
    assert first != other and one.dataset.digest != three.dataset.digest
    none, imported = drawn(4, val=0, test=1)
    assert [len(ids) for ids in none] == [0, 0, 10]
    assert "Nobody is in the train split." in imported.notes
    for shares in ({"val": 0.6, "test": 0.5}, {"val": -0.1}, {"test": 0.95}):
        with pytest.raises(UsageError, match="do not fit in one data set"):
            drawn(5, **shares)


def test_images_stay_or_are_copied(few, tmp_path):
    away = import_dataset(few, tmp_path / "away", PLAIN).dataset
    copied = import_dataset(few, tmp_path / "copied", replace(PLAIN, copy=True)).dataset
    assert sorted(path.name for path in (tmp_path / "away").iterdir()) == ["dataset.json", "images.csv"]
    records = [record for split in Split for record in copied.splits[split]]
    assert [copied.file(each).read_bytes() for each in records] == [
        away.file(each).read_bytes() for each in records
    ]
    assert away.digest == copied.digest
    few.rename(tmp_path / "moved")
    (tmp_path / "copied").rename(tmp_path / "elsewhere")
    assert open_dataset(tmp_path / "elsewhere").file(records[0]).is_file()
    with pytest.raises(SourceError, match=r"should be in .*few, which is not there"):
        open_dataset(tmp_path / "away")


def test_without_folders_of_cameras_each_modality_is_one(few, tmp_path):
    (few / ".DS_Store").touch()
    (few / "readme.txt").touch()
    imported = import_dataset(few, tmp_path / "own", PLAIN)
    records = [record for split in Split for record in imported.dataset.splits[split]]
    assert {(r.camera, r.modality, r.spectrum) for r in records} == {
        (1, Modality.VISIBLE, Spectrum.VISIBLE),
        (2, Modality.INFRARED, None),
    }
    assert "Infrared images do not tell whether they are near infrared or thermal." in imported.notes


def test_a_table_says_everything(few, tmp_path):
    file = table(
        tmp_path,
        [
            "seen,0012,3,visible/anna/0.png,visible,,train",
            ",0012,4,infrared/anna/0.png,infrared,near,train",
            ",7,3,visible/bert/0.png,visible,,test",
        ],
        "note,identity,camera,path,modality,spectrum,split",
    )
    # As spreadsheets write it.
    file.write_text("\ufeff" + file.read_text(), encoding="utf-8")
    imported = import_dataset(few, tmp_path / "own", PLAIN, file)
    dataset = imported.dataset
    # Numbers stay what they are.
    assert {(r.identity, r.camera, r.spectrum) for r in dataset.records(Split.TRAIN)} == {
        (12, 3, Spectrum.VISIBLE),
        (12, 4, Spectrum.NEAR),
    }
    assert identities_of(dataset.records(Split.TEST)) == [7]
    assert imported.notes == (
        "1 identity has visible images only: not learned from.",
        "Nobody is in the val split.",
        "Columns that were not used: note.",
    )
    said = json.loads((tmp_path / "own/dataset.json").read_text())
    assert said["identities"] == {"12": "0012", "7": "7"} and said["splits"] == "as the table names them"
    with (tmp_path / "own/images.csv").open(newline="") as lines:
        assert next(csv.DictReader(lines)) == {
            "path": "visible/bert/0.png",
            "identity": "7",
            "camera": "3",
            "modality": "visible",
            "spectrum": "visible",
            "split": "test",
        }
    with pytest.raises(UsageError, match="names splits"):
        import_dataset(few, tmp_path / "other", replace(PLAIN, test=0.5), file)


GOOD = "visible/anna/0.png,anna,1,visible"


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ("visible/bert/9.png,bert,1,visible", "no file visible/bert/9.png"),
        (GOOD, "visible/anna/0.png is listed in line 2 too"),
        ("visible/bert/0.png,bert,1,thermal", "modality 'thermal' is neither visible nor infrared"),
        ("visible/bert/0.png,bert,1,", "no modality"),
        ("visible/bert/0.png,,,visible", "no identity and no camera"),
        ("visible/bert/0.png,bert,1", "fewer fields than the header names"),
        ("visible/bert/0.png,bert,1,visible,more", "more fields than the header names"),
        (
            "../few/visible/bert/0.png,bert,1,visible",
            "../few/visible/bert/0.png is no path inside the folder",
        ),
        ("/visible/bert/0.png,bert,1,visible", "/visible/bert/0.png is no path inside the folder"),
        ("C:\\bert\\0.png,bert,1,visible", "C:/bert/0.png is no path inside the folder"),
        ("visible/bert/0.txt,bert,1,visible", "visible/bert/0.txt is no image file"),
        ("visible/bert/bad.png,bert,1,visible", "visible/bert/bad.png is damaged"),
    ],
)
def test_a_row_that_cannot_be_used_is_named(few, tmp_path, row, reason):
    (few / "visible/bert/bad.png").write_bytes(b"no picture")
    file = table(tmp_path, [GOOD, row])
    said = refusal(few, tmp_path / "own", PLAIN, file)
    assert said == f"1 of 2 images of {file} cannot be used: line 3 ({reason})."
    assert not (tmp_path / "own").exists() and not list(tmp_path.glob(".own*"))


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (
            "infrared/anna/0.png,anna,2,infrared,visible,train",
            "'visible' of infrared light is not near or thermal",
        ),
        (
            "infrared/anna/0.png,anna,2,infrared,warm,train",
            "'warm' of infrared light is not near or thermal",
        ),
        ("infrared/anna/0.png,anna,2,infrared,near,dev", "split 'dev' is not train, val or test"),
        ("infrared/anna/0.png,anna,2,infrared,near,", "line 3 (no split)"),
        ("infrared/anna/0.png,anna,2,infrared,near,test", "identity anna is in train and in test"),
    ],
)
def test_spectrum_and_split_of_a_row(few, tmp_path, row, reason):
    header = "path,identity,camera,modality,spectrum,split"
    file = table(tmp_path, ["visible/anna/0.png,anna,1,visible,,train", row], header)
    assert reason in refusal(few, tmp_path / "own", PLAIN, file)


def test_tables_that_are_none(few, tmp_path):
    out = tmp_path / "own"
    assert "does not exist" in refusal(few, out, PLAIN, tmp_path / "nowhere.csv")
    file = table(tmp_path, [], "path;identity;camera;modality")
    assert "lacks the column path, identity, camera, modality" in refusal(few, out, PLAIN, file)
    file = table(tmp_path, [], "path,identity,modality")
    assert refusal(few, out, PLAIN, file) == f"The table {file} lacks the column camera."
    assert "names no image" in refusal(few, out, PLAIN, table(tmp_path, []))
    assert "is no CSV" in refusal(few, out, PLAIN, table(tmp_path, ['"' + "open", "x"]))
    file.write_bytes(b"path,identity\xff\n")
    assert "cannot be read" in refusal(few, out, PLAIN, file)
    mixed = [f"visible/anna/{k}.png,x,1,{kind}" for k, kind in ((1, "visible"), (0, "red"), (2, "visible"))]
    said = refusal(few, out, PLAIN, table(tmp_path, mixed))
    assert [line.split()[0] for line in said.split("line ")[1:]] == ["2", "3", "4"]
    many = table(tmp_path, [f"{k}.png,x,1,visible" for k in range(9)])
    said = refusal(few, out, PLAIN, many)
    assert said.startswith("9 of 9 images") and said.endswith("line 4 (no file 2.png) and 6 more.")
    doubt = table(tmp_path, [GOOD.replace("anna,1", "7,1"), "visible/bert/0.png,007,1,visible"])
    assert "'007' and '7' are one number, but two names" in refusal(few, out, PLAIN, doubt)


def test_folders_that_cannot_be_used(few, tmp_path):
    out = tmp_path / "own"
    assert "does not exist" in refusal(tmp_path / "nowhere", out, PLAIN)
    (tmp_path / "empty").mkdir()
    assert "neither a folder visible nor a folder infrared" in refusal(tmp_path / "empty", out, PLAIN)
    (tmp_path / "empty/visible").mkdir()
    assert "names no image" in refusal(tmp_path / "empty", out, PLAIN)
    image = few / "visible/anna/0.png"
    for path, reason in {
        "0.png": "neither under visible nor under infrared",
        "visible/0.png": "not in <identity>/ or <identity>/<camera>/",
        "visible/anna/1/2/0.png": "not in <identity>/ or <identity>/<camera>/",
        "infrared/anna/Thumbs.db": "no image file",
    }.items():
        (few / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(image, few / path)
        said = refusal(few, out, PLAIN)
        assert said == f"1 of 5 images of {few} cannot be used: {path} ({reason})."
        (few / path).unlink()
    assert not out.exists()


def test_linked_folders_are_read_and_circles_left(few, tmp_path):
    (tmp_path / "linked").mkdir()
    (tmp_path / "linked/visible").symlink_to(few / "visible")
    (tmp_path / "linked/visible/anna/circle").symlink_to(few / "visible")
    imported = import_dataset(tmp_path / "linked", tmp_path / "own", PLAIN)
    assert sorted(r.path for split in Split for r in imported.dataset.splits[split]) == [
        "visible/anna/0.png",
        "visible/bert/0.png",
    ]


def test_settings_that_contradict_the_images(few, tmp_path):
    out = tmp_path / "own"
    said = refusal(few, out, replace(PLAIN, same_place={"1": "2"}), kind=UsageError)
    assert said == "No infrared image is of a camera '1'."
    assert "seed is 0 or more" in refusal(few, out, replace(PLAIN, seed=-1), kind=UsageError)
    out.mkdir()
    import_dataset(few, out, PLAIN)
    assert refusal(few, out, PLAIN, kind=UsageError) == f"{out} is there already."


def test_a_data_set_that_was_changed_by_hand(few, tmp_path):
    root = tmp_path / "own"
    import_dataset(few, root, replace(PLAIN, val=0, test=0))
    images, manifest = (root / "images.csv").read_text(), (root / "dataset.json").read_text()

    def refused(name, text):
        (root / name).write_text(text)
        with pytest.raises(SourceError) as caught:
            open_dataset(root)
        report = check_dataset(root)
        assert [finding.text for finding in report.findings] == [caught.value.message]
        (root / "images.csv").write_text(images)
        (root / "dataset.json").write_text(manifest)
        return caught.value.message

    lines = images.splitlines()
    assert "line 2 (identity and camera must be whole numbers)" in refused(
        "images.csv", images.replace("0.png,1,", "0.png,anna,", 1)
    )
    assert "(no split)" in refused("images.csv", images.replace(",train", ",", 1))
    assert "identity 1 is in test and in train" in refused("images.csv", images.replace(",train", ",test", 1))
    assert "lists no image" in refused("images.csv", lines[0] + "\n")
    assert "In " in refused("dataset.json", manifest.replace('"name"', '"nome"'))
    assert "cannot be read" in refused("dataset.json", "{")
    (few / "visible/anna/0.png").unlink()
    report = check_dataset(root)
    assert [(each.code, each.paths) for each in report.findings] == [
        ("listed-missing", ("visible/anna/0.png",))
    ]
    picture(few / "visible/anna/0.png", 77, "visible", 1)
    assert not check_dataset(root).findings
    assert [each.code for each in check_dataset(root, deep=True).findings] == ["digest"]


def test_the_commands(command, photos, tmp_path):
    own = tmp_path / "deep/own"
    status, out, _ = command(
        "dataset", "import", photos, own, "--spectrum", "near", "--same-place", "night=gate"
    )
    assert status == 0 and f"photos is in {own}" in out
    status, out, _ = command("dataset", "check", "auto", own, "--deep", "--json")
    assert status == 0 and json.loads(out)["layout"] == "own"
    (photos / "visible/anna/gate/0.png").unlink()
    status, out, _ = command("dataset", "check", "own", own)
    assert status == 1 and "error: 1 listed image not there: visible/anna/gate/0.png." in out
    status, out, _ = command(
        "dataset", "import", photos, tmp_path / "two", "--json", "--val", "0", "--test", "0.5"
    )
    assert status == 0 and json.loads(out)["splits"]["test"]["identities"] == 5


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("import", "nowhere", "own"), "error[source]: The folder nowhere does not exist."),
        (("import", ".", "own", "--same-place", "3"), "error[usage]: --same-place 3 is not of the form"),
        (("import", ".", "file/own"), "error[storage]: "),
        (("import", ".", "."), "error[usage]: . is there already."),
        (("check", "auto", "nowhere"), "error[source]: The data set folder nowhere does not exist."),
        (("check", "auto", "."), "error[source]: The folder . looks like no data set of a known layout."),
        (("check", "duke", "."), "error[usage]: "),
    ],
)
def test_wrong_input_is_one_sentence(command, tmp_path, monkeypatch, arguments, sentence):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "file").touch()
    status, _, err = command("dataset", *arguments)
    assert status in (1, 2)
    assert "Traceback" not in err
    (line,) = [line for line in err.splitlines() if line.startswith("error[")]
    assert line.startswith(sentence) and line.endswith((".", "?"))
