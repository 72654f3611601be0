"""Clients: errors in our own words, transport and logins, and the library's traps, at a real broker."""

import gc
import socket
import subprocess
import threading
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from reid_core.errors import ConfigError
from stream.kafka import clients as kafka_clients
from stream.kafka.clients import (
    KafkaSettings,
    TopicPartition,
    admin,
    consumer,
    explain_kafka,
    kafka_errors,
    let_go,
    producer,
    translated,
    using,
)
from stream.kafka.errors import BrokerAwayError, BrokerError
from stream.kafka.polling import DamagedRecordError, poll
from tests.support.broker import quiet_client


@pytest.fixture
def settings(kafka):
    return KafkaSettings(bootstrap=kafka.bootstrap, request_seconds=10)


@pytest.fixture
def topic(settings, topic_prefix):
    """A topic of one partition."""
    name = f"{topic_prefix}topic"
    with admin(settings) as client:
        asked = {name: {"num_partitions": 1, "replication_factor": 1}}
        client.create_topics(asked, wait_for_metadata=True)
    return name


@contextmanager
def uncollected():
    """Nothing that hangs together in circles is let go of."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def left_open():
    """Threads and open files."""
    return threading.active_count(), len(list(Path("/proc/self/fd").iterdir()))


def test_nobody_there_is_one_sentence_with_the_reason_in_time():
    began = time.monotonic()
    with pytest.raises(BrokerAwayError) as caught:
        admin(KafkaSettings(bootstrap=("127.0.0.1:1", "nowhere.invalid:9093"), connect_seconds=1))
    assert time.monotonic() - began < 5
    assert caught.value.transient
    assert caught.value.message == (
        "No Kafka broker answers at 127.0.0.1:1 (connection refused), "
        "nowhere.invalid:9093 (the name is not known)."
    )


def test_a_client_that_cannot_be_made_leaves_nothing_behind():
    settings = KafkaSettings(bootstrap="127.0.0.1:1", connect_seconds=0.3)
    # Errors that are in the log keep what they came from.
    with quiet_client(), uncollected():
        before = left_open()
        for make in (admin, producer, consumer) * 2:
            with pytest.raises(BrokerAwayError):
                make(settings)
        # Not even until Python's collector comes by.
        assert left_open() == before


def test_a_broker_that_takes_the_connection_and_is_silent(own_broker):
    own_broker.freeze()
    with pytest.raises(BrokerAwayError, match="no answer over PLAINTEXT"):
        admin(KafkaSettings(bootstrap=own_broker.bootstrap, connect_seconds=1))


def test_letting_go_is_quick_and_for_good_though_the_broker_is_frozen(own_broker):
    settings = KafkaSettings(bootstrap=own_broker.bootstrap)
    with admin(settings) as client:
        client.create_topics({"t": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    before = threading.active_count()
    sender, reader, asker = producer(settings), consumer(settings, group_id="g"), admin(settings)
    reader.subscribe(["t"])
    sender.send("t", b"first").get(10)
    while not poll(reader, 0.2):
        pass
    own_broker.freeze()
    pending = sender.send("t", b"given up")
    began = time.monotonic()
    for client in (sender, reader, asker):
        let_go(client, seconds=0.3)
    assert time.monotonic() - began < 5
    assert threading.active_count() == before
    assert pending.failed()


def test_what_kafka_refuses_is_said_in_our_words(settings, topic):
    with using(producer(settings, max_block_ms=500)) as client:
        with pytest.raises(BrokerError, match="larger than its topic accepts") as caught, translated():
            client.send(topic, b"x" * 2_000_000).get(10)
        assert not caught.value.transient
        with pytest.raises(BrokerAwayError, match="does not answer in time"), translated():
            client.send(f"{topic}.misspelt", b"x")
    with admin(settings) as client, pytest.raises(BrokerError, match="no such topic") as caught, translated():
        client.list_partition_offsets({TopicPartition(f"{topic}.misspelt", 0): 0})
    assert not caught.value.transient


@pytest.mark.parametrize(
    ("error", "transient"),
    [
        (kafka_errors.NotEnoughReplicasError(), True),
        (kafka_errors.RebalanceInProgressError(), True),
        (kafka_errors.CommitFailedError(), True),
        (kafka_errors.KafkaConnectionError("111 ECONNREFUSED"), True),
        (kafka_errors.ProducerFencedError(), False),
        (kafka_errors.TopicAuthorizationFailedError("topic x"), False),
        (kafka_errors.InvalidTimestampError(), False),
        (kafka_errors.KafkaError(), False),
    ],
)
def test_errors_say_whether_trying_again_may_help(error, transient):
    explained = explain_kafka(error)
    assert explained.transient is transient
    assert explained.message.endswith(".")
    assert not explained.message.endswith("..")


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"bootstrap": "a:b:c"}, "host:port"),
        ({"bootstrap": "host:99999"}, "host:port"),
        ({"bootstrap": ""}, "host:port"),
        ({"bootstrap": []}, "at least 1"),
        ({"security_protocol": "SASL_SSL"}, "needs sasl_mechanism"),
        ({"sasl_username": "u"}, "no use for"),
        ({"security_protocol": "TLS"}, "SASL_SSL"),
    ],
)
def test_wrong_settings_are_refused(values, said):
    with pytest.raises(ValueError, match=said):
        KafkaSettings.model_validate(values)


def test_what_has_come_is_taken_in_one_piece_whatever_is_asked_for():
    near, far = socket.socketpair()
    with near, far:
        far.sendall(bytes(60_000))
        emptied = kafka_clients._Emptied(near)
        assert len(emptied.recv(4096)) == 60_000
        assert emptied.fileno() == near.fileno()
        far.close()
        # The end is told in a turn of its own: what came before is read first.
        with pytest.raises(BlockingIOError):
            emptied.recv(4096)
        assert emptied.recv(4096) == b""


def test_addresses():
    settings = KafkaSettings(bootstrap="one, two:9093,[::1]:9094")
    assert settings.addresses() == [("one", 9092), ("two", 9093), ("::1", 9094)]


def test_secrets_are_never_printed():
    settings = KafkaSettings(
        security_protocol="SASL_SSL",
        sasl_mechanism="PLAIN",
        sasl_username="u",
        sasl_password="hush-hush",
        ssl_key_password="hush-hush",
    )
    assert "hush" not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"


def test_certificates_that_cannot_be_used_are_named(tmp_path):
    with pytest.raises(ConfigError, match=r"kafka\.ssl_ca .*none\.pem.* does not exist"):
        KafkaSettings(security_protocol="SSL", ssl_ca=tmp_path / "none.pem").tls()
    wrong = tmp_path / "wrong.pem"
    wrong.write_text("not a certificate")
    with pytest.raises(ConfigError, match=r"kafka\.ssl_ca"):
        KafkaSettings(security_protocol="SSL", ssl_ca=wrong).tls()
    with pytest.raises(ConfigError, match=r"kafka\.ssl_certificate"):
        KafkaSettings(security_protocol="SSL", ssl_certificate=wrong).tls()


def certificate(folder, host):
    """Files of a self-signed certificate: with its key, and alone."""
    key, cert = folder / "key.pem", folder / "cert.pem"
    command = (
        f"openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={host} "
        f"-addext subjectAltName=IP:{host} -keyout {key} -out {cert}"
    )
    subprocess.run(command.split(), check=True, capture_output=True, timeout=60)
    both = folder / "both.pem"
    both.write_text(key.read_text() + cert.read_text())
    return both, cert


def test_an_encrypted_connection_with_a_login(make_cluster, tmp_path):
    both, cert = certificate(tmp_path, "127.0.0.1")
    login = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "PLAIN",
        "sasl_username": "night",
        "sasl_password": "pass: word",
        "ssl_ca": cert,
    }
    users = 'username="broker" password="b" user_broker="b" user_night="pass: word"'
    cluster = make_cluster(
        settings={
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_SSL",
            "inter.broker.listener.name": "PLAINTEXT",
            "sasl.mechanism.inter.broker.protocol": "PLAIN",
            "listener.name.plaintext.sasl.enabled.mechanisms": "PLAIN",
            "listener.name.plaintext.plain.sasl.jaas.config": (
                f"org.apache.kafka.common.security.plain.PlainLoginModule required {users};"
            ),
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": both,
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": cert,
        },
        client=login,
    )
    right = KafkaSettings(bootstrap=cluster.bootstrap, **login)
    with admin(right) as client:
        client.create_topics({"t": {"num_partitions": 1, "replication_factor": 1}}, wait_for_metadata=True)
    with using(producer(right)) as sender:
        sender.send("t", b"secret").get(10)
    with using(consumer(right)) as reader:
        reader.assign([TopicPartition("t", 0)])
        assert [record.value for record in poll(reader, 10)[TopicPartition("t", 0)]] == [b"secret"]

    def refused(**changes):
        values = right.model_dump() | {"connect_seconds": 3} | changes
        with pytest.raises(BrokerError) as caught:
            admin(KafkaSettings.model_validate(values))
        return caught.value

    # The same each time, and none that passes by waiting.
    for _ in range(3):
        wrong = refused(sasl_password="wrong")
        assert "refuses the login" in wrong.message and "kafka.sasl_password" in wrong.hint
        stranger = refused(ssl_ca=None)
        assert "kafka.ssl_ca" in stranger.message and "self-signed" in stranger.message
        elsewhere = refused(bootstrap=cluster.bootstrap.replace("127.0.0.1", "localhost"))
        assert "kafka.bootstrap" in elsewhere.message and "kafka.ssl_check_hostname" in elsewhere.hint
        other = refused(sasl_mechanism="SCRAM-SHA-512")
        assert "kafka.sasl_mechanism" in other.hint
        assert not any(one.transient for one in (wrong, stranger, elsewhere, other))
    no_login = dict.fromkeys(("sasl_mechanism", "sasl_username", "sasl_password"))
    assert "over PLAINTEXT" in refused(security_protocol="PLAINTEXT", ssl_ca=None, **no_login).message


class NoText(str):
    """The name of a header as a client in another language may send it: bytes that are no UTF-8."""

    def encode(self, *_):
        return b"\xff\xfe"


@pytest.mark.parametrize("most", [None, 1])
def test_a_record_that_cannot_be_read_holds_up_nobody(settings, topic, most):
    with using(producer(settings)) as sender:
        sender.send(topic, b"before").get(10)
        sender.send(topic, b"damaged", headers=[(NoText("xx"), b"1")]).get(10)
        sender.send(topic, b"after").get(10)
    place = TopicPartition(topic, 0)
    found, damaged = [], []
    with using(consumer(settings)) as reader:
        reader.assign([place])
        while len(found) + len(damaged) < 3:
            try:
                found += [record.value for record in poll(reader, 1, most).get(place, ())]
            except DamagedRecordError as error:
                damaged.append((error.place, error.offset))
    assert found == [b"before", b"after"]
    assert damaged == [(place, 1)]
