"""The report's drawings: pure functions from plain numbers to SVG text.

Horizontal places of the timeline are percentages and vertical ones pixels, so that it fills its page
without scaling its letters. Colours come from the page's style sheet by class. Everything is built as
XML, so no name can break out of its element.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from xml.etree.ElementTree import Element, SubElement, tostring

from console.report_words import clock, duration, moment

MIN_WIDTH = 700
"""Pixels below which a timeline of few segments scrolls instead of shrinking."""

_STEPS = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10800, 21600, 43200, 86400)
_BINS = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_HEAD = 44
_LETTER = 6.6
_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Bar:
    """One tracklet on the timeline; ``kind`` is its style, ``group`` the identity it is drawn with."""

    label: str
    start_ns: int
    end_ns: int
    href: str
    title: str
    kind: str
    group: str = ""


@dataclass(frozen=True, slots=True)
class Lane:
    """One recording on the timeline: its name, when it ran, and who was seen."""

    name: str
    start_ns: int
    end_ns: int
    bars: tuple[Bar, ...]


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time without a long gap, drawn from ``left`` to ``right`` percent."""

    start_ns: int
    end_ns: int
    left: float
    right: float

    def place(self, time_ns: int) -> float:
        """Where a time is drawn, in percent; times outside are put on the edge."""
        part = (time_ns - self.start_ns) / max(1, self.end_ns - self.start_ns)
        return self.left + min(1.0, max(0.0, part)) * (self.right - self.left)


def segments(intervals: Iterable[tuple[int, int]], gap_share: float = 0.15) -> list[Segment]:
    """Cut the time axis where nothing was recorded for long.

    A gap is cut out when it is longer than ``gap_share`` of all recorded time. A segment's width grows
    with its length, but none gets less than half of an equal share.

    Args:
        intervals: start and end of every recording, UTC nanoseconds.
        gap_share: of the recorded time.
    """
    spans: list[list[int]] = []
    for start, end in sorted((start, max(start, end)) for start, end in intervals):
        if spans and start <= spans[-1][1]:
            spans[-1][1] = max(spans[-1][1], end)
        else:
            spans.append([start, end])
    if not spans:
        return []
    limit = max(_SECOND, gap_share * sum(end - start for start, end in spans))
    joined = [spans[0]]
    for start, end in spans[1:]:
        if start - joined[-1][1] > limit:
            joined.append([start, end])
        else:
            joined[-1][1] = end
    total = sum(end - start for start, end in joined) or 1
    gap = min(2.5, 30 / len(joined))
    room = 100 - gap * (len(joined) - 1)
    found, left = [], 0.0
    for start, end in joined:
        width = room * (0.5 / len(joined) + 0.5 * (end - start) / total) if len(joined) > 1 else room
        found.append(Segment(start, end, left, min(100.0, left + width)))
        left += width + gap
    return found


def timeline_width(lanes: Sequence[Lane]) -> int:
    """Pixels that `timeline` is wide at least: for the page's style sheet, as no drawing has a style."""
    return _least_width(segments((lane.start_ns, lane.end_ns) for lane in lanes))


def _least_width(cuts: Sequence[Segment]) -> int:
    return max(MIN_WIDTH, 110 * len(cuts))


def timeline(lanes: Sequence[Lane]) -> str:
    """A lane for each recording and a bar for each tracklet, in capture time, as ``<svg>``.

    Bars that would cover each other are put in rows. Each bar is a link with a hover title.
    """
    cuts = segments((lane.start_ns, lane.end_ns) for lane in lanes)
    width = _least_width(cuts)
    svg = Element("svg", {"class": "timeline", "role": "group"})
    svg.set("aria-label", "Timeline of all cameras")
    axis = SubElement(svg, "g", {"class": "axis"})
    top = float(_HEAD)
    for lane in lanes:
        cut = next(cut for cut in cuts if cut.start_ns <= lane.start_ns <= cut.end_ns)
        placed = _rows(lane.bars, cut, width)
        rows = max((row for _, row in placed), default=0) + 1
        height = 18 if rows <= 6 else 9
        group = SubElement(svg, "g", {"class": "lane"})
        _text(group, "0", top + 15, lane.name, "camera")
        top += 22
        depth = rows * (height + 3) + 3
        left, right = cut.place(lane.start_ns), cut.place(lane.end_ns)
        _rect(group, left, top, max(0.3, right - left), depth, "recorded")
        for bar, row in placed:
            _draw_bar(group, bar, cut, top + 3 + row * (height + 3), height, width)
        top += depth + 8
    for number, cut in enumerate(cuts):
        _draw_axis(axis, cut, cuts[number - 1] if number else None, top, width)
    svg.set("height", f"{top + 4:.0f}")
    svg.set("width", "100%")
    return tostring(svg, encoding="unicode")


