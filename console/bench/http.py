"""Searches over HTTP in galleries of made-up people, while tracklets come in; and fifty clients at once.

The console runs in a process of its own, as `nightreid serve` starts it; whoever asks and whoever writes
share the machine with it. The writer writes what a worker's admission writes, without comparing anybody.
"""

import os
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import numpy as np

from console.bench.gallery import World, check_sizes, entry_of, fill
from console.bench.machine import describe_machine
from console.bench.query import description_of, put_captions
from reid_core.access import Role
from reid_core.access.tokens import add_token
from reid_core.access.users import add_user
from reid_core.gallery import Gallery, IdentityPolicy, VectorKind, writing
from reid_core.gallery.blind_store import BlindStore
from reid_core.querying.encoders import open_text_encoder

TARGET_MS = 150.0
"""Of the slowest twentieth of searches by text."""
CLIENTS = 50

_SEED = 2029
_START_SECONDS = 900.0
_EVERY_SECONDS = 0.2
_ASKED_BY_EACH = 2


def bench_search_http(
    sizes: Sequence[int] = (100_000,), rounds: int = 40, gallery: Path | None = None
) -> dict[str, Any]:
    """Ask a console by text, and by a tracklet with a text, one search after the other; then fifty at once.

    Args:
        sizes: of the galleries, in sightings.
        rounds: searches of each kind.
        gallery: a database that `fill` and `put_captions` have filled to the one size; made otherwise.

    Raises:
        UsageError: a size is below 1,000, or needs more memory than is free.
    """
    encoder = open_text_encoder()
    check_sizes(sizes, encoder.dim)
    cases = []
    for size in sizes:
        world = World(size, encoder.dim, encoder.space)
        with tempfile.TemporaryDirectory(prefix="nightreid-bench-") as folder:
            database = gallery if gallery is not None else Path(folder) / "bench.db"
            if gallery is None:
                _fill(database, world, encoder)
            cases.append(_case(database, Path(folder), world, rounds))
    worst = max(case["text"]["p95_ms"] for case in cases)
    return {
        "name": "search --http",
        "ours_s": worst / 1e3,
        "baseline_s": TARGET_MS / 1e3,
        "ratio": round(worst / TARGET_MS, 3),
        "target": 1.0,
        "cases": cases,
        "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
        "machine": describe_machine(),
    }


def _fill(database: Path, world: World, encoder: Any) -> None:
    with Gallery.open(f"sqlite:///{database}") as gallery:
        fill(gallery, world)
        put_captions(gallery, world, encoder)
    with Gallery.open(f"sqlite:///{database}") as gallery:
        for kind in VectorKind:
            gallery.search(world.views(0)[:1], world.space, 1, kind=kind)
        gallery.wait_for_graph()


def _case(database: Path, folder: Path, world: World, rounds: int) -> dict[str, Any]:
    with Gallery.open(f"sqlite:///{database}") as gallery:
        with gallery.database.write() as session:
            user = add_user(session, f"bench{time.time_ns()}", Role.INVESTIGATOR, None, time.time_ns())
            secret, _ = add_token(session, user, "bench", time.time_ns())
        with _served(database, folder) as (address, process), _client(address, secret) as client:
            _search(client, {"text": description_of(world.person(0))}, _START_SECONDS)
            idle = _asked(client, world, rounds, process)
            with _written(gallery, world) as written:
                busy = _asked(client, world, rounds, process)
            crowd = _crowd(address, secret, world, process)
    return {
        "sightings": world.sightings,
        "identities": world.people,
        **busy,
        "tracklets_written": written[0],
        "without_writer": idle,
        "clients": crowd,
    }


