"""What must be known to build a text tower; importing it loads no framework."""

from typing import Any

from pydantic import Field, model_validator

from reid_core.config import Settings

CONTEXT = 77
"""Tokens that CLIP reads at most, begin and end among them."""


class TowerSettings(Settings):
    """A causal transformer over tokens, read at the end token, and a projection.

    The defaults are the text tower of OpenAI's CLIP RN50.

    Attributes:
        vocabulary: tokens there are.
        context: tokens of a text at most, begin and end among them.
        width: of the transformer.
        layers: of it.
        heads: of it.
        projection: numbers that come out.
        begin: number of the token that a text begins with.
        end: of the one that it ends with.
    """

    vocabulary: int = Field(default=49408, ge=4)
    context: int = Field(default=CONTEXT, ge=3)
    width: int = Field(default=512, ge=4)
    layers: int = Field(default=12, ge=1)
    heads: int = Field(default=8, ge=1)
    projection: int = Field(default=1024, ge=1)
    begin: int = Field(default=49406, ge=0)
    end: int = Field(default=49407, ge=0)

    @model_validator(mode="after")
    def _agree(self) -> "TowerSettings":
        if self.width % self.heads:
            raise ValueError("width must be a multiple of heads")
        if not max(self.begin, self.end) < self.vocabulary or self.begin == self.end:
            raise ValueError("begin and end must be two tokens of the vocabulary")
        if self.end == 2:
            # transformers takes 2 for a mistake of old configurations and reads another position.
            raise ValueError("the end token must not be number 2")
        return self

    def as_config(self) -> dict[str, Any]:
        """The same as transformers' ``CLIPTextConfig`` takes it."""
        return {
            "vocab_size": self.vocabulary,
            "max_position_embeddings": self.context,
            "hidden_size": self.width,
            "intermediate_size": 4 * self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "projection_dim": self.projection,
            "bos_token_id": self.begin,
            "eos_token_id": self.end,
            # What stands behind the end token is not looked at.
            "pad_token_id": self.end,
            "hidden_act": "quick_gelu",
        }


PUBLISHED = {
    "RN50": TowerSettings(),
    "ViT-B": TowerSettings(projection=512),
}
"""OpenAI's text towers by the visual network beside which they learned (ViT-B/32 and B/16 have the same)."""
