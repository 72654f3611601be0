"""Mix-retrieve over a gallery: a text narrows whom an image's vector ranks."""

import math

from reid_core.gallery.index import SearchFilter
from reid_core.gallery.records import VectorKind
from reid_core.gallery.store import Gallery
from reid_core.querying.ranking import RankedMatch, ranked_identities, visible_only
from reid_core.ranking.mixing import MixRetrieve
from reid_core.types import Floats

_GROWTH = 8


def mixed_identities(
    gallery: Gallery,
    image: Floats,
    text: Floats,
    space: str,
    count: int,
    where: SearchFilter | None = None,
    kind: VectorKind = VectorKind.CROP,
    mix: MixRetrieve | None = None,
) -> tuple[RankedMatch, ...]:
    """The best ``count`` identities by the image, of those that the text keeps.

    Source: STAR-ReID (Qiu et al., TIFS 2025), algorithm 1, lines 12 to 16; identities stand for images.

    Args:
        gallery: to search.
        image: ``(D,)`` float32, L2-normalised.
        text: ``(D,)`` likewise, of the same space.
        space: of both.
        count: how many, at least 1.
        where: which visible sightings to look at.
        kind: of the vectors to look at.
        mix: what share of the identities the text keeps, rounded up; half by default.

    Raises:
        UsageError: a vector does not fit, or the filter asks for infrared sightings.
        ModelMismatchError: the gallery is of another space.
    """
    where, share = visible_only(where), (mix or MixRetrieve()).share
    # What 0.07 * 100 is in binary is a little more than 7.
    kept = math.ceil(round(share * gallery.count_identities(space, where, kind), 9))
    if not kept:
        return ()
    named = {one.identity for one in ranked_identities(gallery, text, space, kept, where, kind)}
    fetch = count
    while True:
        found = ranked_identities(gallery, image, space, fetch, where, kind)
        ours = [one for one in found if one.identity in named]
        if len(ours) >= min(count, len(named)) or len(found) < fetch:
            return tuple(ours[:count])
        fetch *= _GROWTH
