"""compose.yaml and deploy/: nothing here starts a container, but what they say fits the code."""

import json
import os
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

from console.api.settings import ServeSettings
from console.kafka import Deployment
from console.serve import check_encrypted
from reid_core.config import load_config
from reid_core.gallery import Gallery
from stream.kafka.topic_plan import TopicSettings
from stream.publisher.config import PublishSettings
from stream.service.status_server import StatusServer
from stream.worker.config import WorkerSettings
from tests.conftest import ROOT
from tests.support.command_line import accepted, anchors
from tests.support.metrics import console_metrics, publisher_metrics, worker_metrics
from tests.support.serving import serve

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text(encoding="utf-8"))
SERVICES = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
SETTINGS = {
    "worker": WorkerSettings,
    "publish": PublishSettings,
    "topics create": Deployment,
    "serve": ServeSettings,
}
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
        *("kafka", "postgres", "topics", "publisher", "worker", "serve"),
        *("prometheus", "grafana"),
    }
    assert set(OURS) == {"topics", "publisher", "worker", "serve"}
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
    if command == "serve":
        return
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
    assert load_config(ServeSettings, ROOT / "deploy/serve.yaml").gallery == address
    for service in ("worker", "serve"):
        assert SERVICES[service]["environment"]["PGPASSWORD_FILE"] == environment["POSTGRES_PASSWORD_FILE"]


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
    assert set(SERVICES["serve"]["depends_on"]) == {"postgres"}


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
                # The file of a secret that the service is given, and that is made outside of the repository.
                assert key.endswith("_FILE") and value.startswith("/run/secrets/"), (name, key)
                assert value.removeprefix("/run/secrets/") in service["secrets"], (name, key)
    for file in [ROOT / "compose.yaml", *(ROOT / "deploy").rglob("*")]:
        if not file.is_file():
            continue
        text = file.read_text(encoding="utf-8")
        assert not re.search(r"(?i)(password|secret|token)\w*\s*[:=]\s*(?!\$\{)[\w'\"]+\s*$", text, re.M), (
            file
        )
        assert not re.search(r"://[^/\s:@]+:[^/\s@]+@", text), file


def test_secrets_are_files_that_are_not_in_the_repository():
    assert "/secrets/" in (ROOT / ".gitignore").read_text().splitlines()
    assert "!secrets" not in (ROOT / ".dockerignore").read_text()
    page = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    for name, secret in COMPOSE["secrets"].items():
        assert secret == {"file": f"${{SECRETS:-./secrets}}/{name}"}
        assert f"secrets/{name}" in page, "whoever runs it is told how to make it"
    given = {name for service in SERVICES.values() for name in service.get("secrets", ())}
    assert given == set(COMPOSE["secrets"])
    files = (ROOT / "deploy" / name for name in ("serve.yaml", "prometheus/prometheus.yaml"))
    config = "".join(file.read_text(encoding="utf-8") for file in files)
    for name in re.findall(r"/run/secrets/(\w+)", config):
        assert name in SERVICES["serve"]["secrets"] + SERVICES["prometheus"]["secrets"]


def test_the_console_is_reached_by_tls_and_keeps_its_audit_key_with_the_workers():
    settings = load_config(ServeSettings, ROOT / "deploy/serve.yaml")
    check_encrypted(settings)
    assert settings.bind.host == "0.0.0.0" and SERVICES["serve"]["ports"] == [
        f"127.0.0.1:{settings.bind.port}:{settings.bind.port}"
    ]
    keys = {SERVICES[one]["environment"]["NIGHTREID_AUDIT_KEY_FILE"] for one in ("worker", "serve")}
    [key] = keys
    ledgers = {SERVICES[one]["environment"]["NIGHTREID_ERASURE_LEDGER"] for one in ("worker", "serve")}
    assert {Path(ledger).parent for ledger in ledgers} == {Path(key).parent} and len(ledgers) == 1
    for one in ("worker", "serve"):
        assert f"keys:{Path(key).parent}" in SERVICES[one]["volumes"]
    [footage] = settings.footage
    mounted = SERVICES["publisher"]["volumes"][1]
    assert mounted.endswith(f":{footage}:ro") and mounted in SERVICES["serve"]["volumes"]


