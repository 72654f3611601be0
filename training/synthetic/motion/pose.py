"""A body that moves: one identity's skeleton doing one motion."""

import numpy as np
import numpy.typing as npt

from training.synthetic.geometry.skeleton import BONE, BONE_COUNT, RestSkeleton, posed
from training.synthetic.motion.doing import Hold, Motion
from training.synthetic.motion.gait import (
    FOOT,
    HIP,
    KNEE,
    TOES,
    Array,
    about,
    across,
    bend_to,
    cross,
    frame,
    turn,
    twist_about,
    unit,
)
from training.synthetic.motion.hands import Hand
from training.synthetic.motion.hold import Girth, hold
from training.synthetic.motion.limb import Letter, Limb

TAU = 2 * np.pi
SPINE = ("spine05", "spine04", "spine03", "spine02", "spine01")
NECK = ("neck01", "neck02", "neck03", "head")
_SIDES: tuple[tuple[Letter, int], ...] = (("L", 1), ("R", -1))


class Actor:
    """One identity doing one motion; built once, then asked for poses.

    Args:
        rest: of the identity.
        motion: what they do.
        girth: how wide they are; guessed from the skeleton where not given, which suits the slim.
    """

    def __init__(self, rest: RestSkeleton, motion: Motion, girth: Girth | None = None) -> None:
        self.rest = rest
        self.motion = motion
        hip = rest.heads[BONE["upperleg01.L"], 0]
        self.girth = girth or Girth(hips=float(hip) + 0.075, front=0.16)
        self._legs = {side: Limb.leg(rest, side) for side, _ in _SIDES}
        self._arms = {side: Limb.arm(rest, side) for side, _ in _SIDES}
        self._hands = {side: Hand(rest, side) for side, _ in _SIDES}
        self._local = np.tile(np.eye(3), (BONE_COUNT, 1, 1))
        for side, _ in _SIDES:
            self._hands[side].close(self._local, self._grip(side))

    @property
    def leg_length(self) -> float:
        """Metres from hip to ankle."""
        return self._legs["L"].length

    def cycle_length(self) -> float:
        """Metres walked in one cycle (two steps), at which the standing foot does not slide; else 0."""
        if self.motion.gait == "stand":
            return 0.0
        # From flat foot to heel off, of both legs: what the ground moves back under the body.
        ways = []
        for side, start in (("L", 0.0), ("R", 0.5)):
            ankle = [
                posed(self.rest, self.pose(start + at)).heads[BONE[f"foot.{side}"], 1] for at in (0.08, 0.4)
            ]
            ways.append((ankle[1] - ankle[0]) / 0.32)
        return float(np.mean(ways))

    def offset(self, phase: float) -> Array:
        """Metres (3,) of the root off the person's straight path: sideways sway, weight on a leg."""
        motion, style = self.motion, self.motion.style
        at = TAU * (phase + motion.phase)
        if motion.gait == "walk":
            return np.array([style.sway * np.sin(at - 0.3), 0.0, 0.0])
        lean = 0.045 * self.leg_length / 0.85
        return np.array([lean * motion.shift + 0.006 * np.sin(at), 0.006 * np.sin(2 * at + 1), 0.0])

    def pose(self, phase: float) -> npt.NDArray[np.float64]:
        """Rotations (104, 3, 3) of every bone against its parent, for `skeleton.bone_transforms`.

        Args:
            phase: of the cycle since time 0; the motion's own phase is added.
        """
        at = phase + self.motion.phase
        local = self._local.copy()
        trunk = self._trunk(local, at)
        state = posed(self.rest, local)
        whole = state.rotations
        for side, sign in _SIDES:
            if self.motion.gait == "walk":
                self._stride(local, whole, side, sign, at)
            else:
                self._stance(local, whole, state.heads, side, sign, phase)
            self._arm(local, whole, state.heads, side, sign, at, trunk)
        return local

    def _trunk(self, local: Array, at: float) -> float:
        """Pelvis, spine and head; returns the turn of the shoulders, radians."""
        motion, style = self.motion, self.motion.style
        swing = TAU * at
        vigour = self._vigour()
        if motion.gait == "walk":
            hips = -0.6 * style.twist * vigour * np.cos(swing)
            shoulders = 0.75 * style.twist * vigour * np.cos(swing)
            drop = -style.drop * vigour * np.sin(swing - 0.25)
            nod = 0.012 * np.sin(2 * swing)
        else:
            hips = 0.08 * motion.shift + 0.02 * np.sin(swing)
            shoulders = hips + 0.25 * self._glance(at) * (motion.look_range > 0.3)
            drop = -0.07 * motion.shift
            nod = 0.008 * np.sin(2 * swing)
        lean = style.lean + nod + (0.07 if "bar" in (motion.left, motion.right) else 0.0)
        lean -= 0.07 if "box" in (motion.left, motion.right) else 0.0
        tilt = 0.3 * lean
        local[0] = turn(tilt, drop, hips)
        # What the pelvis drops to one side the spine takes back, a little over.
        bend = turn((lean - tilt) / 5, -1.15 * drop / 5, (shoulders - hips) / 5)
        for name in SPINE:
            local[BONE[name]] = bend
        look = motion.look + self._glance(at) - shoulders
        forward = style.slouch
        back = motion.nod - forward - 0.8 * lean
        for name, share in zip(NECK, (0.6, 0.4, 0.0, 0.0), strict=True):
            local[BONE[name]] = turn(
                forward * share + back * (0.1, 0.2, 0.3, 0.4)[NECK.index(name)], 0.04 * drop, look / 4
            )
        return float(shoulders)

    def _glance(self, at: float) -> float:
        return float(self.motion.look_range * np.sin(TAU * at))

    def _vigour(self) -> float:
        """Size of all swings: slow people take small steps."""
        return float(np.clip(0.62 + 0.3 * self.motion.speed, 0.7, 1.15))

    def _stride(self, local: Array, whole: Array, side: Letter, sign: int, at: float) -> None:
        style = self.motion.style
        mine = at if side == "L" else at + 0.5
        reach = style.stride * self._vigour() * (1 + sign * style.uneven)
        lift = style.lift * (0.75 + 0.25 * self._vigour())
        middle = np.radians(8)
        hip = middle * min(reach, 1.0) + (HIP(mine) - middle) * reach
        knee = KNEE(mine) * lift + 0.02
        heel = FOOT(mine) * (reach if FOOT(mine) > 0 else min(1.0, reach))
        limb = self._legs[side]
        # Slightly inwards from the hip joint to the ankle's line of walking; more when it swings by.
        joint = self.rest.offsets[BONE[f"upperleg01.{side}"], 0] * sign
        splay = float(np.arcsin(np.clip((style.track / 2 - joint) / limb.length, -0.12, 0.05)))
        yaw = 0.5 * float(np.arctan2(whole[0][1, 0], whole[0][0, 0])) + sign * style.toes * 0.5
        thigh = np.array([sign * np.sin(splay), -np.sin(hip) * np.cos(splay), -np.cos(hip) * np.cos(splay)])
        hinge = across(np.array([np.cos(yaw), np.sin(yaw), 0.0]), thigh)
        ahead = cross(thigh, hinge)
        shin = thigh * np.cos(knee) - ahead * np.sin(knee)
        foot = turn(-heel, 0.0, yaw * 0.5 + sign * style.toes * 0.5)
        self._set_leg(local, whole, side, thigh, shin, hinge, foot, TOES(mine) * min(reach, 1.0))

    def _stance(
        self, local: Array, whole: Array, heads: Array, side: Letter, sign: int, phase: float
    ) -> None:
        style = self.motion.style
        limb = self._legs[side]
        start = heads[BONE[f"upperleg01.{side}"]]
        scale = limb.length / 0.85
        width = (0.055 + 0.4 * style.track) * scale
        free = max(0.0, -sign * self.motion.shift)
        ankle = np.array([sign * (width + 0.04 * free * scale), 0.015 - 0.07 * free * scale, 0.0])
        ankle -= self.offset(phase)
        higher = max(heads[BONE["upperleg01.L"], 2], heads[BONE["upperleg01.R"], 2])
        ankle[2] = higher - limb.length * 0.988
        yaw = sign * (style.toes + 0.06 + 0.15 * free)
        pole = np.array([np.sin(yaw), -np.cos(yaw), 0.0])
        thigh, shin, kneecap = bend_to(start, ankle, limb.first, limb.second, pole)
        self._set_leg(local, whole, side, thigh, shin, cross(kneecap, thigh), turn(z=yaw), 0.0)

    def _set_leg(
        self,
        local: Array,
        whole: Array,
        side: Letter,
        thigh: Array,
        shin: Array,
        hinge: Array,
        foot: Array,
        toes: float,
    ) -> None:
        limb = self._legs[side]
        upper = frame(thigh, hinge) @ limb.upper_frame.T
        lower = frame(shin, hinge) @ limb.lower_frame.T
        hips = whole[BONE[f"pelvis.{side}"]]
        local[BONE[f"upperleg01.{side}"]] = hips.T @ upper
        local[BONE[f"lowerleg01.{side}"]] = upper.T @ lower
        local[BONE[f"foot.{side}"]] = lower.T @ foot
        if toes:
            for toe in range(1, 6):
                local[BONE[f"toe{toe}-1.{side}"]] = turn(-toes)

    def _arm(
        self, local: Array, whole: Array, heads: Array, side: Letter, sign: int, at: float, trunk: float
    ) -> None:
        what = self.motion.left if side == "L" else self.motion.right
        limb = self._arms[side]
        reach = hold(what, self.rest, heads, whole, sign, self.girth, self.motion)
        shoulder = BONE[f"upperarm01.{side}"]
        if reach is None:
            upper, lower, ahead = self._swing(what, heads[shoulder], limb, sign, at, trunk)
            palm = unit(np.array([-sign, 0.0, 0.0]) + self._backwards(what) * np.array([0.0, 1.0, 0.0]))
            fingers = lower
        else:
            if reach.raised:
                # The shoulder goes along when the arm is lifted.
                local[BONE[f"clavicle.{side}"]] = turn(y=-sign * reach.raised)
            upper, lower, elbow = bend_to(heads[shoulder], reach.wrist, limb.first, limb.second, reach.pole)
            ahead, palm, fingers = -elbow, reach.palm, reach.fingers
        self._set_arm(local, whole, side, upper, lower, ahead, fingers, palm)

    def _set_arm(
        self,
        local: Array,
        whole: Array,
        side: Letter,
        upper: Array,
        lower: Array,
        ahead: Array,
        fingers: Array,
        palm: Array,
    ) -> None:
        limb = self._arms[side]
        hinge = cross(ahead, upper)
        arm = frame(upper, hinge) @ limb.upper_frame.T
        plain = frame(lower, hinge) @ limb.lower_frame.T
        hand = self._hands[side].towards(fingers, palm)
        # The wrist does not turn about the forearm; the forearm's two bones do, half each.
        roll = float(np.clip(twist_about(hand @ plain.T, lower), -1.9, 1.9))
        near, far = about(lower, 0.45 * roll) @ plain, about(lower, 0.9 * roll) @ plain
        # The collar bone may have been lifted since the trunk was posed.
        above = whole[BONE["spine01"]] @ local[BONE[f"clavicle.{side}"]]
        chain = (("upperarm01", arm), ("lowerarm01", near), ("lowerarm02", far), ("wrist", hand))
        for name, target in chain:
            local[BONE[f"{name}.{side}"]] = above.T @ target
            above = target

    def _swing(
        self, what: Hold, shoulder: Array, limb: Limb, sign: int, at: float, trunk: float
    ) -> tuple[Array, Array, Array]:
        """A hanging arm: directions of upper arm and forearm, and where the elbow bends to."""
        motion, style = self.motion, self.motion.style
        # The left arm is back when the left heel strikes.
        beat = -np.cos(TAU * at) * sign
        size = {"free": 1.0, "bag": 0.35}.get(what, 0.0) * style.arms * (1 - sign * style.uneven)
        walking = motion.gait == "walk"
        amplitude = 0.33 * self._vigour() ** 2 * size if walking else 0.01
        swing = (-0.06 if walking else 0.05) + amplitude * beat + 0.4 * style.lean
        elbow = style.elbow * (0.35 if what == "bag" else 1.0)
        elbow += 0.4 * amplitude * max(0.0, beat + 0.4) if walking else 0.0
        if what == "trolley":
            swing, elbow = -0.42 + 0.02 * beat, 0.1
        hips = self.girth.hips + 0.045 + 0.05 * (what == "bag")
        hips += motion.beside_left if sign > 0 else motion.beside_right
        out = (hips - abs(float(shoulder[0]))) / limb.length
        spread = float(np.clip(np.arcsin(np.clip(out, -0.5, 0.9)), 0.03, 0.6)) + style.spread
        around = turn(z=0.5 * trunk)
        upper = around @ np.array(
            [sign * np.sin(spread), -np.sin(swing) * np.cos(spread), -np.cos(swing) * np.cos(spread)]
        )
        inwards = 0.12 if walking else 0.3
        ahead = across(around @ np.array([-sign * np.sin(inwards), -np.cos(inwards), 0.0]), upper)
        return upper, unit(upper * np.cos(elbow) + ahead * np.sin(elbow)), ahead

    def _backwards(self, what: Hold) -> float:
        return 1.2 if what == "trolley" else self.motion.style.palms

    def _grip(self, side: Letter) -> float:
        what = self.motion.left if side == "L" else self.motion.right
        return {
            "free": 0.22,
            "front": 0.3,
            "crossed": 0.2,
            "pocket": 0.25,
            "box": 0.15,
            "ear": 0.55,
            "screen": 0.5,
        }.get(what, 1.0)


__all__ = ["Actor", "Girth"]
