"""What must be known to build the text branch; importing it loads no framework."""

from typing import Any

from pydantic import Field, model_validator

from reid_core.config import Settings


class BertSettings(Settings):
    """A bidirectional transformer over tokens and a projection of its tokens.

    The defaults are BERT-base.

    Attributes:
        vocabulary: tokens there are.
        context: tokens of a text at most, the first and the last one among them.
        width: of the transformer.
        layers: of it.
        heads: of it.
        feed_forward: numbers inside its feed-forward layers.
        projection: numbers that come out; the same as ``width`` needs no projection.
    """

    vocabulary: int = Field(default=30522, ge=5)
    context: int = Field(default=512, ge=3)
    width: int = Field(default=768, ge=4)
    layers: int = Field(default=12, ge=1)
    heads: int = Field(default=12, ge=1)
    feed_forward: int = Field(default=3072, ge=1)
    projection: int = Field(default=768, ge=1)

    @model_validator(mode="after")
    def _agree(self) -> "BertSettings":
        if self.width % self.heads:
            raise ValueError("width must be a multiple of heads")
        return self

    def as_config(self) -> dict[str, Any]:
        """The same as transformers' ``BertConfig`` takes it."""
        return {
            "vocab_size": self.vocabulary,
            "max_position_embeddings": self.context,
            "hidden_size": self.width,
            "num_hidden_layers": self.layers,
            "num_attention_heads": self.heads,
            "intermediate_size": self.feed_forward,
        }


PUBLISHED = {"base": BertSettings()}
"""BERT's sizes by the names that a recipe may give in place of weights."""
