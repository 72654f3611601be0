import importlib.util
import itertools
import json
import re
import subprocess
import sys
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest

from console import demo
from console.demo_answers import words_json, words_lines, words_table, words_view
from console.demo_descriptions import WAYS, retrieval
from console.demo_detection import Detection, Looked, detection
from console.demo_figures import Tracking, identity_people, run_figures
from console.demo_linking import (
    Linking,
    OpenSet,
    average_precision,
    chance_precision,
    linking,
    open_set,
    together,
)
from console.demo_truth import FramePeople, people_of_cameras, read_people
from console.demo_watches import outcomes
from console.demo_words import NightFigures, groups, remarks, table, to_json
from console.report import render_report
from reid_core.errors import MissingDependencyError, SourceError, UsageError
from reid_core.querying.asking import QueryModels
from reid_core.querying.description import read_description
from reid_core.runtime import load_embedder
from reid_core.types import Decision, Detections, Modality, Spectrum
from reid_core.watching.alerts import Alert
from stream.run.result import CameraResult, IdentityResult, LinkResult, RunResult, TrackletResult
from tests.conftest import command_environment
from tests.support import brightness
from tests.support.colour_words import colour_words, install_colour_words
from tests.support.night import SETTINGS
from training.evaluation.detection import FrameTruth
from training.evaluation.intervals import share_interval, wilson

EXTRA = all(importlib.util.find_spec(name) for name in demo.PACKAGES)


@pytest.fixture
def synthetic(missing):
    if not EXTRA:
        missing(f"needs the extra synthetic ({' and '.join(demo.PACKAGES)})")


def tracklet(name, truth=None, boxes=((0, 0, 10, 20),)):
    frames = np.arange(len(boxes))
    return TrackletResult(
        id=name,
        label=name,
        first_frame=0,
        last_frame=len(boxes) - 1,
        first_ns=0,
        last_ns=0,
        close_reason="end",
        identity=None,
        evidence={},
        frames=frames,
        boxes=np.array(boxes, np.float32),
        confidences=np.ones(len(boxes), np.float32),
        sightings=(),
        truth=truth,
    )


def camera(name, spectrum, *tracklets, frames=100):
    source = f"{name}.mp4"
    return CameraResult(
        name, spectrum.modality, spectrum, source, 10.0, 64, 48, frames, 0, "complete", None, tracklets
    )


def result(*cameras, identities=(), links=(), calibrated=False):
    return RunResult(cameras, identities, links, (), 4.0, "yolo", "net", "m", calibrated, 2)


def link(name, decision=Decision.UNKNOWN, identity=None, correct=None):
    return LinkResult(name, decision, identity, None, None, (), correct)


def people(*ids, boxes=None, hidden=()):
    rows = [(30 * n, 0, 30 * n + 10, 20) for n in range(len(ids))] if boxes is None else boxes
    return FramePeople(
        ids, np.array(rows, np.float32).reshape(-1, 4), np.array(hidden, np.float32).reshape(-1, 4)
    )


# --- the figures


@pytest.mark.parametrize(
    ("right", "relevant", "expected"),
    [
        ([True, False, False], 1, 1.0),
        ([False, True, False, True], 2, (1 / 2 + 2 / 4) / 2),
        ([True], 2, 1 / 2),
        ([False, False], 1, 0.0),
        ([], 1, 0.0),
        ([False], 0, 0.0),
    ],
)
def test_average_precision_counts_what_is_not_ranked_as_missed(right, relevant, expected):
    assert average_precision(np.array(right, bool), relevant) == pytest.approx(expected)


@pytest.mark.parametrize(("relevant", "total"), [(1, 1), (1, 5), (2, 5), (3, 4), (4, 4)])
def test_chance_is_the_mean_over_all_rankings(relevant, total):
    every = [
        average_precision(np.isin(np.arange(total), chosen), relevant)
        for chosen in itertools.combinations(range(total), relevant)
    ]
    assert chance_precision(relevant, total) == pytest.approx(np.mean(every))


def test_chance_of_nobody_is_nothing():
    assert chance_precision(0, 5) == 0


