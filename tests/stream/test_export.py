import json
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reid_core.errors import StorageError
from reid_core.types import Decision, Modality, Spectrum
from stream.run.export import iso_utc, mot_names, to_json, write_atomically, write_mot
from stream.run.result import (
    CameraResult,
    CandidateResult,
    IdentityResult,
    LinkResult,
    RunResult,
    StageTiming,
    TrackletResult,
)

NOON = 1_777_636_800_000_000_000  # 2026-05-01T12:00:00Z


def tracklet(label: str, frames: list[int], identity: str | None = None) -> TrackletResult:
    boxes = np.array([[10 + f, 20, 40 + f, 90.5] for f in frames], np.float32)
    return TrackletResult(
        id=f"id-{label}",
        label=label,
        first_frame=frames[0],
        last_frame=frames[-1],
        first_ns=NOON + frames[0] * 100_000_000,
        last_ns=NOON + frames[-1] * 100_000_000,
        close_reason="timeout",
        identity=identity,
        evidence={},
        frames=np.array(frames, np.int64),
        boxes=boxes,
        confidences=np.full(len(frames), 0.87654321, np.float32),
        sightings=(),
    )


def camera(id_: str, modality: Modality, *tracklets: TrackletResult) -> CameraResult:
    return CameraResult(
        id_, modality, Spectrum.VISIBLE, f"{id_}.mp4", 10.0, 640, 480, 50, NOON, "complete", None, tracklets
    )


def result() -> RunResult:
    day = camera("lobby", Modality.VISIBLE, tracklet("lobby-1", [3, 4, 6], "p"), tracklet("lobby-2", [4, 5]))
    night = camera("yard", Modality.INFRARED, tracklet("yard-1", [0]))
    candidate = CandidateResult(1, "p", np.float32(0.6543219), None, "id-lobby-1", "s1")  # type: ignore[arg-type]
    link = LinkResult("id-yard-1", Decision.NOT_CALIBRATED, None, float("nan"), None, (candidate,))
    return RunResult(
        cameras=(day, night),
        identities=(IdentityResult("p", "person 1", ("id-lobby-1",)),),
        links=(link,),
        timings=(StageTiming("decode", 1.23456789, 100, "frames"),),
        wall_s=2.0,
        detector="yolo",
        embedder="osnet",
        model="abc",
        calibrated=False,
        gallery_vectors=3,
        warnings=("A warning.",),
        interrupted=True,
    )


def test_json_has_the_documented_keys_and_survives_a_round_trip() -> None:
    told = json.loads(json.dumps(to_json(result()), allow_nan=False))
    assert list(told) == [
        "format",
        "interrupted",
        "calibrated",
        "models",
        "gallery_vectors",
        "cameras",
        "identities",
        "links",
        "timings",
        "wall_s",
        "warnings",
    ]
    assert told["format"] == 1
    assert told["models"] == {"detector": "yolo", "embedder": "osnet", "model": "abc"}
    assert [one["id"] for one in told["cameras"]] == ["lobby", "yard"]
    assert told["cameras"][0]["start"] == "2026-05-01T12:00:00.000Z"
    assert told["interrupted"] is True
    assert told["warnings"] == ["A warning."]


def test_json_counts_the_frames_in_which_somebody_was_found_not_the_span() -> None:
    first = to_json(result())["cameras"][0]["tracklets"][0]  # type: ignore[index]
    assert first == {
        "id": "id-lobby-1",
        "label": "lobby-1",
        "first_frame": 3,
        "last_frame": 6,
        "start": "2026-05-01T12:00:00.300Z",
        "end": "2026-05-01T12:00:00.600Z",
        "length": 3,
        "close_reason": "timeout",
        "identity": "p",
        "truth": None,
    }


