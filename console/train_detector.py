"""The logic of ``nightreid train-detector`` and ``nightreid evaluate-detector``."""

import json
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from console.failing import check_writable
from console.statuses import INTERRUPTED
from reid_core.config import load_config
from reid_core.errors import SourceError, UsageError
from reid_core.images import read_image
from reid_core.listing import list_images
from reid_core.types import Detections, Frame, Modality, Spectrum

if TYPE_CHECKING:
    from training.evaluation.detection import FrameTruth

Polarities = Literal["auto", "as-is", "white-hot", "black-hot"]


def train_detector_command(
    data: Sequence[Path],
    weights: str,
    out: Path,
    config: Path | None = None,
    overrides: Sequence[str] = (),
    restart: bool = False,
    as_json: bool = False,
) -> int:
    """Fine-tune a person detector, or go on with the run in the folder.

    Args:
        data: folders of labelled frames.
        weights: checkpoint to start from, by path or published name.
        out: folder of the run.
        config: YAML file.
        overrides: ``section.key=value`` each.
        restart: drop an earlier run in the folder.
        as_json: print ``run.json`` at the end.

    Returns:
        0; 130 where it was interrupted (the same command resumes from the last complete epoch).
    """
    from training.detection.settings import DetectorRecipe

    recipe = load_config(DetectorRecipe, config, overrides, os.environ)
    check_writable(out, folder=True)
    # Heavy, and not needed to find out that a recipe is wrong.
    from console.progress import TrainingBars
    from console.stopping import stopped_by_ctrl_c
    from training.detection.running import train_detector

    with TrainingBars() as bars, stopped_by_ctrl_c() as stop:
        run = train_detector(data, weights, out, recipe, bars, restart=restart, stop=stop)
    if not run.finished:
        print("Stopped; the same command resumes from the last complete epoch.")
        return INTERRUPTED
    if as_json:
        print(json.dumps(run.summary, indent=2, ensure_ascii=False))
        return 0
    results = run.summary["results"]
    after = results["blends"][f"{results['alpha']:g}"]
    print(f"{'held-out frames':<28}{'people':>8}{'AP50 before':>13}{'after':>8}")
    for name, before in results["start"].items():
        figures = [_number(one[name]["ap50"]) for one in (results["start"], after)]
        print(f"{name:<28}{before['people']:>8}{figures[0]:>13}{figures[1]:>8}")
    print(f"The detector, a blend with alpha {results['alpha']:g}, is {run.weights}")
    return 0


@dataclass(frozen=True, slots=True)
class _Camera:
    """Frames of one camera with their truth; ``group`` is what it is reported under."""

    group: str
    modality: Modality
    images: Sequence[Path]
    truths: dict[str, list["FrameTruth"]]

    def frames(self) -> Iterator[Frame]:
        """The images, read as they are needed."""
        for index, path in enumerate(self.images):
            yield Frame(self.group, self.modality, index, 0, read_image(path))


def detector_command(
    sources: Sequence[Path],
    detectors: Sequence[str],
    coco: Path | None = None,
    modality: Modality | None = None,
    polarity: Polarities = "auto",
    as_json: bool = False,
    config: Path | None = None,
    overrides: Sequence[str] = (),
) -> int:
    """Print the average precision of detectors side by side on labelled frames.

    Args:
        sources: folders in YOLO's layout (see `training.detection.frames.collect_frames`); with ``coco``,
            image folders that the file speaks of.
        detectors: weights of each.
        coco: COCO file of the people in the images, or KAIST's annotations.
        modality: of the images, with ``coco``; KAIST's file names say it.
        polarity: of infrared cameras; ``auto`` finds it out as a run does.
        as_json: print JSON.
        config: YAML file with the settings of a run, of which those of the detector count.
        overrides: ``detector.key=value`` each.
    """
    from detectors.detector import PersonDetector
    from stream.chain.config import RunSettings
    from training.evaluation.detection import ranking_settings

    settings = load_config(RunSettings, config, overrides, os.environ).detector
    cameras = _of_coco(sources, coco, modality) if coco else _of_folders(sources)
    rows: dict[str, dict[str, Any]] = {}
    for weights in detectors:
        with PersonDetector.open(weights, ranking_settings(settings)) as detector:
            name = weights if weights not in rows else f"{weights} ({len(rows) + 1})"
            rows[name] = {
                "digest": detector.digest,
                "figures": compare_detectors(detector, cameras, polarity),
            }
    if as_json:
        print(json.dumps({"polarity": polarity, "detectors": rows}, indent=2, ensure_ascii=False))
    else:
        _print_table(rows)
    return 0


