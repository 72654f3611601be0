"""From a person's description to triangles."""

from dataclasses import replace
from typing import Any

import numpy as np

from reid_core.types import Floats
from training.seeding import generator
from training.synthetic.figures.accessories import Attachment, attachments, find_landmarks
from training.synthetic.figures.body import (
    SKIN_VERTICES,
    reference_orientations,
    rest_body,
    template,
    triangles,
)
from training.synthetic.figures.figure import Figure, Layer
from training.synthetic.figures.garments import bottom_layers, covered, outer_layers, top_layer
from training.synthetic.figures.hair import (
    grid_faces,
    hair_cloth,
    hanging,
    head_coordinates,
    hung_layer,
    scalp_offset,
)
from training.synthetic.figures.shape import locate, measure
from training.synthetic.figures.shoes import shoe_layers
from training.synthetic.figures.tailor import Tailor
from training.synthetic.geometry.compiling import keep_compiled
from training.synthetic.geometry.raster import vertex_normals
from training.synthetic.geometry.skeleton import RestSkeleton
from training.synthetic.light.surface import (
    BEARD,
    BLUE2,
    EYE_X,
    EYE_Z,
    GREEN2,
    LENGTH,
    NEAR2,
    RED2,
    Kind,
    Surface,
    linear,
)
from training.synthetic.people.person import RGB, Cloth, Person

# sRGB of skin from light to dark, roughly along the Fitzpatrick types.
_SKIN = np.array(
    [[238, 205, 184], [222, 182, 154], [198, 150, 118], [160, 112, 80], [112, 76, 54], [70, 48, 38]],
    np.float32,
)


def dress(person: Person) -> Figure:
    """Build a person once; every pose afterwards only moves the bones.

    Raises:
        UsageError: the body model is not installed.
    """
    keep_compiled()
    rest = rest_body(person.body)
    measures = measure(rest)
    tailor = Tailor(
        person=person,
        rest=rest,
        measures=measures,
        at=locate(rest, measures),
        rng=generator(person.body.face, "tailor"),
    )
    skeleton = RestSkeleton.of(rest.bone_poses, reference_orientations())
    layers = [*_skin_layers(tailor), *hanging(tailor)]
    layers += [*bottom_layers(tailor), *top_layer(tailor), *outer_layers(tailor), *_hood(tailor)]
    if person.shoes.kind != "sandals":
        layers += shoe_layers(tailor)
    followers, upright, surfaces = _worn(tailor, skeleton)
    return Figure(
        person=person,
        measures=measures,
        skeleton=skeleton,
        layers=(*layers, *followers),
        upright=tuple(upright),
        upright_surfaces=tuple(surfaces),
    )


def skin_cloth(person: Person) -> Cloth:
    """Skin in the three spectra: the tone is nearly invisible to near infrared."""
    tone = person.body.skin * (len(_SKIN) - 1)
    low = min(int(tone), len(_SKIN) - 2)
    colour = (_SKIN[low] + (tone - low) * (_SKIN[low + 1] - _SKIN[low])) / 255
    rgb: RGB = (float(colour[0]), float(colour[1]), float(colour[2]))
    return Cloth(
        colours=("",),
        rgb=(rgb,),
        near=(0.58 - 0.1 * person.body.skin,),
        warmth=1.0,
        roughness=0.7,
        seed=person.body.face,
    )


