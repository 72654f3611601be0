"""Means of what a run measures, between two rows of its log."""

import time
from collections.abc import Mapping

import torch
from torch import Tensor


class Window:
    """Sums of values over some steps, kept where they were computed: a GPU is not waited for."""

    def __init__(self) -> None:
        self.count = 0
        self._sums: dict[str, Tensor] = {}
        self._begun = time.monotonic()

    def add(self, values: Mapping[str, Tensor]) -> None:
        """Add one step's values."""
        self.count += 1
        for name, value in values.items():
            self._sums[name] = (
                self._sums.get(name, torch.zeros((), device=value.device)) + value.detach().float()
            )

    def pause(self) -> None:
        """What was just done took time, but was no training."""
        if not self.count:
            self._begun = time.monotonic()

    def means(self, images: int) -> dict[str, float]:
        """The mean of each value, and images a second."""
        means = {name: float(total) / self.count for name, total in self._sums.items()}
        seconds = max(time.monotonic() - self._begun, 1e-9)
        return means | {"images_per_second": images * self.count / seconds}
