"""A search: what is asked over HTTP becomes a query of the service, and its answer the shape of the API."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from console.api.bodies.base import moment, nanoseconds
from console.api.bodies.searches import Evidence, Found, SearchAnswer, SearchAsked, Share, Understood
from console.api.context import Context
from console.api.pictures import Pictures
from console.api.pools import Pool
from console.api.shown import Shown, crop_address
from console.api.sight import seen_cameras, seen_visit
from console.api.told import pictures_of, seen
from console.api.use import Use, not_found
from console.query_notes import answer_notes
from reid_core.errors import UsageError
from reid_core.gallery import SearchFilter, VectorKind
from reid_core.querying.asking import Asking, QueryModels, check_cameras
from reid_core.querying.description import Description, read_description
from reid_core.querying.joint import parse_joint
from reid_core.querying.query import Answer, Form, RankedIdentity
from reid_core.querying.query import Evidence as PartEvidence
from reid_core.querying.query import Share as PartShare
from reid_core.querying.seen import Seen, seen_at
from reid_core.ranking.mixing import MixRetrieve
from reid_core.reviewing.visits import Visit, visits_of

_EXPLAINED = 3
"""Of so many of a page's best, each word's share is told."""
_VISITS = 4
"""So many tracklets of each identity are told by day, and so many by night."""
_UNLIKELY = 0.5


class Searcher:
    """What all searches share: models, loaded once, and the few threads that search.

    Args:
        context: of the app.

    Attributes:
        models: that queries are made with.
        pool: that searches run in.
    """

    def __init__(self, context: Context) -> None:
        settings = context.settings
        self.models = QueryModels(settings.models.reid, settings.models.text)
        self.pool = Pool("search", settings.limits.searches, settings.limits.searches_waiting)

    def close(self) -> None:
        """Let the searches end that have begun."""
        self.pool.close()


@dataclass(frozen=True, slots=True)
class _Page:
    """What an answer's page is told with."""

    name: str
    answer: Answer
    identities: Sequence[RankedIdentity]
    shares: Mapping[str, Sequence[PartShare]]
    seen: Mapping[PartEvidence, Seen]
    visits: Mapping[str, Sequence[Visit]]


def search(use: Use, asked: SearchAsked, models: QueryModels) -> SearchAnswer:
    """One page of an answer, written down before it is given.

    Raises:
        UsageError: what is asked does not fit together, or means nothing.
        NotFoundError: tracklet or picture is not there, or not to be seen.
        PurposeNeededError: the policy asks for what is not stated.
    """
    use = use.stating(asked.purpose, asked.case)
    use.must_state_why("search")
    form = _form(asked)
    words = read_description(asked.text) if asked.text is not None and form is not Form.IMAGE else None
    if asked.cameras:
        check_cameras(seen_cameras(use), asked.cameras)
    asking = _asking(use, asked, models, words, form)
    query = asking.query(use.narrowed(_where(asked)))
    trust = asking.trust
    if asked.least_probability is not None and trust.calibration is None:
        raise UsageError(f"There is no probability to go by: {trust.why}.", "Leave least_probability out.")
    answer = asking.service.ask(query, asked.limit, asked.cursor)
    identities = _probable(answer.identities, asked.least_probability)
    explained = identities[:_EXPLAINED] if words is not None else ()
    shares = asking.service.shares(query, words, explained) if words is not None and explained else {}
    names = [one.identity for one in identities]
    where = use.narrowed(SearchFilter(since_ns=nanoseconds(asked.since), until_ns=nanoseconds(asked.until)))
    with use.gallery.database.read() as session:
        visits = visits_of(session, names, asking.space, where, _VISITS)
    at = seen_at(use.gallery, [one.evidence for one in identities])
    shown = use.context.shared(Shown)
    page = _Page(shown.name(), answer, identities, shares, at, visits)
    use.record("search", subject=_subject(asked, page), details=_details(asked, page))
    shown.put(page.name, use.principal.id, _pictures(page))
    notes = [*asking.notes, *answer_notes(answer, trust)]
    if answer.unknown is not None and answer.unknown >= _UNLIKELY:
        notes.append("more likely it is nobody of them than anybody")
    if len(identities) < len(answer.identities):
        notes.append(f"{len(answer.identities) - len(identities)} of this page are less probable")
    found = [_found(one, page) for one in identities]
    return SearchAnswer(
        search=page.name,
        model=asking.model,
        form=form,
        searched=answer.searched,
        captioned=answer.captioned,
        kept=answer.kept,
        rerank=query.joint.id if query.joint is not None else None,
        calibrated=trust.calibration is not None,
        calibrated_for_cameras=trust.own_cameras,
        unknown=answer.unknown,
        notes=notes,
        understood=_understood(words),
        words=found[0].evidence.words if found else [],
        identities=found,
        next=answer.cursor if identities or asked.least_probability is None else None,
    )


