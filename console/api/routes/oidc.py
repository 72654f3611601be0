"""Signing in elsewhere, by OpenID Connect: a browser is sent to the provider, and comes back with a code."""

from typing import Annotated, Literal

from fastapi import Query, Request
from fastapi.responses import RedirectResponse

from console.api.context import Context, context_of
from console.api.cookies import put_session_cookie
from console.api.metrics import Metrics
from console.api.oidc.admitting import admitted_user
from console.api.oidc.attempts import SECONDS, Attempts, attempt_cookie
from console.api.oidc.errors import ProviderAwayError, ProviderRefusalError
from console.api.oidc.provider import Provider
from console.api.permitted import OPEN, PermittedRouter
from console.api.rates import Rates, address_of, network_of
from console.api.use import not_found
from reid_core.access.sessions import open_session
from reid_core.audit.event import AuditEvent

router = PermittedRouter("/session/oidc", tags=["session"])
Given = Annotated[str, Query(max_length=4096)]


@router.get("", permission=OPEN, status_code=303, response_class=RedirectResponse)
def begin(request: Request) -> RedirectResponse:
    """Be sent to the provider, to sign in there; 404 where none is configured."""
    context = _configured(request)
    attempt, cookie = context.shared(Attempts).begin()
    try:
        response = RedirectResponse(context.shared(Provider).authorization(attempt), 303)
    except ProviderAwayError:
        return _page("away")
    # Lax: the provider's page sends the browser back here. The session's own cookie stays strict.
    response.set_cookie(
        attempt_cookie(context),
        cookie,
        SECONDS,
        secure=context.is_encrypted,
        httponly=True,
        samesite="lax",
        path="/",
    )
    return response


@router.get("/callback", permission=OPEN, status_code=303, response_class=RedirectResponse)
def come_back(
    request: Request, state: Given = "", code: Given = "", error: Given = "", iss: Given = ""
) -> RedirectResponse:
    """Come back from the provider; whoever it vouches for is signed in. Leads to the console's page alone."""
    context = _configured(request)
    tries = context.shared(Metrics).sign_ins
    context.shared(Rates).sign_ins.take(network_of(request))
    try:
        secret = _signed_in(context, request, state, code, error, iss)
    except (ProviderRefusalError, ProviderAwayError) as refusal:
        tries.labels("failed").inc()
        _write_down(context, request, refusal)
        response = _page("refused" if isinstance(refusal, ProviderRefusalError) else "away")
    else:
        tries.labels("succeeded").inc()
        response = _page()
        put_session_cookie(context, response, secret)
    # One attempt, one try.
    response.delete_cookie(
        attempt_cookie(context), secure=context.is_encrypted, httponly=True, samesite="lax", path="/"
    )
    return response


def _signed_in(context: Context, request: Request, state: str, code: str, error: str, iss: str) -> str:
    settings = context.settings.oidc
    attempt = context.shared(Attempts).known(request.cookies.get(attempt_cookie(context)), state)
    if iss and iss != settings.issuer:
        raise ProviderRefusalError("the answer is another issuer's")
    if error or not code:
        raise ProviderRefusalError(f"the provider says {error[:40]!r}")
    claims = context.shared(Provider).claims(attempt, code)
    address = address_of(request)
    with context.gallery.database.write() as session:
        user = admitted_user(session, context.trail, settings, claims, context.clock())
        secret, opened = open_session(session, user, context.clock(), context.session_limits, address=address)
        # Without a purpose: it cannot be stated on the provider's page, and is asked for with what follows.
        details = {"address": address, "issuer": settings.issuer, "subject": claims["sub"]}
        signed_in = AuditEvent(
            "sign-in", user.principal.actor, subject={"session": opened.id}, details=details
        )
        context.trail.append(signed_in, session)
    return secret


def _write_down(
    context: Context, request: Request, refusal: ProviderRefusalError | ProviderAwayError
) -> None:
    details = {"address": address_of(request), "issuer": context.settings.oidc.issuer}
    if isinstance(refusal, ProviderRefusalError):
        details["reason"] = refusal.reason
        if refusal.subject is not None:
            details["subject"] = refusal.subject
    else:
        details["reason"] = refusal.message
    context.trail.append(AuditEvent("sign-in.failed", "user:?", details=details))


def _configured(request: Request) -> Context:
    context = context_of(request)
    if context.settings.oidc.issuer is None:
        raise not_found()
    return context


def _page(why: Literal["refused", "away", ""] = "") -> RedirectResponse:
    # Never to an address that a request names.
    return RedirectResponse(f"/#/?sign-in={why}" if why else "/", 303)
