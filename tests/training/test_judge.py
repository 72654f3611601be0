import json
from itertools import product

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reid_core.errors import SourceError, UsageError
from reid_core.types import Detections
from training.datasets.opening import open_dataset
from training.evaluation.baselines import files_embedder
from training.synthetic.judges.frames import judge_people, read_frames
from training.synthetic.judges.judge import (
    JUDGING_NETWORK,
    Target,
    area_under_roc,
    judge_attributes,
    judge_identities,
)
from training.synthetic.judges.networks import ATTRIBUTE_OUTPUTS

scores = st.lists(st.integers(0, 5), min_size=1, max_size=12)


@settings(deadline=None)
@given(positives=scores, negatives=scores)
def test_area_under_roc_is_the_share_of_pairs_in_order(positives, negatives):
    pairs = [(p > n) + (p == n) / 2 for p, n in product(positives, negatives)]
    assert area_under_roc(positives, negatives) == pytest.approx(np.mean(pairs))
    assert np.isnan(area_under_roc(positives, []))


def test_a_target_has_two_ends_and_no_number_meets_none():
    both = Target(least=0.7, most=0.97)
    assert [both.met(value) for value in (0.69, 0.7, 0.97, 0.98, float("nan"))] == [
        False,
        True,
        True,
        False,
        False,
    ]
    assert not Target(least=0.9).met(float("nan"))
    assert Target(most=3 / 60).met(0.05)


# Frames ---------------------------------------------------------------------


class Finds:
    """Stands in for the detector: it says what it is told of each picture."""

    def __init__(self, answers):
        self.answers = answers

    def detect(self, frames):
        # A picture says by its grey which one it is.
        return [self.answers[int(frame.image.mean().round()) // 10] for frame in frames]


def found(*boxes):
    return Detections(np.array(boxes, np.float32).reshape(-1, 4), np.full(len(boxes), 0.6, np.float32))


def person(left, height=100.0, visible=1.0):
    return {"identity": 1, "box": [left, 50, left + 40, 50 + height], "visible": visible, "height": height}


def write_frames(folder, people):
    truth = []
    for number, (spectrum, inside) in enumerate(people, 1):
        path = folder / "images" / spectrum / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), np.full((200, 400, 3), 10 * number, np.uint8))
        truth.append({"image": str(path.relative_to(folder)), "spectrum": spectrum, "people": inside})
    (folder / "truth.json").write_text(json.dumps(truth))


def test_counts_the_whole_and_large_people_found_in_each_spectrum(tmp_path):
    write_frames(
        tmp_path,
        [
            # The second is half hidden and the third is too small: neither counts, found or not.
            ("visible", [person(10), person(100, visible=0.5), person(200, height=60)]),
            ("visible", [person(10), person(100)]),
            ("near", [person(10)]),
            ("thermal", [person(10), person(30)]),
        ],
    )
    whole = (10, 50, 50, 150)
    detector = Finds(
        {
            1: found(whole, (100, 50, 140, 150)),
            # One right, one elsewhere.
            2: found(whole, (300, 50, 340, 150)),
            # Half the person's area: just enough, and less than that.
            3: found((10, 50, 50, 100)),
            # One box is one person's, however many it overlaps.
            4: found((20, 50, 60, 150)),
        }
    )
    by_name = {verdict.figure: verdict for verdict in judge_people(read_frames(tmp_path), detector)}
    visible, near = by_name["people found, visible"], by_name["people found, near"]
    assert visible.value == pytest.approx(2 / 3) and visible.passed is False
    assert (visible.facts["people"], visible.facts["not_all_found"]) == (3, ["2.png"])
    assert visible.facts["precision"] == pytest.approx(2 / 3, abs=1e-4)
    assert near.value == 1 and near.passed is True
    assert by_name["people found, thermal"].value == pytest.approx(1 / 2)


def test_frames_without_truth_are_told_of(tmp_path):
    with pytest.raises(SourceError, match=r"truth\.json"):
        read_frames(tmp_path)


# Crops ----------------------------------------------------------------------


