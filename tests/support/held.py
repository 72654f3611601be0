"""An embedder that waits for a word before each call."""

import threading


class Held:
    """Passes everything on to an embedder, a call only when it is let through.

    Attributes:
        calls: the number of crops of each call that was let through.
    """

    def __init__(self, embedder):
        self._embedder = embedder
        self._word = threading.Semaphore(0)
        self.calls = []

    def __getattr__(self, name):
        return getattr(self._embedder, name)

    def embed(self, crops, modality):
        assert self._word.acquire(timeout=60), "nobody let it through"
        self.calls.append(len(crops))
        return self._embedder.embed(crops, modality)

    def let_through(self, calls=1000):
        """So many calls more; all that may come where no number is given."""
        self._word.release(calls)
