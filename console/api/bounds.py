"""How many bytes a request may bring: few, except for uploads."""

from starlette.datastructures import Headers
from starlette.middleware.body_limit import RequestBodyLimitMiddleware
from starlette.types import ASGIApp, Receive, Scope, Send

from console.api.problems import problem

# The parts of a multipart body have heads.
_AROUND_UPLOADS = 64 << 10


class BodyBounds:
    """Answers 413 to a body that is too large, and reads no further.

    Args:
        app: that answers the others.
        body_bytes: of bodies.
        upload_bytes: of uploads, which come as multipart.
    """

    def __init__(self, app: ASGIApp, body_bytes: int, upload_bytes: int) -> None:
        self._bodies = RequestBodyLimitMiddleware(app, body_bytes)
        self._uploads = RequestBodyLimitMiddleware(app, upload_bytes + _AROUND_UPLOADS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer."""
        headers = Headers(scope=scope) if scope["type"] == "http" else Headers({})
        uploads = headers.get("content-type", "").lower().startswith("multipart/form-data")
        bounded = self._uploads if uploads else self._bodies
        size = headers.get("content-length", "")
        # What says its size is refused by it; what does not is counted as it comes.
        if size.isdecimal() and int(size) > bounded.max_body_size:
            said = f"The body has more than {bounded.max_body_size} bytes."
            await problem(413, "too-large", said)(scope, receive, send)
            return
        await bounded(scope, receive, send)
