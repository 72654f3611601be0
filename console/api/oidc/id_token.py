"""What an ID token says, once it is known to be the provider's, for this console and this attempt."""

from collections.abc import Mapping
from typing import Any, Final

from console.api.oidc.errors import ProviderRefusalError

ALGORITHMS: Final = ("RS256", "PS256", "ES256")
"""By which a token may be signed. None of them can be had with what is public; ``none`` is not among them."""

_LEEWAY_SECONDS = 60
_PUBLIC_KINDS = frozenset({"RSA", "EC"})


def verified_claims(
    token: object,
    keys: Mapping[str, Any],
    *,
    issuer: str,
    client_id: str,
    nonce: str,
    access_token: object,
    now_ns: int,
) -> dict[str, Any]:
    """The claims of an ID token (OpenID Connect Core 3.1.3.7).

    Args:
        token: as the provider's token endpoint gave it.
        keys: the provider's, a JSON Web Key set.
        issuer: whose it must be.
        client_id: for whom.
        nonce: of the attempt to sign in.
        access_token: that came along; its hash is looked at where the token has one.
        now_ns: UTC nanoseconds.

    Raises:
        ProviderRefusalError: it is not to be believed.
    """
    from authlib.oidc.core import CodeIDToken
    from joserfc import jwt
    from joserfc.errors import JoseError

    if not isinstance(token, str):
        raise ProviderRefusalError("the provider gave no ID token")
    try:
        decoded = jwt.decode(token, _key_set(keys), algorithms=ALGORITHMS)
        claims = CodeIDToken(
            decoded.claims,
            decoded.header,
            options={
                "iss": {"essential": True, "value": issuer},
                "aud": {"essential": True, "value": client_id},
                "nonce": {"essential": True, "value": nonce},
            },
            params={"nonce": nonce, "client_id": client_id, "access_token": access_token},
        )
        claims.validate(now=now_ns // 1_000_000_000, leeway=_LEEWAY_SECONDS)
    except (JoseError, ValueError, TypeError) as error:
        raise ProviderRefusalError(f"the ID token does not hold: {_said(error)}") from None
    subject = claims["sub"]
    if not 0 < len(subject) <= 255:
        raise ProviderRefusalError("the ID token has no subject")
    return dict(claims)


def _key_set(keys: Mapping[str, Any]) -> Any:
    from joserfc.errors import JoseError
    from joserfc.jwk import KeySet, import_key

    found = []
    listed = keys.get("keys")
    for one in listed if isinstance(listed, list) else ():
        if not isinstance(one, dict) or one.get("kty") not in _PUBLIC_KINDS or one.get("use", "sig") != "sig":
            continue
        try:
            found.append(import_key(one))
        except (JoseError, ValueError, TypeError, KeyError):
            # A key of a kind that is not known here must not keep the others from being used.
            continue
    if not found:
        raise ProviderRefusalError("the provider has no key that can be used")
    return KeySet(found)


def _said(error: Exception) -> str:
    code = getattr(error, "error", type(error).__name__)
    claim = getattr(error, "claim", None)
    return f"{code} ({claim})" if claim else str(code)
