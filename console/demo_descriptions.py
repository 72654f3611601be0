"""What the descriptions of a night's people find: alone, beside infrared tracklets, and as watches.

Everybody is described by one sentence, as the world's captions say it of somebody seen from the front, by day
and without a mistake: a good witness. So the words do not come from the infrared image that they go with.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from console.demo_figures import identity_people
from console.demo_linking import average_precision
from console.demo_watches import Watched, judged
from reid_core.errors import UsageError
from reid_core.gallery import Gallery
from reid_core.querying.asking import Asking, QueryModels
from reid_core.querying.description import Description, read_description
from reid_core.querying.query import Answer, Form
from reid_core.types import Modality, Spectrum
from stream.run.result import CandidateResult, RunResult, TrackletResult
from training.evaluation.intervals import Interval, share_interval
from training.seeding import generator

if TYPE_CHECKING:
    # Importing the synthetic world needs the packages of its extra.
    from training.synthetic.scenes.visits import VideoPlan

WAYS: Mapping[str, Form] = {
    "infrared": Form.IMAGE,
    "text": Form.TEXT,
    "fused": Form.FUSED,
    "ensemble": Form.ENSEMBLE,
}
"""By what an infrared tracklet's person is looked for, as ``nightreid query --track ID TEXT`` does."""

ABSENT = 5
"""People who are described and watched for, and never come."""

_SHOWN = 5
_HEIGHT = 240


@dataclass(frozen=True, slots=True)
class Retrieval:
    """How well one way of asking ranks the gallery's identities; all ``None`` without queries.

    Attributes:
        queries: infrared tracklets of known people.
        rank1: share of them whose best identity is right.
        rank1_95: its interval, over people.
        map: mean average precision.
        map_95: its interval.
    """

    queries: int
    rank1: float | None
    rank1_95: Interval | None
    map: float | None
    map_95: Interval | None


@dataclass(frozen=True, slots=True)
class SideBySide:
    """One infrared tracklet, asked with words and without.

    Attributes:
        tracklet: its id.
        person: who it is.
        ranks: place of the right person by each of `WAYS`; ``None`` where nobody in the gallery is.
    """

    tracklet: str
    person: str
    ranks: Mapping[str, int | None]


@dataclass(frozen=True, slots=True)
class Answered:
    """A description and who comes first.

    Attributes:
        person: who it is of.
        text: as it was asked.
        understood: what was searched for.
        candidates: the best, ``correct`` by truth.
        unknown: probability that it is nobody of the gallery, where that is known.
    """

    person: str
    text: str
    understood: str
    candidates: tuple[CandidateResult, ...]
    unknown: float | None


@dataclass(frozen=True, slots=True)
class Captioned:
    """What a captioner says of one person, by camera: ``(tracklet id, caption)``, visible cameras first."""

    person: str
    said: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Described:
    """Everything that words did in a night.

    Attributes:
        people: described people who came by day, and of whom there is an infrared tracklet.
        retrieval: by each of `WAYS`.
        sides: every infrared tracklet that was asked for, in order of time.
        answered: one description, asked alone.
        captioned: of one person, by day and by night; ``None`` where nothing was captioned.
        watched: what the watches did.
    """

    people: int
    retrieval: Mapping[str, Retrieval]
    sides: tuple[SideBySide, ...]
    answered: Answered | None
    captioned: Captioned | None
    watched: Watched


def witnessed(plan: "VideoPlan") -> dict[str, str]:
    """A description of each person of a night, and of the world's next `ABSENT`, who never come."""
    from training.synthetic.captions.captioning import View, describe
    from training.synthetic.people.drawing import draw_person

    found = {}
    for number in range(1, plan.people + ABSENT + 1):
        person = draw_person(number, plan.seed)
        view = View(
            spectrum=Spectrum.VISIBLE,
            yaw=0,
            visible=1.0,
            parts=frozenset({"head", "trunk", "legs", "feet"}),
            items=frozenset(item.kind for item in person.items),
            height=_HEIGHT,
        )
        rng = generator(plan.seed, "witness", number)
        found[str(number)] = describe(person, view, rng, mistakes=0.0).aug_text
    return found


