"""What people say of links, kept as labels: yes or no to an infrared tracklet and somebody of the gallery.

A label names the visible tracklet that was shown beside the infrared one. Whosever it is by now is meant, so
labels hold when identities are merged or split later. Links stay what the model made of them; who reads both
lets the person's word count.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Self

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from reid_core.errors import StaleError, UsageError
from reid_core.gallery.label_rows import LabelRow
from reid_core.gallery.ownership import owners_of
from reid_core.gallery.schema import LinkRow, TrackletRow
from reid_core.reviewing.hands import Hands, Person

# Values in one IN list: SQLite allows some 32,000.
_PAGE = 4096


class Verdict(StrEnum):
    """What was said of a link."""

    CONFIRMED = "confirmed"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Label:
    """A person's word on a link.

    Attributes:
        number: of the label, ascending.
        tracklet: the infrared tracklet's id.
        anchor: the visible tracklet that was shown.
        identity: whose that is now; whose it was where it is gone.
        verdict: what was said.
        model: id of the model whose link it was.
        score: of that link.
        probability: of that link.
        first: who said it.
        second: who agreed, where two people were asked for.
        reason: why, in the first one's words.
        time_ns: when, UTC nanoseconds.
    """

    number: int
    tracklet: str
    anchor: str
    identity: str
    verdict: Verdict
    model: str
    score: float | None
    probability: float | None
    first: Person
    second: Person | None
    reason: str
    time_ns: int

    @classmethod
    def of(cls, row: LabelRow, owners: Mapping[str, str]) -> Self:
        """As its row has it, with the present owners of visible tracklets."""
        return cls(
            number=row.id,
            tracklet=row.tracklet_id,
            anchor=row.anchor,
            identity=owners.get(row.anchor, row.identity),
            verdict=Verdict(row.verdict),
            model=row.model_id,
            score=row.score,
            probability=row.probability,
            first=Person(row.author, row.author_name),
            second=Person(row.second, row.second_name) if row.second else None,
            reason=row.reason,
            time_ns=row.created_ns,
        )


def judge_link(
    session: Session, tracklet: str, identity: str, model: str, verdict: Verdict, hands: Hands
) -> int:
    """Keep what a person says of a link; returns the label's number.

    Args:
        session: of a writing transaction.
        tracklet: id of the infrared tracklet.
        identity: id of the candidate that is meant.
        model: in whose space the gallery compares.
        verdict: yes or no.
        hands: who says so.

    Raises:
        UsageError: the tracklet has no link by this model.
        StaleError: the identity is none of its candidates any more.
    """
    link = session.get(LinkRow, (tracklet, model))
    if link is None:
        raise UsageError(f"Tracklet {tracklet} has no link.")
    meant = next((one for one in link.candidates if one["identity"] == identity), None)
    if meant is None:
        raise StaleError(
            f"Identity {identity} is no candidate of tracklet {tracklet} any more.", "Look at the link again."
        )
    values = {
        "tracklet_id": tracklet,
        "anchor": meant["tracklet"],
        "identity": identity,
        "verdict": str(verdict),
        "model_id": model,
        "score": meant["score"],
        "probability": meant["probability"],
        "author": hands.first.id,
        "author_name": hands.first.name,
        "second": hands.second.id if hands.second is not None else "",
        "second_name": hands.second.name if hands.second is not None else "",
        "reason": hands.reason,
        "created_ns": hands.time_ns,
    }
    number: int | None = session.scalar(insert(LabelRow).values(values).returning(LabelRow.id))
    assert number is not None
    return int(number)


def labels_of(session: Session, tracklets: Collection[str]) -> dict[str, tuple[Label, ...]]:
    """The labels that count of some infrared tracklets, oldest first; of those without any, nothing."""
    names, found = sorted(set(tracklets)), dict[str, list[LabelRow]]()
    for start in range(0, len(names), _PAGE):
        chosen = select(LabelRow).where(LabelRow.tracklet_id.in_(names[start : start + _PAGE]))
        for row in session.scalars(chosen.order_by(LabelRow.id)):
            found.setdefault(row.tracklet_id, []).append(row)
    owners = owners_of(session, {row.anchor for rows in found.values() for row in rows})
    return {name: counting(Label.of(row, owners) for row in rows) for name, rows in found.items()}


def all_labels(session: Session) -> tuple[Label, ...]:
    """Every label that counts, by tracklet and number."""
    rows = session.scalars(select(LabelRow).order_by(LabelRow.tracklet_id, LabelRow.id)).all()
    owners = owners_of(session, {row.anchor for row in rows})
    of: dict[str, list[Label]] = {}
    for row in rows:
        of.setdefault(row.tracklet_id, []).append(Label.of(row, owners))
    return tuple(one for name in sorted(of) for one in counting(of[name]))


def confirmations(session: Session, identities: Collection[str]) -> tuple[Label, ...]:
    """Confirmations that infrared tracklets are some identities, as these are now; by tracklet."""
    shown = (
        select(LabelRow.tracklet_id)
        .join(TrackletRow, TrackletRow.id == LabelRow.anchor)
        .where(TrackletRow.identity_id.in_(identities))
        .distinct()
    )
    of = labels_of(session, session.scalars(shown).all())
    return tuple(
        one
        for name in sorted(of)
        for one in of[name]
        if one.identity in identities and one.verdict is Verdict.CONFIRMED
    )


def counting(labels: Iterable[Label]) -> tuple[Label, ...]:
    """Of one tracklet's labels, oldest first, those that count.

    The last one of an identity does, and a tracklet is one person: the last confirmation takes the place of
    those before it.
    """
    last: dict[str, Label] = {}
    for label in labels:
        if label.verdict is Verdict.CONFIRMED:
            last = {name: one for name, one in last.items() if one.verdict is not Verdict.CONFIRMED}
        last.pop(label.identity, None)
        last[label.identity] = label
    return tuple(sorted(last.values(), key=lambda one: one.number))
