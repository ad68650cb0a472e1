"""The mails as an invented reader would get them, on any day; anew whenever a template is changed.

The html stands in a frame of an origin of its own, since it quotes strangers.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, HTTPException, Query, Request, Response
from fastapi.responses import HTMLResponse

import templates
from tasks.errors import UsageError
from tasks.office import preview
from tasks.office.preview import LENGTHS, MAILS, Invented, Preview
from workers.web.admin.door import Viewer, admin_page, viewer
from workers.web.doors import LOOKING
from workers.web.guard import CSP
from workers.web.mails import SANDBOX
from workers.web.page import Means

FRAMED = SANDBOX.replace("frame-ancestors 'none'", "frame-ancestors 'self'")
FRAMES = f"{CSP}; frame-src 'self'"
TERMS_MOST = 7000  # characters
LANGUAGES = tuple(templates.LANGUAGES)

router = APIRouter(dependencies=[Depends(viewer)])


class Typed:
    """The invented reader as they stand in the address."""

    def __init__(
        self,
        mail: Annotated[str, Query(max_length=20)] = "digest",
        day: Annotated[str, Query(max_length=10)] = "",
        language: Annotated[str, Query(max_length=10)] = "en",
        length: Annotated[str, Query(max_length=10)] = "normal",
        text_only: bool = False,
        terms: Annotated[str, Query(max_length=TERMS_MOST)] = "",
    ) -> None:
        self.fields = {
            "mail": mail,
            "day": day,
            "language": language,
            "length": length,
            "terms": terms,
        }
        self.text_only = text_only

    @property
    def query(self) -> str:
        """The same as an address has it."""
        return urlencode(self.fields | ({"text_only": "true"} if self.text_only else {}))

    def invented(self) -> Invented:
        """The reader. Raises `UsageError`."""
        return preview.invented(
            self.fields["mail"],
            day=self.fields["day"],
            language=self.fields["language"],
            length=self.fields["length"],
            text_only=self.text_only,
            terms=self.fields["terms"],
        )


Said = Annotated[Typed, Depends()]


@router.api_route("/admin/preview", methods=LOOKING)
def look(request: Request, face: Means, who: Viewer, said: Said) -> HTMLResponse:
    """The form, and the mail."""
    shown: Preview | None = None
    wrong = ""
    try:
        shown = preview.preview(face.context, said.invented())
    except UsageError as error:
        wrong = str(error)
    answer = admin_page(
        request,
        who,
        "preview",
        status=422 if wrong else 200,
        asked=said.fields,
        text_only=said.text_only,
        query=said.query,
        shown=shown,
        mails=MAILS,
        lengths=LENGTHS,
        languages=LANGUAGES,
        stamp=templates.stamp() if face.settings.develop else "",
        wrong=wrong,
    )
    answer.headers["Content-Security-Policy"] = FRAMES
    return answer


@router.api_route("/admin/preview/html", methods=LOOKING)
def html(face: Means, said: Said) -> HTMLResponse:
    """Its html alone, shut in."""
    shown = preview.preview(face.context, said.invented())
    if shown.rendered is None or not shown.rendered.html:
        raise HTTPException(404)
    return HTMLResponse(shown.rendered.html, headers={"Content-Security-Policy": FRAMED})


@router.api_route("/admin/preview/changed", methods=LOOKING)
def changed(face: Means, since: Annotated[str, Query(max_length=32)] = "") -> Response:
    """Whether any template differs from when the page was made: then htmx loads it anew."""
    if not face.settings.develop:
        raise HTTPException(404)
    anew = {"HX-Refresh": "true"} if templates.stamp() != since else {}
    return Response(status_code=200 if anew else 204, headers=anew)
