"""One attempt: a request, within a time for all of it, and what came of it in a sentence."""

import asyncio
import os
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass

import httpx


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of an attempt.

    Attributes:
        status: that the receiver answered with; ``None`` where it did not.
        error: why it failed, without the address; empty where the receiver took it (any 2xx).
    """

    status: int | None
    error: str


def post(url: str, headers: Mapping[str, str], body: bytes, seconds: float, tls: ssl.SSLContext) -> Answer:
    """Post a body to an address, and to no other: redirects and proxies of the environment are not followed.

    Of the answer only the status is read, whatever comes behind it.

    Args:
        url: of the receiver.
        headers: beside those of HTTP.
        body: of the request.
        seconds: for all of it, from connecting to the status, however slowly it comes.
        tls: checks the receiver's certificate.
    """
    return asyncio.run(_post(url, headers, body, seconds, tls))


async def _post(
    url: str, headers: Mapping[str, str], body: bytes, seconds: float, tls: ssl.SSLContext
) -> Answer:
    request = httpx.Request("POST", url, headers=dict(headers), content=body)
    try:
        # The transport alone: a client would log the address.
        async with (
            asyncio.timeout(seconds),
            httpx.AsyncHTTPTransport(verify=tls, trust_env=False) as transport,
        ):
            answer = await transport.handle_async_request(request)
            status = answer.status_code
            await answer.aclose()
    except (TimeoutError, httpx.TimeoutException):
        return Answer(None, f"It did not answer within {seconds:g} s.")
    except httpx.ConnectError as error:
        return Answer(None, f"It cannot be reached: {_reason(error)}.")
    except (httpx.HTTPError, OSError, ssl.SSLError) as error:
        return Answer(None, f"It broke off: {type(error).__name__}.")
    if 200 <= status < 300:
        return Answer(status, "")
    if 300 <= status < 400:
        return Answer(status, f"It answered {status}, a redirect, which is not followed.")
    return Answer(status, f"It answered {status}.")


def _reason(error: BaseException) -> str:
    """The innermost cause, in the words of the system."""
    deepest: BaseException = error
    while (cause := deepest.__cause__ or deepest.__context__) is not None:
        deepest = cause
    if isinstance(deepest, ssl.SSLCertVerificationError):
        return f"its certificate does not hold ({deepest.verify_message})"
    number = getattr(deepest, "errno", None)
    if isinstance(deepest, socket.gaierror):
        return "its name is not known"
    return os.strerror(number) if number else type(deepest).__name__
