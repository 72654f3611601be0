"""Visible tracklets of real people, merged as a gallery merges them, in ten orders of arrival.

`NIGHTREID_MARKET` names a folder in Market-1501's layout; its test people are looked at, of whom the starter
has not seen one. With `-s` the rows of docs/numbers.md are printed.
"""

import os
from dataclasses import replace

import pytest

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.standardising import parse_form
from stream.chain.config import ChainSettings
from stream.chain.parts import identity_policy
from tests.support.real_people import by_person, crops_of, in_orders
from training.datasets.records import Split
from training.evaluation.standardised import standardised

MARKET = os.environ.get("NIGHTREID_MARKET")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not MARKET, reason="NIGHTREID_MARKET names no folder of Market-1501's crops"),
]


@pytest.fixture(scope="module")
def embedder():
    return load_embedder(None)


@pytest.fixture(scope="module", params=["as they are", "standardised"])
def form(request, embedder):
    return embedder.manifest.standardised.form if request.param == "standardised" else None


@pytest.fixture(scope="module")
def tracklets(embedder, form):
    """By person: somebody's crops in one camera are a tracklet, of which five are kept."""
    records, vectors = crops_of(MARKET, Split.TEST, embedder)
    if form is not None:
        vectors = standardised(vectors, records, parse_form(form))
    return by_person(records, vectors)


@pytest.mark.parametrize("size", [20, 150])
def test_an_identity_seldom_holds_two_people(tracklets, embedder, form, size):
    with Gallery.open("sqlite://") as gallery:
        policy = identity_policy(gallery, embedder, ChainSettings())
    policy = replace(policy, calibration=embedder.calibration("visible-visible", form))
    told, precision, _ = in_orders(tracklets, size, embedder.model_id, policy)
    print(f"\n{form or 'as they are'}: {told}")
    assert precision.mean() >= 0.85
