"""The rows of links: written, and led after the tracklets whose sightings they name."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, replace
from typing import Any

from sqlalchemy import Text, cast, or_, select
from sqlalchemy.orm import Session

from reid_core.errors import GalleryError
from reid_core.gallery.outbox import LINK_MADE, put_event
from reid_core.gallery.ownership import identities_of, owners_of
from reid_core.gallery.schema import LinkRow, TrackletRow
from reid_core.types import Candidate, Decision, Link

_Candidates = Sequence[Mapping[str, Any]]
SavedLink = tuple[str, str, list[dict[str, Any]]]
"""Tracklet, model and candidates of a link."""


def put_link(session: Session, link: Link) -> None:
    """Write a link; one that is there and equal stays untouched.

    Raises:
        GalleryError: its tracklet is not known.
    """
    tracklet = session.get(TrackletRow, link.tracklet)
    if tracklet is None:
        raise GalleryError(f"The gallery has no tracklet {link.tracklet!r}.")
    best = link.candidates[0] if link.candidates else None
    values = {
        "decision": str(link.decision),
        "identity_id": link.identity,
        "score": best.score if best is not None else None,
        "probability": best.probability if best is not None else None,
        "candidates": [asdict(candidate) for candidate in link.candidates],
        "created_ns": tracklet.end_ns,
        "searched": link.searched,
        "own_cameras": link.own_cameras,
    }
    stored = session.get(LinkRow, (link.tracklet, link.model))
    if stored is not None and all(getattr(stored, name) == value for name, value in values.items()):
        return
    session.merge(LinkRow(tracklet_id=link.tracklet, model_id=link.model, **values))
    session.flush()
    payload = {"model": link.model, "decision": str(link.decision), "identity": link.identity}
    put_event(session, LINK_MADE, link.tracklet, payload, tracklet.end_ns)


def there_now(session: Session, links: Sequence[Link]) -> list[Link]:
    """Links as they may be written: who was taken out since they were made is in none, who was moved is who
    they are now.

    Args:
        session: of the writing transaction.
        links: made of what was there before.

    Returns:
        those whose tracklet is there, without candidates that are not; of two that are one identity by now
        the better one stays.
    """
    tracklets = {one.tracklet for one in links}
    known = identities_of(session, tracklets | {c.tracklet for one in links for c in one.candidates})
    owners = {tracklet: identity for tracklet, identity in known.items() if identity is not None}
    found = []
    for one in links:
        if one.tracklet in known:
            gone = {c.tracklet for c in one.candidates} - known.keys()
            kept = without_candidates(one, gone) if gone else one
            renamed = _renamed([asdict(each) for each in kept.candidates], owners)
            found.append(replace(kept, candidates=tuple(Candidate(**each) for each in renamed)))
    return found


def without_candidates(link: Link, tracklets: Collection[str]) -> Link:
    """A link without the candidates that some tracklets stand for.

    It names nobody where it named one of them: who is next best was not linked to.
    """
    kept = [one for one in link.candidates if one.tracklet not in tracklets]
    ranked = tuple(replace(one, rank=rank) for rank, one in enumerate(kept, start=1))
    best = link.candidates[0] if link.candidates else None
    lost = best is not None and best.tracklet in tracklets
    decision = Decision.UNKNOWN if lost and link.decision is Decision.LINKED else link.decision
    return replace(link, candidates=ranked, decision=decision if ranked else Decision.UNKNOWN)


def follow_tracklets(
    session: Session, identities: Collection[str], saved: Iterable[SavedLink] = ()
) -> list[SavedLink]:
    """Have links name the identities that their candidates' tracklets are of now.

    A candidate is its identity's best sighting, so who is best stays right without comparing anything again.
    Of two candidates that are one identity by now the better one stays.

    Args:
        session: of the writing transaction, in which the tracklets have been moved.
        identities: whose tracklets were moved, from or to; links that name none of them stay untouched.
        saved: links as they were before candidates were left out: these come back, unless the link has been
            made anew since.

    Returns:
        the links that lost a candidate, as they were.
    """
    before = {(tracklet, model): candidates for tracklet, model, candidates in saved}
    # The candidates are text to every database; ids are too long to be there by chance.
    named = or_(*(cast(LinkRow.candidates, Text).contains(one) for one in sorted(identities)))
    rows = session.scalars(select(LinkRow).where(named).order_by(LinkRow.tracklet_id, LinkRow.model_id)).all()
    owners = owners_of(
        session,
        {one["tracklet"] for row in rows for one in row.candidates}
        | {one["tracklet"] for candidates in before.values() for one in candidates},
    )
    lost: list[SavedLink] = []
    for row in rows:
        old = before.get((row.tracklet_id, row.model_id), [])
        base = old if _were_left_out(row.candidates, old) else row.candidates
        renamed = _renamed(base, owners)
        if len(renamed) < len(base):
            lost.append((row.tracklet_id, row.model_id, list(row.candidates)))
        candidates = tuple(Candidate(**one) for one in renamed)
        decision, searched = Decision(row.decision), row.searched
        link = Link(row.tracklet_id, row.model_id, decision, candidates, searched, row.own_cameras)
        put_link(session, link)
    return lost


def _renamed(candidates: _Candidates, owners: Mapping[str, str]) -> list[dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for one in candidates:
        identity = owners.get(one["tracklet"], one["identity"])
        found.setdefault(identity, {**one, "identity": identity, "rank": len(found) + 1})
    return list(found.values())


def _were_left_out(candidates: _Candidates, before: _Candidates) -> bool:
    """Whether some candidates are those of before without others."""
    left = iter([(one["sighting"], one["score"], one["probability"]) for one in before])
    return bool(before) and all(
        (one["sighting"], one["score"], one["probability"]) in left for one in candidates
    )
