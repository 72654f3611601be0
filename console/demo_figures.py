"""How well a run did against truth, as figures: pure functions from its result and the truth of its cameras.

Everything is counted by the people of the truth files. A person is *known* where a visible-light camera
of the run saw them by truth, else a *stranger*; that the run may have missed them by day is the run's
mistake, not the person's.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from console.demo_linking import Linking, OpenSet, linking, open_set
from console.demo_truth import CameraPeople
from detectors.letterbox import intersections_over_unions
from reid_core.types import Decision, Modality, Spectrum
from stream.run.result import CameraResult, RunResult, TrackletResult
from stream.run.truth import MIN_IOU

INFRARED = (Spectrum.NEAR, Spectrum.THERMAL)


@dataclass(frozen=True, slots=True)
class Tracking:
    """How cleanly people were followed.

    Attributes:
        tracklets: how many.
        nobody: of which so many are no one person in more than half of their frames.
        visits: pairs of a camera and a person in it, by truth.
        followed: of which some tracklet is the person.
        frames: of all tracklets; those on a hidden person are left out.
        pure: of which so many show the person whom their tracklet shows most often.
    """

    tracklets: int
    nobody: int
    visits: int
    followed: int
    frames: int
    pure: int

    @property
    def purity(self) -> float | None:
        """Share of the tracklets' frames that belong to their tracklet's majority person."""
        return self.pure / self.frames if self.frames else None


@dataclass(frozen=True, slots=True)
class RunFigures:
    """The figures of a run; those by spectrum have only the spectra that the run has.

    Attributes:
        people: different people in the truth of all cameras.
        strangers: of whom so many are never seen by day.
        tracking: by spectrum.
        linking: by infrared spectrum.
        open_set: by infrared spectrum; empty where the model is not calibrated and decides nothing.
        frames: read, of all cameras.
        seconds: that the run took.
    """

    people: int
    strangers: int
    tracking: dict[Spectrum, Tracking]
    linking: dict[Spectrum, Linking]
    open_set: dict[Spectrum, OpenSet]
    frames: int
    seconds: float

    @property
    def frames_per_second(self) -> float | None:
        """Frames of all cameras a second of the run."""
        return self.frames / self.seconds if self.seconds > 0 else None


def run_figures(
    result: RunResult, truth: Mapping[str, CameraPeople], rankings: Mapping[str, Sequence[str]]
) -> RunFigures:
    """All figures of a run.

    Args:
        result: with truth applied (`stream.run.truth.apply_truth`).
        truth: every camera's people.
        rankings: infrared tracklet to all identities of the gallery, most alike first. The candidates of
            a link are not enough: they end at the settings' ``match.top``.
    """
    by_day = seen_by_day(result, truth)
    everybody = _people(truth[camera.id] for camera in result.cameras)
    present = [kind for kind in Spectrum if any(camera.spectrum is kind for camera in result.cameras)]
    cameras = {kind: [one for one in result.cameras if one.spectrum is kind] for kind in present}
    infrared = {kind: _tracklets(cameras[kind]) for kind in present if kind in INFRARED}
    decided = bool(result.links) and all(
        link.decision is not Decision.NOT_CALIBRATED for link in result.links
    )
    return RunFigures(
        people=len(everybody),
        strangers=len(everybody - by_day),
        tracking={kind: tracking(cameras[kind], truth) for kind in present},
        linking={
            kind: linking(tracklets, by_day, identity_people(result), rankings)
            for kind, tracklets in infrared.items()
        },
        open_set={
            kind: open_set(tracklets, by_day, result.links) for kind, tracklets in infrared.items() if decided
        },
        frames=sum(camera.frames for camera in result.cameras),
        seconds=result.wall_s,
    )


def seen_by_day(result: RunResult, truth: Mapping[str, CameraPeople]) -> set[str]:
    """Everybody whom a visible-light camera of a run saw, by truth."""
    return _people(truth[camera.id] for camera in result.cameras if camera.modality is Modality.VISIBLE)


def tracking(cameras: Sequence[CameraResult], truth: Mapping[str, CameraPeople]) -> Tracking:
    """How cleanly people were followed in some cameras."""
    visits, followed = set(), set()
    frames, pure = 0, 0
    for camera in cameras:
        visits |= {(camera.id, person) for person in _people([truth[camera.id]])}
        followed |= {(camera.id, one.truth) for one in camera.tracklets if one.truth is not None}
        for tracklet in camera.tracklets:
            counted, most = _purity(tracklet, truth[camera.id])
            frames, pure = frames + counted, pure + most
    tracklets = _tracklets(cameras)
    return Tracking(
        tracklets=len(tracklets),
        nobody=sum(tracklet.truth is None for tracklet in tracklets),
        visits=len(visits),
        followed=len(followed & visits),
        frames=frames,
        pure=pure,
    )


def identity_people(result: RunResult) -> dict[str, str | None]:
    """Every identity's person: that of more than half of those of its tracklets that are somebody."""
    people = {one.id: one.truth for one in _tracklets(result.cameras)}
    found: dict[str, str | None] = {}
    for identity in result.identities:
        votes = Counter(person for name in identity.tracklets if (person := people.get(name)) is not None)
        person, count = votes.most_common(1)[0] if votes else (None, 0)
        found[identity.id] = person if 2 * count > votes.total() else None
    return found


def _purity(tracklet: TrackletResult, people: CameraPeople) -> tuple[int, int]:
    """How many of its frames count, and how many of them show its majority person."""
    votes: Counter[str | None] = Counter()
    for frame, box in zip(tracklet.frames.tolist(), tracklet.boxes, strict=True):
        here = people.get(frame)
        if here is None:
            votes[None] += 1
            continue
        boxes = np.concatenate([here.boxes, here.hidden])
        overlaps = intersections_over_unions(np.asarray(box, np.float32)[None], boxes)[0]
        best = int(overlaps.argmax())
        if overlaps[best] < MIN_IOU:
            votes[None] += 1
        elif best < len(here.ids):
            votes[here.ids[best]] += 1
    return votes.total(), max((count for person, count in votes.items() if person is not None), default=0)


def _people(cameras: Iterable[CameraPeople]) -> set[str]:
    return {person for camera in cameras for frame in camera.values() for person in frame.ids}


def _tracklets(cameras: Iterable[CameraResult]) -> list[TrackletResult]:
    return [tracklet for camera in cameras for tracklet in camera.tracklets]
