"""What a run found as JSON and as MOT Challenge files."""

import math
import os
import re
import secrets
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reid_core.errors import StorageError
from reid_core.file_names import readable_text
from reid_core.watching.alerts import Alert
from stream.run.result import CameraResult, LinkResult, RunResult, TrackletResult

FORMAT = 1
_NAME_BYTES = 120
_RESERVED = {"con", "prn", "aux", "nul", *(f"{port}{n}" for port in ("com", "lpt") for n in range(1, 10))}


def to_json(result: RunResult) -> dict[str, object]:
    """The result as a JSON-serialisable object, in a stable order; what ``nightreid run --json`` prints.

    The schema, format 1 (``?`` marks what may be ``null``; times are ISO 8601 UTC with milliseconds;
    frame numbers count from 0; a number that is not finite becomes ``null``)::

        format          1
        interrupted     whether the run was stopped before the end
        calibrated      whether scores can be read as probabilities
        models          {detector, embedder, model: id of the embedding model}
        gallery_vectors number of visible vectors searched
        cameras         [{id, modality, spectrum, source, frames, fps, width, height, start,
                          status: complete | partial | failed, message?,
                          switches: [{frame, time, spectrum: of the light from there on}],
                          set_aside: {zone: detections in ignore zones,
                                      motionless: tracklets that never moved},
                          tracklets: [{id, label, modality: only of one whose camera had switched to it,
                                       first_frame, last_frame, start, end,
                                       length: number of frames in which the person was found,
                                       close_reason: timeout | cut | limit | switch | end,
                                       identity?, truth?,
                                       captions: [what is said of its crops], if anything}]}]
        identities      [{id, label, tracklets: [id]}]
        links           [{tracklet: id, label?: of the tracklet,
                          decision: linked | unknown | not calibrated, identity?, score?,
                          probability?, calibrated, correct?,
                          searched?: number of identities that probabilities depend on,
                          unknown_probability?: that it is nobody of the candidates,
                          calibrated_for_cameras?: whether on the cameras of this gallery,
                          candidates: [{rank, identity, score, probability?, tracklet, sighting,
                                        correct?}]}]
        timings         [{stage, seconds: busy time, items, unit}]
        wall_s          seconds from start to end
        warnings        [one sentence each]
        alerts          only where the gallery has watches:
                        [{alert, watch: numbers, name, kind: description | identity | picture,
                          tracklet: id, camera, modality, start, end, identity?, score?, probability?,
                          false_alarms?: that chance brings at this score, a night,
                          calibrated: whether calibrations decided, evidence, repeats: null}]

    ``truth`` and ``correct`` are ``null`` unless truth was applied (`stream.run.truth.apply_truth`).
    """
    labels = {tracklet.id: tracklet.label for camera in result.cameras for tracklet in camera.tracklets}
    return {
        "format": FORMAT,
        "interrupted": result.interrupted,
        "calibrated": result.calibrated,
        "models": {"detector": result.detector, "embedder": result.embedder, "model": result.model},
        "gallery_vectors": int(result.gallery_vectors),
        "cameras": [_camera(camera) for camera in result.cameras],
        "identities": [
            {"id": person.id, "label": person.label, "tracklets": list(person.tracklets)}
            for person in result.identities
        ],
        "links": [_link(link, labels.get(link.tracklet), result.calibrated) for link in result.links],
        "timings": [
            {
                "stage": timing.stage,
                "seconds": _number(timing.seconds, 4),
                "items": int(timing.items),
                "unit": timing.unit,
            }
            for timing in result.timings
        ],
        "wall_s": _number(result.wall_s, 3),
        "warnings": list(result.warnings),
        **({"alerts": [*map(alert_json, result.alerts)]} if result.alerts is not None else {}),
    }


def alert_json(alert: Alert) -> dict[str, object]:
    """An alert as a JSON-serialisable object."""
    return {
        "alert": alert.number,
        "watch": alert.watch,
        "name": alert.name,
        "kind": alert.kind,
        "tracklet": alert.tracklet,
        "camera": alert.camera,
        "modality": alert.modality,
        "start": iso_utc(alert.start_ns),
        "end": iso_utc(alert.end_ns),
        "identity": alert.identity,
        "score": _number(alert.score, 6),
        "probability": _number(alert.probability, 6),
        "false_alarms": _number(alert.false_alarms, 6),
        "calibrated": alert.calibrated,
        "evidence": dict(alert.evidence),
        "repeats": alert.repeats,
    }


def write_mot(result: RunResult, folder: str | Path) -> list[Path]:
    """Write one MOT Challenge file per camera and return the paths, in the cameras' order.

    Rows are ``frame,id,left,top,width,height,confidence,-1,-1,-1``, sorted by frame, then id. Frames
    count from 1, as MOT does; the id is the tracklet's place in its camera, from 1; boxes are pixels
    of the frame, the corner of the image being (0, 0). A camera in which nobody was found gets an
    empty file. Each file appears whole or not at all.

    Raises:
        StorageError: the folder or a file cannot be written.
    """
    folder = Path(folder)
    paths = [folder / f"{name}.txt" for name in mot_names([camera.id for camera in result.cameras])]
    for camera, path in zip(result.cameras, paths, strict=True):
        write_atomically(path, _mot_rows(camera))
    return paths


