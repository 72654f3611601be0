"""``model.json``: what a checkpoint is, how its input is made and what its vectors are worth."""

import difflib
import hashlib
import json
import types
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import (
    BaseModel,
    Field,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    StringConstraints,
    ValidationError,
    model_validator,
)

from reid_core.calibration import Calibration
from reid_core.config import Settings
from reid_core.errors import ModelError
from reid_core.preprocess import Preprocess
from reid_core.types import Modality

MANIFEST_NAME = "model.json"
FORMAT: Literal[1] = 1

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PairKind = Literal["visible-visible", "infrared-visible"]
Handling = Literal["stems", "graphs", "grey"]


def _calibration(values: Any) -> Calibration:
    if isinstance(values, Calibration):
        return values
    if not isinstance(values, Mapping):
        raise ValueError("a calibration holds keys and values")
    try:
        return Calibration.from_dict(values)
    except ModelError as error:
        raise ValueError(error.message.rstrip(".")) from None


PlainCalibration = Annotated[
    Calibration, PlainValidator(_calibration), PlainSerializer(lambda each: each.to_dict())
]


class Architecture(Settings):
    """The dual-stream network: a stem per modality, a shared rest, GeM, BNNeck.

    Attributes:
        backbone: ``resnet18``, ``resnet34``, ``resnet50`` (torchvision) or ``tf_efficientnet_lite0``
            to ``tf_efficientnet_lite4`` (timm).
        stem_stages: how many stages after the first convolution each modality has for itself.
        last_stride: of the last stage that shrinks, 1 or 2.
        gem_p: the power of the pooling (its first value, where it is learned).
        gem_learned: whether the power is a parameter.
        classes: identities of the classifier, or ``None`` for no classifier.
    """

    backbone: str
    stem_stages: int = Field(default=0, ge=0)
    last_stride: Literal[1, 2] = 1
    gem_p: float = Field(default=3.0, gt=0)
    gem_learned: bool = False
    classes: int | None = Field(default=None, ge=1)


class ModalityWeights(Settings):
    """A weights file a modality."""

    visible: str
    infrared: str


class Training(Settings):
    """Where a model comes from.

    Attributes:
        recipe: what was done, in words or by the recipe's name.
        data: the data sets it learned from.
        origin: who made the weights, or which weights they started from.
        licence: of the weights.
        learned_people: false where it never learned to tell people apart.
        settings: the recipe's own settings, as they were.
    """

    recipe: str = ""
    data: tuple[str, ...] = ()
    origin: str = ""
    licence: str = ""
    learned_people: bool = True
    settings: dict[str, JsonValue] = Field(default_factory=dict)


class ExportedFrom(Settings):
    """The checkpoint that a graph was exported from, with parity: both make the same model's vectors.

    Attributes:
        model_id: of that checkpoint; the export's vectors belong to it.
        own_id: what the export's id would be by itself. Where it is not (somebody changed the files or
            the preprocessing) the export is a model of its own.
    """

    model_id: Sha256
    own_id: Sha256


class Result(Settings):
    """Numbers measured under one protocol."""

    protocol: str
    metrics: dict[str, float]


class ModelManifest(Settings):
    """Everything ``model.json`` says; unknown keys are errors.

    Attributes:
        format: version of this layout.
        name: for people.
        kind: ``dual-stream`` for a network of this repository, ``external`` for any ONNX or OpenVINO
            network that turns one image into one vector.
        weights: path of the weights relative to ``model.json``; an external model may have one file a
            modality.
        preprocess: how a crop becomes the network's input.
        embedding: numbers in a vector.
        architecture: of a dual-stream model.
        output: name of the output to read, for a network with several.
        modality_handling: ``stems`` (a stem a modality), ``graphs`` (a file a modality) or ``grey``
            (one network; infrared crops enter as grey RGB). Follows from the rest; may be left out.
        digest: SHA-256 of the weights files by path; needed for dual-stream, checked where given.
        exported_from: the checkpoint that an external model was exported from.
        label_map: the classifier's identities, in order.
        training: where it comes from.
        results: what was measured.
        calibration: score -> probability, a kind of pair each.
    """

    format: Literal[1]
    name: str = Field(min_length=1)
    kind: Literal["dual-stream", "external"]
    weights: str | ModalityWeights
    preprocess: Preprocess
    embedding: int = Field(ge=1)
    architecture: Architecture | None = None
    output: str | None = None
    modality_handling: Handling | None = None
    digest: dict[str, Sha256] = Field(default_factory=dict)
    exported_from: ExportedFrom | None = None
    label_map: tuple[str, ...] = ()
    training: Training = Training()
    results: tuple[Result, ...] = ()
    calibration: dict[PairKind, PlainCalibration] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _agree(self) -> "ModelManifest":
        if self.kind == "dual-stream":
            if self.architecture is None:
                raise ValueError("a dual-stream model needs its architecture")
            if not isinstance(self.weights, str):
                raise ValueError("a dual-stream model has one weights file, with a stem per modality")
            if self.output is not None or self.exported_from is not None:
                raise ValueError("only an external model has 'output' or 'exported_from'")
            if self.label_map and len(self.label_map) != self.architecture.classes:
                raise ValueError("label_map and architecture.classes must be equally long")
        elif self.architecture is not None:
            raise ValueError("an external model has no architecture: its graph is in its file")
        if self.modality_handling not in (None, self.handling):
            raise ValueError(
                f"modality_handling is {self.modality_handling!r}, but this kind of model and weights "
                f"make it {self.handling!r}"
            )
        return self

    @property
    def handling(self) -> Handling:
        """How the modalities are told apart, as it follows from the kind and the weights."""
        if self.kind == "dual-stream":
            return "stems"
        return "grey" if isinstance(self.weights, str) else "graphs"

    @property
    def weights_by_modality(self) -> dict[Modality, str]:
        """The relative path of each modality's weights; one network stands under both."""
        if isinstance(self.weights, str):
            return dict.fromkeys(Modality, self.weights)
        return {Modality.VISIBLE: self.weights.visible, Modality.INFRARED: self.weights.infrared}


