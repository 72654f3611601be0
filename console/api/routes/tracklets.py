"""Tracklets: lists of them, one of them, and correcting whose it is."""

from typing import Annotated

from fastapi import Query

from console.api.bodies.base import Moment, Page, moment, nanoseconds
from console.api.bodies.people import Crop, Tracklet, Tracklets
from console.api.bodies.reviews import Done, MoveAsked
from console.api.cursors import packed, unpacked
from console.api.doing import do
from console.api.permitted import API, PermittedRouter
from console.api.shown import Shown, crop_address
from console.api.sight import must_see_some, seen_visit, sees_visit
from console.api.told import link as told_link
from console.api.told import pictures_of, seen
from console.api.use import CurrentUse, not_found
from reid_core.access import Permission
from reid_core.gallery import SearchFilter
from reid_core.gallery.captions import captions_of
from reid_core.gallery.spaces import active_space
from reid_core.reviewing.links import reviewed_link
from reid_core.reviewing.visits import newest_visits, visits_by_tracklet
from reid_core.types import Modality

router = PermittedRouter("/tracklets", tags=["people"])
_LIST = "tracklets"


@router.get("", permission=Permission.VIEW)
def tracklets(
    use: CurrentUse,
    camera: Annotated[list[str] | None, Query(max_length=100)] = None,
    modality: Modality | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
    limit: Page = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Tracklets:
    """Tracklets, the latest that came first."""
    asked = SearchFilter(
        cameras=frozenset(camera) if camera else None,
        since_ns=nanoseconds(since),
        until_ns=nanoseconds(until),
    )
    with use.gallery.database.read() as session:
        found, following = newest_visits(
            session, modality, use.narrowed(asked), unpacked(_LIST, cursor), limit
        )
    shown = use.context.shared(Shown)
    name = shown.name()
    use.record("view", subject={"answer": name, "tracklets": [one.tracklet for one in found]})
    shown.put(name, use.principal.id, pictures_of(found))
    return Tracklets(tracklets=[seen(one, name) for one in found], next=packed(_LIST, following))


@router.get("/{tracklet}", permission=Permission.VIEW)
def tracklet(tracklet: str, use: CurrentUse) -> Tracklet:
    """One tracklet with its pictures, and of an infrared one whom it is linked to."""
    gallery, sees = use.gallery, use.principal.scope.sees
    with gallery.database.read() as session:
        visit = seen_visit(use, session, tracklet)
        model = active_space(session)
        linked = reviewed_link(session, tracklet, model) if model is not None else None
        candidates = [one.tracklet for one in linked.link.candidates] if linked is not None else []
        visits = {
            name: one
            for name, one in visits_by_tracklet(session, [*candidates, tracklet]).items()
            if sees_visit(use, one)
        }
    record = gallery.tracklet(tracklet)
    if record is None:
        raise not_found()
    crops = [one for one in gallery.sightings(tracklet) if sees(visit.camera, one.time_ns)]
    shown = use.context.shared(Shown)
    name = shown.name()
    use.record("view", subject={"answer": name, "tracklets": [tracklet]})
    links = [linked] if linked is not None else []
    shown.put(name, use.principal.id, {one.id for one in crops} | pictures_of(visits.values(), links))
    return Tracklet(
        **dict(seen(visit, name)),
        recording=record.recording,
        first_frame=int(record.frames[0]),
        last_frame=int(record.frames[-1]),
        length=len(record.frames),
        close_reason=record.close_reason,
        identity=record.identity,
        crops=[
            Crop(
                sighting=one.id,
                rank=one.rank,
                time=moment(one.time_ns),
                box=one.box,
                quality=one.quality,
                crop=crop_address(one.id if one.crop else None, name),
            )
            for one in crops
        ],
        captions=list(dict.fromkeys(one.text for one in captions_of(gallery.database, tracklet))),
        link=told_link(linked, visits, name) if linked is not None else None,
        clip=f"{API}/tracklets/{tracklet}/clip",
    )


@router.post("/{tracklet}/move", permission=Permission.CORRECT)
def move(tracklet: str, asked: MoveAsked, use: CurrentUse) -> Done:
    """Give a visible tracklet to another identity."""
    with use.gallery.database.read() as session:
        seen_visit(use, session, tracklet)
        must_see_some(use, session, asked.identity)
    subject = {"tracklet": tracklet, "identity": asked.identity, "together": asked.together}
    return do(use, "tracklet.move", subject, {"from": asked.from_identity}, asked.reason)