def test_json_says_not_calibrated_and_rounds() -> None:
    link = to_json(result())["links"][0]  # type: ignore[index]
    assert link["decision"] == "not calibrated"
    assert link["label"] == "yard-1"
    assert (link["calibrated"], link["probability"], link["identity"]) == (False, None, None)
    assert link["score"] is None  # not a finite number
    assert link["candidates"][0]["score"] == 0.6543
    assert to_json(result())["timings"][0]["seconds"] == 1.2346  # type: ignore[index]


def test_mot_rows_are_sorted_count_from_one_and_name_the_tracklet(tmp_path: Path) -> None:
    paths = write_mot(result(), tmp_path / "new" / "folder")
    assert [path.name for path in paths] == ["lobby.txt", "yard.txt"]
    rows = [line.split(",") for line in paths[0].read_text().splitlines()]
    assert [(row[0], row[1]) for row in rows] == [("4", "1"), ("5", "1"), ("5", "2"), ("6", "2"), ("7", "1")]
    assert [float(cell) for cell in rows[0][2:]] == [13.0, 20.0, 30.0, 70.5, 0.8765, -1, -1, -1]
    assert {path.name for path in paths[0].parent.iterdir()} == {"lobby.txt", "yard.txt"}


def test_mot_round_trip_restores_boxes(tmp_path: Path) -> None:
    found = result()
    rows = np.loadtxt(write_mot(found, tmp_path)[0], delimiter=",")
    for number, one in enumerate(found.cameras[0].tracklets, start=1):
        mine = rows[rows[:, 1] == number]
        assert (mine[:, 0].astype(int) - 1).tolist() == one.frames.tolist()
        corners = np.hstack([mine[:, 2:4], mine[:, 2:4] + mine[:, 4:6]])
        np.testing.assert_allclose(corners, one.boxes, atol=0.02)


def test_a_camera_without_anybody_gets_an_empty_file(tmp_path: Path) -> None:
    empty = replace(result(), cameras=(camera("dark", Modality.INFRARED),))
    (path,) = write_mot(empty, tmp_path)
    assert path.read_bytes() == b""


@pytest.mark.parametrize(
    "cameras",
    [
        ["a/b", "a:b", "a_b"],
        ["Gate", "gate", "GATE"],
        ["lobby", "lobby", "lobby-2"],
        ["..", "", ".", "/"],
        ["CON", "con", "com1.x"],
        ["é" * 300, "é" * 301],
        ["../../etc/passwd", "a\nb", "a\0b"],
    ],
)
def test_no_two_cameras_share_a_file_name_and_every_name_is_safe(cameras: list[str]) -> None:
    names = mot_names(cameras)
    assert len({name.casefold() for name in names}) == len(cameras)
    for name in names:
        assert name and not set(name) & set('/\\:*?"<>|\n\0')
        assert name.strip(".") == name
        assert len(name.encode()) < 200
        assert name.split(".")[0].casefold() not in {"con", "com1"}


def test_a_safe_name_is_kept_even_where_another_camera_comes_to_it_first() -> None:
    assert mot_names(["a/b", "a_b"]) == ["a_b-2", "a_b"]
    assert mot_names(["lobby.east", "Hof 3"]) == ["lobby.east", "Hof_3"]


def test_writing_replaces_whole_files_and_leaves_nothing_else(tmp_path: Path) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")
    write_atomically(path, "néw\n")
    assert path.read_bytes() == "néw\n".encode()
    assert list(tmp_path.iterdir()) == [path]


def test_a_failed_write_keeps_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.txt"
    path.write_text("old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="No space left on device"):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_in_the_way_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"):
        write_mot(result(), tmp_path / "file" / "folder")
    with pytest.raises(StorageError, match="cannot be written"):
        write_atomically(tmp_path, "text")


def test_times_are_iso_8601_utc() -> None:
    assert iso_utc(NOON + 1_600_000) == "2026-05-01T12:00:00.002Z"
    assert iso_utc(0) == "1970-01-01T00:00:00.000Z"
