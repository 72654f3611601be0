"""docs/operations.md: its commands, settings, metrics, alerts and links are real."""

import re

import pytest
import yaml

from console.kafka import Deployment
from reid_core import errors
from reid_core.config import RESERVED_ENVIRONMENT, Settings, load_config
from stream.publisher.config import PublishSettings
from stream.publisher.outgoing import Cause
from stream.worker.config import WorkerSettings
from stream.worker.worker import FETCH
from tests.conftest import ROOT
from tests.support.command_line import accepted, anchors, console_lines
from tests.support.metrics import console_metrics, publisher_metrics, worker_metrics

DOCUMENT = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
PROSE = " ".join(DOCUMENT.split())
SETTINGS = {"worker": WorkerSettings, "publish": PublishSettings, "topics": Deployment, "dlq": Deployment}
COMMANDS = [words for words in console_lines(DOCUMENT) if "nightreid" in words[0]]


@pytest.mark.parametrize("words", COMMANDS, ids=" ".join)
def test_its_commands_are_accepted(words):
    name, parameters = accepted(words[1:])
    model = SETTINGS.get(name.split()[0])
    # Whoever corrects identities names the database alone.
    assert model is not None or (name.startswith("identity ") and parameters["db"])
    if model is not None:
        load_config(model, None, [one.replace("…", "2000000") for one in parameters["set_"] or ()])


def test_it_shows_every_command_of_kafka_and_of_identities():
    used = {accepted(words[1:])[0] for words in COMMANDS}
    assert used == {
        *("worker", "publish", "topics create", "topics check", "topics lag"),
        *("dlq list", "dlq show", "dlq replay"),
        *(f"identity {one}" for one in ("review", "show", "merge", "split", "move", "undo")),
    }


def test_commands_within_the_text_exist():
    said = re.findall(r"`nightreid ([^`]+)`", DOCUMENT.replace("\n", " "))
    assert "--debug" in said and "bench shift" in said
    for words in map(str.split, said):
        if words != ["--debug"]:
            try:
                accepted(words)
            except Exception as error:
                # A command is named, not spelled out.
                assert type(error).__name__ == "MissingParameter", (words, error)


def test_other_tools_are_called_by_what_is_there():
    services = yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]
    lines = [words for words in console_lines(DOCUMENT) if "nightreid" not in words[0]]
    assert {words[0] for words in lines} >= {"curl", "promtool", "pip"}
    for words in lines:
        if "compose" in words:
            named = [word for word in words[words.index("compose") + 2 :] if word in services]
            assert set(words) & {"worker", "topics", "worker=3"} <= {*named, "worker=3"}
            if "run" in words:
                accepted(words[words.index("topics") + 1 :])
        for word in words:
            if word.startswith("deploy/"):
                assert (ROOT / word).exists(), word


def keys(model, prefix=""):
    for name, field in model.model_fields.items():
        yield f"{prefix}{name}"
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Settings):
            yield from keys(kind, f"{prefix}{name}.")


def test_settings_it_names_exist():
    known = {key for model in SETTINGS.values() for key in keys(model)}
    sections = {key.split(".")[0] for key in known if "." in key}
    for name in re.findall(r"`([a-z_]+(?:\.[a-z_]+)+)(?:: [^`]*)?`", DOCUMENT):
        if name.split(".")[0] in sections:
            assert name in known, name
    for name in re.findall(r"NIGHTREID_([A-Z_]+)", DOCUMENT):
        if name and f"NIGHTREID_{name}" not in RESERVED_ENVIRONMENT:
            # The file of a secret is named beside the setting that it is.
            assert name.removesuffix("__FILE").lower().replace("__", ".") in known, name
    for key in re.findall(r"--set ([\w.]+)=", DOCUMENT):
        assert key in known, key


def test_settings_in_its_blocks_are_valid(tmp_path):
    [block] = [one for one in re.findall(r"```yaml\n(.*?)```", DOCUMENT, re.DOTALL) if "kafka:" in one]
    file = tmp_path / "mine.yaml"
    file.write_text(block)
    secret = {"NIGHTREID_KAFKA__SASL_PASSWORD": "hush"}
    assert load_config(WorkerSettings, file, environment=secret).kafka.sasl_username == "shift"


def test_numbers_it_states_are_the_defaults():
    worker, publisher = WorkerSettings(), PublishSettings()
    assert f"`limits.bytes` ({worker.limits.bytes >> 20} MiB)" in PROSE
    assert f"`buffer.bytes` ({publisher.buffer.bytes >> 20} MiB)" in PROSE
    assert f"up to {FETCH['max_partition_fetch_bytes'] >> 20} MiB fetched ahead for each partition" in PROSE
    assert f"`blob_hours` ({worker.blob_hours:.0f})" in PROSE


def test_metrics_causes_errors_and_alerts_it_names_exist():
    served = {family.name for family, _ in [*worker_metrics(), *publisher_metrics()]}
    named = re.findall(r"nightreid_(?:worker|publisher)_\w+", DOCUMENT)
    assert named and {name.removesuffix("_total") for name in named} <= served
    told = PROSE.partition("### Frames are dropped or missing")[2].partition("Missing at the worker")[0]
    known = {"encoders", "max_fps", "quality", "blobs", "inline_bytes"}
    causes = set(re.findall(r"`([a-z-]+)`", told)) - known
    assert causes <= set(Cause) and {"oldest", "latest", "encoding", "too-large", "refused"} <= causes
    codes = {one.code for one in vars(errors).values() if hasattr(one, "code")}
    assert set(re.findall(r"`error\[([\w-]+)\]`", DOCUMENT)) <= codes
    rules = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text())
    alerts = {rule["alert"] for group in rules["groups"] for rule in group["rules"]}
    table = DOCUMENT.partition("### What to alert on")[2].partition("\n## ")[0]
    assert set(re.findall(r"`([A-Z]\w+[A-Z]?\w+)`", table)) <= alerts


def test_its_links_lead_somewhere():
    here = anchors(DOCUMENT)
    for target, anchor in re.findall(r"\]\(([^)#]*)(?:#([^)]*))?\)", DOCUMENT):
        if target == "faults.md" and not (ROOT / "docs/faults.md").exists():
            pytest.skip("docs/faults.md is not there yet")
        file = (ROOT / "docs" / target) if target else None
        assert file is None or file.exists(), target
        if anchor:
            assert anchor in (anchors(file.read_text(encoding="utf-8")) if file else here), anchor


def test_metrics_of_the_console_are_those_that_are_served():
    rows = re.findall(
        r"^\| `(nightreid_console_\w+)` \| (\w+) \| ?(.*?) \| (.*?) \|$", DOCUMENT, re.MULTILINE
    )
    said = {name: (kind, re.findall(r"`(\w+)`", labels), text) for name, kind, labels, text in rows}
    assert said == {
        f"{family.name}{'_total' if family.type == 'counter' else ''}": (
            family.type,
            list(labels),
            family.documentation,
        )
        for family, labels in console_metrics()
    }