def test_links_of_known_people_are_ranked_beside_chance():
    identities = {"a": "1", "b": "2", "c": None, "d": "1"}
    rankings = {
        "late": ["b", "a", "c", "d"],  # AP (1/2 + 2/4) / 2
        "first": ["b", "c", "a", "d"],  # AP 1
        "lost": ["a", "b", "c", "d"],  # known by day, but no identity is that person
        "stranger": ["a", "b", "c", "d"],
        "noise": ["c", "b", "a", "d"],
    }
    queries = [
        *(tracklet("late", "1"), tracklet("first", "2"), tracklet("lost", "3")),
        *(tracklet("stranger", "4"), tracklet("noise", None)),
    ]
    found = linking(queries, {"1", "2", "3"}, identities, rankings)
    assert (found.queries, found.identities, found.missing) == (3, 4, 1)
    assert found.rank1 == pytest.approx(1 / 3)
    assert found.interval_95 == share_interval([False, True, False], ["1", "2", "3"])
    assert found.map == pytest.approx((0.5 + 1 + 0) / 3)
    assert found.chance_rank1 == pytest.approx((2 / 4 + 1 / 4 + 0) / 3)
    assert found.chance_map == pytest.approx((chance_precision(2, 4) + chance_precision(1, 4)) / 3)
    assert found.times_chance == pytest.approx((1 / 3) / (1 / 4))


def test_a_query_that_was_never_ranked_is_a_miss():
    found = linking([tracklet("q", "1")], {"1"}, {"a": "1"}, {})
    assert (found.rank1, found.map, found.chance_rank1) == (0, 0, 1)


def test_without_queries_or_gallery_there_is_no_figure_and_no_error():
    assert linking([], {"1"}, {"a": "1"}, {}).rank1 is None
    empty = linking([tracklet("q", "1")], {"1"}, {}, {"q": []})
    assert (empty.rank1, empty.chance_rank1, empty.times_chance, empty.missing) == (0, 0, None, 1)


def test_decisions_about_strangers_and_known_people():
    tracklets = [tracklet(name, name[0] if name != "noise" else None) for name in (*"123456", "noise")]
    links = [
        link("1", Decision.LINKED, "a", True),
        link("2", Decision.LINKED, "b", False),
        link("3", Decision.LINKED, "c", None),  # to an identity that is nobody in particular
        link("4"),
        link("5", Decision.LINKED, "a", False),
        link("6"),
        link("noise", Decision.LINKED, "a"),
    ]
    found = open_set(tracklets, set("1234"), links)
    assert found == OpenSet(strangers=2, accepted=1, known=4, missed=1, mistaken=2)
    assert (found.wrong, found.decided) == (4, 6)
    assert found.error == pytest.approx(4 / 6)
    assert together([found, OpenSet(1, 0, 1, 1, 0)]) == OpenSet(3, 1, 5, 2, 2)
    assert together([]).error is None


def test_purity_is_the_majority_persons_share_of_the_frames():
    one, two, nobody, gone = (0, 0, 10, 20), (30, 0, 40, 20), (50, 20, 60, 40), (0, 25, 10, 45)
    mixed = tracklet("mixed", "1", [one] * 6 + [two] * 2 + [nobody] + [gone])
    clean = tracklet("clean", "2", [two] * 3)
    noise = tracklet("noise", None, [nobody] * 2)
    night = camera("night", Spectrum.THERMAL, mixed, clean, noise)
    truth = {frame: people("1", "2", "3", hidden=[gone]) for frame in range(9)}
    # In the last frame only the hidden person is there: the box on it counts for nothing.
    truth[9] = people("4", boxes=[two], hidden=[gone])
    run = result(night)
    (found,) = run_figures(run, {"night": truth}, {}).tracking.values()
    assert (found.frames, found.pure) == (9 + 3 + 2, 6 + 3 + 0)
    assert found.purity == pytest.approx(9 / 14)
    assert (found.tracklets, found.nobody, found.visits, found.followed) == (3, 1, 4, 2)


def test_frames_without_anybody_by_truth_count_against_the_tracklet():
    run = result(camera("x", Spectrum.NEAR, tracklet("t", "1", [(0, 0, 10, 20)] * 4)))
    found = run_figures(run, {"x": {0: people("1")}}, {}).tracking[Spectrum.NEAR]
    assert found.purity == pytest.approx(1 / 4)


