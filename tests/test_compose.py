"""compose.yaml and deploy/: nothing here starts a container, but what they say fits the code."""

import json
import re
import shutil
import subprocess
import tomllib
from functools import cache
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest
import yaml
from prometheus_client import CollectorRegistry

from console.kafka import Deployment
from reid_core.config import load_config
from stream.kafka.topic_plan import TopicSettings
from stream.publisher.config import PublishSettings
from stream.service.status_server import StatusServer
from stream.worker.config import WorkerSettings
from tests.conftest import ROOT
from tests.support.command_line import accepted, anchors
from tests.support.metrics import publisher_metrics, worker_metrics

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SETTINGS = {"worker": WorkerSettings, "publish": PublishSettings, "topics create": Deployment}
DOCKERFILE = (ROOT / "deploy/Dockerfile").read_text(encoding="utf-8")
RULES = yaml.safe_load((ROOT / "deploy/prometheus/alerts.yaml").read_text(encoding="utf-8"))
ALERTS = [rule for group in RULES["groups"] for rule in group["rules"]]
SCRAPED = yaml.safe_load((ROOT / "deploy/prometheus/prometheus.yaml").read_text(encoding="utf-8"))
DASHBOARD = json.loads((ROOT / "deploy/grafana/night-shift.json").read_text(encoding="utf-8"))
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
QUERIES = [target["expr"] for panel in PANELS for target in panel["targets"]]
SECRET = re.compile(r"password|secret|token|credential|passw", re.IGNORECASE)


def mounts(service):
    """``path inside -> file or folder here`` of what is mounted from the repository."""
    found = {}
    for text in service.get("volumes", ()):
        outside, inside, *_ = re.sub(r"\$\{\w+:-([^}]*)\}", r"\1", text).split(":")
        if outside.startswith("./"):
            found[inside] = ROOT / outside
    return found


def seconds(text):
    return int(text.removesuffix("s"))


# Services


def test_it_has_what_a_night_shift_needs():
    assert set(SERVICES) == {
        *("kafka", "postgres", "topics", "publisher", "worker"),
        *("prometheus", "grafana"),
    }
    assert set(OURS) == {"topics", "publisher", "worker"}
    named = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", ())}
    assert {name for name in named if re.fullmatch(r"[a-z-]+", name)} == set(COMPOSE["volumes"])


def test_workers_can_be_scaled():
    assert "container_name" not in SERVICES["worker"] and "hostname" not in SERVICES["worker"]
    assert "ports" not in SERVICES["worker"]
    settings = load_config(WorkerSettings, ROOT / "deploy/worker.yaml")
    assert settings.member is None and settings.database.startswith("postgresql+psycopg://")


