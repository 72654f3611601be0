"""The identity provider that the settings name: where to send browsers, and whom it vouches for."""

import importlib.util
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_plus

from console.api.context import Context
from console.api.oidc.attempts import Attempt
from console.api.oidc.errors import ProviderAwayError, ProviderRefusalError
from console.api.oidc.fetching import allowed, fetch_json
from console.api.oidc.id_token import verified_claims
from reid_core.errors import MissingDependencyError

_KEPT_SECONDS = 600.0
# After a failure, so many seconds pass before anybody's request has the provider asked again.
_REST_SECONDS = 5.0
_AT_ONCE = 4
_METHODS = ("client_secret_basic", "client_secret_post")


def check_installed() -> None:
    """Make sure that the extra is there.

    Raises:
        MissingDependencyError: it is not.
    """
    for name in ("authlib", "joserfc", "itsdangerous"):
        if importlib.util.find_spec(name) is None:
            raise MissingDependencyError(
                f"Signing in by OpenID Connect (oidc.issuer) needs {name}, which is not installed.",
                "Install it with: pip install 'nightreid[oidc]'",
            )


class Provider:
    """The provider. Few ask it at once, so that one that hangs does not hold up the console.

    Args:
        context: what all requests share.
    """

    def __init__(self, context: Context) -> None:
        self._settings = context.settings.oidc
        self._clock = context.clock
        self._places = threading.BoundedSemaphore(_AT_ONCE)
        self._found: tuple[float, dict[str, Any]] | None = None
        self._failed = -_REST_SECONDS

    def authorization(self, attempt: Attempt) -> str:
        """Where a browser is sent to sign in.

        Raises:
            ProviderAwayError: the provider does not answer.
        """
        from authlib.oauth2.rfc6749.parameters import prepare_grant_uri
        from authlib.oauth2.rfc7636 import create_s256_code_challenge

        settings = self._settings
        address: str = prepare_grant_uri(
            self._described()["authorization_endpoint"],
            settings.client_id,
            "code",
            settings.redirect,
            " ".join(settings.scopes),
            attempt.state,
            nonce=attempt.nonce,
            code_challenge=create_s256_code_challenge(attempt.verifier),
            code_challenge_method="S256",
        )
        return address

    def claims(self, attempt: Attempt, code: str) -> dict[str, Any]:
        """What the provider says of who signed in there.

        Args:
            attempt: that is theirs.
            code: with which it sent the browser back.

        Raises:
            ProviderRefusalError: the code, or what it is given for, does not hold.
            ProviderAwayError: the provider does not answer.
        """
        settings, described = self._settings, self._described()
        body, headers = self._form(described, attempt, code)
        with self._place():
            status, given = fetch_json(
                described["token_endpoint"], body=body, headers=headers, statuses=(200, 400, 401, 403)
            )
            if status != 200:
                raise ProviderRefusalError(f"the provider takes no code: {str(given.get('error'))[:40]}")
            # Asked for each time: a key that the provider took back is not believed from then on.
            _, keys = fetch_json(described["jwks_uri"])
        return verified_claims(
            given.get("id_token"),
            keys,
            issuer=settings.issuer or "",
            client_id=settings.client_id or "",
            nonce=attempt.nonce,
            access_token=given.get("access_token"),
            now_ns=self._clock(),
        )

    def _form(self, described: dict[str, Any], attempt: Attempt, code: str) -> tuple[str, dict[str, str]]:
        from authlib.oauth2.auth import ClientAuth
        from authlib.oauth2.rfc6749.parameters import prepare_token_request

        settings = self._settings
        offered = described.get("token_endpoint_auth_methods_supported") or _METHODS[:1]
        method, identity, secret = "none", settings.client_id or "", ""
        if settings.client_secret is not None:
            secret = settings.client_secret.get_secret_value()
            method = next((one for one in _METHODS if one in offered), _METHODS[0])
        if method == "client_secret_basic":
            # RFC 6749, 2.3.1: both are encoded like a form before they are put together.
            identity, secret = quote_plus(identity), quote_plus(secret)
        form = prepare_token_request(
            "authorization_code", redirect_uri=settings.redirect, code=code, code_verifier=attempt.verifier
        )
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        _, headers, body = ClientAuth(identity, secret, method).prepare("POST", "", headers, form)
        return body, headers

    def _described(self) -> dict[str, Any]:
        found = self._found
        if found is not None and time.monotonic() - found[0] < _KEPT_SECONDS:
            return found[1]
        if time.monotonic() - self._failed < _REST_SECONDS:
            raise ProviderAwayError("The identity provider did not answer a moment ago.")
        try:
            with self._place():
                described = self._discovered()
        except ProviderAwayError:
            self._failed = time.monotonic()
            raise
        self._found = (time.monotonic(), described)
        return described

    def _discovered(self) -> dict[str, Any]:
        issuer = self._settings.issuer or ""
        _, described = fetch_json(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if described.get("issuer") != issuer:
            raise ProviderAwayError("The identity provider names itself otherwise than oidc.issuer does.")
        for name in ("authorization_endpoint", "token_endpoint", "jwks_uri"):
            allowed(self._settings, described.get(name))
        return described

    @contextmanager
    def _place(self) -> Iterator[None]:
        if not self._places.acquire(timeout=1.0):
            raise ProviderAwayError("Too many are signing in at once.")
        try:
            yield
        finally:
            self._places.release()
