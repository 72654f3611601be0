"""Settings of signing in elsewhere."""

from typing import Final
from urllib.parse import SplitResult, urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from console.api.loopback import LOOPBACK
from reid_core.access import Role
from reid_core.config import Settings

CALLBACK: Final = "/api/v1/session/oidc/callback"
"""Where the provider sends browsers back to, behind the console's address."""


class OidcSettings(Settings):
    """Who vouches for users besides their passwords.

    Attributes:
        issuer: address of the provider, exactly as its tokens name it; ``null`` for none.
        address: of the console, as browsers have it; the provider sends them back there and nowhere else.
        client_id: of the console, at the provider.
        client_secret: likewise; ``null`` of a public client. It belongs into the environment
            (``NIGHTREID_OIDC__CLIENT_SECRET``), or into a file that is named there (``…__FILE``).
        scopes: that are asked for.
        hosts: others than the issuer's own on which the provider's endpoints may lie.
        role_claim: of the ID token; its value, or one of its values, says the role at each sign-in. Without,
            the role is what it is here.
        roles: from a value of that claim to the role; of several the first here that fits.
        add_users: whether somebody unknown is added at the first sign-in.
        name_claim: that names whoever is added.
        domains: of verified e-mail addresses; none but these sign in, where there are some.
    """

    issuer: str | None = None
    address: str | None = None
    client_id: str | None = Field(default=None, min_length=1)
    client_secret: SecretStr | None = None
    scopes: tuple[str, ...] = ("openid", "profile", "email")
    hosts: tuple[str, ...] = ()
    role_claim: str | None = None
    roles: dict[str, Role] = Field(default_factory=dict)
    add_users: bool = False
    name_claim: str = "preferred_username"
    domains: tuple[str, ...] = ()

    @field_validator("issuer", "address")
    @classmethod
    def _encrypted(cls, text: str | None) -> str | None:
        if text is not None:
            where = encrypted_place(text)
            if where.query or len(text) > 255:
                raise ValueError("is no address of a server")
        return text

    @field_validator("address")
    @classmethod
    def _without_a_path(cls, text: str | None) -> str | None:
        if text is not None and urlsplit(text).path not in ("", "/"):
            raise ValueError("has no path: the console lies at the root of its server")
        return text

    @model_validator(mode="after")
    def _whole(self) -> "OidcSettings":
        if self.issuer is not None and (self.address is None or self.client_id is None):
            raise ValueError("an issuer needs an address and a client_id")
        if "openid" not in self.scopes:
            raise ValueError("the scopes need openid")
        if (self.role_claim is None) != (not self.roles):
            raise ValueError("a role_claim and its roles belong together")
        if self.add_users and self.role_claim is None:
            raise ValueError("whoever is added needs a role: add_users goes with a role_claim")
        return self

    @property
    def redirect(self) -> str:
        """Where the provider sends browsers back to."""
        return f"{(self.address or '').rstrip('/')}{CALLBACK}"


def encrypted_place(address: str) -> SplitResult:
    """The parts of an address that is reached by TLS, or on this machine.

    Raises:
        ValueError: it is another.
    """
    parts = urlsplit(address)
    host = parts.hostname
    if not host or parts.username is not None or parts.fragment or parts.port == 0:
        raise ValueError("is no address of a server")
    if parts.scheme != "https" and not (parts.scheme == "http" and host in LOOPBACK):
        raise ValueError("is not https")
    return parts
