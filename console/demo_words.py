"""A night's figures in words: for the report, for the terminal and as JSON."""

from collections.abc import Callable
from dataclasses import dataclass

from rich.table import Table

from console.demo_answers import words_group
from console.demo_descriptions import Described
from console.demo_detection import Detection
from console.demo_figures import RunFigures
from console.demo_linking import Linking, OpenSet, together
from console.report_views import Figure, FigureGroup
from console.report_words import count, duration
from reid_core.types import Spectrum
from training.evaluation.intervals import in_words

FORMAT = 1
NAMES = {Spectrum.VISIBLE: "visible", Spectrum.NEAR: "near infrared", Spectrum.THERMAL: "thermal"}
_NOT_CALIBRATED = "The model is not calibrated: it ranks and decides nothing, so there is nothing to judge."


@dataclass(frozen=True, slots=True)
class NightFigures:
    """Everything measured of a night.

    Attributes:
        detection: the detector alone, by spectrum.
        detection_by_camera: the same by camera.
        run: of the main job.
        words: what descriptions found; ``None`` where no text encoder is of the embedder.
    """

    detection: dict[Spectrum, Detection]
    detection_by_camera: dict[str, Detection]
    run: RunFigures
    words: Described | None = None


def groups(night: NightFigures) -> tuple[FigureGroup, ...]:
    """The figures as the report shows them."""
    run = night.run
    words = () if night.words is None else (words_group(night.words),)
    return (_linked(run), *words, _decided(run), _found(night), _followed(run), _speed(run))


def table(night: NightFigures) -> Table:
    """The figures as the terminal shows them, 80 letters wide at most."""
    run = night.run
    shown = Table("", *(NAMES[kind] for kind in run.tracking), box=None, pad_edge=False)
    for column in shown.columns[1:]:
        column.justify = "right"

    def row(name: str, cell: Callable[[Spectrum], str]) -> None:
        shown.add_row(name, *(cell(kind) for kind in run.tracking))

    def linked(cell: Callable[[Linking], str]) -> Callable[[Spectrum], str]:
        return lambda kind: cell(run.linking[kind]) if kind in run.linking else ""

    def decided(cell: Callable[[OpenSet], str]) -> Callable[[Spectrum], str]:
        return lambda kind: cell(run.open_set[kind]) if kind in run.open_set else ""

    row("Detection AP50", lambda kind: number(night.detection[kind].ap50))
    row("Tracklet purity", lambda kind: number(run.tracking[kind].purity))
    row("Visits followed", lambda kind: f"{run.tracking[kind].followed} of {run.tracking[kind].visits}")
    row("Tracklets", lambda kind: str(run.tracking[kind].tracklets))
    row("Rank-1 (chance)", linked(lambda one: f"{number(one.rank1)} ({number(one.chance_rank1)})"))
    row("  tracklets, 95 %", linked(_counted))
    row("mAP (chance)", linked(lambda one: f"{number(one.map)} ({number(one.chance_map)})"))
    if run.open_set:
        row("Open-set error", decided(lambda one: number(one.error)))
        row("  strangers linked", decided(lambda one: f"{one.accepted} of {one.strangers}"))
        row("  known, called unknown", decided(lambda one: f"{one.missed} of {one.known}"))
        row("  known, linked wrongly", decided(lambda one: f"{one.mistaken} of {one.known}"))
    return shown


def remarks(night: NightFigures) -> list[str]:
    """What the terminal says below the table."""
    run = night.run
    said = [f"{number(run.frames_per_second, 1)} frames per second: {_work(run)}."]
    if not run.open_set:
        said.insert(0, _NOT_CALIBRATED)
    return said


def to_json(night: NightFigures) -> dict[str, object]:
    """The figures as a JSON-serialisable object, format 1; what cannot be measured is ``null``.

    Spectra are ``visible``, ``near`` and ``thermal``; ``open_set`` is ``null`` where the model is not
    calibrated::

        format      1
        people      {all, strangers: never seen by day}
        detection   {SPECTRUM: {ap50, pictures, people}, cameras: {CAMERA: the same}}
        tracklets   {SPECTRUM: {purity, tracklets, nobody, visits, followed}}
        links       {near, thermal: {rank1, interval_95, map, chance_rank1, chance_map, times_chance,
                     queries, identities, missing}}
        open_set    {near, thermal, all: {error, strangers, accepted, known, missed, mistaken}}
        speed       {frames_per_second, frames, seconds}

    What words did is beside it, in `console.demo_answers.words_json`.
    """
    run = night.run
    return {
        "format": FORMAT,
        "people": {"all": run.people, "strangers": run.strangers},
        "detection": {
            **{str(kind): _detection(one) for kind, one in night.detection.items()},
            "cameras": {camera: _detection(one) for camera, one in night.detection_by_camera.items()},
        },
        "tracklets": {
            str(kind): {
                "purity": _rounded(one.purity),
                "tracklets": one.tracklets,
                "nobody": one.nobody,
                "visits": one.visits,
                "followed": one.followed,
            }
            for kind, one in run.tracking.items()
        },
        "links": {
            str(kind): {
                "rank1": _rounded(one.rank1),
                "interval_95": one.interval_95 and [_rounded(end) for end in one.interval_95],
                "map": _rounded(one.map),
                "chance_rank1": _rounded(one.chance_rank1),
                "chance_map": _rounded(one.chance_map),
                "times_chance": _rounded(one.times_chance),
                "queries": one.queries,
                "identities": one.identities,
                "missing": one.missing,
            }
            for kind, one in run.linking.items()
        },
        "open_set": {
            **{str(kind): _open_set(one) for kind, one in run.open_set.items()},
            "all": _open_set(together(run.open_set.values())),
        }
        if run.open_set
        else None,
        "speed": {
            "frames_per_second": _rounded(run.frames_per_second),
            "frames": run.frames,
            "seconds": _rounded(run.seconds),
        },
    }


