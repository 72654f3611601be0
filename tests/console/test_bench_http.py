"""``nightreid bench search --http``: a console is asked while tracklets come in, and by fifty at once."""

import json

import pytest

pytestmark = pytest.mark.slow


def test_it_asks_a_console_beside_a_writer(nightreid, tmp_path):
    done = nightreid("bench", "search", "--http", "--json", "--size", 1000, cwd=tmp_path, timeout=600)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    (case,) = said["cases"]
    assert case["sightings"] == 1000 and case["tracklets_written"] > 0
    for kind in ("text", "fused"):
        assert 0 < case[kind]["p50_ms"] <= case[kind]["p95_ms"] and case[kind]["processor_ms"] > 0
        assert case["without_writer"][kind]["searches"] == 40
    crowd = case["clients"]
    assert (crowd["clients"], crowd["errors"], crowd["searches"]) == (50, 0, 200)
    # The second fifty take no more memory than the first.
    assert crowd["memory_mib"][2] < 1.1 * crowd["memory_mib"][1] + 32
    assert said["ratio"] == pytest.approx(case["text"]["p95_ms"] / 150, abs=0.01)
