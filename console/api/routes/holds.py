"""Legal holds over HTTP."""

from typing import Annotated

from fastapi import Query
from sqlalchemy.orm import Session

from console.api.bodies.base import Number
from console.api.bodies.erasures import HoldAsked, HoldLine, HoldList
from console.api.erasing import auditing_of
from console.api.permitted import PermittedRouter
from console.api.sight import must_see_some, seen_visit
from console.api.use import CurrentUse, Use, not_found
from reid_core.access import EVERYTHING, Permission
from reid_core.access.errors import NotFoundError
from reid_core.erasure.auditing import HOLD, LIFT
from reid_core.erasure.holds import Hold, HoldKind, hold, holds, lift

router = PermittedRouter("/holds", tags=["erasures"])


@router.get("", permission=Permission.ERASURES_READ)
def listed(
    use: CurrentUse, lifted: Annotated[bool, Query(description="Also those that were lifted.")] = False
) -> HoldList:
    """The holds that stand."""
    with use.gallery.database.read() as session:
        found = [one for one in holds(session, lifted) if _sees(use, session, one)]
    use.record("view", subject={"holds": [one.number for one in found]})
    return HoldList(holds=[HoldLine.of(one) for one in found])


@router.post("", permission=Permission.HOLD, status_code=201)
def add(asked: HoldAsked, use: CurrentUse) -> HoldLine:
    """Hold an identity, a tracklet, or what a camera saw: neither erased nor falling to retention."""
    use = use.stating(asked.purpose, asked.case)
    use.must_state_why(HOLD)
    with use.gallery.database.write() as session:
        if asked.identity is not None:
            must_see_some(use, session, asked.identity)
        if asked.tracklet is not None:
            seen_visit(use, session, asked.tracklet)
        if asked.camera is not None and not use.principal.scope.has_camera(asked.camera):
            raise not_found()
        made = hold(session, asked.made(use.principal.name), use.context.clock())
        auditing_of(use).held(session, made)
    return HoldLine.of(made)


@router.delete("/{number}", permission=Permission.HOLD)
def end(number: Number, use: CurrentUse) -> HoldLine:
    """Lift a hold."""
    use.must_state_why(LIFT)
    with use.gallery.database.write() as session:
        if number not in {one.number for one in holds(session) if _sees(use, session, one)}:
            raise not_found()
        done = lift(session, number, use.principal.name, use.context.clock())
        auditing_of(use).lifted(session, done)
    return HoldLine.of(done)


def _sees(use: Use, session: Session, one: Hold) -> bool:
    """Whether what is held may be seen; whoever may see everything sees holds of what is gone too."""
    scope = use.principal.scope
    if scope == EVERYTHING:
        return True
    if one.camera is not None:
        return scope.has_camera(one.camera)
    try:
        if one.kind is HoldKind.IDENTITY:
            must_see_some(use, session, one.subject or "")
        else:
            seen_visit(use, session, one.subject or "")
    except NotFoundError:
        return False
    return True
