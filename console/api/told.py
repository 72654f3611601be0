"""What the gallery holds, as the shapes of the API."""

from collections.abc import Iterable, Mapping

from console.api.bodies.base import moment
from console.api.bodies.people import Candidate, Corrected, Judgement, Link, Seen, Sighted
from console.api.shown import crop_address
from reid_core.gallery.history import Correction
from reid_core.reviewing.labels import Label
from reid_core.reviewing.links import ReviewedLink
from reid_core.reviewing.visits import Visit


def seen(visit: Visit, answer: str) -> Seen:
    """A tracklet; ``answer`` names what its picture is shown in."""
    return Seen(
        tracklet=visit.tracklet,
        camera=visit.camera,
        modality=visit.modality,
        spectrum=visit.spectrum,
        start=moment(visit.start_ns),
        end=moment(visit.end_ns),
        crop=crop_address(visit.sighting, answer),
    )


def sighted(visit: Visit, answer: str) -> Sighted:
    """A tracklet as one stay of a person."""
    return Sighted(
        **dict(seen(visit, answer)), how=visit.how, score=visit.score, probability=visit.probability
    )


def judgement(label: Label) -> Judgement:
    """What a person said of a link."""
    return Judgement(
        label=label.number,
        identity=label.identity,
        verdict=str(label.verdict),
        by=label.first.name,
        second=label.second.name if label.second is not None else None,
        time=moment(label.time_ns),
        reason=label.reason,
    )


def link(one: ReviewedLink, visits: Mapping[str, Visit], answer: str) -> Link:
    """A link.

    Args:
        one: the link.
        visits: of its tracklet and of candidates' tracklets, as far as they may be seen: candidates of others
            are left out.
        answer: names what its pictures are shown in.
    """
    candidates = []
    for each in one.link.candidates:
        if (visit := visits.get(each.tracklet)) is not None:
            candidates.append(
                Candidate(
                    rank=each.rank,
                    identity=each.identity,
                    score=each.score,
                    probability=each.probability,
                    tracklet=each.tracklet,
                    sighting=each.sighting,
                    camera=visit.camera,
                    start=moment(visit.start_ns),
                    end=moment(visit.end_ns),
                    crop=crop_address(each.sighting, answer),
                )
            )
    shown = {each.identity for each in candidates}
    return Link(
        tracklet=seen(visits[one.link.tracklet], answer),
        model=one.link.model,
        decision=str(one.link.decision),
        state=one.state,
        searched=one.link.searched,
        unknown=one.link.unknown,
        calibrated_for_cameras=one.link.own_cameras,
        candidates=candidates,
        judgements=[judgement(label) for label in one.labels if label.identity in shown],
    )


def pictures_of(visits: Iterable[Visit], links: Iterable[ReviewedLink] = ()) -> set[str]:
    """The sightings that are shown with some tracklets and links."""
    found = {visit.sighting for visit in visits if visit.sighting is not None}
    return found | {each.sighting for one in links for each in one.link.candidates}


def corrected(one: Correction, seen_tracklets: set[str]) -> Corrected:
    """A correction; of what it moved, what may be seen."""
    return Corrected(
        correction=one.number,
        kind=one.kind,
        by=one.actor,
        reason=one.reason,
        time=moment(one.time_ns),
        identity=one.identity,
        other=one.other,
        tracklets=[name for name in one.tracklets if name in seen_tracklets],
        undone_by=one.undone_by or None,
    )
