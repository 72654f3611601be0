"""The text branch: BERT built from settings, a hub's name or a folder."""

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from reid_core.errors import ModelError
from reid_core.models.hub import AS_TENSORS, STRICTLY, loading
from reid_core.models.network import ParameterGroup
from reid_core.models.star_reid.text_settings import BertSettings


class TextTokens(NamedTuple):
    """What the branch makes of texts.

    Attributes:
        cls: ``(N, D)``, G of the paper.
        words: ``(N, T, D)``, of all other tokens; L of the paper.
        there: ``(N, T)`` bool, which of them are of the text.
    """

    cls: Tensor
    words: Tensor
    there: Tensor

    def pooled(self) -> Tensor:
        """PTokens: ``(N, D)``, the greatest of each channel over the text's tokens."""
        lowest = torch.finfo(self.words.dtype).min
        return self.words.masked_fill(~self.there[:, :, None], lowest).amax(dim=1)


class TextBranch(nn.Module):
    """Numbers of tokens to features of tokens.

    Args:
        settings: what to build.

    Attributes:
        settings: what was built.
    """

    def __init__(self, settings: BertSettings) -> None:
        super().__init__()
        from transformers import BertConfig, BertModel

        self.settings = settings
        self.bert: Any = BertModel(BertConfig(**settings.as_config()), add_pooling_layer=False)
        self.project: nn.Module = nn.Identity()
        if settings.projection != settings.width:
            self.project = nn.Linear(settings.width, settings.projection, bias=False)

    def forward(self, tokens: Tensor, there: Tensor) -> TextTokens:
        """``(N, T)`` int64 tokens and 1 where there is one, to their features."""
        found = self.project(self.bert(input_ids=tokens, attention_mask=there).last_hidden_state)
        return TextTokens(found[:, 0], found[:, 1:], there[:, 1:].bool())

    def parameter_groups(self) -> tuple[ParameterGroup, ...]:
        """``text``: BERT's weights; ``text-head``: the projection's, if there is one."""
        groups = ParameterGroup("text", list(self.bert.parameters()))
        ends = ParameterGroup("text-head", list(self.project.parameters()))
        return (groups, ends) if ends.parameters else (groups,)


def build_branch(settings: BertSettings, seed: int) -> TextBranch:
    """A branch with random weights; the global random state is left as it was."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return TextBranch(settings)


def load_branch(source: str, width: int, seed: int) -> TextBranch:
    """A branch from a hub or a folder, in float32.

    Args:
        source: a name such as ``bert-base-uncased``, or a folder in transformers' form.
        width: numbers that are to come out.
        seed: of the projection, where BERT is of another width.

    Raises:
        ModelError: it is not to be had, tensors are missing or of other shapes, or it is no BERT.
    """
    from transformers import BertModel

    load: Any = BertModel.from_pretrained
    hint = f"Give the name of a BERT on the Hugging Face hub, or a folder that holds one {AS_TENSORS}."
    with loading(f"The text branch {source!r}", hint):
        model, told = load(source, dtype=torch.float32, add_pooling_layer=False, **STRICTLY)
    lacking = sorted(str(each) for each in (*told["missing_keys"], *told["mismatched_keys"]))
    if lacking:
        raise ModelError(f"The text branch {source!r} lacks {len(lacking)} tensors: {lacking[0]}.")
    config = model.config
    branch = build_branch(
        BertSettings(
            vocabulary=config.vocab_size,
            context=config.max_position_embeddings,
            width=config.hidden_size,
            layers=config.num_hidden_layers,
            heads=config.num_attention_heads,
            feed_forward=config.intermediate_size,
            projection=width,
        ),
        seed,
    )
    branch.bert.load_state_dict(model.state_dict(), strict=True)
    return branch
