"""How well a network that is being trained finds people it does not learn from."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from reid_core.preprocess import Preprocess
from reid_core.types import Floats, Ints, Modality, Spectrum
from training.datasets.records import ImageRecord
from training.evaluation.intervals import Interval, said_of_share, share_interval
from training.evaluation.ranks import Sides, rank_vectors
from training.evaluation.retrieval import RetrievalResult, summarise
from training.seeding import generator

if TYPE_CHECKING:
    from reid_core.models.network import Network

QUERIES_A_CAMERA = 4
_BATCH = 64


def embed_images(
    model: "Network",
    images: NDArray[np.uint8],
    records: Sequence[ImageRecord],
    rows: Ints,
    preprocess: Preprocess,
) -> Floats:
    """Vectors of some images, as inference makes them; the network is left in training mode if it was.

    Args:
        model: the network, on its device.
        images: ``(N, H, W, 3)`` uint8 of the network's size.
        records: of those.
        rows: ``(R,)`` which.
        preprocess: of the network.

    Returns:
        ``(R, D)`` float32 of length one, in the order of ``rows``.
    """
    import torch
    from torch.nn.functional import normalize

    training, device = model.training, next(model.parameters()).device
    vectors = np.empty((len(rows), model.embedding), np.float32)
    model.eval()
    try:
        for modality in Modality:
            places = np.flatnonzero([records[row].modality is modality for row in rows.tolist()])
            for start in range(0, len(places), _BATCH):
                some = places[start : start + _BATCH]
                batch = torch.from_numpy(preprocess([np.asarray(images[row]) for row in rows[some].tolist()]))
                with torch.inference_mode():
                    ready = batch.to(device, memory_format=torch.channels_last)
                    found = model.embed(ready, modality)
                    if preprocess.mirror:
                        found = normalize(found + model.embed(ready.flip(-1), modality))
                    vectors[some] = found.cpu().numpy()
    finally:
        model.train(training)
    return vectors


def single_shot_rows(records: Sequence[ImageRecord], seed: int) -> Ints:
    """Of each person and camera one visible image, or a few infrared ones: rows of a quick evaluation."""
    folders: dict[tuple[int, int, Modality], list[int]] = {}
    for row, record in enumerate(records):
        folders.setdefault((record.identity, record.camera, record.modality), []).append(row)
    chosen: list[int] = []
    for (identity, camera, modality), rows in sorted(folders.items()):
        rng = generator(seed, "validation", identity, camera)
        count = 1 if modality is Modality.VISIBLE else QUERIES_A_CAMERA
        chosen += rng.permutation(rows)[:count].tolist()
    return np.array(sorted(chosen), np.int64)


@dataclass(frozen=True, slots=True)
class Validated:
    """What one kind of queries found.

    Attributes:
        result: figures.
        interval: the 95 % interval of rank-1, over identities.
    """

    result: RetrievalResult
    interval: Interval

    def __str__(self) -> str:
        counted = said_of_share(self.result.valid, self.interval)
        return f"R1 {self.result.r1:.3f} ({counted}), mAP {self.result.map:.3f}"


def retrieval_by_spectrum(
    vectors: Floats, records: Sequence[ImageRecord], same_place: Mapping[int, int]
) -> dict[str, Validated]:
    """All infrared images as queries, all visible ones as gallery; each kind of infrared for itself.

    Args:
        vectors: ``(N, D)`` of length one.
        records: of those.
        same_place: infrared camera -> visible camera that its queries do not see.

    Returns:
        Results by ``near``, ``thermal`` or ``infrared`` (unknown which); a kind of which nobody is in the
        gallery is left out.
    """
    kinds = np.array([_kind(record) for record in records])
    ids = np.array([record.identity for record in records], np.int64)
    cameras = np.array([record.camera for record in records], np.int64)
    gallery = kinds == Modality.VISIBLE
    results = {}
    for kind in sorted(set(kinds.tolist()) - {str(Modality.VISIBLE)}):
        rows = kinds == kind
        sides = Sides.of(ids[rows], cameras[rows], ids[gallery], cameras[gallery], same_place)
        ranks = rank_vectors(vectors[rows], vectors[gallery], sides)
        if len(ranks):
            interval = share_interval(ranks.identities == 1, sides.query_ids[ranks.rows])
            results[kind] = Validated(summarise(ranks), interval)
    return results


def _kind(record: ImageRecord) -> str:
    if record.modality is Modality.VISIBLE:
        return str(record.modality)
    return str(record.spectrum) if record.spectrum in (Spectrum.NEAR, Spectrum.THERMAL) else "infrared"
