"""What waits for a second person."""

from typing import Annotated, Literal

from fastapi import Query
from sqlalchemy.orm import Session

from console.api.bodies.base import Number, Page, moment
from console.api.bodies.reviews import Done, Proposal, Proposals
from console.api.cursors import packed, unpacked
from console.api.doing import person
from console.api.erasing import erase_agreed, finish
from console.api.permitted import PermittedRouter
from console.api.sight import sees_cameras, sees_visit
from console.api.use import CurrentUse, Use, not_found
from reid_core.access import Permission
from reid_core.erasure.auditing import ERASE
from reid_core.gallery.relocating import members
from reid_core.reviewing import proposals as service
from reid_core.reviewing.proposals import ProposalState
from reid_core.reviewing.visits import visits_by_tracklet

router = PermittedRouter("/proposals", tags=["review"])
_LIST = "proposals"
_IDS = frozenset({"tracklet", "tracklets", "identity", "other", "model", "cameras"})
_WORDS = ("text", "name")
_VECTOR = "vector"


@router.get("", permission=Permission.REVIEW)
def proposals(
    use: CurrentUse,
    state: Literal["open", "approved", "declined", "all"] = "open",
    limit: Page = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Proposals:
    """Proposals, newest first."""
    wanted = None if state == "all" else ProposalState(state)
    with use.gallery.database.read() as session:
        found = service.proposals(session, wanted, unpacked(_LIST, cursor), limit + 1)
        told = [one for one in found[:limit] if _sees(use, session, one)]
    use.record("view", subject={"proposals": [one.number for one in told]})
    following = found[limit - 1].number if len(found) > limit else None
    return Proposals(proposals=[_told(use, one) for one in told], next=packed(_LIST, following))


@router.post("/{proposal}/approve", permission=Permission.APPROVE)
def approve(proposal: Number, use: CurrentUse) -> Done:
    """Agree to what another person proposed; it is done at once."""
    with use.gallery.database.write() as session:
        there = _seen(use, session, proposal)
        use.must_state_why(there.action)
        outcome = service.approve(session, proposal, person(use), use.context.clock())
        use.record("propose.approve", subject={"proposal": proposal}, session=session)
        # It ends in the ledger outside the database, whose lines are carried out: only the commit may follow.
        erased = erase_agreed(use, session, there.subject, there.by.name) if there.action == ERASE else None
        made = {"label": outcome.label, "correction": outcome.correction, "watch": outcome.watch}
        about = {name: number for name, number in made.items() if number is not None}
        ids = {name: value for name, value in there.subject.items() if name in _IDS}
        subject = {**ids, **about, "proposal": proposal, "proposed_by": there.by.id}
        details = {name: there.subject[name] for name in _WORDS if name in there.subject}
        if erased is None:
            use.record(there.action, subject=subject, details=details, session=session)
    if erased is not None:
        finish(use, erased)
    return Done(
        done=True,
        action=there.action,
        proposal=proposal,
        label=outcome.label,
        correction=outcome.correction,
        identity=outcome.identity,
        watch=outcome.watch,
    )


@router.post("/{proposal}/decline", permission=Permission.REVIEW)
def decline(proposal: Number, use: CurrentUse) -> Done:
    """Say no to a proposal, or take one's own back."""
    with use.gallery.database.write() as session:
        there = _seen(use, session, proposal)
        if there.by.id != use.principal.id and not use.principal.may(Permission.APPROVE):
            raise not_found()
        service.decline(session, proposal, person(use), use.context.clock())
        use.record("propose.decline", subject={"proposal": proposal}, session=session)
    return Done(done=False, action=there.action, proposal=proposal)


def _seen(use: Use, session: Session, number: int) -> service.Proposal:
    found = service.the_proposal(session, number)
    if found is None or not _sees(use, session, found):
        raise not_found()
    return found


def _sees(use: Use, session: Session, proposal: service.Proposal) -> bool:
    """Whether all that it names may be seen: tracklets and identities as far as they are there."""
    subject = proposal.subject
    if "cameras" in subject and not sees_cameras(use, subject["cameras"]):
        return False
    tracklets = {subject[name] for name in ("tracklet",) if name in subject} | {*subject.get("tracklets", ())}
    if not all(sees_visit(use, one) for one in visits_by_tracklet(session, tracklets).values()):
        return False
    for name in ("identity", "other"):
        if name in subject:
            there = visits_by_tracklet(session, members(session, subject[name])).values()
            if there and not any(sees_visit(use, one) for one in there):
                return False
    for identity in subject.get("identities", ()):
        theirs = visits_by_tracklet(session, members(session, identity)).values()
        if not all(sees_visit(use, one) for one in theirs):
            return False
    return True


def _told(use: Use, one: service.Proposal) -> Proposal:
    decided = one.state is not ProposalState.OPEN
    return Proposal(
        proposal=one.number,
        action=one.action,
        # A picture's vector says nothing to anybody.
        subject={name: value for name, value in one.subject.items() if name != _VECTOR},
        reason=one.reason,
        by=one.by.name,
        time=moment(one.time_ns),
        state=one.state.value,
        decided_by=one.decider.name if one.decider is not None else None,
        decided=moment(one.decided_ns) if decided else None,
        mine=one.by.id == use.principal.id,
    )
