"""Links of infrared tracklets, and people's word on them."""

from typing import Annotated

from fastapi import Query

from console.api.bodies.base import Page
from console.api.bodies.people import Links
from console.api.bodies.reviews import Done, Judged, State
from console.api.cursors import packed, unpacked
from console.api.doing import do
from console.api.permitted import PermittedRouter
from console.api.shown import Shown
from console.api.sight import everything, seen_visit, sees_visit
from console.api.told import link, pictures_of
from console.api.use import CurrentUse, Use, not_found
from reid_core.access import Permission
from reid_core.errors import StaleError
from reid_core.gallery.spaces import active_space
from reid_core.reviewing.links import reviewed_link, reviewed_links
from reid_core.reviewing.visits import visits_by_tracklet

router = PermittedRouter("/links", tags=["review"])


@router.get("", permission=Permission.VIEW)
def links(
    use: CurrentUse,
    state: State = "all",
    limit: Page = 50,
    cursor: Annotated[str | None, Query(max_length=200)] = None,
) -> Links:
    """Links, those of the latest tracklets first; `uncertain` ones are what people are asked about."""
    wanted, kind = None if state == "all" else state, f"links {state}"
    with use.gallery.database.read() as session:
        model = active_space(session) or ""
        before = unpacked(kind, cursor)
        found, following = reviewed_links(session, model, wanted, everything(use), before, limit)
        names = [one.link.tracklet for one in found]
        names += [each.tracklet for one in found for each in one.link.candidates]
        visits = {
            name: one for name, one in visits_by_tracklet(session, names).items() if sees_visit(use, one)
        }
    # Of whom nobody can be shown, nothing can be said either.
    told = [
        one
        for one in found
        if state != "uncertain" or any(each.tracklet in visits for each in one.link.candidates)
    ]
    shown = use.context.shared(Shown)
    name = shown.name()
    use.record("view", subject={"answer": name, "links": [one.link.tracklet for one in told]})
    shown.put(name, use.principal.id, pictures_of(visits.values(), told))
    return Links(links=[link(one, visits, name) for one in told], next=packed(kind, following))


@router.post("/{tracklet}/confirm", permission=Permission.REVIEW)
def confirm(tracklet: str, asked: Judged, use: CurrentUse) -> Done:
    """Say that an infrared tracklet is one of its candidates."""
    return _judge(use, "link.confirm", tracklet, asked)


@router.post("/{tracklet}/reject", permission=Permission.REVIEW)
def reject(tracklet: str, asked: Judged, use: CurrentUse) -> Done:
    """Say that an infrared tracklet is not one of its candidates."""
    return _judge(use, "link.reject", tracklet, asked)


def _judge(use: Use, action: str, tracklet: str, asked: Judged) -> Done:
    with use.gallery.database.read() as session:
        seen_visit(use, session, tracklet)
        model = active_space(session) or ""
        there = reviewed_link(session, tracklet, model)
        if there is None:
            raise not_found()
        meant = next((one for one in there.link.candidates if one.identity == asked.identity), None)
        if meant is None:
            raise StaleError("That is no candidate of this link any more.", "Look at the link again.")
        seen_visit(use, session, meant.tracklet)
    subject = {"tracklet": tracklet, "identity": asked.identity, "model": model}
    return do(use, action, subject, {}, asked.reason)
