"""pgvector's column type, carried in binary between here and the server."""

from collections.abc import Callable
from typing import Any

import numpy as np
from pgvector import Vector
from pgvector.psycopg.vector import VectorBinaryDumper
from pgvector.sqlalchemy import VECTOR
from sqlalchemy import ColumnElement, func
from sqlalchemy.engine import Dialect


class BinaryVector(VECTOR):
    """A ``vector`` column whose values are little-endian float32 bytes here.

    pgvector's own type sends decimal text, which takes ten times as long to write and read.
    """

    cache_ok = True
    # The server is told the type in the statement, so that no connection need look up its number first.
    render_bind_cast = True

    def bind_processor(self, dialect: Dialect) -> Callable[[bytes | None], Vector | None]:
        """Bytes to what `register_vectors` taught the driver to send."""
        return lambda value: Vector(np.frombuffer(value, "<f4")) if value is not None else None

    def column_expression(self, column: ColumnElement[Any]) -> ColumnElement[Any]:
        """Read the server's binary form of the column."""
        return func.vector_send(column, type_=self)

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[bytes | None], bytes | None]:
        """What the server sent to bytes."""
        return lambda value: from_network(value) if value is not None else None


def register_vectors(connection: Any) -> None:
    """Teach a psycopg connection to send vectors in binary."""
    connection.adapters.register_dumper(Vector, VectorBinaryDumper)


def from_network(message: bytes) -> bytes:
    """Little-endian float32 bytes of what ``vector_send`` gives: 4 bytes of header, then big-endian ones."""
    return np.frombuffer(message, ">f4", offset=4).astype("<f4").tobytes()
