"""The data set and the videos of the synthetic world: layout, truth, and the same bytes every time."""

import hashlib
import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from reid_core.colours import contains_colour
from reid_core.errors import UsageError
from reid_core.types import Spectrum
from training.datasets.checking import check_dataset
from training.synthetic.people.drawing import draw_person
from training.synthetic.scenes.dataset import write_dataset
from training.synthetic.scenes.plan import Plan

pytestmark = pytest.mark.slow


def digests(folder):
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


PLAN = Plan(ids=6, seed=3, images=1, val=0.17, test=0.33)


@pytest.fixture(scope="module")
def written(module_tmp):
    pytest.importorskip("anny")
    out = module_tmp("world") / "one"
    told = []
    summary = write_dataset(out, PLAN, progress=lambda done, total: told.append((done, total)))
    return out, summary, told


def test_the_layout_is_sysus(written):
    out, summary, told = written
    assert summary.images == 36 == len(list(out.glob("cam*/*/*.jpg")))
    assert told[-1] == (36, 36)
    splits = {
        name: [int(one) for one in (out / "exp" / f"{name}_id.txt").read_text().split(",")]
        for name in ("train", "val", "test", "available")
    }
    assert [len(splits[name]) for name in ("train", "val", "test")] == [3, 1, 2]
    assert (
        sorted(splits["train"] + splits["val"] + splits["test"]) == splits["available"] == [1, 2, 3, 4, 5, 6]
    )
    manifest = json.loads((out / "synthetic.json").read_text())
    assert manifest["cameras"]["3"] == {"spectrum": "near"}
    assert manifest["cameras"]["6"] == {"spectrum": "thermal"}
    assert not (out / ".parts").exists()


def test_infrared_crops_are_grey_and_visible_ones_are_not(written):
    out, _, _ = written
    for camera, grey in ((1, False), (4, False), (3, True), (6, True)):
        pictures = [cv2.imread(str(path)).astype(int) for path in sorted(out.glob(f"cam{camera}/*/*.jpg"))]
        spread = np.mean([np.ptp(picture, axis=2).mean() for picture in pictures])
        assert (spread < 1) == grey, f"camera {camera}: {spread}"
        assert all(picture.shape[0] >= 24 and picture.std() > 4 for picture in pictures)


def test_every_image_has_its_captions_and_infrared_ones_name_no_colour(written):
    out, _, _ = written
    for name, cameras in (("RGB", (1, 2, 4, 5)), ("IR", (3, 6))):
        folder = out / "Text" / f"Synthetic_{name}"
        plain = json.loads((folder / f"caption_dict_Synthetic_{name}.json").read_text())
        both = json.loads((folder / f"caption_llm_dict_Synthetic_{name}.json").read_text())
        images = {str(path.relative_to(out)) for c in cameras for path in out.glob(f"cam{c}/*/*.jpg")}
        assert set(plain) == set(both) == images
        assert all(plain[key]["description"] == both[key]["description"] for key in images)
        by_identity = json.loads((folder / f"id_caption_map_Synthetic_{name}.json").read_text())
        assert set(by_identity) == {str(one) for one in range(1, 7)}
        if name == "IR":
            assert not any(
                contains_colour(text)
                for one in both.values()
                for text in (one["description"], one["aug_description"])
            )
    tags = json.loads((out / "attributes.json").read_text())
    assert len(tags["1"]) == 11
    carried = json.loads((out / "labels.json").read_text())
    assert carried["2"]["has_backpack"] == (draw_person(2, 3).item("backpack") is not None)


def test_the_same_bytes_on_two_processes_and_after_a_stop(written, tmp_path):
    out, _, _ = written
    write_dataset(tmp_path / "two", PLAN, processes=2)
    assert digests(tmp_path / "two") == digests(out)

    def stop(done, total):
        if done > 6:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_dataset(tmp_path / "stopped", PLAN, progress=stop)
    assert not (tmp_path / "stopped" / "synthetic.json").exists()
    write_dataset(tmp_path / "stopped", PLAN)
    assert digests(tmp_path / "stopped") == digests(out)
    with pytest.raises(UsageError, match="not empty"):
        write_dataset(tmp_path / "stopped", PLAN)


