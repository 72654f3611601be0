"""Visible tracklets of real people, merged as a gallery merges them, in ten orders of arrival.

`NIGHTREID_MARKET` names a folder in Market-1501's layout; its test people are looked at, of whom the starter
has not seen one. With `-s` the rows of docs/numbers.md are printed.
"""

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.runtime.cache import cache_folder
from reid_core.standardising import parse_form
from stream.chain.config import ChainSettings
from stream.chain.parts import identity_policy
from tests.support.gallery_world import Scene
from training.datasets.opening import open_dataset
from training.datasets.records import Split
from training.evaluation.standardised import standardised
from training.evaluation.vectors import embedded

MARKET = os.environ.get("NIGHTREID_MARKET")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MARKET, reason="NIGHTREID_MARKET names no folder of Market-1501's crops"),
]

ORDERS = 10
CROPS = 5


@pytest.fixture(scope="module")
def embedder():
    return load_embedder(None)


@pytest.fixture(scope="module", params=["as they are", "standardised"])
def form(request, embedder):
    return embedder.manifest.standardised.form if request.param == "standardised" else None


@pytest.fixture(scope="module")
def tracklets(embedder, form):
    """By person: somebody's crops in one camera are a tracklet, of which five are kept."""
    data = open_dataset(Path(MARKET))
    records = data.records(Split.TEST)
    vectors = embedded(data, records, embedder, True, cache_folder() / "features")
    if form is not None:
        vectors = standardised(vectors, records, parse_form(form))
    rows = {}
    for row, one in enumerate(records):
        rows.setdefault((one.identity, one.camera), []).append(row)
    found = {}
    for (person, camera), mine in sorted(rows.items()):
        places = np.unique(np.linspace(0, len(mine) - 1, CROPS).round().astype(int))
        found.setdefault(person, []).append((camera, vectors[mine][places]))
    return found


def merged(tracklets, people, embedder, policy):
    """Identities, and precision and recall over pairs of tracklets, of people who come in a random order."""
    coming = [(person, *one) for person in people for one in tracklets[person]]
    with Gallery.open("sqlite://") as gallery:
        scenes = {camera: Scene(gallery, f"c{camera}") for camera in range(1, 7)}
        entries = [
            scenes[camera].entry(20 * place, vectors) for place, (_, camera, vectors) in enumerate(coming)
        ]
        for place in np.random.default_rng(len(coming)).permutation(len(coming)):
            gallery.add_tracklets([entries[place]], embedder.model_id, policy)
        owner = {name: one.id for one in gallery.identities() for name in one.tracklets}
        who = np.array([person for person, *_ in coming])
        whose = np.array([owner[one.tracklet.id] for one in entries])
        count = len(gallery.identities())
    pairs = np.triu(np.ones((len(who), len(who)), bool), 1)
    same, one = (who[:, None] == who) & pairs, (whose[:, None] == whose) & pairs
    return count, (same & one).sum() / one.sum(), (same & one).sum() / same.sum()


@pytest.mark.parametrize("size", [20, 150])
def test_an_identity_seldom_holds_two_people(tracklets, embedder, form, size):
    with Gallery.open("sqlite://") as gallery:
        policy = identity_policy(gallery, embedder, ChainSettings())
    policy = replace(policy, calibration=embedder.calibration("visible-visible", form))
    found = []
    for number in range(ORDERS):
        draw = np.random.default_rng([size, number])
        people = draw.permutation(sorted(tracklets))[:size]
        found.append(merged(tracklets, people, embedder, policy))
    counts, precision, recall = np.array(found).T
    shares = [f"{each.mean():.3f} ({each.min():.2f} to {each.max():.2f})" for each in (precision, recall)]
    print(
        f"\n{form or 'as they are'}: {len(people)} people, {ORDERS} orders: identities {counts.mean():.0f} "
        f"({counts.min():.0f} to {counts.max():.0f}), pair precision {shares[0]}, recall {shares[1]}"
    )
    assert precision.mean() >= 0.85