def write_people(folder, ids=60, unlike=(), **labels):
    """Everybody a colour of their own in visible light; in infrared everybody is the same grey.

    Args:
        folder: to write.
        ids: number of people.
        unlike: of whom camera 5 shows another colour.
        labels: per attribute, the identities that have it.
    """
    for identity in range(1, ids + 1):
        for camera in range(1, 7):
            colour = [3 * identity, 40, 250 - 3 * identity]
            if camera in (3, 6):
                colour = [90, 90, 90]
            elif camera == 5 and identity in unlike:
                colour = [0, 255, 0]
            place = folder / f"cam{camera}" / f"{identity:04d}"
            place.mkdir(parents=True)
            cv2.imwrite(str(place / "0001.png"), np.full((4, 2, 3), colour, np.uint8))
    (folder / "exp").mkdir()
    (folder / "exp/train_id.txt").write_text(",".join(map(str, range(1, 11))))
    (folder / "exp/test_id.txt").write_text(",".join(map(str, range(11, ids + 1))))
    cameras = {str(camera): {"spectrum": "visible"} for camera in (1, 2, 4, 5)}
    cameras |= {"3": {"spectrum": "near"}, "6": {"spectrum": "thermal"}}
    (folder / "synthetic.json").write_text(json.dumps({"cameras": cameras}))
    said = {
        identity: {key: identity in labels.get(key, ()) for key in ATTRIBUTE_OUTPUTS}
        for identity in range(1, ids + 1)
    }
    (folder / "labels.json").write_text(json.dumps(said))
    return open_dataset(folder)


def mean_colour(crops, modality):
    colours = np.array([crop.reshape(-1, 3).mean(0) for crop in crops]) - 128
    return (colours / np.linalg.norm(colours, axis=1, keepdims=True)).astype(np.float32)


@pytest.fixture(scope="module")
def people(module_tmp):
    return write_people(
        module_tmp("people"),
        ids=65,
        unlike=range(1, 7),
        has_hat=range(1, 31),
        has_backpack=(),
        is_male=range(33, 66),
    )


def test_people_are_told_apart_sixty_at_a_time_over_all_pairs_of_cameras(people):
    networks = {JUDGING_NETWORK: files_embedder(mean_colour), "another": files_embedder(mean_colour)}
    verdicts = judge_identities(people, networks)
    assert [(verdict.judge, verdict.figure) for verdict in verdicts[:3]] == [
        (JUDGING_NETWORK, "visible rank-1 across views"),
        (JUDGING_NETWORK, "near to visible rank-1"),
        (JUDGING_NETWORK, "thermal to visible rank-1"),
    ]
    visible, near, thermal = verdicts[:3]
    # Half of the twelve ordered pairs have camera 5 in them, where six of sixty are not themselves.
    assert visible.value == pytest.approx(1 - 6 / 60 / 2, abs=0.01)
    assert visible.passed is True
    assert (visible.facts["crowds"], visible.facts["rankings"]) == (1, 12)
    # All alike in infrared: one of sixty is first for everybody. Camera 3 does not search camera 2.
    assert near.value == pytest.approx(1 / 60, abs=1e-6) and near.passed is True
    assert (near.facts["rankings"], thermal.facts["rankings"]) == (3, 4)
    for one in (visible, near, thermal):
        low, high = one.facts["interval_95"]
        assert low <= one.value <= high and one.facts["queries"] == 60 * one.facts["rankings"]
    assert [verdict.passed for verdict in verdicts[3:]] == [None] * 3


def test_a_world_of_too_few_is_not_judged(tmp_path):
    with pytest.raises(UsageError, match="20 identities; 60 are needed"):
        judge_identities(write_people(tmp_path, ids=20), {JUDGING_NETWORK: files_embedder(mean_colour)})


