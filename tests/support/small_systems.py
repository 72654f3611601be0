"""The smallest networks of the three systems, with random weights."""

from pathlib import Path

import torch

from reid_core.models.body import body_preprocess
from reid_core.models.body_settings import BodySettings
from reid_core.models.checkpoint import save_checkpoint
from reid_core.models.dual_stream.network import create_dual_stream
from reid_core.models.eees.architecture import AttentionSettings, EeesArchitecture
from reid_core.models.eees.network import Eees
from reid_core.models.star_reid.architecture import StarArchitecture
from reid_core.models.star_reid.network import create_star
from reid_core.preprocess import Preprocess


def _tvi_lfm():
    return create_dual_stream("resnet18", 32), Preprocess(height=64, width=32)


def _eees():
    body = BodySettings(layers=(1, 1, 1, 1), width=8)
    attention = AttentionSettings(width=8, heads=4)
    network = Eees(EeesArchitecture(body=body, attention=attention, grid=(4, 2)))
    return network, body_preprocess(body, 64, 32)


def _star_reid():
    architecture = StarArchitecture(image=(32, 16), patch=8, stride=8, width=16, depth=1, heads=2)
    return create_star(architecture, None, 1), Preprocess(height=32, width=16)


_MADE = {"tvi_lfm": _tvi_lfm, "eees": _eees, "star_reid": _star_reid}
SYSTEMS = tuple(_MADE)


def small_checkpoint(system: str, folder: Path) -> Path:
    """A checkpoint of one of `SYSTEMS`, in a folder that is made."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network, preprocess = _MADE[system]()
    save_checkpoint(folder, network.eval(), name=f"small {system}", preprocess=preprocess)
    return folder
