"""Which identity a watch means by now: people merge, split and move what the gallery got wrong."""

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from reid_core.gallery.correction_rows import CorrectionRow
from reid_core.gallery.schema import IdentityRow

_MOST = 100
_MERGED, _MOVED = "merge", ("move", "look back")


def meant_now(session: Session, identity: str) -> str | None:
    """The identity that another one has become.

    It is itself while it is there: whoever is split from it is somebody else. Where it was merged, or its
    last tracklet was moved, it is the one where its people are. An undone correction does not count.

    Returns:
        its id; ``None`` where nothing of it is left.
    """
    for _ in range(_MOST):
        if session.get(IdentityRow, identity) is not None:
            return identity
        left = or_(
            and_(CorrectionRow.kind == _MERGED, CorrectionRow.other == identity),
            and_(CorrectionRow.kind.in_(_MOVED), CorrectionRow.identity == identity),
        )
        standing = select(CorrectionRow).where(left, CorrectionRow.undone_by == "")
        row = session.scalars(standing.order_by(CorrectionRow.id.desc()).limit(1)).first()
        if row is None:
            return None
        identity = row.identity if row.kind == _MERGED else row.other
    return None
