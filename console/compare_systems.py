"""The logic of ``nightreid compare-systems``: what each finds and what it costs, in one table."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from console.progress import ProgressBars

if TYPE_CHECKING:
    from training.evaluation.evaluating import ProtocolResult
    from training.evaluation.serving_times import Times
    from training.evaluation.side_by_side import Side

_HEADS = (
    "", "R1", "mAP", "R1 with words", "mAP with words", "ms a crop", "ms a query", "ms with words", "MiB",
    "MiB of text",
)  # fmt: skip


def compare_systems_command(
    checkpoints: Sequence[Path],
    dataset: Path,
    protocol: str | None,
    text: str,
    layout: str | None,
    queries: int,
    as_json: bool,
) -> int:
    """Measure and print a Markdown table, or JSON.

    Returns:
        0.

    Raises:
        UsageError: the protocol does not fit the data, or is not one of infrared images alone.
        SourceError: images or captions cannot be read.
        ModelError: a checkpoint cannot be opened.
    """
    from console.bench.machine import describe_machine
    from training.evaluation.side_by_side import side_by_side

    with ProgressBars() as bars:
        sides = side_by_side(
            dataset,
            checkpoints,
            protocol,
            text,
            layout,
            queries,
            lambda what, done, total: bars.show(what, done, total, ""),
        )
    machine = describe_machine()
    if as_json:
        print(json.dumps({"systems": [_as_json(one) for one in sides], "machine": machine}, indent=2))
    else:
        print("\n".join([*_table(sides), "", *_notes(sides), f"Machine: {json.dumps(machine)}"]))
    return 0


def _table(sides: "Sequence[Side]") -> list[str]:
    lines = [f"| {' | '.join(_HEADS)} |", f"|{'---|' * len(_HEADS)}"]
    for one in sides:
        cells = (
            one.name,
            *_figures(one.image),
            *(_figures(one.words) if one.words is not None else ("–", "–")),
            *(_ms(each) for each in (one.crop, one.query, one.worded)),
            f"{one.mib:.1f}",
            f"{one.text_mib:.1f}" if one.text_mib is not None else "–",
        )
        lines.append(f"| {' | '.join(cells)} |")
    return lines


def _figures(result: "ProtocolResult") -> tuple[str, str]:
    return f"{100 * result.mean('r1'):.1f}", f"{100 * result.mean('map'):.1f}"


def _ms(times: "Times | None") -> str:
    return "–" if times is None else f"{times.median:.1f} ({times.low:.1f} to {times.high:.1f})"


def _notes(sides: "Sequence[Side]") -> list[str]:
    from training.evaluation.intervals import said_of_share

    lines = []
    for one in sides:
        for result in (one.image, *((one.words,) if one.words is not None else ())):
            sure = said_of_share(result.valid, result.intervals["r1"])
            oracle = f"; words: {result.text}" if result.text != "none" else ""
            lines.append(f"- {one.name}: `{result.protocol}`, R1 of {sure}{oracle}")
        if one.words is None:
            lines.append(f"- {one.name} was not asked with words.")
    crops, gallery = {one.query.count for one in sides}, {one.gallery for one in sides}
    lines.append(
        f"Times: medians, in brackets 5 and 95 %, of {_range(crops)} queries. A query is a crop, embedded, "
        f"compared with {_range(gallery)} pictures, and ranked. Crops are embedded 16 at once."
    )
    return lines


def _range(values: set[int]) -> str:
    return " or ".join(map(str, sorted(values)))


def _as_json(side: "Side") -> dict[str, Any]:
    def times(found: "Times | None") -> dict[str, float] | None:
        return {key: round(value, 3) for key, value in asdict(found).items()} if found is not None else None

    def result(found: "ProtocolResult | None") -> dict[str, Any] | None:
        if found is None:
            return None
        return {
            "protocol": found.protocol,
            **{name: found.mean(name) for name in ("r1", "map", "minp")},
            "queries": found.valid,
            "r1_95": list(found.intervals["r1"]),
        }

    return {
        "name": side.name,
        "checkpoint": side.checkpoint,
        "model_id": side.model_id,
        "image": result(side.image),
        "words": result(side.words),
        "crop_ms": times(side.crop),
        "query_ms": times(side.query),
        "worded_query_ms": times(side.worded),
        "gallery": side.gallery,
        "mib": round(side.mib, 3),
        "text_mib": round(side.text_mib, 3) if side.text_mib is not None else None,
    }
