"""The logic of ``nightreid serve``."""

import os
import socket
import threading
from collections.abc import Sequence
from pathlib import Path

import uvicorn

from console.api.app import create_app
from console.api.loopback import LOOPBACK
from console.api.settings import ServeSettings, secret_in
from console.local_use import local_actor
from console.log_lines import log_lines
from reid_core.audit.event import AuditEvent
from reid_core.audit.policy import keep_policy
from reid_core.audit.trail import Trail
from reid_core.config import load_config
from reid_core.errors import UsageError
from reid_core.gallery import Gallery

_STOP_SECONDS = 10


def serve_command(config: Path | None, overrides: Sequence[str]) -> int:
    """Serve the console until SIGTERM or Ctrl-C.

    Returns:
        0 where it ended as asked.

    Raises:
        UsageError: it would be reached from elsewhere without TLS.
    """
    settings = load_config(ServeSettings, config, overrides, os.environ)
    check_encrypted(settings)
    log_lines(settings.log)
    with Gallery.open(settings.database()) as gallery:
        app = create_app(settings, gallery)
        keep_policy_of(settings, gallery)
        Server(uvicorn_config(app, settings), app.state.context.ending).run()
    return 0


def keep_policy_of(settings: ServeSettings, gallery: Gallery) -> None:
    """Keep the policy in the gallery, so that the command line obeys it too; a change is logged."""
    trail = Trail.of(gallery.database, settings.audit.key_file)
    with gallery.database.write() as session:
        if keep_policy(session, settings.policy):
            event = AuditEvent(
                "policy.change", local_actor(), subject=settings.policy.model_dump(mode="json")
            )
            trail.append(event, session)


class Server(uvicorn.Server):
    """One that says that it ends before it waits for open connections.

    Args:
        config: of uvicorn.
        ending: set then.
    """

    def __init__(self, config: uvicorn.Config, ending: threading.Event) -> None:
        super().__init__(config)
        self._ending = ending

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """End in order."""
        self._ending.set()
        await super().shutdown(sockets)


def check_encrypted(settings: ServeSettings) -> None:
    """Make sure that passwords and pictures cross no network in the clear.

    Raises:
        UsageError: they would.
    """
    if settings.bind.host in LOOPBACK or settings.tls.certificate is not None or settings.bind.proxies:
        return
    raise UsageError(
        f"The console would be reached at {settings.bind.host} without TLS.",
        "Set tls.certificate and tls.key, or bind.proxies where a proxy in front ends TLS.",
    )


def uvicorn_config(app: object, settings: ServeSettings) -> uvicorn.Config:
    """How uvicorn serves an app."""
    tls = settings.tls
    password = secret_in(tls.key_password_file) if tls.key_password_file else None
    return uvicorn.Config(
        app,  # type: ignore[arg-type]
        host=settings.bind.host,
        port=settings.bind.port,
        ssl_certfile=tls.certificate,
        ssl_keyfile=tls.key,
        ssl_keyfile_password=password,
        proxy_headers=bool(settings.bind.proxies),
        forwarded_allow_ips=list(settings.bind.proxies),
        server_header=False,
        access_log=False,
        log_config=None,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
