"""The logic of ``nightreid bench``: one measurement, as a sentence or as one JSON object."""

import json
from collections.abc import Sequence
from typing import Any

from detectors.detector import PUBLISHED
from reid_core.starter import starter_detector


def bench_command(
    name: str,
    as_json: bool,
    detector: str | None,
    reid: str | None,
    visible: Sequence[str],
    infrared: Sequence[str],
    bootstrap: str,
    minutes: float,
    sizes: Sequence[int] = (),
    watches: int = 0,
    http: bool = False,
) -> int:
    """Measure and print; the status is 0 whether or not the target was met."""
    if name == "ingest":
        from console.bench.ingest import bench_ingest

        result = bench_ingest(bootstrap, visible, detector, reid)
    elif name == "shift":
        from console.bench.shift import bench_shift

        result = bench_shift(bootstrap, visible, infrared, minutes, detector, reid, watches)
    elif name == "gallery":
        from console.bench.gallery import SIZES, bench_gallery

        result = bench_gallery(sizes or SIZES)
    elif name == "query":
        from console.bench.query import bench_query

        result = bench_query(sizes or (100_000,), reid)
    elif name == "search" and http:
        from console.bench.http import bench_search_http

        result = bench_search_http(sizes or (100_000,))
    else:
        result = _measure(name, detector, reid, visible, infrared)
    if as_json:
        print(json.dumps(result, indent=2))
        return 0
    if name == "shift":
        print(
            f"shift: {result['cameras']} cameras, {result['fps']} frames per second, "
            f"{result['minutes']} minutes; "
            f"memory {result['memory']['slope_mib_per_minute']:+} MiB per minute; "
            "latency from capture to link "
            + ", ".join(f"{name} {seconds} s" for name, seconds in result["latency_s"].items())
            + (f"; {watches} watches, {result['alerts']} tracklets with alerts" if watches else "")
        )
        return 0
    for case in result["cases"] if http else ():
        text, fused, crowd = case["text"], case["fused"], case["clients"]
        print(
            f"{case['sightings']} sightings over HTTP while tracklets come in: text {text['p50_ms']} ms "
            f"(p95 {text['p95_ms']}, {text['processor_ms']} ms of the processor), fused {fused['p50_ms']} ms "
            f"(p95 {fused['p95_ms']}); {crowd['clients']} clients at once: {crowd['errors']} errors, "
            f"memory {' to '.join(map(str, crowd['memory_mib']))} MiB"
        )
    for case in result["cases"] if name == "gallery" else ():
        admission, search = case["admission"], case["search"]
        print(
            f"{case['sightings']} sightings: admission {admission['ms']} ms a tracklet "
            f"(target {result['target_admission_ms']}), {admission['transaction_ms']} ms of it in the "
            f"transaction; search {search['ours_ms']} ms, recall@10 {search['recall']} "
            f"(target {result['target_recall']}); {case['memory_mib']} MiB"
        )
    for case in result["cases"] if name == "query" else ():
        for kind in ("text", "fused"):
            print(
                f"{case['sightings']} sightings, {kind}: {case[kind]['a_second']} queries a second, "
                f"{case[kind]['ours_ms']} ms each ({case[kind]['words_ms']} ms words, "
                f"{case[kind]['encoder_ms']} ms text encoder); bare search {case[kind]['baseline_ms']} ms"
            )
    if name == "train":
        for kind, case in result["cases"].items():
            shares = ", ".join(f"{stage} {share:.0%}" for stage, share in case["shares"].items())
            print(
                f"{kind}: {case['images_a_second']} images a second ({shares}); batches made ahead: "
                f"{case['images_a_second_ahead']}, waiting {case['waiting_ahead']:.0%}"
            )
        return 0
    print(
        f"{result['name']}: {result['ours_s']} s against {result['baseline_s']} s, "
        f"ratio {result['ratio']} (target {result['target']})"
    )
    if "crops" in result:
        crops, video = result["crops"], result["video"]
        print(
            f"{crops['a_minute']} crops per minute (target {crops['target']:.0f}), "
            f"{video['a_second']} video frames per second (target {video['target']:.0f})"
        )
    if "workers" in result:
        workers = result["workers"]
        print(
            f"two workers: {workers['two_fps']} frames per second, one: {workers['one_fps']}, "
            f"{workers['speedup']} times (target {workers['target']})"
        )
    if "large" in result:
        large = result["large"]
        print(
            f"{large['queries']} queries in {large['gallery']} images: {large['seconds']} s, "
            f"{large['memory_mib']} MiB more (a whole matrix: {large['matrix_mib']} MiB)"
        )
    if "by_hand" in result:
        hand = result["by_hand"]
        print(
            f"simple pipeline: {hand['ours_fps']} against {hand['baseline_fps']} frames per second, "
            f"{hand['speedup']} times as fast (target {hand['target']})"
        )
    return 0


def _measure(
    name: str, detector: str | None, reid: str | None, visible: Sequence[str], infrared: Sequence[str]
) -> dict[str, Any]:
    if name == "search":
        from console.bench.search import bench_search

        return bench_search()
    if name == "evaluate":
        from console.bench.evaluate import bench_evaluate

        return bench_evaluate()
    if name == "train":
        from console.bench.train import bench_train

        return bench_train()
    if name == "world":
        from console.bench.world import bench_world

        return bench_world()
    from console.bench.pipeline import bench_pipeline

    return bench_pipeline(visible, infrared, detector or str(starter_detector() or PUBLISHED), reid)
