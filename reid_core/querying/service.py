"""One place where questions are answered, whoever asks: a command, HTTP, a watch."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from reid_core.colours import strip_colours
from reid_core.errors import ModelMismatchError, UsageError
from reid_core.fusion import ensemble_cosines
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.records import VectorKind
from reid_core.gallery.store import Gallery
from reid_core.models.language import FusingEncoder, TextEncoder
from reid_core.querying.cursor import Cursor, query_digest
from reid_core.querying.description import Description
from reid_core.querying.fusion import Fusion, normalised_mean
from reid_core.querying.joint import SHORTLIST, by_parts
from reid_core.querying.local_vectors import LocalVectors
from reid_core.querying.mixing import kept_by_text
from reid_core.querying.moment import Moment
from reid_core.querying.query import Answer, Evidence, Form, Query, RankedIdentity, Share
from reid_core.querying.ranking import RankedMatch, visible_only
from reid_core.querying.together import LOOKED_AT, SAME, Standing, alone, together
from reid_core.ranking.mixing import MixRetrieve
from reid_core.size_law import COMPARED
from reid_core.types import Floats

_SHORT = 12


class QueryService:
    """Ranks the identities of a gallery for queries of one space.

    Answers come in pages. The pages of a query are of the gallery as it was when the first was asked for:
    vectors that came since are left out, so that no identity is told twice or left out because somebody new
    came between. Identities go by score, equal ones by their id, and where pictures and captions are searched
    together as `reid_core.querying.together` says; a page goes on behind the last of the page before.

    Args:
        gallery: to ask.
        space: in which the gallery compares (`Gallery.comparing`); pictures' vectors are brought into it by
            `Gallery.compared`, texts are compared as they are.
        encoder: of the queries' texts.
        fusion: what makes one query of a vector and a text.
        parts: local vectors of the gallery's pictures, for queries that ask for the joint measure.

    Raises:
        ModelMismatchError: the text encoder aims at another space.
    """

    def __init__(
        self,
        gallery: Gallery,
        space: str,
        encoder: TextEncoder | None = None,
        fusion: Fusion = normalised_mean,
        parts: LocalVectors | None = None,
    ) -> None:
        if encoder is not None and encoder.space != space and encoder.space != gallery.model_of(space):
            raise ModelMismatchError(
                f"The text encoder {encoder.model_id[:_SHORT]} is of the space {encoder.space[:_SHORT]}, "
                f"not of {space[:_SHORT]}.",
                "Use the text encoder that was trained with the gallery's model.",
            )
        self._gallery = gallery
        self._space = space
        self._encoder = encoder
        self._fusion = fusion
        self._parts = parts

    def ask(self, query: Query, size: int = 10, cursor: str | None = None) -> Answer:
        """One page of a query's answer.

        Args:
            query: whom to look for.
            size: how many identities at most.
            cursor: of the page before; the first page by default.

        Raises:
            UsageError: there is nothing to look for, or a text and no text encoder; the vector does not fit,
                the filter asks for infrared sightings, captions are to be searched by more than a text,
                ``size`` is below 1, or the cursor is of another one.
            ModelMismatchError: the gallery is of another space.
        """
        if size < 1:
            raise UsageError(f"A page holds at least 1 identity, not {size}.")
        where = visible_only(query.where)
        digest = query_digest(query, where, self._space, self._encoder_id)
        vector = self._vector(query)
        before = Cursor.unpacked(cursor, digest) if cursor is not None else None
        newest = before.newest if before is not None else self._gallery.newest_vector()
        where = replace(where, newest=newest if where.newest is None else min(where.newest, newest))
        given = before.given if before is not None else 0
        # One more than is given says whether there is another page; probabilities are made of so many.
        count = max(given + size + 1, COMPARED)
        kept = self._kept(query, where)
        joint = self._by_parts(query, vector, where, kept, count) if query.joint is not None else None
        with Moment(self._gallery, self._space, query.kind or VectorKind.CROP) as moment:
            ordered = joint if joint is not None else _standings(query, vector, where, kept, count, moment)
            searched = before.searched if before is not None else _count(query, where, moment)
            behind = [
                one for one in ordered if before is None or one.order > (-before.score, before.identity)
            ]
            page, more = behind[:size], len(behind) > size
            told = ordered[: len(ordered) - len(behind) + len(page)]
            chances = _probabilities(query, vector, where, ordered, told, searched, moment)
            captioned = moment.count(where, VectorKind.CAPTION) if query.kind is None else None
        answered = tuple(
            RankedIdentity(
                given + place,
                one.match.identity,
                one.match.score,
                chances.get(one.match.identity),
                Evidence(one.kind, one.match.tracklet, one.match.sighting or None),
            )
            for place, one in enumerate(page, start=1)
        )
        following = None
        if more:
            following = Cursor(
                query=digest,
                newest=newest,
                searched=searched,
                given=given + size,
                score=page[-1].weight,
                identity=page[-1].match.identity,
            ).packed()
        unknown = None
        if query.calibration is not None and query.calibration.sizes is not None:
            unknown = max(0.0, 1 - sum(chances.get(one.match.identity, 0.0) for one in told))
        return Answer(
            answered, searched, following, unknown, captioned, len(kept) if kept is not None else None
        )

    def shares(
        self, query: Query, description: Description, identities: Sequence[RankedIdentity]
    ) -> dict[str, tuple[Share, ...]]:
        """What each thing that a description says adds to the scores of identities.

        An identity is scored anew without it, by whichever of its vectors fits best then; the share is what
        is lost by that.

        Args:
            query: whose text is ``description.sentence``.
            description: the same, with its parts.
            identities: of an answer to it.

        Returns:
            by identity, in the order of the description; nothing where the text narrows: it adds to no score.

        Raises:
            UsageError: as for `ask`.
        """
        if query.form is Form.NARROWED:
            return {}
        parts, whole = description.parts, self._vector(query)
        less = [self._less(query, part.without) for part in parts]
        where = visible_only(query.where)
        found: dict[str, tuple[Share, ...]] = {}
        kinds = sorted({one.evidence.kind for one in identities})
        if not kinds:
            return found
        with Moment(self._gallery, self._space, kinds[0]) as moment:
            for kind in kinds:
                names = [one.identity for one in identities if one.evidence.kind is kind]
                for name, vectors in moment.vectors_of(names, where, kind, query.without).items():
                    score = vectors.score(whole)
                    found[name] = tuple(
                        Share(part.name, score - (vectors.score(one) if one is not None else 0.0))
                        for part, one in zip(parts, less, strict=True)
                    )
        return found

    @property
    def _encoder_id(self) -> str | None:
        return self._encoder.model_id if self._encoder is not None else None

    def _less(self, query: Query, text: str) -> Floats | None:
        """The query's vector with another text; ``None`` where nothing is left to look for."""
        if text:
            # Of what is left, the text encoder may know nothing.
            with suppress(UsageError):
                return self._vector(replace(query, text=text))
        if query.vector is None or query.form is Form.TEXT:
            return None
        return np.asarray(query.vector, np.float32)

    def _vector(self, query: Query) -> Floats:
        image = None if query.form is Form.TEXT else query.vector
        text = None if query.form in (Form.IMAGE, Form.NARROWED) else query.text
        if image is None and text is None:
            raise UsageError("The query has neither a vector nor a text.")
        if query.kind is None and image is not None:
            raise UsageError("Pictures and captions are searched together for a text alone.")
        if text is None:
            return np.asarray(image, np.float32)
        if self._encoder is None:
            raise UsageError("The query has a text, and there is no text encoder to read it.")
        if image is None:
            read: Floats = self._encoder.encode([text])[0]
            return read
        return self._both(self._encoder, query, np.asarray(image, np.float32), text)

    def _both(self, encoder: TextEncoder, query: Query, image: Floats, text: str) -> Floats:
        if query.raw is not None and isinstance(encoder, FusingEncoder):
            # What the image itself shows in words is not known: the text without colours stands for it.
            sides = query.raw[None], [text], [strip_colours(text) or text]
            if query.form is Form.FUSED:
                return np.asarray(encoder.fused(*sides)[0], np.float32)
            return np.asarray(encoder.ensemble(*sides, "cosines")[0], np.float32)
        read = np.asarray(encoder.encode([text])[0], np.float32)
        fused = self._fusion(image, read)
        if query.form is Form.FUSED:
            return fused
        return np.asarray(ensemble_cosines(image[None], read[None], fused[None])[0], np.float32)

    def _kept(self, query: Query, where: SearchFilter) -> frozenset[str] | None:
        """Whom the text keeps; ``None`` where it does not narrow."""
        if query.form is not Form.NARROWED:
            return None
        if query.kind is None or query.text is None or self._encoder is None:
            raise UsageError("What a text keeps is ranked by an image: the query needs both, and an encoder.")
        text = np.asarray(self._encoder.encode([query.text])[0], np.float32)
        mix = query.mix or MixRetrieve()
        return kept_by_text(self._gallery, text, self._space, where, query.kind, mix, query.without)

    def _by_parts(
        self, query: Query, vector: Floats, where: SearchFilter, among: frozenset[str] | None, count: int
    ) -> list[Standing]:
        """As `_standings`, of a query whose image is compared by its parts too."""
        if (
            self._parts is None
            or query.local is None
            or query.joint is None
            or query.kind is not VectorKind.CROP
        ):
            raise UsageError("The joint measure compares an image with pictures, by their parts too.")
        with Moment(self._gallery, self._space, query.kind) as moment:
            found = _standings(query, vector, where, among, max(count, SHORTLIST), moment)
        sides = vector, query.local
        return by_parts(self._gallery, self._parts, sides, self._space, found, query.joint)


