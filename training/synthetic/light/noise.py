"""Value noise over three dimensions, compiled."""

import numpy as np

from training.synthetic.geometry.compiling import compiled


@compiled(inline="always")
def _hash(x: int, y: int, z: int) -> float:
    h = (x * 374761393 + y * 668265263 + z * 1274126177) & 0xFFFFFFFF
    h = ((h ^ (h >> 13)) * 1103515245) & 0xFFFFFFFF
    h = (h ^ (h >> 16)) & 0xFFFF
    return h / 65535.0


@compiled()
def noise(x: float, y: float, z: float) -> float:
    """Value noise in 0..1 with one cell a unit."""
    ix, iy, iz = int(np.floor(x)), int(np.floor(y)), int(np.floor(z))
    fx, fy, fz = x - ix, y - iy, z - iz
    fx = fx * fx * (3 - 2 * fx)
    fy = fy * fy * (3 - 2 * fy)
    fz = fz * fz * (3 - 2 * fz)
    total = 0.0
    for dx in range(2):
        wx = fx if dx else 1 - fx
        for dy in range(2):
            wy = fy if dy else 1 - fy
            for dz in range(2):
                wz = fz if dz else 1 - fz
                total += wx * wy * wz * _hash(ix + dx, iy + dy, iz + dz)
    return total
