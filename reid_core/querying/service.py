"""One place where questions are answered, whoever asks: a command, HTTP, a watch."""

from dataclasses import replace

import numpy as np

from reid_core.errors import ModelMismatchError, UsageError
from reid_core.gallery.store import Gallery
from reid_core.models.language import TextEncoder
from reid_core.querying.cursor import Cursor, query_digest
from reid_core.querying.fusion import Fusion, normalised_mean
from reid_core.querying.query import Answer, Evidence, Query, RankedIdentity
from reid_core.querying.ranking import RankedMatch, ranked_identities, visible_only
from reid_core.types import Floats

_SHORT = 12


class QueryService:
    """Ranks the identities of a gallery for queries of one space.

    Answers come in pages. The pages of a query are of the gallery as it was when the first was asked for:
    vectors that came since are left out, so that no identity is told twice or left out because somebody new
    came between. Identities go by score, equal ones by their id; a page goes on behind the last of the page
    before.

    Args:
        gallery: to ask.
        space: of the queries' vectors.
        encoder: of the queries' texts.
        fusion: what makes one query of a vector and a text.

    Raises:
        ModelMismatchError: the text encoder aims at another space.
    """

    def __init__(
        self,
        gallery: Gallery,
        space: str,
        encoder: TextEncoder | None = None,
        fusion: Fusion = normalised_mean,
    ) -> None:
        if encoder is not None and encoder.space != space:
            raise ModelMismatchError(
                f"The text encoder {encoder.model_id[:_SHORT]} is of the space {encoder.space[:_SHORT]}, "
                f"not of {space[:_SHORT]}.",
                "Use the text encoder that was trained with the gallery's model.",
            )
        self._gallery = gallery
        self._space = space
        self._encoder = encoder
        self._fusion = fusion

    def ask(self, query: Query, size: int = 10, cursor: str | None = None) -> Answer:
        """One page of a query's answer.

        Args:
            query: whom to look for.
            size: how many identities at most.
            cursor: of the page before; the first page by default.

        Raises:
            UsageError: there is nothing to look for, or a text and no text encoder; the vector does not fit,
                the filter asks for infrared sightings, ``size`` is below 1, or the cursor is of another one.
            ModelMismatchError: the gallery is of another space.
        """
        if size < 1:
            raise UsageError(f"A page holds at least 1 identity, not {size}.")
        self._gallery.check_space(self._space)
        where = visible_only(query.where)
        encoder = self._encoder.model_id if self._encoder is not None else None
        digest = query_digest(query, where, self._space, encoder)
        vector = self._vector(query)
        before = Cursor.unpacked(cursor, digest) if cursor is not None else None
        newest = before.newest if before is not None else self._gallery.newest_vector()
        where = replace(where, newest=newest if where.newest is None else min(where.newest, newest))
        given = before.given if before is not None else 0
        # One more than is given says whether there is another page.
        found = ranked_identities(
            self._gallery, vector, self._space, given + size + 1, where, query.kind, with_ties=True
        )
        ordered = sorted(found, key=_order)
        if before is not None:
            ordered = [one for one in ordered if _order(one) > (-before.score, before.identity)]
        page, more = ordered[:size], len(ordered) > size
        if before is None:
            searched = self._gallery.count_identities(self._space, where, query.kind)
        else:
            searched = before.searched
        answered = tuple(_ranked(query, given + place, one) for place, one in enumerate(page, start=1))
        following = None
        if more:
            following = Cursor(
                query=digest,
                newest=newest,
                searched=searched,
                given=given + size,
                score=page[-1].score,
                identity=page[-1].identity,
            ).packed()
        return Answer(answered, searched, following)

    def _vector(self, query: Query) -> Floats:
        if query.text is None:
            if query.vector is None:
                raise UsageError("The query has neither a vector nor a text.")
            return np.asarray(query.vector, np.float32)
        if self._encoder is None:
            raise UsageError("The query has a text, and there is no text encoder to read it.")
        text: Floats = self._encoder.encode([query.text])[0]
        if query.vector is None:
            return text
        return self._fusion(np.asarray(query.vector, np.float32), text)


def _order(match: RankedMatch) -> tuple[float, str]:
    return -match.score, match.identity


def _ranked(query: Query, rank: int, match: RankedMatch) -> RankedIdentity:
    probability = query.calibration.probability(match.score) if query.calibration is not None else None
    return RankedIdentity(
        rank,
        match.identity,
        match.score,
        float(probability) if probability is not None else None,
        Evidence(query.kind, match.tracklet, match.sighting or None),
    )
