"""From what somebody asks to a query: which models it needs, of which space, and what its scores mean."""

import threading
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any, TypeVar, cast

from reid_core.errors import UsageError
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.records import CameraRecord
from reid_core.gallery.store import Gallery
from reid_core.models.checkpoint_files import CheckpointFiles
from reid_core.models.language import FusingEncoder, TextEncoder
from reid_core.models.presets import NetworkSource
from reid_core.querying.description import Description
from reid_core.querying.encoders import open_text_encoder
from reid_core.querying.fusion import fusion_of
from reid_core.querying.local_vectors import LocalVectors
from reid_core.querying.probes import Probe, RawOf, image_probe, track_probe
from reid_core.querying.query import Form, Query
from reid_core.querying.service import QueryService
from reid_core.querying.trust import Trust, trust_in_both, trust_in_images, trust_in_words
from reid_core.ranking import LocalGlobalJoint
from reid_core.ranking.mixing import MixRetrieve
from reid_core.runtime import Embedder, load_embedder
from reid_core.runtime.source import find_source
from reid_core.starter import starter_embedder
from reid_core.types import Floats, Image, Modality

T = TypeVar("T")


class QueryModels:
    """What queries are made with, each loaded once, when it is first needed: words alone need no embedder.

    May be used by several threads at once.

    Args:
        reid: the embedder, as `load_embedder` takes it.
        text: the text encoder, as `open_text_encoder` takes it.
    """

    def __init__(self, reid: str | None = None, text: str | None = None) -> None:
        self._reid, self._text = reid, text
        self._loaded: dict[str, Any] = {}
        self._lock = threading.RLock()

    @property
    def encoder(self) -> TextEncoder:
        """The text encoder."""
        return self._once("encoder", lambda: open_text_encoder(self._text, self._reid))

    @property
    def source(self) -> NetworkSource | CheckpointFiles:
        """The embedder's name and calibrations."""
        return self._once("source", lambda: find_source(self._reid))

    @property
    def embedder(self) -> Embedder:
        """The embedder."""
        return self._once("embedder", lambda: load_embedder(self._reid))

    @property
    def raw(self) -> RawOf:
        """The embedder up to its neck."""
        return self._once("raw", self._open_raw)

    def _open_raw(self) -> RawOf:
        from reid_core.runtime.raw import RawFeatures

        folder = starter_embedder() if self._reid is None else Path(self._reid)
        if folder is None:
            raise UsageError("This version carries no starter model.", "Name the embedder with --reid.")
        return RawFeatures(folder)

    def _once(self, name: str, load: Callable[[], T]) -> T:
        with self._lock:
            if name not in self._loaded:
                self._loaded[name] = load()
            return cast(T, self._loaded[name])


def check_cameras(there: Iterable[CameraRecord], names: Iterable[str]) -> None:
    """Make sure that a filter names cameras by which identities are known.

    Args:
        there: the cameras that whoever asks may know of.
        names: of the filter.

    Raises:
        UsageError: one is not there, or is infrared.
    """
    known = {camera.id: camera for camera in there}
    for name in names:
        if name not in known:
            visible = [one.id for one in known.values() if one.modality is Modality.VISIBLE]
            said = f"It has {', '.join(visible)}." if visible else "It has none."
            raise UsageError(f"The gallery has no camera {name!r}.", said)
        if known[name].modality is Modality.INFRARED:
            raise UsageError(f"Camera {name} is infrared: identities are known by visible sightings.")


