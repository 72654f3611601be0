"""Losses, one class a file, each with its formula and its settings; looked up by name.

A loss is added by a file and a line of `LOSSES`, or by an entry point of the group ``nightreid.losses`` in a
package of one's own; a recipe that names it under ``losses`` uses it, whatever the system.
"""

from typing import TYPE_CHECKING, Any

from reid_core.registry import Registry

if TYPE_CHECKING:
    from training.losses.loss import Loss

LOSSES: "Registry[type[Loss[Any]]]" = Registry(
    "loss",
    "nightreid.losses",
    {
        "identity": "training.losses.identity_cross_entropy:IdentityCrossEntropy",
        "triplet": "training.losses.weighted_regularized_triplet:WeightedRegularizedTriplet",
        "contrastive": "training.losses.supervised_contrastive:SupervisedContrastive",
        "attributes": "training.losses.attribute_prediction:AttributePrediction",
        "modality_identity": "training.losses.modality_identity:ModalityIdentity",
        "hard_triplet": "training.losses.hard_triplet:HardTriplet",
        "modality_shared": "training.losses.modality_shared:ModalityShared",
        "discriminative_center": "training.losses.discriminative_center:DiscriminativeCenter",
        "visual_textual": "training.losses.visual_textual:VisualTextualReasoning",
        "attended_identity": "training.losses.attended_identity:AttendedIdentity",
        "attended_triplet": "training.losses.attended_triplet:AttendedTriplet",
        "image_text": "training.losses.image_text_contrast:ImageTextContrast",
        "multi_view": "training.losses.image_text_contrast:MultiViewContrast",
        "distillation": "training.losses.view_distillation:ViewDistillation",
        "purification": "training.losses.semantics_purification:SemanticsPurification",
    },
)
