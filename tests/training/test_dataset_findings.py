"""What can be wrong with the files of any data set, and with a synthetic one."""

import hashlib
import json
import shutil

import pytest

from console.dataset import check_command
from reid_core.errors import SourceError, UsageError
from tests.support.people import write_people
from tests.support.trees import errors, holding, without, write
from training.datasets.checking import Severity, check_dataset
from training.datasets.wording import few
from training.synthetic.scenes.dataset import write_dataset
from training.synthetic.scenes.plan import Plan


@pytest.fixture
def people(tmp_path):
    """A tiny set in SYSU-MM01's layout: every count is wrong, and nothing else."""
    root = write_people(tmp_path / "set", train=3, val=1, test=2, images=2, manifest=False)
    (root / "exp/rand_perm_cam.mat").touch()
    return root


def findings_of(root, **options):
    by_code = {}
    for each in check_dataset(root, **options).findings:
        if each.code != "count":
            by_code[each.code] = each
    return by_code


def test_nothing_else_is_wrong_with_these_people(people):
    assert set(findings_of(people)) == {"no-captions"}


def test_lists_and_folders_of_sysu(people):
    with without(people / "exp/val_id.txt"):
        assert findings_of(people)["missing-list"].text == "The list exp/val_id.txt is missing."
        counts = {count.what: count.found for count in check_dataset(people).counts}
        assert counts["identities of val"] is None and counts["identities of test"] == 2
    with holding(people / "exp/val_id.txt", "four"):
        assert "not a list of numbers" in findings_of(people)["bad-list"].text
    with holding(people / "exp/val_id.txt", "4,5"):
        assert (
            findings_of(people)["identity-in-two-splits"].text
            == "1 identity in two splits: 5 (val and test)."
        )
    with holding(people / "exp/test_id.txt", "5,6,77"):
        assert (
            findings_of(people)["no-folder"].text == "1 listed identity without an image at any camera: 77."
        )
    with holding(people / "exp/test_id.txt", "5"):
        unlisted = findings_of(people)["unlisted"]
        assert unlisted.severity is Severity.NOTE and unlisted.paths == ("6",)
        assert "1 identity with 12 images in no list" in unlisted.text
    with without(people / "cam6"):
        assert findings_of(people)["missing-folder"].paths == ("cam6",)
    (people / "cam1/0005").rename(people / "away")
    (people / "cam1/0005").mkdir()
    assert findings_of(people)["empty-folder"].paths == ("cam1/0005",)


def test_files_that_are_no_images(people):
    for path in ("cam1/0001/Thumbs.db", "cam1/7/0001.jpg", "cam2/readme.txt", "cam2/.hidden"):
        write(people, path, "x")
    strays = findings_of(people)["stray"]
    assert strays.severity is Severity.NOTE
    assert set(strays.paths) == {"cam1/0001/Thumbs.db", "cam1/7", "cam2/readme.txt"}


def test_files_that_cannot_be_read(people):
    (people / "cam1/0001/0001.jpg").write_bytes(b"")
    damaged = people / "cam2/0003/0002.jpg"
    damaged.write_bytes(damaged.read_bytes()[:200])
    seen = findings_of(people)
    assert seen["empty"].text == "1 image file without a byte: cam1/0001/0001.jpg."
    assert "damaged" not in seen
    seen = findings_of(people, deep=True)
    assert seen["damaged"].text == "1 image cannot be decoded: cam2/0003/0002.jpg."
    last = people / "cam6/0006/0002.jpg"

    def take_away(what, done, total):
        if done == 1:
            last.unlink(missing_ok=True)

    seen = findings_of(people, told=take_away)
    assert seen["unreadable"].text == "1 image cannot be read: cam6/0006/0002.jpg."


