"""Watches on the people of a night: added before it, judged by the truth after it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from reid_core.gallery import Gallery
from reid_core.types import Modality
from reid_core.watching.alerts import Alert, alerts
from reid_core.watching.keeping import add_watch
from reid_core.watching.watch import NewWatch
from stream.run.result import RunResult

_AUTHOR, _PURPOSE = "demonstration", "everybody is looked for once"


@dataclass(frozen=True, slots=True)
class WatchedFor:
    """One watch and what it did.

    Attributes:
        number: of the watch.
        person: whom it describes.
        text: the description.
        by_day: whether that person came by day: words find nobody else by night.
        right: alerts about that person, by the tracklet's id.
        wrong: alerts about somebody else, or nobody in particular.
        silent_for: infrared tracklets of the person of which nothing is told: they raised no alert, or one
            that repeats another.
    """

    number: int
    person: str
    text: str
    by_day: bool
    right: tuple[str, ...]
    wrong: tuple[str, ...]
    silent_for: int


@dataclass(frozen=True, slots=True)
class Watched:
    """All watches of a night, in the order in which they were added."""

    watches: tuple[WatchedFor, ...]

    @property
    def known(self) -> tuple[WatchedFor, ...]:
        """Those of people who came by day, and of whom there is an infrared tracklet."""
        return tuple(one for one in self.watches if one.by_day and (one.right or one.silent_for))

    @property
    def others(self) -> tuple[WatchedFor, ...]:
        """Those of people whom no visible camera saw: they have nobody to fire for."""
        return tuple(one for one in self.watches if not one.by_day)

    @property
    def fired(self) -> WatchedFor | None:
        """The first that fired for its person, and for nobody else if there is such a one."""
        rightly = [one for one in self.watches if one.right]
        return min(rightly, key=lambda one: len(one.wrong), default=None)

    @property
    def silent(self) -> WatchedFor | None:
        """The last of those that have nobody to fire for and did not."""
        return next((one for one in reversed(self.others) if not one.wrong and not one.right), None)


def add_watches(gallery: Gallery, sentences: Mapping[str, str], now_ns: int) -> dict[int, str]:
    """Look out for everybody by night, by their descriptions.

    Args:
        gallery: before anybody is in it.
        sentences: a description of each person, by the person.
        now_ns: the time of day, UTC nanoseconds.

    Returns:
        number of each watch to its person.
    """
    with gallery.database.write() as session:
        return {
            add_watch(
                session,
                NewWatch(text=text, looks_at=Modality.INFRARED, author=_AUTHOR, purpose=_PURPOSE),
                now_ns,
            ): person
            for person, text in sentences.items()
        }


def judged(
    gallery: Gallery,
    result: RunResult,
    sentences: Mapping[str, str],
    by_day: set[str],
    watches: Mapping[int, str],
) -> Watched:
    """What watches told; arguments as of `console.demo_descriptions.described`."""
    with gallery.database.read() as session:
        # What repeats another one is stored, and nobody is told.
        raised = [one for one in alerts(session) if one.repeats is None]
    return outcomes(raised, result, sentences, by_day, watches)


def outcomes(
    raised: Sequence[Alert],
    result: RunResult,
    sentences: Mapping[str, str],
    by_day: set[str],
    watches: Mapping[int, str],
) -> Watched:
    """What watches did, by the alerts that they raised."""
    people = {one.id: one.truth for camera in result.cameras for one in camera.of(Modality.INFRARED)}
    found = []
    for number, person in watches.items():
        mine = [one.tracklet for one in raised if one.watch == number]
        theirs = {name for name, who in people.items() if who == person}
        right = tuple(name for name in mine if name in theirs)
        wrong = tuple(name for name in mine if name not in theirs)
        silent = len(theirs - set(right))
        found.append(WatchedFor(number, person, sentences[person], person in by_day, right, wrong, silent))
    return Watched(tuple(found))
