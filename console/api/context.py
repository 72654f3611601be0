"""What all requests of one process share."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar, cast

from fastapi import Request

from console.api.settings import ServeSettings
from reid_core.access import Principal
from reid_core.access.sessions import SessionLimits
from reid_core.audit.trail import Trail
from reid_core.gallery import Gallery


class Made(Protocol):
    """What can be made of a context."""

    def __init__(self, context: "Context") -> None: ...


T = TypeVar("T", bound=Made)


@dataclass(eq=False)
class Context:
    """What all requests share.

    Attributes:
        settings: of this process.
        gallery: that is searched.
        trail: its audit log.
        local: who asks where nobody signs in; ``None`` where everybody must.
        clock: UTC nanoseconds.
        ending: set when the process is to end: what goes on in an open connection is over then.
    """

    settings: ServeSettings
    gallery: Gallery
    trail: Trail
    local: Principal | None = None
    clock: Callable[[], int] = time.time_ns
    ending: threading.Event = field(default_factory=threading.Event)
    _shared: dict[type, Any] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @property
    def session_limits(self) -> SessionLimits:
        """How long one stays signed in."""
        session = self.settings.session
        return SessionLimits(round(session.idle_minutes * 60e9), round(session.hours * 3600e9))

    @property
    def is_encrypted(self) -> bool:
        """Whether browsers reach it by TLS, its own or a proxy's."""
        return self.settings.tls.certificate is not None or bool(self.settings.bind.proxies)

    @property
    def ways_in(self) -> list[str]:
        """How one can sign in."""
        return ["password"] if self.settings.oidc.issuer is None else ["password", "oidc"]

    def shared(self, kind: type[T]) -> T:
        """The one thing of a kind that all requests share, made at its first use."""
        with self._lock:
            if kind not in self._shared:
                self._shared[kind] = kind(self)
            return cast(T, self._shared[kind])

    def close(self) -> None:
        """Let go of what is shared, the latest first; the gallery stays open."""
        self.ending.set()
        while (latest := self._let_go()) is not None:
            # Not with the lock held: what is waited for may need another thing before it ends.
            close = getattr(latest, "close", None)
            if close is not None:
                close()

    def _let_go(self) -> Any:
        with self._lock:
            return self._shared.popitem()[1] if self._shared else None


def context_of(request: Request) -> Context:
    """The context of the app that a request came to."""
    return cast(Context, request.app.state.context)
