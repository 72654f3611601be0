"""Stored infrared tracklets linked to the gallery's identities: by a run, a worker and re-embedding alike."""

from collections.abc import Callable, Sequence

from sqlalchemy.orm import Session

from reid_core.errors import UsageError
from reid_core.gallery.paging import TrackletFilter, every, pages
from reid_core.gallery.store import Gallery
from reid_core.matcher import Matcher
from reid_core.types import Link, Modality

# Tracklets whose links are written in one transaction.
_TOGETHER = 64


class Linker:
    """Ranks the gallery for infrared tracklets and writes their links.

    The links of one call are written in one transaction, each that is new or has changed with its row in the
    outbox; one that is there and equal stays untouched, so that doing it again changes nothing. Ranking comes
    first and holds up no writer.

    Args:
        gallery: that holds the tracklets.
        matcher: says who each of them is.
    """

    def __init__(self, gallery: Gallery, matcher: Matcher) -> None:
        self._gallery = gallery
        self._matcher = matcher

    @property
    def calibrated(self) -> bool:
        """Whether scores can be read as probabilities."""
        return self._matcher.calibrated

    def infrared_of(self, recording: str) -> tuple[str, ...]:
        """The ids of a recording's infrared tracklets, in order of arrival."""
        where = TrackletFilter(recordings=frozenset({recording}), modality=Modality.INFRARED)
        return tuple(one.id for one in every(lambda after: self._gallery.tracklet_page(where, after)))

    def link(
        self, tracklets: Sequence[str], within: Callable[[Session], None] | None = None
    ) -> tuple[Link, ...]:
        """Link stored tracklets to the gallery as it is now.

        Args:
            tracklets: their ids.
            within: called first in the transaction that writes the links: to write what belongs with them, or
                to raise where they may not be written any more; then nothing is.

        Returns:
            the link of each tracklet that is there: one that was erased meanwhile has none.

        Raises:
            ModelMismatchError: the gallery is of another space.
        """
        found = [self._matched(tracklet) for tracklet in tracklets]
        links = tuple(link for link in found if link is not None)
        if links or within is not None:
            self._gallery.put_links(links, within)
        return links

    def _matched(self, tracklet: str) -> Link | None:
        try:
            return self._matcher.match(tracklet)
        except UsageError:
            if self._gallery.tracklet(tracklet) is None:
                return None
            raise

    def link_all(self, progress: Callable[[int], None] | None = None) -> int:
        """Link every infrared tracklet, a page at a time, in order of arrival; can be stopped and done again.

        Args:
            progress: called with how many are linked so far.

        Returns:
            how many there are.

        Raises:
            ModelMismatchError: the gallery is of another space.
        """
        where, done = TrackletFilter(modality=Modality.INFRARED), 0
        for page in pages(lambda after: self._gallery.tracklet_page(where, after, _TOGETHER)):
            done += len(self.link([one.id for one in page]))
            if progress is not None and page:
                progress(done)
        return done
