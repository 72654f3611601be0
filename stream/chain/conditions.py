"""What holds for one recording's camera besides who is in view: its zones, and the light it sees by now."""

from collections import Counter
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from detectors.infrared_filter import FilterJudge, Switch, spreads_in
from detectors.motion import GatedFrame
from detectors.zones import IgnoreZones
from reid_core.types import Detections, Modality, Spectrum
from stream.chain.config import CameraOptions

ZONE, MOTIONLESS = "zone", "motionless"
"""Why something was set aside: detections in ignore zones, tracklets that never moved."""


class Conditions:
    """The conditions of one recording, of which its row's state remembers all that changes.

    Args:
        options: of the camera.
        modality: of the camera.
        state: of the recording's row.

    Attributes:
        switches: from one kind of light to another, in order.
    """

    def __init__(self, options: CameraOptions, modality: Modality, state: Mapping[str, Any]) -> None:
        self._zones = IgnoreZones(options.ignore) if options.ignore else None
        self._filter = FilterJudge.of(state.get("filter", {})) if modality is Modality.VISIBLE else None
        self._noted = options.grey == "note"
        self.switches = list(switches_of(state))
        self._set_aside: Counter[str] = Counter(state.get("set_aside", {}))
        self._people: list[float] = []
        self._told = len(self.switches)
        self._told_aside = Counter(self._set_aside)

    @property
    def near(self) -> bool:
        """Whether a visible camera's frames count as near infrared now."""
        return self._filter is not None and self._filter.near and not self._noted

    @property
    def doubts(self) -> bool:
        """Whether the last frames may be of other light than the tracklets that are open."""
        return self._filter is not None and self._filter.doubts and not self._noted

    @property
    def infrared(self) -> bool:
        """Whether a visible camera may have infrared tracklets."""
        return bool(self.switches) and not self._noted

    def outside(self, found: Detections, gated: GatedFrame) -> Detections:
        """The detections that are in no ignore zone."""
        if self._zones is None or not len(found):
            return found
        width, height = (max(region[side] for region in gated.regions) for side in (2, 3))
        return found.select(self._zones.outside(found, width, height))

    def see(self, gated: GatedFrame, found: Detections) -> Switch | None:
        """Take in one frame, in order; returns the switch that is certain with it."""
        if self._filter is None or gated.tint is None:
            return None
        if gated.frame is not None:
            self._people = spreads_in(gated.frame.image, found.boxes, gated.tint)
        # In a still frame everybody is as they were; every refresh looks anew, so nobody resumes with this.
        switch = self._filter.see(gated.index, gated.time_ns, gated.tint, self._people)
        if switch is not None:
            self.switches.append(switch)
        return switch

    def set_aside(self, reason: str, count: int) -> None:
        """Count what was set aside."""
        if count:
            self._set_aside[reason] += count

    @property
    def state(self) -> dict[str, Any]:
        """What the recording's row is to remember; nothing of what is as usual."""
        switches = [[one.frame, one.time_ns, str(one.spectrum)] for one in self.switches]
        state = {
            "filter": self._filter.state if self._filter is not None else {},
            "switches": switches,
            "set_aside": dict(self._set_aside),
            "noted": self._noted and bool(switches),
        }
        return {name: value for name, value in state.items() if value}

    def news(self, camera: str) -> list[tuple[Switch, str]]:
        """The switches since this was last asked, and one sentence for each."""
        new, self._told = self.switches[self._told :], len(self.switches)
        return [(switch, sentence(camera, switch, self._noted)) for switch in new]

    def newly_set_aside(self) -> Counter[str]:
        """What was set aside since this was last asked, by reason."""
        new, self._told_aside = self._set_aside - self._told_aside, Counter(self._set_aside)
        return new


def switches_of(state: Mapping[str, Any]) -> tuple[Switch, ...]:
    """The switches that a recording's state remembers."""
    return tuple(Switch(frame, time, Spectrum(light)) for frame, time, light in state.get("switches", ()))


def told_of(camera: str, state: Mapping[str, Any]) -> tuple[str, ...]:
    """One sentence for each thing that a recording's state says of its camera."""
    told = [sentence(camera, one, bool(state.get("noted"))) for one in switches_of(state)]
    counts = set_aside_of(state)
    for reason, one, many in (
        (
            MOTIONLESS,
            "tracklet that never moved counts as nobody",
            "tracklets that never moved count as nobody",
        ),
        (ZONE, "detection in its ignore zones", "detections in its ignore zones"),
    ):
        if count := counts[reason]:
            told.append(f"Camera {camera}: {count} {one if count == 1 else many}.")
    return tuple(told)


def set_aside_of(state: Mapping[str, Any]) -> dict[str, int]:
    """What a recording's state says was set aside, by reason."""
    return {reason: int(state.get("set_aside", {}).get(reason, 0)) for reason in (ZONE, MOTIONLESS)}


def sentence(camera: str, switch: Switch, noted: bool) -> str:
    """A switch as a person is told of it."""
    when = datetime.fromtimestamp(switch.time_ns // 1_000_000 / 1000, UTC)
    at = when.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    if switch.spectrum is Spectrum.VISIBLE:
        return f"Camera {camera} shows colour again since {at} (frame {switch.frame})."
    counts = "only noted" if noted else "its frames count as near infrared from there on"
    return f"Camera {camera} shows no colour since {at} (frame {switch.frame}): {counts}."