@contextmanager
def _served(database: Path, folder: Path) -> Iterator[tuple[str, int]]:
    """The console's address and the number of its process."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "console.cli", "serve", "--db", f"sqlite:///{database}"]
    settings = {"bind.port": port, "limits.requests_a_minute": 10_000_000, "policy.purpose": "[]"}
    for name, value in settings.items():
        command += ["--set", f"{name}={value}"]
    with (folder / "serve.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    address = f"http://127.0.0.1:{port}"
    try:
        _until(lambda: httpx.get(f"{address}/healthz").status_code == 200, process)
        yield address, process.pid
    finally:
        process.terminate()
        process.wait()


def _until(lives: Callable[[], bool], process: "subprocess.Popen[bytes]") -> None:
    end = time.monotonic() + _START_SECONDS
    while time.monotonic() < end and process.poll() is None:
        try:
            if lives():
                return
        except httpx.HTTPError:
            time.sleep(0.1)
    raise RuntimeError("the console did not start")


def _client(address: str, secret: str) -> httpx.Client:
    headers = {"Authorization": f"Bearer {secret}", "Nightreid-Purpose": "bench"}
    return httpx.Client(base_url=f"{address}/api/v1", headers=headers, timeout=120)


def _search(client: httpx.Client, asked: dict[str, Any], patience: float = 120.0) -> float:
    """Milliseconds until the answer was there."""
    begun = time.perf_counter()
    answer = client.post("/searches", json=asked, timeout=patience)
    took = 1e3 * (time.perf_counter() - begun)
    answer.raise_for_status()
    assert answer.json()["identities"], "a search found nobody"
    return took


def _asked(client: httpx.Client, world: World, rounds: int, process: int) -> dict[str, Any]:
    times: dict[str, list[float]] = {"text": [], "fused": []}
    draw = np.random.default_rng(_SEED)
    busy = {"text": 0.0, "fused": 0.0}
    for of in draw.integers(0, world.tracklets, rounds).tolist():
        text = description_of(world.person(of))
        for kind, asked in (("text", {"text": text}), ("fused", {"text": text, "tracklet": f"t{of}"})):
            before = _processor_seconds(process)
            times[kind].append(_search(client, asked))
            busy[kind] += _processor_seconds(process) - before
    return {
        kind: {
            "p50_ms": round(statistics.median(took), 1),
            "p95_ms": round(float(np.percentile(took, 95)), 1),
            "processor_ms": round(1e3 * busy[kind] / rounds, 1),
            "searches": rounds,
        }
        for kind, took in times.items()
    }


@contextmanager
def _written(gallery: Gallery, world: World) -> Iterator[list[int]]:
    """A writer beside the block; how many tracklets it has written, once the block has ended."""
    stop, count = threading.Event(), [0]
    policy, store = IdentityPolicy(None), BlindStore(world.space)
    # Others than those of a bench before in the same gallery.
    first = int(time.time()) % 10**6 * 1000

    def write() -> None:
        while not stop.wait(_EVERY_SECONDS):
            entry = entry_of(world, count[0], first + count[0])
            with gallery.database.write() as session:
                writing.add_tracklet(session, store, entry, policy)
            count[0] += 1

    thread = threading.Thread(target=write, name="writer")
    thread.start()
    try:
        yield count
    finally:
        stop.set()
        thread.join()


def _crowd(address: str, secret: str, world: World, process: int) -> dict[str, Any]:
    """Fifty who ask at the same time, twice: what went wrong, how long it took, and the memory after each."""

    def ask(number: int) -> float | str:
        with _client(address, secret) as client:
            took = 0.0
            for turn in range(_ASKED_BY_EACH):
                of = (number * 7919 + turn * 104_729) % world.tracklets
                try:
                    took = max(took, _search(client, {"text": description_of(world.person(of))}))
                except (httpx.HTTPError, AssertionError) as error:
                    return f"{type(error).__name__}: {error}"
            return took

    memory, answers = [_resident_mib(process)], []
    for _ in range(2):
        with ThreadPoolExecutor(CLIENTS) as pool:
            answers += list(pool.map(ask, range(CLIENTS)))
        memory.append(_resident_mib(process))
    took = [one for one in answers if isinstance(one, float)]
    errors = [one for one in answers if isinstance(one, str)]
    return {
        "clients": CLIENTS,
        "searches": 2 * CLIENTS * _ASKED_BY_EACH,
        "errors": len(errors),
        "first_error": errors[0] if errors else None,
        "slowest_ms": round(max(took), 1) if took else None,
        "memory_mib": memory,
    }


def _processor_seconds(process: int) -> float:
    """That a process has used so far; 0 where the system does not say."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _resident_mib(process: int) -> int:
    try:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
    except OSError:
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20
