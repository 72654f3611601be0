"""Methods of re-ranking with their parameters, as protocol ids name them."""

import re
from dataclasses import dataclass
from typing import TypeAlias

from reid_core.errors import UsageError

_CALL = re.compile(r"([a-z-]+)\(([^()]*)\)")
_WHOLE = re.compile(r"[0-9]+")
_SHARE = re.compile(r"[0-9]*\.?[0-9]+(e-[0-9]+)?")


@dataclass(frozen=True, slots=True)
class NoReranking:
    """Ranked by the vectors alone."""

    @property
    def id(self) -> str:
        """The method as it stands in a protocol id."""
        return "none"


@dataclass(frozen=True, slots=True)
class KReciprocal:
    """k-reciprocal encoding, see `reid_core.ranking.k_reciprocal`.

    Attributes:
        k1: nearest others among which both must be, at least 1.
        k2: nearest, itself included, over which encodings are averaged, at least 1.
        weight: of the original distance, 0..1.

    Raises:
        UsageError: a parameter is out of its range.
    """

    k1: int = 20
    k2: int = 6
    weight: float = 0.3

    def __post_init__(self) -> None:
        _check_count("k1", self.k1)
        _check_count("k2", self.k2)
        _check_share("weight", self.weight)

    @property
    def id(self) -> str:
        """The method as it stands in a protocol id."""
        return f"k-reciprocal({self.k1},{self.k2},{_plain(self.weight)})"


@dataclass(frozen=True, slots=True)
class LocalGlobalJoint:
    """Local-global joint measure, see `reid_core.ranking.local_global_joint`.

    Attributes:
        k: nearest others by the local vectors among which both must be, at least 1.
        weight: of the local part, 0..1.
        jaccard: share of the Jaccard distance in the local part, 0..1.

    Raises:
        UsageError: a parameter is out of its range.
    """

    k: int = 10
    weight: float = 0.2
    jaccard: float = 0.3

    def __post_init__(self) -> None:
        _check_count("k", self.k)
        _check_share("weight", self.weight)
        _check_share("jaccard", self.jaccard)

    @property
    def id(self) -> str:
        """The method as it stands in a protocol id."""
        return f"ljm({self.k},{_plain(self.weight)},{_plain(self.jaccard)})"


Reranking: TypeAlias = NoReranking | KReciprocal | LocalGlobalJoint


def parse_reranking(text: str) -> Reranking:
    """The method that ``none``, ``k-reciprocal(K1,K2,WEIGHT)`` or ``ljm(K,WEIGHT,JACCARD)`` names.

    Its `id` is the one way to write it: ``ljm(10, .20, .3)`` is read too and becomes ``ljm(10,0.2,0.3)``.

    Raises:
        UsageError: the text names no method, a parameter is missing, surplus, no number or out of its range.
    """
    if text == "none":
        return NoReranking()
    call = _CALL.fullmatch(text)
    name, values = (call[1], [value.strip() for value in call[2].split(",")]) if call else (text, [])
    if name == "k-reciprocal" and _are(values, _WHOLE, _WHOLE, _SHARE):
        return KReciprocal(int(values[0]), int(values[1]), float(values[2]))
    if name == "ljm" and _are(values, _WHOLE, _SHARE, _SHARE):
        return LocalGlobalJoint(int(values[0]), float(values[1]), float(values[2]))
    raise UsageError(
        f"{text!r} is no method of re-ranking.",
        f"Write none, {KReciprocal().id} or {LocalGlobalJoint().id}, with your own numbers.",
    )


def _are(values: list[str], *kinds: re.Pattern[str]) -> bool:
    return len(values) == len(kinds) and all(k.fullmatch(v) for k, v in zip(kinds, values, strict=True))


def _check_count(name: str, value: int) -> None:
    if value < 1:
        raise UsageError(f"Re-ranking needs {name} to be at least 1, not {value}.")


def _check_share(name: str, value: float) -> None:
    # Written this way round, NaN is refused too.
    if not 0 <= value <= 1:
        raise UsageError(f"Re-ranking needs {name} to lie within 0 and 1, not at {value}.")


def _plain(value: float) -> str:
    return repr(float(value)).removesuffix(".0")
