"""People of the gallery: when and where they were seen, and putting right who is who."""

from console.api.bodies.base import moment
from console.api.bodies.people import Identity
from console.api.bodies.reviews import Done, MergeAsked, SplitAsked
from console.api.doing import do
from console.api.permitted import PermittedRouter
from console.api.shown import Shown
from console.api.sight import everything, must_see_all, must_see_some, must_see_whole
from console.api.told import corrected, pictures_of, sighted
from console.api.use import CurrentUse, not_found
from reid_core.access import Permission
from reid_core.gallery.history import corrections_of
from reid_core.gallery.spaces import active_space
from reid_core.reviewing.revisions import revision
from reid_core.reviewing.visits import visits_of

router = PermittedRouter("/identities", tags=["people"])


@router.get("/{identity}", permission=Permission.VIEW)
def identity(identity: str, use: CurrentUse) -> Identity:
    """Somebody's timeline across cameras, day and night, in order of time."""
    with use.gallery.database.read() as session:
        model = active_space(session) or ""
        visits = visits_of(session, [identity], model, everything(use)).get(identity, ())
        if not any(one.how == "member" for one in visits):
            raise not_found()
        said = revision(session, identity)
        tracklets = {one.tracklet for one in visits}
        corrections = corrections_of(session, identity, sorted(tracklets))
    shown = use.context.shared(Shown)
    name = shown.name()
    use.record("view", subject={"answer": name, "identities": [identity], "tracklets": sorted(tracklets)})
    shown.put(name, use.principal.id, pictures_of(visits))
    return Identity(
        identity=identity,
        revision=said,
        start=moment(min(one.start_ns for one in visits)),
        end=moment(max(one.end_ns for one in visits)),
        cameras=sorted({one.camera for one in visits}),
        timeline=[sighted(one, name) for one in reversed(visits)],
        corrections=[corrected(one, tracklets) for one in corrections],
    )


@router.post("/{identity}/merge", permission=Permission.CORRECT)
def merge(identity: str, asked: MergeAsked, use: CurrentUse) -> Done:
    """Make another identity this one."""
    with use.gallery.database.read() as session:
        must_see_some(use, session, identity)
        must_see_whole(use, session, asked.other)
    subject = {"identity": identity, "other": asked.other, "together": asked.together}
    seen = {"identity": asked.revision, "other": asked.other_revision}
    return do(use, "identity.merge", subject, seen, asked.reason)


@router.post("/{identity}/split", permission=Permission.CORRECT)
def split(identity: str, asked: SplitAsked, use: CurrentUse) -> Done:
    """Make some of somebody's tracklets a person of their own."""
    with use.gallery.database.read() as session:
        must_see_some(use, session, identity)
        must_see_all(use, session, asked.tracklets)
    subject = {"identity": identity, "tracklets": sorted(set(asked.tracklets))}
    return do(use, "identity.split", subject, {"identity": asked.revision}, asked.reason)