def test_an_identity_is_the_person_of_most_of_its_tracklets():
    day = camera("day", Spectrum.VISIBLE, tracklet("0", "1"), tracklet("1", "1"), tracklet("2", "2"))
    blank = camera("gate", Spectrum.VISIBLE, tracklet("x", None))
    identities = (
        IdentityResult("most", "P1", ("0", "1", "2", "x")),
        IdentityResult("tie", "P2", ("1", "2")),
        IdentityResult("blank", "P3", ("x", "of an earlier run")),
    )
    run = result(day, blank, identities=identities)
    assert identity_people(run) == {"most": "1", "tie": None, "blank": None}


@pytest.fixture
def small():
    """Persons 1 and 2 by day, 1 and 3 at night; all decided."""
    day = camera("day", Spectrum.VISIBLE, tracklet("d1", "1"), tracklet("d2", "2"))
    near = camera("near", Spectrum.NEAR, tracklet("n1", "1"), tracklet("n3", "3"), frames=40)
    thermal = camera("thermal", Spectrum.THERMAL, tracklet("t1", "1"), frames=60)
    links = (
        *(link("n1", Decision.LINKED, "a", True), link("n3", Decision.LINKED, "b", False)),
        link("t1"),
    )
    identities = (IdentityResult("a", "P1", ("d1",)), IdentityResult("b", "P2", ("d2",)))
    run = result(day, near, thermal, identities=identities, links=links, calibrated=True)
    truth = {
        "day": {0: people("1"), 50: people("2")},
        "near": {0: people("1"), 3: people("3")},
        "thermal": {0: people("1")},
    }
    rankings = {"n1": ["a", "b"], "n3": ["b", "a"], "t1": ["b", "a"]}
    return run, truth, rankings


def test_the_figures_of_a_run_keep_the_spectra_apart(small):
    found = run_figures(*small)
    assert (found.people, found.strangers) == (3, 1)
    assert found.frames_per_second == pytest.approx((100 + 40 + 60) / 4)
    assert set(found.tracking) == set(Spectrum)
    assert set(found.linking) == {Spectrum.NEAR, Spectrum.THERMAL}
    near, thermal = found.linking[Spectrum.NEAR], found.linking[Spectrum.THERMAL]
    assert near == Linking(1, 2, 0, 1.0, 1.0, 0.5, 0.75, wilson(1, 1))
    assert thermal == Linking(1, 2, 0, 0.0, 0.5, 0.5, 0.75, wilson(0, 1))
    assert found.open_set[Spectrum.NEAR] == OpenSet(1, 1, 1, 0, 0)
    assert found.open_set[Spectrum.THERMAL] == OpenSet(0, 0, 1, 1, 0)


def test_a_model_that_decides_nothing_has_no_open_set_error(small):
    run, truth, rankings = small
    links = tuple(replace(one, decision=Decision.NOT_CALIBRATED, identity=None) for one in run.links)
    found = run_figures(replace(run, links=links), truth, rankings)
    assert not found.open_set
    assert found.linking[Spectrum.NEAR].rank1 == 1


def test_truth_files_tell_who_is_too_hidden_to_count(tmp_path):
    rows = ["1,7,10,20,30,40,1,-1,-1,0.9", "1,8,100,20,30,40,0,-1,-1,0.1", "3,8,5,5,10,20,0,-1,-1,0.2"]
    (tmp_path / "gate.txt").write_text("\n".join(rows))
    found = read_people(tmp_path / "gate.txt")
    assert found[0].ids == ("7",)
    assert found[0].boxes.tolist() == [[10, 20, 40, 60]]
    assert found[0].hidden.tolist() == [[100, 20, 130, 60]]
    assert (found[2].ids, found[2].hidden.tolist()) == ((), [[5, 5, 15, 25]])
    with pytest.raises(SourceError, match="yard"):
        people_of_cameras(["gate", "yard"], tmp_path)


def test_detection_is_over_all_pictures_of_all_cameras():
    box = np.array([[0, 0, 10, 20]], np.float32)

    def sees(*confidences):
        return Detections(np.repeat(box, len(confidences), 0), np.array(confidences, np.float32))

    there, empty = FrameTruth.of(box), FrameTruth.of([])
    good = Looked([sees(0.9), sees(0.8)], [there, there])
    assert detection([good]) == Detection(pytest.approx(1.0), 2, 2)
    # The surest detection of both cameras is false: precision is 2/3 wherever something is recalled.
    bad = Looked([sees(0.95)], [empty])
    assert detection([good, bad]) == Detection(pytest.approx(2 / 3), 3, 2)
    assert detection([bad]) == Detection(None, 1, 0)


# --- in words


