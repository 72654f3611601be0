"""A gallery adapted to its cameras, and what that does for other real people whom these cameras see.

`NIGHTREID_MARKET` and `NIGHTREID_MARKET_ADAPT` name folders in Market-1501's layout, of other people and of
the same cameras: the training people of the second walk through a gallery, unlabelled; the test people of the
first are looked at. With `-s` the rows of docs/numbers.md are printed.
"""

import os
from dataclasses import replace

import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.calibrations import own_calibration
from reid_core.gallery.standardise import standardise
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from stream.chain.config import ChainSettings
from stream.chain.parts import identity_policy
from tests.support.real_people import by_person, crops_of, fill, in_orders
from training.adapting.adapting import adapt
from training.adapting.settings import AdaptSettings
from training.datasets.records import Split

MARKET, ADAPT = os.environ.get("NIGHTREID_MARKET"), os.environ.get("NIGHTREID_MARKET_ADAPT")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        not (MARKET and ADAPT), reason="NIGHTREID_MARKET and NIGHTREID_MARKET_ADAPT name no crops"
    ),
]


@pytest.fixture(scope="module")
def embedder():
    return load_embedder(None)


def people_to_adapt_on(gallery, embedder):
    """Have them walk through a gallery, and standardise it; its model and the form."""
    records, vectors = crops_of(ADAPT, Split.TRAIN, embedder)
    model, form = embedder.model_id, embedder.manifest.standardised.form
    fill(gallery, records, vectors, model, IdentityPolicy(None))
    standardise(gallery.database, model, form)
    return model, form


@pytest.fixture(scope="module")
def before(embedder):
    with Gallery.open("sqlite://") as gallery:
        people_to_adapt_on(gallery, embedder)
        yield gallery


@pytest.fixture(scope="module")
def after(embedder, tmp_path_factory):
    """A gallery that was adapted and calibrated."""
    with Gallery.open("sqlite://") as gallery:
        model, form = people_to_adapt_on(gallery, embedder)
        done = adapt(gallery, model, form, AdaptSettings(), tmp_path_factory.mktemp("state"))
        print(f"\n{done}")
        assert not done.why_not
        yield gallery


@pytest.fixture(scope="module")
def others(embedder):
    return crops_of(MARKET, Split.TEST, embedder)


def compared(gallery, others, model):
    """Vectors of crops as a gallery compares them."""
    records, vectors = others
    space, found = gallery.comparing(model), np.empty_like(vectors)
    cameras = np.array([one.camera for one in records])
    for camera in np.unique(cameras):
        some = cameras == camera
        found[some] = gallery.compared(vectors[some], space, Modality.VISIBLE, f"c{camera}")
    return found


def leave_one_out(records, vectors, draws=1000):
    """Rank-1 and mAP over cameras, every crop a query, with 95 % over people."""
    people = np.array([one.identity for one in records])
    cameras = np.array([one.camera for one in records])
    first, precision, who = [], [], []
    for row, scores in enumerate(vectors @ vectors.T):
        known = ~((people == people[row]) & (cameras == cameras[row]))
        right = (people[known] == people[row])[np.argsort(-scores[known], kind="stable")]
        places = np.flatnonzero(right)
        if len(places):
            first.append(right[0])
            precision.append((np.arange(1, len(places) + 1) / (places + 1)).mean())
            who.append(people[row])
    names, index = np.unique(who, return_inverse=True)
    rng, found = np.random.default_rng(1), []
    for values in (np.array(first, float), np.array(precision)):
        sums, counts = np.bincount(index, values), np.bincount(index)
        drawn = rng.integers(len(names), size=(draws, len(names)))
        low, high = np.quantile(sums[drawn].sum(1) / counts[drawn].sum(1), [0.025, 0.975])
        found.append((values.mean(), f"{values.mean():.3f} ({low:.2f} to {high:.2f})"))
    return len(who), found


def test_other_people_of_the_same_cameras_are_found_better(before, after, others, embedder):
    means = []
    for name, gallery in (("standardised", before), ("adapted", after)):
        count, ((rank, one), (mean, other)) = leave_one_out(
            others[0], compared(gallery, others, embedder.model_id)
        )
        print(f"\n{name}: {count} queries, rank-1 {one}, mAP {other}")
        means.append((rank, mean))
    assert means[1][0] > means[0][0] and means[1][1] > means[0][1]


@pytest.mark.parametrize("size", [20, 150])
def test_identities_hold_one_person_each(after, others, embedder, size):
    space = after.comparing(embedder.model_id)
    policy = replace(
        identity_policy(after, embedder, ChainSettings()),
        calibration=own_calibration(after.database, space, "visible-visible").calibration,
    )
    tracklets = by_person(others[0], compared(after, others, embedder.model_id))
    told, precision, _ = in_orders(tracklets, size, embedder.model_id, policy)
    print(f"\nadapted: {told}")
    assert precision.mean() >= 0.85
