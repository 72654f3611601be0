"""From what a provider says of somebody to a user of the console."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy.orm import Session

from console.api.oidc.errors import ProviderRefusalError
from console.api.oidc.settings import OidcSettings
from reid_core.access import Role
from reid_core.access.users import User, add_user, change_user
from reid_core.access.vouched import user_vouched_for, vouch_for
from reid_core.audit.event import AuditEvent
from reid_core.audit.trail import Trail
from reid_core.errors import UsageError


def admitted_user(
    session: Session, trail: Trail, settings: OidcSettings, claims: Mapping[str, Any], now_ns: int
) -> User:
    """The user that claims are of; added, or given the role that they say, where the settings say so.

    Args:
        session: of the writing transaction; what is refused in it is not to be kept.
        trail: on which it is written down who is added or changed.
        settings: of signing in elsewhere.
        claims: that `verified_claims` let through.
        now_ns: the time of day, UTC nanoseconds.

    Raises:
        ProviderRefusalError: there is none who may sign in.
    """
    issuer, subject = settings.issuer or "", claims["sub"]
    _check_domain(settings, claims)
    role = _role(settings, claims)
    user = user_vouched_for(session, issuer, subject)
    if user is None:
        if not settings.add_users or role is None:
            raise ProviderRefusalError("nobody is known by this subject", subject)
        user = _added(session, settings, claims, role, now_ns)
        trail.append(_event("user.add", user), session)
    if user.disabled:
        raise ProviderRefusalError("the user is disabled", subject)
    if role is not None and user.role != role:
        user = change_user(session, user.name, role=role)
        trail.append(_event("user.change", user), session)
    return user


def _check_domain(settings: OidcSettings, claims: Mapping[str, Any]) -> None:
    if not settings.domains:
        return
    address = claims.get("email")
    domain = address.rpartition("@")[2].lower() if isinstance(address, str) and "@" in address else ""
    if claims.get("email_verified") is not True or domain not in {one.lower() for one in settings.domains}:
        raise ProviderRefusalError("the e-mail address is of no allowed domain", claims["sub"])


def _role(settings: OidcSettings, claims: Mapping[str, Any]) -> Role | None:
    if settings.role_claim is None:
        return None
    said = claims.get(settings.role_claim)
    values = said if isinstance(said, list) else [said]
    role = next((role for value, role in settings.roles.items() if value in values), None)
    if role is None:
        raise ProviderRefusalError("no role belongs to what the provider says", claims["sub"])
    return role


def _added(
    session: Session, settings: OidcSettings, claims: Mapping[str, Any], role: Role, now_ns: int
) -> User:
    # Somebody of that name who is here already is somebody else: no claim takes over an account.
    try:
        added = add_user(session, str(claims.get(settings.name_claim) or ""), role, None, now_ns)
        return vouch_for(session, added.name, settings.issuer or "", claims["sub"])
    except UsageError:
        raise ProviderRefusalError("the name cannot be one, or is taken", claims["sub"]) from None


def _event(action: str, user: User) -> AuditEvent:
    details = {"name": user.name, "role": user.role.value, "issuer": user.issuer}
    return AuditEvent(action, user.principal.actor, subject={"user": user.id}, details=details)
