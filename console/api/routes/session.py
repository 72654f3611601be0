"""Signing in and out, and what one is about to do."""

from fastapi import Request, Response

from console.api.bodies.access import Purpose, SeenScope, SignedIn, SignIn
from console.api.bodies.accounts import PasswordChange
from console.api.bodies.base import moment
from console.api.context import context_of
from console.api.cookies import drop_session_cookie, put_session_cookie
from console.api.gate import cookie_name
from console.api.metrics import Metrics
from console.api.permitted import OPEN, PermittedRouter
from console.api.rates import Rates, address_of, network_of
from console.api.use import CurrentUse, Use
from reid_core.access import Permission
from reid_core.access.errors import SignInFailedError
from reid_core.access.passwords import hashed
from reid_core.access.sessions import end_session, forgery_token, open_session, state_purpose
from reid_core.access.users import authenticate, change_user, users
from reid_core.audit.event import AuditEvent
from reid_core.errors import UsageError

router = PermittedRouter("/session", tags=["session"])


@router.post("", permission=OPEN)
def sign_in(asked: SignIn, request: Request, response: Response) -> SignedIn:
    """Sign in with name and password; the cookie of the answer is the session."""
    context = context_of(request)
    address = address_of(request)
    rates, tries = context.shared(Rates), context.shared(Metrics).sign_ins
    name = asked.name.strip().lower()
    rates.sign_ins.take(network_of(request))
    rates.failures.take(name, 0)
    try:
        user = authenticate(context.gallery.database, name, asked.password.get_secret_value())
    except SignInFailedError:
        rates.failures.take(name)
        tries.labels("failed").inc()
        with context.gallery.database.read() as session:
            known = any(one.name == name for one in users(session))
        # What is nobody's name may be a password, typed into the wrong field.
        told = {"name": name} if known else {}
        failed = AuditEvent("sign-in.failed", "user:?", details={**told, "address": address})
        context.trail.append(failed)
        raise
    principal = user.principal
    with context.gallery.database.write() as session:
        secret, opened = open_session(
            session,
            user,
            context.clock(),
            context.session_limits,
            address=address,
            purpose=asked.purpose,
            case=asked.case,
        )
        use = Use(context, request, principal, asked.purpose, asked.case, opened)
        use.record("sign-in", subject={"session": opened.id}, details={"address": address}, session=session)
    tries.labels("succeeded").inc()
    put_session_cookie(context, response, secret)
    return _signed_in(use, secret)


@router.get("", permission=Permission.SESSION)
def session(use: CurrentUse) -> SignedIn:
    """Who is signed in, and what they may do."""
    return _signed_in(use, use.request.cookies.get(cookie_name(use.context)) if use.session else None)


@router.put("/purpose", permission=Permission.SESSION)
def put_purpose(asked: Purpose, use: CurrentUse) -> Purpose:
    """State what one is about to do, for all that follows in this session."""
    if use.session is None:
        raise UsageError("A token has no session.", "Send the header Nightreid-Purpose with each request.")
    stated = use.stating(asked.purpose, asked.case)
    with use.gallery.database.write() as session:
        stated.record("purpose", subject={"session": use.session.id}, session=session)
        state_purpose(session, use.session.id, stated.purpose, stated.case)
    return Purpose(purpose=stated.purpose, case=stated.case)


@router.put("/password", permission=Permission.SESSION, status_code=204)
def put_password(asked: PasswordChange, use: CurrentUse, response: Response) -> None:
    """Change the own password, and sign out everywhere."""
    if use.session is None:
        raise UsageError("A token has no password.")
    rates, user = use.context.shared(Rates), use.session.user
    rates.failures.take(user.name, 0)
    try:
        authenticate(use.gallery.database, user.name, asked.password.get_secret_value())
    except SignInFailedError:
        rates.failures.take(user.name)
        raise
    password = hashed(asked.new.get_secret_value())
    with use.gallery.database.write() as session:
        use.record("user.password", subject={"user": user.id}, session=session)
        change_user(session, user.name, password=password)
    drop_session_cookie(use.context, response)


@router.delete("", permission=Permission.SESSION, status_code=204)
def sign_out(use: CurrentUse, response: Response) -> None:
    """Sign out; the session is over wherever its cookie is."""
    if use.session is None:
        raise UsageError("A token has no session.", "It is revoked at /api/v1/tokens.")
    with use.gallery.database.write() as session:
        use.record("sign-out", subject={"session": use.session.id}, session=session)
        end_session(session, use.session.id)
    drop_session_cookie(use.context, response)


def _signed_in(use: Use, secret: str | None) -> SignedIn:
    principal = use.principal
    return SignedIn(
        name=principal.name,
        kind=principal.kind,
        role=principal.role,
        permissions=sorted(principal.permissions),
        scope=SeenScope.of(principal.scope),
        purpose=use.purpose,
        case=use.case,
        csrf=forgery_token(secret) if secret else None,
        expires=moment(use.session.expires_ns) if use.session else None,
    )
