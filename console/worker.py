"""The logic of ``nightreid worker``."""

import os
from collections.abc import Sequence
from pathlib import Path

from console.log_lines import log_lines
from console.stopping import stopped_by_ctrl_c
from detectors.detector import PersonDetector
from reid_core.config import load_config
from reid_core.gallery import Gallery
from reid_core.runtime import load_embedder
from stream.chain.parts import text_encoder
from stream.service.process import suit_to_receiving
from stream.worker.config import WorkerSettings
from stream.worker.worker import Worker


def worker_command(config: Path | None, overrides: Sequence[str]) -> int:
    """Work until SIGTERM or Ctrl-C.

    Returns:
        0 where it ended as asked.
    """
    settings = load_config(WorkerSettings, config, overrides, os.environ)
    log_lines(settings.log)
    suit_to_receiving()
    with (
        PersonDetector.open(settings.models.detector, settings.detector) as detector,
        Gallery.open(settings.database, exact_up_to=settings.search.exact_up_to) as gallery,
        stopped_by_ctrl_c("finishing the batch") as stop,
    ):
        embedder = load_embedder(settings.models.reid)
        gallery.adopt_space(embedder.model_id)
        encoder = text_encoder(settings.text, settings.models.reid, embedder.model_id)
        Worker(gallery, detector, embedder, settings, stop, encoder=encoder).run()
    return 0
