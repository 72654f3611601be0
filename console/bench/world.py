"""How fast the synthetic world is drawn."""

import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from console.bench.machine import describe_machine
from console.synthetic import processes_or_cores

CROPS_A_MINUTE, FRAMES_A_SECOND = 3000.0, 15.0
"""Targets on two cores."""

SEED = 60_001
_TOGETHER = 4.2
"""People on their way at a time, of whom about three are in view."""


def bench_world(identities: int = 160, people: int = 12) -> dict[str, Any]:
    """Time a ReID data set and camera videos of 640 x 480, start of the processes included.

    Ours is a crop of the data set on one process a core, the baseline one of its first half on one process.

    Args:
        identities: of the data set; each has 18 crops. A site of 40 is one process's task: where they cannot
            be shared out evenly, a process waits at the end.
        people: who walk through the videos, about three in view at a time.
    """
    from training.synthetic.scenes.dataset import write_dataset
    from training.synthetic.scenes.plan import Plan
    from training.synthetic.scenes.video import write_videos
    from training.synthetic.scenes.visits import VideoPlan

    processes = processes_or_cores(None)
    plan = Plan(ids=identities, seed=SEED, val=0, test=0)
    shorter = Plan(ids=identities // 2, seed=SEED, val=0, test=0)
    videos = VideoPlan(people=people, seed=SEED, together=_TOGETHER)
    with tempfile.TemporaryDirectory(prefix="nightreid-bench-") as folder:
        root = Path(folder)
        # The first ever run compiles; it is no part of the figure.
        write_dataset(root / "warm", Plan(ids=2, seed=SEED, images=1, val=0, test=0))
        crops_s = _timed(lambda: write_dataset(root / "reid", plan, processes=processes))
        single_s = _timed(lambda: write_dataset(root / "single", shorter, processes=1))
        video_s = _timed(lambda: write_videos(root / "video", videos, processes=processes))
        frames, shown = _frames_and_people(root / "video")
    ours, baseline = crops_s / plan.total, single_s / shorter.total
    return {
        "name": "world",
        "ours_s": round(ours, 5),
        "baseline_s": round(baseline, 5),
        "ratio": round(ours / baseline, 3),
        "target": None,
        "crops": {
            "crops": plan.total,
            "seconds": round(crops_s, 1),
            "a_minute": round(60 * plan.total / crops_s),
            "target": CROPS_A_MINUTE,
        },
        "video": {
            "frames": frames,
            "people_in_view": round(shown / max(frames, 1), 2),
            "seconds": round(video_s, 1),
            "a_second": round(frames / video_s, 1),
            "target": FRAMES_A_SECOND,
        },
        "processes": processes,
        "machine": describe_machine(),
    }


def _timed(work: Callable[[], object]) -> float:
    begun = time.perf_counter()
    work()
    return time.perf_counter() - begun


def _frames_and_people(folder: Path) -> tuple[int, int]:
    """Frames of all videos, and boxes in them."""
    cameras = json.loads((folder / "video.json").read_text(encoding="utf-8"))["cameras"]
    boxes = sum(len(file.read_text().splitlines()) for file in (folder / "truth").glob("*.txt"))
    return sum(camera["frames"] for camera in cameras.values()), boxes
