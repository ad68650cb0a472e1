"""The versions of a profile: what each changed, what it changed in the digests, and going back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Literal

from fastapi import APIRouter, Form, HTTPException, Path, Query, Request
from fastapi.responses import HTMLResponse, Response

from tasks.desk import interests, versions
from tasks.desk.differences import PARTS, Difference, difference, told
from tasks.desk.tuning.machine import compare
from tasks.desk.versions import LISTED_MOST, Version
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.render.text import clean, cut
from tasks.store.profiles import Saved
from templates import Words
from workers.web.doors import LOOKING, OURS
from workers.web.effect import effect
from workers.web.page import Face, Me, Means, page, see, words_of
from workers.web.rooms import here
from workers.web.turns import LOOKING_BACK

NUMBER_MOST = 10**9
ITEMS_MOST = 20  # of what a part gained, or lost, that are named: the rest is counted
ITEM, DESCRIPTION = 100, 2000  # characters
_WHICH = re.compile(r"[1-9]\d{0,17}", re.ASCII)

router = APIRouter()
Number = Annotated[int, Path(ge=1, le=NUMBER_MOST)]
Seen = Annotated[int, Form(alias="version", ge=1, le=NUMBER_MOST)]
Asked = Annotated[int | None, Query(ge=1, le=NUMBER_MOST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Save:
    """A version in the list: when it was saved, on the reader's clock, and what it changed, in sentences."""

    number: int
    label: str
    at: datetime
    in_force: bool
    changes: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """What one version has and the other lacks, in one part; `more` are not named."""

    items: list[str]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A part of a profile in which two versions differ."""

    name: str
    before: Column
    after: Column


# --- the list ------------------------------------------------------------------------------------
@router.api_route("/my/profiles/{which}/versions", methods=LOOKING)
def list_versions(
    request: Request,
    face: Means,
    me: Me,
    which: str,
    before: Asked = None,
    a: Asked = None,
    b: Asked = None,
    said: str = "",
) -> Response:
    """Every save of the profile, the newest first; two of them side by side, where two are asked for."""
    profile = _found(face, me.reader.id, which)
    if a and b:
        return see(f"/my/profiles/{profile.id}/versions/{a}/{b}")
    return _list(request, face, me, profile, before=before, said=said)


def _list(
    request: Request,
    face: Face,
    me: Me,
    profile: Saved,
    *,
    before: int | None = None,
    said: str = "",
    wrong: str = "",
    status: int = 200,
) -> HTMLResponse:
    words = words_of(request)
    context, key = face.context, profile.id
    listed = versions.history(context, me.reader.id, key, before=before, most=LISTED_MOST)
    rows = [
        Save(
            number=one.number,
            label=one.label,
            at=here(me.reader, one.created_at),
            in_force=one.in_force,
            changes=_changes(one, words),
        )
        for one in listed
    ]
    return page(
        request,
        "my_versions",
        status=status,
        profile=profile,
        rows=rows,
        older=rows[-1].number if rows and rows[-1].number > 1 else None,
        newest=before is None,
        said=said,
        wrong=wrong,
    )


def _changes(one: Version, words: Words) -> list[str]:
    if one.change is None:
        return [words.gettext("The first version.")]
    return told(one.change, words)


# --- what is done with one -----------------------------------------------------------------------
@router.post("/my/profiles/{which}/versions/{number}/name", dependencies=OURS)
def name(
    request: Request,
    face: Means,
    me: Me,
    which: str,
    number: Number,
    label: Annotated[str, Form()] = "",
) -> Response:
    """Give a version a name, or take it away."""

    def act(profile: Saved) -> None:
        versions.name(face.context, me.reader.id, profile.id, number, label)

    return _done(request, face, me, which, act, said="named")


@router.post("/my/profiles/{which}/versions/{number}/restore", dependencies=OURS)
def restore(
    request: Request, face: Means, me: Me, which: str, number: Number, seen: Seen
) -> Response:
    """Save what a version held as the next one."""

    def act(profile: Saved) -> None:
        versions.restore(face.context, me.reader.id, profile.id, number, expected=seen)

    return _done(request, face, me, which, act, said="restored")


@router.post("/my/profiles/{which}/versions/undo", dependencies=OURS)
def undo(request: Request, face: Means, me: Me, which: str, seen: Seen) -> Response:
    """Go back to what the profile held before its last change."""

    def act(profile: Saved) -> None:
        versions.undo(face.context, me.reader.id, profile.id, expected=seen)

    return _done(request, face, me, which, act, said="undone")


def _done(
    request: Request,
    face: Face,
    me: Me,
    which: str,
    act: Callable[[Saved], None],
    *,
    said: Literal["named", "restored", "undone"],
) -> Response:
    """On to the list, once it is done; where it cannot be done, the list says why."""
    profile = _found(face, me.reader.id, which)
    try:
        act(profile)
    except UnknownName:
        raise
    except Conflict:
        now = interests.find(face.context, me.reader.id, profile.id)
        return _list(request, face, me, now, said="meanwhile", status=409)
    except UsageError as error:
        wrong = _worded(error, words_of(request))
        return _list(request, face, me, profile, wrong=wrong, status=422)
    return see(f"/my/profiles/{profile.id}/versions?said={said}")


def _worded(error: UsageError, words: Words) -> str:
    """What is wrong, in the reader's language as far as the catalogs have it."""
    text = str(error)
    return words.gettext(text) if text in versions.TOLD else text


