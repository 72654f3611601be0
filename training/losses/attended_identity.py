"""Which of the training identities an image shows, told from its attention-pooled feature."""

from typing import ClassVar

from training.losses.identity_cross_entropy import IdentityCrossEntropy


class AttendedIdentity(IdentityCrossEntropy):
    """`IdentityCrossEntropy` of a second head's classifier."""

    reads: ClassVar = ("attended_logits", "labels")
