"""What a retrieval number depends on, written down: a protocol's id says everything, a preset names one.

The definitions are those of the data sets' own evaluation code and of the AGW lineage of codes, which most
published numbers come from (Wu et al., ICCV 2017; Ye et al., TPAMI 2021; Nguyen et al., Sensors 2017; Zhang
and Wang, CVPR 2023).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from enum import StrEnum

from reid_core.errors import UsageError
from training.evaluation.ranks import SYSU_EXCLUSION, Exclusion


class Search(StrEnum):
    """Which visible cameras the gallery is drawn from."""

    ALL = "all"
    INDOOR = "indoor"


class Direction(StrEnum):
    """Whose images ask, and whose are searched.

    ``VIS2VIS`` is leave one out: every visible image asks all others. ``SWAPPED`` is what a widely used
    released evaluation does under the name of visible to infrared: the drawn infrared gallery asks all
    visible images. Its figures are not those of ``VIS2IR``.
    """

    IR2VIS = "ir2vis"
    VIS2IR = "vis2ir"
    VIS2VIS = "vis2vis"
    SWAPPED = "vis2ir-swapped"


class Sampler(StrEnum):
    """How a trial's gallery is drawn.

    ``A``: Python's generator seeded with the trial draws from the sorted file names (AGW and all that
    descend from it). ``B``: the official permutations of SYSU-MM01's authors, from their file. ``NONE``:
    every image. ``VALIDATION``: as a training looks at its validation identities, by its own seed
    (`training.validating.single_shot_rows`): one visible image of each person and camera, asked for by up to
    four infrared ones. Only a training draws so.
    """

    A = "A"
    B = "B"
    NONE = "none"
    VALIDATION = "validation"


class Hidden(StrEnum):
    """What of the gallery a query does not see."""

    NOTHING = "none"
    SAME_PLACE = "same-place"
    OWN_CAMERA = "own-camera"


class Counting(StrEnum):
    """Among what the ranks of CMC count."""

    IDENTITIES = "identities"
    IMAGES = "images"


@dataclass(frozen=True, slots=True)
class ProtocolSpec:
    """Everything that a figure depends on besides the model and the data set's images.

    Attributes:
        data: ``sysu``, ``regdb``, ``llcm``, ``market``, ``synthetic``, ``own`` or the name of another layout
            that has protocols of its own.
        search: which visible cameras.
        shots: gallery images of each person and camera; ``None`` for all of them.
        sampler: how they are drawn.
        trials: galleries drawn, over which figures are averaged. RegDB's are its ten halvings, with a model
            each; nothing is drawn.
        direction: who asks.
        queries: kind of infrared images: ``all``, ``near``, ``thermal``, or ``unknown`` for those of which
            nothing tells.
        hidden: what a query does not see.
        counting: of CMC.
        text: of the query: ``none``; ``image``, its own caption; ``identity-random(SEED)``, a drawn caption
            of a visible image of the right person; ``identity-fixed``, the right person's one caption. Both
            identity kinds are an oracle: they know who is asked for.
        flip: whether vectors are of images together with their mirror images.
        reranking: ``none``, or a method with its parameters.
        feature: which vector of the network.
        standardised: ``none``, or how the vectors of each camera are standardised by all that it shows in the
            split, see `reid_core.standardising.parse_form`.
        split: whose identities, where the protocol itself says so: ``validation``, those that a training
            keeps from learning. ``None`` for those that are evaluated, mostly the test identities.
    """

    data: str
    search: Search = Search.ALL
    shots: int | None = 1
    sampler: Sampler = Sampler.A
    trials: int = 10
    direction: Direction = Direction.IR2VIS
    queries: str = "all"
    hidden: Hidden = Hidden.SAME_PLACE
    counting: Counting = Counting.IDENTITIES
    text: str = "none"
    flip: bool = False
    reranking: str = "none"
    feature: str = "bn"
    standardised: str = "none"
    split: str | None = None

    @property
    def id(self) -> str:
        """One line that two results must share to be compared; `parse_protocol` reads it back."""
        drawn = "gallery-all" if self.shots is None else f"{self.shots}-shot"
        # Added later: left out where it is as usual, so that ids of before are the same.
        how = () if self.standardised == "none" else (f"standardised-{self.standardised}",)
        whose = () if self.split is None else (f"split-{self.split}",)
        return "/".join(
            (
                self.data,
                self.search,
                drawn,
                f"sampler-{self.sampler}",
                f"{self.trials}-trials",
                self.direction,
                f"queries-{self.queries}",
                f"hidden-{self.hidden}",
                f"cmc-{self.counting}",
                f"text-{self.text}",
                "flip" if self.flip else "no-flip",
                f"rerank-{self.reranking}",
                f"feature-{self.feature}",
                *how,
                *whose,
            )
        )

    @property
    def oracle(self) -> bool:
        """Whether the query's text was chosen by knowing who it is."""
        return self.text.startswith("identity-")

    def exclusion(self, same_place: Mapping[int, int] | None = None) -> Exclusion:
        """What it hides, as the metrics take it.

        Args:
            same_place: infrared camera -> visible camera of one place, as a data set of somebody's own says
                it; in a published protocol it is SYSU-MM01's rule that counts. ``None`` where nobody says it.
        """
        if self.hidden is Hidden.SAME_PLACE:
            if self.data in _PUBLISHED:
                return Exclusion(SYSU_EXCLUSION)
            if same_place is None:
                same_place = SYSU_EXCLUSION if self.data == "synthetic" else {}
            return Exclusion(same_place, of_gallery=self.direction is Direction.VIS2IR)
        return Exclusion(own_camera=self.hidden is Hidden.OWN_CAMERA)


