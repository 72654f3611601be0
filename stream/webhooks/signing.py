"""Signatures, after the specification of Standard Webhooks (version 1, symmetric).

What is signed is ``ID.SECONDS.BODY``: a receiver that compares the signature and refuses a time that is more
than `TOLERANCE_SECONDS` from its own knows who sent it, that nobody changed it, and that it is not sent again
by somebody who listened. An attempt that is repeated has the same id and a new time.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence

ID_HEADER, TIME_HEADER, SIGNATURE_HEADER = "webhook-id", "webhook-timestamp", "webhook-signature"

TOLERANCE_SECONDS = 300
"""From how far off a receiver should refuse a time."""


def signed(keys: Sequence[bytes], message: str, seconds: int, body: bytes) -> dict[str, str]:
    """The headers that say what it is, when it was sent and who sent it.

    Args:
        keys: each makes a signature of its own.
        message: id.
        seconds: when it is sent, Unix time.
        body: as it is sent.
    """
    text = f"{message}.{seconds}.".encode() + body
    signatures = [base64.b64encode(hmac.digest(key, text, hashlib.sha256)).decode() for key in keys]
    return {
        ID_HEADER: message,
        TIME_HEADER: str(seconds),
        SIGNATURE_HEADER: " ".join(f"v1,{one}" for one in signatures),
    }
