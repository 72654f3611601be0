"""Hats, bags and what else is carried: closed shapes that sit on the body, on any body."""

from dataclasses import replace

import numpy as np
import pytest

from training.synthetic.figures.body import SKIN_VERTICES
from training.synthetic.geometry.mesh import box, ellipsoid, joined, sheet, tube
from training.synthetic.geometry.skeleton import BONE, RestSkeleton, posed
from training.synthetic.motion.doing import Motion, draw_style
from training.synthetic.motion.pose import Actor
from training.synthetic.people.drawing import draw_person
from training.synthetic.people.person import Hat, Item

pytestmark = pytest.mark.slow

PERSON = draw_person(5, 0)
CLOTH = PERSON.top.cloth
BARE = replace(PERSON, hat=None, glasses="none", scarf=None, items=(), outer=None)
KINDS = (
    "backpack",
    "shoulder bag",
    "handbag",
    "tote bag",
    "suitcase",
    "umbrella",
    "telephone",
    "pushchair",
    "box",
)


def volume(mesh):
    a, b, c = (mesh.vertices[mesh.faces[:, corner]].astype(float) for corner in range(3))
    return np.einsum("fi,fi->f", a, np.cross(b, c)).sum() / 6


@pytest.fixture(scope="module")
def bodies(missing):
    try:
        import anny  # noqa: F401
    except ImportError:
        missing("needs anny, the parametric body")
    from training.synthetic.figures.accessories import find_landmarks
    from training.synthetic.figures.body import reference_orientations, rest_body

    result = {}
    for name, (age, weight, height) in {
        "child": (0.4, 0.4, 0.5),
        "adult": (0.7, 0.5, 0.5),
        "large": (0.8, 0.98, 0.9),
    }.items():
        body = replace(PERSON.body, age_fraction=age, weight=weight, height=height, muscle=0.5)
        rest = rest_body(body)
        skeleton = RestSkeleton.of(rest.bone_poses, reference_orientations())
        result[name] = rest.vertices[:SKIN_VERTICES], find_landmarks(rest.vertices[:SKIN_VERTICES], skeleton)
    return result


def carrying(kind, side="left", size=1.0, seed=0):
    return replace(BARE, items=(Item(kind, side, size, replace(CLOTH, seed=seed)),))


def attached(person, marks, **options):
    from training.synthetic.figures.accessories import attachments

    return attachments(person, marks, **options)


def test_shapes_are_closed_and_look_outwards():
    assert volume(box((0.2, 0.3, 0.4), 0.02)) == pytest.approx(0.2 * 0.3 * 0.4, rel=0.05)
    assert volume(ellipsoid((0.1, 0.2, 0.3), 13, 24)) == pytest.approx(4 / 3 * np.pi * 0.006, rel=0.1)
    line = np.array([[0.0, 0, 0], [0, 0, 0.5], [0, 0, 1]])
    assert volume(tube(line, 0.1, 16)) == pytest.approx(np.pi * 0.01, rel=0.05)
    angle = np.linspace(0, 2 * np.pi, 24, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle), 0 * angle], 1)
    assert volume(tube(ring, 0.1, 12, closed=True)) == pytest.approx(2 * np.pi**2 * 0.01, rel=0.1)


