"""Which space a gallery is of: the one whose vectors are added and compared."""

from sqlalchemy.orm import Session

from reid_core.errors import ModelMismatchError
from reid_core.gallery.schema import MetaRow

_KEY = "space"
_SHORT = 12


def check_space(session: Session, space: str) -> None:
    """Make sure that the gallery is of this space, or of none yet.

    Raises:
        ModelMismatchError: its vectors lie in another.
    """
    active = active_space(session)
    if active is not None and active != space:
        raise ModelMismatchError(
            f"The gallery holds vectors of model {active[:_SHORT]}, not of model {space[:_SHORT]}.",
            "Use that model, or re-embed the gallery with `nightreid reembed`.",
        )


def active_space(session: Session) -> str | None:
    """The space whose vectors are compared, or ``None`` while there are no vectors."""
    row = session.get(MetaRow, _KEY)
    return row.value if row is not None else None


def set_active_space(session: Session, space: str) -> None:
    """Compare this space's vectors from now on."""
    session.merge(MetaRow(key=_KEY, value=space))
    session.flush()
