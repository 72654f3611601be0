"""What people said of who is who, as pairs of tracklets, and whether it can be true together.

The later word on a pair counts. Two tracklets that overlap in one camera are two people, unless people said
of these very two that they are one: then a tracker followed somebody twice.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.gallery.correction_rows import CorrectedRow, CorrectionRow
from reid_core.gallery.corrections import CorrectionKind, Side
from reid_core.gallery.whereabouts import Stay, excludes
from reid_core.reviewing.labels import Verdict, all_labels

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Words:
    """Pairs of tracklets of which people spoke, the lower id first.

    Attributes:
        same: one person.
        apart: two people.
    """

    same: frozenset[Pair] = frozenset()
    apart: frozenset[Pair] = frozenset()


def words_of(session: Session) -> Words:
    """All that people said and have not taken back: corrections of identities, and labels of links."""
    said: dict[Pair, bool] = {}
    rows = (
        select(CorrectionRow.id, CorrectionRow.kind, CorrectedRow.side, CorrectedRow.tracklet_id)
        .join(CorrectedRow, CorrectedRow.correction_id == CorrectionRow.id)
        .where(CorrectionRow.undone_by == "", CorrectionRow.kind != str(CorrectionKind.LOOK_BACK))
        .order_by(CorrectionRow.id, CorrectedRow.tracklet_id)
    )
    corrections: dict[int, dict[Side, list[str]]] = {}
    for row in session.execute(rows):
        corrections.setdefault(row.id, {}).setdefault(Side(row.side), []).append(row.tracklet_id)
    for sides in corrections.values():
        for moved in sides.get(Side.MOVED, ()):
            said.update((_pair(moved, other), False) for other in sides.get(Side.APART, ()))
            said.update((_pair(moved, other), True) for other in sides.get(Side.WITH, ()))
    for label in all_labels(session):
        said[_pair(label.tracklet, label.anchor)] = label.verdict is Verdict.CONFIRMED
    return Words(
        frozenset(pair for pair, together in said.items() if together),
        frozenset(pair for pair, together in said.items() if not together),
    )


def groups_of(pairs: Iterable[Pair]) -> dict[str, str]:
    """Of each tracklet in some pair, the least id of those that are one person with it."""
    owner: dict[str, str] = {}

    def root(name: str) -> str:
        while owner.setdefault(name, name) != name:
            name = owner[name]
        return name

    for one, other in sorted(pairs):
        low, high = sorted((root(one), root(other)))
        owner[high] = low
    return {name: root(name) for name in sorted(owner)}


def contradiction(words: Words, stays: Mapping[str, Stay]) -> str | None:
    """A sentence that says what cannot be true together; ``None`` if all can."""
    owner = groups_of(words.same)
    for one, other in sorted(words.apart):
        if one in owner and owner[one] == owner.get(other):
            return (
                f"People said that tracklets {one} and {other} are two people, and of others between them "
                "that they are one."
            )
    groups: dict[str, list[str]] = {}
    for name, least in owner.items():
        if name in stays:
            groups.setdefault(least, []).append(name)
    for names in groups.values():
        for pair in _together(names, stays):
            if pair not in words.same:
                return (
                    f"By what people said, tracklets {pair[0]} and {pair[1]} are one person, and both were "
                    "in one picture at the same time."
                )
    return None


def _together(names: Sequence[str], stays: Mapping[str, Stay]) -> Iterable[Pair]:
    for place, one in enumerate(names):
        for other in names[place + 1 :]:
            if excludes(None, stays[one], stays[other]):
                yield _pair(one, other)


def _pair(one: str, other: str) -> Pair:
    return (one, other) if one <= other else (other, one)
