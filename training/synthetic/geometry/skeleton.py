"""The bones of the parametric body and how a pose moves them, in plain NumPy.

The numbers are those of the anny body (rig ``anny``, pose parametrisation ``local-ref``): every bone is
turned by its own rotation, given in axes that stay parallel to the body's while the parent moves, about
its own head. The body model's own forward pass gives the same vertices.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]

_TOES = (
    ("toe1-1", "foot"),
    ("toe1-2", "toe1-1"),
    *(
        (f"toe{toe}-{part}", f"toe{toe}-{part - 1}" if part > 1 else "foot")
        for toe in (2, 3, 4, 5)
        for part in (1, 2, 3)
    ),
)
_LEG = (
    ("pelvis", "root"),
    ("upperleg01", "pelvis"),
    ("upperleg02", "upperleg01"),
    ("lowerleg01", "upperleg02"),
    ("lowerleg02", "lowerleg01"),
    ("foot", "lowerleg02"),
    *_TOES,
)
_FINGERS = (
    ("finger1-1", "wrist"),
    ("finger1-2", "finger1-1"),
    ("finger1-3", "finger1-2"),
    *(
        pair
        for finger in (2, 3, 4, 5)
        for pair in (
            (f"metacarpal{finger - 1}", "wrist"),
            (f"finger{finger}-1", f"metacarpal{finger - 1}"),
            (f"finger{finger}-2", f"finger{finger}-1"),
            (f"finger{finger}-3", f"finger{finger}-2"),
        )
    ),
)
_ARM = (
    ("clavicle", "spine01"),
    ("shoulder01", "clavicle"),
    ("upperarm01", "shoulder01"),
    ("upperarm02", "upperarm01"),
    ("lowerarm01", "upperarm02"),
    ("lowerarm02", "lowerarm01"),
    ("wrist", "lowerarm02"),
    *_FINGERS,
)
_MIDDLE = ("root", "spine01")


def _sided(chain: tuple[tuple[str, str], ...], side: str) -> list[tuple[str, str]]:
    return [(f"{bone}.{side}", parent if parent in _MIDDLE else f"{parent}.{side}") for bone, parent in chain]


_CHAIN: tuple[tuple[str, str], ...] = (
    ("root", ""),
    *_sided(_LEG, "L"),
    *_sided(_LEG, "R"),
    ("spine05", "root"),
    ("spine04", "spine05"),
    ("spine03", "spine04"),
    ("spine02", "spine03"),
    ("spine01", "spine02"),
    *_sided(_ARM, "L"),
    *_sided(_ARM, "R"),
    ("neck01", "spine01"),
    ("neck02", "neck01"),
    ("neck03", "neck02"),
    ("head", "neck03"),
    ("eye.L", "head"),
    ("eye.R", "head"),
)

BONES: tuple[str, ...] = tuple(name for name, _ in _CHAIN)
BONE: dict[str, int] = {name: index for index, name in enumerate(BONES)}
BONE_COUNT = len(BONES)
PARENTS: npt.NDArray[np.int64] = np.array([BONE.get(parent, -1) for _, parent in _CHAIN])


def _levels() -> tuple[npt.NDArray[np.int64], ...]:
    depth = np.zeros(BONE_COUNT, int)
    for bone in range(1, BONE_COUNT):
        depth[bone] = depth[PARENTS[bone]] + 1
    return tuple(np.flatnonzero(depth == level) for level in range(1, depth.max() + 1))


_LEVELS = _levels()


@dataclass(frozen=True, slots=True, eq=False)
class RestSkeleton:
    """The bones of one identity at rest, and what posing them needs.

    Attributes:
        heads: (104, 3) where every bone begins, metres, rest coordinates.
        offsets: (104, 3) from the parent's head in the reference pose, metres.
        settling: (104, 3, 3) rotation from the rest to the reference orientation (a small one: it takes
            what is particular about a body's posture out, so that one pose looks alike on all).
    """

    heads: Array
    offsets: Array
    settling: Array

    @classmethod
    def of(
        cls, rest_poses: npt.NDArray[np.floating], orientations: npt.NDArray[np.floating]
    ) -> "RestSkeleton":
        """From the body model's numbers.

        Args:
            rest_poses: (104, 4, 4) ``rest_bone_poses`` of one identity.
            orientations: (104, 3, 3) ``reference_bone_orientations``, the same for everybody.
        """
        heads = np.asarray(rest_poses[:, :3, 3], float)
        settling = np.asarray(orientations, float) @ np.swapaxes(
            np.asarray(rest_poses[:, :3, :3], float), 1, 2
        )
        parent = np.maximum(PARENTS, 0)
        # The root's settling moves its own vertices, never the heads below it.
        carrying = settling.copy()
        carrying[0] = np.eye(3)
        offsets = np.einsum("bij,bj->bi", carrying[parent], heads - heads[parent])
        return cls(heads=heads, offsets=offsets, settling=settling)

    def length(self, *chain: str) -> float:
        """Metres along a chain of bones, from the first one's head to the last one's."""
        points = np.stack([self.heads[BONE[name]] for name in chain])
        return float(np.linalg.norm(np.diff(points, axis=0), axis=1).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """The bones of one identity in one pose.

    Attributes:
        rotations: (104, 3, 3) from the reference pose, in body axes.
        heads: (104, 3) where every bone begins, the root's at the origin.
    """

    rotations: Array
    heads: Array


def posed(rest: RestSkeleton, rotations: npt.NDArray[np.floating]) -> Posed:
    """Where every bone is.

    Args:
        rest: of the identity.
        rotations: (104, 3, 3) of every bone against its parent.
    """
    turned = np.array(rotations, float)
    heads = np.zeros((BONE_COUNT, 3))
    for level in _LEVELS:
        parent = PARENTS[level]
        above = turned[parent]
        turned[level] = above @ turned[level]
        heads[level] = heads[parent] + (above @ rest.offsets[level][:, :, None])[:, :, 0]
    return Posed(rotations=turned, heads=heads)


def bone_transforms(rest: RestSkeleton, rotations: npt.NDArray[np.floating]) -> Array:
    """The skinning matrices of a pose, (104, 4, 4): from rest coordinates to posed ones.

    The root's head ends at the origin; whoever places the person adds ground and heading.

    Args:
        rest: of the identity.
        rotations: (104, 3, 3) of every bone against its parent, or (104, 3) rotation vectors, radians.
    """
    local = rotations if rotations.ndim == 3 else from_vectors(rotations)
    pose = posed(rest, local)
    result = np.zeros((BONE_COUNT, 4, 4))
    result[:, :3, :3] = pose.rotations @ rest.settling
    result[:, :3, 3] = pose.heads - (result[:, :3, :3] @ rest.heads[:, :, None])[:, :, 0]
    result[:, 3, 3] = 1.0
    return result


def from_vectors(vectors: npt.NDArray[np.floating]) -> Array:
    """Rotation matrices (..., 3, 3) of rotation vectors (..., 3), radians (Rodrigues)."""
    vectors = np.asarray(vectors, float)
    angle = np.linalg.norm(vectors, axis=-1)[..., None, None]
    safe = np.where(angle > 1e-12, angle, 1.0)
    axis = vectors / safe[..., 0]
    cross = np.zeros((*vectors.shape, 3))
    cross[..., 0, 1], cross[..., 0, 2] = -axis[..., 2], axis[..., 1]
    cross[..., 1, 0], cross[..., 1, 2] = axis[..., 2], -axis[..., 0]
    cross[..., 2, 0], cross[..., 2, 1] = -axis[..., 1], axis[..., 0]
    result: Array = np.eye(3) + np.sin(angle) * cross + (1 - np.cos(angle)) * (cross @ cross)
    return result
