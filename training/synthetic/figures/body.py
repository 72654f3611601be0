"""The parametric body: the rest shape of one person, and which part of it a vertex belongs to.

The body is anny's (MakeHuman data, CC0), with MakeHuman's helper geometry: `tights`, from which clothes
are cut, and `skirt`. The first use builds the model, which takes about a minute; anny keeps it.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from reid_core.errors import UsageError
from reid_core.types import Floats
from training.synthetic.geometry.raster import Int32s
from training.synthetic.people.person import Body

GROUPS = ("body", "helper-tights", "helper-skirt", "helper-l-eye", "helper-r-eye")
PULLS = 4
SKIN_VERTICES = 13380
"""The body's own; helpers for clothes come behind them."""


@dataclass(frozen=True, slots=True)
class Template:
    """What all bodies have in common.

    Attributes:
        groups: quads ``(Q, 4)`` of each group of the mesh.
        bones: bone names.
        parents: ``(B,)`` index of each bone's parent, -1 for the root.
        bone_indices: ``(V, 4)`` strongest bones of each vertex.
        bone_weights: ``(V, 4)`` their weights, rows sum to 1.
    """

    groups: dict[str, Int32s]
    bones: tuple[str, ...]
    parents: NDArray[np.int64]
    bone_indices: NDArray[np.int16]
    bone_weights: Floats


@dataclass(frozen=True, slots=True)
class RestBody:
    """One person's body in the rest pose (arms half raised), metres, z up, facing -y.

    Attributes:
        vertices: ``(V, 3)``.
        bone_poses: ``(B, 4, 4)`` rest pose of each bone.
        bone_heads: ``(B, 3)`` where each bone starts.
    """

    vertices: Floats
    bone_poses: Floats
    bone_heads: Floats


@cache
def _model() -> Any:
    try:
        import warp

        # It greets on standard output, where JSON may be expected.
        warp.config.log_level = warp.LOG_ERROR
        import anny
    except ImportError as error:
        raise UsageError(
            "The synthetic world needs the package anny.", "pip install 'nightreid[synthetic]'"
        ) from error
    import logging

    logging.getLogger("anny").setLevel(logging.ERROR)
    return anny.Anny(rig="anny", topology="makehuman-full")


@cache
def template() -> Template:
    """The mesh and the bones, read once.

    Raises:
        UsageError: anny is not installed.
    """
    model = _model()
    import anny

    source = Path(anny.__file__).parent / "data" / "mpfb2" / "3dobjs" / "base.obj"
    groups: dict[str, list[list[int]]] = {name: [] for name in GROUPS}
    current: list[list[int]] | None = None
    with source.open(encoding="ascii") as lines:
        for line in lines:
            if line.startswith("g "):
                current = groups.get(line.split()[1])
            elif line.startswith("f ") and current is not None:
                current.append([int(corner.split("/")[0]) - 1 for corner in line.split()[1:]])
    indices = model.vertex_bone_indices.numpy()
    weights = model.vertex_bone_weights.numpy().astype(np.float32)
    order = np.argsort(-weights, axis=1, kind="stable")[:, :PULLS]
    weights = np.take_along_axis(weights, order, 1)
    return Template(
        groups={name: np.array(quads, np.int32) for name, quads in groups.items()},
        bones=tuple(model.bone_labels),
        parents=np.array([-1 if parent is None else parent for parent in model.bone_parents]),
        bone_indices=np.take_along_axis(indices, order, 1).astype(np.int16),
        bone_weights=np.ascontiguousarray(weights / weights.sum(1, keepdims=True), np.float32),
    )


@cache
def reference_orientations() -> Floats:
    """``(B, 3, 3)`` of the bones in the reference pose."""
    return np.asarray(_model().reference_bone_orientations.numpy(), np.float32)


def rest_body(body: Body) -> RestBody:
    """The rest shape of one body.

    Raises:
        UsageError: anny is not installed.
    """
    import torch

    model = _model()
    phenotype = {
        "gender": body.gender_fraction,
        "age": body.age_fraction,
        "muscle": body.muscle,
        "weight": body.weight,
        "height": body.height,
        "proportions": body.proportions,
    }
    with torch.inference_mode():
        shape = model.get_phenotype_blendshape_coefficients(
            **{name: torch.tensor([value]) for name, value in phenotype.items()}
        )
        rest = model.get_rest_model(shape)
    return RestBody(
        vertices=np.ascontiguousarray(rest["rest_vertices"][0].numpy(), np.float32),
        bone_poses=np.ascontiguousarray(rest["rest_bone_poses"][0].numpy(), np.float32),
        bone_heads=np.ascontiguousarray(rest["rest_bone_heads"][0].numpy(), np.float32),
    )


@cache
def regions() -> dict[str, NDArray[np.bool_]]:
    """Vertices of ``arm.L``, ``arm.R``, ``hand``, ``leg``, ``foot``, ``head`` and ``neck``."""
    shared = template()
    strongest = np.array(shared.bones)[shared.bone_indices[:, 0]]

    def starts(*names: str) -> NDArray[np.bool_]:
        return np.array([name.startswith(names) for name in strongest])

    left = np.array([name.endswith(".L") for name in strongest])
    arm = starts("upperarm", "lowerarm", "wrist", "finger", "metacarpal")
    return {
        "arm.L": arm & left,
        "arm.R": arm & ~left,
        "hand": starts("wrist", "finger", "metacarpal"),
        "leg": starts("upperleg", "lowerleg", "foot", "toe"),
        "foot": starts("foot", "toe"),
        "head": starts("head", "eye", "jaw", "tongue"),
        "neck": starts("neck"),
    }


def triangles(quads: Int32s) -> Int32s:
    """``(2Q, 3)`` triangles of ``(Q, 4)`` quads."""
    return np.ascontiguousarray(
        np.stack([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]], 1).reshape(-1, 3), np.int32
    )