def histogram(title: str, upper: tuple[str, Sequence[float]], lower: tuple[str, Sequence[float]]) -> str:
    """Two sets of scores over one axis, one upwards and one downwards, each to its own scale, as ``<svg>``.

    Args:
        title: what is shown, for those who cannot see it.
        upper: class and name of the set drawn upwards (``"best|best candidate"``), and its scores.
        lower: the same for the set drawn downwards.
    """
    wide, middle, reach, left = 460.0, 104.0, 74.0, 34.0
    svg = Element("svg", {"class": "histogram", "viewBox": f"0 0 {wide:.0f} 224", "role": "img"})
    SubElement(svg, "title").text = title
    both: list[tuple[str, str, list[float]]] = []
    for label, scores in (upper, lower):
        kind, _, name = label.partition("|")
        both.append((kind, name, [score for score in scores if math.isfinite(score)]))
    pooled = [value for _, _, values in both for value in values]
    step, first, bins = _bins(pooled)
    scale = (wide - left - 14) / bins
    for sign, (kind, name, values) in zip((-1, 1), both, strict=True):
        counts = [0] * bins
        for value in values:
            counts[min(bins - 1, max(0, math.floor(value / step + 1e-9) - first))] += 1
        peak = max(1, *counts)
        for number, amount in enumerate(counts):
            if amount:
                length = reach * amount / peak
                box = {
                    "x": f"{left + number * scale + 1:.1f}",
                    "y": f"{middle - length if sign < 0 else middle + 1:.1f}",
                    "width": f"{scale - 2:.1f}",
                    "height": f"{length:.1f}",
                    "class": kind,
                }
                low = (first + number) * step
                bar = SubElement(svg, "rect", box)
                SubElement(bar, "title").text = f"{name}: {amount} from {low:.3f} to {low + step:.3f}"
        edge = middle + sign * reach
        _text(svg, f"{left - 6:.0f}", edge + 4, str(peak) if values else "0", "tick end")
        _text(svg, f"{left:.0f}", edge + (-10 if sign < 0 else 18), f"{name}: {len(values):,}", "series")
    SubElement(svg, "line", _line(left, middle, wide - 14, middle, "base"))
    every = next(every for every in (1, 2, 5, 10) if bins / every <= 8)
    for number in range(-first % every, bins + 1, every):
        x = left + number * scale
        SubElement(svg, "line", _line(x, middle - reach, x, middle + reach, "grid"))
        _text(svg, f"{x:.1f}", 218, f"{(first + number) * step:.3g}", "tick middle")
    return tostring(svg, encoding="unicode")


