"""Which space a gallery is of: the one whose vectors are added and compared."""

from sqlalchemy import select
from sqlalchemy.orm import Session

from reid_core.errors import ModelMismatchError
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import MetaRow, table_of
from reid_core.gallery.standardisations import model_of

_KEY = "space"
_SHORT = 12
_META = table_of(MetaRow)
_ACTIVE = select(_META.c.value).where(_META.c.key == _KEY)


def check_space(session: Session, space: str, kind: VectorKind = VectorKind.CROP) -> None:
    """Make sure that the gallery is of this space, or of none yet.

    Args:
        session: of a transaction.
        space: of vectors.
        kind: of those; captions are compared in their model's own space, however its crops are.

    Raises:
        ModelMismatchError: its vectors lie in another.
    """
    active = active_space(session)
    if active is None or active == space:
        return
    model = model_of(session, active)
    if model != model_of(session, space):
        raise ModelMismatchError(
            f"The gallery holds vectors of model {model[:_SHORT]}, not of model {space[:_SHORT]}.",
            "Use that model, or re-embed the gallery with `nightreid reembed`.",
        )
    if kind is VectorKind.CROP:
        raise ModelMismatchError(
            "The gallery's vectors have been standardised, or are no more: they are compared otherwise now.",
            "Begin again; `nightreid standardise --undo` compares them as they were made.",
        )


def active_space(session: Session) -> str | None:
    """The space whose vectors are compared, or ``None`` while there are no vectors."""
    space: str | None = session.scalar(_ACTIVE)
    return space


def comparing_space(session: Session, model: str) -> str:
    """The space in which the gallery compares vectors of a model: its own, or one of a standardisation."""
    active = active_space(session)
    return active if active is not None and model_of(session, active) == model else model


def set_active_space(session: Session, space: str) -> None:
    """Compare this space's vectors from now on."""
    session.merge(MetaRow(key=_KEY, value=space))
    session.flush()
