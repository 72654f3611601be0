"""``text.json`` and ``captioner.json``: what a folder of a text encoder or captioner holds, and who loads it.

A kind of text encoder or captioner is added by a file and a line of its registry, or by an entry point of
the registry's group in a package of one's own.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel, Field, SerializeAsAny, ValidationInfo, field_validator

from reid_core.config import Settings
from reid_core.errors import ModelError, ModelMismatchError, UsageError
from reid_core.models.checkpoint_files import checked_digest
from reid_core.models.language import Captioner, QueryKind, TextEncoder
from reid_core.models.manifest import PlainCalibration, Sha256, Training
from reid_core.models.manifest_file import read_json
from reid_core.registry import Registry

FORMAT: Literal[1] = 1


class LanguageManifest(Settings):
    """What both say; unknown keys are errors.

    Attributes:
        format: version of this layout.
        name: for people.
        kind: the name of what loads it.
        space: the id of the visual model whose space it aims at; ``None`` where it aims at none.
        weights: SHA-256 of each file it needs, by path relative to the manifest.
        settings: of its kind.
        training: where it comes from.
    """

    what: ClassVar[str]
    registry: ClassVar[Registry[Any]]
    folder_name: ClassVar[str]
    file_name: ClassVar[str]

    format: Literal[1]
    name: str = Field(min_length=1)
    kind: str
    space: Sha256 | None = None
    weights: dict[str, Sha256]
    settings: SerializeAsAny[Settings] = Field(default=Settings(), validate_default=True)
    training: Training = Training()

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        try:
            cls.registry.get(kind)
        except UsageError as error:
            raise ValueError(str(error).rstrip(".")) from None
        return kind

    @field_validator("settings", mode="before")
    @classmethod
    def _of_its_kind(cls, values: Any, info: ValidationInfo) -> Any:
        if "kind" not in info.data:
            # What is wrong with it is said above.
            return Settings()
        said = values.model_dump() if isinstance(values, Settings) else values
        return cls.registry.get(info.data["kind"]).settings.model_validate(said)


ManifestT_co = TypeVar("ManifestT_co", bound=LanguageManifest, covariant=True)


@dataclass(frozen=True)
class LanguageFiles(Generic[ManifestT_co]):
    """A text encoder or captioner whose files are there and undamaged.

    Attributes:
        manifest: what it says of itself; ``settings`` are of its kind's own class.
        folder: of the manifest; weights are relative to it.
        model_id: what its vectors or captions are made by: a digest over its weights and all settings, not
            over its name or its place.
    """

    manifest: ManifestT_co
    folder: Path
    model_id: str


class TextEncoderKind(Protocol):
    """What `TEXT_ENCODERS` holds: a class of text encoders, say, which is built from its files.

    Attributes:
        settings: what ``settings`` of ``text.json`` must hold.
    """

    settings: type[Settings]

    def __call__(self, files: "LanguageFiles[TextManifest]") -> TextEncoder:
        """Load it.

        Args:
            files: checked; model id, space and width are to be theirs.

        Raises:
            ModelError: the weights are not what the settings describe.
        """


class CaptionerKind(Protocol):
    """What `CAPTIONERS` holds, likewise.

    Attributes:
        settings: what ``settings`` of ``captioner.json`` must hold.
    """

    settings: type[Settings]

    def __call__(self, files: "LanguageFiles[CaptionerManifest]") -> Captioner:
        """Load it; see `TextEncoderKind`."""


TEXT_ENCODERS: Registry[TextEncoderKind] = Registry(
    "text encoder",
    "nightreid.text_encoders",
    {
        "understood": "reid_core.models.understood.encoder:UnderstoodEncoder",
        "clip": "reid_core.models.clip_text.encoder:ClipTextEncoder",
        "bert": "reid_core.models.star_reid.text_encoder:BertTextEncoder",
    },
)
CAPTIONERS: Registry[CaptionerKind] = Registry(
    "captioner",
    "nightreid.captioners",
    {
        "blip": "reid_core.models.blip.captioner:BlipCaptioner",
        "llava": "reid_core.models.llava.captioner:LlavaCaptioner",
        "attributes": "reid_core.models.attribute_captioner.captioner:AttributeCaptioner",
    },
)


class TextManifest(LanguageManifest):
    """``text.json``.

    Attributes:
        embedding: numbers in a vector.
        calibrations: score -> probability, by what asks.
    """

    what = "text encoder"
    registry = TEXT_ENCODERS
    folder_name, file_name = "text", "text.json"

    space: Sha256
    embedding: int = Field(ge=1)
    calibrations: dict[QueryKind, PlainCalibration] = Field(default_factory=dict)


class CaptionerManifest(LanguageManifest):
    """``captioner.json``."""

    what = "captioner"
    registry = CAPTIONERS
    folder_name, file_name = "captioner", "captioner.json"


ManifestT = TypeVar("ManifestT", bound=LanguageManifest)


def open_language_files(manifest: type[ManifestT], path: Path, space: str | None) -> LanguageFiles[ManifestT]:
    """Read a manifest and check the files it speaks of byte by byte.

    Args:
        manifest: of which sort.
        path: its folder, or a checkpoint folder with it inside.
        space: what it must aim at, or ``None``.

    Raises:
        ModelMismatchError: it aims at another space.
        ModelError: it is missing, damaged or not valid.
    """
    file = _locate(manifest, path)
    said = read_json(manifest, file, FORMAT, "See docs/models.md.", _sections(manifest))
    if space is not None and said.space not in (None, space):
        raise ModelMismatchError(
            f"The {manifest.what} {said.name!r} ({file}) aims at the space {said.space}, not at {space}.",
            f"Use one that was made for the model {space[:12]}.",
        )
    for relative, digest in said.weights.items():
        checked_digest(file.parent / relative, digest, said.name, file.name)
    return LanguageFiles(said, file.parent, language_id(said))


def _locate(manifest: type[LanguageManifest], path: Path) -> Path:
    if not path.exists():
        raise ModelError(f"The {manifest.what} {path} does not exist.")
    files = [place / manifest.file_name for place in (path, path / manifest.folder_name)]
    found = next((file for file in files if file.is_file()), None)
    if found is None:
        raise ModelError(
            f"The folder {path} holds no {manifest.what}: neither {manifest.file_name} nor "
            f"{manifest.folder_name}/{manifest.file_name}.",
            "See docs/models.md.",
        )
    return found


def _sections(manifest: type[LanguageManifest]) -> Any:
    def sections(values: Mapping[str, Any]) -> Mapping[str, type[BaseModel]]:
        try:
            return {"settings": manifest.registry.get(str(values.get("kind"))).settings}
        except UsageError:
            return {}

    return sections


def language_id(manifest: LanguageManifest) -> str:
    """The digest over weights and settings, by which vectors and captions know what made them."""
    # Where a file lies says nothing of what it holds, but which of several files it is does. What scores are
    # worth changes no vector.
    unsaid = {"name", "training", "calibrations"}
    said = {"what": manifest.what, **manifest.model_dump(mode="json", exclude=unsaid)}
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
