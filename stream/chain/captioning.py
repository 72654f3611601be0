"""Tracklets to captions, and captions to vectors: what the run and the follower share."""

import logging
import threading
from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

import numpy as np
from sqlalchemy.orm import Session

from reid_core.errors import SourceError, UsageError
from reid_core.gallery import Gallery
from reid_core.gallery.captions import (
    TrackletCaptions,
    Uncaptioned,
    put_captions,
    uncaptioned,
    without_captions,
)
from reid_core.images import decode_jpeg
from reid_core.models.language import Captioner, TextEncoder
from reid_core.runtime import load_captioner
from reid_core.types import Floats, Image, Modality
from stream.chain.config import CaptionSettings

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be written, by the captioner that says it."""

    model: str
    captions: Sequence[TrackletCaptions]


class TrackletCaptioner:
    """Says what tracklets look like.

    Args:
        gallery: of the tracklets.
        settings: of captioning.
        captioners: of each modality.
        encoder: of the captions, if any.
    """

    def __init__(
        self,
        gallery: Gallery,
        settings: CaptionSettings,
        captioners: dict[Modality, Captioner],
        encoder: TextEncoder | None,
    ) -> None:
        self._gallery = gallery
        self._settings = settings
        self._captioners = captioners
        self._encoder = encoder

    @classmethod
    def open(
        cls, gallery: Gallery, settings: CaptionSettings, encoder: TextEncoder | None = None
    ) -> "TrackletCaptioner | None":
        """Load what the settings name; ``None`` where they name no captioner.

        Args:
            gallery: of the tracklets.
            settings: of captioning.
            encoder: of the captions, if any, of the gallery's space.

        Raises:
            ModelError: a model is missing or damaged.
        """
        if settings.captioner is None:
            return None
        captioner = load_captioner(settings.captioner)
        other = settings.infrared_captioner
        infrared = captioner if other is None else load_captioner(other)
        return cls(gallery, settings, {Modality.VISIBLE: captioner, Modality.INFRARED: infrared}, encoder)

    def prepare(self, tracklets: Collection[str]) -> list[Told]:
        """Caption tracklets that are not captioned yet; nothing is written.

        Raises:
            ModelError: a captioner does not answer as it should.
        """
        told = []
        for model, modalities in self._models().items():
            crops = uncaptioned(self._gallery.database, tracklets, model, self._settings.crops, modalities)
            found: dict[str, dict[str, str]] = {}
            for modality in modalities:
                own = [crop for crop in crops if crop.modality is modality]
                if own:
                    _caption(self._captioners[modality], own, modality, found)
            if found:
                told.append(Told(model, self._encoded([TrackletCaptions(*one) for one in found.items()])))
        return told

    def write(self, session: Session, told: Sequence[Told]) -> int:
        """Write what was prepared; returns how many tracklets were captioned."""
        encoder = None if self._encoder is None else (self._encoder.model_id, self._encoder.space)
        return sum(put_captions(session, one.captions, one.model, encoder) for one in told)

    def caption_recordings(self, recordings: Collection[str], stop: threading.Event) -> int:
        """Caption all tracklets of recordings that are not captioned yet, a few at a time.

        Args:
            recordings: their ids.
            stop: set it to end early; the rest is captioned when they are run again.

        Returns:
            how many were captioned.
        """
        database, done = self._gallery.database, 0
        names = [
            name
            for model, modalities in self._models().items()
            for name in without_captions(database, recordings, model, modalities)
        ]
        for start in range(0, len(names), self._settings.together):
            if stop.is_set():
                break
            told = self.prepare(names[start : start + self._settings.together])
            if told:
                with database.write() as session:
                    done += self.write(session, told)
        return done

    def _models(self) -> dict[str, list[Modality]]:
        """Ids of the captioners, and what each of them captions."""
        found: dict[str, list[Modality]] = {}
        for modality, captioner in self._captioners.items():
            found.setdefault(captioner.model_id, []).append(modality)
        return found

    def _encoded(self, captions: list[TrackletCaptions]) -> list[TrackletCaptions]:
        if self._encoder is None:
            return captions
        vectors = [_vectors(self._encoder, [*one.texts.values()]) for one in captions]
        return [replace(one, vectors=made) for one, made in zip(captions, vectors, strict=True)]


def _vectors(encoder: TextEncoder, texts: Sequence[str]) -> Floats | None:
    """Of those that the encoder understands; what it does not is a caption all the same."""
    found = []
    for text in texts:
        with suppress(UsageError):
            found.append(encoder.encode([text]))
    return np.concatenate(found) if found else None


def _caption(
    captioner: Captioner, crops: Sequence[Uncaptioned], modality: Modality, found: dict[str, dict[str, str]]
) -> None:
    """Caption crops in one batch; a damaged one is left out."""
    pictures = [(crop, picture) for crop in crops if (picture := _decoded(crop)) is not None]
    texts = captioner.caption([picture for _, picture in pictures], modality)
    for (crop, _), text in zip(pictures, texts, strict=True):
        if text:
            found.setdefault(crop.tracklet, {})[crop.sighting] = text


def _decoded(crop: Uncaptioned) -> Image | None:
    try:
        return decode_jpeg(crop.crop)
    except SourceError:
        _LOG.warning("The crop of sighting %s is damaged; it gets no caption.", crop.sighting)
        return None
