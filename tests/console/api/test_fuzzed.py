"""The whole API asked by schemathesis as two people of different cameras: no 500, nobody sees the other's."""

import json
import subprocess
import sys

import pytest

from console.api.shown import Shown
from reid_core.access import Role, Scope
from reid_core.access.tokens import add_token
from reid_core.gallery import Gallery
from tests.support.colour_hall import colour_hall
from tests.support.listening import listening
from tests.support.serving import serve

pytestmark = pytest.mark.slow
CHECKS = ("not_a_server_error", "ignored_auth", "object_level_authorization", "use_after_free")
# What would sign the two out, or take their rights.
LEFT_OUT = "^/api/v1/(session|sessions|tokens|users|live)"
SECONDS = 40


@pytest.fixture
def console(tmp_path, colour_checkpoint, colour_settings):
    """A console on a file, with people in three cameras."""
    with Gallery.open(f"sqlite:///{tmp_path / 'hall.db'}") as gallery:
        colour_hall(gallery, colour_checkpoint)
        limits = {"requests_a_minute": 1_000_000}
        yield serve(gallery, colour_settings(policy={"purpose": ()}, limits=limits, bind={"proxies": ()}))


def header_of(console, name, scope):
    """The token of a new reviewer who sees some cameras."""
    user = console.user(Role.REVIEWER, scope, name)
    with console.gallery.database.write() as session:
        secret, _ = add_token(session, user, "fuzz", console.context.clock())
    return f"Bearer {secret}"


def linked(document, path, method, other, **places):
    """Tell schemathesis where the ids in an answer lead: it cannot guess that from their names."""
    paths = document["paths"]
    answer = paths[f"/api/v1{path}"][method]["responses"]["200"]
    answer.setdefault("links", {})[other] = {
        "operationId": paths[f"/api/v1{other}"]["get"]["operationId"],
        "parameters": {name: f"$response.body#/{place}" for name, place in places.items()},
    }


def test_schemathesis_finds_nothing(console, tmp_path):
    document = console.app.openapi()
    linked(document, "/tracklets", "get", "/tracklets/{tracklet}", tracklet="tracklets/0/tracklet")
    linked(document, "/searches", "post", "/identities/{identity}", identity="identities/0/identity")
    linked(document, "/searches", "post", "/crops/{sighting}", sighting="identities/0/evidence/sighting")
    # Addresses of pictures name the answer that shows them: else no two answers would be of the same thing.
    console.context.shared(Shown).draw = lambda: "answer"
    (tmp_path / "openapi.json").write_text(json.dumps(document))
    people = {"ada": Scope(frozenset({"lobby", "yard"})), "bob": Scope(frozenset({"gate", "yard"}))}
    headers = {name: header_of(console, name, scope) for name, scope in people.items()}
    users = [
        {"name": name, "fixedHeaders": [{"name": "Authorization", "value": value}]}
        for name, value in headers.items()
    ]
    (tmp_path / "users.json").write_text(json.dumps({"auth": users}))
    (tmp_path / "schemathesis.toml").write_text(
        f'[auth.wfc]\npath = "{tmp_path / "users.json"}"\npeers = ["ada", "bob"]\n'
    )
    with listening(console.app) as address:
        command = [sys.executable, "-m", "schemathesis.cli", "--config-file", tmp_path / "schemathesis.toml"]
        options = {
            "--url": address,
            "--checks": ",".join(CHECKS),
            "--exclude-path-regex": LEFT_OUT,
            "--max-examples": 8,
            "--max-time": SECONDS,
            "--seed": 1,
            "--report-json-path": tmp_path / "report.json",
            # A loaded machine is no fault of the API.
            "--request-timeout": 10 * SECONDS,
            "--warnings": "off",
        }
        flat = [str(part) for option in options.items() for part in option]
        done = subprocess.run(
            [*map(str, command), "run", str(tmp_path / "openapi.json"), *flat],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            timeout=15 * SECONDS,
        )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    print(done.stdout[-3000:])
