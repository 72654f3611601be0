"""The console's app over a gallery, asked without a network: signed in as any role and scope."""

import itertools
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field

import uvicorn
from fastapi import FastAPI
from starlette.testclient import TestClient

from console.api.app import create_app
from console.api.forgery import HEADER
from console.api.settings import ServeSettings
from console.serve import Server
from reid_core.access import EVERYTHING, Principal, Role, Scope
from reid_core.access.sessions import forgery_token, open_session
from reid_core.access.tokens import add_token
from reid_core.access.users import User, add_user
from reid_core.audit.reading import AuditEntry, AuditFilter, entries_in_order
from reid_core.gallery import Gallery

URL = "https://console.test"
COOKIE = "__Host-nightreid"
# As behind a proxy that ends TLS: cookies are those of a real installation.
SERVED = ServeSettings.model_validate({"bind": {"proxies": ["127.0.0.1"]}})


@dataclass
class Served:
    """An app and whoever asks it.

    Attributes:
        gallery: that it serves.
        app: the app.
    """

    gallery: Gallery
    app: FastAPI
    _numbers: itertools.count = field(default_factory=itertools.count)

    @property
    def context(self):
        """What all requests share."""
        return self.app.state.context

    def user(self, role: Role, scope: Scope = EVERYTHING, name: str | None = None) -> User:
        """A new user without a password."""
        with self.gallery.database.write() as session:
            named = name or f"{role}{next(self._numbers)}"
            return add_user(session, named, role, None, self.context.clock(), scope)

    def client(self, who: Role | User | None = None, scope: Scope = EVERYTHING, **headers: str) -> TestClient:
        """A browser: of nobody, of a new user of a role and a scope, or of a user; with headers besides."""
        client = TestClient(self.app, URL, raise_server_exceptions=False)
        if who is not None:
            user = who if isinstance(who, User) else self.user(who, scope)
            with self.gallery.database.write() as session:
                secret, _ = open_session(session, user, self.context.clock(), self.context.session_limits)
            client.cookies.set(COOKIE, secret)
            client.headers[HEADER] = forgery_token(secret)
        client.headers.update({name.replace("_", "-"): value for name, value in headers.items()})
        return client

    def program(self, who: Role | User, scope: Scope = EVERYTHING, **options) -> TestClient:
        """A program with an API token: of a new user of a role, or of a user; the scope is the token's."""
        user = who if isinstance(who, User) else self.user(who)
        with self.gallery.database.write() as session:
            name = f"token{next(self._numbers)}"
            secret, _ = add_token(session, user, name, self.context.clock(), scope=scope, **options)
        client = TestClient(self.app, URL, raise_server_exceptions=False)
        client.headers["Authorization"] = f"Bearer {secret}"
        return client


def audited(served: Served) -> list[AuditEntry]:
    """What the audit log says, the first first."""
    return list(entries_in_order(served.gallery.database, AuditFilter()))


def serve(
    gallery: Gallery, settings: ServeSettings = SERVED, local: Principal | None = None, **options
) -> Served:
    """The app over a gallery."""
    return Served(gallery, create_app(settings, gallery, local=local, **options))


@contextmanager
def listening(served: Served, **uvicorn_options):
    """The app behind a real socket on this machine: its address."""
    config = uvicorn.Config(
        served.app, "127.0.0.1", 0, log_config=None, timeout_graceful_shutdown=5, **uvicorn_options
    )
    server = Server(config, served.context.ending)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.01)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join(10)
        assert not thread.is_alive()
