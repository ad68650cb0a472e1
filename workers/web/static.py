"""The files that pages load: the style sheet, htmx, and a few lines of our own script.

Each has an address that changes with its content, and is kept by browsers for ever.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

from fastapi import APIRouter, HTTPException, Response

import templates

FOLDER = Path(templates.__file__).parent / "static"
FOR_EVER = "public, max-age=31536000, immutable"
MADE_OF = {
    "app.css": ("app.css", "papers.css", "reader.css", "tuner.css", "why.css"),
    "admin.css": ("app.css", "admin.css"),
    "htmx.js": ("htmx.js",),
    "app.js": ("app.js",),
}
KINDS = {".css": "text/css", ".js": "text/javascript"}

CONTENTS = {
    name: b"\n".join((FOLDER / part).read_bytes() for part in parts)
    for name, parts in MADE_OF.items()
}
MARKS = {name: hashlib.sha256(content).hexdigest()[:12] for name, content in CONTENTS.items()}
ADDRESSES = {name: f"/static/{name}?v={mark}" for name, mark in MARKS.items()}

router = APIRouter()


@router.api_route("/static/{name}", methods=["GET", "HEAD"])
def file(name: str, v: str = "") -> Response:
    """One of the files; kept for ever under the mark of its content."""
    if name not in CONTENTS:
        raise HTTPException(404)
    kept = {"Cache-Control": FOR_EVER} if v == MARKS[name] else {}
    return Response(CONTENTS[name], media_type=KINDS[Path(name).suffix], headers=kept)
