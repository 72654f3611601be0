"""Cookies: of a session, for the console's own page alone."""

from fastapi import Response

from console.api.context import Context
from console.api.gate import cookie_name


def put_session_cookie(context: Context, response: Response, secret: str) -> None:
    """Give a browser the secret that opens its session."""
    response.set_cookie(
        cookie_name(context), secret, secure=context.is_encrypted, httponly=True, samesite="strict", path="/"
    )


def drop_session_cookie(context: Context, response: Response) -> None:
    """Have a browser forget it."""
    response.delete_cookie(
        cookie_name(context), secure=context.is_encrypted, httponly=True, samesite="strict", path="/"
    )
