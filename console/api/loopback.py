"""Names of this machine's own."""

from typing import Final

LOOPBACK: Final = ("127.0.0.1", "::1", "localhost")
