from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reid_core.errors import SourceError, UsageError
from reid_core.types import Decision, Modality, Spectrum
from stream.run.export import write_mot
from stream.run.result import (
    CameraResult,
    CandidateResult,
    IdentityResult,
    LinkResult,
    RunResult,
    TrackletResult,
)
from stream.run.truth import apply_truth, read_truth


def tracklet(id_: str, lefts: list[float], identity: str | None = None) -> TrackletResult:
    count = len(lefts)
    boxes = np.array([[left, 0, left + 10, 20] for left in lefts], np.float32)
    frames, ones = np.arange(count), np.ones(count, np.float32)
    return TrackletResult(id_, id_, 0, count - 1, 0, count, "end", identity, {}, frames, boxes, ones, ())


def camera(id_: str, modality: Modality, *tracklets: TrackletResult) -> CameraResult:
    return CameraResult(
        id_, modality, Spectrum.VISIBLE, id_, 10.0, 100, 100, 10, 0, "complete", None, tracklets
    )


def link(decision: Decision = Decision.LINKED) -> LinkResult:
    candidates = tuple(
        CandidateResult(rank, identity, 0.5, 0.5, f"v-{identity}", "s")
        for rank, identity in enumerate("ab", start=1)
    )
    return LinkResult("n", decision, "a" if decision is Decision.LINKED else None, 0.5, 0.5, candidates)


def run(decision: Decision = Decision.LINKED, night: TrackletResult | None = None) -> RunResult:
    day = camera("day", Modality.VISIBLE, tracklet("v-a", [0, 0, 0], "a"), tracklet("v-b", [50, 50, 50], "b"))
    dark = camera("night", Modality.INFRARED, night or tracklet("n", [0, 0, 0, 0]))
    identities = (IdentityResult("a", "A", ("v-a",)), IdentityResult("b", "B", ("v-b",)))
    return RunResult((day, dark), identities, (link(decision),), (), 1.0, "d", "e", "m", True, 2)


def rows(*people: tuple[int, float], frames: int = 4) -> str:
    return "".join(f"{f},{id_},{left},0,10,20,1\n" for f in range(1, frames + 1) for id_, left in people)


def truth(folder: Path, day: str | None = None, night: str | None = None) -> Path:
    for name, text in (("day", day), ("night", night)):
        if text is not None:
            (folder / f"{name}.txt").write_text(text)
    return folder


DAY = rows((7, 0), (8, 50))


def people(result: RunResult) -> dict[str, str | None]:
    return {one.id: one.truth for cam in result.cameras for one in cam.tracklets}


def test_right_and_wrong_links(tmp_path: Path) -> None:
    judged = apply_truth(run(), truth(tmp_path, DAY, rows((7, 0))))
    assert people(judged) == {"v-a": "7", "v-b": "8", "n": "7"}
    assert judged.links[0].correct is True
    assert [candidate.correct for candidate in judged.links[0].candidates] == [True, False]
    judged = apply_truth(run(), truth(tmp_path, DAY, rows((8, 0))))
    assert judged.links[0].correct is False
    assert [candidate.correct for candidate in judged.links[0].candidates] == [False, True]


def test_a_tracklet_needs_more_than_half_of_its_frames(tmp_path: Path) -> None:
    night = tracklet("n", [0, 0, 50, 50])  # two frames each: nobody has more than half
    judged = apply_truth(run(night=night), truth(tmp_path, DAY, rows((7, 0), (8, 50))))
    assert people(judged)["n"] is None
    assert judged.links[0].correct is None
    assert {candidate.correct for candidate in judged.links[0].candidates} == {None}
    night = tracklet("n", [0, 0, 0, 50])
    assert people(apply_truth(run(night=night), tmp_path))["n"] == "7"
    # Frames without any truth count against it too.
    assert people(apply_truth(run(night=night), truth(tmp_path, DAY, rows((7, 0), frames=2))))["n"] is None


def test_half_an_overlap_is_the_least_that_counts(tmp_path: Path) -> None:
    # Boxes 10 wide shifted by 3 overlap 7/13 = 0.54, shifted by 4 6/14 = 0.43.
    assert people(apply_truth(run(), truth(tmp_path, DAY, rows((7, 3)))))["n"] == "7"
    assert people(apply_truth(run(), truth(tmp_path, DAY, rows((7, 4)))))["n"] is None
    # The better of two overlapping people is meant.
    assert people(apply_truth(run(), truth(tmp_path, DAY, rows((7, 3), (9, 1)))))["n"] == "9"


def test_rows_with_flag_zero_are_ignored_and_a_flag_is_not_needed(tmp_path: Path) -> None:
    ignored = rows((7, 0)).replace(",1\n", ",0\n")
    assert people(apply_truth(run(), truth(tmp_path, DAY, ignored)))["n"] is None
    short = rows((7, 0)).replace(",1\n", "\n")
    assert people(apply_truth(run(), truth(tmp_path, DAY, short)))["n"] == "7"


