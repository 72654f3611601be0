"""The logic of ``nightreid standardise``."""

import json
from pathlib import Path

from console.identity import open_gallery
from console.progress import ProgressBars
from reid_core.errors import UsageError
from reid_core.gallery.standardise import as_they_are, ever_standardised, standardise
from reid_core.models.manifest import PairKind
from reid_core.runtime import load_embedder
from stream.chain.config import ChainSettings
from stream.chain.parts import make_linker

_PAIRS: tuple[PairKind, ...] = ("visible-visible", "infrared-visible")


def standardise_command(
    database: str, reid: Path | None, form: str | None, undo: bool = False, as_json: bool = False
) -> int:
    """Standardise a gallery's vectors by its cameras, or take that back; infrared tracklets are linked anew.

    Args:
        database: of the gallery.
        reid: checkpoint folder of its model; by default the starter model.
        form: as `reid_core.standardising.parse_form` reads it; by default the one that the model is
            calibrated for.
        undo: compare the vectors as they are; links are made anew even if they are so already, because the
            call that undid it may have been stopped before.
        as_json: print one JSON object.

    Returns:
        0.

    Raises:
        UsageError: too few people were seen, or neither the call nor the model says how.
        ModelMismatchError: the gallery is of another model.
        ModelError: the model is missing or damaged.
    """
    embedder = load_embedder(None if reid is None else str(reid))
    known = embedder.manifest.standardised
    if form is None and known is not None:
        form = known.form
    if form is None and not undo:
        raise UsageError(
            "The model does not say how its vectors are standardised.",
            "Name a form: --form 'mean-deviation(50,0.5)'.",
        )
    notes: list[str] = []
    with open_gallery(database) as gallery, ProgressBars(ends=True) as bars:
        if undo and not ever_standardised(gallery.database, embedder.model_id):
            return _nothing_to_undo(as_json)
        if undo or form is None:
            changed = as_they_are(gallery.database, embedder.model_id)
            said: dict[str, object] = {"standardised": False}
            told = "The vectors are compared as they are" + ("." if changed else ", as they were before.")
        else:
            done = standardise(
                gallery.database,
                embedder.model_id,
                form,
                lambda there, total: bars.show("vectors standardised", there, total, ""),
            )
            cameras = sorted(done.standardisation.cameras)
            said = {
                "standardised": True,
                "form": form,
                "version": done.version,
                "cameras": cameras,
                "vectors": done.vectors,
            }
            names = ", ".join(cameras)
            told = f"Version {done.version}: {form} by {names}; {done.vectors} vectors standardised."
            notes += done.notes
            missing = [pair for pair in _PAIRS if embedder.calibration(pair, form) is None]
            if missing:
                notes.append(
                    f"The model is not calibrated for {' and '.join(missing)} scores of this form: "
                    "they rank and decide nothing, unless the gallery has calibrations of its own."
                )
        linked = make_linker(gallery, embedder, ChainSettings()).link_all(
            lambda count: bars.show("tracklets linked", count, None, "")
        )
    if as_json:
        print(json.dumps(said | {"linked": linked, "notes": notes}, indent=2))
        return 0
    print(told)
    for text in notes:
        print(text)
    print(f"{linked} infrared tracklets were linked anew. What is at work has to begin again.")
    return 0


def _nothing_to_undo(as_json: bool) -> int:
    told = "The gallery was never standardised: there is nothing to undo."
    if as_json:
        print(json.dumps({"standardised": False, "linked": 0, "notes": [told]}, indent=2))
    else:
        print(told)
    return 0
