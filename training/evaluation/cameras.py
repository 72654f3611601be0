"""Which cameras a published data set has: vectors of another one are of other images, or counted anew."""

from collections.abc import Iterable

from reid_core.errors import UsageError
from training.datasets.opening import LAYOUTS
from training.evaluation.protocols import Direction, ProtocolSpec, Search

INDOOR = frozenset({1, 2})
"""The visible cameras of SYSU-MM01's search indoors."""


def check_cameras(
    spec: ProtocolSpec, query_cameras: Iterable[int], gallery_cameras: Iterable[int], where: str
) -> None:
    """Make sure that images are of cameras that the protocol has on their side.

    What a query does not see is told by numbers of cameras: others give figures of another protocol.

    Args:
        spec: the protocol.
        query_cameras: of the images that ask.
        gallery_cameras: of the images that are searched.
        where: the file or folder that says so.

    Raises:
        UsageError: one is of another camera.
    """
    has = LAYOUTS.get(spec.data).cameras if spec.data in LAYOUTS else None
    if has is None:
        return
    asking, searched = set(query_cameras), set(gallery_cameras)
    strange = sorted((asking | searched) - has.visible - has.infrared)
    if strange:
        raise UsageError(
            f"{has.called} has no camera {strange[0]}, which {where} names.",
            "Its cameras are numbered from 1." if strange[0] == 0 else "",
        )
    visible = has.visible & INDOOR if spec.search is Search.INDOOR else has.visible
    for side, cameras, is_visible in (
        ("query", asking, spec.direction in (Direction.VIS2IR, Direction.VIS2VIS)),
        ("gallery", searched, spec.direction is not Direction.VIS2IR),
    ):
        allowed = visible if is_visible else has.infrared
        if cameras - allowed:
            raise UsageError(
                f"In {where} {side} images are of camera {min(cameras - allowed)}, which the protocol does "
                f"not have on that side.",
                f"The {side} is {'visible' if is_visible else 'infrared'}: cameras "
                f"{', '.join(map(str, sorted(allowed)))}.",
            )