def mot_names(cameras: Sequence[str]) -> list[str]:
    """File names without ending for camera ids: safe on every file system, no two the same.

    A name that is safe already is kept; in others each run of unsafe characters becomes ``_``. Where
    two would be the same (also where a file system ignores case), the later one gets ``-2``, ``-3``...
    """
    safe = [_safe_name(camera) for camera in cameras]
    names: list[str | None] = [None] * len(safe)
    taken: set[str] = set()
    for keep_exact in (True, False):
        for place, (camera, name) in enumerate(zip(cameras, safe, strict=True)):
            if names[place] is not None or (keep_exact and (camera != name or name.casefold() in taken)):
                continue
            unique, number = name, 1
            while unique.casefold() in taken:
                number += 1
                unique = f"{name}-{number}"
            taken.add(unique.casefold())
            names[place] = unique
    return [name for name in names if name is not None]


def write_atomically(path: str | Path, text: str) -> None:
    """Write a UTF-8 file so that it is there wholly or not at all; missing folders are made.

    What a text has of names that are no UTF-8 is written as `readable_text` shows it.

    Raises:
        StorageError: it cannot be written; a file that was there before is unchanged.
    """
    path, text = Path(path), readable_text(text)
    try:
        path = path.resolve()
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # a device or a pipe must not be replaced by a file
            path.write_text(text, encoding="utf-8", newline="\n")
            return
        part = path.with_name(f".nightreid-{secrets.token_hex(8)}.part")
        try:
            with part.open("x", encoding="utf-8", newline="\n") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            part.replace(path)
        except BaseException:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise StorageError(
            f"{path} cannot be written: {error.strerror or error}.",
            "Choose a folder that can be written to and has room.",
        ) from error


def iso_utc(time_ns: int) -> str:
    """UTC nanoseconds as ISO 8601 with milliseconds: ``2026-05-01T10:00:11.600Z``."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=round(int(time_ns) / 1e6))
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"


def _camera(camera: CameraResult) -> dict[str, object]:
    return {
        "id": camera.id,
        "modality": camera.modality.value,
        "spectrum": camera.spectrum.value,
        "source": camera.source,
        "frames": int(camera.frames),
        "fps": _number(camera.fps, 3),
        "width": int(camera.width),
        "height": int(camera.height),
        "start": iso_utc(camera.start_ns),
        "status": camera.status,
        "message": camera.message,
        "switches": [
            {"frame": one.frame, "time": iso_utc(one.time_ns), "spectrum": one.spectrum.value}
            for one in camera.switches
        ],
        "set_aside": {reason: int(count) for reason, count in camera.set_aside.items()},
        "tracklets": [_tracklet(tracklet) for tracklet in camera.tracklets],
    }


def _tracklet(tracklet: TrackletResult) -> dict[str, object]:
    return {
        "id": tracklet.id,
        "label": tracklet.label,
        "first_frame": int(tracklet.first_frame),
        "last_frame": int(tracklet.last_frame),
        "start": iso_utc(tracklet.first_ns),
        "end": iso_utc(tracklet.last_ns),
        "length": len(tracklet.frames),
        "close_reason": str(tracklet.close_reason),
        "identity": tracklet.identity,
        "truth": tracklet.truth,
        **({"modality": tracklet.modality.value} if tracklet.modality is not None else {}),
        **({"captions": list(tracklet.captions)} if tracklet.captions else {}),
    }


def _link(link: LinkResult, label: str | None, calibrated: bool) -> dict[str, object]:
    return {
        "tracklet": link.tracklet,
        "label": label,
        "decision": link.decision.value,
        "identity": link.identity,
        "score": _number(link.score, 4),
        "probability": _number(link.probability, 4),
        "calibrated": calibrated,
        "correct": link.correct,
        "searched": link.searched,
        "unknown_probability": _number(link.unknown, 4),
        "calibrated_for_cameras": link.own_cameras,
        "candidates": [
            {
                "rank": int(candidate.rank),
                "identity": candidate.identity,
                "score": _number(candidate.score, 4),
                "probability": _number(candidate.probability, 4),
                "tracklet": candidate.tracklet,
                "sighting": candidate.sighting,
                "correct": candidate.correct,
            }
            for candidate in link.candidates
        ],
    }


def _number(value: float | None, digits: int) -> float | None:
    return None if value is None or not math.isfinite(value) else round(float(value), digits)


def _mot_rows(camera: CameraResult) -> str:
    rows: list[tuple[int, int, str]] = []
    for number, tracklet in enumerate(camera.tracklets, start=1):
        for frame, (left, top, right, bottom), confidence in zip(
            tracklet.frames.tolist(), tracklet.boxes.tolist(), tracklet.confidences.tolist(), strict=True
        ):
            box = f"{left:.2f},{top:.2f},{right - left:.2f},{bottom - top:.2f}"
            rows.append((frame + 1, number, f"{frame + 1},{number},{box},{confidence:.4f},-1,-1,-1\n"))
    return "".join(row for _, _, row in sorted(rows))


def _safe_name(camera: str) -> str:
    name = re.sub(r"[^\w.-]+", "_", camera).strip(".")
    name = name.encode("utf-8", "ignore")[:_NAME_BYTES].decode("utf-8", "ignore").strip(".") or "camera"
    return f"_{name}" if name.split(".")[0].casefold() in _RESERVED else name
