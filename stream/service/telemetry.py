"""What a worker tells Prometheus."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

_SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


class Telemetry:
    """A worker's metrics; every name begins with ``nightreid_worker_``.

    Attributes:
        registry: to serve them from.
        progressed: when the worker last got anywhere, on the monotonic clock.
    """

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.progressed = time.monotonic()
        self._lock = threading.Lock()
        self._troubles: dict[str, str] = {}
        self._seen: dict[str, int] = {}

        def counter(name: str, text: str, *labels: str) -> Counter:
            return Counter(f"nightreid_worker_{name}", text, labels, registry=registry)

        def gauge(name: str, text: str, *labels: str) -> Gauge:
            return Gauge(f"nightreid_worker_{name}", text, labels, registry=registry)

        def histogram(name: str, text: str, *labels: str, buckets: tuple[float, ...] = _SECONDS) -> Histogram:
            return Histogram(f"nightreid_worker_{name}", text, labels, registry=registry, buckets=buckets)

        self.records = counter("records", "Records read from a partition.", "topic", "partition")
        self.frames = counter("frames", "Frames processed.", "camera")
        self.oddities = counter(
            "oddities",
            "Records out of the ordinary: duplicate, late, missing, skewed, backwards, restarts.",
            "camera",
            "kind",
        )
        self.refused = counter("dead_letters", "Records that can never be processed.", "topic", "reason")
        self.detections = counter("detections", "People found in frames.", "camera")
        self.tracklets = counter("tracklets", "Tracklets closed.", "camera", "reason")
        self.set_aside = counter(
            "set_aside",
            "What was nobody: detections in ignore zones (zone), tracklets that never moved (motionless).",
            "camera",
            "reason",
        )
        self.switches = counter(
            "camera_switches", "Switches of a visible camera to near infrared and back.", "camera", "spectrum"
        )
        self.links = counter("links", "Infrared tracklets ranked against the gallery.", "decision")
        self.late_tracklets = counter(
            "late_tracklets", "Tracklets admitted late, after later ones.", "camera"
        )
        self.announced = counter("announced", "Records published.", "topic")
        self.fenced = counter("fenced", "Writes refused because another worker held the partition.")
        self.retries = counter("retries", "Waits for a dependency that was down.", "what")
        self.follower_failures = counter("follower_failures", "Failed attempts of a follower.", "follower")
        self.follower_set_aside = counter(
            "follower_set_aside", "Events that a follower set aside: it cannot handle them.", "follower"
        )
        self.webhook_deliveries = counter(
            "webhook_deliveries",
            "Attempts to deliver an alert by webhook: delivered, failed, given_up, gone.",
            "webhook",
            "outcome",
        )
        self.webhook_waiting = gauge(
            "webhook_waiting", "Alerts that wait to be delivered by webhook.", "webhook"
        )
        self.stages = histogram("stage_seconds", "Time of one call of a stage.", "stage")
        self.batches = histogram("batch_looks", "Frame regions in one call of the detector.", buckets=_SIZES)
        self.frame_age = gauge("frame_age_seconds", "Age of the last frame processed.", "camera")
        self.latency = histogram("link_latency_seconds", "From capture to the link being written.")
        self.lag = gauge("lag_records", "Records after the last one read.", "topic", "partition")
        self.waiting = gauge("waiting_records", "Records waiting inside the worker.")
        self.waiting_bytes = gauge("waiting_bytes", "Memory that these take decoded.")
        self.paused = gauge("paused", "Whether partitions are paused to bound memory.")
        self.staged = gauge("staged", "Closed tracklets that wait for admission.")
        self.outbox_lag = gauge("outbox_lag", "Outbox rows not yet announced.")
        self.index_lag = gauge("index_lag", "Vector changes that this worker's index has not applied.")
        self.follower_lag_events = gauge(
            "follower_lag_events", "Events that this worker's follower has not handled yet.", "follower"
        )
        self.follower_lag_seconds = gauge(
            "follower_lag_seconds", "Time since it had last handled every event.", "follower"
        )
        self.leads = gauge("leads", "Whether this worker admits and announces.")
        self.assigned = gauge("assigned_partitions", "Partitions held.")

    def saw(self, camera: str, time_ns: int) -> None:
        """Say which frame of a camera was gone through last; its age grows from then on."""
        known = camera in self._seen
        self._seen[camera] = time_ns
        if not known:
            self.frame_age.labels(camera).set_function(lambda: time.time() - self._seen.get(camera, 0) / 1e9)

    def over(self, camera: str) -> None:
        """Say that no further frames of a camera are waited for."""
        if self._seen.pop(camera, None) is not None:
            self.frame_age.remove(camera)

    @contextmanager
    def timed(self, stage: str) -> Iterator[None]:
        """Time one call of a stage."""
        begun = time.perf_counter()
        try:
            yield
        finally:
            self.stages.labels(stage).observe(time.perf_counter() - begun)

    def progress(self) -> None:
        """Say that the worker got somewhere."""
        self.progressed = time.monotonic()

    def trouble(self, what: str, text: str | None) -> None:
        """Say what is away, or with ``None`` that it is back."""
        with self._lock:
            if text is None:
                self._troubles.pop(what, None)
            else:
                self._troubles[what] = text

    def troubles(self) -> list[str]:
        """What is away, one sentence each."""
        with self._lock:
            return list(self._troubles.values())
