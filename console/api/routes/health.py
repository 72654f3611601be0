"""Whether the process lives and its gallery can be read."""

from fastapi import Request

from console.api.bodies.base import Shape
from console.api.context import context_of
from console.api.permitted import OPEN, PermittedRouter

router = PermittedRouter(base="", tags=["health"])


class Health(Shape):
    """That it lives."""

    status: str = "ok"


@router.get("/healthz", permission=OPEN)
def health(request: Request) -> Health:
    """Whether the process lives and its gallery can be read; 503 where it cannot."""
    with context_of(request).gallery.database.read():
        return Health()
