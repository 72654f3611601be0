"""The one module through which Kafka is spoken: clients, and their errors in our own words.

The client library is young in this form and changes; what the project needs of it is imported from here.
"""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

import tenacity
from kafka import (
    ConsumerRebalanceListener,
    KafkaAdminClient,
    KafkaConsumer,
    KafkaProducer,
    OffsetAndMetadata,
    OffsetSpec,
    TopicPartition,
)
from kafka import errors as kafka_errors
from kafka.admin import ConfigResource
from kafka.net.compat import KafkaNetClient
from kafka.net.manager import KafkaConnectionManager
from kafka.net.selector import NetworkSelector

from stream.kafka.errors import BrokerAwayError, BrokerError
from stream.kafka.settings import KafkaSettings
from stream.kafka.trouble import explain_certificate, explain_kafka, translated

__all__ = [
    "ConfigResource",
    "ConsumerRebalanceListener",
    "KafkaAdminClient",
    "KafkaConsumer",
    "KafkaProducer",
    "KafkaSettings",
    "OffsetAndMetadata",
    "OffsetSpec",
    "Record",
    "TopicPartition",
    "admin",
    "ask",
    "consumer",
    "explain_kafka",
    "kafka_errors",
    "let_go",
    "producer",
    "translated",
    "using",
]

ClientT = TypeVar("ClientT")
AnswerT = TypeVar("AnswerT")

# The library's own thirty seconds would add to every outage that has ended already.
_RECONNECT_MOST_MS = 2000
_PROBE_SECONDS = 0.7
_PATIENT_SECONDS = 3600.0
_ABANDON_SECONDS = 5.0
_OTHER_NODE_SECONDS = 5.0
_PIECE = 256 << 10


class Record(Protocol):
    """What a consumer hands out.

    Attributes:
        topic: where it was.
        partition: of the topic.
        offset: in the partition.
        timestamp: milliseconds; the broker's clock where the topic says ``LogAppendTime``.
        key: or ``None``.
        value: or ``None`` (a deletion, in a compacted topic).
        headers: name and value, in order; a name may come twice.
    """

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: list[tuple[str, bytes | None]]


def producer(settings: KafkaSettings, **options: Any) -> KafkaProducer:
    """A producer whose records are acknowledged by all replicas in sync, once each and in order.

    Args:
        settings: how Kafka is reached.
        options: of `kafka.KafkaProducer`, over those of here.

    Raises:
        BrokerError: no broker answers in time, or it lets nobody in.
        ConfigError: a certificate cannot be used.
    """
    return _made(
        KafkaProducer,
        settings,
        {"acks": "all", "enable_idempotence": True, "allow_auto_create_topics": False} | options,
    )


def consumer(settings: KafkaSettings, **options: Any) -> KafkaConsumer:
    """A consumer that begins with the oldest record and commits nothing by itself.

    Args:
        settings: how Kafka is reached.
        options: of `kafka.KafkaConsumer`, over those of here.

    Raises:
        BrokerError: no broker answers in time, or it lets nobody in.
        ConfigError: a certificate cannot be used.
    """
    made = _made(
        KafkaConsumer,
        settings,
        {"enable_auto_commit": False, "auto_offset_reset": "earliest", "allow_auto_create_topics": False}
        | options,
    )
    # While a heartbeat is not answered, this says that the next one is due at once: the library's `poll`
    # would ask again thousands of times a second, and keep what it asked with until an answer comes.
    # Heartbeats need no `poll`: a thread of the library's own sends them.
    made._coordinator.time_to_next_poll = lambda: _PATIENT_SECONDS
    return made


def admin(settings: KafkaSettings, **options: Any) -> KafkaAdminClient:
    """A client for topics, groups and offsets.

    Args:
        settings: how Kafka is reached.
        options: of `kafka.KafkaAdminClient`, over those of here.

    Raises:
        BrokerError: no broker answers in time, or it lets nobody in.
        ConfigError: a certificate cannot be used.
    """
    return _made(KafkaAdminClient, settings, options)


def ask(settings: KafkaSettings, question: Callable[[KafkaAdminClient], AnswerT]) -> AnswerT:
    """Ask the cluster something; where the node that was asked has just gone, another one.

    Args:
        settings: how Kafka is reached.
        question: what is asked; it may be asked again, from its beginning.

    Raises:
        BrokerError: no broker answers in time, or it refuses.
        ConfigError: a certificate cannot be used.
    """
    with admin(settings) as client:
        for attempt in tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(BrokerAwayError),
            wait=tenacity.wait_fixed(0.3),
            stop=tenacity.stop_after_delay(_OTHER_NODE_SECONDS),
            reraise=True,
        ):
            with attempt, translated():
                return question(client)
    raise AssertionError("unreachable")


def _made(kind: Callable[..., ClientT], settings: KafkaSettings, options: dict[str, Any]) -> ClientT:
    """Build a client of any kind, and leave nothing behind where it cannot be built."""
    started: list[KafkaNetClient] = []
    managers: list[_Connections] = []

    def network(**configs: Any) -> KafkaNetClient:
        selector = NetworkSelector(**configs)
        managers.append(_Connections(selector, **configs))
        started.append(KafkaNetClient(net=selector, manager=managers[-1], **configs))
        return started[-1]

    try:
        client = kind(**(_common(settings) | {"kafka_client": network} | options))
    except BaseException as error:
        # A constructor that fails keeps its thread and its sockets, and whoever waits for a broker calls it
        # again and again.
        for each in started:
            each.close()
        if isinstance(error, kafka_errors.KafkaTimeoutError):
            raise _unreachable(settings, [why for each in managers for why in each.failures or ()]) from None
        if isinstance(error, kafka_errors.KafkaError):
            raise explain_kafka(error) from error
        raise
    for manager in managers:
        # Nobody asks for them any more, and an outage may be long.
        manager.failures = None
    return client


