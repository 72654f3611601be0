"""What words did in a night, said: for the report, for the terminal and as JSON."""

from collections.abc import Iterator
from typing import Any

from rich.table import Table

from console.demo_descriptions import WAYS, Answered, Described
from console.demo_watches import Watched, WatchedFor
from console.report_page import Page
from console.report_views import CaptionedView, DescribedView, Figure, FigureGroup, SideView, WatchView
from console.report_words import NOT_FOR_THESE, count, share
from stream.run.result import RunResult, TrackletResult
from training.evaluation.intervals import in_words

NAMES = {"infrared": "infrared alone", "text": "words alone", "fused": "fused", "ensemble": "ensemble"}
_SHOWN = 3
_WORDS = (
    "Words: one sentence about each person, as somebody describes them who saw them from the front by day. "
    "Fused and ensemble: infrared tracklet and sentence asked together."
)


def words_group(described: Described) -> FigureGroup:
    """The figures as the report shows them."""
    figures = []
    for way, one in described.retrieval.items():
        beside = f"mAP {_number(one.map)}; {_asked(described)}"
        if one.rank1_95 is not None:
            beside += f", 95 % {in_words(one.rank1_95)}"
        figures.append(Figure(f"{NAMES[way].capitalize()}, rank-1", _number(one.rank1), beside))
    return FigureGroup("What words add", tuple(figures), _WORDS)


