"""Workers in processes of their own, started quickly and ended in every way, and what is expected of them."""

import json
import os
import signal
import time
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from itertools import count
from pathlib import Path
from typing import Any, Self

import psutil
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import func, insert, select

from reid_core.errors import NightreidError
from reid_core.gallery.database import Database
from reid_core.gallery.ledger import RECORD_REFUSED
from reid_core.gallery.outbox import CAPTION_MADE, LINK_MADE, TRACKLET_CLOSED, Outbox
from reid_core.gallery.schema import (
    Base,
    LeaseRow,
    LinkRow,
    OutboxRow,
    PartitionRow,
    RefusedRow,
    SightingRow,
    StreamRow,
    TrackletRow,
    VectorRow,
)
from stream.followers.told_before import digest
from stream.kafka.envelope import Envelope
from tests.support.daemon import free_ports, tell_reaper
from tests.support.forked import PROCESSES
from tests.support.galleries import gallery_rows
from tests.support.shift import Post, make_topics, send, work

_LOOK_SECONDS = 0.05
_TOPICS = {TRACKLET_CLOSED: "sightings", LINK_MADE: "links", CAPTION_MADE: "captions"}
_MARK = "a mark of the tests"


def until(what: str, told: Callable[[], Any], within: float) -> Any:
    """The first true answer; an answer that fails because something is away counts as none."""
    deadline, last = time.monotonic() + within, None
    while True:
        try:
            last = told()
        except NightreidError as error:
            if not error.transient:
                raise
            last = None
        if last:
            return last
        assert time.monotonic() < deadline, f"not within {within:g} s: {what}"
        time.sleep(_LOOK_SECONDS)


class Served:
    """A process that serves its status.

    Args:
        target: what it does, with its one argument.
        port: where it serves its status.
        names: what the names of its metrics begin with.
        log: where it writes what it does.
    """

    def __init__(self, target: tuple[Callable[[Any], None], Any], port: int, names: str, log: str) -> None:
        self._process = PROCESSES.Process(target=target[0], args=target[1:])
        self._port = port
        self._names = names
        self._log = log

    def start(self) -> Self:
        self._process.start()
        tell_reaper("process", self.pid)
        return self

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.is_alive()

    @property
    def memory(self) -> int:
        """Bytes resident."""
        return psutil.Process(self.pid).memory_info().rss

    def kill(self) -> None:
        """End at once (SIGKILL)."""
        self._signal(signal.SIGKILL)
        self._process.join(10)

    def freeze(self) -> None:
        """Run no further (SIGSTOP), connections kept."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Run on (SIGCONT)."""
        self._signal(signal.SIGCONT)

    def ask_to_stop(self) -> None:
        """SIGTERM."""
        self._signal(signal.SIGTERM)

    def stop(self, within: float = 30.0) -> int:
        """Ask it to end in order; its exit status."""
        self.ask_to_stop()
        return self.ended(within)

    def ended(self, within: float) -> int:
        """Its exit status once it has ended: minus the signal's number where one ended it."""
        self._process.join(within)
        status = self._process.exitcode
        assert status is not None, f"it has not ended within {within:g} s\n{self.log()}"
        tell_reaper("ended", self.pid)
        return status

    def remove(self) -> None:
        """End it, whatever state it is in."""
        if self._process.pid is not None and self.alive:
            self.kill()
        self._process.close()

    def answer(self, path: str) -> tuple[int, str]:
        """What its status server says: 0 where it does not listen yet."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._port}{path}", timeout=5) as got:
                return got.status, got.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()
        except OSError:
            return 0, ""

    @property
    def live(self) -> bool:
        return self.answer("/live")[0] == 200

    @property
    def ready(self) -> bool:
        return self.answer("/ready")[0] == 200

    @property
    def reasons(self) -> list[str]:
        """Why it is not ready."""
        status, text = self.answer("/ready")
        return json.loads(text)["reasons"] if status else ["It does not answer."]

    def metric(self, name: str, **labels: str) -> float:
        """The sum of a metric's samples with these labels; 0 where there is none."""
        _, text = self.answer("/metrics")
        wanted = f"{self._names}_{name}"
        return sum(
            sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
            if sample.name == wanted and labels.items() <= sample.labels.items()
        )

    def log(self) -> str:
        """What it wrote."""
        path = Path(self._log)
        return path.read_text(errors="replace") if path.is_file() else ""

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError):
            os.kill(self.pid, number)


