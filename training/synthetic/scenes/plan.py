"""What a data set of the synthetic world is made of: everything that its bytes depend on."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from reid_core.errors import UsageError
from reid_core.types import Spectrum
from training.seeding import generator

FORMAT = 1
SITE = 40
VISIBLE_CAMERAS = (1, 2, 4, 5)
Split = Literal["train", "val", "test"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the bytes of a data set depend on.

    Attributes:
        ids: number of identities.
        seed: of the world.
        images: images of an identity and camera.
        infrared: spectra of cameras 3 and 6.
        val, test: shares of the identities.
        mistakes: share of captions with a captioner's mistake.
    """

    ids: int
    seed: int
    images: int = 3
    infrared: tuple[Spectrum, Spectrum] = (Spectrum.NEAR, Spectrum.THERMAL)
    val: float = 0.1
    test: float = 0.2
    mistakes: float = 0.1

    def __post_init__(self) -> None:
        if self.ids < 1 or self.images < 1 or self.seed < 0:
            raise UsageError("A data set needs at least one identity and image, and a seed of 0 or more.")
        if not (self.val >= 0 and self.test >= 0 and self.val + self.test <= 1):
            raise UsageError(
                f"Shares of {self.val} for validation and {self.test} for test do not fit in one data set."
            )

    @property
    def spectra(self) -> dict[int, Spectrum]:
        """Of every camera."""
        first, second = self.infrared
        return dict.fromkeys(VISIBLE_CAMERAS, Spectrum.VISIBLE) | {3: first, 6: second}

    @property
    def total(self) -> int:
        """Images in all."""
        return self.ids * self.images * len(self.spectra)

    def splits(self) -> dict[Split, list[int]]:
        """Identities of each split, drawn by the seed, in order."""
        order = [int(one) + 1 for one in generator(self.seed, "splits").permutation(self.ids)]
        test = round(self.ids * self.test)
        val = round(self.ids * self.val)
        return {
            "train": sorted(order[test + val :]),
            "val": sorted(order[test : test + val]),
            "test": sorted(order[:test]),
        }

    def as_json(self) -> dict[str, Any]:
        """For the manifest."""
        return {**asdict(self), "infrared": [str(one) for one in self.infrared]}
