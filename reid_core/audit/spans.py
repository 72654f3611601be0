"""Numbers of rows as spans, so that an event can name a hundred thousand of them."""

from collections.abc import Iterable, Iterator, Sequence


def spans(numbers: Iterable[int]) -> list[list[int]]:
    """Numbers as ``[first, last]`` each, in order."""
    found: list[list[int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] == number - 1:
            found[-1][1] = number
        else:
            found.append([number, number])
    return found


def told(numbers: Iterable[int]) -> str:
    """Numbers for a sentence: ``3``, ``3 to 7``, ``3, 5 to 7``."""
    return ", ".join(str(first) if first == last else f"{first} to {last}" for first, last in spans(numbers))


def within(number: int, among: Sequence[Sequence[int]]) -> bool:
    """Whether a number is in one of some spans."""
    return any(first <= number <= last for first, last in among)


def covering(among: Sequence[Sequence[int]]) -> Iterator[range]:
    """The numbers of each span."""
    for first, last in among:
        yield range(first, last + 1)