@pytest.fixture
def night(small):
    spectra = dict.fromkeys(Spectrum, Detection(0.876, 5, 9))
    return NightFigures(spectra, {"near": Detection(None, 5, 0)}, run_figures(*small))


def printed(night):
    return shown_in_a_terminal(table(night))


def shown_in_a_terminal(what):
    from rich.console import Console

    console = Console(width=80)
    with console.capture() as capture:
        console.print(what)
    return capture.get()


def test_the_table_fits_a_terminal(night):
    text = printed(night)
    assert "…" not in text
    assert [len(re.split(r"\s{2,}", line.strip())) for line in text.splitlines() if "AP50" in line] == [4]
    (rank1,) = [line for line in text.splitlines() if line.startswith("Rank-1")]
    assert re.findall(r"[\d.]+ \([\d.]+\)", rank1) == ["1.00 (0.50)", "0.00 (0.50)"]
    (counted,) = [line for line in text.splitlines() if line.strip().startswith("tracklets, 95 %")]
    # One person of one tracklet says next to nothing.
    assert re.findall(r"\d+, [\d.]+ to [\d.]+", counted) == ["1, 0.21 to 1.00", "1, 0.00 to 0.79"]
    (linked,) = [line for line in text.splitlines() if "strangers linked" in line]
    assert re.findall(r"\d of \d", linked) == ["1 of 1", "0 of 0"]
    assert remarks(night) == ["50.0 frames per second: 200 frames of all cameras in 4.0 s."]


def test_json_has_every_figure_and_null_where_nothing_was_decided(night):
    told = json.loads(json.dumps(to_json(night)))
    assert told["people"] == {"all": 3, "strangers": 1}
    assert told["detection"]["thermal"]["ap50"] == 0.876
    assert told["detection"]["cameras"]["near"]["ap50"] is None
    assert told["tracklets"]["visible"]["purity"] == 1
    assert told["links"]["near"]["times_chance"] == 2
    assert told["links"]["near"]["interval_95"] == [0.2065, 1]
    assert told["open_set"]["all"] == {
        "error": 0.6667,
        "strangers": 1,
        "accepted": 1,
        "known": 2,
        "missed": 1,
        "mistaken": 0,
    }
    assert told["speed"] == {"frames_per_second": 50, "frames": 200, "seconds": 4}
    undecided = replace(night, run=replace(night.run, open_set={}))
    assert to_json(undecided)["open_set"] is None
    assert "not calibrated" in remarks(undecided)[0]
    assert "Open-set" not in printed(undecided)


def test_the_report_shows_the_figures_above_everything_that_was_found(small, night):
    page = render_report(small[0], measured=groups(night))
    head, block = page.index("</header>"), page.index('id="figures"')
    assert head < block < page.index('id="timeline"')
    shown = re.sub(r"<[^>]+>", " ", page[block : page.index("<nav")])
    shown = " ".join(shown.split())
    beside = "2.0 × chance 0.50; 1 tracklet of known people, 95 % 0.21 to 1.00"
    assert f"Near infrared, rank-1 1.00 {beside}" in shown
    assert "Thermal, mAP 0.50 chance 0.75; 1 tracklet of known people" in shown
    assert "1 of 1 stranger linked;" in shown
    assert "Frames per second 50.0 200 frames of all cameras in 4.0 s" in shown
    assert 'href="#figures"' in page


def test_a_report_without_figures_has_no_place_for_them(small):
    page = render_report(small[0])
    assert 'id="figures"' not in page
    assert "#figures" not in page


# --- the command


@pytest.fixture
def plan(synthetic):
    from training.synthetic.scenes.visits import VideoPlan

    return VideoPlan(people=3, seed=5)


def finished(out, plan, **changes):
    from training.synthetic.scenes.video import FORMAT

    (out / "night").mkdir(parents=True)
    people = {str(n + 1): {} for n in range(plan.people)}
    manifest = {"format": FORMAT, **asdict(plan), "people": people, "cameras": {}} | changes
    (out / "night" / "video.json").write_text(json.dumps(manifest))