def _form(asked: SearchAsked) -> Form:
    """What is to be made of picture and text.

    Raises:
        UsageError: there is nothing to ask by, or it does not fit together.
    """
    if asked.tracklet is not None and asked.picture is not None:
        raise UsageError("A search is by a tracklet or by a picture, not by both.")
    pictured = asked.tracklet is not None or asked.picture is not None
    if asked.text is None and not pictured:
        raise UsageError(
            "There is nothing to ask by.", "Give a text, a tracklet, a picture, or a text with one."
        )
    if asked.modality is not None and asked.picture is None:
        raise UsageError("The modality is that of a picture; there is none.")
    if asked.form is not None and (asked.text is None or not pictured):
        raise UsageError("The form is about a text together with a tracklet or a picture.")
    if asked.form is not None:
        return asked.form
    if asked.text is None:
        return Form.IMAGE
    return Form.FUSED if pictured else Form.TEXT


def _asking(
    use: Use, asked: SearchAsked, models: QueryModels, words: Description | None, form: Form
) -> Asking:
    kept = None
    if asked.tracklet is not None:
        with use.gallery.database.read() as session:
            seen_visit(use, session, asked.tracklet)
    elif asked.picture is not None:
        kept = use.context.shared(Pictures).get(use.principal.id, asked.picture)
        if kept is None:
            raise not_found()
    mix = MixRetrieve(asked.keep) if asked.keep is not None else None
    joint = parse_joint(asked.rerank) if asked.rerank is not None else None
    asking = Asking(use.gallery, models, words, form, mix, joint)
    if kept is not None and form is not Form.TEXT:
        asking.by_images([kept.image], asked.modality or kept.modality)
    elif asked.tracklet is not None:
        asking.by_track(asked.tracklet)
    return asking


def _where(asked: SearchAsked) -> SearchFilter:
    since, until = asked.since, asked.until
    if since is not None and until is not None and since >= until:
        raise UsageError("since is not before until.")
    cameras = frozenset(asked.cameras) if asked.cameras else None
    return SearchFilter(cameras, since_ns=nanoseconds(since), until_ns=nanoseconds(until))


def _probable(found: Sequence[RankedIdentity], least: float | None) -> tuple[RankedIdentity, ...]:
    return tuple(one for one in found if least is None or (one.probability or 0.0) >= least)


def _subject(asked: SearchAsked, page: _Page) -> dict[str, object]:
    """Ids alone."""
    said: dict[str, object] = {
        "search": page.name,
        "identities": [one.identity for one in page.identities],
        "searched": page.answer.searched,
    }
    if asked.tracklet is not None:
        said["tracklet"] = asked.tracklet
    if asked.picture is not None:
        said["picture"] = asked.picture
    if asked.cameras:
        said["cameras"] = sorted(asked.cameras)
    return said


def _details(asked: SearchAsked, page: _Page) -> dict[str, object]:
    """What is personal: words, times, and who came out how."""

    def iso(time: datetime | None) -> str | None:
        return time.isoformat() if time is not None else None

    return {
        "text": asked.text,
        "form": str(asked.form) if asked.form is not None else None,
        "keep": asked.keep,
        "rerank": asked.rerank,
        "since": iso(asked.since),
        "until": iso(asked.until),
        "least_probability": asked.least_probability,
        "scores": [round(one.score, 4) for one in page.identities],
        "tracklets": sorted({one.tracklet for visits in page.visits.values() for one in visits}),
    }


def _pictures(page: _Page) -> set[str]:
    shown = {one.evidence.sighting for one in page.identities if one.evidence.sighting is not None}
    return shown | pictures_of(visit for visits in page.visits.values() for visit in visits)


def _found(one: RankedIdentity, page: _Page) -> Found:
    at, kind = page.seen.get(one.evidence), one.evidence.kind
    words = [Share(name=part.name, share=part.share) for part in page.shares.get(one.identity, ())]
    return Found(
        rank=one.rank,
        identity=one.identity,
        score=one.score,
        probability=one.probability,
        evidence=Evidence(
            kind="picture" if kind is VectorKind.CROP else "caption",
            tracklet=one.evidence.tracklet,
            sighting=one.evidence.sighting,
            camera=at.camera if at is not None else None,
            time=moment(at.time_ns if at.time_ns is not None else at.start_ns) if at is not None else None,
            crop=crop_address(one.evidence.sighting, page.name),
            words=words,
        ),
        tracklets=[seen(visit, page.name) for visit in page.visits.get(one.identity, ())],
    )


def _understood(words: Description | None) -> Understood | None:
    if words is None:
        return None
    return Understood(searched_for=words.sentence, told=words.told, left_out=list(words.left_out))
