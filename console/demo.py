"""The logic of ``nightreid demo``: a synthetic night made, watched, judged and shown."""

import importlib.util
import json
import os
import shlex
import shutil
import sys
import time
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console

from console.demo_answers import words_json, words_lines, words_table, words_view
from console.demo_descriptions import described, witnessed
from console.demo_detection import detection, look_at
from console.demo_figures import run_figures, seen_by_day
from console.demo_truth import people_of_cameras
from console.demo_watches import add_watches
from console.demo_words import NightFigures, groups, remarks, table, to_json
from console.failing import check_writable
from console.progress import RunProgress, progress_of
from console.report import write_report
from console.statuses import INCOMPLETE, INTERRUPTED
from console.synthetic import processes_or_cores
from detectors.detector import PersonDetector
from reid_core.config import load_config
from reid_core.errors import MissingDependencyError, SourceError, UsageError
from reid_core.gallery import Gallery
from reid_core.matcher import Matcher
from reid_core.querying.asking import QueryModels
from reid_core.runtime import Embedder, load_embedder
from reid_core.runtime.language import STARTER
from reid_core.types import Modality, Spectrum
from stream.chain.config import RunSettings
from stream.chain.parts import text_encoder
from stream.footage.naming import SourceSpec
from stream.footage.opening import existing
from stream.run.result import RunResult
from stream.run.running import run_footage
from stream.run.truth import apply_truth

if TYPE_CHECKING:
    # Importing the synthetic world needs the packages of its extra.
    from training.synthetic.scenes.visits import VideoPlan

"""Of the night's people by default: no recipe trains on this seed's world."""

PACKAGES = ("anny", "numba")

OUT = Path("nightreid-demo")
GALLERY = "gallery.db"
_NIGHT, _UNFINISHED = "night", ".night-unfinished"
_REPORT = "report.html"


@dataclass(frozen=True, slots=True)
class Night:
    """A finished night.

    Attributes:
        folder: as `training.synthetic.scenes.video.write_videos` writes it.
        cameras: name to what ``video.json`` says of it.
        sentences: a description of everybody, by the person, as `witnessed` makes them.
    """

    folder: Path
    cameras: dict[str, Any]
    sentences: dict[str, str] = field(default_factory=dict)

    def spectrum(self, camera: str) -> Spectrum:
        """The light that a camera records."""
        return Spectrum(self.cameras[camera]["spectrum"])