@pytest.mark.slow
def test_the_folder_of_another_night_or_of_anybody_else_is_left_alone(tmp_path, plan):
    demo.claim(tmp_path / "new", plan)
    foreign = tmp_path / "foreign"
    foreign.mkdir()
    (foreign / "gallery.db").write_text("mine")
    with pytest.raises(UsageError, match="not empty"):
        demo.claim(foreign, plan)
    assert (foreign / "gallery.db").read_text() == "mine"
    with pytest.raises(UsageError, match="is a file"):
        demo.claim(foreign / "gallery.db", plan)
    finished(tmp_path / "same", plan)
    demo.claim(tmp_path / "same", plan)
    others = ({"seed": 6}, {"people": {"1": {}}}, {"strangers": 0.5}, {"format": 0})
    for number, changes in enumerate(others):
        finished(tmp_path / str(number), plan, **changes)
        with pytest.raises(UsageError, match="another night"):
            demo.claim(tmp_path / str(number), plan)


def test_videos_are_made_once_and_never_taken_half(tmp_path, plan, monkeypatch):
    from training.synthetic.scenes import video

    out, calls = tmp_path / "demo", []

    def write(folder, wanted, *, processes, progress):
        calls.append(folder)
        folder.mkdir()
        (folder / "day-1.mp4").write_text("half")
        if len(calls) == 1:
            raise KeyboardInterrupt
        (folder / "video.json").write_text(json.dumps({"cameras": {"day-1": {"spectrum": "visible"}}}))

    monkeypatch.setattr(video, "write_videos", write)
    demo.claim(out, plan)
    with pytest.raises(KeyboardInterrupt):
        demo.make_night(out, plan, 1)
    assert list(out.iterdir()) == []
    # A process that was killed leaves its half behind: the folder is still the demonstration's.
    (out / ".night-unfinished").mkdir()
    demo.claim(out, plan)
    first = demo.make_night(out, plan, 1)
    assert demo.make_night(out, plan, 1) == first
    assert len(calls) == 2
    assert {path.name for path in out.iterdir()} == {"night"}
    assert first.spectrum("day-1") is Spectrum.VISIBLE


def test_a_missing_extra_is_named_before_anything_is_done(tmp_path, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingDependencyError, match="anny and numba") as raised:
        demo.demo_command(
            out=tmp_path / "demo",
            people=3,
            seed=1,
            processes=1,
            detector=None,
            reid=None,
            as_json=False,
        )
    assert "nightreid[synthetic]" in raised.value.hint
    assert not (tmp_path / "demo").exists()


WORLD = {"gate": brightness.GATE, "yard": brightness.YARD, "night": brightness.NIGHT}
WHO = {"gate": "123", "yard": "213", "night": "14"}
SIZES = {"gate": (320, 240, 300), "yard": (320, 240, 280), "night": (160, 120, 200)}


@pytest.fixture(scope="module")
def bright_night(night_videos, module_tmp):
    """The small bright world as a finished night: persons 1 to 3 by day, 1 and the stranger 4 at night."""
    folder = module_tmp("night")
    (folder / "truth").mkdir()
    cameras = {}
    for name, walkers in WORLD.items():
        (folder / f"{name}.mp4").symlink_to(night_videos[name])
        (folder / "images" / name).mkdir(parents=True)
        width, height, frames = SIZES[name]
        rows = []
        for index in range(frames):
            for person, walker in zip(WHO[name], walkers, strict=True):
                if walker.first <= index <= walker.last:
                    done = (index - walker.first) / (walker.last - walker.first)
                    w, h = width * 3 // 40, height * 4 // 15
                    x = round((width - w) * (1 - done if walker.leftwards else done))
                    y = round((height - h) * walker.row)
                    rows.append(f"{index + 1},{person},{x},{y},{w},{h},1,-1,-1,1.0\n")
            if index % 20 == 0:
                picture = brightness.scene(walkers, index, width, height)
                path = folder / "images" / name / f"{index:06d}.jpg"
                cv2.imwrite(str(path), cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))
        (folder / "truth" / f"{name}.txt").write_text("".join(rows))
        spectrum = "thermal" if name == "night" else "visible"
        cameras[name] = {"spectrum": spectrum, "start": "2026-06-01T15:00:00+00:00"}
    return demo.Night(folder, cameras)


@pytest.fixture(scope="module")
def watched(bright_night, colour_checkpoint, module_tmp):
    database = module_tmp("gallery") / "gallery.db"
    database.write_text("of an earlier demonstration, and damaged")
    embedder = load_embedder(colour_checkpoint, threads=1)
    return demo.watch(bright_night, database, brightness.brightness_detector(), embedder, SETTINGS)


