"""Whether a gallery's crops are encrypted, and of which class each camera is: kept in it, for all alike."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlalchemy.orm import Session

from reid_core.gallery.schema import MetaRow
from reid_core.sealing import Purpose, key_ring

SEALING = "crop_encryption"
"""Key in the gallery's table of values."""

DEFAULT_CLASS = "default"
"""The class of cameras that are of no other."""


@dataclass(frozen=True, slots=True)
class Sealing:
    """How a gallery's crops are to lie.

    Attributes:
        on: whether what is written is encrypted.
        classes: of cameras, by id; the others are of the class ``default``.
    """

    on: bool = False
    classes: Mapping[str, str] = field(default_factory=dict)

    def class_of(self, camera: str) -> str:
        """The class of a camera."""
        return self.classes.get(camera, DEFAULT_CLASS)

    def key(self, camera: str) -> str | None:
        """The id of the key that what comes of a camera is encrypted with; ``None``: it is not.

        Raises:
            SealingKeyError: there is none of its class.
        """
        return key_ring().current(self.class_of(camera)) if self.on else None

    def sealed(self, content: bytes, camera: str, purpose: Purpose) -> bytes:
        """Bytes of a camera as they are to be stored.

        Raises:
            SealingKeyError: they are to be encrypted, and there is no key of the class.
        """
        if not self.on or not content:
            return content
        return key_ring().seal(content, self.class_of(camera), purpose)


def parsed_sealing(value: str | None) -> Sealing:
    """What the gallery's table of values says; off where it says nothing."""
    if value is None:
        return Sealing()
    said = json.loads(value)
    return Sealing(bool(said["on"]), dict(said["classes"]))


def sealing_of(session: Session) -> Sealing:
    """How the crops of a gallery are to lie."""
    row = session.get(MetaRow, SEALING)
    return parsed_sealing(row.value if row is not None else None)


def keep_sealing(session: Session, sealing: Sealing) -> None:
    """Keep that in the gallery, in a writing transaction."""
    value = json.dumps({"on": sealing.on, "classes": dict(sealing.classes)}, sort_keys=True)
    session.merge(MetaRow(key=SEALING, value=value))
    session.flush()


def with_class(sealing: Sealing, camera: str, name: str) -> Sealing:
    """The same with a camera of another class."""
    others = {one: its for one, its in sealing.classes.items() if one != camera}
    return replace(sealing, classes=others if name == DEFAULT_CLASS else others | {camera: name})
