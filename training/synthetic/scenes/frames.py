"""Whole camera frames with people in them, each a scene of its own: to train and to judge detectors."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from reid_core.errors import UsageError
from reid_core.types import Spectrum
from training.seeding import generator
from training.synthetic.light.sensor import encode
from training.synthetic.light.weather import add_rain
from training.synthetic.places.place import draw_place
from training.synthetic.scenes.cast import Cast
from training.synthetic.scenes.composing import Actor, Seen, compose, drawn
from training.synthetic.scenes.plan import Progress
from training.synthetic.scenes.render import Stance
from training.synthetic.scenes.stage import Stage, build_stage, photograph
from training.synthetic.scenes.standing import spot

SIZES = ((640, 480), (640, 512), (768, 432), (640, 360))
A_PLACE = 8
PEOPLE = 24
VISIBLE_ENOUGH = 0.25


def write_frames(
    out: Path, count: int, seed: int, *, processes: int = 1, progress: Progress | None = None
) -> int:
    """Write ``count`` frames of each spectrum, with truth and YOLO labels.

    ``images/<spectrum>/NNNNN.jpg``, ``labels/<spectrum>/NNNNN.txt`` (``0 cx cy w h``, fractions of the
    frame) and ``truth.json``: a list of ``{image, spectrum, width, height, people: [{identity, box,
    visible, height}]}`` with boxes ``xyxy`` in pixels. Labels leave out people of whom less than a
    quarter is seen; the truth has them all.

    Args:
        out: folder to be created.
        count: frames of each spectrum.
        seed: of the world.
        processes: at the same time.
        progress: told how many of how many frames are written.

    Returns:
        How many frames were written.

    Raises:
        UsageError: the folder is not empty.
    """
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty.", "Name another folder, or remove it.")
    tasks = [
        (str(out), str(spectrum), start, min(A_PLACE, count - start), seed)
        for start in range(0, count, A_PLACE)
        for spectrum in Spectrum
    ]
    for spectrum in Spectrum:
        (out / "images" / str(spectrum)).mkdir(parents=True, exist_ok=True)
        (out / "labels" / str(spectrum)).mkdir(parents=True, exist_ok=True)
    done, total = 0, count * len(Spectrum)
    for written in _each(tasks, processes):
        done += written
        if progress:
            progress(done, total)
    truth = []
    for path in sorted((out / "labels").glob("*/*.json")):
        truth.extend(json.loads(path.read_text()))
        path.unlink()
    (out / "truth.json").write_text(json.dumps(truth, indent=1) + "\n")
    return done


def _each(tasks: list[Any], processes: int) -> Iterator[int]:
    if processes > 1 and len(tasks) > 1:
        from training.synthetic.geometry.parallel import relayed

        yield from relayed(write_scenes, tasks, processes)
    else:
        for task in tasks:
            yield from write_scenes(*task)


def write_scenes(out: str, spectrum_name: str, start: int, count: int, seed: int) -> Iterator[int]:
    """The frames of one place; yields 1 for each."""
    spectrum = Spectrum(spectrum_name)
    rng = generator(seed, "frames", spectrum_name, start)
    size = SIZES[int(rng.integers(len(SIZES)))]
    place = draw_place(generator(seed, "frames", spectrum_name, start, "place"), None)
    stage = build_stage(spectrum_name, place, spectrum, size, seed, "frames", spectrum_name, start)
    cast = Cast(seed)
    first = 1 + int(rng.integers(10_000)) * PEOPLE
    truth = []
    for index in range(start, start + count):
        own = generator(seed, "frame", spectrum_name, index)
        actors = crowd(cast, stage, [first + one for one in range(PEOPLE)], own)
        radiance, seen = compose(stage, actors, drawn(stage, actors))
        if stage.rain > 0:
            radiance = add_rain(
                radiance,
                stage.backdrop.depth,
                stage.rain,
                own,
                spectrum=stage.spectrum,
                focal=stage.camera.focal,
            )
        name = f"{index:05d}"
        data = encode(photograph(stage, radiance, own), stage.sensor)
        (Path(out) / "images" / spectrum_name / f"{name}.jpg").write_bytes(data)
        known = [one for one in seen if one is not None]
        (Path(out) / "labels" / spectrum_name / f"{name}.txt").write_text(
            "".join(label(one, size) for one in known if one.visible >= VISIBLE_ENOUGH)
        )
        truth.append(
            {
                "image": f"images/{spectrum_name}/{name}.jpg",
                "spectrum": spectrum_name,
                "width": size[0],
                "height": size[1],
                "people": [
                    {
                        "identity": one.identity,
                        "box": [round(value, 1) for value in one.box],
                        "visible": round(one.visible, 3),
                        "height": round(one.height, 1),
                    }
                    for one in known
                ],
            }
        )
        yield 1
    (Path(out) / "labels" / spectrum_name / f"{start:05d}.json").write_text(json.dumps(truth))


def label(seen: Seen, size: tuple[int, int]) -> str:
    """A YOLO line: class 0, centre and size as fractions of the frame."""
    left, top, right, bottom = seen.box
    width, height = size
    return (
        f"0 {(left + right) / 2 / width:.6f} {(top + bottom) / 2 / height:.6f} "
        f"{(right - left) / width:.6f} {(bottom - top) / height:.6f}\n"
    )


def crowd(cast: Cast, stage: Stage, people: list[int], rng: np.random.Generator) -> list[Actor]:
    """Nobody to half a dozen people, near and far, some in groups."""
    count = int(rng.choice([0, 1, 2, 3, 4, 6], p=[0.08, 0.26, 0.27, 0.2, 0.12, 0.07]))
    actors: list[Actor] = []
    for identity in rng.choice(people, count, replace=False):
        walking = bool(rng.random() < 0.7)
        x, y, heading = spot(stage.place, rng)
        if actors and rng.random() < 0.3:
            near = actors[-1].stance
            angle = rng.uniform(0, 2 * np.pi)
            x, y = near.x + 0.7 * float(np.cos(angle)), near.y + 0.7 * float(np.sin(angle))
            heading = near.heading
        if not walking:
            heading = float(rng.uniform(-np.pi, np.pi))
        if any((one.stance.x - x) ** 2 + (one.stance.y - y) ** 2 < 0.2 for one in actors):
            continue
        rotations = cast.poser(int(identity), rng, walking).pose(float(rng.random()))
        actors.append(Actor(int(identity), cast.model(int(identity)), Stance(x, y, heading, rotations)))
    return actors
