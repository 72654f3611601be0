"""Average precision against hand-made cases and a slow obvious reference; the truth it is measured with."""

import json
import math

import numpy as np
import pytest

from detectors.config import DetectorSettings
from reid_core.errors import SourceError
from reid_core.types import Detections, Floats, Frame, Modality
from training.evaluation.detection import (
    REASONABLE_HEIGHT,
    FrameTruth,
    evaluate_detector,
    figures,
    find,
    match,
    ranking_settings,
    read_coco,
    read_mot,
    read_yolo,
)

HERE, THERE, FAR = [0, 0, 10, 20], [50, 0, 60, 20], [200, 200, 210, 220]


def found(*rows):
    """Detections from ``(box, confidence)``."""
    boxes = np.array([box for box, _ in rows], np.float32).reshape(-1, 4)
    return Detections(boxes, np.array([score for _, score in rows], np.float32))


def test_everybody_found_and_nobody_else_is_one():
    result = figures([found((HERE, 0.9), (THERE, 0.3))], [FrameTruth.of([HERE, THERE])])
    assert (result.ap50, result.area, result.recall, result.people) == (1.0, 1.0, 1.0, 2)


def test_a_hand_computed_case():
    """Right (.9), false (.8), right (.7), of three: precision 1 to recall 1/3, 2/3 to 2/3, 0 beyond."""
    result = figures(
        [found((HERE, 0.9), (FAR, 0.8)), found((THERE, 0.7))],
        [FrameTruth.of([HERE]), FrameTruth.of([HERE, THERE])],
    )
    assert result.area == pytest.approx(1 / 3 + 2 / 3 / 3)
    # Recalls 0 to .33 are 34 of 101 points, .34 to .66 are 33.
    assert result.ap50 == pytest.approx((34 + 33 * 2 / 3) / 101)
    assert result.recall == pytest.approx(2 / 3)


def test_the_surest_of_two_on_one_person_is_right_and_the_other_false():
    scores, right = match(found((HERE, 0.5), ([0, 0, 10, 19], 0.9)), FrameTruth.of([HERE]))
    assert scores.tolist() == pytest.approx([0.9, 0.5])
    assert right.tolist() == [True, False]


def test_overlap_is_intersection_over_union_and_half_is_enough():
    half, less = [0, 0, 10, 10], [0, 0, 10, 9.9]
    assert match(found((half, 0.9)), FrameTruth.of([HERE]))[1].tolist() == [True]
    assert match(found((less, 0.9)), FrameTruth.of([HERE]))[1].tolist() == [False]


def test_who_is_ignored_is_neither_missed_nor_false():
    truth = [FrameTruth.of([HERE, THERE], [False, True])]
    assert figures([found((HERE, 0.9))], truth).ap50 == 1.0
    # However often, and however sure.
    assert figures([found((HERE, 0.5), (THERE, 0.9), (THERE, 0.8))], truth).ap50 == 1.0
    assert figures([found((HERE, 0.5), (FAR, 0.9))], truth).ap50 < 0.6


def test_somebody_who_counts_goes_before_somebody_ignored():
    close = FrameTruth.of([[0, 0, 10, 18], HERE], [False, True])
    assert match(found((HERE, 0.9)), close)[1].tolist() == [True]


def test_low_false_detections_are_left_out_where_low_people_are():
    low = [100, 0, 110, 30]
    assert figures([found((HERE, 0.9), (low, 0.95))], [FrameTruth.of([HERE])], least_height=31).ap50 == 1.0
    assert figures([found((HERE, 0.9), (low, 0.95))], [FrameTruth.of([HERE])], least_height=30).ap50 < 0.6


def test_without_people_there_is_no_precision_to_tell():
    assert math.isnan(figures([found((HERE, 0.9))], [FrameTruth.of([])]).ap50)
    assert figures([Detections.empty()], [FrameTruth.of([HERE])]).ap50 == 0.0


def reference(frames, truths):
    """COCO's average precision for one class by loops, one detection at a time."""
    ranked = sorted(
        (
            (-float(score), frame, row)
            for frame, one in enumerate(frames)
            for row, score in enumerate(one.confidences)
        ),
    )
    taken, marks = set(), []
    for _, frame, row in ranked:
        x1, y1, x2, y2 = (float(v) for v in frames[frame].boxes[row])
        best, who, over_ignored = 0.5, None, False
        for person, (box, ignored) in enumerate(zip(truths[frame].boxes, truths[frame].ignored, strict=True)):
            a1, b1, a2, b2 = (float(v) for v in box)
            shared = max(0.0, min(x2, a2) - max(x1, a1)) * max(0.0, min(y2, b2) - max(y1, b1))
            union = (x2 - x1) * (y2 - y1) + (a2 - a1) * (b2 - b1) - shared
            iou = shared / union
            if ignored:
                over_ignored |= iou >= 0.5
            elif (frame, person) not in taken and iou >= best:
                best, who = iou, person
        if who is not None:
            taken.add((frame, who))
            marks.append(1)
        elif not over_ignored:
            marks.append(0)
    total = sum(int((~one.ignored).sum()) for one in truths)
    points = [(sum(marks[: i + 1]) / total, sum(marks[: i + 1]) / (i + 1)) for i in range(len(marks))]
    return (
        sum(
            max((precision for recall, precision in points if recall >= at / 100 - 1e-12), default=0.0)
            for at in range(101)
        )
        / 101
    )


