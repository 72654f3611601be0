"""Log lines of long-running commands: plain for people, JSON for collectors; always on standard error."""

import json
import logging
import sys
import time
from typing import Literal

from reid_core.redaction import redact_text

LogFormat = Literal["text", "json"]
# Libraries that say at INFO what only their own authors need.
_TALKATIVE = (
    "alembic",
    "openvino",
    "ultralytics",
    "PIL",
    "fsspec",
    "botocore",
    "httpcore",
    "httpx",
    "urllib3",
)


class JsonLines(logging.Formatter):
    """One JSON object a line: time (UTC), level, thread, logger, message, and the traceback if any."""

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        said = {
            "time": _iso(record.created),
            "level": record.levelname.lower(),
            "thread": record.threadName,
            "logger": record.name,
            "message": redact_text(record.getMessage()),
        }
        if record.exc_info:
            said["traceback"] = redact_text(self.formatException(record.exc_info))
        return json.dumps(said)


class TextLines(logging.Formatter):
    """A line for people: time (UTC), level, thread and message, and the traceback if any."""

    def __init__(self) -> None:
        super().__init__("%(asctime)sZ %(levelname)s %(threadName)s: %(message)s", "%H:%M:%S")
        self.converter = time.gmtime

    def format(self, record: logging.LogRecord) -> str:
        """The line."""
        return redact_text(super().format(record))


def log_lines(form: LogFormat, level: int = logging.INFO) -> None:
    """Write log records of the whole process to standard error from now on.

    Args:
        form: of a line.
        level: the least that is written.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines() if form == "json" else TextLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in _TALKATIVE:
        logging.getLogger(name).setLevel(logging.ERROR)
    # What matters of its connections is said in our own sentences.
    logging.getLogger("kafka").setLevel(logging.CRITICAL)


def _iso(seconds: float) -> str:
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds))
    return f"{whole}.{int(seconds % 1 * 1000):03d}Z"
