"""The weighted sum of the losses that a recipe names."""

from collections.abc import Mapping

from torch import Tensor, nn

from reid_core.errors import UsageError
from training.losses import LOSSES
from training.losses.loss import Loss, LossContext, LossSettings


class Objective(nn.ModuleDict):
    """``sum_l weight_l loss_l``; a loss of weight 0 is not made.

    Args:
        settings: of each loss, by name; terms are added in this order.
        context: what the losses may need to be made.

    Raises:
        UsageError: there is no loss of such a name.
        SourceError: the data lack what a loss needs.
    """

    def __init__(self, settings: Mapping[str, LossSettings], context: LossContext) -> None:
        used = {name: each for name, each in settings.items() if each.weight}
        super().__init__({name: LOSSES.get(name).create(each, context) for name, each in used.items()})
        self._weights = {name: each.weight for name, each in used.items()}

    def terms(self, readings: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Each loss before its weight.

        Args:
            readings: what there is to read of the network's output and the batch, by name.

        Raises:
            UsageError: a loss reads what is not there.
        """
        return {name: _value(name, loss, readings) for name, loss in self.items()}

    def total(self, terms: Mapping[str, Tensor]) -> Tensor:
        """What is minimised: the sum of the terms, each times its weight."""
        first, *others = [self._weights[name] * term for name, term in terms.items()]
        for term in others:
            first = first + term
        return first


def _value(name: str, loss: nn.Module, readings: Mapping[str, Tensor]) -> Tensor:
    assert isinstance(loss, Loss)
    lacking = [each for each in loss.reads if each not in readings]
    if lacking:
        raise UsageError(
            f"The loss {name!r} reads {lacking[0]!r}, and this system offers: {', '.join(readings)}.",
            f"Set losses.{name}.weight=0.",
        )
    value: Tensor = loss(*(readings[each] for each in loss.reads))
    return value
