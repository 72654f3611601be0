"""Where alerts are delivered to, and what they are signed with."""

import base64
import binascii
import ipaddress
import ssl
from pathlib import Path
from typing import Annotated, Self

import httpx
from pydantic import Field, SecretStr, StringConstraints, field_validator, model_validator

from reid_core.config import Settings
from reid_core.errors import ConfigError

KEY_PREFIX = "whsec_"
"""What a secret begins with; base64 follows."""

LEAST_KEY_BYTES = 24

WebhookName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_-]{0,63}$")]
_MAKE_ONE = "Make one: printf 'whsec_%s\\n' \"$(openssl rand -base64 32)\""


class SigningSettings(Settings):
    """What is signed with. Secrets are never shown by printing it.

    Attributes:
        secret: ``whsec_`` and at least 24 bytes in base64; better in the environment.
        secret_file: a file that holds it. Of several lines each is a secret, and all sign: so a receiver can
            change from one to the next.
    """

    secret: SecretStr | None = None
    secret_file: Path | None = None

    @model_validator(mode="after")
    def _said_once(self) -> Self:
        if self.secret is not None and self.secret_file is not None:
            raise ValueError("a secret is given, and a secret_file; one of them is enough")
        return self

    def keys(self, name: str) -> tuple[bytes, ...]:
        """The keys that sign, the first one first; none where no secret is named.

        Args:
            name: of the section, for messages.

        Raises:
            ConfigError: the file cannot be read, or a secret is not one.
        """
        if self.secret is not None:
            return (_key(self.secret.get_secret_value().strip(), f"{name}.secret"),)
        if self.secret_file is None:
            return ()
        key = f"{name}.secret_file"
        try:
            lines = self.secret_file.read_text(encoding="utf-8").split()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is not text"
            raise ConfigError(f"The file of {key} ({self.secret_file}) cannot be read: {reason}.") from None
        if not lines:
            raise ConfigError(f"The file of {key} ({self.secret_file}) is empty.", _MAKE_ONE)
        return tuple(_key(line, key) for line in lines)


class WebhookSettings(SigningSettings):
    """One receiver of alerts.

    Attributes:
        url: that alerts are posted to: ``https://…``; ``http://…`` on this machine. It may hold a token and
            is never shown.
        cameras: only alerts of these cameras; all where there are none.
        ca: PEM file of the authorities that the receiver's certificate is checked against; the system's
            where ``null``.
        plain_http: whether ``http://…`` may lead to another machine, where everybody on the way can read
            along.
        timeout_seconds: how long an attempt may take, from connecting to the answer's status.
        first_retry_seconds: how long after a failed attempt it is tried again; each further time it is
            twice as long.
        longest_retry_seconds: and no longer than this.
        give_up_hours: an alert that was not taken within so long is given up, which
            ``nightreid watch deliveries`` shows.
    """

    url: SecretStr
    cameras: tuple[str, ...] = ()
    ca: Path | None = None
    plain_http: bool = False
    timeout_seconds: float = Field(default=10.0, gt=0, le=120)
    first_retry_seconds: float = Field(default=5.0, gt=0, le=3600)
    longest_retry_seconds: float = Field(default=900.0, gt=0, le=86_400)
    give_up_hours: float = Field(default=24.0, gt=0, le=24 * 366)

    @field_validator("url")
    @classmethod
    def _leads_somewhere(cls, value: SecretStr) -> SecretStr:
        # It is not repeated: it may hold a token.
        try:
            url = httpx.URL(value.get_secret_value())
        except (httpx.InvalidURL, UnicodeError):
            raise ValueError("is not a valid address") from None
        if url.scheme not in ("http", "https") or not url.host:
            raise ValueError("is not an address of the form https://host/path")
        if url.userinfo:
            raise ValueError("takes no login; alerts are signed instead")
        return value

    @model_validator(mode="after")
    def _keeps_it_between_them(self) -> Self:
        url = httpx.URL(self.url.get_secret_value())
        if url.scheme == "http" and not self.plain_http and not _is_here(url.host):
            raise ValueError(
                "url is http://, which others can read; use https://, or set plain_http where the network "
                "in between is your own"
            )
        if self.secret is None and self.secret_file is None:
            raise ValueError("needs a secret or a secret_file: what is not signed could be anybody's")
        return self

    def tls(self, name: str) -> ssl.SSLContext:
        """What its certificate is checked by.

        Raises:
            ConfigError: the file of authorities cannot be used.
        """
        try:
            return ssl.create_default_context(cafile=self.ca)
        except (OSError, ssl.SSLError) as error:
            missing = isinstance(error, FileNotFoundError)
            reason = "it does not exist" if missing else str(error.strerror or error)
            raise ConfigError(f"The file of {name}.ca ({self.ca}) cannot be used: {reason}.") from None


def _key(text: str, where: str) -> bytes:
    try:
        if not text.startswith(KEY_PREFIX):
            raise binascii.Error
        key = base64.b64decode(text.removeprefix(KEY_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ConfigError(f"{where} is not {KEY_PREFIX} followed by base64.", _MAKE_ONE) from None
    if len(key) < LEAST_KEY_BYTES:
        raise ConfigError(f"{where} has fewer than {LEAST_KEY_BYTES} bytes.", _MAKE_ONE)
    return key


def _is_here(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
