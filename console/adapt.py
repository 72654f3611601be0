"""The logic of ``nightreid adapt``."""

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path

from console.progress import ProgressBars
from reid_core.config import load_config
from reid_core.errors import UsageError


def adapt_command(
    database: str,
    reid: Path | None = None,
    form: str | None = None,
    overrides: Sequence[str] = (),
    seed: int = 1,
    state: Path | None = None,
    as_json: bool = False,
) -> int:
    """Learn from a gallery's own footage, and compare by what was learned if held-out people speak for it.

    Args:
        database: of the gallery.
        reid: checkpoint folder of its model; by default the starter model.
        form: how vectors are standardised; by default the one that the model is calibrated for.
        overrides: ``key=value`` each, of `training.adapting.settings.AdaptSettings`.
        seed: of every draw.
        state: folder for the state that a killed call goes on from; by default one in the cache folder.
        as_json: print one JSON object.

    Returns:
        0, whether or not something changed.

    Raises:
        UsageError: too few people were seen, or neither the call nor the model says how to standardise.
        ModelMismatchError: the gallery is of another model.
        ModelError: the model is missing or damaged.
        StorageError: the state cannot be written.
    """
    from training.adapting.settings import AdaptSettings

    settings = load_config(AdaptSettings, None, overrides, os.environ)
    from console.identity import open_gallery
    from reid_core.runtime import load_embedder
    from reid_core.runtime.cache import cache_folder
    from stream.chain.config import ChainSettings
    from stream.chain.parts import gallery_calibration, make_linker
    from training.adapting.adapting import adapt

    embedder = load_embedder(None if reid is None else str(reid))
    known = embedder.manifest.standardised
    form = form or (known.form if known is not None else None)
    if form is None:
        raise UsageError(
            "The model does not say how its vectors are standardised.",
            "Name a form: --form 'mean-deviation(50,0.5)'.",
        )
    folder = state or cache_folder() / "adapt" / hashlib.sha256(database.encode()).hexdigest()[:16]
    linked = 0
    with open_gallery(database) as gallery, ProgressBars(ends=True) as bars:
        done = adapt(
            gallery,
            embedder.model_id,
            form,
            settings,
            folder,
            seed,
            lambda what, there, total: bars.show(what, there, total, ""),
            gallery_calibration(gallery, embedder, "infrared-visible"),
        )
        if done.version is not None:
            linked = make_linker(gallery, embedder, ChainSettings()).link_all(
                lambda count: bars.show("tracklets linked", count, None, "")
            )
    fit = done.calibration
    if as_json:
        said = {
            "adapted": done.version is not None,
            "why_not": done.why_not or None,
            "version": done.version,
            "tracklets": done.tracklets,
            "held_out": done.held_out,
            "groups": done.groups,
            "grouped": done.grouped,
            "before": done.before.to_dict() if done.before is not None else None,
            "after": done.after.to_dict() if done.after is not None else None,
            "threshold": fit.threshold if fit is not None else None,
            "linked": linked,
            "notes": list(done.notes),
        }
        print(json.dumps(said, indent=2))
        return 0
    if done.version is None:
        print(f"Nothing changed. {done.why_not}")
    else:
        print(
            f"Version {done.version}: learned from {done.tracklets - done.held_out} tracklets; "
            f"{done.grouped} of them make {done.groups} groups over cameras."
        )
    if done.before is not None and done.after is not None:
        print(
            f"Held-out tracklets find themselves: {done.before.halves:.3f} before, {done.after.halves:.3f} "
            f"after (mean reciprocal rank, {done.after.halved} tracklets); people seen at once look alike: "
            f"{100 * done.before.strangers:.1f} % before, {100 * done.after.strangers:.1f} % after "
            f"({done.after.apart} pairs)."
        )
    if fit is not None:
        print(
            f"Calibrated: a score of {fit.threshold:.3f} and more is called the same person. {linked} "
            "infrared tracklets were linked anew."
        )
    for text in done.notes:
        print(text)
    if done.version is not None:
        print("What is at work has to begin again. `nightreid adapt --undo` takes it back.")
    return 0


def take_back_command(database: str, reid: Path | None = None, as_json: bool = False) -> int:
    """Compare a gallery's vectors as before it was adapted last; links are made anew.

    Args:
        database: of the gallery.
        reid: checkpoint folder of its model; by default the starter model.
        as_json: print one JSON object.

    Returns:
        0.

    Raises:
        ModelMismatchError: the gallery is of another model.
        ModelError: the model is missing or damaged.
    """
    from console.identity import open_gallery
    from reid_core.runtime import load_embedder
    from stream.chain.config import ChainSettings
    from stream.chain.parts import make_linker
    from training.adapting.adapting import take_back

    embedder = load_embedder(None if reid is None else str(reid))
    with open_gallery(database) as gallery, ProgressBars(ends=True) as bars:
        changed = take_back(gallery.database, embedder.model_id)
        linked = 0
        if changed:
            linked = make_linker(gallery, embedder, ChainSettings()).link_all(
                lambda count: bars.show("tracklets linked", count, None, "")
            )
    told = "The vectors are compared as before they were adapted." if changed else "Nothing is adapted."
    if as_json:
        print(json.dumps({"adapted": False, "undone": changed, "linked": linked}, indent=2))
        return 0
    print(told)
    if changed:
        print(f"{linked} infrared tracklets were linked anew. What is at work has to begin again.")
    return 0