def words_table(described: Described) -> Table:
    """The figures as the terminal shows them, 80 letters wide at most."""
    shown = Table("Asked by", *(NAMES[way] for way in WAYS), box=None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify = "right"
    found = [described.retrieval[way] for way in WAYS]
    shown.add_row("Rank-1", *(_number(one.rank1) for one in found))
    shown.add_row("  95 %", *("" if one.rank1_95 is None else in_words(one.rank1_95) for one in found))
    shown.add_row("mAP", *(_number(one.map) for one in found))
    shown.add_row("  95 %", *("" if one.map_95 is None else in_words(one.map_95) for one in found))
    return shown


def words_lines(described: Described, result: RunResult) -> Iterator[str]:
    """What the terminal says beside the table."""
    tracklets = {one.id: one for camera in result.cameras for one in camera.tracklets}
    labels = {person.id: person.label for person in result.identities}
    nearer, further = moved(described)
    yield f"{_asked(described)}: with words {nearer} come nearer, {further} further away."
    sides = sorted(described.sides, key=lambda one: -_gain(one.ranks))
    for side in sides[:_SHOWN]:
        if _gain(side.ranks) > 0:
            yield (
                f"  {tracklets[side.tracklet].label}, person {side.person}: place "
                f"{_place(side.ranks['infrared'])} without words, {_place(side.ranks['fused'])} with them"
            )
    if described.answered is not None:
        yield from _answer_lines(described.answered, labels)
    if described.captioned is not None:
        yield f"Captions of person {described.captioned.person}"
        for name, text in described.captioned.said:
            yield f"  {tracklets[name].label}: {text}"
    yield from _watch_lines(described.watched, tracklets)


def words_json(described: Described, result: RunResult) -> dict[str, object]:
    """The same as JSON: a figure each, and what it is of."""
    said: dict[str, object] = {}
    for way, one in described.retrieval.items():
        said[f"{way}_r1"] = _figure(one.rank1, one.queries, one.rank1_95)
        said[f"{way}_map"] = _figure(one.map, one.queries, one.map_95)
    captions = {
        str(camera.spectrum): [text for one in camera.tracklets for text in one.captions]
        for camera in result.cameras
    }
    answered, captioned = described.answered, described.captioned
    return said | {
        "words": {
            "people": described.people,
            "query": None if answered is None else _answer(answered),
            "side_by_side": [
                {"tracklet": one.tracklet, "person": one.person, "ranks": dict(one.ranks)}
                for one in described.sides
            ],
            "captions": {kind: len(texts) for kind, texts in captions.items()},
            "captions_of": None
            if captioned is None
            else {"person": captioned.person, "said": [list(one) for one in captioned.said]},
            "watches": [_watch(one) for one in described.watched.watches],
        }
    }


def words_view(page: Page, described: Described) -> DescribedView:
    """The same as a section of the report."""
    answered, captioned, watched = described.answered, described.captioned, described.watched
    return DescribedView(
        note=_WORDS,
        person=answered.person if answered is not None else "",
        text=answered.text if answered is not None else "",
        understood=answered.understood if answered is not None else "",
        unknown=share(answered.unknown) if answered is not None and answered.unknown is not None else "",
        candidates=tuple(page.candidate(one, foreign=True) for one in answered.candidates)
        if answered is not None
        else (),
        captioned=tuple(
            CaptionedView(f"#{page.anchors[name]}", page.names[name], page.cover_of(name), text)
            for name, text in (captioned.said if captioned is not None else ())
        ),
        ways=tuple(NAMES.values()),
        sides=tuple(
            SideView(
                f"#{page.anchors[one.tracklet]}",
                page.names[one.tracklet],
                one.person,
                tuple(_place(one.ranks[way]) for way in WAYS),
            )
            for one in described.sides
        ),
        watches=tuple(
            WatchView(
                one.person,
                one.text,
                _who(one),
                tuple((f"#{page.anchors[name]}", page.names[name]) for name in one.right),
                tuple((f"#{page.anchors[name]}", page.names[name]) for name in one.wrong),
            )
            for one in watched.watches
        ),
        told=tuple(_watch_counts(watched)),
    )


def moved(described: Described) -> tuple[int, int]:
    """For how many tracklets the right person comes nearer by fusing words, and for how many further away."""
    gains = [_gain(one.ranks) for one in described.sides]
    return sum(gain > 0 for gain in gains), sum(gain < 0 for gain in gains)


def _answer_lines(answered: Answered, labels: dict[str, str]) -> Iterator[str]:
    yield f"Asked for person {answered.person}: “{answered.text}”"
    for one in answered.candidates[:_SHOWN]:
        chance = f", probability {share(one.probability)}" if one.probability is not None else ""
        yield (
            f"  {one.rank}. {labels.get(one.identity, one.identity[:8])}, score {one.score:.3f}{chance}, "
            f"{'right' if one.correct else 'wrong'}"
        )
    if answered.unknown is not None:
        yield f"  nobody of the gallery: probability {share(answered.unknown)}; all are {NOT_FOR_THESE}"


def _watch_lines(watched: Watched, tracklets: dict[str, TrackletResult]) -> Iterator[str]:
    yield from _watch_counts(watched)
    if (fired := watched.fired) is not None:
        names = ", ".join(tracklets[name].label for name in fired.right)
        yield f"  fired, rightly: watch {fired.number}, “{fired.text}”, at {names}"
    if (silent := watched.silent) is not None:
        yield f"  silent, rightly: watch {silent.number}, “{silent.text}” ({_who(silent)})"


def _watch_counts(watched: Watched) -> Iterator[str]:
    known, others = watched.known, watched.others
    fired = sum(bool(one.right) for one in known)
    wrong = sum(len(one.wrong) for one in watched.watches)
    every = sum(len(one.right) for one in watched.watches) + wrong
    silent = sum(not one.wrong and not one.right for one in others)
    yield (
        f"Watches by description: {fired} of {len(known)} fired for the person they describe; of "
        f"{len(others)} whose person never came by day {silent} stayed silent; {wrong} of "
        f"{count(every, 'alert')} about somebody else."
    )


def _who(one: WatchedFor) -> str:
    if one.by_day:
        return "came by day"
    return "came at night only" if one.silent_for else "never came"


def _asked(described: Described) -> str:
    return (
        f"{count(len(described.sides), 'infrared tracklet')} of {count(described.people, 'person', 'people')}"
    )


def _gain(ranks: Any) -> float:
    """Places won by words; somebody who is nowhere stands behind everybody."""
    before, after = (ranks[way] or 1_000_000 for way in ("infrared", "fused"))
    return float(before - after)


def _place(rank: int | None) -> str:
    return "–" if rank is None else str(rank)


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2f}"


def _figure(value: float | None, queries: int, interval: tuple[float, float] | None) -> dict[str, object]:
    return {
        "value": None if value is None else round(value, 4),
        "queries": queries,
        "interval_95": None if interval is None else [round(end, 4) for end in interval],
    }


def _answer(answered: Answered) -> dict[str, object]:
    return {
        "person": answered.person,
        "text": answered.text,
        "searched_for": answered.understood,
        "answers": [
            {
                "rank": one.rank,
                "identity": one.identity,
                "score": round(one.score, 4),
                "probability": None if one.probability is None else round(one.probability, 4),
                "correct": one.correct,
            }
            for one in answered.candidates
        ],
        "unknown_probability": None if answered.unknown is None else round(answered.unknown, 4),
    }


def _watch(one: WatchedFor) -> dict[str, object]:
    return {
        "watch": one.number,
        "person": one.person,
        "text": one.text,
        "came": _who(one),
        "right_alerts": list(one.right),
        "wrong_alerts": list(one.wrong),
    }
