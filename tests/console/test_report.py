import io
import re
from dataclasses import replace
from datetime import UTC, datetime
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image

from console import figures, report_words
from console.report import render_report, write_report
from detectors.infrared_filter import Switch
from reid_core.errors import StorageError
from reid_core.types import Decision, Modality, Spectrum
from stream.run.result import (
    CameraResult,
    CandidateResult,
    IdentityResult,
    LinkResult,
    RunResult,
    SightingResult,
    StageTiming,
    TrackletResult,
)
from training.evaluation.intervals import share_interval

SECOND = 1_000_000_000
DAY = 1_777_629_603 * SECOND  # 2026-05-01T10:00:03Z
NIGHT = DAY + 12 * 3600 * SECOND
VOID = {"meta", "img", "br", "link", "input", "hr"}


class Node:
    def __init__(self, tag: str, attrs: dict[str, str], parent: "Node | None") -> None:
        self.tag, self.attrs, self.parent = tag, attrs, parent
        self.parts: list[Node | str] = []

    def all(self, tag: str = "", **attrs: str) -> list["Node"]:
        found = []
        for part in self.parts:
            if isinstance(part, Node):
                classes = part.attrs.get("class", "").split()
                fits = all(
                    value in classes if key == "cls" else part.attrs.get(key) == value
                    for key, value in attrs.items()
                )
                if fits and tag in ("", part.tag):
                    found.append(part)
                found += part.all(tag, **attrs)
        return found

    def one(self, tag: str = "", **attrs: str) -> "Node":
        (found,) = self.all(tag, **attrs)
        return found

    @property
    def text(self) -> str:
        if self.tag in ("script", "style"):
            return ""
        words = (part.text if isinstance(part, Node) else part for part in self.parts)
        return " ".join(" ".join(words).split())


class Reader(HTMLParser):
    """A strict little tree: every element must be closed by its own end tag."""

    def __init__(self) -> None:
        super().__init__()
        self.root = self.here = Node("", {}, None)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        node = Node(tag, {key: value or "" for key, value in attrs}, self.here)
        self.here.parts.append(node)
        if tag not in VOID:
            self.here = node

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.here.parts.append(Node(tag, {key: value or "" for key, value in attrs}, self.here))

    def handle_endtag(self, tag: str) -> None:
        assert self.here.tag == tag, f"</{tag}> closes <{self.here.tag}>"
        assert self.here.parent is not None
        self.here = self.here.parent

    def handle_data(self, data: str) -> None:
        self.here.parts.append(data)


def read(page: str) -> Node:
    reader = Reader()
    reader.feed(page)
    reader.close()
    assert reader.here is reader.root
    ids = [node.attrs["id"] for node in reader.root.all() if "id" in node.attrs]
    assert len(ids) == len(set(ids))
    targets = [node.attrs["href"] for node in reader.root.all("a")]
    assert {target for target in targets if target not in {f"#{id_}" for id_ in ids}} == set()
    return reader.root


