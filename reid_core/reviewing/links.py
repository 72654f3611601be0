"""Links as people review them: with what was said of them, and whether anybody need be asked."""

from dataclasses import dataclass
from typing import Literal

from sqlalchemy import ColumnElement, and_, or_, select
from sqlalchemy.orm import Session

from reid_core.gallery.index import SearchFilter
from reid_core.gallery.label_rows import LabelRow
from reid_core.gallery.paging import as_link
from reid_core.gallery.schema import LinkRow, TrackletRow
from reid_core.reviewing.labels import Label, Verdict, labels_of
from reid_core.reviewing.visits import overlapping
from reid_core.types import Link

LinkState = Literal["uncertain", "confirmed", "rejected", "settled"]
SURE, OUT_OF_QUESTION = 0.95, 0.05
"""Between these probabilities of its best candidate a link is uncertain."""


@dataclass(frozen=True, slots=True)
class ReviewedLink:
    """A link and people's word on it.

    Attributes:
        link: as the model made it.
        position: of its tracklet in the order of arrival.
        labels: that count, oldest first.
        state: confirmed or rejected by people; else uncertain, or settled where nobody need be asked.
    """

    link: Link
    position: int
    labels: tuple[Label, ...]
    state: LinkState


def reviewed_links(
    session: Session,
    model: str,
    state: LinkState | None,
    where: SearchFilter,
    before: int | None = None,
    size: int = 50,
) -> tuple[tuple[ReviewedLink, ...], int | None]:
    """Links, those of the newest tracklets first, and the position before which the next page goes on.

    Args:
        session: of a reading transaction.
        model: in whose space the gallery compares.
        state: only these; all by default.
        where: cameras and times of the infrared tracklets.
        before: only of tracklets before this position.
        size: how many at most.
    """
    chosen = (
        select(LinkRow, TrackletRow.position)
        .join(TrackletRow, TrackletRow.id == LinkRow.tracklet_id)
        .where(LinkRow.model_id == model, *overlapping(where))
        .order_by(TrackletRow.position.desc())
        .limit(size + 1)
    )
    if state is not None:
        chosen = chosen.where(_is(state))
    if before is not None:
        chosen = chosen.where(TrackletRow.position < before)
    rows = session.execute(chosen).all()
    more = len(rows) > size
    found = _reviewed(session, [(as_link(row.LinkRow), row.position) for row in rows[:size]])
    # A label may speak of an identity by another of its tracklets, which the condition does not know.
    kept = tuple(one for one in found if state is None or one.state == state)
    return kept, rows[size - 1].position if more else None


def reviewed_link(session: Session, tracklet: str, model: str) -> ReviewedLink | None:
    """The link of one tracklet, if it has one."""
    row = session.get(LinkRow, (tracklet, model))
    at = session.get(TrackletRow, tracklet)
    if row is None or at is None:
        return None
    return _reviewed(session, [(as_link(row), at.position)])[0]


def _reviewed(session: Session, links: list[tuple[Link, int]]) -> tuple[ReviewedLink, ...]:
    labels = labels_of(session, [link.tracklet for link, _ in links])
    return tuple(
        ReviewedLink(link, position, mine := labels.get(link.tracklet, ()), _state(link, mine))
        for link, position in links
    )


def _state(link: Link, labels: tuple[Label, ...]) -> LinkState:
    if any(one.verdict is Verdict.CONFIRMED for one in labels):
        return "confirmed"
    if labels:
        return "rejected"
    best = link.candidates[0] if link.candidates else None
    if best is None:
        return "settled"
    sure = best.probability is not None and not OUT_OF_QUESTION <= best.probability < SURE
    return "settled" if sure else "uncertain"


def _is(state: LinkState) -> ColumnElement[bool]:
    """The same as `_state`, as a condition; a label's last word is its newest of the tracklet."""
    mine = select(LabelRow.id).where(LabelRow.tracklet_id == LinkRow.tracklet_id)
    later = LabelRow.__table__.alias("later")
    standing = mine.where(
        LabelRow.verdict == str(Verdict.CONFIRMED),
        ~select(later.c.id)
        .where(
            later.c.tracklet_id == LabelRow.tracklet_id,
            later.c.anchor == LabelRow.anchor,
            later.c.id > LabelRow.id,
        )
        .exists(),
    ).exists()
    if state == "confirmed":
        return standing
    if state == "rejected":
        return and_(mine.exists(), ~standing)
    asked = and_(
        LinkRow.score.is_not(None),
        or_(
            LinkRow.probability.is_(None),
            and_(LinkRow.probability >= OUT_OF_QUESTION, LinkRow.probability < SURE),
        ),
    )
    return and_(~mine.exists(), asked if state == "uncertain" else ~asked)
