"""Settings of `nightreid serve`."""

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from console.api.oidc.settings import OidcSettings
from reid_core.audit.policy import UsePolicy
from reid_core.audit.settings import AuditSettings
from reid_core.config import Settings
from reid_core.errors import ConfigError

_NEED_A_PURPOSE = ("search", "export", "watch.add", "erase")


class BindSettings(Settings):
    """Where the console listens.

    Attributes:
        host: address; others than this machine's own need ``tls``, or a proxy in front that ends it.
        port: 0 for a free one.
        proxies: addresses of the proxies in front, which end TLS and say for whom they ask; none by default.
    """

    host: str = Field(default="127.0.0.1", min_length=1)
    port: int = Field(default=8642, ge=0, le=65535)
    proxies: tuple[str, ...] = ()


class TlsSettings(Settings):
    """TLS of the console's own.

    Attributes:
        certificate: PEM file with the chain.
        key: PEM file.
        key_password_file: file with the password of the key, where it has one.
    """

    certificate: Path | None = None
    key: Path | None = None
    key_password_file: Path | None = None

    @model_validator(mode="after")
    def _both_or_none(self) -> "TlsSettings":
        if (self.certificate is None) != (self.key is None):
            raise ValueError("a certificate and its key belong together")
        return self


class SessionSettings(Settings):
    """How long one stays signed in.

    Attributes:
        idle_minutes: unseen for longer, one is signed out.
        hours: after which one is, however busy.
    """

    idle_minutes: float = Field(default=30.0, gt=0)
    hours: float = Field(default=12.0, gt=0)


class ApiLimitSettings(Settings):
    """Bounds on what is asked of the process.

    Attributes:
        body_bytes: of a request, uploads apart.
        upload_bytes: of a picture.
        pixels: of a picture.
        requests_a_minute: of one account; pictures count too.
        address_requests_a_minute: of one address, whoever asks.
        sign_ins_a_minute: that are tried from one address; five times as many may fail for one name.
        searches: that are made at once.
        searches_waiting: that wait for their turn; what comes then is refused.
    """

    body_bytes: int = Field(default=64 << 10, ge=1024)
    upload_bytes: int = Field(default=8 << 20, ge=1024)
    pixels: int = Field(default=24_000_000, ge=1024)
    requests_a_minute: int = Field(default=1200, ge=1)
    address_requests_a_minute: int = Field(default=6000, ge=1)
    sign_ins_a_minute: int = Field(default=10, ge=1)
    searches: int = Field(default=2, ge=1)
    searches_waiting: int = Field(default=64, ge=0)


class StreamSettings(Settings):
    """Who follows live what comes in.

    Attributes:
        streams: open at once, in all.
        streams_each: of one user.
    """

    streams: int = Field(default=64, ge=1, le=10_000)
    streams_each: int = Field(default=8, ge=1, le=10_000)


class SearchModelSettings(Settings):
    """Which models understand what is asked.

    Attributes:
        reid: embedder, as `nightreid run --reid` takes it; ``null`` for the starter model.
        text: folder of the text encoder; ``null`` for that of the embedder, or else the starter pack's.
    """

    reid: str | None = None
    text: str | None = None


class ServeSettings(Settings):
    """Everything `nightreid serve` can be told in a file.

    Attributes:
        gallery: its database, as SQLAlchemy spells it; one with a password belongs into the environment
            (``NIGHTREID_GALLERY``) or into ``gallery_file``.
        gallery_file: file that holds that address instead.
        bind: where it listens.
        tls: of its own.
        policy: what is asked of whoever uses it; kept in the gallery, for the command line.
        session: how long one stays signed in.
        oidc: who vouches for users besides their passwords.
        limits: on what is asked of it.
        live: who follows what comes in.
        audit: the audit log.
        models: which models understand what is asked.
        footage: folders in which the recordings lie that clips are cut from; no other file is ever opened.
        blobs: the workers' blob store, a folder or ``s3://…``: who is erased is removed from it, too.
        log: form of the log's lines on standard error.
    """

    gallery: str = Field(default="sqlite:///nightreid.db", repr=False)
    gallery_file: Path | None = None
    bind: BindSettings = BindSettings()
    tls: TlsSettings = TlsSettings()
    policy: UsePolicy = UsePolicy(purpose=_NEED_A_PURPOSE)
    session: SessionSettings = SessionSettings()
    oidc: OidcSettings = OidcSettings()
    limits: ApiLimitSettings = ApiLimitSettings()
    live: StreamSettings = StreamSettings()
    audit: AuditSettings = AuditSettings()
    models: SearchModelSettings = SearchModelSettings()
    footage: tuple[Path, ...] = (Path(),)
    blobs: str | None = Field(default=None, repr=False)
    log: Literal["text", "json"] = "text"

    @field_validator("policy")
    @classmethod
    def _can_be_proposed(cls, policy: UsePolicy) -> UsePolicy:
        if policy.two_persons:
            from console.two_persons import check_proposable

            check_proposable(policy.two_persons)
        return policy

    def database(self) -> str:
        """The address of the gallery's database, from where it is said.

        Raises:
            ConfigError: its file cannot be read.
        """
        return self.gallery if self.gallery_file is None else secret_in(self.gallery_file)


def secret_in(file: Path) -> str:
    """What a file holds that is not to stand in the settings, without the end of its line.

    Raises:
        ConfigError: it cannot be read, or is empty.
    """
    try:
        text = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        raise ConfigError(f"The file {file} cannot be read.") from None
    if not text:
        raise ConfigError(f"The file {file} is empty.")
    return text