def test_unknown_is_right_only_when_the_person_is_not_in_the_gallery(tmp_path: Path) -> None:
    unknown = run(Decision.UNKNOWN)
    assert apply_truth(unknown, truth(tmp_path, DAY, rows((7, 0)))).links[0].correct is False
    assert apply_truth(unknown, truth(tmp_path, DAY, rows((99, 0)))).links[0].correct is True
    assert apply_truth(unknown, truth(tmp_path, DAY, "")).links[0].correct is None


def test_unknown_is_not_judged_by_a_gallery_without_truth(tmp_path: Path) -> None:
    folder = truth(tmp_path, night=rows((7, 0)))
    assert apply_truth(run(Decision.UNKNOWN), folder).links[0].correct is None
    earlier = run(Decision.UNKNOWN)
    earlier = replace(
        earlier, identities=(*earlier.identities, IdentityResult("c", "C", ("of an earlier run",)))
    )
    folder = truth(tmp_path, DAY, rows((99, 0)))
    assert apply_truth(earlier, folder).links[0].correct is None


def test_what_is_not_calibrated_claims_nothing_but_its_candidates_are_judged(tmp_path: Path) -> None:
    judged = apply_truth(run(Decision.NOT_CALIBRATED), truth(tmp_path, DAY, rows((7, 0)))).links[0]
    assert judged.correct is None
    assert [candidate.correct for candidate in judged.candidates] == [True, False]


def test_an_identity_is_the_majority_of_its_tracklets(tmp_path: Path) -> None:
    merged = replace(run(), identities=(IdentityResult("a", "A", ("v-a", "v-b")),))
    folder = truth(tmp_path, DAY, rows((7, 0)))
    assert apply_truth(merged, folder).links[0].correct is None  # one of each: nobody
    more = tracklet("v-c", [0, 0, 0], "a")
    day = replace(merged.cameras[0], tracklets=(*merged.cameras[0].tracklets, more))
    merged = replace(
        merged,
        cameras=(day, merged.cameras[1]),
        identities=(IdentityResult("a", "A", ("v-a", "v-b", "v-c")),),
    )
    assert apply_truth(merged, folder).links[0].correct is True


def test_what_a_run_wrote_is_truth_for_itself(tmp_path: Path) -> None:
    write_mot(run(), tmp_path)
    assert people(apply_truth(run(), tmp_path)) == {"v-a": "1", "v-b": "2", "n": "1"}


def test_the_given_result_is_left_alone(tmp_path: Path) -> None:
    before = run()
    apply_truth(before, truth(tmp_path, DAY, rows((7, 0))))
    assert set(people(before).values()) == {None}
    assert before.links[0].correct is None


def test_a_missing_folder_and_a_folder_for_other_cameras(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="does not exist"):
        apply_truth(run(), tmp_path / "none")
    (tmp_path / "other.txt").write_text(DAY)
    with pytest.raises(UsageError, match="no file for any camera") as caught:
        apply_truth(run(), tmp_path)
    assert "day.txt, night.txt" in caught.value.hint


@pytest.mark.parametrize(
    ("row", "why"),
    [
        ("1,7,0,0,10", "5 columns"),
        ("one,7,0,0,10,20", "frame 'one' is not a number"),
        ("1.5,7,0,0,10,20", "not a whole number"),
        ("0,7,0,0,10,20", "frames count from 1"),
        ("1,-1,0,0,10,20,0.9", "detections"),
        ("1,7,0,0,0,20", "width or height"),
        ("1,7,nan,0,10,20", "left 'nan'"),
        ("1,7,0,0,10,20,yes", "flag 'yes'"),
        ("1 7 0 0 10 20", "1 columns"),
        ("1e400,7,0,0,10,20", "not a number"),
    ],
)
def test_a_malformed_row_is_named_by_its_line(tmp_path: Path, row: str, why: str) -> None:
    path = truth(tmp_path, f"1,7,0,0,10,20,1\n\n{row}\n") / "day.txt"
    with pytest.raises(SourceError, match="malformed in line 3") as caught:
        apply_truth(run(), tmp_path)
    assert why in caught.value.message
    assert str(path) in caught.value.message


def test_a_file_that_is_not_text_is_a_source_error(tmp_path: Path) -> None:
    (tmp_path / "day.txt").write_bytes(b"\xff\xfe\x00\x80")
    with pytest.raises(SourceError, match="cannot be read"):
        read_truth(tmp_path / "day.txt")


def test_a_byte_order_mark_and_windows_line_ends_are_read(tmp_path: Path) -> None:
    (tmp_path / "day.txt").write_bytes(b"\xef\xbb\xbf1, 7.0, 0, 0, 10, 20, 1\r\n")
    ids, boxes = read_truth(tmp_path / "day.txt")[0]
    assert ids == ["7"]
    assert boxes.tolist() == [[0, 0, 10, 20]]
