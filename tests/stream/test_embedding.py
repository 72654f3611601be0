"""The embedder's thread: order, bounds, the last bits of vectors, and how it ends."""

import threading
import time
from concurrent.futures import CancelledError, wait
from contextlib import nullcontext

import numpy as np
import pytest

from reid_core.errors import ModelError
from reid_core.runtime import load_embedder
from reid_core.types import CloseReason, Modality, Sighting, Tracklet
from stream.chain.embedding import Embedding
from tests.support.held import Held


@pytest.fixture(scope="module")
def embedder(colour_checkpoint):
    return load_embedder(colour_checkpoint, threads=1)


@pytest.fixture
def held(embedder):
    held = Held(embedder)
    yield held
    held.let_through()


def tracklet(number, crops=3, modality=Modality.VISIBLE):
    draw = np.random.default_rng(number)
    box = np.array([0, 0, 10, 20], np.float32)
    sightings = tuple(
        Sighting(frame, frame, box, 0.9, 0.5, draw.integers(0, 256, (20 + frame, 10, 3), np.uint8))
        for frame in range(crops)
    )
    frames = np.arange(crops)
    return Tracklet(
        id=f"t{number}",
        recording="r",
        camera="gate",
        modality=modality,
        frames=frames,
        times_ns=frames,
        boxes=np.tile(box, (crops, 1)),
        confidences=np.full(crops, 0.9, np.float32),
        sightings=sightings,
        close_reason=CloseReason.END,
    )


def embedding(embedder, keep=lambda one, vectors: (one.id, vectors), waiting=100):
    return Embedding(embedder, keep, lambda crops: nullcontext(), waiting)


def test_vectors_are_those_of_a_call_alone_whatever_waits_beside_them(embedder, held):
    many = [tracklet(n, crops=1 + n % 5, modality=list(Modality)[n // 7 % 2]) for n in range(24)]
    stage = embedding(held)
    futures = [stage.submit(one) for one in many]
    held.let_through()
    found = [future.result(10) for future in futures]
    stage.close()
    assert [name for name, _ in found] == [one.id for one in many]
    assert held.calls == [len(one.sightings) for one in many]
    for one, (_, vectors) in zip(many, found, strict=True):
        alone = embedder.embed([sighting.crop for sighting in one.sightings], one.modality)
        assert vectors.tobytes() == alone.tobytes()


def test_results_come_in_the_order_of_handing_in(held):
    order = []
    stage = embedding(held, lambda one, _: order.append(one.id))
    futures = [stage.submit(tracklet(n)) for n in range(6)]
    for let in range(6):
        held.let_through(1)
        futures[let].result(10)
        assert [future.done() for future in futures] == [True] * (let + 1) + [False] * (5 - let)
    stage.close()
    assert order == [f"t{n}" for n in range(6)]


def test_who_closes_more_than_may_wait_waits(held):
    stage, handed = embedding(held, waiting=2), []

    def hand_in():
        for n in range(6):
            handed.append(stage.submit(tracklet(n)))

    thread = threading.Thread(target=hand_in)
    thread.start()
    for done in range(4):
        # One is in hand and two wait.
        settled(lambda done=done: len(handed) == done + 3)
        time.sleep(0.05)
        assert len(handed) == done + 3
        held.let_through(1)
    held.let_through()
    thread.join(10)
    assert len(wait(handed, 10).done) == 6
    stage.close()


def settled(told):
    deadline = time.monotonic() + 10
    while not told():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_an_error_comes_out_where_the_result_is_taken(embedder):
    def keep(one, vectors):
        if one.id == "t1":
            raise ModelError("The embedder is tired.")
        return one.id

    stage = embedding(embedder, keep)
    first, second, third = (stage.submit(tracklet(n)) for n in range(3))
    stage.wait()
    assert first.result(0) == "t0" and third.result(0) == "t2"
    with pytest.raises(ModelError, match="tired"):
        second.result(0)
    stage.close()


def test_closing_finishes_what_is_in_hand_and_gives_up_the_rest(held):
    stage = embedding(held, waiting=2)
    first, second, third = (stage.submit(tracklet(n)) for n in range(3))
    closing = threading.Thread(target=stage.close)
    closing.start()
    time.sleep(0.05)
    assert closing.is_alive() and not first.done()
    held.let_through()
    closing.join(10)
    assert not closing.is_alive() and held.calls == [3]
    assert first.result(0)[0] == "t0"
    for left in (second, third):
        with pytest.raises(CancelledError):
            left.result(0)
    assert not [one for one in threading.enumerate() if one is stage._thread]


def test_closing_what_never_began_is_nothing(embedder):
    stage = embedding(embedder)
    stage.wait()
    stage.close()
