"""What is kept of a reader: taking it along, bringing it back, keys and secret addresses, leaving for good.

For all of it one must have signed in by a fresh link: who came by the link of a digest, which may have
been forwarded, is told so, and can have a fresh one mailed to the reader's own address.
"""

from __future__ import annotations

import gzip
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request, Response, UploadFile
from fastapi.responses import HTMLResponse, JSONResponse

from tasks.desk import erasing, leaving, moving, visiting
from tasks.desk.addresses import masked
from tasks.desk.moving import Brought
from tasks.desk.visiting import FULL, KEY_NAME, KEYS_MOST
from tasks.errors import UsageError
from tasks.store.keys import Key
from workers.web.doors import LOOKING, OURS
from workers.web.guard import COOKIE
from workers.web.own_feeds import address
from workers.web.page import Face, Me, Means, MeInFull, page, see

FILE_MOST = 5_000_000  # bytes of a document that is brought back
PLAIN_MOST = 4_000_000  # bytes of one that goes out as it is: a larger one is packed, to come back
NAMED_MOST = 100  # papers that are named because nobody knows them here; the rest is counted

router = APIRouter()


# --- the room ------------------------------------------------------------------------------------
@router.api_route("/my/data", methods=LOOKING)
def look(request: Request, face: Means, me: Me, said: str = "") -> HTMLResponse:
    """All that can be done here; or, for a visit by a digest's link, why not, and the way."""
    if me.scope != FULL:
        return page(request, "my_closed", address=masked(me.reader.email))
    return _page(request, face, me, said=said)


def _page(
    request: Request,
    face: Face,
    me: visiting.Visitor,
    *,
    said: str = "",
    brought: Brought | None = None,
    wrong: str = "",
) -> HTMLResponse:
    return page(
        request,
        "my_data",
        status=422 if wrong else 200,
        said=said,
        brought=brought,
        named_most=NAMED_MOST,
        wrong=wrong,
        feeds={kind: address(face.context, me.reader, kind) for kind in ("atom", "json")},
    )


@router.api_route("/my/export.json", methods=LOOKING)
def export(face: Means, me: MeInFull) -> Response:
    """All that is the reader's, as one document; a large one is packed by gzip."""
    answer: Response = JSONResponse(moving.export(face.context, me.reader.id))
    name = "paperround.json"
    if len(answer.body) > PLAIN_MOST:
        answer = Response(gzip.compress(answer.body), media_type="application/gzip")
        name += ".gz"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


@router.post("/my/import", dependencies=OURS)
def bring_back(
    request: Request, face: Means, me: MeInFull, file: UploadFile | None = None
) -> HTMLResponse:
    """Bring an exported document back: all of it, or nothing where it cannot be read."""
    try:
        body = _document(file.file.read(FILE_MOST + 1) if file else b"")
        brought = moving.bring_back(face.context, me.reader.id, body)
    except UsageError as error:
        return _page(request, face, me, wrong=str(error))
    return _page(request, face, me, brought=brought)


def _document(data: bytes) -> object:
    if not data:
        raise UsageError("no file was chosen")
    if len(data) > FILE_MOST:
        raise UsageError(f"the file is larger than {FILE_MOST // 1_000_000} MB")
    return moving.unpack(data)


# --- secret addresses ----------------------------------------------------------------------------
@router.post("/my/feed/renew", dependencies=OURS)
def renew_feed(face: Means, me: MeInFull) -> Response:
    """The feed moves to a new address."""
    leaving.renew_feed(face.context, me.reader.id)
    return see("/my/data?said=feed")


@router.post("/my/links/renew", dependencies=OURS)
def renew_links(request: Request, face: Means, me: MeInFull) -> HTMLResponse:
    """Every link that was mailed is void, and every browser is signed out, this one too."""
    leaving.renew_links(face.context, me.reader.id)
    return _goodbye(request, "my_links")


# --- keys ----------------------------------------------------------------------------------------
@router.api_route("/my/keys", methods=LOOKING)
def keys(request: Request, face: Means, me: MeInFull, said: str = "") -> HTMLResponse:
    """The keys of the reader's programs."""
    return _keys(request, face, me, said=said)


@router.post("/my/keys", dependencies=OURS)
def make_key(
    request: Request, face: Means, me: MeInFull, name: Annotated[str, Form()] = ""
) -> HTMLResponse:
    """A new key; its secret is shown on this page alone."""
    try:
        made, secret = visiting.make_key(face.context, me.reader.id, name)
    except UsageError:
        return _keys(request, face, me, wrong=True, name=name)
    return _keys(request, face, me, made=made, secret=secret)


@router.post("/my/keys/{key_id}/revoke", dependencies=OURS)
def revoke_key(face: Means, me: MeInFull, key_id: int) -> Response:
    """The key opens nothing any more."""
    if not 0 < key_id <= visiting.NUMBER_MOST:
        raise UsageError("a key has a number from 1 up")
    visiting.revoke_key(face.context, me.reader.id, key_id)
    return see("/my/keys?said=revoked")


def _keys(
    request: Request,
    face: Face,
    me: visiting.Visitor,
    *,
    said: str = "",
    wrong: bool = False,
    name: str = "",
    made: Key | None = None,
    secret: str = "",
) -> HTMLResponse:
    known = visiting.list_keys(face.context, me.reader.id)
    return page(
        request,
        "my_keys",
        status=422 if wrong else 200,
        keys=known,
        said=said,
        wrong=wrong,
        typed=name[: 2 * KEY_NAME],
        longest=KEY_NAME,
        full=len(known) >= KEYS_MOST,
        made=made,
        secret=secret,
    )


# --- leaving for good ----------------------------------------------------------------------------
@router.api_route("/my/delete", methods=LOOKING)
def ask_to_delete(request: Request, me: MeInFull) -> HTMLResponse:
    """What is deleted, what may be kept, and the button."""
    return page(request, "my_delete", address=me.reader.email, suppress=False, missed=False)


@router.post("/my/delete", dependencies=OURS)
def delete(
    request: Request,
    face: Means,
    me: MeInFull,
    sure: Annotated[bool, Form()] = False,
    suppress: Annotated[bool, Form()] = False,
) -> HTMLResponse:
    """Delete the reader at once, with everything that is theirs; say what is kept, if anything is."""
    if not sure:
        values = {"address": me.reader.email, "suppress": suppress, "missed": True}
        return page(request, "my_delete", status=422, **values)
    kept = erasing.erase(face.context, me.reader.id, suppress=suppress)
    return _goodbye(request, "my_deleted", kept=kept)


def _goodbye(request: Request, template: str, **values: Any) -> HTMLResponse:
    """A page for somebody who is signed out by now."""
    request.state.visitor = None
    answer = page(request, template, **values)
    answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
    return answer
