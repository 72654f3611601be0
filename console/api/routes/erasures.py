"""Erasures over HTTP: who is meant, what would go, and that it went."""

from typing import Annotated

from fastapi import File, Form, Query, UploadFile
from sqlalchemy import func, select

from console.api.bodies.base import Page, moment
from console.api.bodies.erasures import (
    ErasureAsked,
    ErasureCandidate,
    ErasureDone,
    ErasureExample,
    ErasureLine,
    ErasureList,
    ErasurePlan,
    ErasureTracklet,
    ErasureWanted,
)
from console.api.cursors import packed, unpacked
from console.api.erasing import erase, must_see_planned
from console.api.errors import TooLargeError
from console.api.permitted import PermittedRouter
from console.api.pictures import Pictures
from console.api.searching import Searcher
from console.api.shown import Shown, crop_address
from console.api.use import CurrentUse, Use, not_found
from reid_core.access import Permission
from reid_core.erasure.auditing import ERASE
from reid_core.erasure.choosing import Plan, plan
from reid_core.erasure.example import Example, by_example
from reid_core.erasure.proposing import revision
from reid_core.errors import UsageError
from reid_core.gallery.erasure_rows import ErasedRow, ErasureRow
from reid_core.reviewing.visits import visits_by_tracklet
from reid_core.types import Modality

router = PermittedRouter("/erasures", tags=["erasures"])
_LIST = "erasures"
_AT_MOST = 64 << 20


@router.get("", permission=Permission.ERASURES_READ)
def erasures(
    use: CurrentUse, limit: Page = 50, cursor: Annotated[str | None, Query(max_length=200)] = None
) -> ErasureList:
    """Erasures, newest first: when, by whom, how much. Nothing says of whom."""
    before = unpacked(_LIST, cursor)
    counted = select(func.count()).where(ErasedRow.erasure_id == ErasureRow.id, ErasedRow.kind == "tracklet")
    chosen = select(ErasureRow, counted.scalar_subquery().label("tracklets")).order_by(ErasureRow.id.desc())
    if before is not None:
        chosen = chosen.where(ErasureRow.id < before)
    with use.gallery.database.read() as session:
        rows = session.execute(chosen.limit(limit + 1)).all()
        told = [
            ErasureLine(
                erasure=row.ErasureRow.name,
                time=moment(row.ErasureRow.created_ns),
                by=row.ErasureRow.actor,
                audit=row.ErasureRow.audit,
                tracklets=row.tracklets,
            )
            for row in rows[:limit]
        ]
        following = rows[limit - 1].ErasureRow.id if len(rows) > limit else None
    use.record("view", subject={"erasures": len(told)})
    return ErasureList(erasures=told, next=packed(_LIST, following))


@router.post("/example", permission=Permission.ERASE, max_body_size=_AT_MOST)
async def example(
    use: CurrentUse,
    file: Annotated[UploadFile, File(description="JPEG, PNG, WebP, BMP or TIFF: a crop of one person.")],
    modality: Annotated[Modality, Form()] = Modality.VISIBLE,
) -> ErasureExample:
    """Who is meant by a crop: those who have this very picture, or else whoever is most like it."""
    most = use.context.settings.limits.upload_bytes
    data = await file.read(most + 1)
    await file.close()
    if len(data) > most:
        raise TooLargeError(f"The picture has more than {most:,} bytes.", "Cut the person out of it.")
    searcher = use.context.shared(Searcher)
    return await searcher.pool.run(lambda: _found(use, data, modality, searcher))


@router.post("/plan", permission=Permission.ERASE)
def show(asked: ErasureAsked, use: CurrentUse) -> ErasurePlan:
    """Who would go, before anybody does."""
    use = use.stating(asked.purpose, asked.case)
    shown, chosen = use.context.shared(Shown), _planned(use, asked)
    name = shown.name()
    with use.gallery.database.read() as session:
        visits = visits_by_tracklet(session, [one.id for one in chosen.tracklets])
    pictures = {one: visit.sighting for one, visit in visits.items() if visit.sighting is not None}
    about = {"identities": list(chosen.identities), "tracklets": [one.id for one in chosen.tracklets]}
    use.record("view", subject={"answer": name, **about})
    shown.put(name, use.principal.id, list(pictures.values()))
    return ErasurePlan(
        revision=revision(chosen),
        identities=list(chosen.identities),
        tracklets=[
            ErasureTracklet.of(one, crop_address(pictures.get(one.id), name)) for one in chosen.tracklets
        ],
        possible=list(chosen.possible),
    )


@router.post("", permission=Permission.ERASE)
def do(asked: ErasureWanted, use: CurrentUse) -> ErasureDone:
    """Erase a person for good: all that the gallery holds of them. Writing its files anew takes time."""
    use = use.stating(asked.purpose, asked.case)
    use.must_state_why(ERASE)
    return erase(use, asked, _planned(use, asked))


def _planned(use: Use, asked: ErasureAsked) -> Plan:
    """The plan, of tracklets all of which may be seen."""
    with use.gallery.database.read() as session:
        try:
            chosen = plan(session, asked.identities, asked.tracklets, asked.linked)
        except UsageError:
            if asked.identities or asked.tracklets:
                raise not_found() from None
            raise
        must_see_planned(use, session, chosen)
    return chosen


def _found(use: Use, data: bytes, modality: Modality, searcher: Searcher) -> ErasureExample:
    use.must_state_why("search")
    kept = use.context.shared(Pictures).put(use.principal.id, data, modality)
    found = by_example(use.gallery, [data], [kept.image], modality, searcher.models)
    seen = _seen(use, found)
    use.record(
        "search", subject={"identities": [*seen.identities, *(one.identity for one in seen.candidates)]}
    )
    return seen


def _seen(use: Use, found: Example) -> ErasureExample:
    """What of it is of people all of whom may be seen."""
    with use.gallery.database.read() as session:
        names = {*found.identities, *(one.identity for one in found.candidates)}
        mine = {name for name in names if _sees_all(use, plan(session, [name], linked=False))}
        visits = visits_by_tracklet(session, found.tracklets)
    tracklets = [name for name, one in visits.items() if use.sees(one.camera, one.start_ns)]
    return ErasureExample(
        identities=[one for one in found.identities if one in mine],
        tracklets=tracklets,
        candidates=[
            ErasureCandidate(
                rank=one.rank,
                identity=one.identity,
                score=one.score,
                probability=one.probability,
                tracklets=one.tracklets,
                cameras=list(one.cameras),
            )
            for one in found.candidates
            if one.identity in mine
        ],
    )


def _sees_all(use: Use, chosen: Plan) -> bool:
    return all(use.sees(one.camera, one.start_ns) for one in chosen.tracklets)
