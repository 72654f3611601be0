"""Poses and gait: what the body model itself would give, and what an observer of walking would expect."""

from dataclasses import replace

import numpy as np
import pytest

from training.synthetic.figures.body import SKIN_VERTICES
from training.synthetic.geometry.skeleton import (
    BONE,
    BONE_COUNT,
    BONES,
    PARENTS,
    RestSkeleton,
    bone_transforms,
    from_vectors,
    posed,
)
from training.synthetic.motion.doing import Motion, draw_motion, draw_style
from training.synthetic.motion.gait import turn
from training.synthetic.motion.hold import Girth
from training.synthetic.motion.pose import Actor
from training.synthetic.people.drawing import draw_person
from training.synthetic.people.person import Item

PERSON = draw_person(5, 0)
PLAIN = replace(
    draw_style(PERSON), stride=1.0, arms=1.0, lean=0.02, slouch=0.02, uneven=0.0, toes=0.1, track=0.1
)


@pytest.fixture(scope="module")
def bodies(missing):
    """Rest bodies of a man, a heavy woman and a child, with their skeletons."""
    try:
        import anny  # noqa: F401
    except ImportError:
        missing("needs anny, the parametric body")
    from training.synthetic.figures.body import reference_orientations, rest_body

    shapes = {
        "man": {"gender_fraction": 0.1, "age_fraction": 0.7, "weight": 0.5},
        "heavy": {"gender_fraction": 0.9, "age_fraction": 0.75, "weight": 0.95},
        "child": {"gender_fraction": 0.5, "age_fraction": 0.42, "weight": 0.4},
    }
    result = {}
    for name, shape in shapes.items():
        rest = rest_body(replace(PERSON.body, muscle=0.5, height=0.5, proportions=0.5, **shape))
        result[name] = rest, RestSkeleton.of(rest.bone_poses, reference_orientations())
    return result


def walking(**changes):
    return replace(Motion("walk", "free", "free", PLAIN, speed=1.3), **changes)


def heads(skeleton, motion, phase, girth=None):
    return posed(skeleton, Actor(skeleton, motion, girth).pose(phase)).heads


def test_bones_are_the_body_models(bodies):
    from training.synthetic.figures.body import template

    assert template().bones == BONES
    assert list(template().parents) == list(PARENTS)


def skinned(transforms, vertices, bones, weights):
    """Vertices ``(V, 3)`` by linear blend skinning."""
    blended = np.einsum("vk,vkij->vij", weights, transforms[:, :3][bones])
    return np.einsum("vij,vj->vi", blended[:, :, :3], vertices) + blended[:, :, 3]


@pytest.mark.slow
def test_skinning_is_the_body_models(bodies):
    import torch

    from training.synthetic.figures.body import _model, reference_orientations

    model = _model()
    rng = np.random.default_rng(3)
    for weight in (0.1, 0.9):
        vectors = rng.normal(0, 0.5, (BONE_COUNT, 3))
        pose = np.tile(np.eye(4), (1, BONE_COUNT, 1, 1))
        pose[0, :, :3, :3] = from_vectors(vectors)
        with torch.inference_mode():
            truth = model(torch.as_tensor(pose), phenotype_kwargs={"weight": weight, "age": 0.8})
        skeleton = RestSkeleton.of(truth["rest_bone_poses"][0].numpy(), reference_orientations())
        ours = skinned(
            bone_transforms(skeleton, vectors),
            truth["rest_vertices"][0].numpy(),
            model.vertex_bone_indices.numpy(),
            model.vertex_bone_weights.numpy(),
        )
        assert np.abs(ours - truth["vertices"][0].numpy()).max() < 1e-3


def test_every_pose_is_made_of_rotations(bodies):
    skeleton = bodies["man"][1]
    for hold in ("free", "ear", "screen", "bar", "box", "crossed", "front", "pocket", "strap", "umbrella"):
        for gait in ("walk", "stand"):
            local = Actor(skeleton, walking(gait=gait, left=hold, right=hold)).pose(0.37)
            assert np.abs(local @ local.transpose(0, 2, 1) - np.eye(3)).max() < 1e-9
            assert np.linalg.det(local).min() > 0.99


@pytest.mark.parametrize("name", ["man", "heavy", "child"])
def test_walk_is_a_walk(bodies, name):
    skeleton = bodies[name][1]
    actor = Actor(skeleton, walking())
    path = np.stack([posed(skeleton, actor.pose(phase)).heads for phase in np.arange(20) / 20])
    left, right = path[:, BONE["foot.L"]], path[:, BONE["foot.R"]]
    # Steps of a plausible length, the other foot half a cycle later, knees that bend when they swing.
    assert 1.1 < actor.cycle_length() / actor.leg_length < 1.9
    assert np.abs(left[:, 1] - np.roll(right[:, 1], -10)).max() < 0.05
    assert left[14, 2] > left[4, 2] + 0.03
    # Arms swing against the legs, and the head stays upright above the hips.
    knuckles = path[:, BONE["wrist.L"], 1]
    assert np.corrcoef(knuckles, left[:, 1])[0, 1] < -0.8
    assert np.abs(path[:, BONE["head"], 0]).max() < 0.06


