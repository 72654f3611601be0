"""Local vectors beside a gallery, and identities ranked by them too."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
from sqlalchemy import inspect, text

from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.gallery.index import SearchFilter
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.star_reid.architecture import StarArchitecture
from reid_core.models.star_reid.network import create_star
from reid_core.preprocess import Preprocess
from reid_core.querying.joint import joint_identities
from reid_core.querying.local_vectors import LocalVectors
from reid_core.querying.ranking import ranked_identities
from reid_core.ranking import LocalGlobalJoint, local_global_joint
from reid_core.runtime import load_embedder
from reid_core.types import CloseReason, Modality
from tests.support.gallery_world import Scene

pytestmark = pytest.mark.slow

DAY = Modality.VISIBLE


@pytest.fixture(scope="module")
def embedder(module_tmp):
    folder = module_tmp("model") / "model"
    architecture = StarArchitecture(image=(32, 16), patch=8, stride=8, width=16, depth=1, heads=2)
    network = create_star(architecture, None, 1)
    save_checkpoint(folder, network, name="small", preprocess=Preprocess(height=32, width=16, std=(255,) * 3))
    return load_embedder(folder, "torch", "fp32")


def crop(seed):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (4, 2, 3), np.uint8)
    return cv2.resize(coarse, (24, 48), interpolation=cv2.INTER_NEAREST)


@pytest.fixture
def filled(url, embedder):
    """A gallery of six people with one sighting each, by the model itself; their ids."""
    with Gallery.open(url) as gallery:
        scene = Scene(gallery, "lobby")
        entries = []
        for person in range(6):
            image = crop(person)
            vectors = embedder.embed([image], DAY)
            data = cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()
            entries.append(replace(scene.entry(40 * person, vectors), crops=(data,)))
        ids = gallery.add_tracklets(entries, embedder.space, IdentityPolicy(None))
        yield gallery, ids, [one.tracklet.id for one in entries]


def kept(gallery):
    with gallery.database.read() as session:
        return session.execute(text("select count(*) from local_vectors")).scalar_one()


def test_they_are_made_once_and_kept_until_their_sighting_goes(filled, embedder):
    gallery, _, tracklets = filled
    with gallery.database.read() as session:
        assert "local_vectors" not in inspect(session.connection()).get_table_names(), "nobody has asked"
    parts = LocalVectors(gallery, embedder)
    sightings = [gallery.sightings(tracklet)[0] for tracklet in tracklets]
    found = parts.of(sightings[:4], DAY)
    expected = embedder.features([crop(person) for person in range(4)], DAY)["local"][:, 0]
    assert np.allclose(found, expected, atol=1e-6) and kept(gallery) == 4
    # Kept ones are not made again: without their crops they are the same.
    bare = [replace(one, crop=b"") for one in sightings]
    again = LocalVectors(gallery, embedder)
    assert np.array_equal(again.of(bare[:4], DAY), found)
    with pytest.raises(UsageError, match=f"no crop of the sighting {sightings[4].id}"):
        again.of(bare, DAY)
    assert gallery.remove_tracklets("recording of lobby", CloseReason.TIMEOUT) == 6
    assert kept(gallery) == 0


def test_identities_are_ranked_by_the_joint_distance(filled, embedder):
    gallery, ids, tracklets = filled
    parts = LocalVectors(gallery, embedder)
    query = crop(77)
    vector = embedder.embed([query], DAY)[0]
    local = parts.made([query], DAY)[0]
    stored = np.stack([gallery.vectors(one, embedder.space).vectors[0] for one in tracklets])
    locals_ = parts.of([gallery.sightings(one)[0] for one in tracklets], DAY)
    orders = set()
    for method in (
        LocalGlobalJoint(2, 1.0, 0.3),
        LocalGlobalJoint(2, 1.0, 1.0),
        LocalGlobalJoint(2, 0.0, 0.3),
    ):
        distances = local_global_joint(
            vector[None], stored, local[None], locals_, method.k, method.weight, method.jaccard
        )[0]
        found = joint_identities(gallery, parts, vector, local, embedder.space, 6, method=method)
        by_distance = {ids[place]: float(each) for place, each in enumerate(distances)}
        told = [by_distance[one.identity] for one in found]
        assert len(found) == 6 and told == sorted(told)
        orders.add(tuple(one.identity for one in found))
    assert len(orders) > 1
    plain = [one.identity for one in ranked_identities(gallery, vector, embedder.space, 6, SearchFilter())]
    last = joint_identities(
        gallery, parts, vector, local, embedder.space, 6, method=LocalGlobalJoint(2, 0.0, 0.3)
    )
    # Without a weight of its own, the local side changes nothing.
    assert [one.identity for one in last] == plain
    short = joint_identities(gallery, parts, vector, local, embedder.space, 1, shortlist=2)
    assert len(short) == 1 and short[0].identity in plain[:2]


def test_a_model_without_parts_is_refused(url):
    class Plain:
        name, local_features = "plain", {}

    with Gallery.open(url) as gallery, pytest.raises(UsageError, match="'plain' gives no local features"):
        LocalVectors(gallery, Plain())