def test_attributes_are_ordered_as_the_labels_say(people):
    def network(crops):
        blue = np.array([crop[..., 2].mean() for crop in crops])
        blue[np.array([crop[..., 1].mean() for crop in crops]) > 100] = 0
        # Only one output knows anything: hats go with the lower numbers, that is with less blue.
        answers = np.zeros((len(crops), len(ATTRIBUTE_OUTPUTS)), np.float32)
        answers[:, ATTRIBUTE_OUTPUTS.index("has_hat")] = -blue
        return answers

    verdicts = {verdict.figure: verdict for verdict in judge_attributes(people, network)}
    hat, gender, backpack = (verdicts[f"AUC of {name}"] for name in ("hat", "gender", "backpack"))
    assert (hat.value, hat.passed) == (1, True)
    assert hat.facts["of_crops"] == 1
    assert (hat.facts["identities_with"], hat.facts["identities_without"]) == (30, 35)
    assert (gender.value, gender.passed) == (0.5, False)
    # Nobody carries one: no figure, which is not a figure that is met.
    assert np.isnan(backpack.value) and backpack.passed is False
    assert backpack.as_json()["value"] is None
    assert verdicts["AUC of bag"].passed is None
    json.dumps([verdict.as_json() for verdict in verdicts.values()], allow_nan=False)


# The networks, on real people -------------------------------------------------

# Of the day's video: frame, box (left, top, right, bottom), whether long hair is seen from behind.
VISITS = [
    (300, (383, 3, 542, 384), False),
    (408, (384, 4, 544, 384), False),
    (984, (384, 7, 523, 379), True),
    (1140, (384, 9, 524, 379), True),
]


@pytest.fixture(scope="module")
def visitors(shared):
    video = cv2.VideoCapture(str(shared / "data/day_visible/one_by_one.mp4"))
    crops = []
    for frame, (left, top, right, bottom), _ in VISITS:
        video.set(cv2.CAP_PROP_POS_FRAMES, frame)
        picture = video.read()[1][..., ::-1]
        crops.append(np.ascontiguousarray(picture[top:bottom, left:right]))
    return crops


@pytest.mark.footage
def test_the_attribute_network_sees_what_real_people_wear(shared, visitors):
    from training.synthetic.judges.networks import AttributeNetwork

    answers = AttributeNetwork(shared / "weights", 1)(visitors)
    assert answers.shape == (4, 8) and answers.min() >= 0 and answers.max() <= 1
    by_name = dict(zip(ATTRIBUTE_OUTPUTS, answers.T, strict=True))
    long_hair = np.array([each[2] for each in VISITS])
    assert ((by_name["has_longhair"] > 0.9) == long_hair).all()
    assert ((by_name["is_male"] > 0.9) == ~long_hair).all()
    assert (by_name["has_longsleeves"] > 0.7).all() and (by_name["has_longpants"] > 0.6).all()
    assert (by_name["has_hat"] < 0.1).all()


@pytest.mark.footage
def test_public_networks_know_a_real_person_again(shared, visitors):
    from training.evaluation.public_networks import PUBLIC_NETWORKS, open_public_network

    for name in PUBLIC_NETWORKS:
        vectors = open_public_network(name, shared / "weights", 1).embed(visitors, "visible")
        likeness = vectors @ vectors.T
        same, different = min(likeness[0, 1], likeness[2, 3]), likeness[:2, 2:].max()
        assert same > different + 0.2, name


@pytest.mark.slow
@pytest.mark.footage
def test_the_command_judges_a_world_that_it_makes(shared, nightreid, tmp_path):
    pytest.importorskip("anny")
    from training.synthetic.scenes.dataset import write_dataset
    from training.synthetic.scenes.frames import write_frames
    from training.synthetic.scenes.plan import Plan

    write_dataset(tmp_path / "reid", Plan(ids=60, seed=3, images=1, val=0.0, test=1.0))
    write_frames(tmp_path / "frames", 4, 3)
    done = nightreid(
        *("synthetic", "judge", "--data", tmp_path, "--weights", shared / "weights", "--json"),
        cwd=tmp_path,
        timeout=600,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["data"]["seed"] == 3
    figures = {(each["judge"], each["figure"]): each for each in told["verdicts"]}
    assert len(figures) == 3 + 3 * 3 + 8
    assert told["passed"] == all(each["passed"] is not False for each in figures.values())
    # Whatever else: they look like people, and not all alike.
    assert figures["YOLO11n int8", "people found, visible"]["value"] > 0.5
    assert figures["OMZ 0287", "visible rank-1 across views"]["value"] > 10 / 60
