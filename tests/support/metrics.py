"""What publishers and workers serve to Prometheus, as the code has it."""

from collections.abc import Iterator
from typing import cast

from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.metrics_core import Metric

from console.api.context import Context
from console.api.metrics import Metrics
from stream.publisher.accounts import Accounts, AccountsCollector
from stream.publisher.outgoing import Outgoing, Policy, Record
from stream.service.telemetry import Telemetry


def worker_metrics() -> Iterator[tuple[Metric, tuple[str, ...]]]:
    """Every metric of a worker and the names of its labels."""
    for one in vars(Telemetry()).values():
        if isinstance(one, MetricWrapperBase):
            [family] = one.describe()
            yield family, tuple(one._labelnames)


def publisher_metrics() -> Iterator[tuple[Metric, tuple[str, ...]]]:
    """Every metric of a publisher and the names of its labels."""
    accounts = Accounts([("gate", True)])
    # Only what has arrived has a delay.
    accounts.acknowledged(Record("t", b"k", b"v", [], "gate", 0, 0, Policy.WAIT))
    nothing = Outgoing(1 << 20, 1 << 20, 1 << 20, lambda *_: None)
    for family in AccountsCollector(accounts, nothing).collect():
        yield family, tuple(family.samples[0].labels)


def console_metrics() -> Iterator[tuple[Metric, tuple[str, ...]]]:
    """Every metric of the console and the names of its labels."""
    for one in vars(Metrics(cast(Context, None))).values():
        if isinstance(one, MetricWrapperBase):
            [family] = one.describe()
            yield family, tuple(one._labelnames)
