"""Who asks, and whether they may: seen in front of every route."""

from fastapi import Request

from console.api.context import Context, context_of
from console.api.forgery import check_at_this_machine, check_not_forged
from console.api.rates import Rates
from console.api.use import Use
from reid_core.access import Permission, Principal
from reid_core.access.errors import NotPermittedError, SignInNeededError
from reid_core.access.sessions import UserSession, session_of
from reid_core.access.tokens import token_of

PURPOSE_HEADER = "Nightreid-Purpose"
CASE_HEADER = "Nightreid-Case"
_SIGN_IN = "Sign in, or send a token: Authorization: Bearer TOKEN."


def admit(request: Request, permission: Permission | None) -> Use | None:
    """The use that a request makes of the console.

    Args:
        request: of which nothing but the head is read.
        permission: that is needed; ``None`` where nobody is.

    Returns:
        who asks and why; ``None`` where nobody needs to be known.

    Raises:
        SignInNeededError: nobody is known.
        NotPermittedError: their role does not allow it.
        ForgedRequestError: it was not sent by the console's own page.
        TooManyRequestsError: they ask too often.
    """
    context = context_of(request)
    if permission is None:
        check_not_forged(request, None)
        return None
    principal, session = who_asks(context, request)
    context.shared(Rates).accounts.take(principal.id)
    if not principal.may(permission):
        raise NotPermittedError(f"The role {principal.role} may not do this ({permission}).")
    purpose = request.headers.get(PURPOSE_HEADER) or (session.purpose if session else None)
    case = request.headers.get(CASE_HEADER) or (session.case if session else None)
    return Use(context, request, principal, purpose, case, session, lambda: who_asks(context, request)[0])


def cookie_name(context: Context) -> str:
    """Of the cookie that holds a session's secret; with the prefix, browsers take it from here alone."""
    return "__Host-nightreid" if context.is_encrypted else "nightreid"


def who_asks(context: Context, request: Request) -> tuple[Principal, UserSession | None]:
    """Who sent a request; a session counts as seen.

    Raises:
        SignInNeededError: nobody is known (any more).
        ForgedRequestError: it was not sent by the console's own page.
    """
    kind, _, secret = request.headers.get("Authorization", "").partition(" ")
    if secret:
        token = (
            token_of(context.gallery.database, secret.strip(), context.clock())
            if kind.lower() == "bearer"
            else None
        )
        if token is None:
            raise SignInNeededError("The token is not valid.", _SIGN_IN)
        return token.principal, None
    cookie = request.cookies.get(cookie_name(context))
    if cookie:
        session = session_of(context.gallery.database, cookie, context.clock(), context.session_limits)
        if session is not None:
            check_not_forged(request, cookie)
            return session.user.principal, session
    if context.local is not None:
        check_at_this_machine(request)
        check_not_forged(request, None)
        return context.local, None
    raise SignInNeededError("Nobody is signed in." if not cookie else "The session has ended.", _SIGN_IN)
