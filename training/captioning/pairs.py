"""Images and what may be said of them, for captioners that write."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from reid_core.errors import SourceError
from reid_core.types import Modality
from reid_core.words.finishing import finished_caption
from training.datasets.records import ImageRecord, ReidDataset
from training.needs import CaptionSettings, read_texts


@dataclass(frozen=True, slots=True)
class Pair:
    """An image and its captions, of which one is drawn each time.

    Attributes:
        record: of the image.
        texts: one or more.
    """

    record: ImageRecord
    texts: tuple[str, ...]


def pairs_of(
    dataset: ReidDataset,
    records: Sequence[ImageRecord],
    modality: Modality,
    files: Sequence[Path],
    rephrased: bool,
) -> list[Pair]:
    """What a captioner of a modality learns from.

    A visible image goes with its own captions. An infrared one goes with those of all visible images of the
    same person, without colours: nobody ever described it. What captions never mention goes from both.

    Args:
        dataset: of the images.
        records: of a split, of both modalities.
        modality: of the captioner.
        files: captions of visible images.
        rephrased: their other wordings too.

    Raises:
        SourceError: a caption file is missing or damaged, a visible image has no caption, or nothing is left
            to learn from.
    """
    settings = CaptionSettings(files=tuple(files), rephrased=rephrased)
    visible = [record for record in records if record.modality is Modality.VISIBLE]
    said = read_texts(settings, dataset, visible, Modality.VISIBLE).candidates
    if modality is Modality.VISIBLE:
        wanted = list(zip(visible, said, strict=True))
    else:
        people: dict[int, dict[str, None]] = {}
        for record, texts in zip(visible, said, strict=True):
            people.setdefault(record.identity, {}).update(dict.fromkeys(texts))
        dark = [record for record in records if record.modality is modality]
        wanted = [(record, tuple(people.get(record.identity, ()))) for record in dark]
    found = [Pair(record, _finished(texts, modality)) for record, texts in wanted]
    found = [pair for pair in found if pair.texts]
    if not found:
        raise SourceError(
            f"{dataset.root} has no {modality} image with a caption to learn from.",
            "An infrared image needs a captioned visible one of the same person.",
        )
    return found


def _finished(texts: Sequence[str], modality: Modality) -> tuple[str, ...]:
    made = (finished_caption(text, modality) for text in texts)
    return tuple(dict.fromkeys(text for text in made if text))
