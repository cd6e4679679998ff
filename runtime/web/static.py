"""The files that pages load: addressed by one hash of the whole tree, so that they may be kept for ever."""

import hashlib
import mimetypes
from functools import lru_cache
from pathlib import Path

from fastapi import APIRouter, Depends, Response
from fastapi.responses import FileResponse

from metadata.problems import NotFound
from runtime.web.guards import open_to_all

STATIC = Path(__file__).resolve().parents[2] / "templates" / "static"
SHEETS = ("tokens", "base", "parts", "pages", "dashboards", "flows", "design", "util")
FOR_EVER = {"Cache-Control": "public, max-age=31536000, immutable"}

mimetypes.add_type("text/javascript", ".js")

router = APIRouter(include_in_schema=False, dependencies=[Depends(open_to_all)])


@lru_cache
def tree_hash(folder: Path) -> str:
    """One short hash of every static file: its path, size and content."""
    digest = hashlib.sha256()
    for file in sorted(path for path in folder.rglob("*") if path.is_file()):
        digest.update(file.relative_to(folder).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()[:12]


@lru_cache
def style_sheet(folder: Path) -> bytes:
    """The layers as one file; a missing vendor folder is said here, at the start, and not as a broken page."""
    if not (folder / "vendor" / "htmx.js").exists():
        raise RuntimeError("the front-end files are missing: run `npm ci --ignore-scripts && npm run vendor`")
    return b"".join((folder / "css" / f"{name}.css").read_bytes() for name in SHEETS)


@router.get("/static/{tree}/css/fourfold.css")
def sheet(tree: str) -> Response:
    return Response(style_sheet(STATIC), media_type="text/css", headers=FOR_EVER)


@router.get("/static/{tree}/{path:path}")
def static_file(tree: str, path: str) -> Response:
    file = (STATIC / path).resolve()
    if STATIC not in file.parents or not file.is_file():
        raise NotFound()
    current = tree == tree_hash(STATIC)
    return FileResponse(file, headers=FOR_EVER if current else {"Cache-Control": "no-cache"})


@router.get("/favicon.ico")
def favicon() -> Response:
    return FileResponse(STATIC / "img" / "favicon.svg", headers={"Cache-Control": "public, max-age=86400"})
