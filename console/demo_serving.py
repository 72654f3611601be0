"""The logic of ``nightreid demo --serve``: the console on a demonstration, for this machine alone."""

from pathlib import Path
from socket import socket

import uvicorn
from starlette.middleware.trustedhost import TrustedHostMiddleware

from console.api.app import create_app
from console.api.settings import ServeSettings
from console.demo import GALLERY
from console.serve import uvicorn_config
from reid_core.access import LOCAL
from reid_core.gallery import Gallery


def demo_settings(out: Path, port: int, reid: str | None) -> ServeSettings:
    """On loopback, and nobody is asked what for: whom it shows was never born."""
    return ServeSettings.model_validate(
        {
            "gallery": f"sqlite:///{out / GALLERY}",
            "bind": {"host": "127.0.0.1", "port": port},
            "policy": {"purpose": (), "case": (), "two_persons": ()},
            "models": {"reid": reid},
            "footage": (out,),
        }
    )


def serve_demo(out: Path, port: int, reid: str | None) -> int:
    """Serve until Ctrl-C. Nobody signs in, so nothing but this machine is answered.

    Args:
        out: folder of a finished demonstration.
        port: 0 for a free one.
        reid: embedder that made its gallery.

    Returns:
        0.
    """
    settings = demo_settings(out, port, reid)
    with Gallery.open(settings.gallery) as gallery:
        app = create_app(settings, gallery, local=LOCAL)
        # A foreign page whose name was made to mean this machine would ask by that name.
        app.add_middleware(TrustedHostMiddleware, allowed_hosts=["127.0.0.1", "localhost"])
        server = _Telling(uvicorn_config(app, settings))
        server.run()
    return 0


class _Telling(uvicorn.Server):
    """Says where it is once it answers, which with port 0 nobody knows before."""

    async def startup(self, sockets: list[socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            port = self.servers[0].sockets[0].getsockname()[1]
            where = f"http://127.0.0.1:{port}/"
            print(f"The console is at {where}, for this computer alone. Ctrl-C ends it.", flush=True)
