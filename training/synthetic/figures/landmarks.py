"""Where things sit on a body: head, neck, shoulders, hips and hands in the rest pose."""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from training.synthetic.geometry.skeleton import BONE, RestSkeleton
from training.synthetic.motion.hold import Girth

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Places on one body in the rest pose, metres; left is +x, forwards is -y.

    Attributes:
        skeleton: bones of the body.
        ground: z of the soles.
        crown: z of the top of the head.
        brow: z of the eyebrows.
        chin: z of the chin.
        eye: (3,) front of the left eye.
        ear: (3,) left ear.
        levels: (L,) heights at which the head was measured, upwards.
        widths: (L,) half its width there, without ears.
        fronts: (L,) its front y there.
        backs: (L,) its back y there.
        neck: (3,) middle of the neck, at its lower half.
        neck_radius: half its width where it is narrowest.
        shoulder: (3,) left shoulder joint.
        chest: z of the middle of the chest.
        waist: z of the waist.
        hip: z of the hip joints.
        hip_width: half the width at and below the hips.
        belly: how far the front of the trunk lies before the root bone.
        trunk: (N, 3) vertices of trunk, neck base and upper thighs, without arms and head.
    """

    skeleton: RestSkeleton
    ground: float
    crown: float
    brow: float
    chin: float
    eye: Array
    ear: Array
    levels: Array
    widths: Array
    fronts: Array
    backs: Array
    neck: Array
    neck_radius: float
    shoulder: Array
    chest: float
    waist: float
    hip: float
    hip_width: float
    belly: float
    trunk: Array

    @property
    def scale(self) -> float:
        """Size of the body against one of 1.7 metres."""
        return (self.crown - self.ground) / 1.7

    @property
    def head_scale(self) -> float:
        """Size of the head against a grown-up's."""
        return (self.crown - self.chin) / 0.22

    def girth(self, clothing: float = 0.015) -> Girth:
        """What the arms have to keep out of, with clothes of a thickness in metres."""
        return Girth(hips=self.hip_width + clothing, front=self.belly + clothing)

    def head_at(self, angle: Array, z: Array, clearance: float = 0.0) -> Array:
        """Points (..., 3) round the head: angle 0 in front, growing to the left, at heights ``z``."""
        width = np.interp(z, self.levels, self.widths)
        front, back = np.interp(z, self.levels, self.fronts), np.interp(z, self.levels, self.backs)
        x = (width + clearance) * np.sin(angle)
        y = (front + back) / 2 - ((back - front) / 2 + clearance) * np.cos(angle)
        return np.stack(np.broadcast_arrays(x, y, z), -1)

    def front(self, x: float, z: float, near: float = 0.035) -> float:
        """The trunk's front y about a place."""
        return float(self._about(x, z, near)[:, 1].min())

    def back(self, x: float, z: float, near: float = 0.035) -> float:
        """The trunk's back y about a place."""
        return float(self._about(x, z, near)[:, 1].max())

    def half_width(self, z: float, near: float = 0.03) -> float:
        """Half the trunk's width at a height."""
        return float(np.abs(self.trunk[np.abs(self.trunk[:, 2] - z) < near][:, 0]).max())

    def _about(self, x: float, z: float, near: float) -> Array:
        distance = np.hypot(self.trunk[:, 0] - x, self.trunk[:, 2] - z)
        close = distance < near
        return self.trunk[close if close.any() else distance == distance.min()]

    def loop(
        self,
        start: Array,
        down: Array,
        clearance: float,
        lowest: float,
        points: int = 28,
        through: Array | None = None,
    ) -> Array:
        """A taut band round the trunk, (points, 3): the hull of what a vertical-ish plane cuts.

        Args:
            start: (3,) a point of the plane, on the shoulder.
            down: (3,) direction in the plane, from the shoulder; the plane also holds the y axis.
            clearance: metres outside of the body.
            lowest: z below which nothing is looked at: there the band crosses inside of the body.
            points: of the band.
            through: (K, 3) further places that the band goes round, such as a bag's ends.
        """
        down = down / np.linalg.norm(down)
        normal = np.cross(down, [0.0, 1.0, 0.0])
        normal /= np.linalg.norm(normal)
        away = (self.trunk - start) @ normal
        cut = self.trunk[(np.abs(away) < 0.032) & (self.trunk[:, 2] > lowest)]
        if through is not None:
            cut = np.concatenate([cut, through])
        flat = np.stack([cut[:, 1] - start[1], (cut - start) @ down], 1).astype(np.float32)
        hull = cv2.convexHull(flat)[:, 0].astype(float)
        centre = hull.mean(0)
        out = hull - centre
        hull = hull + clearance * out / np.maximum(np.linalg.norm(out, axis=1, keepdims=True), 1e-9)
        ring = np.concatenate([hull, hull[:1]])
        length = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(ring, axis=0), axis=1))])
        steps = np.linspace(0, length[-1], points, endpoint=False)
        path = np.stack([np.interp(steps, length, ring[:, column]) for column in (0, 1)], 1)
        result: Array = start + path[:, 1:] * down + path[:, :1] * np.array([0.0, 1.0, 0.0])
        return result