def test_standing_foot_does_not_slide(bodies):
    skeleton = bodies["man"][1]
    actor = Actor(skeleton, walking())
    phases = np.linspace(0.1, 0.4, 7)
    ankle = [posed(skeleton, actor.pose(p)).heads[BONE["foot.L"], 1] for p in phases]
    on_floor = np.array(ankle) - actor.cycle_length() * phases
    assert np.ptp(on_floor) < 0.06


def test_foot_lies_flat_while_it_carries(bodies):
    skeleton = bodies["man"][1]
    actor = Actor(skeleton, walking())
    foot = posed(skeleton, actor.pose(0.25)).rotations[BONE["foot.L"]]
    assert foot[2, 2] > 0.999


def test_standing_feet_share_the_floor(bodies):
    for shift in (-1.0, 0.0, 1.0):
        at = heads(bodies["man"][1], walking(gait="stand", speed=0.0, shift=shift), 0.2)
        assert abs(at[BONE["foot.L"], 2] - at[BONE["foot.R"], 2]) < 0.01


def test_hands_hang_beside_the_hips(bodies):
    from training.synthetic.figures.landmarks import find_landmarks

    for rest, skeleton in bodies.values():
        marks = find_landmarks(rest.vertices[:SKIN_VERTICES], skeleton)
        at = heads(skeleton, walking(gait="stand", speed=0.0), 0.0, marks.girth())
        hand = at[BONE["finger3-1.L"]]
        assert hand[2] < at[BONE["upperleg01.L"], 2] + 0.03
        assert marks.hip_width < hand[0] < marks.hip_width + 0.2
        wide = heads(skeleton, walking(gait="stand", speed=0.0), 0.0, Girth(marks.hip_width + 0.1, 0.2))
        assert wide[BONE["finger3-1.L"], 0] > hand[0] + 0.05


def test_hands_are_where_the_motion_wants_them(bodies):
    for _, skeleton in bodies.values():
        size = skeleton.length("upperarm01.L", "lowerarm01.L", "wrist.L")
        ear = heads(skeleton, walking(left="ear"), 0.3)
        eye = ear[BONE["eye.L"]]
        assert np.linalg.norm(ear[BONE["finger3-2.L"]] - eye) < 0.16
        bar = heads(skeleton, walking(left="bar", right="bar"), 0.3)
        assert np.abs(bar[BONE["wrist.L"], [1, 2]] - bar[BONE["wrist.R"], [1, 2]]).max() < 0.03
        assert bar[BONE["wrist.L"], 1] < bar[BONE["upperarm01.L"], 1] - 0.4 * size
        pulled = heads(skeleton, walking(left="trolley"), 0.3)
        assert pulled[BONE["wrist.L"], 1] > pulled[BONE["upperarm01.L"], 1] + 0.25 * size


def test_fingers_close(bodies):
    skeleton = bodies["man"][1]

    def opening(hold):
        at = heads(skeleton, walking(left=hold), 0.0)
        return np.linalg.norm(at[BONE["finger3-3.L"]] - at[BONE["wrist.L"]])

    assert opening("bag") < 0.8 * opening("free")


def test_gait_belongs_to_the_person():
    first = draw_motion(PERSON, np.random.default_rng(1))
    second = draw_motion(PERSON, np.random.default_rng(2))
    assert first.style == second.style
    assert first != second
    assert draw_style(draw_person(6, 0)) != first.style
    assert draw_motion(PERSON, np.random.default_rng(1)) == first


@pytest.mark.parametrize(
    ("kind", "motion"),
    [
        ("suitcase", {"pull"}),
        ("pushchair", {"push"}),
        ("box", {"box"}),
        ("handbag", {"carry"}),
        ("telephone", {"phone", "text"}),
        ("umbrella", {"umbrella", "carry"}),
    ],
)
def test_hands_do_what_the_items_ask(kind, motion):
    item = Item(kind, "left", 1.0, PERSON.top.cloth)
    person = replace(PERSON, items=(item,))
    for seed in range(12):
        drawn = draw_motion(person, np.random.default_rng(seed))
        assert drawn.kind in motion
        assert drawn.left != "free"
        assert drawn.speed == 0 if drawn.gait == "stand" else 0.7 <= drawn.speed <= 1.7


def test_turn_follows_its_words():
    assert (turn(x=0.3) @ [0, 0, 1])[1] < 0  # forwards
    assert (turn(y=0.3) @ [1, 0, 0])[2] < 0  # left side down
    assert (turn(z=0.3) @ [0, -1, 0])[0] > 0  # to the left