def jpeg(height: int = 90, shade: int = 80) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (max(1, height // 3), height), (shade, 90, 120)).save(buffer, "JPEG")
    return buffer.getvalue()


def tracklet(label: str, start_ns: int, identity: str | None = None, height: int = 90) -> TrackletResult:
    shots = tuple(
        SightingResult(f"{label}/{n}", n, start_ns, (0, 0, 9, 9), 0.9, 0.9 - n / 10, jpeg(height, 20 * n))
        for n in range(6)
    )
    return TrackletResult(
        id=f"id {label}",
        label=label,
        first_frame=0,
        last_frame=99,
        first_ns=start_ns,
        last_ns=start_ns + 9 * SECOND,
        close_reason="timeout",
        identity=identity,
        evidence={},
        frames=np.arange(80),
        boxes=np.zeros((80, 4), np.float32),
        confidences=np.ones(80, np.float32),
        sightings=shots,
    )


def camera(id_: str, modality: Modality, start_ns: int, *tracklets: TrackletResult) -> CameraResult:
    spectrum = Spectrum.VISIBLE if modality is Modality.VISIBLE else Spectrum.THERMAL
    return CameraResult(
        id_,
        modality,
        spectrum,
        f"rtsp://host/{id_}",
        10.0,
        640,
        480,
        900,
        start_ns,
        "complete",
        None,
        tracklets,
    )


def result(calibrated: bool = True, people: int = 7) -> RunResult:
    """Seven people by day; at night one linked, one unknown (or both not calibrated), one not compared."""
    day = [tracklet(f"lobby-{n}", DAY + 10 * n * SECOND, f"p{n}") for n in range(1, people + 1)]
    night = [tracklet(f"yard-{n}", NIGHT + 20 * n * SECOND) for n in (1, 2, 3)]
    links = []
    for place, one in enumerate(night[:2]):
        decision = (Decision.LINKED, Decision.UNKNOWN)[place] if calibrated else Decision.NOT_CALIBRATED
        candidates = tuple(
            CandidateResult(
                rank,
                f"p{rank}",
                0.8 - rank / 10,
                0.9 - rank / 10 if calibrated else None,
                f"id lobby-{rank}",
                f"lobby-{rank}/2",
            )
            for rank in range(1, people + 1)
        )
        identity = "p1" if decision is Decision.LINKED else None
        links.append(LinkResult(one.id, decision, identity, 0.7, candidates[0].probability, candidates))
    return RunResult(
        cameras=(
            camera("lobby", Modality.VISIBLE, DAY, *day),
            camera("yard", Modality.INFRARED, NIGHT, *night),
        ),
        identities=tuple(IdentityResult(f"p{n}", f"person {n}", (one.id,)) for n, one in enumerate(day, 1)),
        links=tuple(links),
        timings=(StageTiming("detect", 2.0, 400, "frames"), StageTiming("embed", 0.5, 0, "crops")),
        wall_s=3.0,
        detector="yolo11n",
        embedder="osnet",
        model="0123456789abcdef",
        calibrated=calibrated,
        gallery_vectors=35,
    )


def judged() -> RunResult:
    plain = result()
    links = tuple(
        replace(
            link,
            correct=place == 0,
            candidates=tuple(
                replace(one, correct=one.rank == (1 if place == 0 else 6)) for one in link.candidates
            ),
        )
        for place, link in enumerate(plain.links)
    )
    return replace(plain, links=links)


def probes(page: Node) -> dict[str, Node]:
    return {node.one("h3").text: node for node in page.all("article", cls="probe")}


def test_every_infrared_tracklet_has_a_section_with_its_crops_time_and_camera() -> None:
    found = probes(read(render_report(result())))
    assert list(found) == ["yard-1", "yard-2", "yard-3"]
    seen = found["yard-1"].one(cls="seen")
    assert len(seen.all("img")) == 5
    assert "Camera yard" in seen.text
    assert "9.0 s, found in 80 frames" in seen.text
    assert "2026-05-01 22:00:23 – 22:00:32 UTC" in found["yard-1"].text


def test_decisions_cannot_be_mistaken() -> None:
    found = probes(read(render_report(result())))
    assert "Linked to person 1" in found["yard-1"].one(cls="decision").text
    assert "Unknown" in found["yard-2"].one(cls="decision").text
    assert "Nobody in the gallery is similar enough" in found["yard-2"].text
    assert "Not compared" in found["yard-3"].one(cls="decision").text
    assert [node.attrs["data-decision"] for node in found.values()] == ["linked", "unknown", "missing"]


def test_the_five_best_candidates_with_crop_score_probability_and_a_link() -> None:
    page = read(render_report(result()))
    candidates = probes(page)["yard-1"].all("li", cls="candidate")
    assert len(candidates) == 5
    assert "score 0.700" in candidates[0].text
    assert "probability 80 %" in candidates[0].text
    href = candidates[1].one("a").attrs["href"]
    person = page.one("article", id=href.removeprefix("#"))
    assert person.one("h3").text == "person 2"
    # The candidate shows the very sighting that matched.
    assert candidates[0].one("img").attrs["src"] in {
        image.attrs["src"] for image in page.one("article", id="person-1").all("img")
    }


def test_not_calibrated_is_said_everywhere() -> None:
    page = read(render_report(result(calibrated=False)))
    warning = page.one("section", cls="warnings").text
    assert "This model is not calibrated: scores rank candidates but give no probability." in warning
    card = probes(page)["yard-1"]
    assert "Not calibrated" in card.one(cls="decision").text
    assert all("not calibrated" in one.text for one in card.all("li", cls="candidate"))
    assert "probability" not in card.text
    assert "linked" not in page.one("ul", cls="tiles").text
    assert not read(render_report(result())).all("section", cls="warnings")


def test_right_and_wrong_are_text_and_only_where_truth_is_known() -> None:
    assert not read(render_report(result())).all(cls="verdict")
    assert "Checked against truth" not in render_report(result())
    page = read(render_report(judged()))
    first, second = probes(page)["yard-1"], probes(page)["yard-2"]
    assert [node.text for node in first.one("summary").all(cls="verdict")] == ["✓ right"]
    assert [node.text for node in second.one("summary").all(cls="verdict")] == ["✗ wrong"]
    told = [node.one(cls="verdict").text for node in first.all("li", cls="candidate")]
    assert told == ["✓ right"] + ["✗ wrong"] * 4
    borders = [node.attrs["class"].split()[1] for node in first.all("li", cls="candidate")]
    assert borders == ["right"] + ["wrong"] * 4
    assert second.one(cls="missed").text == "The right person comes at rank 6."
    low, high = share_interval([True, False], ["a", "b"])
    assert (
        f"1 of 2 decisions right; the best candidate is the right person for 1 of 2 "
        f"(rank-1 0.50, 95 % {low:.2f} to {high:.2f})"
    ) in page.one("header").text
    assert len(page.all("svg", cls="histogram")) == 2
    assert len(read(render_report(result())).all("svg", cls="histogram")) == 1


def test_the_page_asks_nobody_for_anything() -> None:
    page = render_report(result())
    for node in read(page).all():
        for key in ("src", "href", "srcset", "data", "action", "poster"):
            assert re.match(r"(#|data:image/jpeg;base64,|$)", node.attrs.get(key, "")), (node.tag, node.attrs)
        assert node.tag not in {"link", "iframe", "object", "base"}
    assert "url(" not in page
    assert "@import" not in page
    policy = next(node.attrs["content"] for node in read(page).all("meta") if "http-equiv" in node.attrs)
    assert policy.startswith("default-src 'none'")
    # Addresses are shown as text, not asked.
    assert "rtsp://host/yard" in read(page).one("section", id="cameras").text


def test_names_from_outside_are_escaped() -> None:
    bad = "<script>alert(1)</script>\"'&"
    told = result()
    day, night = told.cameras
    first = replace(night.tracklets[0], label=bad, truth=bad, close_reason=bad)
    known = replace(day.tracklets[0], evidence={bad: {bad: bad}})
    told = replace(
        told,
        cameras=(
            replace(day, tracklets=(known, *day.tracklets[1:]), source=bad),
            replace(night, id=bad, status="partial", message=bad, tracklets=(first, *night.tracklets[1:])),
        ),
        identities=(replace(told.identities[0], label=bad), *told.identities[1:]),
        detector=bad,
        embedder=bad,
        model=bad,
        warnings=(bad,),
        timings=(StageTiming(bad, 1.0, 1, bad),),
    )
    page = render_report(told)
    root = read(page)
    assert len(root.all("script")) == 1
    assert "<script>alert" not in page
    assert bad in root.one("section", id="cameras").text
    assert bad in root.one("svg", cls="timeline").text
    assert probes(root)[bad]


def test_the_gallery_says_who_is_where_and_why() -> None:
    told = result()
    day = told.cameras[0]
    evidence: dict[str, object] = {
        "decision": "joined",
        "score": 0.81,
        "tracklet": "id lobby-1",
        "sighting": "lobby-2/0",
        "matched_sighting": "lobby-1/3",
        "runner_up": {"identity": "p3", "score": 0.4},
        "threshold": 0.6,
        "model": "m",
        "reason": "the score reached the threshold",
    }
    second = replace(day.tracklets[1], identity="p1", evidence=evidence)
    told = replace(
        told,
        cameras=(replace(day, tracklets=(day.tracklets[0], second, *day.tracklets[2:])), told.cameras[1]),
        identities=(
            IdentityResult("p1", "person 1", ("id lobby-1", "id lobby-2", "of an earlier run")),
            *told.identities[2:],
        ),
    )
    card = read(render_report(told)).one("article", id="person-1")
    assert [node.attrs["aria-label"] for node in card.all("section", cls="sighting")] == [
        "lobby-1",
        "lobby-2",
    ]
    assert card.one("p", cls="why").text == (
        "Joined because the score reached the threshold: 0.810 with lobby-1, threshold 0.600; "
        "next person 3 with 0.400."
    )
    assert len(card.one(cls="pair").all("img")) == 2
    assert "1 tracklet of earlier runs" in card.text
    assert "yard-1 (linked)" in card.one(cls="asked").text


def test_an_empty_result_is_a_page_too() -> None:
    told = replace(result(), cameras=(), identities=(), links=(), timings=(), gallery_vectors=0)
    page = read(render_report(told))
    assert "0 people by day, 0 tracklets at night" in page.one("header").text
    assert "No camera delivered a frame." in page.text
    assert "Nobody was seen by an infrared camera." in page.text


def test_a_failed_camera_and_an_interrupted_run_are_warned_of() -> None:
    told = result()
    failed = replace(
        told.cameras[0], status="failed", message="Not a video.", frames=0, fps=0.0, tracklets=()
    )
    told = replace(told, cameras=(failed,), identities=(), links=(), interrupted=True)
    page = read(render_report(told))
    warning = page.one("section", cls="warnings").text
    assert "Camera lobby failed: Not a video." in warning
    assert "The run was stopped early" in warning
    assert "Not a video." in page.one("section", id="cameras").text


def test_night_people_with_an_empty_gallery() -> None:
    told = result()
    link = LinkResult("id yard-1", Decision.UNKNOWN, None, None, None, ())
    told = replace(told, cameras=told.cameras[1:], identities=(), links=(link,))
    card = probes(read(render_report(told)))["yard-1"]
    assert "The gallery is empty" in card.text
    assert not card.all("li")


def test_candidates_of_earlier_runs_are_shown_without_a_picture() -> None:
    told = result()
    stranger = CandidateResult(1, "gone", 0.5, None, "gone", "gone")
    told = replace(told, links=(replace(told.links[1], candidates=(stranger,)),))
    (candidate,) = probes(read(render_report(told)))["yard-2"].all("li")
    assert "gone" in candidate.text
    assert "no crop" in candidate.text


def test_a_damaged_crop_is_left_out() -> None:
    told = result()
    night = told.cameras[1]
    broken = replace(night.tracklets[0].sightings[0], jpeg=b"no picture at all")
    tracklets = (replace(night.tracklets[0], sightings=(broken,)), *night.tracklets[1:])
    told = replace(told, cameras=(told.cameras[0], replace(night, tracklets=tracklets)))
    assert "No crop was kept." in probes(read(render_report(told)))["yard-1"].text


def test_large_crops_are_made_small() -> None:
    told = result()
    large = tracklet("yard-1", NIGHT, height=900)
    told = replace(told, cameras=(told.cameras[0], replace(told.cameras[1], tracklets=(large,))))
    images = probes(read(render_report(told)))["yard-1"].one(cls="seen").all("img")
    assert {image.attrs["height"] for image in images} == {"160"}
    assert {image.attrs["width"] for image in images} == {"53"}


@pytest.mark.slow
def test_three_hundred_tracklets_stay_sane() -> None:
    told = result()
    many = [tracklet(f"yard-{n}", NIGHT + n * SECOND, height=300) for n in range(300)]
    links = tuple(replace(told.links[0], tracklet=one.id) for one in many)
    night = replace(told.cameras[1], tracklets=tuple(many), frames=4000)
    text = render_report(replace(told, cameras=(told.cameras[0], night), links=links))
    folds = [node.one("details") for node in probes(read(text)).values()]
    assert len(folds) == 300
    assert 10 <= sum("open" in node.attrs for node in folds) <= 50
    assert len(text) < 15_000_000


def test_timings_say_milliseconds_per_item() -> None:
    rows = read(render_report(result())).one("section", id="timings").one("tbody").all("tr")
    assert [cell.text for cell in rows[0].all("td")][:4] == ["2.000", "400", "frames", "5.00"]
    assert rows[1].all("td")[3].text == "–"


def test_every_table_cell_has_a_header_and_every_picture_a_description() -> None:
    page = read(render_report(judged()))
    for table in page.all("table"):
        headers = table.one("thead").all("th")
        assert all(node.attrs["scope"] == "col" for node in headers)
        for row in table.one("tbody").all("tr"):
            assert len(row.all("td")) + len(row.all("th")) == len(headers)
    assert all(image.attrs["alt"] for image in page.all("img"))
    assert page.one("html").attrs["lang"] == "en"


def test_the_file_is_written_whole_and_says_when(tmp_path: Path) -> None:
    path = write_report(result(), tmp_path / "new" / "x.html", datetime(2026, 5, 2, 7, 30, tzinfo=UTC))
    assert "report written 2026-05-02 07:30 UTC" in path.read_text(encoding="utf-8")
    assert list(path.parent.iterdir()) == [path]
    with pytest.raises(StorageError):
        write_report(result(), tmp_path)


def test_the_same_result_gives_the_same_page() -> None:
    assert render_report(judged()) == render_report(judged())


# The drawings


def bar(label: str, start: int, end: int) -> figures.Bar:
    return figures.Bar(label, start * SECOND, end * SECOND, f"#{label}", f"title of {label}", "visible")


def place(node: ElementTree.Element, key: str = "x") -> float:
    return float(node.attrib[key].removesuffix("%"))


def test_day_and_night_are_pieces_with_a_gap_between() -> None:
    hour = 3600 * SECOND
    pieces = figures.segments([(0, 8 * hour), (hour, 2 * hour), (20 * hour, 20 * hour + SECOND)])
    assert [(piece.start_ns, piece.end_ns) for piece in pieces] == [
        (0, 8 * hour),
        (20 * hour, 20 * hour + SECOND),
    ]
    assert pieces[0].left == 0
    assert pieces[1].right == pytest.approx(100)
    assert pieces[1].left > pieces[0].right
    assert pieces[1].right - pieces[1].left > 20  # one second beside eight hours can still be read


def test_a_short_pause_does_not_break_the_axis() -> None:
    assert len(figures.segments([(0, 60 * SECOND), (65 * SECOND, 120 * SECOND)])) == 1
    assert figures.segments([]) == []
    (piece,) = figures.segments([(5, 5)])
    assert 0 <= piece.place(5) <= 100


@pytest.mark.parametrize("pieces", [1, 2, 7, 40])
def test_pieces_stay_in_order_and_inside(pieces: int) -> None:
    found = figures.segments([(n * 10**15, n * 10**15 + SECOND * (n + 1)) for n in range(pieces)])
    edges = [edge for piece in found for edge in (piece.left, piece.right)]
    assert len(found) == pieces
    assert edges == sorted(edges)
    assert edges[0] >= 0 and edges[-1] <= 100


def test_bars_stand_in_capture_time_and_never_cover_each_other() -> None:
    lane = figures.Lane("a", 0, 100 * SECOND, (bar("x", 10, 30), bar("y", 20, 40), bar("z", 60, 70)))
    svg = ElementTree.fromstring(figures.timeline([lane]))
    rects = {node.attrib["href"]: node.find("rect") for node in svg.iter("a")}
    x, y, z = (rects[f"#{name}"] for name in "xyz")
    assert x is not None and y is not None and z is not None
    assert place(x) == pytest.approx(10) and place(x, "width") == pytest.approx(20)
    assert place(z) == pytest.approx(60)
    assert x.attrib["y"] == z.attrib["y"] != y.attrib["y"]
    assert [node.findtext("title") for node in svg.iter("a")] == [f"title of {name}" for name in "xyz"]


def test_a_break_says_how_long_it_is() -> None:
    lanes = [
        figures.Lane("day", DAY, DAY + 60 * SECOND, ()),
        figures.Lane("night", NIGHT, NIGHT + 60 * SECOND, ()),
    ]
    text = " ".join(ElementTree.fromstring(figures.timeline(lanes)).itertext())
    assert "11 h 59 min cut out" in text
    assert "11 h 59 min later" in text
    assert "2026-05-01" in text


def test_histogram_counts_every_finite_score() -> None:
    up, down = [0.1, 0.11, 0.52, float("nan")], [0.9, -0.3]
    svg = ElementTree.fromstring(figures.histogram("t", ("best|Best", up), ("other|Others", down)))
    titles: dict[str, list[str]] = {"best": [], "other": []}
    for rect in svg.iter("rect"):
        titles[rect.attrib["class"]].append(rect.findtext("title") or "")
    assert sum(int(title.split()[1]) for title in titles["best"]) == 3
    assert sum(int(title.split()[1]) for title in titles["other"]) == 2
    assert "Best: 3" in list(svg.itertext()) and "Others: 2" in list(svg.itertext())


@pytest.mark.parametrize("scores", [[], [0.5], [0.5] * 9, [-1.0, 1.0], [0.3, 0.30001]])
def test_histogram_of_few_or_equal_scores(scores: list[float]) -> None:
    svg = ElementTree.fromstring(figures.histogram("t", ("best|Best", scores), ("other|Others", [])))
    total = sum(int((rect.findtext("title") or "").split()[1]) for rect in svg.iter("rect"))
    assert total == len(scores)
    assert all(place(rect) >= 0 and place(rect) + place(rect, "width") <= 460 for rect in svg.iter("rect"))


@pytest.mark.parametrize("reach", [1.0, 17.0, 340.0, 1e6])
def test_a_histogram_of_scores_without_bounds(reach: float) -> None:
    """Vectors of anybody's, such as those of a file, need not be of length one."""
    svg = ElementTree.fromstring(figures.histogram("t", ("right|one", [-reach, reach]), ("other|two", [0.0])))
    assert 3 <= sum(line.get("class") == "grid" for line in svg.iter("line")) <= 12
    assert len(list(svg.iter("rect"))) == 3


# The words


@pytest.mark.parametrize(
    ("seconds", "said"),
    [
        (0.04, "0.0 s"),
        (9.94, "9.9 s"),
        (26.2, "26 s"),
        (139, "2 min 19 s"),
        (120, "2 min"),
        (3600, "1 h"),
        (43103, "11 h 58 min"),
        (90000, "1 d 1 h"),
        (10**6, "11 d 13 h"),
    ],
)
def test_durations(seconds: float, said: str) -> None:
    assert report_words.duration(seconds) == said


@pytest.mark.parametrize(
    ("value", "said"), [(0.0, "<1 %"), (0.874, "87 %"), (0.999, ">99 %"), (1.0, ">99 %")]
)
def test_shares_never_claim_certainty(value: float, said: str) -> None:
    assert report_words.share(value) == said


def test_summary_sentences() -> None:
    assert report_words.summary(result()) == (
        "7 people by day, 3 tracklets at night: 1 linked, 1 unknown, 1 not compared."
    )
    assert "2 ranked without a decision" in report_words.summary(result(calibrated=False))


def test_a_camera_that_turned_grey_is_both_and_says_since_when() -> None:
    by_day = tracklet("gate-1", DAY, "p1")
    by_night = replace(tracklet("gate-2", DAY + 60 * SECOND), modality=Modality.INFRARED)
    both = replace(
        camera("gate", Modality.VISIBLE, DAY, by_day, by_night),
        switches=(Switch(500, DAY + 50 * SECOND, Spectrum.NEAR),),
    )
    page = render_report(replace(result(), cameras=(both,), links=(), warnings=()))
    assert "near since 2026-05-01 10:00:53" in page
    # The one is in the gallery, the other is somebody to look for.
    assert "1 infrared tracklet" in page and "1 tracklet at night" in page
