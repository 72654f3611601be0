"""JSON of the provider: bounded in bytes and time, from the addresses that the settings allow."""

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from console.api.loopback import LOOPBACK
from console.api.oidc.errors import ProviderAwayError
from console.api.oidc.settings import OidcSettings, encrypted_place

MOST_BYTES = 256 << 10
STEP_SECONDS = 5.0
MOST_SECONDS = 10.0


def allowed(settings: OidcSettings, address: object) -> str:
    """An address of the provider, if it lies where the settings say.

    Raises:
        ProviderAwayError: it does not.
    """
    try:
        place, issuer = encrypted_place(str(address)), encrypted_place(settings.issuer or "")
    except ValueError:
        raise ProviderAwayError("The provider names an address that is not https.") from None
    own = (place.scheme, place.netloc.lower()) == (issuer.scheme, issuer.netloc.lower())
    if not own and (place.scheme != "https" or place.netloc.lower() not in settings.hosts):
        raise ProviderAwayError(
            f"The provider names an address at {place.netloc[:200]}.", "Allow it in oidc.hosts."
        )
    return str(address)


def fetch_json(
    address: str,
    *,
    body: str | None = None,
    headers: Mapping[str, str] | None = None,
    statuses: tuple[int, ...] = (200,),
) -> tuple[int, dict[str, Any]]:
    """Ask for an object, or post a form and take one; no redirection is followed.

    Args:
        address: that `allowed` let through.
        body: of the form.
        headers: besides.
        statuses: with which an answer is one.

    Returns:
        status and object.

    Raises:
        ProviderAwayError: there is none in time, or it is too large.
    """
    away = ProviderAwayError("The identity provider does not answer as it should.")
    ends = time.monotonic() + MOST_SECONDS
    wanted = {"Accept": "application/json", "Accept-Encoding": "identity", **(headers or {})}
    read = bytearray()
    # A proxy of the environment's would be asked for what lies on this machine.
    client = httpx.Client(timeout=STEP_SECONDS, trust_env=httpx.URL(address).host not in LOOPBACK)
    try:
        with client, client.stream(_method(body), address, content=body, headers=wanted) as answer:
            if answer.status_code not in statuses or answer.headers.get("Content-Encoding"):
                raise away
            for part in answer.iter_raw():
                read += part
                if len(read) > MOST_BYTES or time.monotonic() > ends:
                    raise away
            found = json.loads(read)
    except (httpx.HTTPError, ValueError, RecursionError):
        raise away from None
    if not isinstance(found, dict):
        raise away
    return answer.status_code, found


def _method(body: str | None) -> str:
    return "GET" if body is None else "POST"
