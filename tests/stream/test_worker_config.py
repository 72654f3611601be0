"""Settings of a worker."""

from pathlib import Path

import pytest
import yaml

from reid_core.config import load_config
from reid_core.errors import ConfigError
from stream.chain.config import ChainSettings
from stream.kafka.settings import KafkaSettings
from stream.publisher.config import PublishSettings
from stream.worker.config import LimitSettings, WorkerSettings

CONFIGS = Path(__file__).parents[2] / "configs"


def _given(name):
    return yaml.safe_load((CONFIGS / name).read_text())


def _names(values):
    return {key: _names(value) if isinstance(value, dict) else None for key, value in values.items()}


def test_night_shift_yaml_holds_every_setting_at_its_default():
    assert load_config(WorkerSettings, CONFIGS / "night_shift.yaml") == WorkerSettings()
    # Secrets are no defaults to be dumped: they are compared by their names.
    assert _names(_given("night_shift.yaml")) == _names(WorkerSettings().model_dump())


def test_run_publisher_and_worker_spell_what_they_share_alike():
    worker = _given("night_shift.yaml")
    run, publish = _given("run.yaml"), _given("publish.yaml")
    assert {key: worker[key] for key in ChainSettings.model_fields} == {
        key: run[key] for key in ChainSettings.model_fields
    }
    assert worker["kafka"] == publish["kafka"] and set(worker["kafka"]) == set(KafkaSettings.model_fields)


def test_every_limit_and_every_section_is_commented():
    lines = (CONFIGS / "night_shift.yaml").read_text().splitlines()
    for key in LimitSettings.model_fields:
        [line] = [line for line in lines if line.startswith(f"  {key}: ")]
        assert "  # " in line, key


def test_later_wins(tmp_path):
    file = tmp_path / "mine.yaml"
    file.write_text("limits: {records: 16, attempts: 5}\ngroup: yard\n")
    settings = load_config(
        WorkerSettings,
        file,
        ["limits.records=32"],
        {
            "NIGHTREID_LIMITS__ATTEMPTS": "2",
            "NIGHTREID_KAFKA__BOOTSTRAP": "one:9092,two:9093",
            "NIGHTREID_DATABASE": "postgresql+psycopg://shift@db/gallery",
            "NIGHTREID_TRACKER__LONGEST_SECONDS": "60",
            "NIGHTREID_SHARED": "/nowhere",
        },
    )
    assert (settings.limits.records, settings.limits.attempts, settings.group) == (32, 2, "yard")
    assert settings.kafka.bootstrap == ("one:9092", "two:9093")
    assert settings.database == "postgresql+psycopg://shift@db/gallery"
    assert settings.tracker.longest_seconds == 60


@pytest.mark.parametrize(
    ("override", "nearest"),
    [
        ("limit.records=1", "limits"),
        ("limits.recods=1", "limits.records"),
        ("order.windows=1", "order.window"),
        ("models.detektor=x.pt", "models.detector"),
        ("kafka.bootstraps=x:1", "kafka.bootstrap"),
        ("databases=x", "database"),
        ("tracker.lost_second=1", "tracker.lost_seconds"),
    ],
)
def test_an_unknown_key_is_an_error_with_the_nearest_name(override, nearest):
    with pytest.raises(ConfigError) as caught:
        load_config(WorkerSettings, None, [override])
    assert f"'{nearest}'" in caught.value.hint
    assert override.partition("=")[0].startswith(caught.value.message.split("'")[1])


@pytest.mark.parametrize(
    ("override", "said"),
    [
        ("limits.records=0", "limits.records"),
        ("limits.bytes=1000", "limits.bytes"),
        ("limits.decoders=65", "limits.decoders"),
        ("limits.idle_seconds=0", "limits.idle_seconds"),
        ("session_seconds=0.5", "session_seconds"),
        ("metrics_port=70000", "metrics_port"),
        ("log=xml", "log"),
        ("kafka.bootstrap='a b'", "kafka.bootstrap"),
        ("kafka.sasl_username=me", "kafka"),
    ],
)
def test_what_cannot_be_is_one_sentence(override, said):
    with pytest.raises(ConfigError) as caught:
        load_config(WorkerSettings, None, [override])
    assert f"'{said}'" in caught.value.message and "\n" not in caught.value.message


def test_the_password_is_not_shown():
    login = {
        "security_protocol": "SASL_SSL",
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_username": "shift",
        "sasl_password": "hush",
    }
    for settings in (WorkerSettings(kafka=login), PublishSettings(kafka=login)):
        assert settings.kafka.sasl_password.get_secret_value() == "hush"
        assert "hush" not in f"{settings!r} {settings}"
