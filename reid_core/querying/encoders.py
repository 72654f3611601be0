"""Which text encoder reads the texts of queries."""

from pathlib import Path

from reid_core.errors import ConfigError
from reid_core.models.language import TextEncoder
from reid_core.models.language_files import TextManifest
from reid_core.runtime.language import load_text_encoder
from reid_core.starter import starter_embedder, starter_text_encoder

STARTER = "starter"
"""What the setting ``text`` says for the starter pack's."""


def open_text_encoder(
    setting: str | None = None, reid: Path | str | None = None, space: str | None = None
) -> TextEncoder:
    """The text encoder that a setting means.

    Args:
        setting: a folder with ``text.json``, or a checkpoint folder with ``text/`` inside; `STARTER`; or
            ``None`` for that inside the embedder's folder, or else the starter pack's.
        reid: the embedder, as ``--reid`` says it; ``None`` for the starter model.
        space: what its vectors will be compared in; ``None`` for whatever it aims at.

    Raises:
        ConfigError: nothing names one, and this version carries none.
        ModelMismatchError: it aims at another space.
        ModelError: it is missing, damaged or not valid.
    """
    if setting is not None and setting != STARTER:
        return load_text_encoder(Path(setting), space)
    if setting is None:
        embedder = starter_embedder() if reid is None else Path(reid)
        folder = TextManifest.folder_name
        if embedder is not None and (embedder / folder / TextManifest.file_name).is_file():
            return load_text_encoder(embedder / folder, space)
    starter = starter_text_encoder()
    if starter is None:
        raise ConfigError(
            "There is no text encoder to read words with: this version carries none, and none is named.",
            "Name its folder with --text-encoder, or as text: in the configuration.",
        )
    return load_text_encoder(starter, space)
