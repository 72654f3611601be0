"""What Prometheus reads, with an API token: of a viewer who sees no camera, for one."""

from fastapi import Response
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from console.api.metrics import Metrics
from console.api.permitted import PermittedRouter
from console.api.use import CurrentUse
from reid_core.access import Permission

router = PermittedRouter(base="", tags=["health"])


@router.get("/metrics", permission=Permission.METRICS, response_class=Response)
def metrics(use: CurrentUse) -> Response:
    """Counts and times of this process, in Prometheus' text form."""
    text = generate_latest(use.context.shared(Metrics).registry)
    return Response(text, media_type=CONTENT_TYPE_LATEST)
