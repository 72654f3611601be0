"""``model.json``: what a checkpoint is, how its input is made and what its vectors are worth."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    BaseModel,
    Field,
    JsonValue,
    PlainSerializer,
    PlainValidator,
    SerializeAsAny,
    StringConstraints,
    ValidationInfo,
    field_validator,
    model_validator,
)

from reid_core.calibration import Calibration
from reid_core.config import Settings
from reid_core.errors import ModelError, UsageError
from reid_core.models.manifest_file import read_json
from reid_core.models.systems import EXTERNAL, SYSTEMS, Handling, System
from reid_core.preprocess import Preprocess
from reid_core.standardising import parse_form
from reid_core.types import EMBEDDING, Modality

MANIFEST_NAME = "model.json"
FORMAT: Literal[1] = 1

Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
PairKind = Literal["visible-visible", "infrared-visible"]
LocalShapes = dict[str, tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]]]


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


class StandardisedScores(Settings):
    """What scores say where vectors are standardised by their cameras.

    Attributes:
        form: how, as `reid_core.standardising.parse_form` reads it.
        calibration: score -> probability, a kind of pair each.
    """

    form: str
    calibration: dict[PairKind, PlainCalibration] = Field(default_factory=dict)

    @field_validator("form")
    @classmethod
    def _is_one(cls, form: str) -> str:
        try:
            parse_form(form)
        except UsageError as error:
            raise ValueError(error.message.rstrip(".")) from None
        return form


class ModelManifest(Settings):
    """Everything ``model.json`` says; unknown keys are errors.

    Attributes:
        format: version of this layout.
        name: for people.
        kind: the name of the system that builds the network (see `SYSTEMS`), or ``external`` for any ONNX
            or OpenVINO network that turns one image into one vector.
        weights: path of the weights relative to ``model.json``; an external model may have one file a
            modality.
        preprocess: how a crop becomes the network's input.
        embedding: numbers in a vector.
        architecture: of a system's network, in that system's own settings.
        output: name of the output that holds the vector, for an external network with several.
        local_features: further outputs of an external network: names, and shapes ``(P, d)``. A system's
            own follow from its architecture.
        modality_handling: ``stems`` (a stem a modality), ``graphs`` (a file a modality), ``grey`` (one
            network; infrared crops enter as grey RGB) or ``shared`` (one network, trained on both). Follows
            from the rest; may be left out.
        digest: SHA-256 of the weights files by path; needed but for external models, checked where given.
        exported_from: the checkpoint that an external model was exported from.
        label_map: the classifier's identities, in order.
        training: where it comes from.
        results: what was measured.
        calibration: score -> probability, a kind of pair each.
        standardised: the same where vectors are standardised by their cameras, if that was measured.
    """

    format: Literal[1]
    name: str = Field(min_length=1)
    kind: str
    weights: str | ModalityWeights
    preprocess: Preprocess
    embedding: int = Field(ge=1)
    architecture: SerializeAsAny[Settings] | None = None
    output: str | None = None
    local_features: LocalShapes = Field(default_factory=dict)
    modality_handling: Handling | None = None
    digest: dict[str, Sha256] = Field(default_factory=dict)
    exported_from: ExportedFrom | None = None
    label_map: tuple[str, ...] = ()
    training: Training = Training()
    results: tuple[Result, ...] = ()
    calibration: dict[PairKind, PlainCalibration] = Field(default_factory=dict)
    standardised: StandardisedScores | None = None

    @field_validator("kind")
    @classmethod
    def _known(cls, kind: str) -> str:
        if kind != EXTERNAL:
            try:
                SYSTEMS.get(kind)
            except UsageError as error:
                raise ValueError(str(error).rstrip(".")) from None
        return kind

    @field_validator("architecture", mode="before")
    @classmethod
    def _of_its_system(cls, values: Any, info: ValidationInfo) -> Any:
        if values is None:
            return None
        kind = info.data.get("kind", EXTERNAL)
        # That an external model has none is said below; that a kind is wrong, above.
        return Settings() if kind == EXTERNAL else SYSTEMS.get(kind).architecture.model_validate(values)

    @model_validator(mode="after")
    def _agree(self) -> "ModelManifest":
        if not self.external:
            if self.architecture is None:
                raise ValueError(f"a {self.kind} model needs its architecture")
            if not isinstance(self.weights, str):
                raise ValueError(f"a {self.kind} model has one weights file, for both modalities")
            if self.output is not None or self.exported_from is not None or self.local_features:
                raise ValueError("only an external model has 'output', 'local_features' or 'exported_from'")
            if self.label_map and len(self.label_map) != self.system.classes(self.architecture):
                raise ValueError("label_map and architecture.classes must be equally long")
        elif self.architecture is not None:
            raise ValueError("an external model has no architecture: its graph is in its file")
        elif EMBEDDING in self.local_features:
            raise ValueError(f"{EMBEDDING!r} is the vector's own name, and none of a local feature")
        if self.modality_handling not in (None, self.handling):
            raise ValueError(
                f"modality_handling is {self.modality_handling!r}, but this kind of model and weights "
                f"make it {self.handling!r}"
            )
        return self

    def calibrations(self, form: str | None = None) -> Mapping[PairKind, Calibration]:
        """Score -> probability, a kind of pair each; none where nobody measured them.

        Args:
            form: how the vectors are standardised (`reid_core.standardising.parse_form`); by default not at
                all.
        """
        if form is None:
            return self.calibration
        made = self.standardised
        return made.calibration if made is not None and parse_form(made.form) == parse_form(form) else {}

    @property
    def external(self) -> bool:
        """Whether its graph is in its file, and no system builds it."""
        return self.kind == EXTERNAL

    @property
    def system(self) -> System[Any]:
        """The system that builds it; an external model has none."""
        return SYSTEMS.get(self.kind)()

    @property
    def handling(self) -> Handling:
        """How the modalities are told apart, as it follows from the kind and the weights."""
        if not self.external:
            return self.system.handling
        return "grey" if isinstance(self.weights, str) else "graphs"

    @property
    def local_shapes(self) -> Mapping[str, tuple[int, int]]:
        """Names and shapes ``(P, d)`` of what it gives beside the vector."""
        if self.external:
            return self.local_features
        return self.system.local_features(self.architecture, self.embedding)

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
        raise ModelError(f"{beside} does not mention {path.name}.", _HINT)
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
    return read_json(ModelManifest, locate_manifest(path), FORMAT, _HINT, _sections)


def _sections(values: Mapping[str, Any]) -> Mapping[str, type[BaseModel]]:
    try:
        return {"architecture": SYSTEMS.get(str(values.get("kind"))).architecture}
    except UsageError:
        return {}


def manifest_json(manifest: ModelManifest) -> str:
    """The manifest as it is written to disk."""
    values = manifest.model_copy(update={"modality_handling": manifest.handling})
    later = {"local_features": manifest.local_features, "standardised": manifest.standardised}
    unsaid = {name for name, value in later.items() if not value}
    return json.dumps(values.model_dump(mode="json", exclude=unsaid), indent=2, ensure_ascii=False) + "\n"


def model_id(manifest: ModelManifest, weights: Mapping[Modality, tuple[str, ...]]) -> str:
    """What a vector belongs to: digest over the weights and all that changes a vector.

    Name, paths, results, training and calibrations do not take part.

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
    if manifest.local_features:
        said["local_features"] = manifest.local_features
    own_id = hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()
    origin = manifest.exported_from
    return origin.model_id if origin is not None and origin.own_id == own_id else own_id
