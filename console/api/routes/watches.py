"""Watches: standing queries are added, listed, changed and removed."""

from collections.abc import Mapping
from dataclasses import replace

from sqlalchemy.orm import Session
from starlette.concurrency import run_in_threadpool

from console.api.bodies.alerts import Watch, WatchAsked, WatchChanged, WatchDone, Watches
from console.api.bodies.base import Number, moment, nanoseconds
from console.api.doing import person
from console.api.permitted import PermittedRouter
from console.api.pictures import Kept, Pictures
from console.api.searching import Searcher
from console.api.sight import must_see_some, sees_cameras
from console.api.use import CurrentUse, Use, not_found
from reid_core.access import Permission
from reid_core.querying.asking import QueryModels
from reid_core.reviewing.hands import Hands
from reid_core.reviewing.proposals import propose
from reid_core.watching import keeping
from reid_core.watching import watch as watching
from reid_core.watching.describing import described
from reid_core.watching.proposing import packed
from reid_core.watching.watch import NewWatch

router = PermittedRouter("/watches", tags=["watches"])
ADD = "watch.add"


@router.get("", permission=Permission.ALERTS)
def watches(use: CurrentUse) -> Watches:
    """All watches that may be seen, by their number."""
    with use.gallery.database.read() as session:
        found = [one for one in keeping.watches(session) if sees_cameras(use, one.cameras)]
        counts = keeping.alert_counts(session)
    use.record("watches", subject={"watches": [one.number for one in found]})
    return Watches(watches=[_body(use, one, counts) for one in found])


@router.get("/{watch}", permission=Permission.ALERTS)
def watch(watch: Number, use: CurrentUse) -> Watch:
    """One watch."""
    with use.gallery.database.read() as session:
        found, counts = _that_is_seen(session, use, watch), keeping.alert_counts(session)
    use.record("watches", subject={"watches": [watch]})
    return _body(use, found, counts)


@router.post("", permission=Permission.WATCH)
async def add(asked: WatchAsked, use: CurrentUse) -> WatchDone:
    """Add a watch: it looks at whoever comes from now on. Where the policy asks for two, it is proposed."""
    use = use.stating(asked.purpose, asked.case)
    use.must_state_why(ADD)
    keeping.check_one(asked.text, asked.identity, asked.picture)
    new = await run_in_threadpool(_new, use, asked)
    if asked.picture is not None:
        kept = use.context.shared(Pictures).get(use.principal.id, asked.picture)
        if kept is None:
            raise not_found()
        searcher = use.context.shared(Searcher)
        new = await searcher.pool.run(lambda: _pictured(use, new, kept, searcher.models))
    return await run_in_threadpool(_add, use, new)


@router.patch("/{watch}", permission=Permission.WATCH)
def change(watch: Number, asked: WatchChanged, use: CurrentUse) -> Watch:
    """Pause or resume a watch, or change its name, its end or its false alarms."""
    now = use.context.clock()
    with use.gallery.database.write() as session:
        _that_is_seen(session, use, watch)
        keeping.change(
            session,
            watch,
            now,
            name=asked.name,
            expires_ns=_end_within_scope(use, nanoseconds(asked.expires)) if asked.expires else None,
            alarms=asked.false_alarms,
        )
        if asked.paused is True:
            keeping.pause(session, watch)
        elif asked.paused is False:
            keeping.resume(session, watch, now)
        changed = sorted(asked.model_fields_set)
        use.record("watch.change", subject={"watch": watch, "changed": changed}, session=session)
        session.flush()
        found, counts = watching.Watch.of(keeping.the_watch(session, watch)), keeping.alert_counts(session)
    return _body(use, found, counts)


@router.delete("/{watch}", permission=Permission.WATCH, status_code=204)
def remove(watch: Number, use: CurrentUse) -> None:
    """Forget a watch and whom it looked for. Its alerts stay."""
    with use.gallery.database.write() as session:
        _that_is_seen(session, use, watch)
        use.record("watch.remove", subject={"watch": watch}, session=session)
        keeping.remove(session, watch)


