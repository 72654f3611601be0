"""Whoever is looked for by a picture: watches and proposed ones whose vector is of somebody who is erased.

A picture says of nobody who is on it. A watch that has found them is about them. One that is only proposed
has found nobody yet: it goes where they are more like its picture than whoever stays, as cameras of their
light saw them, or as much like it as it asks for. Rather one too many: it can be proposed anew.
"""

import base64
from collections.abc import Collection, Mapping
from typing import Any

import numpy as np
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from reid_core.erasure.gone import Gone, pages
from reid_core.gallery.label_rows import ProposalRow
from reid_core.gallery.records import VectorKind
from reid_core.gallery.schema import VectorRow
from reid_core.gallery.watch_rows import AlertRow, WatchRow
from reid_core.types import Floats, Modality

_ADD = "watch.add"
_READ = 2000


def forget_pictured(session: Session, gone: Gone) -> dict[str, int]:
    """Take out watches, proposed or not, that look for somebody by a picture; their vectors are still there.

    Args:
        session: of the writing transaction.
        gone: whom.

    Returns:
        by table, how many rows went.
    """
    found = _watches(session, gone)
    waiting = {
        row.id: row.subject
        for row in session.execute(
            select(ProposalRow.id, ProposalRow.subject).where(ProposalRow.action == _ADD)
        )
        if "vector" in row.subject
    }
    theirs = _same(waiting, set(found.values())) | _alike(session, waiting, gone)
    if found:
        session.execute(delete(WatchRow).where(WatchRow.id.in_(sorted(found))))
    if theirs:
        session.execute(delete(ProposalRow).where(ProposalRow.id.in_(sorted(theirs))))
    return {"watches": len(found), "proposals": len(theirs)}


def _watches(session: Session, gone: Gone) -> dict[int, bytes]:
    """Vectors of the watches by a picture that have found somebody, by their number."""
    numbers = set[int]()
    for names in pages(gone.tracklets):
        numbers.update(session.scalars(select(AlertRow.watch_id).where(AlertRow.tracklet_id.in_(names))))
    for names in pages(gone.identities):
        numbers.update(session.scalars(select(AlertRow.watch_id).where(AlertRow.identity_id.in_(names))))
    chosen = select(WatchRow.id, WatchRow.data).where(WatchRow.id.in_(sorted(numbers)))
    return {row.id: bytes(row.data) for row in session.execute(chosen) if row.data is not None}


def _same(waiting: Mapping[int, Mapping[str, Any]], vectors: Collection[bytes]) -> set[int]:
    """Proposals with one of some vectors: those from which the watches came."""
    return {number for number, subject in waiting.items() if base64.b64decode(subject["vector"]) in vectors}


def _alike(session: Session, waiting: Mapping[int, Mapping[str, Any]], gone: Gone) -> set[int]:
    found = set[int]()
    for space in {subject["space"] for subject in waiting.values()}:
        numbers = [number for number, subject in waiting.items() if subject["space"] == space]
        asked = [waiting[number] for number in numbers]
        matrix = np.array(
            [np.frombuffer(base64.b64decode(one["vector"]), "<f4") for one in asked], np.float32
        )
        least = np.array([one.get("score", np.inf) for one in asked])
        for modality in Modality:
            mine = _best_of(session, matrix, space, modality, gone.tracklets)
            theirs = (mine >= least) | _unbeaten(session, matrix, space, modality, gone, mine)
            found.update(np.array(numbers)[theirs].tolist())
    return found


def _best_of(
    session: Session, matrix: Floats, space: str, modality: Modality, tracklets: Collection[str]
) -> Floats:
    """The best cosine of each row of ``(P, D)`` with a crop of some tracklets; -inf where they have none."""
    best = np.full(len(matrix), -np.inf, np.float32)
    for names in pages(tracklets):
        chosen = _data(space, modality).where(VectorRow.tracklet_id.in_(names))
        for data in session.scalars(chosen):
            best = np.maximum(best, matrix @ np.frombuffer(data, "<f4"))
    return best


def _unbeaten(
    session: Session, matrix: Floats, space: str, modality: Modality, gone: Gone, mine: Floats
) -> Any:
    """Which rows of ``(P, D)`` nobody who stays is more like: ``(P,)`` bool. Reads until all are beaten."""
    first = np.isfinite(mine)
    if not first.any():
        return first
    columns = _data(space, modality).add_columns(VectorRow.tracklet_id).execution_options(yield_per=_READ)
    with session.execute(columns) as rows:
        for page in rows.partitions():
            others = [np.frombuffer(data, "<f4") for data, name in page if name not in gone.tracklets]
            if others:
                first &= (matrix @ np.array(others, np.float32).T).max(axis=1) <= mine
            if not first.any():
                break
    return first


def _data(space: str, modality: Modality) -> Any:
    crops = VectorRow.kind == str(VectorKind.CROP), VectorRow.modality == str(modality)
    return select(VectorRow.data).where(VectorRow.space == space, *crops)
