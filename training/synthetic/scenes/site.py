"""One site of a data set: six cameras, and every image of the people who pass there."""

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import numpy as np

from reid_core.types import Floats, Image, Spectrum
from training.seeding import generator
from training.synthetic.captions.captioning import View, describe
from training.synthetic.light.sensor import encode
from training.synthetic.light.weather import add_rain
from training.synthetic.people.person import ItemKind
from training.synthetic.places.place import Place, PlaceKind, draw_place
from training.synthetic.scenes.cast import Cast
from training.synthetic.scenes.composing import Actor, Seen, Window, body_box, compose, drawn
from training.synthetic.scenes.plan import Passing, Plan
from training.synthetic.scenes.render import Stance
from training.synthetic.scenes.stage import Stage, build_stage, photograph
from training.synthetic.scenes.standing import stand_in

SIZE = (960, 540)
PASSERS_BY = 8
OUTSIDERS = 1_000_000
TRIES = 6
# Which cameras look at the same place; the third sees the room of the second.
ROOMS: tuple[tuple[tuple[int, ...], PlaceKind], ...] = (
    ((1,), "indoor"),
    ((2, 3), "indoor"),
    ((4,), "outdoor"),
    ((5,), "outdoor"),
    ((6,), "outdoor"),
)


def write_site(plan: Plan, out: str, site: Passing, part: str) -> Iterator[int]:
    """Write all images of some people at one site, and yield how many at a time; the part file comes last."""
    stages = site_stages(plan, site.split, site.number)
    cast = Cast(plan.seed)
    first = OUTSIDERS + PASSERS_BY * (site.number + 10_000 * ("train", "val", "test").index(site.split))
    indices = plan.indices(site.visit)
    passers_by = list(range(first, first + PASSERS_BY))
    records = []
    for identity in site.identities:
        for camera, stage in stages.items():
            folder = Path(out) / f"cam{camera}" / f"{identity:04d}"
            folder.mkdir(parents=True, exist_ok=True)
            for index in indices:
                rng = generator(plan.seed, "image", identity, camera, index)
                crop, seen, doing = take(cast, stage, identity, passers_by, rng)
                data = encode(crop, stage.sensor)
                name = f"cam{camera}/{identity:04d}/{index:04d}.jpg"
                (Path(out) / name).write_bytes(data)
                view = view_of(seen, stage.spectrum, doing)
                records.append(_record(plan, cast, view, seen, name, camera, identity, data))
        yield len(indices) * len(stages)
    scratch = Path(part).with_suffix(".tmp")
    scratch.write_text("".join(json.dumps(record) + "\n" for record in records))
    scratch.replace(part)


def site_stages(plan: Plan, split: str, number: int) -> dict[int, Stage]:
    """The six cameras of one site, by number."""
    stages = {}
    for cameras, kind in ROOMS:
        rng = generator(plan.seed, "site", split, number, "place", cameras[0])
        place: Place = draw_place(rng, kind if rng.random() < 0.8 else None)
        for camera in cameras:
            stages[camera] = build_stage(
                f"cam{camera}",
                place,
                plan.spectra[camera],
                SIZE,
                plan.seed,
                "site",
                split,
                number,
                camera,
                varied=plan.varied,
            )
    return dict(sorted(stages.items()))


def take(
    cast: Cast, stage: Stage, identity: int, passers_by: list[int], rng: np.random.Generator
) -> tuple[Image, Seen, frozenset[str]]:
    """One crop of one person as a detector would cut it, what is seen of them, and what they do."""
    best: tuple[Floats, Seen, Window, frozenset[str]] | None = None
    for _ in range(TRIES):
        actors, doing = _scene(cast, stage, identity, passers_by, rng)
        sprites = drawn(stage, actors)
        box = None if sprites[0] is None else body_box(stage, sprites[0])
        if box is None:
            continue
        window = _window(box, stage, rng)
        radiance, seen = compose(stage, actors, sprites, window)
        if seen[0] is None:
            continue
        if best is None or seen[0].visible > best[1].visible:
            best = (radiance, seen[0], window, doing)
        if seen[0].visible > 0.55:
            break
    if best is None:
        raise AssertionError(f"nobody can be seen by {stage.name}")
    radiance, own, window, doing = best
    if stage.rain > 0:
        depth = stage.backdrop.depth[window[1] : window[3], window[0] : window[2]]
        radiance = add_rain(
            radiance,
            depth,
            stage.rain,
            rng,
            spectrum=stage.spectrum,
            focal=stage.camera.focal,
            window=window[:2],
        )
    return photograph(stage, radiance, rng, window[:2]), own, doing


