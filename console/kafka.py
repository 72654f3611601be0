"""The logic of ``nightreid topics``, and what it shares with ``nightreid dlq``."""

import json
import logging
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from pydantic import model_validator
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from console.statuses import WRONG
from reid_core.config import load_config
from stream.kafka.lag import lag
from stream.kafka.settings import KafkaSettings
from stream.kafka.topic_plan import TopicSettings, plan
from stream.kafka.topics import Finding, check, create
from stream.publisher.config import PublishSettings
from stream.worker.config import WorkerSettings


class Deployment(TopicSettings):
    """The topics of a deployment and how its Kafka is reached.

    Attributes:
        kafka: how the brokers are reached.
    """

    kafka: KafkaSettings = KafkaSettings()

    @model_validator(mode="before")
    @classmethod
    def _pass_over_others(cls, values: Any) -> Any:
        """Let one file serve the workers, the publishers and this."""
        theirs = (WorkerSettings.model_fields.keys() | PublishSettings.model_fields) - cls.model_fields.keys()
        return {key: value for key, value in values.items() if key not in theirs}


def deployment(
    config: Path | None, overrides: Sequence[str], bootstrap: str | None, prefix: str | None
) -> Deployment:
    """The settings of a command of Kafka's; what its own options say counts most.

    Raises:
        ConfigError: the file or a value is not valid.
    """
    if os.environ.get("NIGHTREID_DEBUG"):
        _show_client_log()
    options = {"kafka.bootstrap": bootstrap, "prefix": prefix}
    given = [f"{key}={json.dumps(value)}" for key, value in options.items() if value is not None]
    return load_config(Deployment, config, [*overrides, *given], os.environ)


def _show_client_log() -> None:
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
    logger = logging.getLogger("kafka")
    logger.addHandler(handler)
    # Below this the library prints its settings, the password among them.
    logger.setLevel(logging.INFO)


def create_command(settings: Deployment, as_json: bool = False) -> int:
    """Make the topics that are not there.

    Returns:
        0, also where topics that were there differ from the plan.
    """
    done = create(settings.kafka, settings)
    if as_json:
        print(json.dumps(asdict(done), indent=2))
        return 0
    planned = {topic.name: topic for topic in plan(settings)}
    for name in done.created:
        number = planned[name].partitions
        print(f"created {name} ({number} {'partition' if number == 1 else 'partitions'})")
    for name in done.kept:
        print(f"kept {name}")
    _tell(done.findings)
    return 0


def check_command(settings: Deployment, as_json: bool = False) -> int:
    """Compare the topics with the plan.

    Returns:
        0 where all is as planned, 1 where something is not.
    """
    findings = check(settings.kafka, settings)
    if as_json:
        print(json.dumps({"findings": [asdict(each) for each in findings]}, indent=2))
    else:
        _tell(findings)
        if not findings:
            print(f"All {len(plan(settings))} topics are as planned.")
    return WRONG if findings else 0


def _tell(findings: Sequence[Finding]) -> None:
    for finding in findings:
        print(f"{finding.topic}: {finding.text}")


def lag_command(settings: Deployment, groups: Sequence[str] | None, as_json: bool = False) -> int:
    """Print how far each group is behind in each partition that it reads.

    Returns:
        0.
    """
    found = lag(settings.kafka, [topic.name for topic in plan(settings)], groups)
    if as_json:
        told = [asdict(each) | {"lag": each.lag, "missed": each.missed} for each in found]
        print(json.dumps({"partitions": told}, indent=2))
        return 0
    if not found:
        print("No group has read any of these topics.")
        return 0
    table = Table("group", "topic", "partition", "committed", "end", "lag", "missed", box=SIMPLE_HEAD)
    for each in found:
        committed = "-" if each.committed is None else str(each.committed)
        numbers = (each.partition, committed, each.end, each.lag, each.missed)
        table.add_row(each.group, each.topic, *map(str, numbers))
    Console(markup=False, highlight=False).print(table)
    return 0
