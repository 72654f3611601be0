"""Kafka's producer without Kafka: what it is given it acknowledges, refuses or keeps, as a test asks."""

import queue
import threading
import time
from types import SimpleNamespace

from kafka.errors import MessageSizeTooLargeError
from kafka.future import Future

from stream.kafka.errors import BrokerAwayError
from stream.kafka.wire import read


class FakeKafka:
    """Stands in for the brokers and for the client library.

    Attributes:
        records: what was acknowledged, in order: topic, key, value, headers, timestamp_ms.
        sessions: how often a producer was made.
        away: set it to let nobody connect.
        hold: set it to acknowledge nothing.
        fail: called with every record; what it returns fails the record.
    """

    def __init__(self):
        self.topics = ["frames.visible", "frames.infrared"]
        self.records = []
        self.sessions = 0
        self.options = {}
        self.away = threading.Event()
        self.hold = threading.Event()
        self.fail = lambda record: None

    def producer(self, settings, **options):
        if self.away.is_set():
            raise BrokerAwayError("No Kafka broker answers at nowhere.")
        self.sessions += 1
        self.options = options
        return _Producer(self)

    def admin(self, settings):
        if self.away.is_set():
            raise BrokerAwayError("No Kafka broker answers at nowhere.")
        return _Admin(self)

    @property
    def envelopes(self):
        return [read(record.value, record.headers) for record in self.records]

    def of(self, camera):
        return [one for one in self.envelopes if one.stream.camera == camera]


class _Admin:
    def __init__(self, kafka):
        self._kafka = kafka

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def list_topics(self):
        return self._kafka.topics


class _Producer:
    """Acknowledges in a thread of its own, in order.

    As the real one does, it goes on behind a failure; but once a record was too large, all are.
    """

    def __init__(self, kafka):
        self._kafka = kafka
        self._given = queue.Queue()
        self._ended = threading.Event()
        self._sender = SimpleNamespace(force_close=self._ended.set)
        threading.Thread(target=self._work, daemon=True).start()

    def send(self, topic, value=None, key=None, headers=None, timestamp_ms=None):
        record = SimpleNamespace(
            topic=topic, value=value, key=key, headers=headers, timestamp_ms=timestamp_ms
        )
        future = Future()
        self._given.put((record, future))
        return future

    def close(self, timeout):
        self._ended.wait(timeout)

    def _work(self):
        fatal = None
        while not self._ended.is_set():
            try:
                record, future = self._given.get(timeout=0.02)
            except queue.Empty:
                continue
            while self._kafka.hold.is_set() and not self._ended.is_set():
                time.sleep(0.01)
            error = RuntimeError("closed") if self._ended.is_set() else fatal or self._kafka.fail(record)
            if isinstance(error, MessageSizeTooLargeError):
                fatal = error
            if error is None:
                self._kafka.records.append(record)
                future.success(None)
            else:
                future.failure(error)
