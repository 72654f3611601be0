"""The tailor: layers of cloth cut out of the body's helper geometry, pushed out, smoothed and hemmed.

Hems and openings are not cut along the mesh but by a number per vertex whose interpolation the
rasteriser compares with zero, so that they are as smooth as the pixels.
"""

from dataclasses import dataclass

import numpy as np

from reid_core.types import Floats
from training.synthetic.figures.body import RestBody, regions, template, triangles
from training.synthetic.figures.figure import Layer
from training.synthetic.figures.shape import Coordinates, Measures, smoothed
from training.synthetic.geometry.raster import vertex_normals
from training.synthetic.light.surface import Surface
from training.synthetic.people.person import Person


@dataclass(frozen=True, slots=True)
class Tailor:
    """What is needed to cut a person's clothes.

    Attributes:
        person: who wears them.
        rest: the body.
        measures, at: its lengths, and where its vertices lie.
        rng: of what is random about the cut.
    """

    person: Person
    rest: RestBody
    measures: Measures
    at: Coordinates
    rng: np.random.Generator

    def layer(
        self,
        name: str,
        group: str,
        cut: Floats,
        offset: Floats,
        surface: Surface,
        rounds: int = 0,
        moved: Floats | None = None,
    ) -> Layer:
        """A copy of a group of the mesh, smoothed, then pushed out along its normals.

        Args:
            name: of the layer.
            group: of the template.
            cut: ``(V,)`` over all vertices, negative where there is no cloth.
            offset: ``(V,)`` metres outwards.
            surface: of the layer.
            rounds: of smoothing.
            moved: ``(V, 3)`` to start from instead of the rest vertices.
        """
        shared = template()
        faces = triangles(shared.groups[group])
        # Beyond the hem a strip stays, so that the mesh's own ragged border is never seen.
        keep = (cut[faces] > -0.06).any(1)
        faces = faces[keep]
        used, flat = np.unique(faces, return_inverse=True)
        faces = flat.reshape(-1, 3).astype(np.int32)
        source = self.rest.vertices if moved is None else moved
        points = np.ascontiguousarray(source[used])
        if rounds:
            # Along the normals only: sliding within the surface would fray hems and bend stripes.
            outwards = vertex_normals(points, faces)
            away = ((smoothed(points, faces, rounds) - points) * outwards).sum(1, keepdims=True)
            # Cloth fills hollows; pressed into the body it would let what lies below show through.
            away = np.maximum(away, -0.003)
            points = np.ascontiguousarray(points + away * outwards, np.float32)
        normals = vertex_normals(points, faces)
        points = points + normals * offset[used, None]
        return Layer(
            name=name,
            vertices=points.astype(np.float32),
            faces=faces,
            texture=self.texture()[used],
            bones=shared.bone_indices[used],
            weights=shared.bone_weights[used],
            cut=cut[used].astype(np.float32),
            surface=surface,
        )

    def texture(self) -> Floats:
        """``(V, 3)``: x, y and height, sleeves as if the arms hung down."""
        texture = self.rest.vertices.copy()
        arms = regions()["arm.L"] | regions()["arm.R"]
        texture[arms, 2] = self.measures.shoulder - self.at.arm[arms]
        return texture

    def wavy(self, amount: float, frequency: float = 9.0) -> Floats:
        """``(V,)`` metres: slow waves over the body, so that no cloth is as smooth as skin."""
        phase = self.rng.uniform(0, 2 * np.pi, 6)
        turn = self.rng.normal(0, frequency, (3, 3))
        p = self.rest.vertices
        waves = np.sin(p @ turn[0] + phase[0]) + np.sin(p @ (1.7 * turn[1]) + phase[1])
        waves = waves + 0.6 * np.sin(p @ (2.9 * turn[2]) + phase[2])
        return np.asarray(amount * waves / 2.6, np.float32)
