"""Pictures and captions ranked together for one text, so that neither loses its best to the other.

A text's cosines with pictures and with captions are of different sizes, so places are compared, not scores:
an identity stands where the better of its two places puts it. Whoever is among the first ``n`` of either list
is among the first ``2 n`` of both, and the first of either is one of the first two. (A sum over both lists,
such as reciprocal rank fusion, puts whom one list alone finds behind those whom both find by half.)
"""

from collections.abc import Sequence
from dataclasses import dataclass

from reid_core.gallery.records import VectorKind
from reid_core.querying.ranking import RankedMatch

EXACT = 1 - 1e-4
"""Cosine from which on a caption says what the text says."""
SAME = 1e-5
"""Captions that differ by less are the same: one text's vector differs so much between batches."""
LOOKED_AT = 32
"""So many of the best pictures put captions that say the same in order: as many on every page."""


@dataclass(frozen=True, slots=True)
class Standing:
    """An identity in a ranking.

    Attributes:
        weight: what it is ranked by, from high to low.
        match: its best vector and score.
        kind: of that vector.
        picture: score of its best picture, where that is known; what a probability is made of.
    """

    weight: float
    match: RankedMatch
    kind: VectorKind
    picture: float | None

    @property
    def order(self) -> tuple[float, str]:
        """Ascending: best first, equal ones by id."""
        return -self.weight, self.match.identity


def alone(matches: Sequence[RankedMatch], kind: VectorKind) -> list[Standing]:
    """One list as it is: by score, equal ones by id."""
    return sorted((Standing(one.score, one, kind, one.score) for one in matches), key=lambda one: one.order)


def together(pictures: Sequence[RankedMatch], captions: Sequence[RankedMatch]) -> list[Standing]:
    """Both lists as one, best first.

    Of equal places that of an exact caption comes first, then that of the picture, then that of another
    caption. Captions that say the same are in the order of the pictures where those are of the `LOOKED_AT`
    best, the others behind them by id.

    Args:
        pictures: the best by their pictures, at least `LOOKED_AT` where there are so many, with all that
            score as the last one does.
        captions: the best by their captions, with all that score within `SAME` of the last one.
    """
    by_picture = sorted(pictures, key=lambda one: (-one.score, one.identity))
    scores = {one.identity: one.score for one in by_picture}
    places = {one.identity: place for place, one in enumerate(by_picture[:LOOKED_AT])}
    by_caption = sorted(
        captions,
        key=lambda one: (-round(one.score / SAME), places.get(one.identity, LOOKED_AT), one.identity),
    )
    best = {one.identity: (place, _PICTURE, one) for place, one in enumerate(by_picture)}
    for place, one in enumerate(by_caption):
        standing = place, _EXACT_CAPTION if one.score >= EXACT else _CAPTION, one
        there = best.get(one.identity)
        if there is None or standing[:2] < there[:2]:
            best[one.identity] = standing
    found = [
        Standing(
            -float(3 * place + lane),
            match,
            VectorKind.CROP if lane == _PICTURE else VectorKind.CAPTION,
            scores.get(match.identity),
        )
        for place, lane, match in best.values()
    ]
    return sorted(found, key=lambda one: one.order)


# Whose place comes first among equal ones.
_EXACT_CAPTION, _PICTURE, _CAPTION = range(3)