@pytest.mark.parametrize("name", OURS)
def test_its_commands_and_settings_are_accepted(name):
    service = OURS[name]
    command, parameters = accepted(service["command"])
    environment = {key: str(value) for key, value in service.get("environment", {}).items()}
    file = mounts(service)[str(parameters["config"])] if parameters["config"] else None
    settings = load_config(SETTINGS[command], file, parameters["set_"] or (), environment)
    [bootstrap] = settings.kafka.bootstrap
    assert bootstrap in SERVICES["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].replace("//", "/")


def test_publisher_and_workers_share_the_blob_store():
    publish = load_config(PublishSettings, ROOT / "deploy/publish.yaml")
    worker = load_config(WorkerSettings, ROOT / "deploy/worker.yaml")
    assert publish.blobs == worker.blobs and publish.prefix == worker.prefix == TopicSettings().prefix
    assert publish.plans()
    for service in ("publisher", "worker"):
        assert f"blobs:{worker.blobs}" in SERVICES[service]["volumes"]
    for camera in publish.cameras:
        assert camera.source.startswith("/footage/")


def test_the_database_is_the_one_that_is_made():
    environment = SERVICES["postgres"]["environment"]
    address = load_config(WorkerSettings, ROOT / "deploy/worker.yaml").database
    assert address == (
        f"postgresql+psycopg://{environment['POSTGRES_USER']}@postgres:5432/{environment['POSTGRES_DB']}"
    )
    assert SERVICES["worker"]["environment"]["PGPASSWORD"] == environment["POSTGRES_PASSWORD"]


def test_everything_waits_for_what_it_needs():
    for name, service in SERVICES.items():
        needed = service.get("depends_on", {})
        for other, how in needed.items() if isinstance(needed, dict) else ():
            if how["condition"] == "service_healthy":
                assert "test" in SERVICES[other]["healthcheck"], (name, other)
            else:
                assert how["condition"] == "service_completed_successfully" and other == "topics"
    assert SERVICES["topics"]["restart"] == "no"
    assert set(SERVICES["worker"]["depends_on"]) == {"topics", "postgres"}


def test_stopping_is_given_the_time_it_may_take():
    worker = load_config(WorkerSettings, ROOT / "deploy/worker.yaml").limits
    assert seconds(SERVICES["worker"]["stop_grace_period"]) >= 3 * worker.stop_seconds + 5
    publish = load_config(PublishSettings, ROOT / "deploy/publish.yaml")
    assert seconds(SERVICES["publisher"]["stop_grace_period"]) >= publish.flush_seconds + 10


def test_images_are_pinned_and_kafka_is_the_version_that_is_tested():
    for name, service in SERVICES.items():
        if name not in OURS:
            image, _, tag = service["image"].partition(":")
            assert re.fullmatch(r"[\w.-]+@sha256:[0-9a-f]{64}", tag) and not tag.startswith("latest"), image
    tested = re.search(r"<kafka.version>([\d.]+)<", (ROOT / "tests/support/kafka/pom.xml").read_text())
    assert SERVICES["kafka"]["image"].startswith(f"apache/kafka:{tested[1]}@")


def test_ports_are_open_to_this_machine_alone():
    for service in SERVICES.values():
        for port in service.get("ports", ()):
            assert port.startswith("127.0.0.1:")


# Secrets


def test_no_secret_has_a_value_here():
    for name, service in SERVICES.items():
        for key, value in service.get("environment", {}).items():
            if SECRET.search(key):
                assert re.fullmatch(r"\$\{[A-Z_]+:\?[^}]+\}", value), (name, key)
    for file in [ROOT / "compose.yaml", *(ROOT / "deploy").rglob("*")]:
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"(?i)(password|secret|token)\w*\s*[:=]\s*(?!\$\{)[\w'\"]+\s*$", text, re.M), (
            file
        )
        assert not re.search(r"://[^/\s:@]+:[^/\s@]+@", text), file


def test_passwords_must_be_given():
    text = (ROOT / "compose.yaml").read_text(encoding="utf-8")
    for name in ("POSTGRES_PASSWORD", "GRAFANA_PASSWORD"):
        assert f"${{{name}:?" in text
        assert not re.search(rf"\$\{{{name}(:?-|\}})", text)


# Image