@pytest.mark.parametrize(
    ("copy", "code", "severity"),
    [
        ("cam1/0002/0009.jpg", "same-in-two-identities", "error"),
        ("cam3/0001/0009.jpg", "same-in-two-modalities", "error"),
        ("cam2/0001/0009.jpg", "same-twice", "note"),
    ],
)
def test_the_same_image_twice(people, copy, code, severity):
    shutil.copy(people / "cam1/0001/0001.jpg", people / copy)
    seen = findings_of(people)
    assert set(seen) == {"no-captions", code}
    assert seen[code].severity == severity
    assert set(seen[code].paths[0].split(" = ")) == {"cam1/0001/0001.jpg", copy}


def test_captions_beside_a_data_set(people):
    images = [path.relative_to(people).as_posix() for path in people.glob("cam[12]/*/*.jpg")]
    captions = {f"datasets/sysu/{path}": {"description": "a man"} for path in images}
    write(people, "Text/Blip_RGB/caption_dict_Blip_RGB.json", json.dumps(captions))
    write(people, "Text/Blip_RGB/id_caption_map_Blip_RGB.json", json.dumps({"1": ["a man"], "26": ["a boy"]}))
    texts = [each.text for each in check_dataset(people).findings if each.code == "captions"]
    assert texts == [
        "Text/Blip_RGB/caption_dict_Blip_RGB.json has captions for 24 images, and none for 24.",
        "Text/Blip_RGB/id_caption_map_Blip_RGB.json has captions of 2 identities.",
    ]
    write(people, "Text/Blip_RGB/caption_dict_Blip_RGB.json", "{")
    write(people, "Text/Blip_RGB/id_caption_map_Blip_RGB.json", '{"anna": ["a man"]}')
    wrong = [each for each in check_dataset(people).findings if each.code == "captions"]
    assert [each.severity for each in wrong] == [Severity.ERROR] * 2