def test_later_visits_are_to_other_sites_and_varied_cameras_show_the_same_people(tmp_path):
    pytest.importorskip("anny")
    usual = Plan(ids=1, seed=3, images=1, val=0, test=0)
    plans = {
        "usual": usual,
        "twice": replace(usual, images=2, visits=2),
        "varied": replace(usual, varied=True),
    }
    for name, plan in plans.items():
        assert write_dataset(tmp_path / name, plan).images == plan.total
        report = check_dataset(tmp_path / name, deep=True)
        assert report.errors == 0, report.findings
    files = sorted(file.relative_to(tmp_path / "usual") for file in (tmp_path / "usual").glob("cam*/*/*.jpg"))
    assert len(files) == 6
    for file in files:
        own = (tmp_path / "usual" / file).read_bytes()
        assert (tmp_path / "twice" / file).read_bytes() == own, "the first visit is as it was"
        assert (tmp_path / "twice" / file).with_name("0002.jpg").is_file()
        assert (tmp_path / "varied" / file).read_bytes() != own
        # Where they stand and how they are cut out is the same; what the camera makes of it is not.
        usual_crop, varied_crop = (cv2.imread(str(tmp_path / name / file)) for name in ("usual", "varied"))
        assert usual_crop.shape == varied_crop.shape
    manifests = {name: json.loads((tmp_path / name / "synthetic.json").read_text()) for name in plans}
    assert not {"visits", "site", "varied"} & manifests["usual"].keys()
    assert manifests["twice"]["visits"] == 2 and manifests["varied"]["varied"] is True


def test_images_that_cannot_be_shared_out_are_refused():
    with pytest.raises(UsageError, match="multiple of --visits") as raised:
        Plan(ids=3, seed=1, images=3, visits=2)
    assert "3 images" in str(raised.value)
    with pytest.raises(UsageError, match="site"):
        Plan(ids=3, seed=1, site=0)


def test_everybody_passes_as_many_sites_in_other_company():
    plan = Plan(ids=100, seed=3, images=6, visits=3, site=10)
    sites = [one for one in plan.sites() if one.split == "train"]
    assert [one.number for one in sites] == list(range(21))
    for visit in range(3):
        everybody = sorted(who for one in sites if one.visit == visit for who in one.identities)
        assert everybody == plan.splits()["train"]
    assert [list(plan.indices(visit)) for visit in range(3)] == [[1, 2], [3, 4], [5, 6]]
    who = plan.splits()["train"][0]
    company = [one.identities for one in sites if who in one.identities]
    assert len(company) == 3 and len({frozenset(one) for one in company}) == 3


def test_videos_come_with_truth_and_labels(tmp_path):
    pytest.importorskip("anny")
    from training.synthetic.scenes.video import write_videos
    from training.synthetic.scenes.visits import VideoPlan

    plan = VideoPlan(people=2, seed=5, strangers=0.5, fps=4, size=(320, 240), every=5)
    manifest = write_videos(tmp_path / "night", plan, processes=1)
    assert manifest["people"]["2"]["night"] and not manifest["people"]["2"]["day"]
    for name, camera in manifest["cameras"].items():
        video = cv2.VideoCapture(str(tmp_path / "night" / f"{name}.mp4"))
        assert int(video.get(cv2.CAP_PROP_FRAME_COUNT)) == camera["frames"]
        rows = [
            line.split(",") for line in (tmp_path / "night/truth" / f"{name}.txt").read_text().splitlines()
        ]
        people = {int(row[1]) for row in rows}
        assert people == ({1} if camera["spectrum"] == str(Spectrum.VISIBLE) else {1, 2})
        assert all(1 <= int(row[0]) <= camera["frames"] for row in rows)
        assert all(float(row[2]) >= 0 and float(row[2]) + float(row[4]) <= 320.1 for row in rows)
        pictures = sorted((tmp_path / "night/images" / name).glob("*.jpg"))
        assert len(pictures) == -(-camera["frames"] // 5)
        labels = (tmp_path / "night/labels" / name).glob("*.txt")
        assert sum(len(path.read_text().splitlines()) for path in labels) > 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"ids": 0}, "at least one identity"),
        ({"val": 0.7, "test": 0.5}, "do not fit"),
        ({"seed": -1}, "seed"),
    ],
)
def test_impossible_plans_are_refused(values, words):
    with pytest.raises(UsageError, match=words):
        Plan(**({"ids": 3, "seed": 1} | values))


@pytest.mark.slow
def test_the_bench_counts_crops_and_frames():
    from console.bench.world import bench_world

    told = bench_world(identities=2, people=1)
    assert told["crops"]["crops"] == 2 * 18 and told["video"]["frames"] > 20
    assert told["crops"]["a_minute"] == pytest.approx(60 * 36 / told["crops"]["seconds"], rel=0.05)
    assert 0 < told["video"]["people_in_view"] <= 1 and told["ratio"] > 0
