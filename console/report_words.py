"""The words of the report: times, lengths, shares and whole sentences."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from reid_core.types import Decision, Modality
from stream.run.result import RunResult
from training.evaluation.intervals import in_words, share_interval


def moment(time_ns: int) -> datetime:
    """UTC nanoseconds as an aware datetime."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=int(time_ns) // 1000)


def clock(time_ns: int) -> str:
    """The time of day, UTC: ``10:00:11``."""
    return f"{moment(time_ns):%H:%M:%S}"


def span(first_ns: int, last_ns: int) -> str:
    """From when to when, UTC, the second date only where it differs."""
    first, last = moment(first_ns), moment(last_ns)
    end = f"{last:%H:%M:%S}" if first.date() == last.date() else f"{last:%Y-%m-%d %H:%M:%S}"
    return f"{first:%Y-%m-%d %H:%M:%S} – {end} UTC"


def duration(seconds: float) -> str:
    """A length of time in at most two units: ``0.4 s``, ``2 min 19 s``, ``11 h 58 min``."""
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 9.95 else f"{seconds:.0f} s"
    whole = round(seconds)
    steps = (("d", 86400, "h", 3600), ("h", 3600, "min", 60), ("min", 60, "s", 1))
    unit, size, part, part_size = next((step for step in steps if whole >= step[1]), steps[-1])
    rest = whole % size // part_size
    return f"{whole // size} {unit}" + (f" {rest} {part}" if rest else "")


NOT_FOR_THESE = "not calibrated for these cameras"
"""What stands beside a probability that the model brought from other cameras."""


def share(value: float) -> str:
    """A probability in whole percent, never a false certainty: ``87 %``, ``<1 %``, ``>99 %``."""
    if value < 0.005:
        return "<1 %"
    return ">99 %" if value > 0.995 else f"{100 * value:.0f} %"


def count(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun: ``1 person``, ``6 people``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def summary(result: RunResult) -> str:
    """The whole result in one sentence."""
    people = count(len(result.identities), "person", "people")
    probes = [tracklet for camera in result.cameras for tracklet in camera.of(Modality.INFRARED)]
    head = f"{people} by day, {count(len(probes), 'tracklet')} at night"
    if not probes:
        return f"{head}: nobody to look for."
    decisions = [link.decision for link in result.links]
    parts = []
    if Decision.LINKED in decisions or Decision.UNKNOWN in decisions:
        parts.append(f"{decisions.count(Decision.LINKED)} linked")
        parts.append(f"{decisions.count(Decision.UNKNOWN)} unknown")
    if undecided := decisions.count(Decision.NOT_CALIBRATED):
        whole = "all" if undecided == len(probes) > 1 else str(undecided)
        parts.append(f"{whole} ranked without a decision, because the model is not calibrated")
    if (missing := len(probes) - len(decisions)) > 0:
        parts.append(f"{missing} not compared")
    return f"{head}: {', '.join(parts)}."


def truth_summary(result: RunResult) -> str | None:
    """How well the run did against truth, or ``None`` where none was given."""
    judged = [link.correct for link in result.links if link.correct is not None]
    people = {one.id: one.truth for camera in result.cameras for one in camera.tracklets if one.truth}
    best = [(link.candidates[0].correct, link.tracklet) for link in result.links if link.candidates]
    firsts = {tracklet: correct for correct, tracklet in best if correct is not None}
    if not (people or judged or firsts):
        return None
    parts = []
    if judged:
        parts.append(f"{judged.count(True)} of {count(len(judged), 'decision')} right")
    if firsts:
        found = list(firsts.values())
        # Tracklets of one person are alike.
        interval = share_interval(found, [people.get(tracklet, tracklet) for tracklet in firsts])
        parts.append(
            f"the best candidate is the right person for {found.count(True)} of {len(found)} "
            f"(rank-1 {found.count(True) / len(found):.2f}, 95 % {in_words(interval)})"
        )
    return f"Checked against ground truth: {'; '.join(parts) or 'nothing could be judged'}."


def warnings(result: RunResult) -> list[str]:
    """What a reader must know before believing anything, most important first."""
    found = []
    if result.interrupted:
        found.append("The run was stopped early: these are the results up to then.")
    if not result.calibrated:
        found.append("This model is not calibrated: scores rank candidates but give no probability.")
    if result.of_other_cameras:
        found.append(f"Probabilities are {NOT_FOR_THESE}: the model learned on others what scores mean.")
    for camera in result.cameras:
        if camera.status != "complete":
            what = {"failed": "failed", "partial": "was read only in part"}.get(camera.status, camera.status)
            detail = f": {camera.message}" if camera.message else "."
            found.append(f"Camera {camera.id} {what}{detail}")
    return found + [warning for warning in result.warnings if warning not in found]


def evidence(facts: Mapping[str, object], names: Mapping[str, str]) -> str:
    """Why a visible tracklet is the identity it is: a sentence from the evidence kept with it.

    Args:
        facts: as `reid_core.gallery.identities.decide` keeps them, or any other mapping, which is listed.
        names: what to call an id.
    """
    decision, score = facts.get("decision"), facts.get("score")
    if decision not in ("joined", "founded"):
        return "; ".join(f"{key} {value}" for key, value in _flat(facts, names))
    said = f"{'Joined' if decision == 'joined' else 'An identity of its own'} because {facts.get('reason')}"
    if isinstance(score, float):
        closest = str(facts.get("tracklet"))
        said += f": {score:.3f} with {names.get(closest, closest)}"
        threshold = facts.get("threshold")
        said += f", threshold {threshold:.3f}" if isinstance(threshold, float) else ""
        if isinstance(runner := facts.get("runner_up"), Mapping):
            other = str(runner.get("identity"))
            said += f"; next {names.get(other, other)}"
            said += f" with {second:.3f}" if isinstance(second := runner.get("score"), float) else ""
    return f"{said}."


def _flat(facts: Mapping[str, object], names: Mapping[str, str], prefix: str = "") -> list[tuple[str, str]]:
    pairs: list[tuple[str, str]] = []
    for key, value in facts.items():
        name = f"{prefix}{str(key).replace('_', ' ')}"
        if isinstance(value, Mapping):
            pairs.extend(_flat(value, names, f"{name} "))
        elif isinstance(value, bool):
            pairs.append((name, "yes" if value else "no"))
        elif isinstance(value, float):
            pairs.append((name, f"{value:.3f}"))
        elif isinstance(value, list | tuple):
            pairs.append((name, ", ".join(names.get(str(item), str(item)) for item in value)))
        elif value is not None and value != "":
            pairs.append((name, names.get(str(value), str(value))))
    return pairs
