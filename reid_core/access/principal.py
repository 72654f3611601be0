"""Who asks."""

from dataclasses import dataclass
from typing import Literal

from reid_core.access.roles import PERMISSIONS, Permission, Role
from reid_core.access.scope import EVERYTHING, Scope


@dataclass(frozen=True, slots=True)
class Principal:
    """Who asks, and what that allows.

    Attributes:
        id: of the user, for a token too: two tokens of a user are the same person.
        name: the user's, and of a token ``user/token``.
        role: what the user is here for.
        scope: which sightings may be seen.
        kind: a signed-in user, an API token, or whoever sits at this machine where nobody signs in.
        permissions: what may be done; of a token what both its role and its user's allow.
    """

    id: str
    name: str
    role: Role
    scope: Scope
    kind: Literal["user", "token", "local"]
    permissions: frozenset[Permission]

    @property
    def actor(self) -> str:
        """As whom the audit log names them."""
        return f"{self.kind}:{self.name}"

    def may(self, permission: Permission) -> bool:
        """Whether it is allowed."""
        return permission in self.permissions


def user_principal(id_: str, name: str, role: Role, scope: Scope) -> Principal:
    """A signed-in user."""
    return Principal(id_, name, role, scope, "user", PERMISSIONS[role])


LOCAL = Principal("local", "local", Role.ADMIN, EVERYTHING, "local", frozenset(Permission))
"""Whoever sits at this machine: everything, where the console is served on loopback for trying it out."""