def test_the_image_holds_what_is_installed():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"}
    wheel = set(project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"])
    assert let_in == wheel | {"pyproject.toml", project["project"]["readme"], "LICENSE"}
    for extra in re.search(r"pip install '\.\[([\w,]+)\]'", DOCKERFILE)[1].split(","):
        assert f"extras['{extra}']" in DOCKERFILE and extra in project["project"]["optional-dependencies"]


def test_the_container_is_nobody_special_and_owns_where_it_writes():
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert re.search(r"^USER nightreid$", last, re.MULTILINE)
    assert last.index("USER nightreid") < last.index("ENTRYPOINT")
    made = re.search(r"install -d -o nightreid -g nightreid (.+)", last)[1].split()
    for service in OURS.values():
        assert service["cap_drop"] == ["ALL"]
        for volume in service.get("volumes", ()):
            outside, inside = volume.split(":")[:2]
            if outside in COMPOSE["volumes"]:
                assert inside in made, inside
    assert "NIGHTREID_CACHE=/var/cache/nightreid" in last


def test_health_is_asked_for_where_it_is_served():
    address = re.search(r"urlopen\('http://127\.0\.0\.1:(\d+)(/\w+)'", DOCKERFILE)
    port, path = address[1], address[2]
    assert f"EXPOSE {port}" in DOCKERFILE
    for name in ("publisher", "worker"):
        assert accepted(SERVICES[name]["command"])[1]["metrics_port"] == int(port)
        assert "healthcheck" not in SERVICES[name]
        # Asked for by Prometheus from another container, and by nobody outside.
        assert SERVICES[name]["environment"]["NIGHTREID_METRICS_HOST"] == "0.0.0.0"
        assert "ports" not in SERVICES[name]
    assert SERVICES["topics"]["healthcheck"] == {"disable": True}
    for job in SCRAPED["scrape_configs"]:
        assert [one["port"] for one in job["dns_sd_configs"]] == [int(port)]
    registry = CollectorRegistry()
    with StatusServer(0, registry, lambda: True, lambda: (True, []), "127.0.0.1") as server:
        for served in (path, "/metrics"):
            with urlopen(f"http://127.0.0.1:{server.port}{served}", timeout=5) as answer:
                assert answer.status == 200
    stuck = StatusServer(0, registry, lambda: False, lambda: (True, []), "127.0.0.1")
    with stuck, pytest.raises(HTTPError, match="503"):
        urlopen(f"http://127.0.0.1:{stuck.port}{path}", timeout=5)


# Metrics


@cache
def served():
    """Every name that a query may hold, with its labels."""
    names = {"up": set()}
    ends = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    for family, labels in [*worker_metrics(), *publisher_metrics()]:
        for end in ends[family.type]:
            names[family.name + end] = {*labels, *({"le"} if end == "_bucket" else ())}
    return names


def used(query):
    """The metrics of a query, and the labels that it chooses or groups by."""
    names = set(re.findall(r"\bnightreid_\w+|\bup\b", query))
    labels = {label for part in re.findall(r"\{([^}]*)\}", query) for label in re.findall(r"(\w+)\s*=", part)}
    for part in re.findall(r"\b(?:by|on)\s*\(([^)]*)\)", query):
        labels |= set(re.findall(r"\w+", part))
    return names, labels


@pytest.mark.parametrize("query", [*QUERIES, *(rule["expr"] for rule in ALERTS)])
def test_queries_ask_for_what_is_served(query):
    names, labels = used(query)
    assert names and names <= set(served()), names - set(served())
    known = {"job", "instance"}.union(*(served()[name] for name in names))
    assert labels <= known, labels - known
    jobs = {job["job_name"] for job in SCRAPED["scrape_configs"]}
    assert set(re.findall(r'job="([^"]+)"', query)) <= jobs


def test_everything_that_is_measured_can_be_seen():
    shown = {whole(name) for query in QUERIES for name in used(query)[0]}
    assert {whole(name) for name in served()} - shown == set()


def whole(name):
    """The metric that a histogram's part belongs to."""
    return re.sub(r"_(bucket|sum|count)$", "", name)


def test_what_is_read_is_what_runs():
    assert {name for job in SCRAPED["scrape_configs"] for name in job["dns_sd_configs"][0]["names"]} == {
        "publisher",
        "worker",
    }
    inside = mounts(SERVICES["prometheus"])
    assert set(SCRAPED["rule_files"]) <= set(inside)
    assert all(path.exists() for path in inside.values())


def test_every_alert_says_what_happened_and_what_to_do():
    headings = anchors((ROOT / "docs/operations.md").read_text(encoding="utf-8"))
    assert len({rule["alert"] for rule in ALERTS}) == len(ALERTS)
    for rule in ALERTS:
        assert rule["labels"]["severity"] in ("critical", "warning", "info")
        assert rule["annotations"]["summary"].endswith(".")
        file, _, anchor = rule["annotations"]["see"].partition("#")
        assert file == "docs/operations.md" and anchor in headings, anchor
        labels = used(rule["expr"])[1] | {"instance"}
        assert set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"])) <= labels


def test_alerts_fire_when_they_should():
    tool = shutil.which("promtool")
    if tool is None:
        pytest.skip("needs promtool (Debian's package prometheus)")
    done = subprocess.run(
        [tool, "test", "rules", "alerts_test.yaml"],
        cwd=ROOT / "deploy/prometheus",
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


# Grafana


def test_the_dashboard_is_found_and_finds_its_data():
    inside = mounts(SERVICES["grafana"])
    assert all(path.exists() for path in inside.values())
    folder = inside["/etc/grafana/provisioning"]
    [provider] = yaml.safe_load((folder / "dashboards/night-shift.yaml").read_text())["providers"]
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])
    assert str(home) in inside and str(home.parent) == provider["options"]["path"]
    [source] = yaml.safe_load((folder / "datasources/prometheus.yaml").read_text())["datasources"]
    assert source["url"].startswith("http://prometheus:")
    variables = [one["datasource"] for one in DASHBOARD["templating"]["list"]]
    for wanted in [*(panel["datasource"] for panel in PANELS), *variables]:
        assert wanted == {"type": source["type"], "uid": source["uid"]}


def test_the_dashboard_has_its_rows_and_nothing_overlaps():
    rows = [panel["title"] for panel in DASHBOARD["panels"] if panel["type"] == "row"]
    assert rows == [
        "Tonight",
        "Frames",
        "Stages",
        "Batches",
        "Drops, dead letters, oddities",
        "People",
        "Memory",
        "Leading, fencing, retries",
    ]
    taken = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        assert at["x"] + at["w"] <= 24
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        taken |= cells
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    known = {one["name"] for one in DASHBOARD["templating"]["list"]} | {"__rate_interval"}
    assert set(re.findall(r"\$(\w+)", " ".join(QUERIES))) <= known
