"""A file whose date is that of a copy is told of."""

import html
import os
import threading
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from console.report import write_report
from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from stream.footage.file_dates import Dated, copies_note
from stream.footage.naming import parse_source
from stream.footage.video import VideoSource
from stream.publisher.config import PublishSettings, with_sources
from stream.publisher.publishing import publish
from stream.run.export import to_json
from stream.run.running import run_footage
from tests.stream.test_publishing import Watching
from tests.support.brightness import brightness_detector
from tests.support.night import Counting

_MADE = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def _video(path: Path, created: str, seconds_later: int) -> Path:
    with av.open(str(path), "w") as container:
        container.metadata["creation_time"] = created
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for _ in range(10):
            image = np.full((48, 64, 3), 90, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    at = _MADE.timestamp() + seconds_later
    os.utime(path, (at, at))
    return path


@pytest.mark.parametrize(
    ("created", "later", "told"),
    [
        ("2026-01-02T03:04:05Z", 3600, True),
        ("2026-01-02T03:04:05Z", 64, True),
        ("2026-01-02T03:04:05Z", 60, False),
        ("2026-01-02T03:04:05Z", 1, False),
        ("1970-01-01T00:00:00Z", 3600, False),
    ],
)
def test_a_file_written_long_after_its_recording_is_told_of(
    tmp_path: Path, created: str, later: int, told: bool
) -> None:
    path = _video(tmp_path / "gate.mp4", created, later)
    spec = parse_source(str(path), Modality.VISIBLE)
    notes = VideoSource(spec, path).notes
    assert len(notes) == told
    assert all("--start gate=TIME" in note and "2026-01-02T03:04:05Z" in note for note in notes)
    assert VideoSource(replace(spec, start_ns=1), path).notes == []


def test_a_video_began_its_length_before_its_file_was_written(tmp_path: Path) -> None:
    path = _video(tmp_path / "gate.mp4", "2026-01-02T03:04:05Z", 1)
    source = VideoSource(parse_source(str(path), Modality.VISIBLE), path)
    assert source.start_ns == pytest.approx(_MADE.timestamp() * 1e9, abs=2e6)


# Several files that were copied together


def dated(camera: str, end_s: float, length_s: float, modality: Modality = Modality.VISIBLE) -> Dated:
    end = 1_700_000_000 + end_s
    return Dated(camera, modality, int((end - length_s) * 1e9), int(end * 1e9))


@pytest.mark.parametrize(
    ("others", "told"),
    [
        ([("yard", 1, 300)], False),
        ([("yard", 1, 280)], True),
        ([("yard", 60, 280)], False),
        ([("yard", 1.5, 299), ("hall", 3, 280)], True),
        ([], False),
    ],
    ids=["recorded at once", "not begun together", "not ended together", "one by one", "alone"],
)
def test_files_that_ended_together_but_are_of_other_lengths_are_told_of(
    others: list[tuple[str, float, float]], told: bool
) -> None:
    note = copies_note([dated("gate", 0, 300), *(dated(*one) for one in others)])
    assert (note is not None) == told
    if note is not None:
        names = ["gate", *(name for name, _, _ in others)]
        assert f"The times of {', '.join(names[:-1])} and {names[-1]} are" in note
        assert "last from 280 to 300 s" in note and "give --start NAME=TIME" in note


def test_a_day_that_overlaps_with_its_night_is_told_of() -> None:
    night = dated("night", 200, 250, Modality.INFRARED)
    note = copies_note([dated("gate", 0, 300), night, dated("yard", -400, 300)])
    assert note is not None and "The times of gate and night are" in note
    assert "visible and infrared recordings overlap" in note and "written within" not in note
    assert copies_note([dated("gate", 0, 300), dated("night", 200, 199, Modality.INFRARED)]) is None


def test_a_sentence_of_many_cameras_stays_one() -> None:
    note = copies_note([dated(f"c{number}", 0, 100 + 10 * number) for number in range(40)])
    assert note is not None and "c0, c1, c2, c3, c4 and 35 more are" in note


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["fresh", "started", "stored", "made"])
def test_a_run_over_fresh_copies_says_so_everywhere(
    tmp_path: Path, colour_checkpoint: str, kind: str
) -> None:
    """Unless the starts are given, are those of an earlier run, or agree with what the containers say."""
    made = "2026-01-02T03:04:05Z" if kind == "made" else ""
    gate = _video(tmp_path / "gate.mp4", made, 1)
    night = _video(tmp_path / "night.mp4", made, 1)
    given = replace(parse_source(str(gate), Modality.VISIBLE), start_ns=10**18)
    sources = [
        given if kind == "started" else parse_source(str(gate), Modality.VISIBLE),
        parse_source(str(night), Modality.INFRARED),
    ]
    with Gallery.open(f"sqlite:///{tmp_path / 'x.db'}") as gallery:
        embedder, detector, progress = (
            load_embedder(colour_checkpoint),
            brightness_detector(),
            Counting(0, int),
        )
        if kind == "stored":
            run_footage([given, sources[1]], gallery, detector, embedder)
        result = run_footage(sources, gallery, detector, embedder, progress=progress)
    found = [note for note in progress.notes if "dates of copying" in note]
    assert len(found) == (kind == "fresh")
    for note in found:
        assert "The times of gate and night are" in note and "overlap" in note
        assert note in to_json(result)["warnings"]
        write_report(result, tmp_path / "x.html", datetime.now(UTC))
        assert note in html.unescape((tmp_path / "x.html").read_text())


def test_a_publisher_says_so(tmp_path: Path, fake_kafka: Any) -> None:
    sources = [_video(tmp_path / f"{name}.mp4", "", 1) for name in ("gate", "night")]
    specs = [
        parse_source(str(source), modality)
        for source, modality in zip(sources, (Modality.VISIBLE, Modality.INFRARED), strict=True)
    ]
    heard = Watching()
    publish(with_sources(PublishSettings(), specs), threading.Event(), heard)
    [note] = [note for note in heard.notes if "dates of copying" in note]
    assert "The times of gate and night are" in note
