"""How the fourth system learns: identities, stripes and the words of captions."""

import json

import torch
from patchwise import BUCKETS, Patchwise, PatchwiseArchitecture, buckets
from patchwise_losses import StripeSettings, WordSettings
from safetensors.torch import save_file
from torch.nn import functional

from reid_core.models.checkpoint import take_weights
from reid_core.models.checkpoint_files import sha256_of
from reid_core.models.language_files import TextManifest
from reid_core.preprocess import Preprocess
from reid_core.types import Modality
from training.losses.identity_cross_entropy import IdentitySettings
from training.needs import CaptionSettings, Needs, read_texts
from training.recipe import Losses, ModelSettings, Recipe
from training.systems.task import TrainingTask


class PatchwiseModel(ModelSettings):
    embedding: int = 32
    depth: int = 2


class PatchwiseLosses(Losses):
    identity: IdentitySettings = IdentitySettings()
    stripes: StripeSettings = StripeSettings()
    words: WordSettings = WordSettings(weight=0.5)


class PatchwiseRecipe(Recipe):
    system: str = "patchwise"
    model: PatchwiseModel = PatchwiseModel()
    losses: PatchwiseLosses = PatchwiseLosses()
    captions: CaptionSettings = CaptionSettings(files=("captions.json",))


class PatchwiseTask(TrainingTask):
    recipe_type = PatchwiseRecipe
    measures = ("accuracy",)

    def preprocess(self):
        size = self.recipe.input
        return size.applied(
            Preprocess(height=size.height, width=size.width, mean=(127.5,) * 3, std=(127.5,) * 3)
        )

    def network(self, start):
        model, size = self.recipe.model, self.recipe.input
        architecture = PatchwiseArchitecture(
            depth=model.depth,
            grid=(size.height // 8, size.width // 8),
            stripes=size.height // 8,
            classes=len(self.identities),
        )
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.recipe.seed)
            network = Patchwise(architecture, model.embedding)
        if start is not None:
            take_weights(network, start)
        return network

    def origin(self):
        return "random weights"

    def needs(self):
        material = self.material
        return Needs({"captions": read_texts(self.recipe.captions, material.dataset, material.train)})

    def forward(self, network, batch):
        visible, infrared = (
            network(batch.visible, Modality.VISIBLE),
            network(batch.infrared, Modality.INFRARED),
        )
        vectors, stripes = (torch.cat(pair) for pair in zip(visible, infrared, strict=True))
        return {"vectors": vectors, "stripes": stripes, "logits": network.classifier(vectors)}

    def readings(self, output, batch):
        words = torch.zeros(len(batch.labels), BUCKETS)
        for row, text in zip(words, batch.texts["captions"], strict=True):
            found = buckets(text)
            row.index_add_(0, torch.tensor(found), torch.full((len(found),), 1 / len(found)))
        return {**output, "labels": batch.labels, "words": words.to(batch.labels.device)}

    def measured(self, output, batch):
        right = output["logits"].detach().argmax(1) == batch.labels
        return {"accuracy": right.float().mean()}

    def accompany(self, objective, checkpoint):
        """The words that were learned, as a text encoder of the checkpoint's space."""
        folder = checkpoint.folder / TextManifest.folder_name
        folder.mkdir()
        file = folder / "words.safetensors"
        save_file({"table": functional.normalize(objective["words"].table.detach()).contiguous()}, file)
        manifest = {
            "format": 1,
            "name": self.recipe.name,
            "kind": "patchwise-words",
            "space": checkpoint.model_id,
            "embedding": checkpoint.manifest.embedding,
            "weights": {file.name: sha256_of(file)},
        }
        (folder / TextManifest.file_name).write_text(json.dumps(manifest))
