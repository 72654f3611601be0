"""The logic of ``nightreid run``."""

import json
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from console.failing import check_writable
from console.progress import RunProgress
from console.report import write_report
from console.report_words import NOT_FOR_THESE
from console.statuses import INCOMPLETE, INTERRUPTED
from console.stopping import stopped_by_ctrl_c
from console.watch_lines import alert_line
from detectors.detector import PersonDetector
from reid_core.config import load_config
from reid_core.errors import UsageError
from reid_core.file_names import readable_text
from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from reid_core.types import Modality, Spectrum
from stream.chain.conditions import MOTIONLESS, ZONE
from stream.chain.config import RunSettings
from stream.chain.parts import text_encoder
from stream.footage.naming import SourceSpec, parse_source
from stream.footage.opening import existing
from stream.run.export import iso_utc, to_json, write_mot
from stream.run.result import RunResult
from stream.run.running import run_footage
from stream.run.truth import apply_truth
from stream.service.process import keep_large_blocks

_SET_ASIDE = {ZONE: "detections in ignore zones", MOTIONLESS: "that never moved"}


def run_command(
    *,
    visible: Sequence[str],
    infrared: Sequence[str],
    database: str,
    detector: str | None,
    reid: str | None,
    report: Path | None,
    mot: Path | None,
    truth: Path | None,
    starts: Sequence[str],
    near_infrared: bool,
    as_json: bool,
    config: Path | None,
    overrides: Sequence[str],
) -> int:
    """Run the main job and write what was asked for.

    Returns:
        0; 1 where a source could not be read to its end; 130 where it was interrupted.
    """
    keep_large_blocks()
    settings = load_config(RunSettings, config, overrides, os.environ)
    specs = _specs(visible, infrared, starts, near_infrared)
    for spec in specs:
        if not spec.live:
            existing(spec)
    if truth is not None and not truth.is_dir():
        raise UsageError(f"--truth {truth}: there is no such folder.")
    if report is not None:
        check_writable(report)
    if mot is not None:
        check_writable(mot, folder=True)
    found = PersonDetector.open(detector, settings.detector)
    embedder = load_embedder(reid)
    encoder = text_encoder(settings.text, reid, embedder.model_id)
    with (
        found,
        Gallery.open(database, exact_up_to=settings.search.exact_up_to) as gallery,
        RunProgress() as progress,
        stopped_by_ctrl_c("closing open tracklets") as stop,
    ):
        result = run_footage(specs, gallery, found, embedder, settings, progress, stop, encoder)
    if truth is not None:
        result = apply_truth(result, truth)
    if report is not None:
        write_report(result, report, datetime.now(UTC))
    if mot is not None:
        write_mot(result, mot)
    if as_json:
        print(json.dumps(to_json(result), indent=2))
    else:
        _say(result, report)
    if result.interrupted:
        return INTERRUPTED
    return 0 if all(camera.status == "complete" for camera in result.cameras) else INCOMPLETE


def _specs(
    visible: Sequence[str], infrared: Sequence[str], starts: Sequence[str], near_infrared: bool
) -> list[SourceSpec]:
    night = Spectrum.NEAR if near_infrared else Spectrum.THERMAL
    specs = [parse_source(text, Modality.VISIBLE) for text in visible]
    specs += [parse_source(text, Modality.INFRARED, night) for text in infrared]
    if not specs:
        raise UsageError("There is nothing to read.", "Name sources with --visible and --infrared.")
    for text in map(readable_text, starts):
        camera, _, time = text.rpartition("=")
        places = [i for i, spec in enumerate(specs) if spec.camera == camera]
        if not places:
            raise UsageError(f"--start {text}: no source is called '{camera}'.")
        specs[places[0]] = replace(specs[places[0]], start_ns=_nanoseconds(time, text))
    return specs


def _nanoseconds(time: str, option: str) -> int:
    try:
        moment = datetime.fromisoformat(time)
    except ValueError:
        raise UsageError(f"--start {option}: '{time}' is not a time such as 2026-11-20T18:00:00Z.") from None
    if moment.tzinfo is None:
        hint = "Add Z for UTC, or an offset such as +01:00."
        raise UsageError(f"--start {option}: the time has no zone.", hint)
    return round(moment.timestamp() * 1_000_000) * 1000


def _say(result: RunResult, report: Path | None) -> None:
    for camera in result.cameras:
        people = len(camera.tracklets)
        found = f"{people} tracklets in {camera.frames} frames"
        switched = "".join(
            f", {switch.spectrum} since {iso_utc(switch.time_ns)} (frame {switch.frame})"
            for switch in camera.switches
        )
        aside = "".join(
            f", {count} {_SET_ASIDE[reason]}" for reason, count in camera.set_aside.items() if count
        )
        print(f"{camera.id} ({camera.modality}): {found}{switched}{aside}, {camera.status}")
    print(f"{len(result.identities)} identities; " + _links(result))
    for alert in result.alerts or ():
        print(alert_line(alert))
    if result.of_other_cameras:
        print(f"Probabilities are {NOT_FOR_THESE}: the model learned on others what scores mean")
    if report is not None:
        print(f"The report is in {report}")


def _links(result: RunResult) -> str:
    if not result.links:
        return "no infrared tracklets to link"
    kinds = {str(link.decision): 0 for link in result.links}
    for link in result.links:
        kinds[str(link.decision)] += 1
    return f"{len(result.links)} infrared tracklets: " + ", ".join(f"{n} {kind}" for kind, n in kinds.items())