@pytest.mark.slow
def test_a_night_is_watched_and_measured(watched):
    run, figures = watched
    assert [one.modality for one in run.cameras] == [Modality.VISIBLE] * 2 + [Modality.INFRARED]
    assert (figures.run.people, figures.run.strangers) == (4, 1)
    assert figures.run.frames == 780
    visible, thermal = figures.run.tracking[Spectrum.VISIBLE], figures.run.tracking[Spectrum.THERMAL]
    assert replace(visible, frames=0, pure=0) == Tracking(6, 0, 6, 6, 0, 0)
    assert replace(thermal, frames=0, pure=0) == Tracking(2, 0, 2, 2, 0, 0)
    assert visible.purity > 0.95
    assert thermal.purity > 0.95
    assert figures.run.linking[Spectrum.THERMAL].queries == 1
    assert figures.run.linking[Spectrum.THERMAL].identities == 3
    assert figures.run.linking[Spectrum.THERMAL].chance_rank1 == pytest.approx(1 / 3)
    assert not figures.run.open_set
    assert figures.detection[Spectrum.VISIBLE].ap50 > 0.9
    assert figures.detection[Spectrum.THERMAL].ap50 > 0.9
    assert figures.detection_by_camera["gate"].pictures == 15
    assert {one.tracklet for one in run.links} == {one.id for one in run.cameras[2].tracklets}


@pytest.mark.slow
def test_the_ranking_that_is_measured_is_the_runs_own_without_its_end(
    bright_night, colour_checkpoint, tmp_path
):
    embedder = load_embedder(colour_checkpoint, threads=1)
    short = SETTINGS.model_copy(update={"match": SETTINGS.match.model_copy(update={"top": 1})})
    rankings = {}
    real = demo.full_rankings

    def keep(gallery, result):
        rankings.update(real(gallery, result))
        return rankings

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(demo, "full_rankings", keep)
        result, _ = demo.watch(
            bright_night, tmp_path / "g.db", brightness.brightness_detector(), embedder, short
        )
    for one in result.links:
        assert len(one.candidates) == 1
        assert rankings[one.tracklet][0] == one.candidates[0].identity
        assert set(rankings[one.tracklet]) == {identity.id for identity in result.identities}


# --- words


SENTENCES = {
    "1": "a man in a red coat",
    "2": "a man in a green coat",
    "3": "a woman in blue",
    "9": "a red hat",
}


def alert(number, watch, tracklet):
    text = ("name", "description", tracklet, "night", "infrared")
    return Alert(number, watch, *text, 0, 0, None, None, None, None, True, {}, None)


@pytest.fixture(scope="module")
def colour_encoder(tmp_path_factory, colour_checkpoint):
    """Folder of a text encoder that knows the colours of the small bright world."""
    package, folder = tmp_path_factory.mktemp("packages"), tmp_path_factory.mktemp("words")
    install_colour_words(package)
    embedder = load_embedder(colour_checkpoint, threads=1)
    colours = {"red": brightness.RED, "green": brightness.GREEN, "blue": brightness.BLUE}
    crops = [np.full((64, 32, 3), colour, np.uint8) for colour in colours.values()]
    table = dict(zip(colours, embedder.embed(crops, Modality.VISIBLE), strict=True))
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(package)
        yield colour_words(folder / "encoder", embedder.space, table)


@pytest.fixture(scope="module")
def asked(bright_night, colour_checkpoint, colour_encoder, tmp_path_factory):
    """The bright night watched with words."""
    database = tmp_path_factory.mktemp("worded") / "gallery.db"
    night = replace(bright_night, sentences=SENTENCES)
    models = QueryModels(colour_checkpoint, str(colour_encoder))
    detector = brightness.brightness_detector()
    return demo.watch(night, database, detector, models.embedder, SETTINGS, models)


@pytest.mark.slow
def test_words_find_whom_they_describe_where_infrared_alone_cannot(asked):
    words = asked[1].words
    assert words.people == 1
    (side,) = words.sides
    assert side.person == "1"
    # Whoever is white by night is as near to each of the three; red is one of them.
    assert side.ranks["text"] == side.ranks["fused"] == side.ranks["ensemble"] == 1
    assert {way: one.queries for way, one in words.retrieval.items()} == dict.fromkeys(WAYS, 1)
    assert words.retrieval["text"].rank1 == words.retrieval["text"].map == 1
    assert words.answered.person == "1"
    assert [one.correct for one in words.answered.candidates] == [True, False, False]
    # Nothing is calibrated here: watches of descriptions are silent, and are there.
    assert {one.person for one in words.watched.watches} == set(SENTENCES)
    assert [one.person for one in words.watched.others] == ["9"]
    assert words.watched.fired is None


