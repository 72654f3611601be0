"""What the report's templates show: a result's parts looked up, put in order and into words."""

from collections.abc import Iterable

from console import figures
from console import report_words as words
from console.report_crops import Crop, Crops
from console.report_views import CandidateView, PersonView, ProbeView, TrackletView
from reid_core.types import Decision, Modality
from stream.run.result import (
    CameraResult,
    CandidateResult,
    IdentityResult,
    LinkResult,
    RunResult,
    TrackletResult,
)

CROP_HEIGHT = 160
"""Pixels: crops are made no higher than this for the page."""

SMALL_CROP_HEIGHT = 112
"""The same where there are more tracklets than ``MANY``."""

MANY = 100

OPEN_LIMIT = 24
"""Sections shown open; the others open on a click."""

SLUGS = {Decision.LINKED: "linked", Decision.UNKNOWN: "unknown", Decision.NOT_CALIBRATED: "uncalibrated"}
"""Decisions as names of styles; ``missing`` is a tracklet that was not compared."""

_CROPS = 5
_CANDIDATES = 5


class Page:
    """Looks a result's ids up and turns its parts into what the templates show."""

    def __init__(self, result: RunResult) -> None:
        self.result = result
        self.cameras: dict[str, CameraResult] = {}
        self.tracklets: dict[str, TrackletResult] = {}
        self.anchors: dict[str, str] = {}
        for camera in result.cameras:
            for tracklet in camera.tracklets:
                self.cameras[tracklet.id] = camera
                self.tracklets[tracklet.id] = tracklet
                self.anchors[tracklet.id] = f"tracklet-{len(self.anchors) + 1}"
        self.identities = {person.id: person for person in result.identities}
        self.persons = {person.id: f"person-{n}" for n, person in enumerate(result.identities, start=1)}
        self.links = {link.tracklet: link for link in result.links}
        pictures = {shot.id: shot.jpeg for tracklet in self.tracklets.values() for shot in tracklet.sightings}
        self.names = {id_: tracklet.label for id_, tracklet in self.tracklets.items()}
        self.names |= {person.id: person.label for person in result.identities}
        self.names |= {
            shot.id: f"{tracklet.label} frame {shot.frame}"
            for tracklet in self.tracklets.values()
            for shot in tracklet.sightings
        }
        self.crops = Crops(pictures, SMALL_CROP_HEIGHT if len(self.tracklets) > MANY else CROP_HEIGHT)

    def period(self) -> str:
        """From the first to the last recorded moment."""
        running = [camera for camera in self.result.cameras if camera.frames]
        if not running:
            return "nothing recorded"
        return words.span(min(camera.start_ns for camera in running), max(map(_end_ns, running)))

    def probes(self) -> list[ProbeView]:
        """Every infrared tracklet, in order of time."""
        found = [tracklet for camera in self.result.cameras for tracklet in camera.of(Modality.INFRARED)]
        found.sort(key=lambda tracklet: tracklet.first_ns)
        return [self._probe(tracklet, number < OPEN_LIMIT) for number, tracklet in enumerate(found)]

    def people(self) -> list[PersonView]:
        """Every gallery identity, with who asks for it at night."""
        seen: dict[str, list[tuple[str, str, str]]] = {}
        for link in self.result.links:
            if link.tracklet in self.tracklets and link.candidates and link.decision is not Decision.UNKNOWN:
                known = link.decision is Decision.LINKED
                identity = (known and link.identity) or link.candidates[0].identity
                row = (f"#{self.anchors[link.tracklet]}", self.names[link.tracklet], SLUGS[link.decision])
                seen.setdefault(identity, []).append(row)
        return [
            self._person(person, tuple(seen.get(person.id, ())), number < OPEN_LIMIT)
            for number, person in enumerate(self.result.identities)
        ]

    def lanes(self) -> list[figures.Lane]:
        """Every recording that has frames, with its tracklets as bars."""
        return [
            figures.Lane(
                f"{camera.id} · {camera.modality} · {words.count(len(camera.tracklets), 'tracklet')}",
                camera.start_ns,
                max(_end_ns(camera), *(tracklet.last_ns for tracklet in camera.tracklets), 0),
                tuple(self._bar(tracklet, camera) for tracklet in camera.tracklets),
            )
            for camera in self.result.cameras
            if camera.frames or camera.tracklets
        ]

    def histograms(self) -> list[str]:
        """Best against other candidates and, where truth is known, right against wrong ones."""
        ranked = [candidate for link in self.result.links for candidate in link.candidates]
        if not ranked:
            return []

        def scores(chosen: Iterable[CandidateResult]) -> list[float]:
            return [candidate.score for candidate in chosen]

        best = scores(candidate for candidate in ranked if candidate.rank == 1)
        others = scores(candidate for candidate in ranked if candidate.rank > 1)
        title = "Scores of the best candidates (up) and of all others (down)"
        drawings = [
            figures.histogram(title, ("best|Best candidate", best), ("other|Other candidates", others))
        ]
        right = scores(candidate for candidate in ranked if candidate.correct is True)
        wrong = scores(candidate for candidate in ranked if candidate.correct is False)
        if right or wrong:
            title = "Scores of the right person (up) and of wrong persons (down)"
            drawings.append(
                figures.histogram(title, ("right|Right person", right), ("wrong|Wrong person", wrong))
            )
        return drawings

    def _probe(self, tracklet: TrackletResult, opened: bool) -> ProbeView:
        link = self.links.get(tracklet.id)
        verdict, detail = self._verdict(link)
        shown = link.candidates[:_CANDIDATES] if link is not None else ()
        foreign = link is not None and link.own_cameras is False
        missed = ""
        if link is not None and shown and any(candidate.correct is not None for candidate in link.candidates):
            ranks = [candidate.rank for candidate in link.candidates if candidate.correct]
            if not ranks:
                missed = f"The right person is not among the {len(link.candidates)} ranked."
            elif ranks[0] > len(shown):
                missed = f"The right person comes at rank {ranks[0]}."
        return ProbeView(
            tracklet=self._tracklet(tracklet),
            slug="missing" if link is None else SLUGS[link.decision],
            verdict=verdict,
            detail=detail,
            correct=None if link is None else link.correct,
            missed=missed,
            candidates=tuple(self.candidate(candidate, foreign) for candidate in shown),
            open=opened,
        )

    def _verdict(self, link: LinkResult | None) -> tuple[str, str]:
        """The decision in a few words, and what it means."""
        if link is None:
            return "Not compared", "The run ended before this tracklet was compared with the gallery."
        if link.decision is Decision.LINKED:
            sure = "" if link.probability is None else f" Probability {_sure(link, link.probability)}."
            score = "" if link.score is None else f"Score {link.score:.3f}."
            return f"Linked to {self.names.get(link.identity or '', link.identity)}", score + sure
        if not link.candidates:
            return ("Unknown" if link.decision is Decision.UNKNOWN else "Not calibrated"), (
                "The gallery is empty: there was nobody to compare with."
            )
        if link.decision is Decision.UNKNOWN:
            said = "Nobody in the gallery is similar enough. The closest are shown for comparison only."
            if link.unknown is not None and link.searched is not None:
                many = words.count(link.searched, "identity", "identities")
                said += f" Nobody of them: probability {_sure(link, link.unknown)}, of {many} searched."
            return "Unknown", said
        return "Not calibrated", "No decision: candidates are ranked, their certainty is unknown."

    def candidate(self, candidate: CandidateResult, foreign: bool) -> CandidateView:
        """An identity that is offered; ``foreign`` where its probability was calibrated on other cameras."""
        person = self.identities.get(candidate.identity)
        label = self.names.get(candidate.identity, candidate.identity)
        crop = self.crops.get(candidate.sighting, f"{label}, best matching crop")
        if crop is None and person is not None:
            crop = self._cover(person)
        return CandidateView(
            rank=candidate.rank,
            label=label,
            href=None if person is None else f"#{self.persons[person.id]}",
            crop=crop,
            score=candidate.score,
            probability=""
            if candidate.probability is None
            else words.share(candidate.probability) + f", {words.NOT_FOR_THESE}" * foreign,
            correct=candidate.correct,
        )

    def _person(
        self, person: IdentityResult, seen: tuple[tuple[str, str, str], ...], opened: bool
    ) -> PersonView:
        here = [self.tracklets[id_] for id_ in person.tracklets if id_ in self.tracklets]
        return PersonView(
            anchor=self.persons[person.id],
            label=person.label,
            cover=self._cover(person),
            tracklets=tuple(self._tracklet(tracklet) for tracklet in here),
            elsewhere=len(person.tracklets) - len(here),
            seen=seen,
            open=opened,
        )

    def _tracklet(self, tracklet: TrackletResult) -> TrackletView:
        seconds = (tracklet.last_ns - tracklet.first_ns) / 1e9
        crops = (
            self.crops.get(shot.id, f"{tracklet.label} in frame {shot.frame}")
            for shot in tracklet.sightings[:_CROPS]
        )
        return TrackletView(
            anchor=self.anchors[tracklet.id],
            label=tracklet.label,
            camera=self.cameras[tracklet.id].id,
            when=words.span(tracklet.first_ns, tracklet.last_ns),
            length=f"{words.duration(seconds)}, found in {words.count(len(tracklet.frames), 'frame')}",
            ended=tracklet.close_reason,
            truth=tracklet.truth,
            why=words.evidence(tracklet.evidence, self.names),
            pair=self._pair(tracklet),
            crops=tuple(crop for crop in crops if crop is not None),
            captions=tracklet.captions,
        )

    def _pair(self, tracklet: TrackletResult) -> tuple[Crop, ...]:
        """The two sightings that made the tracklet join its identity, where both are here."""
        if tracklet.evidence.get("decision") != "joined":
            return ()
        ids = [str(tracklet.evidence.get(key)) for key in ("sighting", "matched_sighting")]
        crops = [self.crops.get(id_, self.names.get(id_, "")) for id_ in ids]
        found = tuple(crop for crop in crops if crop is not None)
        return found if len(found) == len(ids) else ()

    def _bar(self, tracklet: TrackletResult, camera: CameraResult) -> figures.Bar:
        link = self.links.get(tracklet.id)
        kind, who, said = "visible", tracklet.identity or "", ""
        if (tracklet.modality or camera.modality) is Modality.INFRARED:
            kind = "missing" if link is None else SLUGS[link.decision]
            who = (link.identity if link is not None else None) or ""
            said = f" · {self._verdict(link)[0]}"
        elif who:
            said = f" · {self.names.get(who, who)}"
        when = words.span(tracklet.first_ns, tracklet.last_ns)
        title = f"{tracklet.label}{said} · {when}"
        href = f"#{self.anchors[tracklet.id]}"
        group = self.persons.get(who, "")
        return figures.Bar(tracklet.label, tracklet.first_ns, tracklet.last_ns, href, title, kind, group)

    def cover_of(self, tracklet: str) -> Crop | None:
        """A tracklet's best crop."""
        one = self.tracklets[tracklet]
        best = max(one.sightings, key=lambda shot: shot.quality, default=None)
        return None if best is None else self.crops.get(best.id, f"{one.label}, best crop")

    def _cover(self, person: IdentityResult) -> Crop | None:
        shots = [
            shot
            for id_ in person.tracklets
            if id_ in self.tracklets
            for shot in self.tracklets[id_].sightings
        ]
        best = max(shots, key=lambda shot: shot.quality, default=None)
        return None if best is None else self.crops.get(best.id, f"{person.label}, best crop")


def _sure(link: LinkResult, probability: float) -> str:
    """A probability of a link, and whether it holds for these cameras."""
    return words.share(probability) + f", {words.NOT_FOR_THESE}" * (link.own_cameras is False)


def _end_ns(camera: CameraResult) -> int:
    seconds = camera.frames / camera.fps if camera.fps > 0 else 0.0
    return camera.start_ns + round(seconds * 1e9)