def test_sheet_has_two_sides():
    grid = np.zeros((3, 4, 3))
    grid[..., 0], grid[..., 1] = np.arange(3)[:, None], np.arange(4)
    normals = sheet(grid).outside()
    assert np.allclose(normals[: len(normals) // 2, 2], 1)
    assert np.allclose(normals[len(normals) // 2 :, 2], -1)


def test_joined_keeps_shapes_and_surfaces():
    whole = joined([box((1, 1, 1)).of(2), box((1, 1, 1)).moved((3, 0, 0)).of(1)])
    assert volume(whole) == pytest.approx(2 * volume(box((1, 1, 1))))
    assert set(whole.material) == {1, 2}
    assert whole.faces.max() == len(whole.vertices) - 1


def test_landmarks_lie_on_the_body(bodies):
    for vertices, marks in bodies.values():
        assert marks.ground < marks.hip < marks.waist < marks.chest < marks.shoulder[2] < marks.chin
        assert marks.chin < marks.eye[2] < marks.brow < marks.crown == pytest.approx(vertices[:, 2].max())
        assert marks.ear[0] > marks.eye[0] > 0 and marks.ear[1] > marks.eye[1]
        # The trunk has no arms: nothing of it reaches far beyond shoulder and hip.
        assert np.abs(marks.trunk[:, 0]).max() < max(marks.hip_width, marks.shoulder[0] + 0.1) + 0.02
    assert bodies["large"][1].hip_width > bodies["child"][1].hip_width + 0.05


@pytest.mark.parametrize("kind", KINDS)
def test_every_item_can_be_carried(bodies, kind):
    for _, marks in bodies.values():
        (one,) = attached(carrying(kind, seed=1), marks)
        mesh = one.mesh
        assert one.name == kind
        assert 80 < len(mesh.faces) < 2000
        assert np.isfinite(mesh.vertices).all() and mesh.faces.max() < len(mesh.vertices)
        assert np.allclose(mesh.weights.sum(1), 1, atol=1e-5)
        assert mesh.material.max() < len(one.surfaces)
        assert one.upright == bool(one.anchor)


@pytest.mark.parametrize("kind", ["cap", "hat", "beanie", "headscarf"])
def test_hats_hold_the_skull(bodies, kind):
    person = replace(BARE, hat=Hat(kind, CLOTH))
    for vertices, marks in bodies.values():
        (one,) = attached(person, marks)
        crown = one.mesh.vertices[one.mesh.vertices[:, 2] > marks.brow + 0.02]
        assert crown[:, 2].max() > marks.crown
        # From every direction above the brow the hat is outside of the head.
        skull = vertices[vertices[:, 2] > marks.brow + 0.035]
        for angle in np.linspace(0, 2 * np.pi, 12, endpoint=False):
            way = np.array([np.cos(angle), np.sin(angle), 0.0])
            assert (crown @ way).max() > (skull @ way).max()


@pytest.mark.parametrize("kind", ["backpack", "shoulder bag"])
def test_straps_lie_outside_the_clothes_and_near_them(bodies, kind):
    from training.synthetic.figures.body import template, triangles

    faces = triangles(template().groups["body"])
    for vertices, marks in bodies.values():
        corners = vertices[faces].astype(float)
        normals = np.zeros((len(vertices), 3))
        flat = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        for corner in range(3):
            np.add.at(normals, faces[:, corner], flat)
        normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-12)
        for clothing in (0.01, 0.04):
            (one,) = attached(carrying(kind), marks, clothing=clothing)
            strap = one.mesh.vertices[np.unique(one.mesh.faces[one.mesh.material == 1])].astype(float)
            front = strap[(strap[:, 1] < marks.neck[1] - 0.02) & (strap[:, 2] > marks.chest)]
            assert len(front) > 10
            nearest = np.linalg.norm(front[:, None] - vertices[None], axis=2).argmin(1)
            gap = ((front - vertices[nearest]) * normals[nearest]).sum(1)
            assert gap.min() > 0.5 * clothing
            assert np.median(gap) < clothing + 0.05


def test_backpack_hangs_behind_and_shoulder_bag_beside(bodies):
    for _, marks in bodies.values():
        (pack,) = attached(carrying("backpack"), marks)
        assert pack.mesh.vertices[:, 1].max() > marks.back(0, marks.chest) + 0.08
        for side, sign in (("left", 1), ("right", -1)):
            (bag,) = attached(carrying("shoulder bag", side), marks)
            assert (bag.mesh.vertices[:, 0] * sign).max() > marks.hip_width + 0.03


def _placed(person, one, marks, hold):
    """Vertices of an upright attachment during a walk, and the heads of the bones, floor at 0."""
    motion = Motion("walk", hold, hold, replace(draw_style(person), sway=0.0), speed=1.2)
    skeleton = marks.skeleton
    at = posed(skeleton, Actor(skeleton, motion, marks.girth()).pose(0.25)).heads
    sole = min(at[BONE["foot.L"], 2], at[BONE["foot.R"], 2]) - (
        skeleton.heads[BONE["foot.L"], 2] - marks.ground
    )
    return one.mesh.vertices + at[BONE[one.anchor]] + one.offset - [0, 0, sole], at - [0, 0, sole]


@pytest.mark.parametrize(("kind", "hold"), [("suitcase", "trolley"), ("pushchair", "bar")])
def test_wheels_stand_on_the_floor(bodies, kind, hold):
    for _, marks in bodies.values():
        person = carrying(kind)
        (one,) = attached(person, marks)
        assert one.rolling and one.mesh.vertices[:, 2].min() == pytest.approx(0, abs=1e-4)
        vertices, at = _placed(person, one, marks, hold)
        assert abs(vertices[:, 2].min()) < 0.05
        knuckles = at[BONE["finger3-1.L"]]
        assert np.linalg.norm(vertices - knuckles, axis=1).min() < 0.08
        ahead = vertices[:, 1].mean() < 0
        assert ahead == (kind == "pushchair")


def test_bags_in_the_hand_clear_the_floor(bodies):
    for _, marks in bodies.values():
        for kind in ("handbag", "tote bag", "umbrella"):
            person = carrying(kind, size=1.25, seed=0)
            (one,) = attached(person, marks)
            vertices, _ = _placed(person, one, marks, "bag")
            assert vertices[:, 2].min() > 0.0


def test_open_umbrella_is_above_the_head_and_its_stick_before_the_face(bodies):
    for _, marks in bodies.values():
        person = carrying("umbrella", seed=1)
        (one,) = attached(person, marks)
        vertices, at = _placed(person, one, marks, "umbrella")
        head = at[BONE["head"]]
        canopy = vertices[vertices[:, 2] > marks.crown - marks.ground]
        assert canopy[:, 0].min() < head[0] < canopy[:, 0].max()
        assert canopy[:, 1].min() < head[1] < canopy[:, 1].max()


def test_same_person_same_things(bodies):
    marks = bodies["adult"][1]
    person = replace(carrying("backpack"), hat=Hat("cap", CLOTH), glasses="sunglasses", scarf=CLOTH)
    first, second = attached(person, marks), attached(person, marks)
    assert [one.name for one in first] == ["cap", "sunglasses", "scarf", "backpack"]
    for one, other in zip(first, second, strict=True):
        assert np.array_equal(one.mesh.vertices, other.mesh.vertices)