_PUBLISHED = ("sysu", "regdb", "llcm")

_REGDB = ProtocolSpec(
    "regdb",
    shots=None,
    sampler=Sampler.NONE,
    hidden=Hidden.NOTHING,
    counting=Counting.IMAGES,
)
_LLCM = ProtocolSpec("llcm", hidden=Hidden.OWN_CAMERA)


def _of_sysu(data: str, samplers: tuple[Sampler, ...]) -> dict[str, ProtocolSpec]:
    return {
        f"{data}-{search}-{'single' if shots == 1 else 'multi'}-{sampler}": ProtocolSpec(
            data, search=search, shots=shots, sampler=sampler
        )
        for search in Search
        for shots in (1, 10)
        for sampler in samplers
    }


PRESETS: Mapping[str, ProtocolSpec] = {
    **_of_sysu("sysu", (Sampler.A, Sampler.B)),
    "regdb-v2t": replace(_REGDB, direction=Direction.VIS2IR),
    "regdb-t2v": _REGDB,
    "llcm-ir2vis": _LLCM,
    "llcm-vis2ir": replace(_LLCM, direction=Direction.VIS2IR),
    "llcm-vis2ir-swapped": replace(_LLCM, direction=Direction.SWAPPED),
    "llcm-ir2vis-tvilfm-backbone": replace(_LLCM, hidden=Hidden.SAME_PLACE),
    **_of_sysu("synthetic", (Sampler.A,)),
    "synthetic-all-single-A-near": ProtocolSpec("synthetic", queries="near"),
    "synthetic-all-single-A-thermal": ProtocolSpec("synthetic", queries="thermal"),
    "market-leave-one-out": ProtocolSpec(
        "market",
        shots=None,
        sampler=Sampler.NONE,
        trials=1,
        direction=Direction.VIS2VIS,
        hidden=Hidden.OWN_CAMERA,
        counting=Counting.IMAGES,
    ),
    "own-ir2vis": ProtocolSpec("own"),
    "own-vis2ir": ProtocolSpec("own", direction=Direction.VIS2IR),
}
"""Protocols by name. ``llcm-ir2vis-tvilfm-backbone`` hides by SYSU-MM01's rule, as TVI-LFM's released code
does for its infrared-only row on LLCM."""

_ID = re.compile(
    r"(?P<data>[\w-]+)/(?P<search>[a-z]+)/(?:gallery-(?P<all>all)|(?P<shots>\d+)-shot)/"
    r"sampler-(?P<sampler>\w+)/(?P<trials>\d+)-trials/(?P<direction>[a-z0-9-]+)/queries-(?P<queries>[a-z]+)/"
    r"hidden-(?P<hidden>[a-z-]+)/cmc-(?P<counting>[a-z]+)/text-(?P<text>[^/]+)/(?P<flip>flip|no-flip)/"
    r"rerank-(?P<reranking>[^/]+)/feature-(?P<feature>[^/]+)"
    r"(?:/standardised-(?P<standardised>[^/]+))?(?:/split-(?P<split>[a-z]+))?"
)
_TEXT = re.compile(r"none|image|identity-random\(\d+\)|identity-fixed")


