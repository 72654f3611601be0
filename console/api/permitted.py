"""Routes that say whom they are for: one that does not cannot be defined.

Whether somebody may is seen before a byte of the body is read.
"""

from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.routing import APIRoute
from starlette.concurrency import run_in_threadpool

from console.api.gate import admit
from console.api.metrics import ROUTE
from console.api.problems import PROBLEMS
from reid_core.access import Permission

API: Final = "/api/v1"
OPEN: Final = "open"
"""Permission of the few routes that need nobody: whether the process lives, and signing in."""

_DECLARED: Final = "x-permission"
Handler = TypeVar("Handler", bound=Callable[..., Any])


class PermittedRoute(APIRoute):
    """A route with a declared permission, in ``openapi_extra``."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        declared = (options.get("openapi_extra") or {}).get(_DECLARED)
        if declared is None:
            raise TypeError(f"The route {path} declares no permission.")
        self.permission: Permission | None = None if declared == OPEN else Permission(declared)
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The handler, behind the gate."""
        handle = super().get_route_handler()
        permission = self.permission

        async def handle_admitted(request: Request) -> Response:
            request.scope[ROUTE] = self.path
            request.state.use = await run_in_threadpool(admit, request, permission)
            return await handle(request)

        return handle_admitted


class PermittedRouter(APIRouter):
    """The routes of one subject.

    Args:
        prefix: of their paths, below ``base``.
        base: ``/api/v1``, or empty for what lies beside the API.
        options: as `fastapi.APIRouter` takes them.
    """

    def __init__(self, prefix: str = "", *, base: str = API, **options: Any) -> None:
        options.setdefault("responses", PROBLEMS)
        super().__init__(prefix=base + prefix, route_class=PermittedRoute, **options)

    def route_for(
        self, method: str, path: str, *, permission: Permission | str, **options: Any
    ) -> Callable[[Handler], Handler]:
        """A decorator that makes a function the handler of a route.

        Args:
            method: of HTTP.
            path: below the router's prefix.
            permission: that is needed; `OPEN` where nobody is.
            options: as `fastapi.APIRouter.api_route` takes them.
        """
        extra = {**options.pop("openapi_extra", {}), _DECLARED: str(permission)}
        extra["security"] = [] if permission == OPEN else [{"session": []}, {"token": []}]

        def define(handler: Handler) -> Handler:
            self.add_api_route(path, handler, methods=[method], openapi_extra=extra, **options)
            return handler

        return define

    def get(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """`route_for` GET."""
        return self.route_for("GET", path, **options)

    def post(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """`route_for` POST."""
        return self.route_for("POST", path, **options)

    def put(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """`route_for` PUT."""
        return self.route_for("PUT", path, **options)

    def patch(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """`route_for` PATCH."""
        return self.route_for("PATCH", path, **options)

    def delete(self, path: str, **options: Any) -> Callable[[Handler], Handler]:
        """`route_for` DELETE."""
        return self.route_for("DELETE", path, **options)


@dataclass(frozen=True, slots=True)
class Declared:
    """A route as it is reached.

    Attributes:
        method: of HTTP.
        path: with the names of its parts in braces.
        permission: that it needs; ``None`` where it needs nobody.
    """

    method: str
    path: str
    permission: Permission | None


def declared_routes(app: FastAPI) -> Iterator[Declared]:
    """Every route of an app.

    Raises:
        TypeError: one of them declares no permission.
    """
    yield from _declared(app.routes)


def _declared(routes: Any) -> Iterator[Declared]:
    for route in routes:
        included = getattr(route, "original_router", None)
        if included is not None:
            yield from _declared(included.routes)
        elif isinstance(route, PermittedRoute):
            for method in sorted(route.methods or ()):
                yield Declared(method, route.path, route.permission)
        else:
            raise TypeError(f"{getattr(route, 'path', route)} declares no permission.")
