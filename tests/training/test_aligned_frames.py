"""People cut from aligned frames where a detector finds them in both; here it is told what to find."""

from types import SimpleNamespace

import cv2
import numpy as np
import pytest

from reid_core.errors import SourceError
from reid_core.standardising import parse_form
from reid_core.types import Detections, Modality
from training.evaluation.aligned_frames import read_aligned
from training.evaluation.pairs import evaluate_pairs

SURE = 0.5


class Told:
    """Finds the boxes that it is told of for each modality: ``(left, top, right, bottom, confidence)``."""

    def __init__(self, visible, infrared):
        self.boxes = {Modality.VISIBLE: visible, Modality.INFRARED: infrared}
        self.settings = SimpleNamespace(look=lambda modality: SimpleNamespace(confidence=SURE))

    def detect(self, frames):
        rows = np.array(self.boxes[frames[0].modality], np.float32).reshape(-1, 5)
        return [Detections(rows[:, :4], rows[:, 4])]


@pytest.fixture
def frames(tmp_path):
    """One pair of frames whose pixels tell column (red) and row (green), the thermal one half as bright."""
    columns, rows = np.meshgrid(np.arange(200), np.arange(120))
    picture = np.stack([columns, rows, np.zeros_like(rows)], axis=2).astype(np.uint8)
    for name, image in (("visible", picture), ("thermal", picture // 2)):
        (tmp_path / name).mkdir()
        cv2.imwrite(str(tmp_path / name / "one.png"), image[..., ::-1])
    return tmp_path / "visible", tmp_path / "thermal"


def test_who_is_found_at_one_place_in_both_frames_is_cut_there(frames):
    visible = [(20, 10, 50, 90, 0.9), (100, 10, 130, 90, 0.9), (150, 10, 180, 90, 0.2)]
    thermal = [
        (22, 12, 52, 92, 0.9),  # the first, a little beside
        (118, 10, 148, 90, 0.8),  # overlaps the second too little
        (150, 10, 180, 90, 0.9),  # the visible one there is not sure
        (21, 11, 51, 91, 0.7),  # the first again
    ]
    (pair,) = read_aligned(*frames, Told(visible, thermal))
    assert pair.visible.shape == pair.infrared.shape == (80, 30, 3)
    assert pair.visible[0, 0].tolist() == [20, 10, 0]
    assert pair.infrared[0, 0].tolist() == [10, 5, 0]
    # 8 % of the sides beside, in a direction of chance.
    left, top = (2 * int(value) for value in pair.shifted[0, 0, :2])
    away = np.hypot((left - 20) / 30, (top - 10) / 80)
    assert away == pytest.approx(0.08, abs=0.06) and (left, top) != (20, 10)


def test_people_too_small_in_the_thermal_frame_are_left_out(frames):
    boxes = [(20, 10, 30, 30, 0.9)]
    with pytest.raises(SourceError, match="Nobody is found in both"):
        read_aligned(*frames, Told(boxes, boxes))
    assert len(read_aligned(*frames, Told(boxes, boxes), min_height=20)) == 1


@pytest.mark.parametrize("wrong", ["missing", "strangers", "sizes"])
def test_folders_that_are_no_pairs_are_told_of(frames, wrong):
    visible, thermal = frames
    if wrong == "missing":
        thermal = thermal / "nowhere"
    elif wrong == "strangers":
        (thermal / "one.png").rename(thermal / "another.png")
    else:
        cv2.imwrite(str(thermal / "one.png"), np.zeros((60, 100, 3), np.uint8))
    with pytest.raises(
        SourceError, match={"missing": "no folder", "strangers": "same name", "sizes": "sizes"}[wrong]
    ):
        read_aligned(visible, thermal, Told([], []))


def test_each_side_is_standardised_by_what_it_shows(frames):
    boxes = [(10 + 40 * k, 10, 40 + 40 * k, 90, 0.9) for k in range(4)]
    pairs = read_aligned(*frames, Told(boxes, boxes))

    def describe(crops, modality):
        # What all infrared crops have in common drowns the rest.
        means = np.array([crop.mean(axis=(0, 1)) for crop in crops], np.float32)
        common = [0, 0, 0, 500] if modality is Modality.INFRARED else [500, 0, 0, 0]
        found = np.concatenate([means, np.zeros((len(means), 1), np.float32)], axis=1) + np.float32(common)
        return found / np.linalg.norm(found, axis=1, keepdims=True)

    as_they_are = evaluate_pairs(pairs, {"mean": describe}, "x")["methods"]["mean"]
    apart = evaluate_pairs(pairs, {"mean": describe}, "x", parse_form("mean-deviation"))["methods"]["mean"]
    assert as_they_are["r1"] == 0.25 and apart["r1"] == 1