def test_the_same_as_the_slow_reference_on_crowds():
    rng = np.random.default_rng(3)
    for _ in range(25):
        frames, truths = [], []
        for _ in range(6):
            corner = rng.uniform(0, 60, (rng.integers(0, 6), 2))
            people = np.concatenate([corner, corner + rng.uniform(8, 30, corner.shape)], axis=1)
            guesses = people[rng.random(len(people)) < 0.8] + rng.normal(0, 2, 4)
            noise = rng.uniform(0, 60, (2, 2))
            guesses = np.concatenate([guesses, np.concatenate([noise, noise + 15], axis=1)])
            scores = rng.permutation(1000)[: len(guesses)] / 1000 + 1e-4 * rng.random()
            frames.append(Detections(guesses.astype(np.float32), scores.astype(np.float32)))
            truths.append(FrameTruth.of(people, rng.random(len(people)) < 0.2))
        if sum((~one.ignored).sum() for one in truths):
            assert figures(frames, truths).ap50 == pytest.approx(reference(frames, truths), abs=1e-9)


class Eye:
    """A detector that finds what a white-hot picture shows only in its negative."""

    def __init__(self):
        self.calls = []

    def detect(self, frames, invert=False):
        self.calls.append(invert)
        return [found((HERE, 0.9 if invert else 0.2)) for _ in frames]

    def judge(self, modality):
        from detectors.thermal import PolarityJudge

        return PolarityJudge()


def pictures(count, modality):
    blank = np.zeros((32, 32, 3), np.uint8)
    return [Frame("a", modality, index, 0, blank) for index in range(count)]


def test_polarity_is_found_out_only_where_asked_for():
    truth = [FrameTruth.of([HERE])] * 9
    eye = Eye()
    judged = find(eye, pictures(9, Modality.INFRARED), Modality.INFRARED, "auto")
    assert all(one.confidences[0] == pytest.approx(0.9) for one in judged)
    assert find(eye, pictures(1, Modality.INFRARED), Modality.INFRARED)[0].confidences[0] < 0.3
    eye = Eye()
    result = evaluate_detector(eye, pictures(9, Modality.VISIBLE), truth, Modality.VISIBLE, "auto")
    assert result.ap50 == 1.0
    assert set(eye.calls) == {False}


def test_ranking_keeps_the_least_sure_detections():
    settings = ranking_settings(DetectorSettings())
    assert settings.visible.low_confidence == settings.infrared.low_confidence == 0.01
    assert settings.infrared.tile_below == DetectorSettings().infrared.tile_below


@pytest.fixture
def coco(tmp_path):
    def person(number, box, **more):
        return {"id": number, "image_id": 0, "category_id": 1, "bbox": box, **more}

    path = tmp_path / "people.json"
    values = {
        "images": [{"id": 0, "im_name": "set06/V000/I00019", "width": 640, "height": 512}],
        "categories": [{"id": 1, "name": "person"}, {"id": 2, "name": "cyclist"}],
        "annotations": [
            person(0, [100, 100, 20, 60], occlusion=0, ignore=0),
            person(1, [200, 100, 20, 60], occlusion=2, ignore=0),
            person(2, [300, 100, 20, 54], occlusion=0, ignore=0),
            person(3, [0, 100, 20, 60], occlusion=1, ignore=0),
            person(4, [400, 100, 20, 60], occlusion=1, ignore=1),
            person(5, [500, 100, 20, 60]) | {"category_id": 2},
        ],
    }
    path.write_text(json.dumps(values))
    return path


def test_coco_boxes_and_the_reasonable_subset(coco):
    everybody = read_coco(coco)["set06/V000/I00019"]
    assert everybody.boxes[0].tolist() == [100, 100, 120, 160]
    assert everybody.ignored.tolist() == [False, False, False, False, True]
    reasonable = read_coco(coco, "reasonable")["set06/V000/I00019"]
    assert reasonable.ignored.tolist() == [False, True, True, True, True]
    assert REASONABLE_HEIGHT == 55


def test_mot_truth_ignores_flagged_and_hidden_people(tmp_path):
    path = tmp_path / "cam.txt"
    path.write_text(
        "1,7,10,20,30,40,1,-1,-1,0.9\n1,8,10,20,30,40,0,-1,-1,0.9\n3,7,10,20,30,40,1,-1,-1,0.1\n3,9,1,2,3,4\n"
    )
    truth = read_mot(path)
    assert truth[0].boxes[0].tolist() == [10, 20, 40, 60]
    assert truth[0].ignored.tolist() == [False, True]
    assert truth[2].ignored.tolist() == [True, False]


def test_yolo_labels_are_people_in_pixels(tmp_path):
    path = tmp_path / "a.txt"
    path.write_text("0 0.5 0.5 0.5 1\n2 0.1 0.1 0.1 0.1\n\n")
    assert read_yolo(path, 100, 50).boxes.tolist() == [[25, 0, 75, 50]]
    assert len(read_yolo(tmp_path / "none.txt", 100, 50).boxes) == 0


@pytest.mark.parametrize("reader", [read_coco, read_mot, lambda path: read_yolo(path, 1, 1)])
def test_malformed_truth_is_one_sentence(reader, tmp_path):
    path = tmp_path / "bad"
    path.write_text("{one two three\n")
    with pytest.raises(SourceError) as caught:
        reader(path)
    assert str(path) in caught.value.message


def test_boxes_are_float32():
    boxes: Floats = FrameTruth.of([HERE]).boxes
    assert boxes.dtype == np.float32
    assert FrameTruth.of([]).boxes.shape == (0, 4)
