"""Commands about a gallery that exists."""

from console.identity import open_gallery
from console.progress import ProgressBars
from reid_core.runtime import load_embedder
from stream.chain.config import ChainSettings
from stream.chain.parts import make_linker


def reembed_command(database: str, reid: str) -> int:
    """Re-embed every stored crop and link every infrared tracklet anew; resumes where it was stopped."""
    embedder = load_embedder(reid)
    with open_gallery(database) as gallery, ProgressBars(ends=True) as bars:
        count = gallery.reembed(
            embedder.embed,
            embedder.model_id,
            progress=lambda done, total: bars.show("crops embedded", done, total, ""),
        )
        linked = make_linker(gallery, embedder, ChainSettings()).link_all(
            lambda done: bars.show("tracklets linked", done, None, "")
        )
    print(f"{count} crops embedded with {embedder.name}, {linked} infrared tracklets linked")
    return 0