def locate_manifest(path: Path) -> Path:
    """The ``model.json`` that a checkpoint's path means.

    Args:
        path: a folder, a manifest of any name, or a weights file with a ``model.json`` beside it that
            speaks of it.

    Raises:
        ModelError: there is none.
    """
    if path.is_dir():
        manifest = path / MANIFEST_NAME
        if manifest.is_file():
            return manifest
        raise ModelError(f"The folder {path} holds no {MANIFEST_NAME}.", _HINT)
    if not path.exists():
        raise ModelError(f"The checkpoint {path} does not exist.")
    if path.suffix.lower() == ".json":
        return path
    beside = path.parent / MANIFEST_NAME
    if not beside.is_file():
        raise ModelError(f"{path} is a bare weights file: there is no {MANIFEST_NAME} beside it.", _HINT)
    names = read_manifest(beside).weights_by_modality.values()
    if path.resolve() not in {(path.parent / name).resolve() for name in names}:
        raise ModelError(f"{beside} does not speak of {path.name}.", _HINT)
    return beside


_HINT = (
    'A model.json says how its input is made, e.g. {"format": 1, "name": "mine", "kind": "external", '
    '"weights": "mine.onnx", "embedding": 512, "preprocess": {"height": 256, "width": 128}}: '
    "see docs/models.md."
)


def read_manifest(path: Path) -> ModelManifest:
    """Read and check a manifest; no weights are opened.

    Args:
        path: a folder with ``model.json``, a manifest file, or a weights file beside its ``model.json``.

    Raises:
        ModelError: missing, not JSON, an unknown key (the nearest valid one is named) or a wrong value.
    """
    file = locate_manifest(path)
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ModelError(f"The manifest {file} cannot be read: {error}.") from None
    except json.JSONDecodeError as error:
        raise ModelError(f"The manifest {file} is not valid JSON (line {error.lineno}).") from None
    if not isinstance(values, dict):
        raise ModelError(f"The manifest {file} must hold keys and values.", _HINT)
    found = values.get("format")
    if isinstance(found, int) and found > FORMAT:
        raise ModelError(
            f"The manifest {file} is of format {found}; this version reads up to {FORMAT}.",
            "Install a newer nightreid.",
        )
    try:
        return ModelManifest.model_validate(values)
    except ValidationError as error:
        raise _readable(error, file) from None


def manifest_json(manifest: ModelManifest) -> str:
    """The manifest as it is written to disk."""
    values = manifest.model_copy(update={"modality_handling": manifest.handling})
    return json.dumps(values.model_dump(mode="json"), indent=2, ensure_ascii=False) + "\n"


def model_id(manifest: ModelManifest, weights: Mapping[Modality, tuple[str, ...]]) -> str:
    """What a vector belongs to: digest over the weights and all that changes a vector.

    Name, paths, results, training and calibration do not take part.

    Args:
        manifest: of the model.
        weights: SHA-256 of each modality's weights files.

    Returns:
        64 hexadecimal digits.
    """
    said = {
        "format": FORMAT,
        "kind": manifest.kind,
        "architecture": manifest.architecture and manifest.architecture.model_dump(mode="json"),
        "preprocess": manifest.preprocess.model_dump(mode="json"),
        "embedding": manifest.embedding,
        "output": manifest.output,
        "handling": manifest.handling,
        "weights": {modality.value: list(weights[modality]) for modality in Modality},
    }
    own_id = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    origin = manifest.exported_from
    return origin.model_id if origin is not None and origin.own_id == own_id else own_id


def _readable(error: ValidationError, file: Path) -> ModelError:
    """One sentence for the first thing wrong, with the nearest valid name for an unknown key."""
    first = min(error.errors(), key=lambda each: each["type"] != "extra_forbidden")
    location = [str(part) for part in first["loc"]]
    key = ".".join(location)
    if first["type"] == "extra_forbidden":
        near = difflib.get_close_matches(location[-1], _names_at(location[:-1]), n=1, cutoff=0.0)
        hint = f"Did you mean {'.'.join([*location[:-1], near[0]])!r}?" if near else ""
        return ModelError(f"Unknown key {key!r} in {file}.", hint)
    if first["type"] == "missing":
        return ModelError(f"The key {key!r} is missing in {file}.", _HINT)
    message = first["msg"].removeprefix("Value error, ")
    return ModelError(f"{file}: {key + ': ' if key else ''}{message}.")


def _names_at(location: list[str]) -> list[str]:
    """The valid keys of the section at a location (union branches and indices are looked through)."""
    model: type[BaseModel] = ModelManifest
    for part in location:
        field = model.model_fields.get(part)
        if field is not None:
            model = next(iter(_models_in(field.annotation)), model)
    return list(model.model_fields)


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and not get_origin(annotation) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, tuple):
        return [model for branch in get_args(annotation) for model in _models_in(branch)]
    return []
