"""The logic of ``nightreid dlq``."""

import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from console.failing import check_writable
from console.kafka import Deployment
from reid_core.errors import NightreidError, UsageError
from reid_core.redaction import redact_text
from reid_core.types import Modality
from stream.kafka.dead_letter_box import list_letters, replay, show
from stream.kafka.dead_letters import DeadLetter, topic_of
from stream.kafka.errors import DeadLetterError
from stream.run.export import iso_utc


def list_command(
    settings: Deployment, topics: Sequence[str], reason: str | None, as_json: bool = False
) -> int:
    """Print the dead letters, each once; what is none is counted on standard error.

    Args:
        settings: of the deployment.
        topics: whose letters; all topics of frames where there are none.
        reason: which letters; ``None`` for all.
        as_json: print one JSON object.

    Returns:
        0.
    """
    found = _letters(settings, topics, reason)
    if as_json:
        print(json.dumps({"letters": [_said(letter) for letter in found]}, indent=2))
        return 0
    for letter in found:
        size = len(letter.value or b"")
        print(
            f"{printable(letter.place)}  {iso_utc(letter.time_ns)}  {printable(letter.reason)}  "
            f"{size} bytes  {printable(redact_text(letter.message))}"
        )
    return 0


def show_command(settings: Deployment, place: str, out: Path | None, as_json: bool = False) -> int:
    """Print one dead letter.

    Args:
        settings: of the deployment.
        place: ``topic/partition/offset``.
        out: file for the record's value.
        as_json: print one JSON object.

    Returns:
        0.

    Raises:
        DeadLetterError: there is no such letter.
        StorageError: the file cannot be written.
    """
    topic_of(place)
    if out is not None:
        check_writable(out)
    letter = show(settings.kafka, settings, place)
    if out is not None:
        out.write_bytes(letter.value or b"")
    said = _said(letter) | {"headers": [[name, _text(value)] for name, value in letter.headers]}
    if as_json:
        print(json.dumps(said, indent=2))
        return 0
    headers = said.pop("headers")
    for name, value in said.items():
        print(f"{name}: {printable(str(value))}")
    for name, value in headers:
        print(f"header {printable(name)}: {printable(str(value))}")
    return 0


def replay_command(
    settings: Deployment,
    places: Sequence[str],
    everything: bool,
    topics: Sequence[str],
    reason: str | None,
    as_json: bool = False,
) -> int:
    """Send the records of dead letters again.

    Args:
        settings: of the deployment.
        places: of the letters.
        everything: all that ``topics`` and ``reason`` leave, instead.
        topics: whose letters.
        reason: which letters.
        as_json: print one JSON object.

    Returns:
        0.

    Raises:
        UsageError: neither letters nor all of them are asked for, or both.
        DeadLetterError: a letter is not there; none is sent then.
    """
    if bool(places) == everything:
        raise UsageError(
            "Name the letters to send again, or all of them with --all.", "`nightreid dlq list` prints them."
        )
    if places and (topics or reason):
        raise UsageError("--topic and --reason choose among all letters: they need --all.")
    if everything:
        done = replay(settings.kafka, settings, _letters(settings, topics, reason))
    else:
        wanted = set(places)
        from_topics = sorted({topic_of(place) for place in wanted})
        # A topic that was made anew has others at the same places: the last one is meant, as in `show`.
        there: dict[str, tuple[int, str]] = {}
        for each in list_letters(settings.kafka, settings, from_topics, _pass_over):
            there[each.place] = max(there.get(each.place, (0, "")), (each.time_ns, each.topic_id))
        missing = sorted(wanted - there.keys())
        if missing:
            raise DeadLetterError(
                f"There is no dead letter {', '.join(missing)}.", "`nightreid dlq list` prints them."
            )
        found = list_letters(settings.kafka, settings, from_topics, _pass_over)
        meant = (
            each
            for each in found
            if each.place in wanted and (each.time_ns, each.topic_id) == there[each.place]
        )
        done = replay(settings.kafka, settings, meant)
    if as_json:
        print(json.dumps({"replayed": done}))
    else:
        print(f"sent again: {done}")
    return 0


def printable(text: str) -> str:
    """Text from outside without anything that a terminal would obey."""
    return "".join(each if each.isprintable() else repr(each)[1:-1] for each in text)


def _letters(settings: Deployment, topics: Sequence[str], reason: str | None) -> Iterator[DeadLetter]:
    frames = [settings.frames(modality) for modality in Modality]
    # The name alone is what an operator knows; the prefix is in the settings.
    named = [settings.prefix + topic.removeprefix(settings.prefix) for topic in topics]
    strange: list[NightreidError] = []
    for letter in list_letters(settings.kafka, settings, named or frames, strange.append):
        if reason is None or letter.reason == reason:
            yield letter
    if strange:
        print(
            f"Records that are no dead letters: {len(strange)}. {printable(str(strange[0]))}", file=sys.stderr
        )


def _pass_over(_: NightreidError) -> None:
    """What is no letter cannot be one that was named."""


def _said(letter: DeadLetter) -> dict[str, Any]:
    return {
        "topic": letter.topic,
        "partition": letter.partition,
        "offset": letter.offset,
        "reason": letter.reason,
        "message": redact_text(letter.message),
        "attempts": letter.attempts,
        "version": letter.version,
        "time": iso_utc(letter.time_ns),
        "key": _text(letter.key),
        "bytes": len(letter.value or b""),
    }


def _text(value: bytes | None) -> str | None:
    return None if value is None else redact_text(value.decode(errors="backslashreplace"))
