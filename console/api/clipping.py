"""Cutting clips for whoever may see what they show."""

from console.api.context import Context
from console.api.errors import NoFootageError
from console.api.pools import Pool
from console.api.sight import seen_visit
from console.api.use import Use, not_found
from reid_core.errors import SourceError
from stream.footage.clips import cut_clip, footage_at_hand

_WAITING = 8


class Clipper:
    """The one thread that cuts clips.

    Args:
        context: of the app.

    Attributes:
        pool: that clips are cut in.
    """

    def __init__(self, context: Context) -> None:
        del context
        self.pool = Pool("clip", 1, _WAITING)

    def close(self) -> None:
        """Let the clip be cut that is begun."""
        self.pool.close()


def clip(use: Use, tracklet: str, sighting: str | None, seconds: float) -> bytes:
    """An MP4 of what is around a sighting, no further than whoever asks may see; written down as an export.

    Raises:
        NotFoundError: tracklet or sighting is not there, or not to be seen.
        NoFootageError: the footage is not at hand.
    """
    gallery, scope = use.gallery, use.principal.scope
    with gallery.database.read() as session:
        visit = seen_visit(use, session, tracklet)
    there = [one for one in gallery.sightings(tracklet) if use.sees(visit.camera, one.time_ns)]
    meant = next((one for one in there if sighting in (None, one.id)), None)
    record = gallery.tracklet(tracklet)
    recording = gallery.recording(record.recording) if record is not None else None
    if meant is None or recording is None:
        raise not_found()
    around = round(seconds * 1e9)
    since = max(meant.time_ns - around, scope.since_ns or recording.start_ns)
    until = min(meant.time_ns + around, scope.until_ns or meant.time_ns + around)
    use.must_state_why("export")
    try:
        path = footage_at_hand(recording, visit.modality, use.context.settings.footage)
        cut = cut_clip(path, recording.start_ns, since, until)
    except SourceError as error:
        raise NoFootageError(error.message, error.hint) from None
    subject = {"tracklets": [tracklet], "sighting": meant.id, "recording": recording.id}
    use.record("export", subject=subject, details={"kind": "clip", "since_ns": since, "until_ns": until})
    return cut
