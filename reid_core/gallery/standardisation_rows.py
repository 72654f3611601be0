"""Tables of how a gallery's vectors stand out from what their cameras show."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Integer, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from reid_core.gallery.schema import Base


class StandardisationRow(Base):
    """A version of a model's vectors, standardised by what each camera had shown by then.

    ``space`` is a digest over the rest and the statistics: the space in which the standardised vectors are
    compared. ``form`` is as `reid_core.standardising.parse_form` reads it. Versions are counted from 1 for
    each model and stay when others follow.
    """

    __tablename__ = "standardisations"
    __table_args__ = (UniqueConstraint("model_id", "version"),)

    space: Mapped[str] = mapped_column(String(64), primary_key=True)
    model_id: Mapped[str] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer)
    form: Mapped[str] = mapped_column(String(64))


class CameraStatisticsRow(Base):
    """What a camera had shown: mean and deviation of its vectors, ``D`` little-endian float64 each.

    ``tracklets`` is how many they are of. A camera records one spectrum, so they are of that.
    """

    __tablename__ = "camera_statistics"

    space: Mapped[str] = mapped_column(ForeignKey("standardisations.space"), primary_key=True)
    camera_id: Mapped[str] = mapped_column(ForeignKey("cameras.id"), primary_key=True)
    modality: Mapped[str] = mapped_column(String(16))
    tracklets: Mapped[int] = mapped_column(Integer)
    mean: Mapped[bytes] = mapped_column(LargeBinary)
    deviation: Mapped[bytes] = mapped_column(LargeBinary)


class HeadRow(Base):
    """What turns standardised vectors of a version, learned on the gallery's own cameras.

    ``parent`` is the space that was compared before, ``matrix`` the bytes of `reid_core.heads.Head`, and
    ``learned`` what it was learned from and what was measured: numbers and words, no ids.
    """

    __tablename__ = "heads"

    space: Mapped[str] = mapped_column(ForeignKey("standardisations.space"), primary_key=True)
    parent: Mapped[str] = mapped_column(String(64))
    matrix: Mapped[bytes] = mapped_column(LargeBinary)
    learned: Mapped[dict[str, Any]] = mapped_column(JSON)
