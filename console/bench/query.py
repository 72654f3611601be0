"""Queries by text and by an image with text, against a bare FAISS search of the same vectors."""

import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import insert

from console.bench.gallery import World, check_sizes, fill
from console.bench.machine import describe_machine
from reid_core.gallery import Gallery, VectorKind
from reid_core.gallery.live import LiveIndex
from reid_core.gallery.schema import VectorRow
from reid_core.models.language import TextEncoder
from reid_core.querying.description import read_description
from reid_core.querying.encoders import open_text_encoder
from reid_core.querying.fusion import fusion_of
from reid_core.querying.query import Form, Query
from reid_core.querying.service import QueryService
from reid_core.types import Floats, Modality

TARGET = 2.0
"""How many times as long as the bare search a query may take, with its words read and its answer ranked."""

_SEED = 2028
_K = 10
_PAGE = 2_000
_COLOURS = ("black", "white", "red", "dark blue", "light grey", "green", "beige", "brown", "yellow")
_TOPS = ("jacket", "coat", "hoodie", "sweater", "raincoat", "t-shirt", "shirt")
_LOWERS = ("trousers", "jeans", "shorts", "leggings")
_BAGS = ("a backpack", "a handbag", "a suitcase", "an umbrella", "a tote bag")


def bench_query(
    sizes: Sequence[int] = (100_000,), reid: str | None = None, rounds: int = 60
) -> dict[str, Any]:
    """Ask galleries of made-up people in words, alone and with an image, as `nightreid query` does.

    Each tracklet of the gallery has a caption beside its five sightings. A text is read, encoded, compared
    with pictures and captions, and ranked; an image's vector with a text is fused and compared with pictures.
    The bare search is ``IndexFlatIP.search`` for the ten nearest in the same vectors: of pictures and
    captions for a text, of pictures for an image with a text. All take turns.

    Args:
        sizes: of the galleries, in sightings.
        reid: embedder whose text encoder reads; by default the starter pack's.
        rounds: queries of each kind.

    Raises:
        UsageError: a size is below 1,000, or needs more memory than is free.
        ConfigError: there is no text encoder.
    """
    encoder = open_text_encoder(None, reid)
    check_sizes(sizes, encoder.dim)
    cases = [_case(World(size, encoder.dim, encoder.space), encoder, rounds) for size in sizes]
    worst = max((case[kind] for case in cases for kind in ("text", "fused")), key=lambda one: one["ratio"])
    return {
        "name": "query",
        "ours_s": worst["ours_ms"] / 1e3,
        "baseline_s": worst["baseline_ms"] / 1e3,
        "ratio": worst["ratio"],
        "target": TARGET,
        "text_encoder": encoder.model_id,
        "dim": encoder.dim,
        "k": _K,
        "cases": cases,
        "machine": describe_machine(),
    }


@dataclass
class _Times:
    """Of one kind of query, milliseconds each."""

    words: list[float]
    encoder: list[float]
    ours: list[float]
    bare: list[float]

    def summary(self) -> dict[str, Any]:
        ours, bare = statistics.median(self.ours), statistics.median(self.bare)
        encoder = statistics.median(self.encoder)
        return {
            "ours_ms": round(ours, 2),
            "baseline_ms": round(bare, 2),
            "ratio": round(ours / bare, 3),
            "a_second": round(1e3 / ours, 1),
            "words_ms": round(statistics.median(self.words), 3),
            "encoder_ms": round(encoder, 3),
            "encoder_share": round(encoder / ours, 4),
            "queries": len(self.ours),
        }


class _Timed:
    """A text encoder that says how long it took the last time."""

    def __init__(self, encoder: TextEncoder) -> None:
        self._encoder = encoder
        self.model_id, self.space, self.dim = encoder.model_id, encoder.space, encoder.dim
        self.took_ms = 0.0

    def encode(self, texts: Sequence[str]) -> Floats:
        begun = time.perf_counter()
        found = self._encoder.encode(texts)
        self.took_ms = 1e3 * (time.perf_counter() - begun)
        return found