def compare_detectors(
    detector: Any, cameras: Sequence[_Camera], polarity: Polarities = "auto"
) -> dict[str, dict[str, dict[str, float | None]]]:
    """Figures of one detector by group and subset; cameras of one group count together."""
    from reid_core.types import Polarity
    from training.evaluation.detection import REASONABLE_HEIGHT, figures, find

    how: Any = Polarity(polarity) if polarity in tuple(Polarity) else polarity
    found: dict[str, list[Detections]] = {}
    truth: dict[str, dict[str, list[FrameTruth]]] = {}
    for camera in cameras:
        found.setdefault(camera.group, []).extend(find(detector, camera.frames(), camera.modality, how))
        for subset, people in camera.truths.items():
            truth.setdefault(camera.group, {}).setdefault(subset, []).extend(people)
    return {
        group: {
            subset: {
                key: round(value, 4) if value == value else None
                for key, value in asdict(
                    figures(
                        found[group],
                        people,
                        least_height=REASONABLE_HEIGHT if subset == "reasonable" else 0.0,
                    )
                ).items()
            }
            for subset, people in subsets.items()
        }
        for group, subsets in truth.items()
    }


def _of_folders(sources: Sequence[Path]) -> list[_Camera]:
    from training.detection.frames import collect_frames, truths

    frames = collect_frames(sources)
    cameras = []
    for spectrum in Spectrum:
        for name in dict.fromkeys(frame.camera for frame in frames if frame.spectrum is spectrum):
            own = [frame for frame in frames if frame.camera == name]
            images = [frame.image for frame in own]
            cameras.append(_Camera(str(spectrum), spectrum.modality, images, {"all": list(truths(own))}))
    return cameras


def _of_coco(sources: Sequence[Path], coco: Path, modality: Modality | None) -> list[_Camera]:
    from training.evaluation.detection import read_coco

    people = {subset: read_coco(coco, subset) for subset in ("all", "reasonable")}
    cameras = []
    for source in sources:
        images = list_images(source)
        by_modality: dict[Modality, list[Path]] = {}
        for image in images:
            if _key(image, source, people["all"]) is None:
                raise SourceError(f"{coco} does not mention {image}.")
            by_modality.setdefault(modality or _modality_of(image), []).append(image)
        for its, own in by_modality.items():
            keys = [_key(image, source, people["all"]) or "" for image in own]
            group = f"{source.name} {its}"
            known = {subset: [truth[key] for key in keys] for subset, truth in people.items()}
            cameras.append(_Camera(group, its, own, known))
    return cameras


def _key(image: Path, source: Path, known: dict[str, "FrameTruth"]) -> str | None:
    """What the file calls an image: its path below the folder, its name, or KAIST's ``set/video/frame``."""
    kaist = "/".join(image.stem.split("_")[:3])
    return next((k for k in (str(image.relative_to(source)), image.name, kaist) if k in known), None)


def _modality_of(image: Path) -> Modality:
    known = {"visible": Modality.VISIBLE, "lwir": Modality.INFRARED}
    ending = image.stem.rsplit("_", 1)[-1]
    if ending not in known:
        raise UsageError(f"The modality of {image.name} is unknown.", "Say --modality.")
    return known[ending]


def _print_table(rows: dict[str, dict[str, Any]]) -> None:
    first = next(iter(rows.values()))["figures"]
    names = [Path(name).name for name in rows]
    width = max(16, *(len(name) + 2 for name in names))
    print(
        f"{'AP50 (recall, precision at .25)':<44}{'people':>7}  "
        + "".join(f"{n:>{width + 8}}" for n in names)
    )
    for group, subsets in first.items():
        for subset, figures in subsets.items():
            cells = ""
            for row in rows.values():
                own = row["figures"][group][subset]
                values = [_number(own[key]) for key in ("ap50", "recall_25", "precision_25")]
                cells += f"{f'{values[0]} ({values[1]}, {values[2]})':>{width + 8}}"
            print(f"{f'{group}, {subset}':<44}{figures['people']:>7}  {cells}")


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"