def described(
    gallery: Gallery,
    models: QueryModels,
    result: RunResult,
    sentences: Mapping[str, str],
    by_day: set[str],
    watches: Mapping[int, str],
) -> Described:
    """Ask a gallery by the descriptions of its people, and see what their watches did.

    Args:
        gallery: of the night.
        models: to ask with.
        result: of the run, with truth applied.
        sentences: a description of each person, by the person.
        by_day: people seen by day.
        watches: number of each watch to the person whom it describes.
    """
    identities = identity_people(result)
    queries = [
        one
        for camera in result.cameras
        for one in camera.of(Modality.INFRARED)
        if one.truth in by_day and one.truth in sentences
    ]
    queries.sort(key=lambda one: one.first_ns)
    asker = _Asker(gallery, models, max(1, len(identities)))
    words = {str(one.truth): read_description(sentences[str(one.truth)]) for one in queries}
    right: dict[str, list[list[bool]]] = {}
    for way, form in WAYS.items():
        ranked = (asker.ranking(form, words[str(one.truth)], one.id) for one in queries)
        right[way] = [
            [identities.get(name) == one.truth for name in names]
            for one, names in zip(queries, ranked, strict=True)
        ]
    return Described(
        people=len(words),
        retrieval={way: retrieval(queries, rows, identities) for way, rows in right.items()},
        sides=tuple(
            SideBySide(one.id, str(one.truth), {way: _first(rows[row]) for way, rows in right.items()})
            for row, one in enumerate(queries)
        ),
        answered=_answered(asker, sentences, by_day, identities),
        captioned=captioned(result),
        watched=judged(gallery, result, sentences, by_day, watches),
    )


def retrieval(
    queries: Sequence[TrackletResult],
    right: Sequence[Sequence[bool]],
    identities: Mapping[str, str | None],
) -> Retrieval:
    """Rank-1 and mean average precision over queries.

    Args:
        queries: infrared tracklets of known people.
        right: of each whether each identity is the right one, most alike first.
        identities: every identity of the gallery to its person.
    """
    if not queries:
        return Retrieval(0, None, None, None, None)
    people = [str(one.truth) for one in queries]
    firsts = [bool(row and row[0]) for row in right]
    relevant = [sum(person == one.truth for person in identities.values()) for one in queries]
    precisions = [
        average_precision(np.array(row, bool), many) for row, many in zip(right, relevant, strict=True)
    ]
    return Retrieval(
        len(queries),
        float(np.mean(firsts)),
        share_interval(firsts, people),
        float(np.mean(precisions)),
        share_interval(precisions, people),
    )


def captioned(result: RunResult) -> Captioned | None:
    """What is said of the first of those people who were captioned by day and in most kinds of light.

    Of each camera it is what is said first of the first tracklet.
    """
    said: dict[str, dict[str, tuple[str, str]]] = {}
    for camera in result.cameras:
        for one in camera.tracklets:
            if one.truth is not None and one.captions:
                kinds = said.setdefault(one.truth, {})
                kinds.setdefault(str(camera.spectrum), (one.id, one.captions[0]))
    both = {person: kinds for person, kinds in said.items() if len(kinds) > 1 and "visible" in kinds}
    if not both:
        return None
    person = min(both, key=lambda one: (-len(both[one]), _order(one)))
    return Captioned(person, tuple(both[person].values()))


class _Asker:
    """Asks one gallery as the command ``query`` does."""

    def __init__(self, gallery: Gallery, models: QueryModels, size: int) -> None:
        self._gallery, self._models, self._size = gallery, models, size
        self._told: dict[str, tuple[str, ...]] = {}

    def ask(self, form: Form, words: Description, tracklet: str | None = None) -> Answer:
        """All identities, most alike first.

        Raises:
            UsageError: nothing of the tracklet is good enough to recognise anybody by.
        """
        asking = Asking(self._gallery, self._models, None if form is Form.IMAGE else words, form)
        if tracklet is not None and form is not Form.TEXT:
            asking.by_track(tracklet)
        return asking.service.ask(asking.query(), self._size)

    def ranking(self, form: Form, words: Description, tracklet: str) -> tuple[str, ...]:
        """Identities, most alike first; none where the tracklet shows too little."""
        key = words.sentence if form is Form.TEXT else f"{form}/{tracklet}"
        if key not in self._told:
            self._told[key] = ()
            with suppress(UsageError):
                answer = self.ask(form, words, tracklet)
                self._told[key] = tuple(one.identity for one in answer.identities)
        return self._told[key]


def _answered(
    asker: _Asker, sentences: Mapping[str, str], by_day: set[str], identities: Mapping[str, str | None]
) -> Answered | None:
    """The first person's description; first by number, whatever is found."""
    there = [one for one in sentences if one in by_day and one in identities.values()]
    if not there:
        return None
    person = min(there, key=_order)
    words = read_description(sentences[person])
    answer = asker.ask(Form.TEXT, words)
    candidates = tuple(
        CandidateResult(
            one.rank,
            one.identity,
            one.score,
            one.probability,
            one.evidence.tracklet,
            one.evidence.sighting or "",
            identities.get(one.identity) == person,
        )
        for one in answer.identities[:_SHOWN]
    )
    return Answered(person, sentences[person], words.sentence, candidates, answer.unknown)


def _first(right: Sequence[bool]) -> int | None:
    return right.index(True) + 1 if True in right else None


def _order(person: str) -> tuple[int, str]:
    """Numbers by their size."""
    return len(person), person