def _skin_layers(tailor: Tailor) -> list[Layer]:
    """Head with hair and face, bare limbs, eyes."""
    shared, person, m = template(), tailor.person, tailor.measures
    head_at = head_coordinates(tailor)
    skin = skin_cloth(person)
    hidden = covered(tailor)
    faces = triangles(shared.groups["body"])
    on_head = (head_at[:, 2] > -1.6) & (tailor.at.arm < -5) & (np.abs(head_at[:, 0]) < 1.7)
    seen = ~hidden[faces].all(1)
    feet = (tailor.at.leg > m.leg - 0.02) if person.shoes.kind != "sandals" else np.zeros(len(hidden), bool)
    seen &= ~feet[faces].all(1)
    is_head = on_head[faces].all(1)
    hair = hair_cloth(person.hair, person.body.face)
    colour = linear(hair.rgb[0])
    bald = person.hair.length == "bald"
    headgear = person.hat is not None and person.hat.kind in ("headscarf",)
    face = Surface(
        kind=Kind.HEAD,
        cloth=skin,
        extra=(
            (RED2, float(colour[0])),
            (GREEN2, float(colour[1])),
            (BLUE2, float(colour[2])),
            (NEAR2, hair.near[0]),
            (BEARD, person.hair.beard),
            (LENGTH, 0.0 if bald or headgear else 1.0),
            (EYE_X, float(m.eyes[0] / m.skull[0])),
            (EYE_Z, float((m.eyes[2] - m.head[2]) / m.skull[2])),
        ),
    )
    normals = vertex_normals(tailor.rest.vertices, faces)
    lifted = tailor.rest.vertices + normals * scalp_offset(tailor)[:, None]

    def layer(name: str, chosen: Any, texture: Floats, points: Floats, surface: Surface) -> Layer:
        used, flat = np.unique(faces[chosen], return_inverse=True)
        return Layer(
            name=name,
            vertices=np.ascontiguousarray(points[used], np.float32),
            faces=flat.reshape(-1, 3).astype(np.int32),
            texture=np.ascontiguousarray(texture[used], np.float32),
            bones=shared.bone_indices[used],
            weights=shared.bone_weights[used],
            cut=np.ones(len(used), np.float32),
            surface=surface,
        )

    parts = [layer("head", seen & is_head, head_at, lifted, face)]
    if (seen & ~is_head).any():
        parts.append(
            layer(
                "skin", seen & ~is_head, tailor.rest.vertices, tailor.rest.vertices, Surface(Kind.SKIN, skin)
            )
        )
    for side in "lr":
        parts.append(_eye(tailor, f"helper-{side}-eye", skin))
    return parts


def _eye(tailor: Tailor, group: str, skin: Cloth) -> Layer:
    shared = template()
    faces = triangles(shared.groups[group])
    used, flat = np.unique(faces, return_inverse=True)
    points = tailor.rest.vertices[used]
    centre = (points.min(0) + points.max(0)) / 2
    texture = (points - centre) / (np.ptp(points, axis=0).max() / 2)
    return Layer(
        name="eye",
        vertices=np.ascontiguousarray(points),
        faces=flat.reshape(-1, 3).astype(np.int32),
        texture=np.ascontiguousarray(texture, np.float32),
        bones=shared.bone_indices[used],
        weights=shared.bone_weights[used],
        cut=np.ones(len(used), np.float32),
        surface=Surface(Kind.EYE, replace(skin, warmth=1.0)),
    )


def _hood(tailor: Tailor) -> list[Layer]:
    """A hood: up over the head, or hanging behind the neck."""
    person, m, rng = tailor.person, tailor.measures, tailor.rng
    up = person.hat is not None and person.hat.kind == "hood"
    hooded = person.top.kind == "hoodie" or (person.outer is not None and person.outer.kind == "raincoat")
    if not (up or hooded):
        return []
    cloth = person.outer.cloth if person.outer is not None and up else person.top.cloth
    if person.outer is not None and not up and person.top.kind != "hoodie":
        cloth = person.outer.cloth
    rows, columns = 9, 15
    if up:
        theta = np.linspace(-2.45, 2.45, columns)
        sx, sy, sz = m.skull + 0.04
        latitude = np.linspace(1.45, -0.75, rows)
        radius = np.cos(np.maximum(latitude, -0.2))[:, None] * np.ones(columns)
        points = np.stack(
            [
                sx * radius * np.sin(theta),
                m.head[1] + sy * radius * np.cos(theta),
                m.head[2] + sz * np.sin(latitude)[:, None] + 0 * radius,
            ],
            -1,
        )
        low = np.clip((m.head[2] - points[..., 2]) / (0.8 * sz), 0, 1)
        points[..., 0] *= 1 - 0.15 * low
        follow = 0.5 * low
    else:
        theta = np.linspace(-1.7, 1.7, columns)
        ring = np.linspace(0, 2 * np.pi, rows)
        centre = np.array([0, m.head[1] + 0.045, m.neck + 0.01])
        big, small = 0.085 + rng.uniform(0, 0.02), 0.034
        fat = small * (0.4 + 0.6 * np.cos(theta * 0.8))
        points = np.stack(
            [
                centre[0] + (big + fat * np.cos(ring)[:, None]) * np.sin(theta),
                centre[1] + (big * 0.62 + fat * np.cos(ring)[:, None]) * np.cos(theta),
                centre[2] + 1.25 * fat * np.sin(ring)[:, None] - 0.02 * np.cos(theta),
            ],
            -1,
        )
        follow = np.ones(points.shape[:2])
    base = hung_layer(tailor, points.reshape(-1, 3), grid_faces(rows, columns, False), follow.reshape(-1))
    surface = Surface(Kind.CLOTH, replace(cloth, pattern="plain"), fold=0.6, centre_z=m.chest)
    return [replace(base, name="hood", surface=surface)]


