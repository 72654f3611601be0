"""Calibrations on a gallery's own cameras, and the number of identities that probabilities depend on."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from reid_core.calibration import Calibration
from reid_core.gallery.database import Database
from reid_core.gallery.schema import CalibrationRow, CameraRow, IdentityRow


@dataclass(frozen=True, slots=True)
class OwnCalibration:
    """A calibration that was fitted on cameras of the gallery.

    Attributes:
        calibration: of scores.
        cameras: ids of those cameras.
        version: from 1, counted for each space and kind of pair.
    """

    calibration: Calibration
    cameras: frozenset[str]
    version: int


def own_calibration(database: Database, space: str, pair: str) -> OwnCalibration | None:
    """The latest one of a space and kind of pair, if there is one.

    Raises:
        ModelError: a newer version of nightreid wrote it.
    """
    chosen = (
        select(CalibrationRow)
        .where(CalibrationRow.space == space, CalibrationRow.pair == pair)
        .order_by(CalibrationRow.version.desc())
        .limit(1)
    )
    with database.read() as session:
        row = session.scalars(chosen).first()
        if row is None:
            return None
        return OwnCalibration(Calibration.from_dict(row.content), frozenset(row.cameras), row.version)


def put_own_calibrations(
    database: Database, space: str, calibrations: Mapping[str, Calibration], cameras: frozenset[str]
) -> int:
    """Keep calibrations that were fitted on these cameras; those of before stay as earlier versions.

    Args:
        database: of the gallery.
        space: of the scores.
        calibrations: by kind of pair.
        cameras: ids.

    Returns:
        their version.
    """
    with database.write() as session:
        latest = session.scalar(select(func.max(CalibrationRow.version)).where(CalibrationRow.space == space))
        version = (latest or 0) + 1
        for pair, calibration in calibrations.items():
            values = {"space": space, "pair": pair, "version": version, "content": calibration.to_dict()}
            session.execute(insert(CalibrationRow).values(**values, cameras=sorted(cameras)))
    return version


def count_everybody(session: Session) -> int:
    """How many identities there are."""
    return session.scalar(select(func.count()).select_from(IdentityRow)) or 0


def camera_ids(session: Session) -> frozenset[str]:
    """The ids of all cameras of the gallery."""
    return frozenset(session.scalars(select(CameraRow.id)))
