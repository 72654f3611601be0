"""A real Apache Kafka for the tests: KRaft nodes from the jars that Maven resolves."""

import logging
import os
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path

from reid_core.runtime.cache import cache_folder
from stream.kafka.clients import KafkaSettings, admin, translated
from stream.kafka.errors import BrokerError
from tests.support.daemon import Daemon, free_ports

POM = Path(__file__).parent / "kafka/pom.xml"
CLUSTER_ID = "MkU3OEVBNTcwNTJENDM2Qk"

# A small machine runs several of these at once; the compiler that starts quickest serves tests best.
_JAVA = ("java", "-Xmx300m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1")

_SETTINGS = {
    "process.roles": "broker,controller",
    "controller.listener.names": "CONTROLLER",
    "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
    # Topics come from where they are planned: a misspelt one must fail.
    "auto.create.topics.enable": "false",
    "message.max.bytes": 10 * 1024 * 1024,
    "replica.fetch.max.bytes": 10 * 1024 * 1024,
    "offsets.topic.num.partitions": 2,
    "transaction.state.log.num.partitions": 2,
    "share.coordinator.state.topic.num.partitions": 2,
    "group.initial.rebalance.delay.ms": 0,
    "group.min.session.timeout.ms": 1000,
    # A node that was killed is let in again once its old life is over: nine seconds by default.
    "broker.session.timeout.ms": 2000,
    "broker.heartbeat.interval.ms": 400,
    "log.cleaner.dedupe.buffer.size": 4 * 1024 * 1024,
    "log.index.size.max.bytes": 1024 * 1024,
    "log.segment.delete.delay.ms": 1000,
    "num.network.threads": 2,
    "num.io.threads": 4,
    "num.recovery.threads.per.data.dir": 1,
}


class NoBrokerError(Exception):
    """There is no Java, no Maven, or the jars cannot be had."""


def jars() -> Path:
    """Folder of the broker's jars; the first call on a machine lets Maven fetch them.

    Raises:
        NoBrokerError: Java or Maven are missing, or Maven failed.
    """
    for tool, what in (("java", "Java 17 or newer"), ("mvn", "Maven")):
        if shutil.which(tool) is None:
            raise NoBrokerError(f"needs {what} ({tool}) for a real broker")
    told = subprocess.run(
        ["java", "-version"], capture_output=True, text=True, timeout=60, check=False
    ).stderr
    java = re.search(r'version "(\d+)', told)
    if java is None or int(java[1]) < 17:
        raise NoBrokerError(f"needs Java 17 or newer for a real broker, and has {told.splitlines()[:1]}")
    version = ET.parse(POM).findtext(".//{*}kafka.version")
    folder = cache_folder() / f"kafka-{version}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        # A folder under its final name is whole, whoever filled it: two sessions may fetch at once.
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f"{folder.name}-") as name:
            fetched = Path(name, "jars")
            _fetch(fetched)
            fetched.rename(folder)
    except OSError as error:
        if not folder.is_dir():
            raise NoBrokerError(f"the cache for Apache Kafka cannot be filled: {error}") from None
    return folder


def _fetch(folder: Path) -> None:
    command = (
        *("mvn", "-q", "-B", "-f", str(POM), "dependency:copy-dependencies"),
        *("-DincludeScope=runtime", f"-DoutputDirectory={folder}"),
    )
    try:
        subprocess.run(
            command, env=_java_environment(), capture_output=True, text=True, timeout=600, check=True
        )
    except subprocess.CalledProcessError as error:
        said = (error.stdout + error.stderr)[-500:]
        raise NoBrokerError(f"Maven cannot fetch Apache Kafka: {said}") from None
    except subprocess.TimeoutExpired:
        raise NoBrokerError("Maven cannot fetch Apache Kafka in ten minutes") from None


def _java_environment() -> dict[str, str]:
    # In the plain C locale Java cannot name a file whose path is not ASCII.
    return os.environ | {"LC_ALL": "C.UTF-8"}


