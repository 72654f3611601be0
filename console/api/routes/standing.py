"""How the console stands: status, cameras, and what describes the API."""

from importlib.metadata import version
from typing import Any

from fastapi.responses import HTMLResponse, JSONResponse

from console.api.bodies.base import moment
from console.api.bodies.standing import Cameras, Counts, Policy, SeenCamera, SeenModel, Status
from console.api.documented import operations, schemas
from console.api.permitted import API, PermittedRouter
from console.api.use import CurrentUse
from console.templating import templates
from reid_core.access import EVERYTHING, Permission
from reid_core.gallery.activity import camera_activity, totals

router = PermittedRouter(tags=["status"])
BANNER = "Nobody signs in here: whoever sits at this machine may do everything. For trying it out alone."


@router.get("/status", permission=Permission.STATUS)
def status(use: CurrentUse) -> Status:
    """Version, models, policy, and how much the gallery holds."""
    counts, models = None, None
    if use.principal.scope == EVERYTHING:
        with use.gallery.database.read() as session:
            found = totals(session)
        counts = Counts(**{name: getattr(found, name) for name in Counts.model_fields})
        models = [
            SeenModel(id=one.id, space=one.space, kind=one.kind, vectors=one.vectors, active=one.active)
            for one in use.gallery.models()
        ]
    policy = use.context.settings.policy
    return Status(
        version=version("nightreid"),
        database=use.gallery.database.dialect,
        counts=counts,
        models=models,
        policy=Policy(
            purpose=list(policy.purpose), case=list(policy.case), two_persons=list(policy.two_persons)
        ),
        banner=BANNER if use.context.local is not None else None,
    )


@router.get("/cameras", permission=Permission.CAMERAS)
def cameras(use: CurrentUse) -> Cameras:
    """The cameras of the own scope, and what is kept of each."""
    scope = use.principal.scope
    with use.gallery.database.read() as session:
        found = camera_activity(session, scope.cameras, scope.since_ns, scope.until_ns)
    return Cameras(
        cameras=[
            SeenCamera(
                camera=one.id,
                modality=one.modality,
                spectrum=one.spectrum,
                tracklets=one.tracklets,
                first=moment(one.first_ns) if one.first_ns is not None else None,
                last=moment(one.last_ns) if one.last_ns is not None else None,
                seen=moment(one.seen_ns) if one.seen_ns is not None else None,
            )
            for one in found
        ]
    )


@router.get("/openapi.json", permission=Permission.SESSION, include_in_schema=False)
def openapi(use: CurrentUse) -> JSONResponse:
    """What describes this API."""
    document: dict[str, Any] = use.request.app.openapi()
    return JSONResponse(document)


@router.get("/docs", permission=Permission.SESSION, include_in_schema=False, response_class=HTMLResponse)
def docs(use: CurrentUse) -> HTMLResponse:
    """The same to read: a page that fetches nothing but the console's own style."""
    document: dict[str, Any] = use.request.app.openapi()
    page = templates().get_template("api.html")
    return HTMLResponse(
        page.render(
            version=document["info"]["version"],
            document=f"{API}/openapi.json",
            operations=operations(document),
            schemas=schemas(document),
        )
    )
