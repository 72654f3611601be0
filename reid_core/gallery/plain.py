"""Plain vectors as tracklets of one sighting: for people of whom there is no track."""

import uuid
from collections.abc import Sequence

import numpy as np

from reid_core.errors import UsageError
from reid_core.gallery.index import checked_vectors
from reid_core.gallery.records import RecordingRecord, RecordingStatus, TrackletEntry
from reid_core.types import CloseReason, Floats, Modality, Sighting, Tracklet

_NAMESPACE = uuid.UUID("c6a0b4f2-91d7-5d2b-8a3c-1e5f7d9b0a68")


def plain_recording(camera: str, start_ns: int, model: str) -> RecordingRecord:
    """The one recording of a camera that its plain vectors are said to come from."""
    return RecordingRecord(
        id=_recording_id(camera),
        camera=camera,
        source="added vectors",
        fps=0,
        width=0,
        height=0,
        start_ns=start_ns,
        detector="",
        model=model,
        status=RecordingStatus.COMPLETE,
    )


def plain_entries(
    vectors: Floats, camera: str, modality: Modality, time_ns: Sequence[int], crops: Sequence[bytes]
) -> list[TrackletEntry]:
    """One tracklet for each of ``N`` vectors; the same vector, camera and time make the same one.

    Raises:
        UsageError: the vectors do not fit, or there are not as many times and crops.
    """
    vectors = checked_vectors(vectors, None)
    pictures = list(crops) or [b""] * len(vectors)
    if not len(vectors) == len(time_ns) == len(pictures):
        raise UsageError(
            f"{len(vectors)} vectors were given with {len(time_ns)} times and {len(pictures)} crops."
        )
    return [
        TrackletEntry(_one_sighting(camera, modality, int(time), vector), vector[None], (picture,))
        for vector, time, picture in zip(vectors, time_ns, pictures, strict=True)
    ]


def _recording_id(camera: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, camera))


def _one_sighting(camera: str, modality: Modality, time_ns: int, vector: Floats) -> Tracklet:
    content = np.asarray(vector, "<f4").tobytes().hex()
    box = np.zeros(4, np.float32)
    return Tracklet(
        id=str(uuid.uuid5(_NAMESPACE, f"{camera}/{time_ns}/{content}")),
        recording=_recording_id(camera),
        camera=camera,
        modality=modality,
        frames=np.zeros(1, np.int64),
        times_ns=np.array([time_ns], np.int64),
        boxes=box[None],
        confidences=np.ones(1, np.float32),
        sightings=(Sighting(0, time_ns, box, 1.0, 1.0, np.zeros((0, 0, 3), np.uint8)),),
        close_reason=CloseReason.END,
    )
