"""The logic of ``nightreid synthetic``: data sets, videos, frames and contact sheets of the own world."""

import os
from pathlib import Path

from console.failing import check_writable
from console.progress import progress_of
from reid_core.errors import UsageError
from reid_core.types import Spectrum


def processes_or_cores(processes: int | None) -> int:
    """What the user asked for, or one process a core."""
    if processes is not None and processes < 1:
        raise UsageError("At least one process is needed.", "Leave out --processes for one per core.")
    return processes or os.cpu_count() or 1


def dataset_command(
    out: Path,
    ids: int,
    seed: int,
    images: int,
    infrared: str,
    shares: tuple[float, float, float],
    visits: int,
    site: int,
    varied: bool,
    processes: int | None,
) -> int:
    """Write a ReID data set; the shares are of people for validation and test, and of mistaken captions."""
    from training.synthetic.scenes.dataset import write_dataset
    from training.synthetic.scenes.plan import Plan

    spectra = infrared.split(",")
    known = {str(Spectrum.NEAR): Spectrum.NEAR, str(Spectrum.THERMAL): Spectrum.THERMAL}
    if len(spectra) != 2 or not set(spectra) <= set(known):
        raise UsageError(
            f"--infrared {infrared} does not name the spectra of cameras 3 and 6.",
            "Use near,thermal or near,near or thermal,thermal.",
        )
    val, test, mistakes = shares
    plan = Plan(
        ids=ids,
        seed=seed,
        images=images,
        infrared=(known[spectra[0]], known[spectra[1]]),
        val=val,
        test=test,
        mistakes=mistakes,
        visits=visits,
        site=site,
        varied=varied,
    )
    with progress_of("crops") as progress:
        summary = write_dataset(out, plan, processes=processes_or_cores(processes), progress=progress)
    print(f"{summary.images} images of {ids} people in {summary.folder}, digest {summary.digest[:16]}")
    return 0


def video_command(
    out: Path, people: int, seed: int, strangers: float, fps: int, processes: int | None
) -> int:
    """Write the videos of a night shift."""
    from training.synthetic.scenes.video import write_videos
    from training.synthetic.scenes.visits import VideoPlan

    plan = VideoPlan(people=people, seed=seed, strangers=strangers, fps=fps)
    with progress_of("frames") as progress:
        manifest = write_videos(out, plan, processes=processes_or_cores(processes), progress=progress)
    frames = sum(camera["frames"] for camera in manifest["cameras"].values())
    print(f"{frames} frames of {people} people before {len(manifest['cameras'])} cameras in {out}")
    return 0


def frames_command(out: Path, count: int, seed: int, processes: int | None) -> int:
    """Write labelled frames."""
    from training.synthetic.scenes.frames import write_frames

    if count < 1 or seed < 0:
        raise UsageError("At least one frame of each spectrum is needed, and a seed of 0 or more.")
    with progress_of("frames") as progress:
        written = write_frames(out, count, seed, processes=processes_or_cores(processes), progress=progress)
    print(f"{written} frames in {out}")
    return 0


def sheet_command(out: Path, people: int, seed: int) -> int:
    """Draw a contact sheet."""
    from training.synthetic.scenes.sheet import draw_sheet, write_sheet

    if out.suffix.lower() not in (".png", ".jpg", ".jpeg"):
        raise UsageError(f"{out} is not an image name.", "End it in .png or .jpg.")
    if people < 1:
        raise UsageError("A contact sheet needs at least one person.")
    check_writable(out)
    with progress_of("people") as progress:
        sheet = draw_sheet(people, seed, progress=progress)
    write_sheet(out, sheet)
    print(f"{people} people in {out}")
    return 0
