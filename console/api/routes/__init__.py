"""The routes, one module a subject; each has a ``router``."""

from importlib import import_module

from console.api.permitted import PermittedRouter

SUBJECTS: tuple[str, ...] = (
    "console.api.routes.alerts",
    "console.api.routes.audit",
    "console.api.routes.clips",
    "console.api.routes.crops",
    "console.api.routes.erasures",
    "console.api.routes.health",
    "console.api.routes.holds",
    "console.api.routes.identities",
    "console.api.routes.links",
    "console.api.routes.live",
    "console.api.routes.metrics",
    "console.api.routes.oidc",
    "console.api.routes.pictures",
    "console.api.routes.proposals",
    "console.api.routes.retention",
    "console.api.routes.searches",
    "console.api.routes.session",
    "console.api.routes.sessions",
    "console.api.routes.standing",
    "console.api.routes.tokens",
    "console.api.routes.tracklets",
    "console.api.routes.users",
    "console.api.routes.watches",
    "console.web.serving",
)
"""Modules with a ``router``; the page's are named here too. One a line, in the order of matching."""


def routers() -> list[PermittedRouter]:
    """The routers of all subjects."""
    return [import_module(name).router for name in SUBJECTS]
