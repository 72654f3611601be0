"""`nightreid serve`: where it may listen, and that it is reached by TLS."""

import contextlib
import shutil
import ssl
import subprocess
import threading
import time
import urllib.request

import pytest
import uvicorn

from console.api.app import create_app
from console.api.settings import ServeSettings, secret_in
from console.serve import check_encrypted, uvicorn_config
from reid_core.errors import ConfigError, UsageError
from reid_core.gallery import Gallery

TLS = {"certificate": "x.pem", "key": "x.key"}


@pytest.mark.parametrize(
    ("settings", "allowed"),
    [
        ({"bind": {"host": "127.0.0.1"}}, True),
        ({"bind": {"host": "::1"}}, True),
        ({"bind": {"host": "0.0.0.0"}}, False),
        ({"bind": {"host": "192.0.2.7"}}, False),
        ({"bind": {"host": "0.0.0.0"}, "tls": TLS}, True),
        ({"bind": {"host": "0.0.0.0", "proxies": ["192.0.2.1"]}}, True),
    ],
)
def test_nothing_crosses_a_network_in_the_clear(settings, allowed):
    made = ServeSettings.model_validate(settings)
    with contextlib.nullcontext() if allowed else pytest.raises(UsageError, match="without TLS"):
        check_encrypted(made)


def test_a_certificate_without_its_key_is_refused():
    with pytest.raises(ValueError, match="belong together"):
        ServeSettings.model_validate({"tls": {"certificate": "x.pem"}})


def test_the_command_refuses_to_be_reached_in_the_clear(command, tmp_path):
    done = command("serve", "--db", f"sqlite:///{tmp_path / 'x.db'}", "--set", "bind.host=0.0.0.0")
    assert "without TLS" in done.error("usage")
    assert not (tmp_path / "x.db").exists()


def test_secrets_come_from_files_and_are_not_shown(tmp_path):
    (tmp_path / "url").write_text("postgresql://me:s3cret@db/x\n")
    settings = ServeSettings(gallery_file=tmp_path / "url")
    assert settings.database() == "postgresql://me:s3cret@db/x"
    assert "s3cret" not in repr(ServeSettings(gallery="postgresql://me:s3cret@db/x"))
    (tmp_path / "url").write_text("\n")
    for file in (tmp_path / "url", tmp_path / "nowhere"):
        with pytest.raises(ConfigError):
            secret_in(file)


@contextlib.contextmanager
def running(settings, gallery):
    """The address at which an app is served, from a thread of this process."""
    app = create_app(settings, gallery)
    server = uvicorn.Server(uvicorn_config(app, settings))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        assert thread.is_alive()
        time.sleep(0.01)
    try:
        yield server.servers[0].sockets[0].getsockname()[1]
    finally:
        server.should_exit = True
        thread.join(20)


@pytest.mark.slow
def test_it_is_reached_by_tls(tmp_path, missing):
    if shutil.which("openssl") is None:
        missing("needs openssl to make a certificate")
    certificate, key = tmp_path / "console.pem", tmp_path / "console.key"
    (tmp_path / "password").write_text("of the key\n")
    made = f"req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -subj /CN=localhost -out {certificate}"
    protected = ["-keyout", key, "-passout", f"file:{tmp_path / 'password'}"]
    names = ["-addext", "subjectAltName=DNS:localhost"]
    subprocess.run(["openssl", *made.split(), *protected, *names], check=True, capture_output=True)
    settings = ServeSettings.model_validate(
        {
            "bind": {"port": 0},
            "tls": {"certificate": certificate, "key": key, "key_password_file": tmp_path / "password"},
        }
    )
    trusting = ssl.create_default_context(cafile=str(certificate))
    with Gallery.open("sqlite://") as gallery, running(settings, gallery) as port:
        with urllib.request.urlopen(f"https://localhost:{port}/healthz", context=trusting) as answer:
            assert answer.read() == b'{"status":"ok"}'
            assert answer.headers["Strict-Transport-Security"]
        with pytest.raises(OSError):
            urllib.request.urlopen(f"http://localhost:{port}/healthz")
