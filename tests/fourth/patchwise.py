"""A fourth system as somebody else would bring it: a tiny vision transformer with local features, and words.

Only this folder knows its name. It is found by the entry points beside it.
"""

import re
import zlib

import torch
from safetensors.torch import load_file
from torch import nn
from torch.nn import functional

from reid_core.config import Settings
from reid_core.models.network import Network, ParameterGroup
from reid_core.models.systems import System
from reid_core.types import Modality

BUCKETS = 256


class PatchwiseArchitecture(Settings):
    width: int = 32
    depth: int = 2
    heads: int = 4
    patch: int = 8
    grid: tuple[int, int] = (4, 2)
    stripes: int = 4
    classes: int | None = None


class Block(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, tokens):
        count, width = tokens.shape[1], tokens.shape[2]
        split = self.qkv(self.before(tokens)).reshape(-1, count, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4).unbind(0)
        mixed = functional.scaled_dot_product_attention(query, key, value)
        tokens = tokens + self.out(mixed.transpose(1, 2).reshape(-1, count, width))
        return tokens + self.mlp(self.after(tokens))


class Patchwise(Network):
    """Patches of both modalities through one transformer; a token says which modality it is."""

    kind = "patchwise"

    def __init__(self, architecture, embedding):
        super().__init__()
        self.architecture, self.embedding = architecture, embedding
        width, count = architecture.width, architecture.grid[0] * architecture.grid[1]
        self.patches = nn.Conv2d(3, width, architecture.patch, architecture.patch)
        self.positions = nn.Parameter(0.02 * torch.randn(1, count + 1, width))
        self.modality = nn.ParameterDict(
            {str(each): nn.Parameter(0.02 * torch.randn(1, 1, width)) for each in Modality}
        )
        self.blocks = nn.Sequential(*(Block(width, architecture.heads) for _ in range(architecture.depth)))
        self.head = nn.Linear(width, embedding)
        self.classifier = nn.Linear(embedding, architecture.classes) if architecture.classes else None

    def forward(self, images, modality):
        """The unnormalised vector ``(N, D)`` and the stripes ``(N, P, width)``."""
        tokens = self.patches(images).flatten(2).transpose(1, 2)
        # Not len(): a trace takes that for a constant, and the graph would have one batch size.
        first = self.modality[str(modality)].expand(tokens.shape[0], -1, -1)
        tokens = self.blocks(torch.cat([first, tokens], 1) + self.positions)
        rows = tokens[:, 1:].reshape(-1, self.architecture.stripes, *self._stripe, tokens.shape[-1])
        return self.head(tokens[:, 0]), rows.mean((2, 3))

    @property
    def _stripe(self):
        high, wide = self.architecture.grid
        return high // self.architecture.stripes, wide

    def features(self, images, modality):
        vector, stripes = self(images, modality)
        return {"embedding": functional.normalize(vector), "stripes": functional.normalize(stripes, dim=-1)}

    def parameter_groups(self):
        head = [self.head, self.classifier] if self.classifier is not None else [self.head]
        late = [parameter for module in head for parameter in module.parameters()]
        own = {id(parameter) for parameter in late}
        early = [parameter for parameter in self.parameters() if id(parameter) not in own]
        return (ParameterGroup("body", early), ParameterGroup("head", late))

    def for_inference(self):
        bare = Patchwise(self.architecture.model_copy(update={"classes": None}), self.embedding)
        state = {key: value for key, value in self.state_dict().items() if not key.startswith("classifier.")}
        bare.load_state_dict(state)
        return bare.to(next(self.parameters()).device).train(self.training)


class PatchwiseSystem(System):
    architecture = PatchwiseArchitecture
    handling = "shared"

    def build(self, architecture, embedding, pretrained=False):
        return Patchwise(architecture, embedding or architecture.width)

    def local_features(self, architecture, embedding):
        return {"stripes": (architecture.stripes, architecture.width)}

    def classes(self, architecture):
        return architecture.classes

    def for_inference(self, architecture):
        return architecture.model_copy(update={"classes": None})


def buckets(text):
    """The words of a text as rows of a table."""
    return [zlib.crc32(word.encode()) % BUCKETS for word in re.findall(r"[a-z]+", text.lower())]


def mean_of_words(texts, table):
    """``(N, D)`` of length one: the mean of each text's words in a ``(BUCKETS, D)`` table."""
    return functional.normalize(torch.stack([table[buckets(text)].mean(0) for text in texts]))


class WordsSettings(Settings):
    language: str = "en"


class WordsEncoder:
    """A table of words, learned beside the images."""

    settings = WordsSettings

    def __init__(self, files):
        self.model_id, self.space = files.model_id, files.manifest.space
        (name,) = files.manifest.weights
        self._table = load_file(files.folder / name)["table"]

    @property
    def dim(self):
        return self._table.shape[1]

    def encode(self, texts):
        return mean_of_words(texts, self._table).numpy()