@pytest.mark.slow
def test_words_are_told_in_the_terminal_in_json_and_in_the_report(asked):
    run, figures = asked
    words = figures.words
    told = json.loads(json.dumps(words_json(words, run)))
    assert told["text_r1"] == {"value": 1, "queries": 1, "interval_95": [0.2065, 1]}
    assert {f"{way}_{figure}" for way in WAYS for figure in ("r1", "map")} == told.keys() - {"words"}
    assert told["words"]["query"]["answers"][0]["correct"] is True
    assert [one["came"] for one in told["words"]["watches"]] == ["came by day"] * 3 + ["never came"]
    rows = shown_in_a_terminal(words_table(words)).splitlines()
    (rank1,) = [row for row in rows if row.startswith("Rank-1")]
    assert rank1.split()[2:] == ["1.00"] * 3
    assert max(map(len, rows)) <= 80
    lines = "\n".join(words_lines(words, run))
    assert "Asked for person 1: “a man in a red coat”" in lines
    assert "of 1 whose person never came by day 1 stayed silent" in lines
    page = render_report(run, None, groups(figures), lambda page: words_view(page, words))
    assert page.index('id="words"') < page.index('id="timeline"')
    shown = " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert "Words alone, rank-1 1.00 mAP 1.00; 1 infrared tracklet of 1 person" in shown
    assert "“a man in a red coat”" in shown
    (row,) = re.findall(r'<tr><th scope="row"><a href="#tracklet-\d+">night-\d+</a>.*?</tr>', page)
    assert re.findall(r'class="num">(\S+?)<', row)[1:] == ["1", "1", "1"]
    assert "Place, fused" in shown
    assert "never came" in shown
    # Names that come from outside are text.
    odd = {**SENTENCES, "1": "<script>red</script>"}
    hostile = replace(words, answered=replace(words.answered, text=odd["1"]))
    assert "<script>red" not in render_report(run, None, (), lambda page: words_view(page, hostile))


def test_figures_of_words_are_over_people_and_miss_whom_nobody_is():
    queries = [tracklet("n1", "1"), tracklet("n2", "1"), tracklet("n3", "2")]
    identities = {"p": "1", "q": "2", "r": None}
    found = retrieval(queries, [[True, False, False], [False, True, False], []], identities)
    assert (found.queries, found.rank1, found.map) == (3, 1 / 3, 0.5)
    assert found.rank1_95 == share_interval([True, False, False], ["1", "1", "2"])
    assert found.map_95 == share_interval([1, 0.5, 0], ["1", "1", "2"])
    nobody = retrieval([], [], identities)
    assert (nobody.queries, nobody.rank1, nobody.map_95) == (0, None, None)


def test_watches_are_judged_by_whom_they_describe():
    night = camera("night", Spectrum.NEAR, *(tracklet(f"n{who}", who) for who in "1147"), tracklet("n0"))
    run = result(night)
    people = {5: "1", 6: "4", 7: "7", 8: "8"}
    sentences = {who: f"description {who}" for who in people.values()}
    raised = [alert(1, 5, "n1"), alert(2, 5, "n0"), alert(3, 7, "n4")]
    found = outcomes(raised, run, sentences, {"1", "4"}, people)
    by_number = {one.number: one for one in found.watches}
    assert (by_number[5].right, by_number[5].wrong, by_number[5].silent_for) == (("n1",), ("n0",), 0)
    assert (by_number[6].right, by_number[6].silent_for) == ((), 1)
    assert by_number[7].wrong == ("n4",)
    assert [one.person for one in found.known] == ["1", "4"]
    assert [one.person for one in found.others] == ["7", "8"]
    assert found.fired is by_number[5]
    assert found.silent is by_number[8]


def test_everybody_is_described_and_some_who_never_come(plan):
    from console.demo_descriptions import ABSENT, witnessed

    said = witnessed(plan)
    assert list(said) == [str(number) for number in range(1, plan.people + ABSENT + 1)]
    assert len(set(said.values())) == len(said)
    assert all(read_description(text).understanding.terms for text in said.values())


