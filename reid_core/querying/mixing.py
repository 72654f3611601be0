"""Mix-retrieve over a gallery: a text narrows whom an image's vector ranks.

Source: STAR-ReID (Qiu et al., TIFS 2025), algorithm 1, lines 12 to 16; identities stand for images.
"""

import math
from collections.abc import Collection

from reid_core.gallery.index import SearchFilter
from reid_core.gallery.records import VectorKind
from reid_core.gallery.store import Gallery
from reid_core.querying.ranking import ranked_identities
from reid_core.ranking.mixing import MixRetrieve
from reid_core.types import Floats


def kept_by_text(
    gallery: Gallery,
    text: Floats,
    space: str,
    where: SearchFilter,
    kind: VectorKind,
    mix: MixRetrieve,
    without: Collection[str] = (),
) -> frozenset[str]:
    """The identities that a text keeps: the best by it, equal ones by the arrival of the vector that fits.

    Args:
        gallery: to search.
        text: ``(D,)`` float32, L2-normalised.
        space: of the text.
        where: which visible sightings to look at.
        kind: of the vectors to look at.
        mix: what share of the identities it keeps, rounded up.
        without: tracklets that are not looked at.

    Raises:
        UsageError: the text does not fit.
        ModelMismatchError: the gallery is of another space.
    """
    # What 0.07 * 100 is in binary is a little more than 7.
    count = math.ceil(round(mix.share * gallery.count_identities(space, where, kind), 9))
    if not count:
        return frozenset()
    found = ranked_identities(gallery, text, space, count, where, kind, without=without)
    return frozenset(one.identity for one in found)
