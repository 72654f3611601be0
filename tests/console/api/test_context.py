"""What all requests share is made once, and let go of at the end, whatever still runs."""

import threading

from console.api.context import Context
from tests.support.serving import SERVED


class Late:
    """What a running search needs before it ends."""

    def __init__(self, context):
        pass


class Searching:
    """Ends once its search has, as a pool does."""

    def __init__(self, context):
        self.closed = threading.Event()
        self.search = threading.Thread(target=lambda: self._search(context), daemon=True)
        self.search.start()

    def _search(self, context):
        assert self.closed.wait(10)
        context.shared(Late)

    def close(self):
        self.closed.set()
        self.search.join()


def test_a_search_that_still_runs_keeps_nobody_from_closing():
    context = Context(SERVED, None, None)
    context.shared(Searching)
    closing = threading.Thread(target=context.close, daemon=True)
    closing.start()
    closing.join(10)
    assert not closing.is_alive()
    assert context._shared == {}