def test_a_video_that_is_gone_is_told_of_before_the_run(bright_night, tmp_path):
    with pytest.raises(SourceError, match="gate"):
        demo.sources(demo.Night(tmp_path, bright_night.cameras))


@pytest.mark.slow
def test_the_demonstration_prints_its_figures_and_names_its_report(nightreid, synthetic, tmp_path):
    command = ("demo", "--out", "shift", "--people", "3", "--seed", "7", "--json")
    first = nightreid(*command, cwd=tmp_path, timeout=900)
    assert first.returncode == 0, first.stderr
    told = json.loads(first.stdout)
    assert told["people"]["all"] == 3
    # Nothing was named: the starter models did it, and theirs are decisions.
    assert told["models"]["calibrated"] and "night-detector" in json.dumps(told["models"])
    assert set(told["detection"]) == {"visible", "near", "thermal", "cameras"}
    assert set(told["links"]) == {"near", "thermal"}
    for way in WAYS:
        assert told[f"{way}_r1"]["queries"] == told["infrared_map"]["queries"]
    # The same tracklets, ranked in the same order as by links.
    links = told["links"].values()
    assert told["infrared_r1"]["queries"] == sum(one["queries"] for one in links)
    first = sum(round(one["rank1"] * one["queries"]) for one in links if one["queries"])
    assert round(told["infrared_r1"]["value"] * told["infrared_r1"]["queries"]) == first
    assert all(told["words"]["captions"][kind] for kind in ("visible", "near", "thermal"))
    assert len(told["words"]["watches"]) == 3 + 5
    assert told["words"]["query"]["answers"]
    assert told["detection"]["visible"]["ap50"] > 0.5
    assert told["tracklets"]["visible"]["purity"] > 0.7
    page = (tmp_path / told["report"]).read_text(encoding="utf-8")
    assert "Results against the ground truth" in page
    assert 'id="words"' in page and 'class="caption"' in page
    assert not re.search(r"(?:src|href)=[\"']?(?!#|data:)[^\"'\s>]+", page)
    made = (tmp_path / "shift/night/day-1.mp4").stat().st_mtime_ns
    again = nightreid(*command, cwd=tmp_path, timeout=900)
    assert again.returncode == 0, again.stderr
    assert (tmp_path / "shift/night/day-1.mp4").stat().st_mtime_ns == made
    still = json.loads(again.stdout)
    assert still["links"] == told["links"]
    assert still["detection"] == told["detection"]
    other = nightreid("demo", "--out", "shift", "--people", "4", "--seed", "7", cwd=tmp_path)
    assert other.returncode == 2
    assert "another night" in other.stderr
    _opens_the_console(tmp_path, ("demo", "--out", "shift", "--people", "3", "--seed", "7"), told["report"])


def _opens_the_console(folder, command, report):
    """What is watched already is served at once, to this machine alone, and nobody is asked who they are."""
    written = (folder / report).stat().st_mtime_ns
    served = subprocess.Popen(
        [sys.executable, "-m", "console.cli", *command, "--serve", "--port", "0"],
        cwd=folder,
        env=command_environment(),
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        told = served.stdout.readline()
        address = re.search(r"http://127\.0\.0\.1:\d+/", told)[0]
        session = httpx.get(f"{address}api/v1/session").json()
        assert session["kind"] == "local"
        found = httpx.post(f"{address}api/v1/searches", json={"text": "man in a jacket"}, timeout=120).json()
        assert found["searched"] > 0
        foreign = httpx.get(f"{address}api/v1/session", headers={"Host": "elsewhere.test"})
        assert foreign.status_code == 400
    finally:
        served.terminate()
        served.wait(60)
    assert (folder / report).stat().st_mtime_ns == written, "it was watched again"


def test_a_demonstration_names_the_command_that_opens_it(monkeypatch):
    monkeypatch.setattr(demo.shutil, "which", lambda name: "/usr/bin/nightreid")
    assert demo.serving(demo.OUT) == "nightreid demo --serve"
    assert demo.serving(Path("my demo")) == "nightreid demo --out 'my demo' --serve"
    monkeypatch.setattr(demo.shutil, "which", lambda name: None)
    monkeypatch.setattr(demo.sys, "argv", [".venv-demo/bin/nightreid", "demo"])
    assert demo.serving(demo.OUT) == ".venv-demo/bin/nightreid demo --serve"