class Broker:
    """One node, broker and controller at once.

    Args:
        node: its number, from 1.
        folder: for its data, settings and log.
        ports: of clients and of controllers.
        voters: every node's controller, as ``controller.quorum.voters`` spells it.
        settings: over the ordinary ones.
        client: how its clients are let in, as `KafkaSettings` spells it.
    """

    def __init__(
        self,
        node: int,
        folder: Path,
        ports: tuple[int, int],
        voters: str,
        settings: Mapping[str, object],
        client: Mapping[str, object],
    ) -> None:
        self.node = node
        self.folder = folder
        self.bootstrap = f"127.0.0.1:{ports[0]}"
        self._client = KafkaSettings.model_validate(
            {**client, "bootstrap": self.bootstrap, "connect_seconds": 2, "request_seconds": 2}
        )
        self._settings = {
            "node.id": node,
            # From the node's folder: Java reads its settings as Latin-1 and splits folders at commas.
            "log.dirs": "data",
            "controller.quorum.voters": voters,
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://127.0.0.1:{ports[1]}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            **settings,
        }

    @cached_property
    def _daemon(self) -> Daemon:
        self.folder.mkdir(parents=True, exist_ok=True)
        properties = self.folder / "server.properties"
        properties.write_text("".join(f"{name}={value}\n" for name, value in self._settings.items()))
        java = [*_JAVA, "-cp", f"{jars()}/*"]
        if not (self.folder / "data").exists():
            subprocess.run(
                [*java, "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties.name],
                cwd=self.folder,
                env=_java_environment(),
                capture_output=True,
                check=True,
                timeout=120,
            )
        command = [*java, "kafka.Kafka", properties.name]
        return Daemon(command, self.folder / "broker.log", environment=_java_environment())

    @property
    def alive(self) -> bool:
        return self._daemon.alive

    @property
    def pid(self) -> int:
        return self._daemon.pid

    def start(self) -> None:
        """Start the process; `Cluster.wait` says when it answers."""
        self._daemon.start()

    def wait(self, nodes: int = 1) -> None:
        """Come back once it answers and knows that many nodes."""
        with quiet_client():
            self._daemon.wait_until(lambda: _nodes_seen_by(self._client) >= nodes)

    def stop(self) -> None:
        """End in order (SIGTERM)."""
        self._daemon.stop()

    def kill(self) -> None:
        """End at once (SIGKILL)."""
        self._daemon.kill()

    def freeze(self) -> None:
        """Answer nothing from now on, connections kept (SIGSTOP)."""
        self._daemon.freeze()

    def thaw(self) -> None:
        """Answer again (SIGCONT)."""
        self._daemon.thaw()

    def log(self) -> str:
        """The end of what the node wrote."""
        return self._daemon.end_of_log()


class Cluster:
    """One node or several; what is done to the cluster is done to each of its ``nodes``.

    Data and ports stay the same over restarts.

    Args:
        folder: for the nodes' data, settings and logs.
        nodes: how many.
        settings: of the broker, over the ordinary ones.
        client: how its clients are let in, where anybody is not; as `KafkaSettings` spells it.
    """

    def __init__(
        self,
        folder: Path,
        nodes: int = 1,
        settings: Mapping[str, object] | None = None,
        client: Mapping[str, object] | None = None,
    ) -> None:
        ports = free_ports(2 * nodes)
        voters = ",".join(f"{node + 1}@127.0.0.1:{ports[nodes + node]}" for node in range(nodes))
        copies = min(nodes, 3)
        replication = {
            "offsets.topic.replication.factor": copies,
            "transaction.state.log.replication.factor": copies,
            "transaction.state.log.min.isr": min(copies, 2),
            "share.coordinator.state.topic.replication.factor": copies,
            "share.coordinator.state.topic.min.isr": min(copies, 2),
        }
        self.nodes = [
            Broker(
                node + 1,
                folder / f"node{node + 1}",
                (ports[node], ports[nodes + node]),
                voters,
                {**_SETTINGS, **replication, **(settings or {})},
                client or {},
            )
            for node in range(nodes)
        ]

    @property
    def bootstrap(self) -> str:
        """Addresses of every node, as ``bootstrap_servers`` takes them."""
        return ",".join(node.bootstrap for node in self.nodes)

    def start(self) -> None:
        """Start what does not run, and come back once every node answers and knows the others."""
        for node in self.nodes:
            if not node.alive:
                node.start()
        for node in self.nodes:
            node.wait(len(self.nodes))

    def stop(self) -> None:
        """End in order (SIGTERM)."""
        for node in self.nodes:
            node.stop()

    def kill(self) -> None:
        """End at once (SIGKILL)."""
        for node in self.nodes:
            node.kill()

    def restart(self) -> None:
        """End in order and start again: same data, same addresses."""
        self.stop()
        self.start()

    def freeze(self) -> None:
        """Answer nothing from now on, connections kept (SIGSTOP)."""
        for node in self.nodes:
            node.freeze()

    def thaw(self) -> None:
        """Answer again (SIGCONT)."""
        for node in self.nodes:
            node.thaw()

    def log(self) -> str:
        """The end of what each node wrote."""
        return "\n".join(f"--- node {node.node}\n{node.log()}" for node in self.nodes)


@contextmanager
def quiet_client() -> Iterator[None]:
    """Nothing in the log about connections that are refused, as they are until a broker listens."""
    logger = logging.getLogger("kafka")
    before = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        yield
    finally:
        logger.setLevel(before)


def _nodes_seen_by(settings: KafkaSettings) -> int:
    """How many nodes a broker that answers knows and deems alive; 0 where none answers."""
    try:
        with admin(settings, reconnect_backoff_max_ms=100) as client, translated():
            brokers = client.describe_cluster()["brokers"]
    except BrokerError:
        return 0
    return sum(not broker.get("is_fenced") for broker in brokers)


def external() -> str | None:
    """Addresses of a broker that is there already and is not ours to kill: ``KAFKA_BOOTSTRAP``."""
    return os.environ.get("KAFKA_BOOTSTRAP") or None
