"""What a data set of the synthetic world is made of: everything that its bytes depend on."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

from reid_core.errors import UsageError
from reid_core.types import Spectrum
from training.seeding import generator

FORMAT = 1
SITE = 40
_LATER = {"visits": 1, "site": SITE, "varied": False}
VISIBLE_CAMERAS = (1, 2, 4, 5)
Split = Literal["train", "val", "test"]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything the bytes of a data set depend on.

    Attributes:
        ids: number of identities.
        seed: of the world.
        images: images of an identity and camera, over all visits.
        infrared: spectra of cameras 3 and 6.
        val, test: shares of the identities.
        mistakes: share of captions with a captioner's mistake.
        visits: sites that everybody passes, each with cameras, places, light and company of its own; the
            images of a camera are shared out evenly among them.
        site: people who pass the same site.
        varied: cameras and light of every kind (`training.synthetic.places.variety`), not only usual ones.
    """

    ids: int
    seed: int
    images: int = 3
    infrared: tuple[Spectrum, Spectrum] = (Spectrum.NEAR, Spectrum.THERMAL)
    val: float = 0.1
    test: float = 0.2
    mistakes: float = 0.1
    visits: int = 1
    site: int = SITE
    varied: bool = False

    def __post_init__(self) -> None:
        if self.ids < 1 or self.images < 1 or self.seed < 0:
            raise UsageError("A data set needs at least one identity and image, and a seed of 0 or more.")
        if self.visits < 1 or self.site < 1 or self.images % self.visits:
            raise UsageError(
                f"{self.images} images of a person and camera cannot be shared out evenly among "
                f"{self.visits} visits to sites of {self.site} people.",
                "Use --images that is a multiple of --visits, and a --site of at least 1.",
            )
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

    def sites(self) -> list["Passing"]:
        """Who passes which site, split by split and visit by visit."""
        found = []
        for split, identities in self.splits().items():
            number = 0
            for visit in range(self.visits):
                order = identities
                if visit:
                    mixed = generator(self.seed, "visit", split, visit).permutation(identities)
                    order = [int(one) for one in mixed]
                for start in range(0, len(order), self.site):
                    found.append(Passing(split, number, visit, tuple(order[start : start + self.site])))
                    number += 1
        return found

    def indices(self, visit: int) -> range:
        """Numbers of the images that are taken of a person by each camera at a visit."""
        each = self.images // self.visits
        return range(1 + visit * each, 1 + (visit + 1) * each)

    def as_json(self) -> dict[str, Any]:
        """For the manifest; what came later stands there where it was asked for."""
        values = {**asdict(self), "infrared": [str(one) for one in self.infrared]}
        return {name: value for name, value in values.items() if name not in _LATER or value != _LATER[name]}


@dataclass(frozen=True, slots=True)
class Passing:
    """Some people at one site.

    Attributes:
        split: of all of them.
        number: of the site in its split.
        visit: which of everybody's sites it is, from 0.
        identities: who.
    """

    split: Split
    number: int
    visit: int
    identities: tuple[int, ...]
