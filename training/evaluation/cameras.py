"""Which cameras a published data set has: vectors of another one are of other images, or counted anew."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from reid_core.errors import UsageError
from training.evaluation.protocols import Direction, ProtocolSpec, Search

INDOOR = frozenset({1, 2})
"""The visible cameras of SYSU-MM01's search indoors."""


@dataclass(frozen=True, slots=True)
class Rig:
    """The cameras of a data set.

    Attributes:
        name: of the data set.
        visible: numbers of its visible cameras.
        infrared: of its infrared cameras.
    """

    name: str
    visible: frozenset[int]
    infrared: frozenset[int]


RIGS: Mapping[str, Rig] = {
    "sysu": Rig("SYSU-MM01", frozenset({1, 2, 4, 5}), frozenset({3, 6})),
    "synthetic": Rig("The synthetic night shift", frozenset({1, 2, 4, 5}), frozenset({3, 6})),
    # Here 1 is the visible camera; evaluation code that only numbers the sides, by who asks, is as right.
    "regdb": Rig("RegDB", frozenset({1, 2}), frozenset({1, 2})),
    "llcm": Rig("LLCM", frozenset(range(1, 10)), frozenset(range(1, 10)) - {3}),
}
"""By what protocols call a data set; one of somebody's own has any cameras."""


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
    rig = RIGS.get(spec.data)
    if rig is None:
        return
    asking, searched = set(query_cameras), set(gallery_cameras)
    strange = sorted((asking | searched) - rig.visible - rig.infrared)
    if strange:
        raise UsageError(
            f"{rig.name} has no camera {strange[0]}, which {where} names.",
            "Its cameras are numbered from 1." if strange[0] == 0 else "",
        )
    visible = rig.visible & INDOOR if spec.search is Search.INDOOR else rig.visible
    visible_asks = spec.direction is Direction.VIS2IR
    for side, cameras, is_visible in (
        ("query", asking, visible_asks),
        ("gallery", searched, not visible_asks),
    ):
        allowed = visible if is_visible else rig.infrared
        if cameras - allowed:
            raise UsageError(
                f"In {where} {side} images are of camera {min(cameras - allowed)}, which the protocol does "
                f"not have on that side.",
                f"The {side} is {'visible' if is_visible else 'infrared'}: cameras "
                f"{', '.join(map(str, sorted(allowed)))}.",
            )
