"""What keeps a database from going by an index that is that of nearly all rows.

SQLite knows nothing of how often a value occurs: it takes two columns that are equal to something for better
than one, and reads all vectors of the gallery's space and kind to find the five of a tracklet.
"""

from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.orm import InstrumentedAttribute


def unindexed(column: InstrumentedAttribute[str]) -> ColumnElement[Any]:
    """A text that is never null, as a condition by which rows are left out and never looked up."""
    return func.coalesce(column, "")
