"""Pictures of sightings: they obey the rules of what shows them."""

from typing import Annotated

from fastapi import Query, Response
from sqlalchemy import select

from console.api.permitted import PermittedRouter
from console.api.shown import Shown
from console.api.use import CurrentUse, not_found
from reid_core.access import Permission
from reid_core.gallery.schema import SightingRow, TrackletRow

router = PermittedRouter("/crops", tags=["people"])
_PNG = b"\x89PNG"


@router.get(
    "/{sighting}",
    permission=Permission.VIEW,
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}, "image/png": {}}, "description": "The picture."}},
)
def crop(
    sighting: str,
    use: CurrentUse,
    search: Annotated[str | None, Query(max_length=64, description="The answer that shows it.")] = None,
) -> Response:
    """The picture of a sighting. Without an answer that shows it, it is written down by itself."""
    chosen = (
        select(SightingRow.crop, SightingRow.time_ns, SightingRow.tracklet_id, TrackletRow.camera_id)
        .join(TrackletRow, TrackletRow.id == SightingRow.tracklet_id)
        .where(SightingRow.id == sighting)
    )
    with use.gallery.database.read() as session:
        row = session.execute(chosen).first()
    if row is None:
        raise not_found()
    use.must_see(row.camera_id, row.time_ns)
    if not row.crop:
        raise not_found()
    if search is None or not use.context.shared(Shown).has(search, use.principal.id, sighting):
        use.record("view", subject={"sighting": sighting, "tracklets": [row.tracklet_id]})
    data = bytes(row.crop)
    return Response(data, media_type="image/png" if data.startswith(_PNG) else "image/jpeg")
