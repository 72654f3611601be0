"""What every table holds of people, and what becomes of it when one of them is erased.

Every table of the database stands here, each of its columns that could hold bytes, text or ids with what is
done to it; a test holds this against the database, so that a new table is classified before it is used.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum


class Id(StrEnum):
    """What an id is of."""

    TRACKLET = "tracklet"
    SIGHTING = "sighting"
    IDENTITY = "identity"
    ANY = "any"


@dataclass(frozen=True, slots=True)
class Holding:
    """What a table holds.

    Attributes:
        what: in words, for `docs/privacy.md`.
        rows: columns by which rows go: where one names somebody who is erased.
        naming: columns with JSON by which rows go, where anything in it names somebody who is erased.
        scrubbed: columns with JSON or text out of which their ids are taken, the row staying.
        otherwise: columns that `removing` puts right by other means.
        own: columns that speak of the row's own subject, and go with the row, or of nobody.
        stays: in words, why rows stay that do.
    """

    what: str
    rows: Mapping[str, Id]
    naming: tuple[str, ...] = ()
    scrubbed: tuple[str, ...] = ()
    otherwise: tuple[str, ...] = ()
    own: tuple[str, ...] = ()
    stays: str = "of nobody"


HOLDINGS: Mapping[str, Holding] = {
    "alembic_version": Holding("the schema's version", {}, own=("version_num",)),
    "gallery_meta": Holding("values of the gallery as a whole, digests", {}, own=("key", "value")),
    "cameras": Holding("cameras", {}, own=("id", "modality", "spectrum")),
    "recordings": Holding(
        "recordings and how far they were processed",
        {},
        own=("id", "camera_id", "source", "state", "status", "message", "detector", "model_id"),
    ),
    "identities": Holding("people", {"id": Id.IDENTITY}),
    "tracklets": Holding(
        "where and when somebody walked, and why it was taken for whom",
        {"id": Id.TRACKLET},
        scrubbed=("evidence",),
        otherwise=("identity_id",),
        own=("recording_id", "camera_id", "modality", "close_reason", "track"),
    ),
    "sightings": Holding("crops", {"tracklet_id": Id.TRACKLET, "id": Id.SIGHTING}, own=("crop",)),
    "vectors": Holding(
        "vectors of crops and of captions",
        {"tracklet_id": Id.TRACKLET, "sighting_id": Id.SIGHTING},
        own=("camera_id", "modality", "space", "kind", "model_id", "data"),
    ),
    "surplus": Holding("which vectors do not decide: goes with them", {}, otherwise=("vector_id",)),
    "local_vectors": Holding(
        "vectors of parts of crops", {"sighting_id": Id.SIGHTING}, own=("space", "data")
    ),
    "calibrations": Holding(
        "how scores become probabilities: numbers over many pairs",
        {},
        own=("space", "pair", "content", "cameras"),
        stays="numbers over everybody",
    ),
    "standardisations": Holding("versions of vectors", {}, own=("space", "model_id", "form")),
    "camera_statistics": Holding(
        "mean and deviation of a camera's vectors, over all it saw",
        {},
        own=("space", "camera_id", "modality", "mean", "deviation"),
        stays="numbers over everybody; `nightreid standardise` makes them anew",
    ),
    "heads": Holding(
        "what was learned from the cameras: one matrix over everybody",
        {},
        own=("space", "parent", "matrix", "learned"),
        stays="numbers over everybody; `nightreid adapt` learns them anew, `--undo` leaves them unused",
    ),
    "links": Holding(
        "who an infrared tracklet is",
        {"tracklet_id": Id.TRACKLET},
        otherwise=("identity_id", "candidates"),
        own=("model_id", "decision"),
    ),
    "captions": Holding(
        "what a captioner says of a crop",
        {"tracklet_id": Id.TRACKLET, "sighting_id": Id.SIGHTING},
        own=("model_id", "text"),
    ),
    "outbox": Holding("what happened, by id", {"subject": Id.ANY}, scrubbed=("payload",), own=("kind",)),
    "partitions": Holding("how far a topic was read", {}, own=("group_id", "topic", "topic_id", "holder")),
    "attempts": Holding("records that are being tried", {}, own=("group_id", "topic")),
    "streams": Holding("how far a camera's stream has come", {}, own=("camera_id", "topic", "state")),
    "staged": Holding(
        "tracklets on their way in, with crops and vectors",
        {"subject": Id.TRACKLET},
        own=("kind", "camera_id", "modality", "content"),
    ),
    "refused": Holding(
        "dead letters: whole frames that could not be read, until they are on their topic",
        {},
        own=("topic", "topic_id", "reason", "message"),
        otherwise=("record",),
    ),
    "leases": Holding("who does what", {}, own=("name", "holder", "state")),
    "corrections": Holding(
        "who is who as people said, and what undoing it needs",
        {},
        scrubbed=("before",),
        otherwise=("identity", "other", "reason", "undone_by"),
        own=("kind", "actor"),
    ),
    "corrected": Holding(
        "of which tracklets a correction spoke", {"tracklet_id": Id.TRACKLET}, own=("side",)
    ),
    "doubts": Holding("pairs for review", {"identity": Id.IDENTITY, "other": Id.IDENTITY}),
    "watches": Holding(
        "who is looked for: words, an identity, or a vector of a picture",
        {"identity": Id.IDENTITY},
        otherwise=("data",),
        own=(
            *("kind", "name", "text", "space", "pictured", "looks_at", "cameras", "hours", "zone"),
            *("author", "purpose", "standing"),
        ),
    ),
    "alerts": Holding(
        "whom watches found",
        {"tracklet_id": Id.TRACKLET, "identity_id": Id.IDENTITY},
        scrubbed=("evidence",),
        own=("name", "kind", "camera_id", "modality", "acknowledged_by"),
    ),
    "labels": Holding(
        "what people said of links",
        {"tracklet_id": Id.TRACKLET, "anchor": Id.TRACKLET, "identity": Id.IDENTITY},
        own=("verdict", "model_id", "author", "author_name", "second", "second_name", "reason"),
    ),
    "proposals": Holding(
        "what one person proposed and another has to decide: ids, words, or a vector of a picture",
        {},
        naming=("subject", "seen"),
        own=("action", "reason", "author", "author_name", "state", "decider", "decider_name"),
    ),
    "deliveries": Holding(
        "which webhook was or is to be told of which alert: goes with it",
        {},
        otherwise=("alert_id",),
        own=("webhook", "message", "state", "error"),
    ),
    "users": Holding(
        "who uses the console",
        {},
        own=("id", "name", "role", "scope", "password", "issuer", "subject"),
    ),
    "user_sessions": Holding(
        "who is signed in, and for what purpose",
        {},
        own=("id", "digest", "user_id", "purpose", "case_reference", "address"),
    ),
    "api_tokens": Holding(
        "tokens of programs, by their digest", {}, own=("id", "digest", "user_id", "name", "role", "scope")
    ),
    "audit_log": Holding(
        "who did what to whom: ids alone, in a chain that nobody may change",
        {},
        stays="ids that lead nowhere by then",
        own=(
            *("action", "actor", "subject", "purpose_digest", "details_digest"),
            *("previous", "hash"),
        ),
    ),
    "audit_parts": Holding(
        "what of the audit log is personal, beside the chain",
        {},
        otherwise=("content", "salt"),
        own=("part",),
    ),
    "audit_head": Holding("where the audit log ends", {}, own=("chain", "key", "hash")),
    "erasures": Holding("that somebody was erased", {}, own=("name", "actor", "counts")),
    "erased": Holding("keyed fingerprints of what was erased", {}, own=("kind", "fingerprint")),
    "holds": Holding(
        "who may not be erased, and why",
        {"subject": Id.ANY},
        own=("kind", "camera", "reason", "author", "lifted_by"),
    ),
}
"""Every table of a gallery's database."""
