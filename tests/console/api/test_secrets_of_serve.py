"""Passwords, tokens, cookies and the audit key stand in no log, in no answer and not in the database."""

import json
import logging

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from console.api.forgery import HEADER
from console.log_lines import JsonLines, TextLines
from reid_core.access import Role
from reid_core.access.passwords import hashed
from reid_core.access.users import add_user
from reid_core.gallery import Gallery
from tests.support.secrets import passwords, seen
from tests.support.serving import COOKIE, SERVED, serve

FEW = settings(
    max_examples=2,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    phases=[Phase.generate],
    database=None,
)


@pytest.mark.slow
@FEW
@given(password=passwords())
def test_it_tells_and_keeps_them_nowhere(password, tmp_path_factory, caplog):
    caplog.set_level(logging.DEBUG)
    caplog.clear()
    folder = tmp_path_factory.mktemp("served")
    with Gallery.open(f"sqlite:///{folder / 'x.db'}") as gallery:
        served = serve(gallery)
        with gallery.database.write() as session:
            add_user(session, "ada", Role.ADMIN, hashed(password), 1)

        def broken(*_):
            raise RuntimeError("broken")

        browser, answers = served.client(), []

        def ask(client, method, path, **options):
            answers.append(client.request(method, f"/api/v1{path}", **options))
            return answers[-1]

        ask(browser, "POST", "/session", json={"name": "ada", "password": password + "x"})
        ask(browser, "POST", "/session", json={"name": password, "password": "x"})
        ask(browser, "POST", "/session", json={"name": "ada", "password": [password]})
        signed_in = browser.post("/api/v1/session", json={"name": "ada", "password": password})
        assert signed_in.status_code == 200
        cookie, csrf = browser.cookies[COOKIE], signed_in.json()["csrf"]
        browser.headers[HEADER] = csrf
        token = served.program(Role.VIEWER).headers["Authorization"].partition(" ")[2]
        program = served.client()
        ask(program, "GET", "/alerts", headers={"Authorization": f"Bearer {token}"})
        ask(program, "GET", "/alerts", headers={"Authorization": f"Bearer {password}"})
        ask(program, "GET", f"/alerts?token={token}")
        ask(browser, "PUT", "/session/purpose", json={"purpose": "a theft"})
        served.context.trail.append = broken
        failed = ask(program, "GET", f"/alerts?token={token}", headers={"Authorization": f"Bearer {token}"})
        assert failed.status_code == 500
        served.context.close()
    database = [file.read_bytes() for file in folder.rglob("*") if file.is_file() and "key" not in file.name]
    key = (folder / "x.db.audit-key").read_text().strip()
    # What asks is in this process too, and logs whom it asks.
    ours = [record for record in caplog.records if not record.name.startswith("httpx")]
    lines = [form.format(record) for record in ours for form in (TextLines(), JsonLines())]
    told = [answer.text + json.dumps(dict(answer.headers)) for answer in answers]
    assert any("broken" in line for line in lines), "else nothing is shown here"
    for secret in (password, cookie, csrf, token, key):
        assert seen(secret, *lines, *told) == set()
    for secret in (cookie, csrf, token, key):
        assert seen(secret, *database) == set()
    # Of a name that nobody has the log keeps what was typed, by which a guesser is known; no password.
    rows = b"".join(database)
    assert password.encode() not in rows.replace(json.dumps({"name": password}).encode(), b"")


def test_settings_show_no_login():
    shown = SERVED.model_copy(update={"gallery": "postgresql+psycopg://joe:Qzhush7Qzhush@db/x"})
    assert "Qzhush" not in f"{shown!r} {shown}"