@router.post("/my/profiles/{which}/bring-back", dependencies=OURS)
def bring_back(face: Means, me: Me, which: str) -> Response:
    """A removed profile is in use again."""
    if not _WHICH.fullmatch(which):
        raise HTTPException(404)
    versions.bring_back(face.context, me.reader.id, int(which))
    return see("/my/profiles?said=back")


# --- two of them ---------------------------------------------------------------------------------
@router.api_route("/my/profiles/{which}/versions/{a}/{b}", methods=LOOKING)
def beside(
    request: Request,
    face: Means,
    me: Me,
    which: str,
    a: Number,
    b: Number,
    *,
    span: Literal["7", "30"] = "7",
) -> HTMLResponse:
    """What version `b` changed against `a`, and what it changes in the last days' digests."""
    profile = _found(face, me.reader.id, which)
    context, reader, words = face.context, me.reader, words_of(request)
    before, after = (versions.body_of(context, reader.id, profile.id, one) for one in (a, b))
    wrong, found = "", None
    try:
        with LOOKING_BACK.of(reader.id):
            found = compare(context, reader, profile.id, after, span=int(span), base=before)
    except UsageError as error:
        wrong = str(error)
    return page(
        request,
        "my_version",
        profile=profile,
        a=a,
        b=b,
        span=span,
        rows=[*_rows(difference(before, after), words)],
        effect=effect(found, words) if found else None,
        wrong=wrong,
    )


def _rows(changed: Difference, words: Words) -> Iterator[Row]:
    """Each part that differs, with what either version has alone."""
    for part in changed.parts:
        name = words.gettext(PARTS[part.name])
        yield Row(name=name, before=_column(part.removed), after=_column(part.added))
    for text, *weights in changed.weights[:ITEMS_MOST]:
        name = words.gettext("Weight of “%(name)s”", name=cut(clean(text), ITEM))
        yield _numbers(name, weights, words)
    if changed.share:
        yield _numbers(words.gettext("Share"), changed.share, words)
    if changed.description:
        before, after = (
            _column([text] if text else [], DESCRIPTION) for text in changed.description
        )
        yield Row(name=words.gettext("Description"), before=before, after=after)


def _numbers(name: str, numbers: Sequence[float], words: Words) -> Row:
    before, after = (_column([words.number(number)]) for number in numbers)
    return Row(name=name, before=before, after=after)


def _column(items: Sequence[str], most: int = ITEM) -> Column:
    shown = [cut(clean(item), most) for item in items[:ITEMS_MOST]]
    return Column(items=shown, more=max(0, len(items) - ITEMS_MOST))


def _found(face: Face, reader_id: int, which: str) -> Saved:
    """The profile of that number. Another reader's is not there."""
    if not _WHICH.fullmatch(which):
        raise HTTPException(404)
    return interests.find(face.context, reader_id, int(which))
