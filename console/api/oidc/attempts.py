"""Attempts to sign in elsewhere: each bound to the browser that began it, by a signed cookie."""

import hmac
import secrets
from dataclasses import asdict, dataclass

from console.api.context import Context
from console.api.oidc.errors import ProviderRefusalError

SECONDS = 600


@dataclass(frozen=True, slots=True)
class Attempt:
    """What one attempt is known by.

    Attributes:
        state: comes back with the browser.
        nonce: comes back in the ID token.
        verifier: of PKCE; the provider has had its SHA-256.
        ends_ns: UTC nanoseconds.
    """

    state: str
    nonce: str
    verifier: str
    ends_ns: int


class Attempts:
    """Makes attempts and knows them again; its key lasts as long as the process.

    Args:
        context: what all requests share.
    """

    def __init__(self, context: Context) -> None:
        from itsdangerous import URLSafeSerializer

        self._signed = URLSafeSerializer(secrets.token_bytes(32), salt="nightreid oidc")
        self._clock = context.clock

    def begin(self) -> tuple[Attempt, str]:
        """A new attempt, and the cookie that says so."""
        state, nonce, verifier = (secrets.token_urlsafe(32) for _ in range(3))
        attempt = Attempt(state, nonce, verifier, self._clock() + SECONDS * 1_000_000_000)
        cookie = self._signed.dumps(asdict(attempt))
        return attempt, cookie if isinstance(cookie, str) else cookie.decode()

    def known(self, cookie: str | None, state: str) -> Attempt:
        """The attempt of a cookie, if the state is its own.

        Raises:
            ProviderRefusalError: there is none, it is over, or the state is another's.
        """
        from itsdangerous import BadData

        try:
            attempt = Attempt(**self._signed.loads(cookie or ""))
        except BadData:
            raise ProviderRefusalError("this browser began no attempt") from None
        if attempt.ends_ns <= self._clock():
            raise ProviderRefusalError("the attempt is over")
        if not hmac.compare_digest(attempt.state.encode(), state.encode()):
            raise ProviderRefusalError("the state is not that of the attempt")
        return attempt


def attempt_cookie(context: Context) -> str:
    """Name of the cookie; with the prefix, browsers take it from here alone."""
    return "__Host-nightreid-oidc" if context.is_encrypted else "nightreid-oidc"