def demo_command(
    *,
    out: Path,
    people: int,
    seed: int,
    processes: int | None,
    detector: str | None,
    reid: str | None,
    as_json: bool,
) -> int:
    """Make the night, run the main job on it, judge that by the truth, and show it.

    Returns:
        0; 1 where a video could not be read to its end; 130 where it was interrupted.

    Raises:
        MissingDependencyError: the extra ``synthetic`` is not installed.
        UsageError: the folder holds something else.
    """
    missing = [name for name in PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingDependencyError(
            f"The synthetic night needs the package{'s' * (len(missing) > 1)} {' and '.join(missing)}.",
            "pip install 'nightreid[synthetic]'",
        )
    from training.synthetic.scenes.visits import VideoPlan

    plan = VideoPlan(people=people, seed=seed)
    settings = load_config(RunSettings, None, [], os.environ)
    if settings.captions.captioner is None:
        said = settings.captions.model_copy(update={"captioner": STARTER})
        settings = settings.model_copy(update={"captions": said})
    processes = processes_or_cores(processes)
    claim(out, plan)
    try:
        # Models come first: one that cannot be opened is told of before minutes are spent.
        with PersonDetector.open(detector, settings.detector) as found:
            embedder = load_embedder(reid)
            # Where no text encoder is of this embedder, there are no words to ask with.
            words = text_encoder(settings.text, reid, embedder.model_id) is not None
            models = QueryModels(reid, settings.text) if words else None
            night = make_night(out, plan, processes)
            result, figures = watch(night, out / GALLERY, found, embedder, settings, models)
    except KeyboardInterrupt:
        print("Interrupted. A finished night is kept and reused.", file=sys.stderr)
        return INTERRUPTED
    words_of = None if figures.words is None else partial(words_view, described=figures.words)
    report = write_report(result, out / _REPORT, datetime.now(UTC), groups(figures), words_of)
    if as_json:
        print(json.dumps(_json(figures, result, plan, report), indent=2))
    else:
        _say(figures, result, report)
        print(f"To look around in it: {serving(out)}")
    return 0 if all(camera.status == "complete" for camera in result.cameras) else INCOMPLETE


def is_finished(out: Path, people: int, seed: int) -> bool:
    """Whether a folder holds the demonstration of these people, watched to its end."""
    from training.synthetic.scenes.visits import VideoPlan

    made = all((out / name).is_file() for name in (_REPORT, GALLERY, f"{_NIGHT}/video.json"))
    return made and _is_of(_manifest(out / _NIGHT), VideoPlan(people=people, seed=seed))


def serving(out: Path) -> str:
    """The command that opens the console on a demonstration."""
    named = "" if out == OUT else f" --out {shlex.quote(str(out))}"
    # Where it lies in a folder of its own that no search path names, as `make demo` has it.
    program = "nightreid" if shutil.which("nightreid") else shlex.quote(sys.argv[0])
    return f"{program} demo{named} --serve"


def claim(out: Path, plan: "VideoPlan") -> None:
    """Make sure that a folder is the demonstration's own: absent, empty, or left by one of the same plan.

    Raises:
        UsageError: it holds something else, or the night of another plan.
        StorageError: it cannot be written.
    """
    if out.exists() and not out.is_dir():
        raise UsageError(f"{out} is a file; the demonstration needs a folder of its own.")
    check_writable(out, folder=True)
    finished = (out / _NIGHT / "video.json").is_file()
    if not finished and {path.name for path in out.iterdir()} - {_UNFINISHED}:
        raise UsageError(
            f"The folder {out} is not empty and does not belong to a demo.", "Name another one with --out."
        )
    if finished and not _is_of(_manifest(out / _NIGHT), plan):
        raise UsageError(
            f"The folder {out} holds another night: of other people, another seed or another version.",
            "Name another one with --out, or remove it.",
        )


def make_night(out: Path, plan: "VideoPlan", processes: int) -> Night:
    """Write the videos, unless they are there; what was half-written is never taken for a night."""
    from training.synthetic.scenes.video import write_videos

    night, unfinished = out / _NIGHT, out / _UNFINISHED
    if not night.exists():
        shutil.rmtree(unfinished, ignore_errors=True)
        try:
            with progress_of("filming: frames") as progress:
                write_videos(unfinished, plan, processes=processes, progress=progress)
        except BaseException:
            shutil.rmtree(unfinished, ignore_errors=True)
            raise
        unfinished.replace(night)
    return Night(night, _manifest(night)["cameras"], witnessed(plan))


def watch(
    night: Night,
    database: Path,
    detector: PersonDetector,
    embedder: Embedder,
    settings: RunSettings,
    models: QueryModels | None = None,
) -> tuple[RunResult, NightFigures]:
    """Run the main job on a night and measure it; the database is made anew.

    Args:
        night: that is watched.
        database: file of the gallery.
        detector: finds the people.
        embedder: turns crops into vectors.
        settings: of the run.
        models: that words are asked with; without them nobody is described.
    """
    specs = sources(night)
    truth = people_of_cameras(list(night.cameras), night.folder / "truth")
    _forget(database)
    sentences = night.sentences if models is not None else {}
    words = None
    with Gallery.open(f"sqlite:///{database}") as gallery:
        watches = add_watches(gallery, sentences, time.time_ns())
        encoder = models.encoder if models is not None else None
        with RunProgress() as progress:
            result = run_footage(specs, gallery, detector, embedder, settings, progress, encoder=encoder)
        rankings = full_rankings(gallery, result)
        result = apply_truth(result, night.folder / "truth")
        if models is not None and sentences:
            words = described(gallery, models, result, sentences, seen_by_day(result, truth), watches)
    modalities = {spec.camera: spec.modality for spec in specs}
    with progress_of("detector alone: frames") as told:
        looked = look_at(detector, night.folder, modalities, told)
    of_spectrum = {kind: [name for name in looked if night.spectrum(name) is kind] for kind in Spectrum}
    return result, NightFigures(
        detection={
            kind: detection([looked[name] for name in names]) for kind, names in of_spectrum.items() if names
        },
        detection_by_camera={name: detection([one]) for name, one in looked.items()},
        run=run_figures(result, truth, rankings),
        words=words,
    )


def sources(night: Night) -> list[SourceSpec]:
    """The night's videos as ``nightreid run`` would be given them, visible ones first.

    Raises:
        SourceError: a video is gone.
    """
    specs = []
    for name, facts in night.cameras.items():
        spectrum = night.spectrum(name)
        start = round(datetime.fromisoformat(facts["start"]).timestamp() * 1_000_000) * 1000
        spec = SourceSpec(name, str(night.folder / f"{name}.mp4"), spectrum.modality, spectrum, start)
        existing(spec)
        specs.append(spec)
    return sorted(specs, key=lambda spec: spec.modality is not Modality.VISIBLE)


def full_rankings(gallery: Gallery, result: RunResult) -> dict[str, list[str]]:
    """Every infrared tracklet's identities, all of them, in the order in which a run ranks them."""
    matcher = Matcher(gallery, gallery.comparing(result.model), top=max(1, len(gallery.identities())))
    return {
        link.tracklet: [candidate.identity for candidate in matcher.match(link.tracklet).candidates]
        for link in result.links
    }


def _json(figures: NightFigures, result: RunResult, plan: "VideoPlan", report: Path) -> dict[str, object]:
    models = {"detector": result.detector, "embedder": result.embedder, "calibrated": result.calibrated}
    asked = words_json(figures.words, result) if figures.words is not None else {"words": None}
    return to_json(figures) | asked | {"seed": plan.seed, "models": models, "report": str(report)}


def _say(figures: NightFigures, result: RunResult, report: Path) -> None:
    run = figures.run
    print(f"{run.people} people before {len(result.cameras)} cameras, {run.strangers} of them at night only")
    Console(width=80, highlight=False).print(table(figures))
    for remark in remarks(figures):
        print(remark)
    if figures.words is not None:
        Console(width=80, highlight=False).print(words_table(figures.words))
        for line in words_lines(figures.words, result):
            print(line)
    print(f"The report is in {report}")


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / "video.json"
    try:
        manifest: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise SourceError(
            f"{path} cannot be read: the night is damaged.", f"Remove {folder} to render it again."
        ) from error
    return manifest


def _is_of(manifest: dict[str, Any], plan: "VideoPlan") -> bool:
    from training.synthetic.scenes.video import FORMAT

    wanted: dict[str, Any] = json.loads(json.dumps({"format": FORMAT, **asdict(plan)}))
    # In the manifest this is who they are.
    count = wanted.pop("people")
    same = all(manifest.get(key) == value for key, value in wanted.items())
    return same and len(manifest.get("people", ())) == count


def _forget(database: Path) -> None:
    """Remove an earlier demonstration's database and what SQLite and the index keep beside it."""
    for end in ("", "-wal", "-shm", "-journal"):
        database.with_name(f"{database.name}{end}").unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        shutil.rmtree(database.with_name(f"{database.name}.index"))
