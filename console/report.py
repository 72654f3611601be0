"""The report: everything a run found, on one page that needs nothing else.

The page is one HTML file with its style, drawings, script and crops inside; it asks no network for
anything. Names from outside are escaped by the templates.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path

from markupsafe import Markup

from console import figures
from console import report_words as words
from console.report_page import SLUGS, Page
from console.report_views import DescribedView, FigureGroup
from console.templating import templates
from stream.run.export import write_atomically
from stream.run.result import RunResult

Words = Callable[[Page], DescribedView]
"""Makes the section of what words did, of a page whose names it looks up."""


def render_report(
    result: RunResult,
    written: datetime | None = None,
    measured: Sequence[FigureGroup] = (),
    words_of: Words | None = None,
) -> str:
    """The result as one self-contained HTML page.

    Args:
        result: what a run found, with truth applied where it is known.
        written: when the report was written, UTC, to be said on it.
        measured: how well the run did, where that was measured; shown at the top.
        words_of: what descriptions found, where anybody was described.
    """
    environment = templates()
    environment.globals.update(count=words.count, duration=words.duration, span=words.span)
    page = Page(result)
    probes, people, lanes = page.probes(), page.people(), page.lanes()
    return environment.get_template("report.html").render(
        result=result,
        written=None if written is None else f"{written:%Y-%m-%d %H:%M} UTC",
        period=page.period(),
        summary=words.summary(result),
        truth=words.truth_summary(result),
        warnings=words.warnings(result),
        measured=measured,
        described=None if words_of is None else words_of(page),
        probes=probes,
        people=people,
        tally=[(slug, sum(probe.slug == slug for probe in probes)) for slug in (*SLUGS.values(), "missing")],
        judged=any(probe.correct is not None for probe in probes),
        timeline=Markup(figures.timeline(lanes)) if lanes else None,
        timeline_width=figures.timeline_width(lanes) if lanes else 0,
        kinds={bar.kind for lane in lanes for bar in lane.bars},
        broken=len(figures.segments((lane.start_ns, lane.end_ns) for lane in lanes)) > 1,
        histograms=[Markup(drawing) for drawing in page.histograms()],
        slowest=max((timing.seconds for timing in result.timings), default=0.0) or 1.0,
    )


def write_report(
    result: RunResult,
    path: str | Path,
    written: datetime | None = None,
    measured: Sequence[FigureGroup] = (),
    words_of: Words | None = None,
) -> Path:
    """Render the report into a file, which appears whole or not at all, and return its path.

    Arguments are those of `render_report`.

    Raises:
        StorageError: the file cannot be written.
    """
    write_atomically(path, render_report(result, written, measured, words_of))
    return Path(path)
