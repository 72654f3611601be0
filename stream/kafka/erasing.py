"""What is left of somebody outside the gallery: topics, blobs, and copies that others have."""

from collections.abc import Sequence

from reid_core.erasure.letters import Stretch
from stream.kafka.blobs import BlobStore, BlobStoreAwayError

OUTSIDE = (
    "Topics: none that a person is told of on is compacted, so that no tombstone removes a record. Frames go "
    "after topics.frame_hours, sightings, links, captions and alerts after topics.result_days, dead letters "
    "after topics.dead_letter_weeks, each up to a quarter later.",
    "Reports, exports, webhooks' receivers and consumers of topics have copies of their own.",
)
"""What is left of somebody in topics and at others, and until when."""


def erase_outside(blobs: str | None, stretches: Sequence[Stretch]) -> tuple[str, ...]:
    """Remove the frames of a blob store that show somebody.

    Args:
        blobs: address of the store, if it is known.
        stretches: when they were in which camera's pictures.

    Returns:
        what is left outside the gallery, and until when: one sentence each.

    Raises:
        ConfigError, MissingDependencyError: the address is none, or its driver is not installed.
    """
    return (*OUTSIDE, _blobs_left(blobs, stretches))


def _blobs_left(blobs: str | None, stretches: Sequence[Stretch]) -> str:
    if blobs is None:
        return (
            "Blobs of large frames go after blob_hours: no blob store is named here. Where there is one, "
            "name it (--blobs, or blobs in the console's settings) and they go at once."
        )
    try:
        store = BlobStore(blobs)
        count = sum(store.remove_shown(one.camera, one.start_ns, one.end_ns) for one in stretches)
    except BlobStoreAwayError as error:
        return f"Blobs of large frames go after blob_hours: {error.message}"
    return (
        f"Blobs: {count} frame{'s' * (count != 1)} of their cameras and times removed. What was published "
        "before blobs were noted by camera and time goes after blob_hours."
    )
