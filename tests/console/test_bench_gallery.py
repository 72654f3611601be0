"""``nightreid bench gallery`` on a small gallery: what it says is there and true."""

import json

import pytest

from console.bench.gallery import bench_gallery
from reid_core.errors import UsageError


@pytest.mark.slow
def test_it_says_what_was_measured():
    result = bench_gallery([1_500], dim=16, rounds=5)
    (case,) = result["cases"]
    assert (case["sightings"], case["identities"]) == (1_500, 37)
    # Few vectors: everything is compared, and the filter finds its night.
    assert case["search"]["recall"] == result["recall"] == 1
    assert case["admission"]["right"] >= 0.8
    assert case["admission"]["ms"] >= case["admission"]["transaction_ms"] > 0
    assert case["graph_s"] < case["load_s"] + case["fill_s"]
    assert result["ratio"] == case["search"]["ratio"]
    json.dumps(result)


def test_a_gallery_that_does_not_fit_the_memory_is_refused(monkeypatch):
    monkeypatch.setattr("console.bench.gallery.free_memory_bytes", lambda: 20 * 2**30)
    with pytest.raises(UsageError, match=r"10,000,000 sightings of 1,280 numbers takes 63 GiB .* 20 GiB are"):
        bench_gallery([1_000, 10_000_000])


def test_a_gallery_of_nobody_is_refused():
    with pytest.raises(UsageError, match="at least 1,000"):
        bench_gallery([10])
