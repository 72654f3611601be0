"""Clips of footage around a sighting."""

from typing import Annotated

from fastapi import Query, Response

from console.api.clipping import Clipper, clip
from console.api.permitted import PermittedRouter
from console.api.use import CurrentUse
from reid_core.access import Permission

router = PermittedRouter("/tracklets", tags=["people"])


@router.get(
    "/{tracklet}/clip",
    permission=Permission.EXPORT,
    response_class=Response,
    responses={200: {"content": {"video/mp4": {}}, "description": "The clip, without sound."}},
)
async def tracklet_clip(
    tracklet: str,
    use: CurrentUse,
    sighting: Annotated[str | None, Query(max_length=255, description="Around this one.")] = None,
    seconds: Annotated[float, Query(gt=0, le=10, description="Before and behind it.")] = 2.0,
) -> Response:
    """A few seconds around a sighting, by default the best one; 404 where the footage is not at hand."""
    cut = await use.context.shared(Clipper).pool.run(lambda: clip(use, tracklet, sighting, seconds))
    return Response(cut, media_type="video/mp4")
