"""The page's files over HTTP: open to anybody, since nothing personal is in them."""

from pathlib import Path

from fastapi import Request, Response
from fastapi.responses import FileResponse
from starlette.staticfiles import StaticFiles

from console.api.permitted import OPEN, PermittedRouter

router = PermittedRouter(base="", include_in_schema=False)

# Asked for each time and answered "not modified": a newer version is seen at once.
_HEADERS = {"Cache-Control": "no-cache"}
_HERE = Path(__file__).parent / "static"
_FILES = StaticFiles(directory=_HERE, check_dir=False)
_REPORT_STYLE = Path(__file__).parents[1] / "templates" / "report.css"


@router.get("/", permission=OPEN)
def page() -> Response:
    """The page. Which part of it is open stands behind ``#``, which no browser sends."""
    return FileResponse(_HERE / "index.html", headers=_HEADERS)


@router.get("/web/report.css", permission=OPEN)
def report_style() -> Response:
    """The night report's style, on which the page's own builds."""
    return FileResponse(_REPORT_STYLE, headers=_HEADERS)


@router.get("/web/{name:path}", permission=OPEN)
async def file(name: str, request: Request) -> Response:
    """A script, a style or a picture of the page."""
    response = await _FILES.get_response(name, request.scope)
    response.headers.update(_HEADERS)
    return response
