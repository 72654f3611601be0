"""The learning rate over a run: pure functions of the step."""

import math

from training.recipe import ScheduleSettings


def total_steps(settings: ScheduleSettings, steps_per_epoch: int) -> int:
    """Steps of a whole run."""
    return settings.length * (steps_per_epoch if settings.unit == "epochs" else 1)


def learning_rate_factor(settings: ScheduleSettings, step: int, steps_per_epoch: int) -> float:
    """What the learning rate is multiplied with in a step, counted from 0.

    With ``t`` the step or epoch, counted from 0: ``(t + 1) / warmup`` while ``t < warmup``; then either
    ``final + (1 - final) (1 + cos(pi (t - warmup) / (length - warmup))) / 2``, or ``factor`` to the power of
    the milestones that ``t`` has reached. CAJ's schedule is ``steps`` over 100 epochs with a warm-up of 10
    and milestones 20 and 50.
    """
    time = step // steps_per_epoch if settings.unit == "epochs" else step
    if time < settings.warmup:
        return (time + 1) / settings.warmup
    if settings.kind == "steps":
        return settings.factor ** sum(time >= milestone for milestone in settings.milestones)
    share = (time - settings.warmup) / max(1, settings.length - settings.warmup)
    return settings.final + (1 - settings.final) * (1 + math.cos(math.pi * share)) / 2
