"""The head of the captioner: learned from what captions answer, and told how certain it must be to speak."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from reid_core.models.attribute_captioner.captioner import GRID
from reid_core.models.attribute_captioner.groups import ALIKE, GENERIC
from reid_core.models.attribute_captioner.head import AttributeHead
from reid_core.models.attribute_captioner.saying import value_of
from reid_core.types import Floats, Modality
from training.captioning.examples import Learned, Values
from training.captioning.recipe import CaptionerRecipe

Told = Callable[[int, int, float], None]
_CERTAIN = np.arange(0.3, 0.96, 0.05)
NEVER = 1.1
"""Certainty that no probability reaches: of groups of which nothing is said rightly often enough."""
FEWEST_SAID = 10
"""Times that something must be said of validation people before its share of right ones counts."""


def learn(
    examples: Mapping[Modality, Learned],
    values: Values,
    recipe: CaptionerRecipe,
    told: Told,
    stopped: Callable[[], bool],
) -> AttributeHead:
    """Learn the head.

    A batch is of one modality. Of infrared images nothing is asked that has a colour.

    Args:
        examples: of each modality that there is.
        values: of the groups.
        recipe: how.
        told: how many of how many steps are done, and the loss.
        stopped: whether to end before it is finished.

    Raises:
        KeyboardInterrupt: it was stopped.
    """
    first = next(iter(examples.values()))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(recipe.seed)
        head = AttributeHead(
            first.maps.shape[2], first.vectors.shape[2], GRID, recipe.width, values, recipe.dropout
        )
        random = torch.Generator().manual_seed(recipe.seed)
        steps = recipe.epochs * sum(len(_batches(one, recipe.batch, random)) for one in examples.values())
        optimiser = torch.optim.AdamW(head.parameters(), recipe.lr, weight_decay=recipe.weight_decay)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, recipe.lr, total_steps=steps)
        head.train()
        done = 0
        for _ in range(recipe.epochs):
            for modality, rows in _mixed(examples, recipe.batch, random):
                if stopped():
                    raise KeyboardInterrupt
                loss = _loss(head, examples[modality], rows, modality, random)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(head.parameters(), 5.0)
                optimiser.step()
                schedule.step()
                done += 1
                told(done, steps, loss.item())
    return head.eval()


def _batches(examples: Learned, size: int, random: torch.Generator) -> list[Tensor]:
    """Rows in a drawn order, without a last batch of one, which has no variance."""
    order = torch.randperm(len(examples.maps), generator=random)
    return [rows for rows in torch.split(order, size) if len(rows) > 1]


def _mixed(
    examples: Mapping[Modality, Learned], size: int, random: torch.Generator
) -> list[tuple[Modality, Tensor]]:
    found = [(modality, rows) for modality in examples for rows in _batches(examples[modality], size, random)]
    return [found[int(at)] for at in torch.randperm(len(found), generator=random)]


def _loss(
    head: AttributeHead, examples: Learned, rows: Tensor, modality: Modality, random: torch.Generator
) -> Tensor:
    """Minus the logarithm of the probability of all that may be true, summed over groups."""
    view = torch.randint(examples.maps.shape[1], (len(rows),), generator=random)
    maps, vectors = examples.maps[rows, view].float(), examples.vectors[rows, view].float()
    total = torch.zeros(())
    for name, logits in head(maps, vectors, modality).items():
        chances = functional.log_softmax(logits, 1)
        wrong = ~examples.answers[name][rows]
        total = total - chances.masked_fill(wrong, -torch.inf).logsumexp(1).mean()
    return total


@torch.inference_mode()
def chances_of(head: AttributeHead, examples: Learned, modality: Modality) -> dict[str, Floats]:
    """Of each group that the modality is asked: ``(N, values + 1)`` probabilities, by the plain images."""
    found: dict[str, list[Floats]] = {}
    for rows in torch.split(torch.arange(len(examples.maps)), 256):
        logits = head(examples.maps[rows, 0].float(), examples.vectors[rows, 0].float(), modality)
        for name, each in logits.items():
            found.setdefault(name, []).append(each.softmax(1).numpy())
    return {name: np.concatenate(each) for name, each in found.items()}


def certainties(
    head: AttributeHead, examples: Mapping[Modality, Learned], values: Values, right: float
) -> dict[str, float]:
    """Of each group the least certainty at which what is said is right often enough.

    Args:
        head: that answers.
        examples: of people whom it did not learn from.
        values: of the groups.
        right: the share that is to be right, of what the captions tell.
    """
    chances = {modality: chances_of(head, each, modality) for modality, each in examples.items()}
    found = {}
    for name in values:
        asked = [
            (chances[modality][name], each.answers[name].numpy())
            for modality, each in examples.items()
            if name in chances[modality]
        ]
        found[name] = _certainty(name, asked, values[name], right)
    return found


def _certainty(
    name: str, asked: Sequence[tuple[Floats, NDArray[np.bool_]]], values: Sequence[str], right: float
) -> float:
    for certain in _CERTAIN:
        verdicts = [
            _verdict(value_of(name, row, values, float(certain)), answer, name, values)
            for chances, answers in asked
            for row, answer in zip(chances, answers, strict=True)
        ]
        judged = [verdict for verdict in verdicts if verdict is not None]
        if len(judged) >= FEWEST_SAID and np.mean(judged) >= right:
            return round(float(certain), 2)
    return NEVER


def _verdict(value: str | None, answer: NDArray[np.bool_], name: str, values: Sequence[str]) -> bool | None:
    """Whether what is said is right; ``None`` where nothing is, or where the caption does not tell."""
    if value is None or answer.all():
        return None
    if value == GENERIC.get(name):
        return not answer[0]
    alike = ALIKE.get(name, ())
    meant = [one for one in alike if one in values] if value in alike[:1] else [value]
    return any(answer[1 + values.index(one)] for one in meant)
