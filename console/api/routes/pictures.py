"""Pictures of somebody who is looked for."""

from typing import Annotated

from fastapi import File, Form, UploadFile
from starlette.concurrency import run_in_threadpool

from console.api.bodies.base import moment
from console.api.bodies.searches import Picture
from console.api.errors import TooLargeError
from console.api.permitted import PermittedRouter
from console.api.pictures import SECONDS, Pictures
from console.api.use import CurrentUse
from reid_core.access import Permission
from reid_core.types import Modality

router = PermittedRouter("/pictures", tags=["search"])
_AT_MOST = 64 << 20
"""Bytes of a body, whatever the settings say."""


@router.post("", permission=Permission.SEARCH, status_code=201, max_body_size=_AT_MOST)
async def upload(
    use: CurrentUse,
    file: Annotated[UploadFile, File(description="JPEG, PNG, WebP, BMP or TIFF: a crop of one person.")],
    modality: Annotated[Modality, Form()] = Modality.VISIBLE,
) -> Picture:
    """Upload a picture to search by; it is kept for a quarter of an hour, for whoever uploaded it."""
    most = use.context.settings.limits.upload_bytes
    data = await file.read(most + 1)
    await file.close()
    if len(data) > most:
        raise TooLargeError(f"The picture has more than {most:,} bytes.", "Cut the person out of it.")
    pictures = use.context.shared(Pictures)
    kept = await run_in_threadpool(pictures.put, use.principal.id, data, modality)
    height, width = kept.image.shape[:2]
    notes = ["it is wider than high; a crop of one person is expected"] if width > height else []
    return Picture(
        picture=kept.id,
        width=width,
        height=height,
        modality=modality,
        expires=moment(use.context.clock() + round(SECONDS * 1e9)),
        notes=notes,
    )
