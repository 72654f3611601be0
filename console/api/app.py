"""The console's app: every route behind the gate."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from importlib.metadata import version
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.utils import get_openapi

from console.api.bounds import BodyBounds
from console.api.checkpoints import note_checkpoints
from console.api.context import Context
from console.api.headers import SecurityHeaders
from console.api.metrics import Measured
from console.api.oidc.provider import check_installed
from console.api.permitted import declared_routes
from console.api.problems import Failures, answer_problems
from console.api.rates import AddressLimit
from console.api.routes import routers
from console.api.settings import ServeSettings
from reid_core.access import Principal
from reid_core.audit.trail import Trail
from reid_core.gallery import Gallery


def create_app(
    settings: ServeSettings,
    gallery: Gallery,
    trail: Trail | None = None,
    *,
    local: Principal | None = None,
    clock: Callable[[], int] = time.time_ns,
) -> FastAPI:
    """The app that serves a gallery.

    Args:
        settings: of the process.
        gallery: stays open until the app has ended.
        trail: its audit log; by default the one that the settings name.
        local: who asks where nobody signs in; to be given on loopback alone.
        clock: UTC nanoseconds.

    Raises:
        TypeError: a route declares no permission.
        MissingDependencyError: users are to sign in elsewhere, and the extra ``oidc`` is not installed.
    """
    if settings.oidc.issuer is not None:
        check_installed()
    trail = trail or Trail.of(gallery.database, settings.audit.key_file)
    context = Context(settings, gallery, trail, local, clock)

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        noting = asyncio.create_task(note_checkpoints(context))
        try:
            yield
        finally:
            noting.cancel()
            context.close()

    app = FastAPI(
        title="nightreid",
        version=version("nightreid"),
        lifespan=lifespan,
        # What describes the API is a route like any other.
        openapi_url=None,
    )
    app.state.context = context
    for router in routers():
        app.include_router(router)
    # A route that anybody added in another way ends the process here, not a secret later.
    list(declared_routes(app))
    answer_problems(app)
    # The last one added is the first that a request comes to.
    limits = settings.limits
    app.add_middleware(Failures)
    app.add_middleware(BodyBounds, body_bytes=limits.body_bytes, upload_bytes=limits.upload_bytes)
    app.add_middleware(AddressLimit, context=context)
    app.add_middleware(SecurityHeaders, encrypted=context.is_encrypted)
    app.add_middleware(Measured, context=context)
    app.openapi = lambda: described(app)  # type: ignore[method-assign]
    return app


def described(app: FastAPI) -> dict[str, Any]:
    """The OpenAPI document of an app, with the two ways of saying who asks."""
    if not app.openapi_schema:
        document = get_openapi(title=app.title, version=app.version, routes=app.routes)
        document.setdefault("components", {})["securitySchemes"] = {
            "session": {"type": "apiKey", "in": "cookie", "name": "__Host-nightreid"},
            "token": {"type": "http", "scheme": "bearer"},
        }
        app.openapi_schema = document
    return app.openapi_schema
