"""Camera videos of the synthetic night shift: two visible cameras by day, two infrared ones at night."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from reid_core.errors import UsageError
from reid_core.types import Spectrum
from training.seeding import generator
from training.synthetic.captions.attributes import identity_caption
from training.synthetic.light.sensor import encode
from training.synthetic.light.weather import add_rain
from training.synthetic.motion.pose import Actor as Poser
from training.synthetic.people.drawing import draw_person
from training.synthetic.scenes.cast import Cast
from training.synthetic.scenes.composing import Actor, compose, drawn
from training.synthetic.scenes.frames import VISIBLE_ENOUGH, label
from training.synthetic.scenes.plan import Progress
from training.synthetic.scenes.render import Stance
from training.synthetic.scenes.stage import build_stage, photograph
from training.synthetic.scenes.visits import CAMERAS, VideoPlan, post_of, visits_of

FORMAT = 1
FINE_VIDEO = 240
DAY = datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
NIGHT = datetime(2026, 6, 1, 23, 30, tzinfo=UTC)


def write_videos(
    out: Path, plan: VideoPlan, *, processes: int = 1, progress: Progress | None = None
) -> dict[str, Any]:
    """Write the videos, their truth and labels.

    ``<camera>.mp4``; ``truth/<camera>.txt`` in MOT format (frames from 1, the id is the identity over all
    cameras, the last column the visible share); ``images`` and ``labels`` of one frame in
    ``plan.every``; ``video.json``, which comes last.

    Args:
        out: folder to be created.
        plan: what to write.
        processes: at the same time; a camera is one task.
        progress: told how many of how many frames are written.

    Returns:
        What ``video.json`` says.

    Raises:
        UsageError: the folder is not empty, or the body model is not installed.
    """
    out = Path(out)
    if out.exists() and any(out.iterdir()):
        raise UsageError(f"{out} is not empty.", "Name another folder, or remove it.")
    for folder in ("truth", *(f"{kind}/{name}" for kind in ("images", "labels") for name in CAMERAS)):
        (out / folder).mkdir(parents=True)
    day, night = set(plan.by_day()), set(plan.at_night())
    frames = {name: _frames(plan, name) for name in CAMERAS}
    done, total = 0, sum(frames.values())
    tasks = [(plan, str(out), name) for name in CAMERAS]
    for written in _each(tasks, processes):
        done += written
        if progress:
            progress(done, total)
    manifest = {
        "format": FORMAT,
        **asdict(plan),
        "people": {
            str(identity): {
                "day": identity in day,
                "night": identity in night,
                "caption": identity_caption(draw_person(identity, plan.seed)),
            }
            for identity in sorted(day | night)
        },
        "cameras": {
            name: {
                "spectrum": str(spectrum),
                "width": plan.size[0],
                "height": plan.size[1],
                "fps": plan.fps,
                "frames": frames[name],
                "start": start_of(name).isoformat(),
            }
            for name, spectrum in CAMERAS.items()
        },
    }
    scratch = out / "video.json.tmp"
    scratch.write_text(json.dumps(manifest, indent=1) + "\n")
    scratch.replace(out / "video.json")
    return manifest


def start_of(camera: str) -> datetime:
    """When a camera's video begins."""
    begin = DAY if CAMERAS[camera] is Spectrum.VISIBLE else NIGHT
    return begin + timedelta(minutes=5 * list(CAMERAS).index(camera))


def _each(tasks: Sequence[Any], processes: int) -> Iterator[int]:
    if processes > 1:
        from training.synthetic.geometry.parallel import relayed

        yield from relayed(write_camera, tasks, processes)
    else:
        for task in tasks:
            yield from write_camera(*task)


def _frames(plan: VideoPlan, name: str) -> int:
    visits = visits_of(plan, name, post_of(plan, name))
    return int(np.ceil((max(visit.end for visit in visits) + 0.5) * plan.fps))


def write_camera(plan: VideoPlan, out: str, name: str) -> Iterator[int]:
    """One camera's video, truth and labels; yields 1 a frame."""
    post = post_of(plan, name)
    visits = visits_of(plan, name, post)
    stage = build_stage(name, post.place, CAMERAS[name], plan.size, plan.seed, *post.path)
    cast = Cast(plan.seed)
    posers: dict[int, Poser] = {}
    count = int(np.ceil((max(visit.end for visit in visits) + 0.5) * plan.fps))
    path = Path(out) / f"{name}.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), plan.fps, plan.size)
    truth = []
    for index in range(count):
        time = index / plan.fps
        rng = generator(plan.seed, "video", name, "frame", index)
        actors = []
        for visit in visits:
            if not visit.start <= time <= visit.end:
                continue
            x, y, heading, walked = visit.at(time)
            if visit.identity not in posers:
                own = generator(plan.seed, "video", name, "motion", visit.identity)
                posers[visit.identity] = cast.poser(visit.identity, own, True)
            poser = posers[visit.identity]
            phase = walked / max(poser.cycle_length(), 0.5)
            aside = float(poser.offset(phase)[0])
            stance = Stance(
                x + aside * float(np.cos(heading)),
                y + aside * float(np.sin(heading)),
                heading,
                poser.pose(phase),
            )
            actors.append(Actor(visit.identity, cast.model(visit.identity), stance))
        radiance, seen = compose(stage, actors, drawn(stage, actors, FINE_VIDEO))
        if stage.rain > 0:
            radiance = add_rain(
                radiance,
                stage.backdrop.depth,
                stage.rain,
                generator(plan.seed, "video", name, "rain"),
                time,
                spectrum=stage.spectrum,
                focal=stage.camera.focal,
            )
        image = photograph(stage, radiance, rng)
        writer.write(np.ascontiguousarray(image[..., ::-1]))
        known = [one for one in seen if one is not None]
        for one in known:
            left, top, right, bottom = one.box
            truth.append(
                f"{index + 1},{one.identity},{left:.1f},{top:.1f},{right - left:.1f},{bottom - top:.1f},"
                f"{int(one.visible >= VISIBLE_ENOUGH)},-1,-1,{one.visible:.3f}\n"
            )
        if index % plan.every == 0:
            (Path(out) / "images" / name / f"{index:06d}.jpg").write_bytes(encode(image, stage.sensor))
            (Path(out) / "labels" / name / f"{index:06d}.txt").write_text(
                "".join(label(one, plan.size) for one in known if one.visible >= VISIBLE_ENOUGH)
            )
        yield 1
    writer.release()
    (Path(out) / "truth" / f"{name}.txt").write_text("".join(truth))
