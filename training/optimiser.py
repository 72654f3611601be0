"""Which weights move how fast."""

import torch

from reid_core.models.dual_stream.network import DualStream
from training.recipe import OptimiserSettings


def create_optimiser(
    model: DualStream, settings: OptimiserSettings, objective: torch.nn.Module
) -> torch.optim.Optimizer:
    """AdamW or SGD; the neck, the reduction, the classifier and what losses learn have their own factor.

    Each group carries ``factor``, its share of the learning rate.
    """
    groups: dict[tuple[bool, bool], list[torch.nn.Parameter]] = {}
    for group in model.parameter_groups():
        for parameter in group.parameters:
            decayed = settings.decay_norms or parameter.ndim > 1
            groups.setdefault((group.name == "head", decayed), []).append(parameter)
    for parameter in objective.parameters():
        groups.setdefault((True, settings.decay_norms or parameter.ndim > 1), []).append(parameter)
    described = [
        {
            "params": parameters,
            "factor": settings.head_factor if head else 1.0,
            "weight_decay": settings.weight_decay if decayed else 0.0,
        }
        for (head, decayed), parameters in sorted(groups.items(), key=lambda each: each[0])
    ]
    if settings.kind == "sgd":
        return torch.optim.SGD(
            described, lr=settings.lr, momentum=settings.momentum, nesterov=settings.momentum > 0
        )
    return torch.optim.AdamW(described, lr=settings.lr)
