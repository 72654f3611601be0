"""Tracklets of data sets of real people, and galleries of them."""

import re
import uuid
from pathlib import Path

import numpy as np

from reid_core.gallery import Gallery, RecordingRecord, TrackletEntry
from reid_core.runtime.cache import cache_folder
from reid_core.types import CloseReason, Modality, Sighting, Spectrum, Tracklet
from tests.support.gallery_world import Scene, jpeg
from training.datasets.opening import open_dataset
from training.evaluation.vectors import embedded

CROPS = 5
_SEQUENCE = 1_000_000


def crops_of(folder, split, embedder):
    """Records of a split and their vectors, each with its mirror image's."""
    data = open_dataset(Path(folder))
    records = data.records(split)
    return records, embedded(data, records, embedder, True, cache_folder() / "features")


def kept(rows):
    """At most five, evenly over all."""
    return [rows[place] for place in np.unique(np.linspace(0, len(rows) - 1, CROPS).round().astype(int))]


def when(record):
    """Sequence and frame, as Market-1501's names have them."""
    found = re.search(r"_c\ds(\d)_(\d+)_", str(record.path))
    return int(found[1]) * _SEQUENCE + int(found[2])


def walks(records):
    """Rows of each walk: somebody's crops in one camera and sequence, in order of time."""
    found = {}
    for row, one in sorted(enumerate(records), key=lambda pair: (when(pair[1]), pair[0])):
        found.setdefault((one.identity, one.camera, when(one) // _SEQUENCE), []).append(row)
    return found


def fill(gallery, records, vectors, model, policy):
    """Put every walk into a gallery as a tracklet, in order of its end, at the times that names tell."""
    cameras = sorted({one.camera for one in records})
    for camera in cameras:
        gallery.put_camera(f"c{camera}", Modality.VISIBLE, Spectrum.VISIBLE, 0)
        gallery.begin_recording(
            RecordingRecord(f"of c{camera}", f"c{camera}", "a.mp4", 25.0, 64, 128, 0, "yolo", model)
        )
    entries = []
    for (person, camera, _), rows in walks(records).items():
        frames = np.unique([when(records[row]) for row in rows]).astype(np.int64)
        boxes = np.tile(np.array([0, 0, 64, 128], np.float32), (len(frames), 1))
        sightings = tuple(
            Sighting(
                frame=when(records[row]),
                time_ns=when(records[row]) * 40,
                box=boxes[0],
                confidence=0.5,
                quality=0.75,
                crop=np.zeros((8, 4, 3), np.uint8),
            )
            for row in kept(rows)
        )
        tracklet = Tracklet(
            id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"{person} {camera} {frames[0]}")),
            recording=f"of c{camera}",
            camera=f"c{camera}",
            modality=Modality.VISIBLE,
            frames=frames,
            times_ns=frames * 40,
            boxes=boxes,
            confidences=np.full(len(frames), 0.5, np.float32),
            sightings=sightings,
            close_reason=CloseReason.TIMEOUT,
        )
        entries.append(TrackletEntry(tracklet, vectors[kept(rows)], (jpeg(90),) * len(sightings)))
    entries.sort(key=lambda one: (int(one.tracklet.times_ns[-1]), one.tracklet.id))
    gallery.add_tracklets(entries, gallery.comparing(model), policy)


def by_person(records, vectors):
    """Of each person the camera and at most five vectors of each tracklet: their crops in one camera."""
    rows = {}
    for row, one in enumerate(records):
        rows.setdefault((one.identity, one.camera), []).append(row)
    found = {}
    for (person, camera), mine in sorted(rows.items()):
        found.setdefault(person, []).append((camera, vectors[kept(mine)]))
    return found


def merged(tracklets, people, model, policy):
    """Identities, and precision and recall over pairs of tracklets, of people who come in a random order."""
    coming = [(person, *one) for person in people for one in tracklets[person]]
    with Gallery.open("sqlite://") as gallery:
        scenes = {camera: Scene(gallery, f"c{camera}") for camera in range(1, 7)}
        entries = [
            scenes[camera].entry(20 * place, vectors) for place, (_, camera, vectors) in enumerate(coming)
        ]
        for place in np.random.default_rng(len(coming)).permutation(len(coming)):
            gallery.add_tracklets([entries[place]], model, policy)
        owner = {name: one.id for one in gallery.identities() for name in one.tracklets}
        who = np.array([person for person, *_ in coming])
        whose = np.array([owner[one.tracklet.id] for one in entries])
        count = len(gallery.identities())
    pairs = np.triu(np.ones((len(who), len(who)), bool), 1)
    same, one = (who[:, None] == who) & pairs, (whose[:, None] == whose) & pairs
    # Where nobody was merged, nobody was merged wrongly.
    return count, (same & one).sum() / one.sum() if one.any() else 1.0, (same & one).sum() / same.sum()


def in_orders(tracklets, size, model, policy, orders=10):
    """As `merged`, of so many people in several orders; told, and the rows."""
    found = []
    for number in range(orders):
        people = np.random.default_rng([size, number]).permutation(sorted(tracklets))[:size]
        found.append(merged(tracklets, people, model, policy))
    counts, precision, recall = np.array(found).T
    shares = [f"{each.mean():.3f} ({each.min():.2f} to {each.max():.2f})" for each in (precision, recall)]
    told = (
        f"{min(size, len(tracklets))} people, {orders} orders: identities {counts.mean():.0f} "
        f"({counts.min():.0f} to {counts.max():.0f}), pair precision {shares[0]}, recall {shares[1]}"
    )
    return told, precision, recall
