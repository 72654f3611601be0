"""What each part of a system adds: an ablation each, looked up by name.

One is added by a file and a line of `ABLATIONS`, or by an entry point of the group ``nightreid.ablations`` in
a package of one's own. Its recipe, unless another is given, is ``configs/recipes/NAME/synthetic.yaml``.
"""

from typing import TYPE_CHECKING

from reid_core.registry import Registry

if TYPE_CHECKING:
    from training.ablation.table import Ablation

ABLATIONS: "Registry[Ablation]" = Registry(
    "ablation",
    "nightreid.ablations",
    {
        "tvi_lfm": "training.ablation.tvi_lfm:ablate",
        "star_reid": "training.ablation.star_reid:ablate",
        "eees": "training.ablation.eees:ablate",
    },
)
