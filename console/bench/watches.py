"""Watches for a bench: half descriptions, half pictures, of people who need not come."""

import numpy as np

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Modality
from reid_core.watching.keeping import add_watch
from reid_core.watching.watch import NewWatch

_COLOURS = ("red", "green", "blue", "black", "white", "grey", "yellow", "brown", "orange", "pink")
_THINGS = ("jacket", "coat", "hoodie", "dress", "backpack", "skirt", "jumper", "cap", "scarf", "shirt")
_AUTHOR = "bench"


def add_watches(database: str, count: int, reid: str | None, now_ns: int) -> None:
    """Add watches to a gallery that is made where it is not there.

    Args:
        database: its address.
        count: how many.
        reid: the worker's embedder; the starter's by default.
        now_ns: the time of day, UTC nanoseconds.
    """
    embedder = load_embedder(reid)
    draw = np.random.default_rng(count)
    with Gallery.open(database) as gallery:
        gallery.adopt_space(embedder.model_id)
        for place in range(count):
            if place % 2:
                vector = draw.standard_normal(embedder.dim).astype(np.float32)
                new = NewWatch(
                    vector=vector / np.linalg.norm(vector),
                    space=embedder.model_id,
                    pictured=Modality.VISIBLE,
                    author=_AUTHOR,
                )
            else:
                colour = _COLOURS[place // 2 % len(_COLOURS)]
                thing = _THINGS[place // 2 // len(_COLOURS) % len(_THINGS)]
                new = NewWatch(text=f"a person with a {colour} {thing}", author=_AUTHOR)
            with gallery.database.write() as session:
                add_watch(session, new, now_ns)