class WorkerProcess(Served):
    """One worker in a process of its own.

    Args:
        post: what it is told; its ``status_port`` is chosen here.
        target: what the process does; takes the post.
    """

    def __init__(self, post: Post, target: Callable[[Post], None] = work) -> None:
        self.post = post if post.status_port >= 0 else replace(post, status_port=free_ports(1)[0])
        super().__init__((target, self.post), self.post.status_port, "nightreid_worker", post.log)


@dataclass(frozen=True)
class Told:
    """A record of a topic that tells of an outbox row."""

    outbox: int
    key: bytes | None
    value: bytes | None
    headers: dict[str, bytes]

    @property
    def said(self) -> dict[str, Any]:
        return json.loads(self.value or b"")

    @property
    def generation(self) -> int:
        return int(self.headers["generation"])


def _given_up(records: Sequence[Told], here: dict[int, str]) -> Callable[[Told], bool]:
    """Whether what a record tells was given up with a restore.

    A later generation tells of its number or of one before, and so of all behind; or the last generation
    begins behind it, and its event, by its digest, is not here.
    """
    begins: dict[int, int] = {}
    for one in records:
        begins[one.generation] = min(one.outbox, begins.get(one.generation, one.outbox))
    last = max(begins, default=1)

    def of(one: Told) -> bool:
        told_anew = any(number <= one.outbox for later, number in begins.items() if later > one.generation)
        return told_anew or (one.generation < last and one.headers["event"].decode() != here.get(one.outbox))

    return of