_METAL = (0.62, 0.62, 0.64)
_DARK = (0.07, 0.07, 0.08)


def _named_surface(name: str, cloth: Cloth, skin: Cloth) -> Surface:
    """The surface of an accessory's part."""
    if name == "skin":
        return Surface(Kind.SKIN, skin)
    if name in ("metal", "dark", "glass"):
        rgb = _METAL if name == "metal" else _DARK
        near = 0.6 if name == "metal" else 0.1 if name == "dark" else 0.35
        return Surface(
            Kind.PLAIN,
            Cloth(colours=("",), rgb=(rgb,), near=(near,), warmth=0.05, roughness=0.2, seed=cloth.seed),
        )
    if name == "second":
        red, green, blue = cloth.rgb[0]
        dark: RGB = (0.55 * red + 0.03, 0.55 * green + 0.03, 0.55 * blue + 0.03)
        first = cloth.rgb[-1] if len(cloth.rgb) > 1 else dark
        return Surface(
            Kind.CLOTH, replace(cloth, rgb=(first,), near=(0.7 * cloth.near[-1],), pattern="plain"), fold=0.2
        )
    return Surface(Kind.CLOTH, cloth, fold=0.25)


def _worn(
    tailor: Tailor, skeleton: RestSkeleton
) -> tuple[list[Layer], list[Attachment], list[tuple[Surface, ...]]]:
    """Hats, glasses, scarves and bags: those that follow bones, and those that keep upright."""
    person = tailor.person
    skin = skin_cloth(person)
    landmarks = find_landmarks(tailor.rest.vertices[:SKIN_VERTICES], skeleton)
    followers: list[Layer] = []
    upright: list[Attachment] = []
    surfaces: list[tuple[Surface, ...]] = []
    for one in attachments(person, landmarks):
        cloth = _cloth_of(person, one.name)
        named = tuple(_named_surface(name, cloth, skin) for name in one.surfaces)
        if one.upright:
            upright.append(one)
            surfaces.append(named)
            continue
        for index, surface in enumerate(named):
            chosen = one.mesh.material == index
            if not chosen.any():
                continue
            used, flat = np.unique(one.mesh.faces[chosen], return_inverse=True)
            followers.append(
                Layer(
                    name=one.name,
                    vertices=np.ascontiguousarray(one.mesh.vertices[used]),
                    faces=flat.reshape(-1, 3).astype(np.int32),
                    texture=np.ascontiguousarray(one.mesh.texture[used]),
                    bones=one.mesh.bones[used],
                    weights=one.mesh.weights[used],
                    cut=np.ones(len(used), np.float32),
                    surface=surface,
                )
            )
    return followers, upright, surfaces


def _cloth_of(person: Person, name: str) -> Cloth:
    if person.hat is not None and name == person.hat.kind:
        return person.hat.cloth
    if name == "scarf" and person.scarf is not None:
        return person.scarf
    for item in person.items:
        if item.kind == name:
            return item.cloth
    return person.shoes.cloth