def _case(world: World, encoder: TextEncoder, rounds: int) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="nightreid-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'bench.db'}"
        with Gallery.open(url) as gallery:
            fill(gallery, world)
            captions = put_captions(gallery, world, encoder)
        with Gallery.open(url) as gallery:
            for kind in VectorKind:
                gallery.search(world.views(0)[:1], world.space, 1, kind=kind)
            gallery.wait_for_graph()
            text, fused = _measured(gallery, world, encoder, captions, rounds)
    return {
        "sightings": world.sightings,
        "captions": len(captions),
        "identities": world.people,
        "text": text.summary(),
        "fused": fused.summary(),
    }


def put_captions(gallery: Gallery, world: World, encoder: TextEncoder) -> Floats:
    """Give every tracklet a caption; ``(T, D)``, their vectors."""
    people = np.concatenate(
        [
            encoder.encode(
                [description_of(person) for person in range(start, min(start + _PAGE, world.people))]
            )
            for start in range(0, world.people, _PAGE)
        ]
    )
    for start in range(0, world.tracklets, _PAGE):
        rows = [
            {
                "sighting_id": None,
                "tracklet_id": f"t{number}",
                "camera_id": world.camera(number),
                "modality": str(Modality.VISIBLE),
                "time_ns": world.time_ns(number),
                "space": world.space,
                "kind": str(VectorKind.CAPTION),
                "model_id": encoder.model_id,
                "dim": world.dim,
                "data": people[world.person(number)].astype("<f4").tobytes(),
            }
            for number in range(start, min(start + _PAGE, world.tracklets))
        ]
        with gallery.database.write() as session:
            session.execute(insert(VectorRow), rows)
    return np.ascontiguousarray(people[[world.person(number) for number in range(world.tracklets)]])


def description_of(person: int) -> str:
    """What somebody of a made-up world wears."""
    draw = np.random.default_rng([_SEED, person])
    who = "man" if draw.integers(2) else "woman"
    top, lower = (f"{draw.choice(_COLOURS)} {draw.choice(things)}" for things in (_TOPS, _LOWERS))
    return f"a {who}, wearing a {top} and {lower}, carrying {draw.choice(_BAGS)}."


def _measured(
    gallery: Gallery, world: World, encoder: TextEncoder, captions: Floats, rounds: int
) -> tuple[_Times, _Times]:
    import faiss

    with gallery.writing(world.space) as (_, store):
        assert isinstance(store, LiveIndex) and store.index is not None
        pictures = store.index.flat
    words = faiss.IndexFlatIP(world.dim)
    words.add(captions)
    timed = _Timed(encoder)
    service = QueryService(gallery, world.space, timed, fusion=fusion_of(encoder))
    text, fused = _Times([], [], [], []), _Times([], [], [], [])
    for of in np.random.default_rng(_SEED).integers(0, world.tracklets, rounds).tolist():
        said, image = description_of(world.person(of)), world.views(of, salt=1)[0]
        _ask(service, timed, said, Query(kind=None, form=Form.TEXT), text)
        _ask(service, timed, said, Query(image), fused)
        vector = encoder.encode([said])
        begun = time.perf_counter()
        pictures.search(vector, _K)
        half = time.perf_counter()
        words.search(vector, _K)
        text.bare.append(1e3 * (time.perf_counter() - begun))
        fused.bare.append(1e3 * (half - begun))
    return text, fused


def _ask(service: QueryService, encoder: _Timed, said: str, query: Query, times: _Times) -> None:
    begun = time.perf_counter()
    sentence = read_description(said).sentence
    read = time.perf_counter()
    service.ask(replace(query, text=sentence), _K)
    times.ours.append(1e3 * (time.perf_counter() - begun))
    times.words.append(1e3 * (read - begun))
    times.encoder.append(encoder.took_ms)
