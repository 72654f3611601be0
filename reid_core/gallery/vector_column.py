"""How a vector lies in its column: as bytes on most databases, as a pgvector ``vector`` on PostgreSQL.

Rows hold little-endian float32 bytes everywhere, and all bits come back as they were written.
"""

from typing import Any

from sqlalchemy import LargeBinary
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

POSTGRESQL = "postgresql"


class VectorData(TypeDecorator[bytes]):
    """Little-endian float32 bytes; on PostgreSQL a ``vector`` of no fixed length."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """What the column is in this database."""
        if dialect.name != POSTGRESQL:
            return dialect.type_descriptor(LargeBinary())
        # Only who uses PostgreSQL has pgvector installed.
        from reid_core.gallery.pgvector_type import BinaryVector

        return dialect.type_descriptor(BinaryVector())
