"""Errors as answers: ``application/problem+json`` (RFC 9457) with the code, the sentence and the hint."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from console.api.context import context_of
from console.api.errors import NoFootageError, OverloadedError, TooLargeError
from reid_core.access import errors as access
from reid_core.errors import (
    ConfigError,
    DatabaseAwayError,
    DatabaseBusyError,
    DiskFullError,
    MissingDependencyError,
    ModelMismatchError,
    NightreidError,
    SecondPersonError,
    SourceError,
    StaleError,
    UsageError,
)
from reid_core.sealing import SealingKeyError

_log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"

STATUSES: dict[type[NightreidError], int] = {
    access.SignInNeededError: 401,
    access.SignInFailedError: 401,
    access.NotPermittedError: 403,
    access.ForgedRequestError: 403,
    access.NotFoundError: 404,
    access.TooManyRequestsError: 429,
    access.PurposeNeededError: 422,
    UsageError: 422,
    SourceError: 422,
    ModelMismatchError: 409,
    StaleError: 409,
    SecondPersonError: 409,
    TooLargeError: 413,
    NoFootageError: 404,
    OverloadedError: 503,
    SealingKeyError: 503,
    DatabaseAwayError: 503,
    DatabaseBusyError: 503,
    DiskFullError: 503,
    MissingDependencyError: 501,
    ConfigError: 500,
}
"""With which status an error is answered: by its class, or the nearest above it; 500 without any."""


class Problem(BaseModel):
    """An answer that says what is wrong.

    Attributes:
        status: of HTTP.
        title: what the status means.
        code: stable name of the kind of error.
        detail: one sentence.
        hint: what to do about it, or empty.
        where: the part of the request that is wrong, where it is one.
        sign_in: the ways of signing in, where nobody is signed in: ``password``, ``oidc``.
    """

    type: str = "about:blank"
    status: int
    title: str
    code: str
    detail: str
    hint: str = ""
    where: str = ""
    sign_in: list[str] | None = None


PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {"model": Problem, "description": HTTPStatus(status).phrase}
    for status in (400, 401, 403, 404, 409, 413, 415, 422, 429, 503)
}
"""What any route may answer instead."""


def problem(
    status: int,
    code: str,
    detail: str,
    hint: str = "",
    where: str = "",
    headers: Mapping[str, str] | None = None,
    sign_in: list[str] | None = None,
) -> Response:
    """An answer that says what is wrong."""
    said = Problem(
        status=status,
        title=HTTPStatus(status).phrase,
        code=code,
        detail=detail,
        hint=hint,
        where=where,
        sign_in=sign_in,
    )
    return JSONResponse(said.model_dump(exclude_none=True), status, headers, MEDIA_TYPE)


def problem_of(error: NightreidError, ways: list[str] | None = None) -> Response:
    """An error as an answer; with the ways of signing in, where that is what is missing."""
    status = next((STATUSES[kind] for kind in type(error).__mro__ if kind in STATUSES), 500)
    headers = {}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if isinstance(error, access.TooManyRequestsError):
        headers["Retry-After"] = str(error.seconds)
    elif status == 503:
        headers["Retry-After"] = "2"
    return problem(status, error.code, error.message, error.hint, headers=headers, sign_in=ways)


def answer_problems(app: FastAPI) -> None:
    """Have every error of an app answered as a problem."""
    app.add_exception_handler(NightreidError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _plain)


async def _ours(request: Request, error: Exception) -> Response:
    assert isinstance(error, NightreidError)
    ways = context_of(request).ways_in if isinstance(error, access.SignInNeededError) else None
    return problem_of(error, ways)


async def _invalid(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    # What was sent is not repeated: it may be a password.
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return problem(422, UsageError.code, f"{where}: {first['msg']}.", where=where)


async def _plain(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    code = {404: "not-found", 405: "method", 413: "too-large", 415: "media-type"}.get(
        error.status_code, "http"
    )
    return problem(error.status_code, code, f"{error.detail}.".replace("..", "."), headers=error.headers)


class Failures:
    """Answers what nobody foresaw: the log says how, the answer does not.

    Inside of what adds headers and counts, which starlette's own handler is not.

    Args:
        app: that answers.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        started = False

        async def send_noticed(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, receive, send_noticed)
        except Exception as error:
            if started or scope["type"] != "http":
                raise
            _log.error("%s %s failed.", scope["method"], scope["path"], exc_info=error)
            failed = problem(500, "internal", "The console failed at this; its log says how.")
            await failed(scope, receive, send)
