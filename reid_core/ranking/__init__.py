"""Re-ranking: distances that also ask who else is near, for sets too large for an ``N x N`` array.

It looks at all queries together: a figure measured with it is compared only with others that were.
"""

from reid_core.ranking.distances import (
    k_reciprocal,
    k_reciprocal_blocks,
    local_global_joint,
    local_global_joint_blocks,
    reranked,
)
from reid_core.ranking.methods import (
    KReciprocal,
    LocalGlobalJoint,
    NoReranking,
    Reranking,
    parse_reranking,
)

__all__ = [
    "KReciprocal",
    "LocalGlobalJoint",
    "NoReranking",
    "Reranking",
    "k_reciprocal",
    "k_reciprocal_blocks",
    "local_global_joint",
    "local_global_joint_blocks",
    "parse_reranking",
    "reranked",
]