def _bins(values: Sequence[float]) -> tuple[float, int, int]:
    """Width of a bin, number of the first one (counted from score 0) and how many there are."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    step = next((step for step in _BINS if (high - low) / step <= 28), _BINS[-1])
    # Scores of vectors that are not of length one have no bounds.
    while (high - low) / step > 28:
        step *= 2
    first, last = math.floor(low / step + 1e-9), math.floor(high / step + 1e-9)
    missing = max(0, 8 - (last - first + 1))
    return step, first - missing // 2, last - first + 1 + missing


def _rows(bars: Sequence[Bar], cut: Segment, width: int) -> list[tuple[Bar, int]]:
    """Bars in order of time, each with the first row where it touches no other at ``width`` pixels."""
    placed: list[tuple[Bar, int]] = []
    ends: list[float] = []
    least = 100 * 6 / width
    for bar in sorted(bars, key=lambda bar: (bar.start_ns, bar.end_ns)):
        start = cut.place(bar.start_ns)
        row = next((number for number, busy in enumerate(ends) if busy <= start), len(ends))
        ends[row : row + 1] = [max(cut.place(bar.end_ns), start + least)]
        placed.append((bar, row))
    return placed


def _draw_bar(group: Element, bar: Bar, cut: Segment, top: float, height: int, width: int) -> None:
    left, right = cut.place(bar.start_ns), cut.place(bar.end_ns)
    link = SubElement(group, "a", {"href": bar.href, "class": f"bar {bar.kind}"})
    if bar.group:
        link.set("data-group", bar.group)
    SubElement(link, "title").text = bar.title
    least = 100 * 4 / width
    box = _rect(link, min(left, 100 - least), top, max(least, right - left), height)
    box.set("rx", "3")
    if height >= 16 and (right - left) * width / 100 >= _LETTER * len(bar.label) + 8:
        _text(link, f"{(left + right) / 2:.3f}%", top + 13, bar.label, "middle")


def _draw_axis(axis: Element, cut: Segment, before: Segment | None, bottom: float, width: int) -> None:
    """The head of a segment (date, length), its ticks, and the break before it."""
    if before is not None:
        middle = (before.right + cut.left) / 2
        mark = SubElement(axis, "svg", {"x": f"{middle:.3f}%", "y": "0", "overflow": "visible"})
        SubElement(mark, "title").text = f"{duration((cut.start_ns - before.end_ns) / _SECOND)} cut out"
        for shift in (-3, 2):
            SubElement(mark, "line", _line(shift - 2, bottom, shift + 2, _HEAD - 22, "break"))
    pixels = (cut.right - cut.left) * width / 100
    SubElement(axis, "line", _line(cut.left, _HEAD, cut.right, _HEAD, "base", "%"))
    head = f"{moment(cut.start_ns):%Y-%m-%d}"
    facts = [duration((cut.end_ns - cut.start_ns) / _SECOND)]
    if before is not None:
        facts.insert(0, f"{duration((cut.start_ns - before.end_ns) / _SECOND)} later")
        if head == f"{moment(before.start_ns):%Y-%m-%d}":
            head = facts.pop(0)
    for fact in facts:
        if _LETTER * len(f"{head} · {fact}") <= pixels:
            head = f"{head} · {fact}"
    _text(axis, f"{cut.left:.3f}%", 13, head, "date")
    seconds = (cut.end_ns - cut.start_ns) / _SECOND
    step = next((step for step in _STEPS if seconds / step * 72 <= pixels), 0)
    if not step:
        step = 86400 * max(1, math.ceil(seconds / 86400 * 72 / pixels))
    tick = -(-cut.start_ns // (step * _SECOND)) * step * _SECOND
    while tick <= cut.end_ns:
        place = cut.place(tick)
        SubElement(axis, "line", _line(place, _HEAD - 12, place, bottom, "grid", "%"))
        if (cut.right - place) * width / 100 >= 58:
            midnight = tick % (86400 * _SECOND) == 0
            label = f"{moment(tick):%m-%d}" if midnight else clock(tick)[: 5 if step >= 60 else 8]
            SubElement(axis, "text", {"x": f"{place:.3f}%", "dx": "4", "y": f"{_HEAD - 6}", "class": "tick"})
            axis[-1].text = label
        tick += step * _SECOND


def _rect(parent: Element, left: float, top: float, width: float, height: float, kind: str = "") -> Element:
    box = SubElement(parent, "rect", {"x": f"{left:.3f}%", "y": f"{top:.0f}"})
    box.set("width", f"{width:.3f}%")
    box.set("height", f"{height:.0f}")
    if kind:
        box.set("class", kind)
    return box


def _text(parent: Element, x: str, y: float, text: str, kind: str) -> None:
    SubElement(parent, "text", {"x": x, "y": f"{y:.0f}", "class": kind}).text = text


def _line(x1: float, y1: float, x2: float, y2: float, kind: str, unit: str = "") -> dict[str, str]:
    return {
        "x1": f"{x1:.3f}{unit}",
        "y1": f"{y1:.1f}",
        "x2": f"{x2:.3f}{unit}",
        "y2": f"{y2:.1f}",
        "class": kind,
    }