def _scene(
    cast: Cast, stage: Stage, identity: int, passers_by: list[int], rng: np.random.Generator
) -> tuple[list[Actor], frozenset[str]]:
    """The person somewhere in view, often alone, sometimes beside or behind others, and what they do."""
    walking = bool(rng.random() < 0.75)
    poser = cast.poser(identity, rng, walking)
    x, y, heading = stand_in(stage, rng, walking)
    rotations = poser.pose(float(rng.random()))
    actors = [Actor(identity, cast.model(identity), Stance(x, y, heading, rotations))]
    if passers_by and rng.random() < 0.25:
        other = int(rng.choice(passers_by))
        angle, apart = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.6)
        beside = Stance(
            x + apart * float(np.cos(angle)),
            y + apart * float(np.sin(angle)),
            heading + float(rng.normal(0, 0.4)) + np.pi * float(rng.random() < 0.5),
            cast.poser(other, rng, walking).pose(float(rng.random())),
        )
        actors.append(Actor(other, cast.model(other), beside))
    doing = {poser.motion.gait, poser.motion.kind} & {"walk", "stand", "phone", "text"}
    return actors, frozenset(doing)


def _window(box: tuple[float, float, float, float], stage: Stage, rng: np.random.Generator) -> Window:
    """A detector's box: a little off on each side, now and then badly."""
    left, top, right, bottom = box
    height, width = bottom - top, right - left
    off = rng.normal(0.02, 0.025, 4)
    if rng.random() < 0.08:
        off[int(rng.integers(4))] -= float(rng.uniform(0.08, 0.22))
    cut = (
        left - off[0] * width * 1.6,
        top - off[1] * height,
        right + off[2] * width * 1.6,
        bottom + off[3] * height,
    )
    x0 = int(np.clip(cut[0], 0, stage.camera.width - 12))
    y0 = int(np.clip(cut[1], 0, stage.camera.height - 24))
    x1 = int(np.clip(np.ceil(cut[2]), x0 + 12, stage.camera.width))
    y1 = int(np.clip(np.ceil(cut[3]), y0 + 24, stage.camera.height))
    return x0, y0, x1, y1


def view_of(seen: Seen, spectrum: Spectrum, doing: frozenset[str]) -> View:
    """What a captioner can know of what is seen."""
    area = max(1.0, seen.height * seen.height * 0.3)
    shown = {name for name, pixels in seen.items.items() if pixels > max(10, 0.004 * area)}
    kinds: tuple[Any, ...] = get_args(ItemKind)
    return View(
        spectrum=spectrum,
        yaw=seen.yaw,
        visible=seen.visible,
        parts=seen.parts,
        items=frozenset(kind for kind in kinds if kind in shown),
        height=round(seen.height),
        doing=doing,
    )


def _record(
    plan: Plan,
    cast: Cast,
    view: View,
    seen: Seen,
    name: str,
    camera: int,
    identity: int,
    data: bytes,
) -> dict[str, Any]:
    rng = generator(plan.seed, "caption", name)
    caption = describe(cast.person(identity), view, rng, plan.mistakes)
    return {
        "path": name,
        "identity": identity,
        "camera": camera,
        "visible": round(seen.visible, 3),
        "yaw": round(seen.yaw, 1),
        "height": round(seen.height, 1),
        "distance": round(seen.distance, 2),
        "caption": caption.text,
        "rephrased": caption.aug_text,
        "mistakes": list(caption.mistakes),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