def number(value: float | None, digits: int = 2) -> str:
    """A figure with so many digits behind the point, a dash where there is none."""
    return "–" if value is None else f"{value:.{digits}f}"


def _found(night: NightFigures) -> FigureGroup:
    return FigureGroup(
        "People found",
        tuple(
            Figure(
                NAMES[kind].capitalize(),
                number(one.ap50),
                f"{count(one.people, 'person', 'people')} in {count(one.pictures, 'frame')}",
            )
            for kind, one in night.detection.items()
        ),
        "AP50: average precision of the detector alone on labelled frames; a box counts from IoU 0.5 on.",
    )


def _followed(run: RunFigures) -> FigureGroup:
    return FigureGroup(
        "People followed",
        tuple(
            Figure(
                NAMES[kind].capitalize(),
                number(one.purity),
                f"{count(one.tracklets, 'tracklet')}, {one.followed} of {count(one.visits, 'visit')}",
            )
            for kind, one in run.tracking.items()
        ),
        "Purity: share of the tracklets’ frames that show the person whom their tracklet shows most often.",
    )


def _counted(one: Linking) -> str:
    """What rank-1 is a share of, and how far that can be trusted."""
    return str(one.queries) + ("" if one.interval_95 is None else f", {in_words(one.interval_95)}")


def _linked(run: RunFigures) -> FigureGroup:
    figures = []
    for kind, one in run.linking.items():
        name = NAMES[kind].capitalize()
        chance = f"chance {number(one.chance_rank1)}"
        if one.times_chance is not None:
            chance = f"{one.times_chance:.1f} × {chance}"
        of_known = f"{count(one.queries, 'tracklet')} of known people"
        within = "" if one.interval_95 is None else f", 95 % {in_words(one.interval_95)}"
        figures.append(Figure(f"{name}, rank-1", number(one.rank1), f"{chance}; {of_known}{within}"))
        beside = f"chance {number(one.chance_map)}; {of_known}"
        if one.missing:
            beside += f", {one.missing} of them of people whom the gallery lacks"
        figures.append(Figure(f"{name}, mAP", number(one.map), beside))
    identities = max((one.identities for one in run.linking.values()), default=0)
    return FigureGroup(
        "Night linked to day",
        tuple(figures),
        "Rank of the right person among "
        f"{count(identities, 'identity', 'identities')} of the gallery, compared with a random order.",
    )


def _decided(run: RunFigures) -> FigureGroup:
    title = "Linked or unknown"
    if not run.open_set:
        return FigureGroup(title, (), _NOT_CALIBRATED)
    figures = []
    for kind, one in run.open_set.items():
        told = (
            f"{one.accepted} of {count(one.strangers, 'stranger')} linked; of {one.known} known "
            f"{one.missed} called unknown, {one.mistaken} linked to the wrong person"
        )
        figures.append(Figure(NAMES[kind].capitalize(), number(one.error), told))
    return FigureGroup(
        title,
        tuple(figures),
        "Open-set error: share of the decisions at the default threshold that are wrong. Strangers are "
        "people never seen by day.",
    )


def _speed(run: RunFigures) -> FigureGroup:
    figure = Figure("Frames per second", number(run.frames_per_second, 1), _work(run))
    return FigureGroup("Speed", (figure,), "Of the whole run, from the videos to the links.")


def _work(run: RunFigures) -> str:
    return f"{count(run.frames, 'frame')} of all cameras in {duration(run.seconds)}"


def _detection(one: Detection) -> dict[str, object]:
    return {"ap50": _rounded(one.ap50), "pictures": one.pictures, "people": one.people}


def _open_set(one: OpenSet) -> dict[str, object]:
    return {
        "error": _rounded(one.error),
        "strangers": one.strangers,
        "accepted": one.accepted,
        "known": one.known,
        "missed": one.missed,
        "mistaken": one.mistaken,
    }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 4)
