"""Users and tokens on a line each, and as JSON."""

from typing import Any

from console.api.bodies.base import moment
from reid_core.access import EVERYTHING, Scope
from reid_core.access.tokens import Token
from reid_core.access.users import User


def user_json(user: User) -> dict[str, Any]:
    """A user as JSON."""
    return {
        "name": user.name,
        "role": user.role.value,
        **_scope(user.scope),
        "disabled": user.disabled,
        "created": moment(user.created_ns).isoformat(),
        "issuer": user.issuer,
    }


def token_json(token: Token) -> dict[str, Any]:
    """A token as JSON, without what opens anything."""
    return {
        "id": token.id,
        "user": token.user.name,
        "name": token.name,
        "role": token.role.value,
        **_scope(token.scope),
        "created": moment(token.created_ns).isoformat(),
        "seen": _when(token.seen_ns),
        "expires": _when(token.expires_ns),
        "revoked": token.revoked,
    }


def _scope(scope: Scope) -> dict[str, Any]:
    cameras = None if scope.cameras is None else sorted(scope.cameras)
    return {"cameras": cameras, "since": _when(scope.since_ns), "until": _when(scope.until_ns)}


def _when(time_ns: int | None) -> str | None:
    return moment(time_ns).isoformat() if time_ns is not None else None


def user_line(user: User) -> str:
    """A user on one line."""
    state = ["disabled"] if user.disabled else []
    return "  ".join([user.name, user.role, _scope_words(user.scope), *state])


def token_line(token: Token) -> str:
    """A token on one line."""
    ends = f"until {_when(token.expires_ns)}" if token.expires_ns is not None else "for good"
    state = "revoked" if token.revoked else ends
    return "  ".join(
        [token.id[:12], f"{token.user.name}/{token.name}", token.role, _scope_words(token.scope), state]
    )


def _scope_words(scope: Scope) -> str:
    if scope == EVERYTHING:
        return "sees everything"
    said = [] if scope.cameras is None else [f"cameras {', '.join(sorted(scope.cameras)) or 'none'}"]
    said += [f"from {_when(scope.since_ns)}"] if scope.since_ns is not None else []
    said += [f"to {_when(scope.until_ns)}"] if scope.until_ns is not None else []
    return f"sees {' '.join(said)}"