class _Connections(KafkaConnectionManager):  # type: ignore[misc]
    """Keeps why a first connection failed: the library tries again and tells only that its time was up."""

    def __init__(self, net: NetworkSelector, **configs: Any) -> None:
        super().__init__(net, **configs)
        self.failures: list[Exception] | None = []

    def get_connection(self, node_id: Any, **options: Any) -> Any:
        """A connection, or one that is being made."""
        connection = super().get_connection(node_id, **options)
        connection.init_future.add_errback(self._note)
        return connection

    def _note(self, failure: Exception) -> None:
        # Their frames hold the sockets, in circles: open until Python's collector comes by.
        cause: BaseException | None = failure
        while cause is not None:
            cause.__traceback__ = None
            cause = cause.__context__
        if self.failures is not None:
            self.failures.append(failure)

    async def _build_transport(self, node: Any, timeout_at: float | None = None) -> Any:
        transport = await super()._build_transport(node, timeout_at=timeout_at)
        transport._sock = _Emptied(transport._sock)
        return transport


class _Emptied:
    """A socket that hands out as much as there is, whatever it is asked for; its end comes in its own turn.

    The library asks for 4 KiB at a time: seventy times for a frame, and each time another thread may take
    the interpreter and keep it for a while. It takes what it gets, and asks until nothing is left. Where that
    is the end, it reads nothing of what came before any more: a broker that refuses a login says so and
    breaks off at once.

    Args:
        plain: the socket.
    """

    def __init__(self, plain: socket.socket) -> None:
        self._plain = plain
        self._fresh = False

    def recv(self, _size: int) -> bytes:
        """What has come; raises as the socket does."""
        got = self._plain.recv(_PIECE)
        before, self._fresh = self._fresh, bool(got)
        if not got and before:
            raise BlockingIOError
        return got

    def __getattr__(self, name: str) -> Any:
        """Everything else is the socket's."""
        return getattr(self._plain, name)


def let_go(client: KafkaProducer | KafkaConsumer | KafkaAdminClient, seconds: float = 2.0) -> None:
    """Close a client, whatever the broker does.

    Args:
        client: of any kind.
        seconds: how long a producer may deliver what waits, or a consumer take its leave of its group; a
            producer gives up what is not acknowledged by then, though what is under way may still arrive.
    """
    if isinstance(client, KafkaConsumer):
        client.close(autocommit=False, timeout_ms=int(seconds * 1000))
    elif isinstance(client, KafkaProducer):
        try:
            client.close(timeout=seconds)
        except kafka_errors.KafkaTimeoutError:
            # The library leaves it open then, and its thread delivers what it has once the broker is back.
            client._sender.force_close()
            client._sender.join(_ABANDON_SECONDS)
            client.close(timeout=_ABANDON_SECONDS)
    else:
        client.close()


@contextmanager
def using(client: ClientT, seconds: float = 2.0) -> Iterator[ClientT]:
    """Let go of a client at the end, see `let_go`."""
    try:
        yield client
    finally:
        let_go(client, seconds)


def _common(settings: KafkaSettings) -> dict[str, Any]:
    """What every kind of client is told."""
    options: dict[str, Any] = {
        "bootstrap_servers": list(settings.bootstrap),
        "client_id": settings.client_id,
        "security_protocol": settings.security_protocol,
        "ssl_context": settings.tls(),
        "bootstrap_timeout_ms": int(settings.connect_seconds * 1000),
        "request_timeout_ms": int(settings.request_seconds * 1000),
        "reconnect_backoff_max_ms": _RECONNECT_MOST_MS,
    }
    if settings.sasl_password is not None:
        options |= {
            "sasl_mechanism": settings.sasl_mechanism,
            "sasl_plain_username": settings.sasl_username,
            "sasl_plain_password": settings.sasl_password.get_secret_value(),
        }
    return options


def _unreachable(settings: KafkaSettings, failures: list[Exception]) -> BrokerError:
    """Why there is no broker: the library only knows that its time was up."""
    for failure in failures:
        if isinstance(failure, _REFUSED):
            return explain_kafka(failure)
    certificates = [text for text in map(str, failures) if "certificate" in text.lower()]
    if certificates:
        return explain_certificate(certificates[0])
    silent = f"no answer over {settings.security_protocol}"
    if settings.sasl_mechanism is not None:
        silent += "; is the login right?"
    reasons = [f"{host}:{port} ({_why_not(host, port) or silent})" for host, port in settings.addresses()[:3]]
    return BrokerAwayError(
        f"No Kafka broker answers at {', '.join(reasons)}.",
        "Is it running, and are kafka.bootstrap and kafka.security_protocol its own?",
    )


def _why_not(host: str, port: int) -> str:
    """What keeps a plain connection from being made; empty where one is."""
    try:
        socket.create_connection((host, port), _PROBE_SECONDS).close()
    except socket.gaierror:
        return "the name is not known"
    except TimeoutError:
        return "no answer"
    except OSError as error:
        return (error.strerror or str(error)).lower()
    return ""


_REFUSED = (
    kafka_errors.SaslAuthenticationFailedError,
    kafka_errors.UnsupportedSaslMechanismError,
    kafka_errors.AuthorizationError,
    kafka_errors.UnsupportedVersionError,
)
