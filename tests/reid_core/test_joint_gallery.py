"""Local vectors beside a gallery, and identities ranked by them too."""

from dataclasses import replace

import cv2
import numpy as np
import pytest
import torch
from sqlalchemy import inspect, text

from reid_core.errors import UsageError
from reid_core.gallery import Gallery, IdentityPolicy, VectorKind
from reid_core.gallery.index import SearchFilter
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.star_reid.architecture import StarArchitecture
from reid_core.models.star_reid.network import create_star
from reid_core.preprocess import Preprocess
from reid_core.querying import Query, QueryService, joint
from reid_core.querying import service as service_module
from reid_core.querying.joint import parse_joint
from reid_core.querying.local_vectors import LocalVectors
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
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
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


def order(answer):
    return [one.identity for one in answer.identities]


def test_identities_are_ranked_by_the_joint_distance(filled, embedder):
    gallery, ids, tracklets = filled
    parts = LocalVectors(gallery, embedder)
    asked = crop(77)
    query = Query(embedder.embed([asked], DAY)[0], local=parts.made([asked], DAY)[0])
    stored = np.stack([gallery.vectors(one, embedder.space).vectors[0] for one in tracklets])
    locals_ = parts.of([gallery.sightings(one)[0] for one in tracklets], DAY)
    service = QueryService(gallery, embedder.space, parts=parts)
    plain = order(service.ask(query))
    orders = set()
    for method in (
        LocalGlobalJoint(2, 1.0, 0.3),
        LocalGlobalJoint(2, 1.0, 1.0),
        LocalGlobalJoint(2, 0.0, 0.3),
    ):
        distances = local_global_joint(
            query.vector[None], stored, query.local[None], locals_, method.k, method.weight, method.jaccard
        )[0]
        found = service.ask(replace(query, joint=method))
        by_distance = {ids[place]: float(each) for place, each in enumerate(distances)}
        told = [by_distance[one] for one in order(found)]
        assert len(told) == 6 and told == sorted(told)
        # What is told is the cosine still.
        assert [one.score for one in found.identities] == pytest.approx(
            [float(stored[ids.index(one)] @ query.vector) for one in order(found)], abs=1e-5
        )
        orders.add(tuple(order(found)))
    assert len(orders) > 1
    # Without a weight of its own, the local side changes nothing.
    assert order(service.ask(replace(query, joint=LocalGlobalJoint(2, 0.0, 0.3)))) == plain


def test_only_the_shortlist_is_looked_at_again_and_pages_go_on_behind_it(filled, embedder, monkeypatch):
    for module in (joint, service_module):
        monkeypatch.setattr(module, "SHORTLIST", 3)
    gallery, _, _ = filled
    parts = LocalVectors(gallery, embedder)
    with gallery.database.write() as session:
        # Between tests, a server's tables are emptied but for this one.
        session.execute(text("delete from local_vectors"))
    service = QueryService(gallery, embedder.space, parts=parts)
    orders = []
    for seed in range(70, 90):
        asked = crop(seed)
        query = Query(embedder.embed([asked], DAY)[0], local=parts.made([asked], DAY)[0])
        again = replace(query, joint=LocalGlobalJoint(1, 1.0, 0.0))
        plain, whole = order(service.ask(query)), order(service.ask(again))
        assert whole[3:] == plain[3:] and sorted(whole[:3]) == sorted(plain[:3])
        orders.append((whole != plain, again))
        if seed == 70:
            assert kept(gallery) == 3
    # Of one whom the parts put in another order.
    again = next(query for other, query in orders if other)
    whole = order(service.ask(again))
    pages, cursor = [], None
    while cursor is not None or not pages:
        page = service.ask(again, 2, cursor)
        pages += order(page)
        cursor = page.cursor
    assert pages == whole
    with pytest.raises(UsageError, match="cursor is of another query"):
        service.ask(replace(again, joint=LocalGlobalJoint(2, 1.0, 0.0)), 2, service.ask(again, 2).cursor)
    nobody = SearchFilter(cameras=frozenset({"nowhere"}))
    assert order(service.ask(replace(again, where=nobody))) == []
    for missing in (replace(again, local=None), replace(again, kind=VectorKind.CAPTION)):
        with pytest.raises(UsageError, match="joint measure compares an image with pictures"):
            service.ask(missing)
    with pytest.raises(UsageError, match="joint measure compares an image with pictures"):
        QueryService(gallery, embedder.space).ask(again)


def test_a_measure_is_named_with_its_numbers_or_without():
    assert parse_joint("ljm") == LocalGlobalJoint() == parse_joint("ljm(10,0.2,0.3)")
    assert parse_joint("ljm(5,1,0)") == LocalGlobalJoint(5, 1.0, 0.0)
    for name, said in (
        ("k-reciprocal(20,6,0.3)", "not re-ranked by k-reciprocal"),
        ("none", "not re-ranked by none"),
        ("ljm(5)", "no method"),
        ("ljm(0,1,0)", "at least 1"),
    ):
        with pytest.raises(UsageError, match=said):
            parse_joint(name)


def test_a_model_without_parts_is_refused(url):
    class Plain:
        name, local_features = "plain", {}

    with Gallery.open(url) as gallery, pytest.raises(UsageError, match="'plain' gives no local features"):
        LocalVectors(gallery, Plain())
