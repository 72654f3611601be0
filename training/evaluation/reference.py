"""The retrieval metrics written from their formulas, one query at a time.

Slow and obvious on purpose: what the fast ones are tested against, and timed against.
"""

from collections.abc import Mapping, Sequence

from training.evaluation.ranks import Exclusion, Scores

Person = tuple[int, int]
"""(identity, camera)."""


def reference_ranks(
    scores: Scores, query: Sequence[Person], gallery: Sequence[Person], exclusion: Exclusion
) -> list[tuple[int, int, int, float, float]]:
    """For each valid query: its row, the rank among identities, among images, AP and INP.

    Args:
        scores: ``(Q, G)``.
        query: of each row.
        gallery: of each column.
        exclusion: what is hidden.
    """
    found = []
    for row, (identity, camera) in enumerate(query):
        ranked = sorted(range(len(gallery)), key=lambda image, row=row: -scores[row, image])  # type: ignore[misc]
        seen = [
            gallery[image] for image in ranked if not _hidden((identity, camera), gallery[image], exclusion)
        ]
        places = [place for place, (other, _) in enumerate(seen, 1) if other == identity]
        if not places:
            continue
        people = list(dict.fromkeys(other for other, _ in seen))
        precision = sum(number / place for number, place in enumerate(places, 1)) / len(places)
        found.append((row, people.index(identity) + 1, places[0], precision, len(places) / places[-1]))
    return found


def reference_metrics(
    scores: Scores,
    query: Sequence[Person],
    gallery: Sequence[Person],
    exclusion: Exclusion,
    over_images: bool = False,
) -> Mapping[str, float]:
    """``r1 r5 r10 r20 map minp`` of the valid queries."""
    found = reference_ranks(scores, query, gallery, exclusion)
    firsts = [each[2 if over_images else 1] for each in found]
    figures = {f"r{k}": sum(first <= k for first in firsts) / len(found) for k in (1, 5, 10, 20)}
    figures["map"] = sum(each[3] for each in found) / len(found)
    figures["minp"] = sum(each[4] for each in found) / len(found)
    return figures


def _hidden(asks: Person, image: Person, exclusion: Exclusion) -> bool:
    mapped, other = (image[1], asks[1]) if exclusion.of_gallery else (asks[1], image[1])
    if exclusion.cameras.get(mapped) == other:
        return True
    return exclusion.own_camera and asks == image