def validation_protocol(data: str, kind: str, *, same_place: bool, flip: bool) -> ProtocolSpec:
    """What a training measures on its validation identities.

    Args:
        data: what protocols call the data set.
        kind: of the infrared queries: ``near``, ``thermal`` or ``unknown``.
        same_place: whether the data set says which cameras see the same place.
        flip: whether vectors are of images together with their mirror images.
    """
    return ProtocolSpec(
        data,
        sampler=Sampler.VALIDATION,
        trials=1,
        queries=kind,
        hidden=Hidden.SAME_PLACE if same_place else Hidden.NOTHING,
        flip=flip,
        split="validation",
    )


_CHANGED = ("trials", "flip", "text", "reranking", "feature", "standardised")


def presets_of(data: str) -> dict[str, ProtocolSpec]:
    """Those that apply to a kind of data set."""
    return {name: spec for name, spec in PRESETS.items() if spec.data == data}


def short_name(protocol: str) -> str:
    """The preset that an id comes from and what was changed, as `parse_protocol` reads it; else the id."""
    try:
        spec = parse_protocol(protocol)
    except UsageError:
        return protocol
    for name, preset in PRESETS.items():
        same = {key: getattr(preset, key) for key in _CHANGED}
        if replace(spec, **same) != preset:
            continue
        changes = [
            text
            for key, text in (
                ("trials", f"trials={spec.trials}"),
                ("flip", "flip"),
                ("text", f"text={spec.text}"),
                ("reranking", f"rerank={spec.reranking}"),
                ("feature", f"feature={spec.feature}"),
                ("standardised", f"standardised={spec.standardised}"),
            )
            if getattr(spec, key) != same[key]
        ]
        return "+".join([name, *changes])
    return protocol


def parse_protocol(text: str) -> ProtocolSpec:
    """A preset by its name, or any protocol by its id; ``+flip``, ``+text=...`` and the like change a preset.

    Args:
        text: such as ``sysu-all-single-A`` or ``sysu-indoor-single-A+text=identity-random(1)+flip``.

    Raises:
        UsageError: there is none of that name, or an id or a change makes no sense.
    """
    match = _ID.fullmatch(text)
    if match is not None:
        return _from_id(match, text)
    name, *changes = (part.strip() for part in text.split("+"))
    if name not in PRESETS:
        raise UsageError(
            f"There is no protocol {name!r}.", f"Choose one of: {', '.join(PRESETS)}; or give a whole id."
        )
    spec = PRESETS[name]
    for change in changes:
        key, _, value = change.partition("=")
        if key == "flip" and not value:
            spec = replace(spec, flip=True)
        elif key == "text" and _TEXT.fullmatch(value):
            spec = replace(spec, text=value)
        elif key == "rerank" and value:
            spec = replace(spec, reranking=value)
        elif key == "feature" and value:
            spec = replace(spec, feature=value)
        elif key == "standardised" and value:
            spec = replace(spec, standardised=value)
        elif key == "trials" and value.isdigit() and int(value):
            spec = replace(spec, trials=int(value))
        else:
            raise UsageError(
                f"The protocol {text!r} has a change that is none: {change!r}.",
                "Possible are flip, trials=N, rerank=METHOD, feature=NAME, standardised=FORM and text=none, "
                "image, identity-random(SEED) or identity-fixed.",
            )
    return spec


def _from_id(match: re.Match[str], text: str) -> ProtocolSpec:
    try:
        spec = ProtocolSpec(
            data=match["data"],
            search=Search(match["search"]),
            shots=None if match["all"] else int(match["shots"]),
            sampler=Sampler(match["sampler"]),
            trials=int(match["trials"]),
            direction=Direction(match["direction"]),
            queries=match["queries"],
            hidden=Hidden(match["hidden"]),
            counting=Counting(match["counting"]),
            text=match["text"],
            flip=match["flip"] == "flip",
            reranking=match["reranking"],
            feature=match["feature"],
            standardised=match["standardised"] or "none",
            split=match["split"],
        )
    except ValueError as error:
        raise UsageError(f"The protocol id {text!r} makes no sense: {error}.") from None
    if not _TEXT.fullmatch(spec.text):
        raise UsageError(f"The protocol id {text!r} names no text source that there is.")
    if (spec.split, spec.sampler is Sampler.VALIDATION) not in ((None, False), ("validation", True)):
        raise UsageError(
            f"The protocol id {text!r} makes no sense: split-validation and sampler-validation go together."
        )
    return spec
