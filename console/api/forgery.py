"""Requests that another site's page has a browser send are refused."""

import hmac
from urllib.parse import urlsplit

from fastapi import Request

from console.api.loopback import LOOPBACK
from reid_core.access.errors import ForgedRequestError
from reid_core.access.sessions import forgery_token

HEADER = "Nightreid-Csrf"
"""Of what `forgery_token` makes; the page has it from ``/api/v1/session``."""

_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


def check_not_forged(request: Request, secret: str | None) -> None:
    """Make sure that what changes something was sent by the console's own page, or by no browser.

    Args:
        request: any; one that changes nothing passes.
        secret: of the session's cookie; with it, the header `HEADER` is needed besides.

    Raises:
        ForgedRequestError: it was not.
    """
    if request.method in _SAFE:
        return
    site = request.headers.get("Sec-Fetch-Site", "same-origin")
    origin = request.headers.get("Origin")
    foreign = (
        origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("Host", "").lower()
    )
    if foreign or site not in ("same-origin", "none"):
        raise ForgedRequestError("The request comes from another site's page.")
    if secret is not None and not hmac.compare_digest(
        request.headers.get(HEADER, "").encode(), forgery_token(secret).encode()
    ):
        raise ForgedRequestError(
            f"The header {HEADER} is missing or not that of this session.",
            "GET /api/v1/session tells it; scripts use a token instead.",
        )


def check_at_this_machine(request: Request) -> None:
    """Make sure that a browser was sent to this machine by a name of this machine's own.

    A foreign page whose name is made to mean this machine would be of one origin with the console.

    Raises:
        ForgedRequestError: it was not.
    """
    if urlsplit(f"//{request.headers.get('Host', '')}").hostname not in LOOPBACK:
        raise ForgedRequestError("The console is reached as localhost or 127.0.0.1 alone.")
