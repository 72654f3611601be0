"""The identity that a visible tracklet is given: what people said, who cannot be it, then who fits best."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from reid_core.gallery.calibrations import count_everybody
from reid_core.gallery.constraints import Said, as_people_said, free_identity, said_of
from reid_core.gallery.identities import Assignment, Finalists, IdentityPolicy, Nominees, decide
from reid_core.gallery.looking_back import Rivals
from reid_core.gallery.vector_store import VectorStore
from reid_core.gallery.whereabouts import Stay, elsewhere
from reid_core.types import Floats, Tracklet


@dataclass(frozen=True, slots=True)
class Known:
    """What a transaction knows of corrections: `relocating.identity_changes`, and whether there are any."""

    changes: int
    corrected: bool


def place(
    session: Session,
    store: VectorStore,
    tracklet: Tracklet,
    sightings: Sequence[str],
    vectors: Floats,
    policy: IdentityPolicy,
    together: Collection[str],
    nominees: Nominees | None,
    known: Known,
) -> tuple[Assignment, Rivals | None]:
    """Decide who a tracklet is.

    Args:
        session: of the writing transaction.
        store: the crops' vectors, in step with it.
        tracklet: a visible one.
        sightings: ids of its ``S`` sightings.
        vectors: ``(S, D)`` float32, L2-normalised.
        policy: when it joins an identity.
        together: the identities that its own camera saw meanwhile.
        nominees: whom it may belong to, as was found before.
        known: what there is of corrections.

    Returns:
        the decision, and rivals of whom something may belong with it (`look_back`).
    """
    said = said_of(session, tracklet.id) if known.corrected else Said()
    if said.home is not None:
        return as_people_said(said.home, policy, store.space), None
    others = _excluded(session, tracklet, policy, said) - {*together}
    if nominees is not None and nominees.changes != known.changes:
        nominees = None
    found = store.finalists(session, vectors, {*together, *others}, nominees) if len(vectors) else None
    everybody = count_everybody(session) if policy.grows else 0
    assignment = decide(tracklet.id, sightings, vectors, found, policy, store.space, everybody)
    if others and found is not None and not found.allowed:
        reason = "everybody known was elsewhere at the time, or is somebody else as people said"
        assignment = replace(assignment, evidence=assignment.evidence | {"reason": reason})
    if assignment.founded:
        assignment = replace(assignment, identity=free_identity(session, tracklet.id))
    least = policy.least_score(everybody) if policy.look_back is not None else None
    return assignment, _rivals(vectors, found, assignment.identity, least)


def _rivals(vectors: Floats, found: Finalists | None, identity: str, least: float | None) -> Rivals | None:
    """The two best identities, but for the one that was chosen, of whom a picture fits."""
    if least is None or found is None:
        return None
    near = (vectors @ found.vectors.T).max(axis=0) >= least
    rows = zip(near.tolist(), found.identities, strict=True)
    others = tuple(dict.fromkeys(owner for fits, owner in rows if fits and owner != identity))
    return Rivals(others, least) if others else None


def _excluded(session: Session, tracklet: Tracklet, policy: IdentityPolicy, said: Said) -> set[str]:
    if policy.whereabouts is None:
        return set(said.apart)
    stay = Stay(tracklet.camera, int(tracklet.times_ns[0]), int(tracklet.times_ns[-1]))
    return {*said.apart, *elsewhere(session, policy.whereabouts, stay)}
