"""Which of the training identities an image shows."""

from torch import Tensor, nn
from torch.nn import functional


class IdentityCrossEntropy(nn.Module):
    """``-sum_c q_c log softmax(logits)_c`` with ``q_c = (1 - s) [c = label] + s / C``, mean over images.

    Source: label smoothing of Szegedy et al., "Rethinking the Inception Architecture" (2016), section 7, as
    Luo et al., "Bag of Tricks" (2019), section 3.3, use it for identities; ``s = 0`` is the plain one.

    Args:
        smoothing: ``s``, 0 to below 1.
    """

    def __init__(self, smoothing: float = 0.0) -> None:
        super().__init__()
        self.smoothing = smoothing

    def forward(self, logits: Tensor, labels: Tensor) -> Tensor:
        """``(N, C)`` logits and ``(N,)`` labels in 0..C-1 to one number."""
        return functional.cross_entropy(logits.float(), labels, label_smoothing=self.smoothing)
