"""A search's filter as conditions of SQL, the same for every database."""

from sqlalchemy import ColumnElement

from reid_core.gallery.hours import within_hours
from reid_core.gallery.index import SearchFilter
from reid_core.gallery.schema import VectorRow


def passing(where: SearchFilter) -> tuple[ColumnElement[bool], ...]:
    """What holds of the vectors that a search with this filter looks at; empty where it asks for nothing."""
    conditions: list[ColumnElement[bool]] = []
    if where.cameras is not None:
        conditions.append(VectorRow.camera_id.in_(sorted(where.cameras)))
    if where.exclude_cameras:
        conditions.append(VectorRow.camera_id.not_in(sorted(where.exclude_cameras)))
    if where.modality is not None:
        conditions.append(VectorRow.modality == str(where.modality))
    if where.since_ns is not None:
        conditions.append(VectorRow.time_ns >= where.since_ns)
    if where.until_ns is not None:
        conditions.append(VectorRow.time_ns < where.until_ns)
    if where.newest is not None:
        conditions.append(VectorRow.id <= where.newest)
    if where.hours is not None:
        conditions.append(within_hours(VectorRow.time_ns, where.hours))
    return tuple(conditions)
