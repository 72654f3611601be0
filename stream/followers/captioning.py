"""The captioner: says of each new tracklet what it looks like, behind everything else.

It works in a thread of its own under a lease of its own, so that a captioner that is slow, or fails, holds up
neither detection nor links; what it has not come to yet waits in the outbox.
"""

from collections.abc import Sequence

from sqlalchemy.orm import Session

from reid_core.gallery.outbox import TRACKLET_CLOSED, Event
from stream.chain.captioning import Told, TrackletCaptioner
from stream.followers.follower import Follower
from stream.followers.surroundings import Surroundings


def captioner(surroundings: Surroundings) -> "CaptionFollower | None":
    """The captioner of a worker; ``None`` where none is named.

    Raises:
        ModelError: a model that is named is missing or damaged.
    """
    settings = surroundings.captions
    opened = TrackletCaptioner.open(surroundings.gallery, settings, surroundings.encoder)
    return None if opened is None else CaptionFollower(opened, settings.together)


class CaptionFollower(Follower[list[Told]]):
    """Captions tracklets as they close.

    Args:
        tracklets: says what they look like.
        together: tracklets that are captioned at a time.
    """

    name = "captioner"
    kinds = frozenset({TRACKLET_CLOSED})

    def __init__(self, tracklets: TrackletCaptioner, together: int) -> None:
        self._tracklets = tracklets
        self.together = together

    def prepare(self, events: Sequence[Event]) -> list[Told]:
        """Caption the best crops of the tracklets."""
        return self._tracklets.prepare([event.subject for event in events])

    def commit(self, session: Session, work: list[Told]) -> None:
        """Write captions, their vectors and what tells of them."""
        self._tracklets.write(session, work)
