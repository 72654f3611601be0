"""Drawings of the evaluation report: pure functions from plain numbers to SVG text, coloured by the page."""

from collections.abc import Mapping, Sequence
from xml.etree.ElementTree import Element, SubElement, tostring

HUES = 10
"""Colours that the style sheet has for series and identities."""


def cmc_curves(title: str, curves: Mapping[str, Sequence[float]], beside: Mapping[str, str]) -> str:
    """Share found within so many ranks, a line a protocol, as ``<svg>``.

    Args:
        title: what is shown, for those who cannot see it.
        curves: name -> ``(K,)`` values in 0..1, of ranks 1 to K.
        beside: name -> what to say of its rank-1: of how many queries, and how sure.
    """
    wide, high, left, top, right, bottom = 620.0, 330.0, 44.0, 14.0, 16.0, 40.0
    svg = _svg("chart cmc", wide, high, title)
    count = max(len(values) for values in curves.values())
    floor = min(0.9, max(0.0, min(min(values) for values in curves.values()) // 0.1 / 10))

    def x(rank: float) -> float:
        return left + (rank - 1) / max(1, count - 1) * (wide - left - right)

    def y(share: float) -> float:
        return top + (1 - share) / (1 - floor) * (high - top - bottom)

    for tenth in range(round(floor * 10), 11):
        SubElement(svg, "line", _line(left, y(tenth / 10), wide - right, y(tenth / 10), "grid"))
        _text(svg, left - 6, y(tenth / 10) + 4, f"{tenth / 10:.1f}", "tick end")
    for rank in (1, *range(5, count + 1, 5)):
        _text(svg, x(rank), high - bottom + 18, str(rank), "tick middle")
    _text(svg, (left + wide - right) / 2, high - 4, "rank", "tick middle")
    for number, (name, values) in enumerate(curves.items()):
        points = " ".join(f"{x(rank):.1f},{y(value):.1f}" for rank, value in enumerate(values, 1))
        line = SubElement(svg, "polyline", {"points": points, "class": f"curve hue-{number % HUES}"})
        if number >= HUES:
            line.set("stroke-dasharray", "5 4")
        first = f"{name}: rank-1 {values[0]:.3f} ({beside[name]})"
        SubElement(line, "title").text = f"{first}, rank-{count} {values[-1]:.3f}"
    return tostring(svg, encoding="unicode")


def scatter(title: str, points: Sequence[tuple[float, float, int, bool, str]]) -> str:
    """Points on a plane: an identity a colour (and outline), infrared ones as triangles, as ``<svg>``.

    Args:
        title: what is shown, for those who cannot see it.
        points: ``(x, y, number of the identity, infrared, what it is)`` each.
    """
    size, edge, reach = 560.0, 16.0, 5.0
    svg = _svg("chart scatter", size, size, title)
    xs, ys = [point[0] for point in points], [point[1] for point in points]
    span = max(max(xs) - min(xs), max(ys) - min(ys)) or 1.0
    scale = (size - 2 * edge) / span
    for across, down, identity, infrared, said in points:
        x, y = edge + (across - min(xs)) * scale, edge + (down - min(ys)) * scale
        style = f"hue-{identity % HUES}" + (" second" if identity // HUES % 2 else "")
        if infrared:
            corners = ((x, y - reach * 1.2), (x - reach, y + reach * 0.8), (x + reach, y + reach * 0.8))
            where = {"points": " ".join(f"{a:.1f},{b:.1f}" for a, b in corners)}
            mark = SubElement(svg, "polygon", where | {"class": f"mark {style}"})
        else:
            where = {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": f"{reach * 0.9:.1f}"}
            mark = SubElement(svg, "circle", where | {"class": f"mark {style}"})
        SubElement(mark, "title").text = said
    return tostring(svg, encoding="unicode")


def _svg(kind: str, width: float, height: float, title: str) -> Element:
    box = {"class": kind, "viewBox": f"0 0 {width:.0f} {height:.0f}", "role": "img"}
    svg = Element("svg", box)
    SubElement(svg, "title").text = title
    return svg


def _text(parent: Element, x: float, y: float, text: str, kind: str) -> None:
    SubElement(parent, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "class": kind}).text = text


def _line(x1: float, y1: float, x2: float, y2: float, kind: str) -> dict[str, str]:
    return {"x1": f"{x1:.1f}", "y1": f"{y1:.1f}", "x2": f"{x2:.1f}", "y2": f"{y2:.1f}", "class": kind}
