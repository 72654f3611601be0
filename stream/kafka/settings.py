"""How Kafka is reached: addresses, transport, credentials, patience."""

import re
import ssl
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from reid_core.config import Settings
from reid_core.errors import ConfigError

_ADDRESS = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\s:,\[\]/@]+)(?::(\d{1,5}))?")


class KafkaSettings(Settings):
    """How Kafka is reached. Secrets are never shown by printing it.

    Attributes:
        bootstrap: ``host:port`` of a few brokers, as a list or joined with commas.
        client_id: under which the broker logs this program.
        security_protocol: whether the connection is encrypted and whether it logs in.
        sasl_mechanism: how it logs in.
        sasl_username: who logs in.
        sasl_password: the password; quote it in YAML where it has digits only or special characters.
        ssl_ca: PEM file of the authorities that broker certificates are checked against; the system's
            where ``null``.
        ssl_certificate: PEM file of this client's certificate, where the broker asks for one.
        ssl_key: PEM file of its key; in the certificate's file where ``null``.
        ssl_key_password: of the key.
        ssl_check_hostname: whether the broker's certificate must be for the host it is reached by.
        connect_seconds: how long a first answer is waited for.
        request_seconds: how long any later answer is waited for.
    """

    bootstrap: tuple[str, ...] = Field(default=("localhost:9092",), min_length=1)
    client_id: str = "nightreid"
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    sasl_mechanism: Literal["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"] | None = None
    sasl_username: str | None = None
    sasl_password: SecretStr | None = None
    ssl_ca: Path | None = None
    ssl_certificate: Path | None = None
    ssl_key: Path | None = None
    ssl_key_password: SecretStr | None = None
    ssl_check_hostname: bool = True
    connect_seconds: float = Field(default=6.0, gt=0, le=3600)
    request_seconds: float = Field(default=30.0, ge=1, le=500)

    @field_validator("bootstrap", mode="before")
    @classmethod
    def _separate(cls, value: Any) -> Any:
        return value.split(",") if isinstance(value, str) else value

    @field_validator("bootstrap")
    @classmethod
    def _addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        addresses = tuple(text.strip() for text in value)
        if any("@" in text for text in addresses):
            # Not repeated: it may be a password, or part of one that holds a comma.
            raise ValueError(
                "takes host:port without a login, which goes into kafka.sasl_username and kafka.sasl_password"
            )
        for text in addresses:
            match = _ADDRESS.fullmatch(text)
            if match is None or not 0 < int(match[2] or 9092) < 1 << 16:
                raise ValueError(f"{text!r} is not of the form host:port")
        return addresses

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if self.security_protocol.startswith("SASL"):
            if not (self.sasl_mechanism and self.sasl_username and self.sasl_password):
                raise ValueError(
                    f"{self.security_protocol} needs sasl_mechanism, sasl_username and sasl_password"
                )
        elif self.sasl_mechanism or self.sasl_username or self.sasl_password:
            raise ValueError(
                f"a login (sasl_…) is given, which security_protocol {self.security_protocol} has no use for"
            )
        return self

    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each broker named."""
        found = [_ADDRESS.fullmatch(text) for text in self.bootstrap]
        return [(match[1].strip("[]"), int(match[2] or 9092)) for match in found if match is not None]

    def tls(self) -> ssl.SSLContext | None:
        """What encrypts the connections; ``None`` where they are not encrypted.

        Raises:
            ConfigError: a certificate or a key is missing, unreadable or not what it should be. The client
                library would only say, after its time is up, that there is no broker.
        """
        if not self.security_protocol.endswith("SSL"):
            return None
        try:
            context = ssl.create_default_context(cafile=self.ssl_ca)
        except (OSError, ssl.SSLError) as error:
            raise _unusable("kafka.ssl_ca", self.ssl_ca, error) from None
        context.check_hostname = self.ssl_check_hostname
        if self.ssl_certificate is not None:
            try:
                context.load_cert_chain(
                    self.ssl_certificate,
                    self.ssl_key,
                    # An empty one: without any, OpenSSL would ask on the terminal.
                    self.ssl_key_password.get_secret_value() if self.ssl_key_password else "",
                )
            except (OSError, ssl.SSLError) as error:
                raise _unusable(
                    "kafka.ssl_certificate or kafka.ssl_key", self.ssl_certificate, error
                ) from None
        return context


def _unusable(key: str, path: Path | None, error: OSError) -> ConfigError:
    reason = "it does not exist" if isinstance(error, FileNotFoundError) else str(error.strerror or error)
    return ConfigError(f"The file of {key} ({path}) cannot be used: {reason}.")
