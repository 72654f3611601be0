"""The client library's errors in our own words."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

from kafka import errors as kafka_errors

from stream.kafka.errors import BrokerAwayError, BrokerError


@contextmanager
def translated() -> Iterator[None]:
    """What Kafka's client raises inside comes out as a `BrokerError`.

    Raises:
        BrokerAwayError: the same may go well in a moment.
        BrokerError: it will not.
    """
    try:
        yield
    except kafka_errors.KafkaError as error:
        raise explain_kafka(error) from error


def explain_kafka(error: kafka_errors.KafkaError) -> BrokerError:
    """An error of the client library, which may come from a future as well, in our own words."""
    said = f"{error.args[0]}".rstrip(".") if error.args else ""
    for kinds, message, hint in _EXPLAINED:
        if isinstance(error, kinds):
            return _kind(error)(f"{message}{f': {said}' if said else ''}.", hint)
    name = type(error).__name__
    description = getattr(error, "description", None)
    # Descriptions of the library end in a full stop, or do not.
    text = said or (str(description).rstrip(".") if description else "it gives no reason")
    return _kind(error)(f"Kafka: {name}: {text}.")


def explain_certificate(said: str) -> BrokerError:
    """Why a broker's certificate is not accepted, and which setting decides; waiting does not help.

    Args:
        said: what TLS says of it.
    """
    found = re.search(r"certificate verify failed: (.+?)\.?(?: \(_ssl|$)", said)
    why = found[1] if found is not None else "it cannot be checked"
    if "mismatch" in why.lower():
        return BrokerError(
            f"The broker's certificate is for another host than kafka.bootstrap names: {why}.",
            "Name the host that the certificate is for, or set kafka.ssl_check_hostname to false.",
        )
    if "expired" in why or "not yet valid" in why:
        return BrokerError(
            f"The broker's certificate is not valid now: {why}.", "Renew it; check this machine's clock."
        )
    return BrokerError(
        f"The broker's certificate is of no authority in kafka.ssl_ca: {why}.",
        "kafka.ssl_ca names the PEM file of the authority that signed it.",
    )


def _kind(error: kafka_errors.KafkaError) -> type[BrokerError]:
    if isinstance(error, kafka_errors.UnknownTopicOrPartitionError):
        # The library would try again for ever; here, topics are made before they are used.
        return BrokerError
    return BrokerAwayError if error.retriable or isinstance(error, _HEALED_BY_POLLING) else BrokerError


# The group goes on without what was asked; the next poll joins it again.
_HEALED_BY_POLLING = (
    kafka_errors.CommitFailedError,
    kafka_errors.RebalanceInProgressError,
    kafka_errors.IllegalGenerationError,
    kafka_errors.UnknownMemberIdError,
)

_EXPLAINED = (
    (
        kafka_errors.SaslAuthenticationFailedError,
        "Kafka refuses the login",
        "Check kafka.sasl_username, kafka.sasl_password and kafka.sasl_mechanism.",
    ),
    (
        kafka_errors.UnsupportedSaslMechanismError,
        "Kafka does not support this login mechanism",
        "Check kafka.sasl_mechanism.",
    ),
    (
        kafka_errors.AuthorizationError,
        "The user may not do this in Kafka",
        "The broker's access rules decide.",
    ),
    (
        kafka_errors.UnknownTopicOrPartitionError,
        "Kafka has no such topic or partition",
        "`nightreid topics create` creates the topics; `nightreid topics check` shows what is wrong.",
    ),
    (
        (kafka_errors.MessageSizeTooLargeError, kafka_errors.RecordListTooLargeError),
        "The record is larger than its topic accepts",
        "`nightreid topics check` compares the topic's limit.",
    ),
    (
        kafka_errors.InvalidReplicationFactorError,
        "Kafka has too few brokers for this replication",
        "Lower the setting replication.",
    ),
    (
        (kafka_errors.NotEnoughReplicasError, kafka_errors.NotEnoughReplicasAfterAppendError),
        "Too few replicas of a topic are in sync to write to it",
        "",
    ),
    (
        (kafka_errors.KafkaTimeoutError, kafka_errors.RequestTimedOutError),
        "Kafka does not answer in time",
        "",
    ),
    (
        (
            kafka_errors.KafkaConnectionError,
            kafka_errors.NodeNotReadyError,
            kafka_errors.NetworkExceptionError,
        ),
        "The connection to Kafka broke",
        "",
    ),
    (kafka_errors.UnsupportedVersionError, "The broker is too old for this", "Kafka 2.8 or newer is needed."),
)