def _add(use: Use, new: NewWatch) -> WatchDone:
    now = use.context.clock()
    told = ""
    if new.text is not None:
        # Neither the proposal nor the audit log keeps what nobody is searched by.
        text, understood = described(new.text)
        new, told = replace(new, text=text), understood.told
    subject: dict[str, object] = {"cameras": list(new.cameras)}
    if new.identity is not None:
        subject["identity"] = new.identity
    details = {key: said for key, said in (("text", new.text), ("name", new.name)) if said}
    with use.gallery.database.write() as session:
        if new.identity is not None:
            must_see_some(use, session, new.identity)
        if use.needs_two(ADD):
            hands = Hands(person(use), now, new.purpose)
            number = propose(session, ADD, packed(new), {}, hands)
            about = {**subject, "proposal": number, "action": ADD}
            use.record("propose", subject=about, details=details, session=session)
            return WatchDone(done=False, proposal=number, understood=told or None)
        number = keeping.add_watch(session, new, now)
        use.record(ADD, subject=subject | {"watch": number}, details=details, session=session)
        added = watching.Watch.of(keeping.the_watch(session, number))
    return WatchDone(done=True, watch=_body(use, added, {}), understood=told or None)


def _pictured(use: Use, new: NewWatch, kept: Kept, models: QueryModels) -> NewWatch:
    """The same watch for whom a picture shows.

    Raises:
        ModelMismatchError: the embedder is not the gallery's.
    """
    embedder = models.embedder
    use.gallery.check_space(embedder.model_id)
    vector = embedder.embed([kept.image], kept.modality)[0]
    return replace(new, vector=vector, space=embedder.model_id, pictured=kept.modality)


def _that_is_seen(session: Session, use: Use, number: int) -> watching.Watch:
    found = next((one for one in keeping.watches(session) if one.number == number), None)
    if found is None or not sees_cameras(use, found.cameras):
        raise not_found()
    return found


def _new(use: Use, asked: WatchAsked) -> NewWatch:
    """What is asked for, as far as whoever asks may look."""
    if asked.text is not None:
        described(asked.text)
    new = NewWatch(
        text=asked.text,
        identity=asked.identity,
        looks_at=asked.looks_at,
        cameras=tuple(asked.cameras),
        hours=asked.hours,
        zone=asked.zone,
        expires_ns=nanoseconds(asked.expires),
        false_alarms=asked.false_alarms,
        score=asked.score,
        name=asked.name or "",
        author=use.principal.name,
        purpose=use.purpose or "",
    )
    return _within_scope(use, new)


def _within_scope(use: Use, new: NewWatch) -> NewWatch:
    """The same watch, looking nowhere and at no time where whoever adds it may not.

    Raises:
        NotFoundError: it names a camera that they may not see.
    """
    scope = use.principal.scope
    if any(not scope.has_camera(camera) for camera in new.cameras):
        raise not_found()
    cameras = new.cameras if scope.cameras is None or new.cameras else tuple(sorted(scope.cameras))
    if scope.cameras is not None and not cameras:
        raise not_found()
    return replace(new, cameras=cameras, expires_ns=_end_within_scope(use, new.expires_ns))


def _end_within_scope(use: Use, expires_ns: int | None) -> int | None:
    ends = [time for time in (expires_ns, use.principal.scope.until_ns) if time is not None]
    return min(ends, default=None)


def _body(use: Use, one: watching.Watch, counts: Mapping[int, int]) -> Watch:
    expired = one.expires_ns is not None and one.expires_ns <= use.context.clock()
    return Watch(
        watch=one.number,
        kind=one.kind,
        name=one.name,
        text=one.text,
        identity=one.identity,
        modality_of_picture=one.pictured,
        looks_at=one.looks_at,
        cameras=sorted(one.cameras),
        hours=str(one.hours) if one.hours is not None else None,
        zone=one.hours.zone if one.hours is not None else None,
        expires=moment(one.expires_ns) if one.expires_ns is not None else None,
        false_alarms=one.false_alarms,
        score=one.score,
        author=one.author,
        purpose=one.purpose,
        created=moment(one.created_ns),
        state="expired" if expired else "paused" if one.paused else "active",
        paused=one.paused,
        standing=one.standing or None,
        alerts=counts.get(one.number, 0),
    )