def _standings(
    query: Query,
    vector: Floats,
    where: SearchFilter,
    among: frozenset[str] | None,
    count: int,
    moment: Moment,
) -> list[Standing]:
    """At least the best ``count``, in order; who stands where behind them may be told wrong."""

    def ranked(kind: VectorKind, count: int, slack: float = 0.0) -> Sequence[RankedMatch]:
        return moment.ranked(vector, count, where, kind, slack=slack, without=query.without, among=among)

    if query.kind is not None:
        return alone(ranked(query.kind, count), query.kind)
    pictures = ranked(VectorKind.CROP, max(count, LOOKED_AT))
    return together(pictures, ranked(VectorKind.CAPTION, count, SAME))


def _count(query: Query, where: SearchFilter, moment: Moment) -> int:
    """How many identities are compared with."""
    kind = query.kind or VectorKind.CROP
    count = moment.count(where, kind)
    if not query.without:
        return count
    there = moment.vectors_of(moment.identities_of(query.without), where, kind)
    return count - (len(there) - len(moment.vectors_of(there, where, kind, query.without)))


def _probabilities(
    query: Query,
    vector: Floats,
    where: SearchFilter,
    ordered: Sequence[Standing],
    told: Sequence[Standing],
    searched: int,
    moment: Moment,
) -> Mapping[str, float]:
    """Of identities from the very best on, all that are told among them; none without a calibration.

    Whom only a caption found is looked up, and counts as if it stood next behind whom pictures found.
    """
    if query.calibration is None or not ordered:
        return {}
    scores = {one.match.identity: one.picture for one in ordered if one.picture is not None}
    unseen = [one.match.identity for one in told if one.picture is None]
    if query.views is not None:
        unseen, scores = [one.match.identity for one in ordered[: max(len(told), COMPARED)]], {}
    for name, theirs in moment.vectors_of(unseen, where, without=query.without).items():
        scores[name] = theirs.score(vector) if query.views is None else theirs.mean_score(query.views)
    names = sorted(scores, key=lambda name: (-scores[name], name))
    found = query.calibration.ranked_probabilities([scores[name] for name in names], searched)
    return dict(zip(names, found.tolist(), strict=True))