def test_the_console_is_asked_for_its_health_where_it_tells_it():
    [code] = [word for word in SERVICES["serve"]["healthcheck"]["test"] if "urlopen" in word]
    settings = load_config(ServeSettings, ROOT / "deploy/serve.yaml")
    [(port, path)] = re.findall(r"https://127\.0\.0\.1:(\d+)(/\w+)", code)
    assert int(port) == settings.bind.port and f"EXPOSE 9400 {port}" in DOCKERFILE
    with Gallery.open("sqlite://") as gallery:
        served = serve(gallery)
        assert served.client().get(path).status_code == 200
    compile(code, "healthcheck", "exec")


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
        assert service["cap_drop"] == ["ALL"] and service["read_only"]
        assert "no-new-privileges:true" in service["security_opt"]
        home = next(one for one in service["tmpfs"] if one.startswith("/home/nightreid:"))
        assert f"uid={re.search(r'useradd --uid ([0-9]+)', last)[1]}" in home
        for volume in service.get("volumes", ()):
            outside, inside = volume.split(":")[:2]
            if outside in COMPOSE["volumes"]:
                assert inside in made, inside
    assert "NIGHTREID_CACHE=/var/cache/nightreid" in last


def test_health_is_asked_for_where_it_is_served():
    address = re.search(r"urlopen\('http://127\.0\.0\.1:(\d+)(/\w+)'", DOCKERFILE)
    port, path = address[1], address[2]
    assert re.search(rf"^EXPOSE {port}\b", DOCKERFILE, re.MULTILINE)
    for name in ("publisher", "worker"):
        assert accepted(SERVICES[name]["command"])[1]["metrics_port"] == int(port)
        assert "healthcheck" not in SERVICES[name]
        # Asked for by Prometheus from another container, and by nobody outside.
        assert SERVICES[name]["environment"]["NIGHTREID_METRICS_HOST"] == "0.0.0.0"
        assert "ports" not in SERVICES[name]
    assert SERVICES["topics"]["healthcheck"] == {"disable": True}
    for job in SCRAPED["scrape_configs"]:
        at = 8642 if job["job_name"] == "nightreid-console" else int(port)
        assert [one["port"] for one in job["dns_sd_configs"]] == [at]
    registry = CollectorRegistry()
    with StatusServer(0, registry, lambda: True, lambda: (True, []), "127.0.0.1") as server:
        for served in (path, "/metrics"):
            with urlopen(f"http://127.0.0.1:{server.port}{served}", timeout=5) as answer:
                assert answer.status == 200
    stuck = StatusServer(0, registry, lambda: False, lambda: (True, []), "127.0.0.1")
    with stuck, pytest.raises(HTTPError, match="503"):
        urlopen(f"http://127.0.0.1:{stuck.port}{path}", timeout=5)


@pytest.mark.slow
def test_the_image_is_built_and_serves_where_an_engine_answers(tmp_path):
    docker = shutil.which("docker")
    if docker is None or subprocess.run([docker, "info"], capture_output=True, check=False).returncode:
        pytest.skip("needs a container engine that answers")

    def run(*words, **options):
        how = {"cwd": ROOT, "check": True, "text": True, "capture_output": True} | options
        return subprocess.run([docker, *words], **how)

    run("build", "--file", "deploy/Dockerfile", "--tag", "nightreid:tried", ".", timeout=3000)
    inside = ["run", "--rm", "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "nightreid:tried"]
    assert "serve" in run(*inside, "--help").stdout
    assert "uid=10001" in run(*inside[:-1], "--entrypoint", "id", "nightreid:tried").stdout
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode == 0:
        secrets = tmp_path / "secrets"
        secrets.mkdir()
        for name in COMPOSE["secrets"]:
            (secrets / name).write_text("tried")
        run("compose", "config", "--quiet", env=os.environ | {"SECRETS": str(secrets)})


# Metrics


@cache
def served():
    """Every name that a query may hold, with its labels."""
    names = {"up": set()}
    ends = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}
    for family, labels in [*worker_metrics(), *publisher_metrics(), *console_metrics()]:
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
        "serve",
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
        "Alerts delivered",
        "Console",
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