def find_landmarks(vertices: npt.NDArray[np.floating], skeleton: RestSkeleton) -> Landmarks:
    """Measure a body.

    Args:
        vertices: (V, 3) of the skin in the rest pose, without helper geometry.
        skeleton: of the same identity.
    """
    points = np.asarray(vertices, float)
    heads = skeleton.heads
    eye = heads[BONE["eye.L"]]
    shoulder = heads[BONE["upperarm01.L"]]
    hip = float(heads[BONE["upperleg01.L"], 2])
    unit = abs(float(eye[0])) / 0.031
    crown = float(points[:, 2].max())
    # The eyes lie half-way between crown and chin.
    chin = float(2 * eye[2] - crown)
    size = crown - chin
    head = points[(points[:, 2] > chin - 0.25 * size) & (np.abs(points[:, 0]) < 0.12 * unit)]
    levels = np.linspace(chin - 0.1 * size, crown - 0.005 * size, 16)
    widths, fronts, backs = [], [], []
    for level in levels:
        ring = head[np.abs(head[:, 2] - level) < 0.07 * size]
        # Ears stand off: the width is what lies before them, from the temples.
        eared = abs(float(level - eye[2]) + 0.05 * size) < 0.25 * size
        before = ring[ring[:, 1] < eye[1] + 0.3 * size] if eared else ring
        widths.append(float(np.abs(before[:, 0]).max()))
        fronts.append(float(ring[:, 1].min()))
        backs.append(float(ring[:, 1].max()))
    lid = points[np.hypot(points[:, 0] - eye[0], points[:, 2] - eye[2]) < 0.014 * unit]
    beside = head[(np.abs(head[:, 2] - eye[2]) < 0.15 * size) & (head[:, 0] > 0)]
    arm = _arm(points, skeleton, shoulder)
    neck = (heads[BONE["neck01"]] + heads[BONE["neck02"]]) / 2
    trunk = points[~arm & (points[:, 2] < neck[2]) & (points[:, 2] > hip - 0.2 * unit)]
    seat = trunk[(trunk[:, 2] < hip + 0.03) & (trunk[:, 2] > hip - 0.12)]
    belly = trunk[(trunk[:, 2] > hip - 0.04) & (trunk[:, 2] < hip + 0.6 * (shoulder[2] - hip))]
    return Landmarks(
        skeleton=skeleton,
        ground=float(points[:, 2].min()),
        crown=crown,
        brow=float(eye[2] + 0.11 * size),
        chin=chin,
        eye=np.array([eye[0], lid[:, 1].min(), eye[2]]),
        ear=beside[int(np.argmax(beside[:, 0]))],
        levels=levels,
        widths=np.array(widths),
        fronts=np.array(fronts),
        backs=np.array(backs),
        neck=neck * [0, 1, 1],
        neck_radius=1.04 * min(widths),
        shoulder=shoulder,
        chest=float(hip + 0.72 * (shoulder[2] - hip)),
        waist=float(hip + 0.3 * (shoulder[2] - hip)),
        hip=hip,
        hip_width=float(np.abs(seat[:, 0]).max()),
        belly=float(heads[0, 1] - belly[:, 1].min()),
        trunk=trunk,
    )


def _arm(points: Array, skeleton: RestSkeleton, shoulder: Array) -> npt.NDArray[np.bool_]:
    """Which points lie beyond the shoulder joint along the (half raised) arm."""
    elbow = skeleton.heads[BONE["lowerarm01.L"]]
    along = (elbow - shoulder) / np.linalg.norm(elbow - shoulder)
    mirrored = points * [1, 1, 1]
    mirrored[:, 0] = np.abs(mirrored[:, 0])
    way = (mirrored - shoulder) @ along
    off = np.linalg.norm(mirrored - shoulder - way[:, None] * along, axis=1)
    chain = ("lowerarm01.L", "lowerarm02.L", "wrist.L", "finger3-1.L", "finger3-3.L")
    joints = np.stack([skeleton.heads[BONE[name]] for name in chain])
    near = np.min(np.linalg.norm(mirrored[:, None] - joints[None], axis=2), axis=1)
    reach = float(np.linalg.norm(elbow - shoulder))
    result: npt.NDArray[np.bool_] = ((way > 0.12 * reach) & (off < 0.34 * reach) & (way < 1.2 * reach)) | (
        near < 0.42 * reach
    )
    return result