class Asking:
    """One question to a gallery: the description first, then the tracklet or the images, then the query.

    Args:
        gallery: that is asked.
        models: to ask it with.
        words: the description, where one counts.
        form: what is made of it and an image.
        mix: what share of the identities the description keeps, where it narrows them; half by default.
        joint: look at the best once more by their parts, for an image alone or one with a text that narrows.

    Attributes:
        space: of the query.
        probe: the tracklet or the images; ``None`` before there are any.
        notes: what whoever asks should know.

    Raises:
        ConfigError: there is a description and no text encoder.
        ModelMismatchError: text encoder, embedder and gallery are not of one space.
        UsageError: there is a description, and the gallery's vectors are standardised; a share is kept of
            what nothing narrows; or the joint measure does not fit the query or the model.
    """

    def __init__(
        self,
        gallery: Gallery,
        models: QueryModels,
        words: Description | None,
        form: Form,
        mix: MixRetrieve | None = None,
        joint: LocalGlobalJoint | None = None,
    ) -> None:
        if mix is not None and form is not Form.NARROWED:
            raise UsageError(
                "A share of the identities is kept where words narrow them.", f"Ask {_NARROWED}."
            )
        if joint is not None and form not in (Form.IMAGE, Form.NARROWED):
            raise UsageError(
                "The joint measure compares parts of images, and no words.",
                f"Ask by a tracklet or an image alone, or {_NARROWED}.",
            )
        self._gallery, self._models, self._words, self._form = gallery, models, words, form
        self._mix = (mix or MixRetrieve()) if form is Form.NARROWED else None
        self._joint = joint
        self.probe: Probe | None = None
        self.notes: list[str] = []
        self._encoder = models.encoder if words is not None else None
        alone = form is Form.TEXT and self._encoder is not None
        model = models.encoder.space if alone else models.source.model_id
        self.space = gallery.comparing(model)
        gallery.check_space(self.space)
        if self._encoder is not None and self.space != model:
            raise UsageError(
                "A description is compared with vectors as the model made them, and those of this gallery "
                "have been standardised.",
                "Ask by a tracklet or an image alone, or take it back with `nightreid standardise --undo`.",
            )
        self._parts = LocalVectors(gallery, models.embedder) if joint is not None else None
        fusion = fusion_of(self._encoder)
        self.service = QueryService(gallery, self.space, self._encoder, fusion, self._parts)

    @property
    def model(self) -> str:
        """The id of the model whose word counts: of the text encoder for words alone."""
        alone = self._encoder is not None and (self._form is Form.TEXT or self.probe is None)
        return self._models.encoder.model_id if alone else self._gallery.model_of(self.space)

    def by_track(self, said: str) -> None:
        """Ask by a stored tracklet, as `track_probe` does."""
        self.probe = track_probe(self._gallery, said, self.space, self._raw(), self._parts)

    def by_images(self, crops: Sequence[Image], modality: Modality) -> None:
        """Ask by crops, as `image_probe` does."""
        if any(crop.shape[1] > crop.shape[0] for crop in crops):
            self.notes.append("an image is wider than high; a crop of one person is expected")
        if modality is Modality.VISIBLE and all(_grey(crop) for crop in crops):
            self.notes.append("the images are grey: as infrared ones they would be compared otherwise")
        embedder = self._models.embedder
        self.probe = image_probe(embedder, crops, modality, self._raw(), self._compared, self._parts)

    def query(self, where: SearchFilter | None = None) -> Query:
        """What to ask the service.

        Args:
            where: which visible sightings to look at; all by default.
        """
        probe, text = self.probe, self._words.sentence if self._words is not None else None
        calibration, without = self.trust.calibration, frozenset[str]()
        if probe is not None and probe.tracklet is not None:
            without = frozenset({probe.tracklet})
        if self._form is Form.TEXT or probe is None:
            return Query(None, text, where, None, calibration, Form.TEXT, without=without)
        return Query(
            vector=probe.vector,
            text=text,
            where=where,
            calibration=calibration,
            form=self._form,
            raw=probe.raw,
            without=without,
            views=probe.views if text is None and probe.modality is Modality.VISIBLE else None,
            mix=self._mix,
            joint=self._joint,
            local=probe.local,
        )

    @property
    def trust(self) -> Trust:
        """What its scores are worth."""
        if self._encoder is not None and (self._form is Form.TEXT or self.probe is None):
            return trust_in_words(self._encoder)
        assert self.probe is not None
        if self._encoder is None or self._form is Form.IMAGE:
            made = self._gallery.standardisation(self.space)
            manifest, form = self._models.source.manifest, made.calibrated_form if made is not None else None
            # Behind a head the model's own says nothing.
            calibrations = manifest.calibrations(form) if made is None or form is not None else {}
            return trust_in_images(self._gallery, self.space, calibrations, self.probe)
        return trust_in_both(self._encoder, self.probe, self._form)

    def _compared(self, vectors: Floats, modality: Modality) -> Floats:
        return self._gallery.compared(vectors, self.space, modality)

    def _raw(self) -> RawOf | None:
        """For a text encoder that fuses before the neck."""
        fuses = self._form in (Form.FUSED, Form.ENSEMBLE) and isinstance(self._encoder, FusingEncoder)
        return self._models.raw if fuses else None


_NARROWED = f"by words with either in the form {Form.NARROWED}"


def _grey(crop: Image) -> bool:
    return bool((crop[..., 0] == crop[..., 1]).all() and (crop[..., 1] == crop[..., 2]).all())
