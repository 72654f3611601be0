"""``nightreid query --rerank`` with a model of parts: the joint measure, alone and behind narrowing words."""

import json
from dataclasses import replace

import cv2
import numpy as np
import pytest

from reid_core.gallery import Gallery, IdentityPolicy
from reid_core.querying.local_vectors import LocalVectors
from reid_core.ranking import local_global_joint
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from tests.support.colour_words import colour_words, install_colour_words
from tests.support.gallery_world import Scene
from tests.support.small_systems import small_checkpoint

pytestmark = pytest.mark.slow
DAY = Modality.VISIBLE
PEOPLE = 7


def crop(seed):
    coarse = np.random.default_rng(seed).integers(0, 256, (4, 2, 3), np.uint8)
    return cv2.resize(coarse, (24, 48), interpolation=cv2.INTER_NEAREST)


def png(image):
    return cv2.imencode(".png", cv2.cvtColor(image, cv2.COLOR_RGB2BGR))[1].tobytes()


@pytest.fixture(scope="module")
def model(module_tmp):
    return small_checkpoint("star_reid", module_tmp("model") / "model")


@pytest.fixture(scope="module")
def embedder(model):
    return load_embedder(model)


@pytest.fixture(scope="module")
def words(module_tmp, embedder):
    """A text encoder of the model's space: ``red`` is the seventh person, ``green`` the sixth."""
    folder = module_tmp("site-packages")
    install_colour_words(folder)
    table = {name: embedder.embed([crop(person)], DAY)[0] for name, person in (("red", 6), ("green", 5))}
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(folder)
        yield colour_words(module_tmp("encoder") / "words", embedder.space, table)


@pytest.fixture
def hall(tmp_path, embedder):
    """Address of a gallery of seven people, their ids, and their tracklets."""
    url = f"sqlite:///{tmp_path / 'hall.db'}"
    with Gallery.open(url) as gallery:
        scene, entries = Scene(gallery, "lobby"), []
        for person in range(PEOPLE):
            vectors = embedder.embed([crop(person)], DAY)
            entries.append(replace(scene.entry(40 * person, vectors), crops=(png(crop(person)),)))
        ids = gallery.add_tracklets(entries, embedder.space, IdentityPolicy(None))
    return url, ids, [one.tracklet.id for one in entries]


@pytest.fixture
def expected(hall, embedder):
    """``expected(crop, K, weight, jaccard)``: joint distances from it to all, by the identity."""

    def distances(image, *method):
        url, ids, tracklets = hall
        with Gallery.open(url) as gallery:
            parts = LocalVectors(gallery, embedder)
            known = np.stack([gallery.vectors(one, embedder.space).vectors[0] for one in tracklets])
            local = parts.of([gallery.sightings(one)[0] for one in tracklets], DAY)
            asked = embedder.embed([image], DAY), parts.made([image], DAY)
        found = local_global_joint(asked[0], known, asked[1], local, *method)[0]
        return dict(zip(ids, found.tolist(), strict=True))

    return distances


@pytest.fixture
def ask(command, hall, model, words):
    """The command on that gallery: what it says."""

    def call(*arguments):
        done = command(
            "query", *arguments, "--db", hall[0], "--reid", model, "--text-encoder", words, "--json"
        )
        assert done.status == 0, done.err
        return json.loads(done.out)

    return call


def order(found):
    return [one["identity"] for one in found["identities"]]


def test_images_and_tracklets_are_ranked_by_their_parts_too(ask, hall, expected, tmp_path):
    (tmp_path / "asked.png").write_bytes(png(crop(77)))
    by_image = ask("--image", tmp_path / "asked.png", "--rerank", "ljm(2,1,0.3)")
    distances = expected(crop(77), 2, 1.0, 0.3)
    assert order(by_image) == sorted(distances, key=distances.__getitem__)
    assert by_image["query"]["rerank"] == "ljm(2,1,0.3)" and by_image["query"]["keep"] is None
    plain = ask("--image", tmp_path / "asked.png")
    assert order(plain) != order(by_image) and sorted(order(plain)) == sorted(order(by_image))
    assert plain["query"]["rerank"] is None
    # A stored tracklet is asked by what the gallery holds of it, and never finds itself.
    _, ids, tracklets = hall
    by_track = ask("--track", tracklets[0], "--rerank", "ljm(6,1,0)")
    alone = expected(crop(0), 6, 1.0, 0.0)
    assert order(by_track) == sorted(set(ids) - {ids[0]}, key=alone.__getitem__)


def test_narrowing_words_say_who_is_looked_at_by_parts(ask, hall, tmp_path):
    (tmp_path / "asked.png").write_bytes(png(crop(77)))
    _, ids, _ = hall
    asked = ("red coat", "--image", tmp_path / "asked.png", "--fusion", "narrowed", "--keep", "0.5")
    plain, again = ask(*asked), ask(*asked, "--rerank", "ljm(1,1,0)")
    assert plain["kept"] == again["kept"] == 4 and ids[6] in order(plain)
    assert sorted(order(plain)) == sorted(order(again)) and len(order(again)) == 4


def test_whoever_reads_is_told_what_was_done(command, hall, model):
    _, _, tracklets = hall
    told = command("query", "--track", tracklets[0], "--rerank", "ljm", "--db", hall[0], "--reid", model)
    assert told.status == 0, told.err
    assert "re-ranked by ljm(10,0.2,0.3): a place depends on who else is near it" in told.out


def test_a_sighting_without_a_picture_is_told_of(command, tmp_path, embedder, model):
    url = f"sqlite:///{tmp_path / 'bare.db'}"
    with Gallery.open(url) as gallery:
        gallery.add(
            embedder.embed([crop(0)], DAY),
            camera="lobby",
            modality=DAY,
            time_ns=[1_700_000_000_000_000_000],
            model=embedder.model_id,
        )
    (tmp_path / "asked.png").write_bytes(png(crop(77)))
    refused = command(
        "query", "--image", tmp_path / "asked.png", "--rerank", "ljm", "--db", url, "--reid", model
    )
    assert "The gallery has no crop of the sighting" in refused.error("usage")
