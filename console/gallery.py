"""Commands about a gallery that exists."""

import sys

from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder


def reembed_command(database: str, reid: str) -> int:
    """Re-embed every stored crop, telling how far it has come; can be stopped and taken up again."""
    embedder = load_embedder(reid)

    def tell(done: int, total: int) -> None:
        print(f"{done} of {total} crops embedded", file=sys.stderr)

    with Gallery.open(database) as gallery:
        count = gallery.reembed(embedder.embed, embedder.model_id, progress=tell)
    print(f"{count} crops embedded with {embedder.name}")
    return 0
