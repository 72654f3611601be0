"""A column whose bytes are encrypted or not; whoever reads it gets the plain ones."""

from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, type_coerce
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import InstrumentedAttribute
from sqlalchemy.types import TypeDecorator

from reid_core.sealing import Purpose, opened


class SealedData(TypeDecorator[bytes]):
    """Bytes that are decrypted as they are read; what is written is encrypted before (`sealing_rows`).

    Args:
        purpose: what they are.
    """

    impl = LargeBinary
    cache_ok = True

    def __init__(self, purpose: Purpose) -> None:
        super().__init__()
        self.purpose = purpose

    def process_result_value(self, value: Any, dialect: Dialect) -> bytes | None:
        """The plain bytes.

        Raises:
            SealingKeyError: their key is missing, or another one.
        """
        return opened(bytes(value), self.purpose) if value else value


def as_stored(column: InstrumentedAttribute[bytes]) -> ColumnElement[bytes]:
    """A column's bytes as they lie in the database."""
    return type_coerce(column, LargeBinary)
