"""A run on a gallery whose vectors are standardised: its tracklets are compared as all others are."""

import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.standardise import LEAST_TRACKLETS, standardise
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from stream.run.running import run_footage
from tests.support.brightness import brightness_detector
from tests.support.gallery_world import Scene, all_rows, near, unit
from tests.support.night import SETTINGS, specs

pytestmark = pytest.mark.slow


def test_a_run_writes_both_vectors_and_links_by_the_standardised(night_videos, colour_checkpoint, tmp_path):
    embedder = load_embedder(colour_checkpoint)
    url, draw = f"sqlite:///{tmp_path / 'g.db'}", np.random.default_rng(1)
    with Gallery.open(url) as gallery:
        before = Scene(gallery, "hall")
        seen = np.abs(unit(draw, LEAST_TRACKLETS, embedder.dim))
        entries = [before.entry(20 * i, near(one, draw, 2, 0.02)) for i, one in enumerate(seen)]
        gallery.add_tracklets(entries, embedder.model_id, IdentityPolicy(None))
        space = standardise(gallery.database, embedder.model_id, "mean(10)").standardisation.space
        result = run_footage(specs(night_videos), gallery, brightness_detector(), embedder, SETTINGS)
        assert result.model == embedder.model_id and result.links
        found = [one for one in gallery.tracklets() if one.camera != "hall"]
        assert {one.modality for one in found} == {*Modality}
        for one in found:
            raw = gallery.vectors(one.id, embedder.model_id).vectors
            made = gallery.vectors(one.id, space).vectors
            assert len(raw) and np.array_equal(made, gallery.compared(raw, space, one.modality, one.camera))
        assert gallery.links(space) and not gallery.links(embedder.model_id)
    rows = all_rows(tmp_path / "g.db")
    with Gallery.open(url) as gallery:
        run_footage(specs(night_videos), gallery, brightness_detector(), embedder, SETTINGS)
    assert all_rows(tmp_path / "g.db") == rows