@dataclass
class Deployment:
    """Topics, a gallery and the workers between them.

    Attributes:
        bootstrap: of Kafka.
        prefix: of its topics.
        database: address of the gallery.
        model: folder of the embedder.
        folder: for logs.
        defaults: of every worker's post.
        workers: all that were started.
    """

    bootstrap: str
    prefix: str
    database: str
    model: str
    folder: Path
    defaults: dict[str, Any] = field(default_factory=dict)
    workers: list[WorkerProcess] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Make the schema: workers then find it, and what is read here is read as they read it."""
        self.group = str(self.defaults.get("group", "night"))
        self.gallery = Database(self.database)
        self._numbers = count(1)

    def make_topics(self, partitions: int = 2) -> None:
        make_topics(self.bootstrap, self.prefix, partitions)

    def publish(self, envelopes: Iterable[Envelope]) -> None:
        send(self.bootstrap, self.prefix, envelopes)

    def worker(self, target: Callable[[Post], None] = work, **changes: Any) -> WorkerProcess:
        """Start a worker; ``changes`` are of its `Post`."""
        number = next(self._numbers)
        told = {**self.defaults, **changes}
        told["limits"] = {**self.defaults.get("limits", {}), **changes.get("limits", {})}
        post = Post(
            self.bootstrap,
            self.prefix,
            self.database,
            self.model,
            log=str(self.folder / f"worker{number}.log"),
            **told,
        )
        self.workers.append(WorkerProcess(post, target))
        return self.workers[-1].start()

    def close(self) -> None:
        """End whatever still runs."""
        for worker in self.workers:
            worker.remove()
        self.gallery.close()

    def logs(self) -> str:
        """What the workers wrote last."""
        return "\n".join(
            f"--- worker {number}\n{worker.log()[-6000:]}" for number, worker in enumerate(self.workers, 1)
        )

    # What is there

    def count(self, table: str) -> int:
        with self.gallery.read() as session:
            return session.scalar(select(func.count()).select_from(Base.metadata.tables[table])) or 0

    def next_offsets(self) -> dict[tuple[str, int], int]:
        """Where the ledger would go on, by topic and partition."""
        chosen = select(PartitionRow).where(PartitionRow.group_id == self.group)
        with self.gallery.read() as session:
            return {(row.topic, row.number): row.next for row in session.scalars(chosen)}

    def holders(self) -> dict[tuple[str, int], tuple[str, int]]:
        """Who holds each partition, empty where nobody does, and the holder's epoch."""
        chosen = select(PartitionRow).where(PartitionRow.group_id == self.group)
        with self.gallery.read() as session:
            return {(row.topic, row.number): (row.holder, row.epoch) for row in session.scalars(chosen)}

    def lease_epoch(self) -> int:
        """Which clerk it is by now."""
        with self.gallery.read() as session:
            row = session.get(LeaseRow, f"clerk/{self.group}")
            return row.epoch if row is not None else 0

    def committed(self) -> dict[TopicPartition, int]:
        """The offsets that Kafka keeps of the group, for its own tools."""
        with KafkaAdminClient(bootstrap_servers=self.bootstrap) as admin:
            found = admin.list_group_offsets(self.group)[self.group]
        return {place: kept.offset for place, kept in found.items()}

    def whole(self) -> dict[str, int]:
        """How many rows each table of the gallery has, once it is sure that no tracklet is half there."""
        with self.gallery.read() as session:
            kept = session.scalar(select(func.count()).select_from(SightingRow))
            assert kept == session.scalar(select(func.count()).select_from(VectorRow))
            empty = select(TrackletRow.id).where(~TrackletRow.id.in_(select(SightingRow.tracklet_id)))
            assert not session.scalars(empty).all()
            return {
                table.name: session.scalar(select(func.count()).select_from(table)) or 0
                for table in Base.metadata.sorted_tables
                if table.name != "leases"
            }

    def records_taken(self) -> int:
        """How many records the workers have taken up by now."""
        return int(sum(worker.metric("records_total") for worker in self.workers))

    def records_left(self) -> int:
        """How many records the ledger has not gone past yet."""
        ends = self._ends([f"{self.prefix}frames.visible", f"{self.prefix}frames.infrared"])
        come = self.next_offsets()
        return sum(end - come.get((one.topic, one.partition), 0) for one, end in ends.items())

    def until_dead(self, worker: WorkerProcess, within: float = 30.0) -> None:
        """Come back once a worker has died of what it was armed with."""
        self._wait(lambda: not worker.alive, within, "the worker's death")
        assert worker.ended(1) == -signal.SIGKILL

    def until_staged(self, tracklets: int = 1, within: float = 30.0) -> None:
        """Come back once so many tracklets have been staged or admitted."""
        what = f"{tracklets} tracklets"
        until(what, lambda: self.count("staged") + self.count("tracklets") >= tracklets, within)

    def events(self) -> list[tuple[int, str, str]]:
        """Number, kind and subject of what happened and is to be told, in order."""
        kinds = [*_TOPICS, RECORD_REFUSED]
        chosen = select(OutboxRow).where(OutboxRow.kind.in_(kinds), OutboxRow.subject != _MARK)
        with self.gallery.read() as session:
            return [(row.id, row.kind, row.subject) for row in session.scalars(chosen.order_by(OutboxRow.id))]

    def told(self, topic: str) -> list[Told]:
        """What every committed record of a result topic tells, oldest first within its partition."""
        return [
            Told(int(dict(one.headers)["outbox"]), one.key, one.value, dict(one.headers))
            for one in self.read(topic)
        ]

    def refused(self) -> list[RefusedRow]:
        """Every dead letter."""
        with self.gallery.read() as session:
            return list(session.scalars(select(RefusedRow).order_by(RefusedRow.id)))

    def read(self, topic: str) -> list[Any]:
        """Every committed record of a result topic, oldest first within its partition."""
        name = f"{self.prefix}{topic}"
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap,
            enable_auto_commit=False,
            isolation_level="read_committed",
            bootstrap_timeout_ms=5000,
        )
        try:
            partitions = [TopicPartition(name, one) for one in consumer.partitions_for_topic(name) or ()]
            consumer.assign(partitions)
            consumer.seek_to_beginning(*partitions)
            ends = consumer.end_offsets(partitions)
            found = []
            deadline = time.monotonic() + 15
            while any(consumer.position(one) < ends[one] for one in partitions):
                assert time.monotonic() < deadline, f"{name} cannot be read to its end"
                for records in consumer.poll(200).values():
                    found += records
        finally:
            consumer.close()
        return found

    def _ends(self, topics: Sequence[str]) -> dict[TopicPartition, int]:
        consumer = KafkaConsumer(
            bootstrap_servers=self.bootstrap, enable_auto_commit=False, bootstrap_timeout_ms=5000
        )
        try:
            partitions = [
                TopicPartition(topic, number)
                for topic in topics
                for number in consumer.partitions_for_topic(topic) or ()
            ]
            return consumer.end_offsets(partitions)
        finally:
            consumer.close()

    # What is expected

    def drained(self, within: float) -> None:
        """Come back once every record is settled, admitted and announced, and the announcer is past it all.

        Raises:
            AssertionError: it is not within so many seconds; says what is left.
        """
        deadline = time.monotonic() + within

        def left() -> float:
            return max(0.1, deadline - time.monotonic())

        ends = self._ends([f"{self.prefix}frames.visible", f"{self.prefix}frames.infrared"])
        wanted = {(one.topic, one.partition): end for one, end in ends.items() if end}
        self._wait(lambda: wanted.items() <= self.next_offsets().items(), left(), "records")
        self._wait(lambda: not self.count("staged"), left(), "staged tracklets")
        mark = self._mark()
        self._wait(lambda: self._announced_to() >= mark, left(), "announcements")

    def check(self, expected: dict[str, list[str]], dead_letters: Sequence[tuple[str, str]] = ()) -> None:
        """Nothing lost, nothing doubled.

        Args:
            expected: `gallery_rows` of an undisturbed run.
            dead_letters: camera's topic (``frames.visible``) and reason of each expected one, in any order.
        """
        self.check_rows(expected)
        self.check_books(dead_letters)

    def check_books(self, dead_letters: Sequence[tuple[str, str]] = ()) -> None:
        """The same where the rows are compared elsewhere, because the fault changes some."""
        self.whole()
        self.check_topics()
        assert not self.count("staged")
        refused = [(row.topic, row.reason) for row in self.refused()]
        assert Counter(refused) == Counter((f"{self.prefix}{topic}", why) for topic, why in dead_letters)

    def check_rows(self, expected: dict[str, list[str]]) -> None:
        """The gallery holds these rows."""
        found = gallery_rows(self.database, numbers=self.gallery.dialect == "sqlite")
        different = {
            table: {"surplus": _behind(found[table], rows), "missing": _behind(rows, found[table])}
            for table, rows in expected.items()
            if found[table] != rows
        }
        said = [
            f"{table} {how}: {row}"
            for table, both in different.items()
            for how, rows in both.items()
            for row in rows
        ]
        assert not different, "\n".join(said)

    def check_topics(self) -> None:
        """Every event is on its topic, once and in order, and the last word on each link is what it is.

        What an earlier generation told of a history that was given up with a restore is left out.
        """
        events = self.events()
        topics = (*_TOPICS.values(), "dlq.frames.visible", "dlq.frames.infrared")
        records = {topic: self.told(topic) for topic in topics}
        kinds = {*_TOPICS, RECORD_REFUSED}
        here = {one.id: digest(one) for one in Outbox(self.gallery).after(0, kinds, 1 << 20)}
        given_up = _given_up([one for told in records.values() for one in told], here)
        for kind, topic in _TOPICS.items():
            kept = [one for one in records[topic] if not given_up(one)]
            told = [(one.outbox, one.said["tracklet"]) for one in kept]
            assert told == [(number, subject) for number, of, subject in events if of == kind], topic
        last = {one.said["tracklet"]: one.said for one in records["links"] if not given_up(one)}
        with self.gallery.read() as session:
            for link in session.scalars(select(LinkRow)):
                said = last[link.tracklet_id]
                names = ("decision", "score", "probability", "candidates")
                assert {name: said[name] for name in names} == {name: getattr(link, name) for name in names}
                assert said["identity"] == link.identity_id
        letters = [one.outbox for topic in topics[-2:] for one in records[topic] if not given_up(one)]
        assert sorted(letters) == [number for number, of, _ in events if of == RECORD_REFUSED]

    def _wait(self, told: Callable[[], bool], within: float, what: str) -> None:
        try:
            until(what, told, within)
        except AssertionError as error:
            with suppress(NightreidError):
                raise AssertionError(f"{error}\n{self._state()}") from None
            raise

    def _state(self) -> str:
        """Where everything stands, for who must find out why it goes no further."""
        tables = (PartitionRow, StreamRow, LeaseRow)
        with self.gallery.read() as session:
            rows = [
                {name: value for name, value in vars(row).items() if not name.startswith("_")}
                for table in tables
                for row in session.scalars(select(table))
            ]
        sizes = [f"{self.count(name)} {name}" for name in ("staged", "tracklets", "links", "refused")]
        return "\n".join([*sizes, *map(str, rows)])

    def _mark(self) -> int:
        """An event that is told to nobody: who has come past it has come past all before it."""
        values = {"kind": LINK_MADE, "subject": _MARK, "payload": {"model": ""}, "created_ns": 0}

        def put() -> int:
            with self.gallery.write() as session:
                return session.scalar(insert(OutboxRow).values(values).returning(OutboxRow.id)) or 0

        return int(until("a row is written", put, 10))

    def _announced_to(self) -> int:
        with self.gallery.read() as session:
            row = session.get(LeaseRow, f"clerk/{self.group}")
            return int(row.state.get("position", 0)) if row is not None else 0


def _behind(some: list[str], others: list[str]) -> list[str]:
    """What the one list has and the other has not."""
    return [row[:300] for row in Counter(some) - Counter(others)][:6]
