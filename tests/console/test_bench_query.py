"""``nightreid bench query`` on a small gallery: what it says is there and true."""

import json

import numpy as np
import pytest

from console.bench.query import bench_query
from reid_core.errors import UsageError
from tests.support.colour_words import colour_words, install_colour_words

NAMES = ("black", "white", "red", "blue", "grey", "green", "beige", "brown", "yellow", "man", "woman")


@pytest.fixture
def checkpoint(tmp_path, monkeypatch):
    """A folder with a text encoder inside."""
    (tmp_path / "site-packages").mkdir()
    install_colour_words(tmp_path / "site-packages")
    monkeypatch.syspath_prepend(tmp_path / "site-packages")
    colour_words(tmp_path / "model/text", "d" * 64, dict(zip(NAMES, np.eye(16), strict=False)))
    return str(tmp_path / "model")


@pytest.mark.slow
def test_it_says_what_was_measured(checkpoint):
    result = bench_query([1_500], checkpoint, rounds=4)
    (case,) = result["cases"]
    assert (case["sightings"], case["captions"], case["identities"]) == (1_500, 300, 37)
    for kind in ("text", "fused"):
        one = case[kind]
        assert one["queries"] == 4 and one["ours_ms"] > one["encoder_ms"] + one["words_ms"] > 0
        assert one["ratio"] == pytest.approx(one["ours_ms"] / one["baseline_ms"], rel=0.2)
        assert one["a_second"] == pytest.approx(1e3 / one["ours_ms"], rel=0.1)
    assert result["ratio"] == max(case["text"]["ratio"], case["fused"]["ratio"])
    json.dumps(result)


def test_a_gallery_of_nobody_is_refused(checkpoint):
    with pytest.raises(UsageError, match="at least 1,000"):
        bench_query([10], checkpoint)
