"""What the gallery holds of a run, as plain data for its JSON, its MOT files and its report."""

from collections.abc import Sequence

from reid_core.gallery import (
    CameraRecord,
    Gallery,
    RecordingRecord,
    RecordingStatus,
    TrackletRecord,
    VectorKind,
)
from reid_core.gallery.captions import captions_of
from reid_core.types import Link, Modality
from stream.chain.conditions import set_aside_of, switches_of, told_of
from stream.footage.naming import SourceSpec
from stream.run.result import (
    CameraResult,
    CandidateResult,
    IdentityResult,
    LinkResult,
    RunResult,
    SightingResult,
    StageTiming,
    TrackletResult,
)

_WORDS = {
    RecordingStatus.RUNNING: "interrupted",
    RecordingStatus.COMPLETE: "complete",
    RecordingStatus.PARTIAL: "partial",
    RecordingStatus.FAILED: "failed",
}


def collect(
    gallery: Gallery,
    recordings: Sequence[str],
    *,
    failed: Sequence[tuple[SourceSpec, str]],
    timings: tuple[StageTiming, ...],
    wall_s: float,
    detector: str,
    embedder: str,
    model: str,
    space: str,
    calibrated: bool,
    warnings: tuple[str, ...],
    interrupted: bool,
) -> RunResult:
    """Read a run's result back from the gallery.

    Args:
        gallery: what was written to.
        recordings: ids of the run's recordings.
        failed: sources that could not be opened, and why.
        timings: of the stages.
        wall_s: seconds from start to end.
        detector: its name.
        embedder: its name.
        model: id of the embedding model.
        space: in which the gallery compares its vectors.
        calibrated: whether scores can be read as probabilities.
        warnings: one sentence each.
        interrupted: whether the run was stopped.

    Returns:
        The run's cameras, and those of earlier runs that the links lead to; visible ones first.
    """
    of_recording = {name: gallery.tracklets(recording=name) for name in recordings}
    home = {one.id: name for name, tracklets in of_recording.items() for one in tracklets}
    links = gallery.links(space, recordings)
    for name in [candidate.tracklet for link in links for candidate in link.candidates]:
        # A candidate that an earlier run saw: its recording is shown as well.
        if name not in home and (earlier := gallery.tracklet(name)) is not None:
            of_recording[earlier.recording] = gallery.tracklets(recording=earlier.recording)
            home |= {one.id: earlier.recording for one in of_recording[earlier.recording]}
    records = gallery.recordings(of_recording)
    modalities = {camera.id: camera for camera in gallery.cameras({record.camera for record in records})}
    cameras = [
        _camera(gallery, record, modalities[record.camera], of_recording[record.id]) for record in records
    ]
    cameras += [_failed(spec, message) for spec, message in failed]
    cameras.sort(key=lambda camera: (camera.modality is not Modality.VISIBLE, camera.start_ns, camera.id))
    return RunResult(
        cameras=tuple(cameras),
        identities=_identities(gallery, [one for tracklets in of_recording.values() for one in tracklets]),
        links=tuple(map(_link, links)),
        timings=timings,
        wall_s=wall_s,
        detector=detector,
        embedder=embedder,
        model=model,
        calibrated=calibrated,
        gallery_vectors=sum(
            stored.visible
            for stored in gallery.models()
            if (stored.space, stored.kind) == (space, VectorKind.CROP)
        ),
        warnings=warnings
        + tuple(told for one in records if one.id in recordings for told in told_of(one.camera, one.state)),
        interrupted=interrupted,
    )


def _identities(gallery: Gallery, tracklets: Sequence[TrackletRecord]) -> tuple[IdentityResult, ...]:
    """Those that the tracklets belong to, labelled by their place among all of the gallery."""
    members: dict[str, list[str]] = {}
    for one in sorted(tracklets, key=lambda one: one.position):
        if one.identity is not None:
            members.setdefault(one.identity, []).append(one.id)
    numbers = gallery.identity_numbers(members)
    return tuple(
        IdentityResult(identity, f"P{numbers[identity]}", tuple(members[identity]))
        for identity in sorted(numbers, key=numbers.__getitem__)
    )


def _camera(
    gallery: Gallery, record: RecordingRecord, camera: CameraRecord, tracklets: Sequence[TrackletRecord]
) -> CameraResult:
    ordered = sorted(tracklets, key=lambda one: (int(one.frames[0]), one.position))
    return CameraResult(
        id=record.camera,
        modality=camera.modality,
        spectrum=camera.spectrum,
        source=record.source,
        fps=record.fps,
        width=record.width,
        height=record.height,
        frames=record.frames_done,
        start_ns=record.start_ns,
        status=_WORDS[record.status],
        message=record.message,
        tracklets=tuple(
            _tracklet(gallery, one, f"{record.camera}-{number}", camera.modality)
            for number, one in enumerate(ordered, start=1)
        ),
        switches=switches_of(record.state),
        set_aside=set_aside_of(record.state),
    )


def _failed(spec: SourceSpec, message: str) -> CameraResult:
    return CameraResult(
        id=spec.camera,
        modality=spec.modality,
        spectrum=spec.spectrum,
        source=spec.shown,
        fps=0,
        width=0,
        height=0,
        frames=0,
        start_ns=spec.start_ns or 0,
        status="failed",
        message=message,
        tracklets=(),
    )


def _tracklet(gallery: Gallery, one: TrackletRecord, label: str, usual: Modality) -> TrackletResult:
    sightings = tuple(
        SightingResult(s.id, s.frame, s.time_ns, s.box, s.confidence, s.quality, s.crop)
        for s in gallery.sightings(one.id)
    )
    return TrackletResult(
        id=one.id,
        label=label,
        first_frame=int(one.frames[0]),
        last_frame=int(one.frames[-1]),
        first_ns=one.start_ns,
        last_ns=one.end_ns,
        close_reason=str(one.close_reason),
        identity=one.identity,
        evidence=dict(one.evidence),
        frames=one.frames,
        boxes=one.boxes,
        confidences=one.confidences,
        sightings=sightings,
        modality=one.modality if one.modality is not usual else None,
        captions=tuple(dict.fromkeys(said.text for said in captions_of(gallery.database, one.id))),
    )


def _link(link: Link) -> LinkResult:
    best = link.candidates[0] if link.candidates else None
    return LinkResult(
        tracklet=link.tracklet,
        decision=link.decision,
        identity=link.identity,
        score=best.score if best is not None else None,
        probability=best.probability if best is not None else None,
        candidates=tuple(
            CandidateResult(c.rank, c.identity, c.score, c.probability, c.tracklet, c.sighting)
            for c in link.candidates
        ),
        searched=link.searched,
        unknown=link.unknown,
        own_cameras=link.own_cameras,
    )
