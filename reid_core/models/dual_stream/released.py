"""TVI-LFM's released checkpoints: a dual-stream ResNet-50 and a text tower in one file."""

from collections.abc import Mapping
from pathlib import Path

import torch
from torch import Tensor

from reid_core.models.backbones import default_preprocess
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.checkpoint_files import open_checkpoint
from reid_core.models.clip_text.encoder import save_text_encoder
from reid_core.models.clip_text.released import is_text, released_tower
from reid_core.models.clip_text.tokens import load_tokens
from reid_core.models.dual_stream.network import DualStream, create_dual_stream
from reid_core.models.importing import Imported, Released, complain
from reid_core.models.manifest import Training

_NAMES = {
    "base_model.visual.rgb_model.resnet_conv.": "visible_stem.",
    "base_model.visual.ir_model.resnet_conv.": "infrared_stem.",
    "base_model.visual.shared_model.resnet_conv.": "trunk.",
    "base_model.visual.GEM.p": "pool.p",
    "classifier.BN.": "neck.",
    "classifier.classifier.weight": "classifier.weight",
}
_TEXT = "base_model."
_UNUSED = ("logit_scale", "base_model.logit_scale")
_HEIGHT, _WIDTH = 288, 144


class ReleasedTviLfm(Released):
    """Hu et al. (NeurIPS 2024), ``model_*.pth`` of their repository, with GeM and one batch norm for all."""

    what = "released checkpoint of TVI-LFM"

    def write(self, state: Mapping[str, Tensor], out: Path, tokenizer: str, name: str) -> Imported:
        """Write the network as a checkpoint and the tower as its text encoder; see `Released.write`."""
        text = {
            key.removeprefix(_TEXT): each
            for key, each in state.items()
            if key.startswith(_TEXT) and is_text(key.removeprefix(_TEXT))
        }
        visual, rest = {}, []
        for key, each in state.items():
            new = _renamed(key)
            if new is not None:
                visual[new] = each
            elif key.removeprefix(_TEXT) not in text:
                rest.append(key)
        complain(self.what, [], [key for key in rest if key not in _UNUSED])
        network = self._network(visual)
        tower = released_tower(text)
        complain(
            self.what,
            []
            if tower.settings.projection == network.embedding
            else ["base_model.text_projection of that width"],
            [],
        )
        tokens = load_tokens(tokenizer, tower.settings.context)
        tokens.check(tower.settings, tokenizer)
        save_checkpoint(
            out,
            network,
            name=name,
            preprocess=default_preprocess("resnet50", _HEIGHT, _WIDTH),
            training=Training(
                recipe="TVI-LFM as released", origin=f"imported from {name}, WHU-HZY/TVI-LFM", licence="MIT"
            ),
        )
        save_text_encoder(open_checkpoint(out), tower, network.neck, tokens, name)
        return Imported(out, len(visual) + len(text), tuple(sorted(rest)))

    def _network(self, visual: Mapping[str, Tensor]) -> DualStream:
        complain(self.what, [key for key in ("classifier.weight",) if key not in visual], [])
        network = create_dual_stream(
            "resnet50",
            gem_learned=True,
            classes=len(visual["classifier.weight"]),
            stem_activation=False,
            neck_bias=True,
        )
        expected = network.state_dict()
        # The stems' pooling comes behind a place that the ReLU would have; neither has tensors.
        complain(self.what, sorted(expected.keys() - visual.keys()), sorted(visual.keys() - expected.keys()))
        unlike = [key for key, each in visual.items() if each.shape != expected[key].shape]
        complain(self.what, [f"{key} of shape {tuple(expected[key].shape)}" for key in unlike], [])
        with torch.no_grad():
            network.load_state_dict(dict(visual), strict=True)
        return network.eval()


def _renamed(key: str) -> str | None:
    """The name here of a visual tensor; ``None`` for any other."""
    for theirs, ours in _NAMES.items():
        if key.startswith(theirs) and (theirs.endswith(".") or key == theirs):
            return ours + key.removeprefix(theirs)
    return None
