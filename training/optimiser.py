"""Which weights move how fast."""

import torch

from reid_core.errors import UsageError
from reid_core.models.network import Network
from training.recipe import HEAD, OptimiserSettings


def create_optimiser(
    network: Network, settings: OptimiserSettings, objective: torch.nn.Module
) -> torch.optim.Optimizer:
    """AdamW, Adam or SGD; each group of the network's parameters has its own factor.

    What the losses learn moves as the group ``head`` does, after what the network has in it. Each group of
    the optimiser carries ``factor``, its share of the learning rate.

    Raises:
        UsageError: the recipe gives a factor or a decay to a group that there is not.
    """
    groups = {group.name: list(group.parameters) for group in network.parameter_groups()}
    groups.setdefault(HEAD, []).extend(objective.parameters())
    for setting, named in (("factors", settings.factors), ("decays", settings.decays)):
        unknown = sorted(named.keys() - groups.keys())
        if unknown:
            raise UsageError(
                f"optimiser.{setting} names {unknown[0]!r}, which is no group of parameters of this network.",
                f"Choose one of: {', '.join(groups)}.",
            )
    described = []
    for name, parameters in groups.items():
        decay = settings.decays.get(name, settings.weight_decay)
        learned = [parameter for parameter in parameters if parameter.requires_grad]
        for decayed in (False, True):
            some = [one for one in learned if (settings.decay_norms or one.ndim > 1) is decayed]
            if some:
                described.append(
                    {
                        "params": some,
                        "factor": settings.factor(name),
                        "weight_decay": decay if decayed else 0.0,
                    }
                )
    if settings.kind == "sgd":
        return torch.optim.SGD(
            described, lr=settings.lr, momentum=settings.momentum, nesterov=settings.momentum > 0
        )
    adam = torch.optim.AdamW if settings.kind == "adamw" else torch.optim.Adam
    return adam(described, lr=settings.lr)
