"""Random numbers by name: the same seed gives the same data on any number of processes."""

import zlib

import numpy as np


def generator(seed: int, *path: int | str) -> np.random.Generator:
    """The random stream of one thing, whatever was drawn for the others.

    Args:
        seed: of the whole world or run, 0 or more.
        path: what it is for, such as ``("person", 12, "camera", 3)``.
    """
    keys = [part if isinstance(part, int) else zlib.crc32(part.encode()) for part in path]
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence([seed, *keys])))
