"""The plain data that the report's templates show."""

from dataclasses import dataclass

from console.report_crops import Crop


@dataclass(frozen=True, slots=True)
class CandidateView:
    """One gallery identity offered for an infrared tracklet."""

    rank: int
    label: str
    href: str | None
    crop: Crop | None
    score: float
    probability: str
    correct: bool | None


@dataclass(frozen=True, slots=True)
class TrackletView:
    """a tracklet in words and crops; ``pair`` are the two that tied it to its identity."""

    anchor: str
    label: str
    camera: str
    when: str
    length: str
    ended: str
    truth: str | None
    why: str
    pair: tuple[Crop, ...]
    crops: tuple[Crop, ...]
    captions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ProbeView:
    """An infrared tracklet and what was decided; ``slug`` is the decision as a style."""

    tracklet: TrackletView
    slug: str
    verdict: str
    detail: str
    correct: bool | None
    missed: str
    candidates: tuple[CandidateView, ...]
    open: bool


@dataclass(frozen=True, slots=True)
class PersonView:
    """A gallery identity, its tracklets, and the infrared tracklets that ask for it."""

    anchor: str
    label: str
    cover: Crop | None
    tracklets: tuple[TrackletView, ...]
    elsewhere: int
    seen: tuple[tuple[str, str, str], ...]
    open: bool


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured figure: what, how much, and what to hold it against (chance, counts), or empty."""

    name: str
    value: str
    beside: str = ""


@dataclass(frozen=True, slots=True)
class FigureGroup:
    """Figures of one subject; ``note`` says how they were measured."""

    title: str
    figures: tuple[Figure, ...]
    note: str = ""


@dataclass(frozen=True, slots=True)
class CaptionedView:
    """A tracklet and what a captioner says of it."""

    href: str
    label: str
    crop: Crop | None
    text: str


@dataclass(frozen=True, slots=True)
class SideView:
    """An infrared tracklet and the right person's place by each way of asking."""

    href: str
    label: str
    person: str
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class WatchView:
    """A watch, whether whom it describes came, and its alerts as ``(href, label)``."""

    person: str
    text: str
    came: str
    right: tuple[tuple[str, str], ...]
    wrong: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class DescribedView:
    """What words did: a description asked alone, captions, ways of asking side by side, watches."""

    note: str
    person: str
    text: str
    understood: str
    unknown: str
    candidates: tuple[CandidateView, ...]
    captioned: tuple[CaptionedView, ...]
    ways: tuple[str, ...]
    sides: tuple[SideView, ...]
    watches: tuple[WatchView, ...]
    told: tuple[str, ...]
