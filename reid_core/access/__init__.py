"""Who may do what, and see which sightings: roles, scopes, users, sessions and API tokens."""

from reid_core.access.principal import LOCAL, Principal
from reid_core.access.roles import PERMISSIONS, Permission, Role
from reid_core.access.scope import EVERYTHING, Scope

__all__ = ["EVERYTHING", "LOCAL", "PERMISSIONS", "Permission", "Principal", "Role", "Scope"]