@pytest.fixture
def synthetic(tmp_path):
    """As `write_dataset` leaves it; its images were drawn by hand, so that nothing has to be rendered."""
    root = tmp_path / "world"
    plan = Plan(ids=4, seed=3, images=1, val=0.25, test=0.25)
    drawn = write_people(tmp_path / "drawn", train=4, val=0, test=0, images=1, manifest=False)
    (root / ".parts").mkdir(parents=True)
    (root / ".parts/plan.json").write_text(json.dumps(plan.as_json(), sort_keys=True))
    for split, ids in plan.splits().items():
        lines = []
        for path in sorted(path for one in ids for path in drawn.glob(f"cam*/{one:04d}/*.jpg")):
            named = path.relative_to(drawn).as_posix()
            (root / named).parent.mkdir(parents=True)
            shutil.copy(path, root / named)
            record = {
                "path": named,
                "identity": int(path.parent.name),
                "camera": int(path.parent.parent.name[3:]),
                "caption": f"somebody in {named}",
                "rephrased": "Somebody.",
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            rest = dict.fromkeys(("visible", "yaw", "height", "distance", "mistakes"), 0)
            lines.append(json.dumps(record | rest))
        (root / f".parts/{split}-0000.jsonl").write_text("\n".join(lines) + "\n")
    write_dataset(root, plan)
    return root


def test_a_synthetic_set_is_consistent_with_itself(synthetic):
    for deep in (False, True):
        report = check_dataset(synthetic, deep=deep)
        assert report.layout == "synthetic" and report.findings == ()
    counts = {count.what: (count.found, count.expected) for count in report.counts}
    assert counts["images of camera 3"] == (4, 4) and counts["images in all"] == (24, 24)
    assert counts["identities of val"] == (1, 1)


def test_each_inconsistency_of_a_synthetic_set(synthetic):
    def code_of(path, change):
        before = (synthetic / path).read_text()
        with holding(synthetic / path, change(before)):
            return set(errors(check_dataset(synthetic)))

    def dropping(key):
        def change(text):
            values = json.loads(text)
            values.pop(key)
            return json.dumps(values)

        return change

    image = "cam1/0001/0001.jpg"
    for name in ("caption_dict", "caption_llm_dict"):
        file = f"Text/Synthetic_RGB/{name}_Synthetic_RGB.json"
        assert code_of(file, dropping(image)) == {"captions"}
    for file in ("Text/Synthetic_IR/id_caption_map_Synthetic_IR.json", "identity_captions.json"):
        assert code_of(file, dropping("2")) == {"captions"}
    for file in ("attributes.json", "labels.json"):
        assert code_of(file, dropping("2")) == {"labels"}
        assert code_of(file, lambda text: text[:20]) == {"labels"}
    assert code_of("images.jsonl", lambda text: text.partition("\n")[2]) == {"images-file"}
    assert code_of("images.jsonl", lambda text: "[]") == {"images-file"}
    assert code_of("exp/available_id.txt", lambda text: "1,2,3") == {"lists-differ"}
    assert code_of("synthetic.json", dropping("digest")) == {"no-digest"}
    assert code_of("synthetic.json", dropping("total")) == {"bad-manifest"}
    assert "bad-manifest" in code_of("synthetic.json", lambda text: "[")
    assert code_of("synthetic.json", lambda text: text.replace("near", "x-ray")) == {"bad-manifest"}
    with without(synthetic / "exp/available_id.txt"):
        assert set(errors(check_dataset(synthetic))) == {"bad-list"}
    with without(synthetic / "cam6/0003/0001.jpg"):
        seen = [each for each in check_dataset(synthetic).findings if each.severity is Severity.ERROR]
    assert {each.code for each in seen} == {"folder-count", "captions", "images-file"}
    assert "1 folder without exactly 1 image: cam6/0003." in [each.text for each in seen]
    test = (synthetic / "exp/test_id.txt").read_text()
    with holding(synthetic / "exp/train_id.txt", (synthetic / "exp/train_id.txt").read_text() + "," + test):
        assert set(errors(check_dataset(synthetic))) == {"identity-in-two-splits", "count"}


def test_a_changed_synthetic_image_is_found_by_looking_deep(synthetic):
    shutil.copy(synthetic / "cam1/0001/0001.jpg", synthetic / "cam1/0002/0001.jpg")
    assert set(errors(check_dataset(synthetic))) == {"same-in-two-identities"}
    assert set(errors(check_dataset(synthetic, deep=True))) == {"same-in-two-identities", "digest"}


def test_a_copy_that_cannot_be_checked(tmp_path, people):
    with pytest.raises(SourceError, match="does not exist"):
        check_dataset(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="no data set layout 'duke'"):
        check_dataset(people, "duke")
    with pytest.raises(SourceError, match="looks like no data set") as caught:
        check_dataset(tmp_path)
    assert caught.value.hint == f"{people} does."
    (tmp_path / "empty").mkdir()
    with pytest.raises(SourceError, match="Name the layout"):
        check_dataset(tmp_path / "empty")
    # Where the layout is named, whatever there is of it is compared.
    report = check_dataset(tmp_path / "empty", "regdb")
    assert [e.paths for e in report.findings if e.code == "missing-folder"] == [("Visible",), ("Thermal",)]
    assert any(e.text.startswith("40 lists missing: idx/train_visible_1.txt, ") for e in report.findings)


def test_the_command_says_it_in_words_and_in_json(people, synthetic, capsys):
    assert check_command("auto", synthetic) == 0
    assert "10 of 10 counts are right; errors: 0, notes: 0." in capsys.readouterr().out
    shutil.copy(people / "cam1/0001/0001.jpg", people / "cam1/0002/0009.jpg")
    assert check_command("sysu", people) == 1
    out = capsys.readouterr().out
    assert "error: 1 image under two identities: cam1/0001/0001.jpg = cam1/0002/0009.jpg.\n" in out
    assert out.index("\nerror: ") < out.index("\nnote: ")
    assert check_command("sysu", people, as_json=True) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["layout"] == "sysu" and said["errors"] == sum(
        each["severity"] == "error" for each in said["findings"]
    )
    assert {"what": "identities of test", "expected": 96, "found": 2} in said["counts"]


def test_a_few_names():
    assert few(["a"]) == "a" and few("abc") == "a, b, c"
    assert few(range(1005)) == "0, 1, 2 and 1,002 more"
