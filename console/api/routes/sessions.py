"""Sessions: where one is signed in."""

from console.api.bodies.accounts import SeenSession, Sessions
from console.api.permitted import PermittedRouter
from console.api.use import CurrentUse, not_found
from reid_core.access import Permission
from reid_core.access.sessions import end_session, sessions

router = PermittedRouter("/sessions", tags=["session"])


@router.get("", permission=Permission.SESSION)
def list_sessions(use: CurrentUse, everybody: bool = False) -> Sessions:
    """The own sessions; everybody's for those who may read about users."""
    if everybody and not use.principal.may(Permission.USERS_READ):
        raise not_found()
    with use.gallery.database.read() as session:
        found = sessions(
            session,
            use.context.clock(),
            use.context.session_limits,
            None if everybody else use.principal.id,
        )
    if everybody:
        use.record("session.list")
    own = use.session.id if use.session is not None else None
    return Sessions(sessions=[SeenSession.of(one, one.id == own) for one in found])


@router.delete("/{id}", permission=Permission.SESSION, status_code=204)
def delete_session(id: str, use: CurrentUse) -> None:
    """End a session: an own one, or anybody's for those who manage users."""
    with use.gallery.database.write() as session:
        mine = None if use.principal.may(Permission.USERS_MANAGE) else use.principal.id
        if not end_session(session, id, mine):
            raise not_found()
        use.record("session.end", subject={"session": id}, session=session)
