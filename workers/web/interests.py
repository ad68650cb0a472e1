"""A reader's profiles: what interests them, how much room each gets, and trying an edit out first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from starlette.datastructures import FormData

from tasks.desk import interests
from tasks.desk.interests import Preview
from tasks.errors import Conflict, UsageError
from tasks.profile_json import LISTS, PAPERS
from tasks.render.text import clean, cut
from tasks.store.profiles import Saved
from templates import Words
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Me, Means, page, see, words_of
from workers.web.picks import shown
from workers.web.rooms import Filled, text_of, texts_of

SHOWN_MOST = 40  # example papers that are listed, the newest: the rest is counted
PICKS_MOST = 15  # papers of a preview that are shown, and as many that go
TITLE = 140  # characters of an example's title
HOLDS = ("terms", "phrases", "authors", "categories")  # what a profile is known by
HOLDS_MOST = 8
_WHICH = re.compile(r"[1-9]\d{0,17}", re.ASCII)

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form as it was filled in. `lists` hold one thing a line; `version` is the one it began from.

    `dropped` names the papers to take out, by their list and place: ``examples-3``.
    """

    name: str = ""
    description: str = ""
    share: str = "1"
    lists: Mapping[str, str] = field(default_factory=lambda: dict.fromkeys(LISTS, ""))
    version: int = 0
    dropped: frozenset[str] = frozenset()

    def body(self, base: Mapping[str, Any]) -> dict[str, Any]:
        """The profile that it asks for; weights and papers are those of the version it began from."""
        body: dict[str, Any] = {part: text.splitlines() for part, text in self.lists.items()}
        body |= {"name": self.name, "description": self.description, "share": _number(self.share)}
        body |= {"weights": base.get("weights")}
        for part in PAPERS:
            papers = enumerate(base.get(part) or ())
            body[part] = [one for at, one in papers if f"{part}-{at}" not in self.dropped]
        return body


@dataclass(frozen=True, slots=True, kw_only=True)
class Example:
    """A paper of a profile as the form lists it."""

    key: str
    title: str


# --- the list ------------------------------------------------------------------------------------
@router.api_route("/my/profiles", methods=LOOKING)
def list_profiles(request: Request, face: Means, me: Me, said: str = "") -> HTMLResponse:
    """Each profile with its part of the digest and what it holds."""
    known = interests.list_profiles(face.context, me.reader.id)
    total = sum(_share(one.body) for one in known) or 1
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "version": one.version,
            "share": _share(one.body) / total,
            "holds": _holds(one.body),
            "papers": sum(len(one.body.get(part) or ()) for part in PAPERS),
        }
        for one in known
    ]
    full = len(known) >= interests.PROFILES_MOST
    return page(request, "my_profiles", rows=rows, said=said, full=full)


def _holds(body: Mapping[str, Any]) -> str:
    """The first few things that it names."""
    named = [clean(str(one)) for part in HOLDS for one in body.get(part) or ()]
    some = ", ".join(cut(one, 60) for one in named[:HOLDS_MOST])
    some += ", …" if len(named) > HOLDS_MOST else ""
    return some or cut(clean(str(body.get("description") or "")), TITLE)


# --- one of them ---------------------------------------------------------------------------------
@router.api_route("/my/profiles/{which}", methods=LOOKING)
def look(request: Request, face: Means, me: Me, which: str) -> HTMLResponse:
    """The form as the profile stands, or an empty one for a new profile."""
    profile = _found(face, me.reader.id, which)
    return _page(request, profile, _as_known(profile) if profile else Typed())


@router.post("/my/profiles/{which}", dependencies=OURS)
def save(request: Request, face: Means, me: Me, which: str, form: Filled) -> Response:
    """Keep the form as the profile's next version, or show what it would bring.

    Where another version was saved meanwhile, both are shown, and nothing of what was typed is lost.
    """
    profile = _found(face, me.reader.id, which)
    typed = _typed(form)
    base = interests.body_of(face.context, profile, typed.version) if profile else {}
    if text_of(form, "do") == "preview":
        return _previewed(request, face, me, profile, typed, base)
    try:
        interests.read_name(typed.name)
        name, expected = (profile.name, typed.version) if profile else (typed.name, None)
        body = typed.body(base)
        interests.save(face.context, me.reader.id, name, body, expected=expected)
    except Conflict as error:
        if profile is None:
            return _page(request, profile, typed, wrong=error, status=422)
        now = interests.find(face.context, me.reader.id, profile.id)
        moved = replace(typed, version=now.version, dropped=_moved(typed.dropped, base, now.body))
        return _page(request, now, moved, meanwhile=True, status=409)
    except UsageError as error:
        return _page(request, profile, typed, base=base, wrong=error, status=422)
    return see("/my/profiles?said=saved")


def _previewed(
    request: Request,
    face: Face,
    me: Me,
    profile: Saved | None,
    typed: Typed,
    base: Mapping[str, Any],
) -> HTMLResponse:
    which = profile.id if profile else None
    try:
        found = interests.preview(face.context, me.reader, which, typed.body(base))
    except UsageError as error:
        return _page(request, profile, typed, base=base, looked=True, wrong=error)
    return _page(request, profile, typed, base=base, looked=True, preview=found)


# --- removing ------------------------------------------------------------------------------------
@router.api_route("/my/profiles/{which}/remove", methods=LOOKING)
def ask_to_remove(request: Request, face: Means, me: Me, which: str) -> HTMLResponse:
    """What removing would mean, and its button."""
    profile = _found(face, me.reader.id, which)
    if profile is None:
        raise HTTPException(404)
    others = len(interests.list_profiles(face.context, me.reader.id)) - 1
    return page(request, "my_remove", profile=profile, holds=_holds(profile.body), others=others)


@router.post("/my/profiles/{which}/remove", dependencies=OURS)
def remove(face: Means, me: Me, which: str) -> Response:
    """Delete the profile."""
    profile = _found(face, me.reader.id, which)
    if profile is None:
        raise HTTPException(404)
    interests.remove(face.context, me.reader.id, profile.name)
    return see("/my/profiles?said=removed")


# --- the form ------------------------------------------------------------------------------------
def _found(face: Face, reader_id: int, which: str) -> Saved | None:
    """The profile of that number; None for `new`. Another reader's is not there."""
    if which == "new":
        return None
    if not _WHICH.fullmatch(which):
        raise HTTPException(404)
    return interests.find(face.context, reader_id, int(which))


def _typed(form: FormData) -> Typed:
    version = text_of(form, "version")
    return Typed(
        name=text_of(form, "name").strip(),
        description=text_of(form, "description"),
        share=text_of(form, "share").strip(),
        lists={part: text_of(form, part) for part in LISTS},
        version=int(version) if re.fullmatch(r"\d{1,9}", version, re.ASCII) else 0,
        dropped=frozenset(texts_of(form, "drop")),
    )


def _as_known(profile: Saved) -> Typed:
    body = profile.body
    return Typed(
        name=profile.name,
        description=str(body.get("description") or ""),
        share=f"{_share(body):g}",
        lists={part: "\n".join(map(str, body.get(part) or ())) for part in LISTS},
        version=profile.version,
    )


def _moved(
    dropped: frozenset[str], base: Mapping[str, Any], now: Mapping[str, Any]
) -> frozenset[str]:
    """The same papers, by their places in another version."""
    gone = {
        part: [one for at, one in enumerate(base.get(part) or ()) if f"{part}-{at}" in dropped]
        for part in PAPERS
    }
    return frozenset(
        f"{part}-{at}"
        for part in PAPERS
        for at, one in enumerate(now.get(part) or ())
        if one in gone[part]
    )


def _share(body: Mapping[str, Any]) -> float:
    return float(body.get("share") or 1)


def _number(text: str) -> object:
    try:
        return float(text.replace(",", "."))
    except ValueError:
        return text


def _page(
    request: Request,
    profile: Saved | None,
    typed: Typed,
    *,
    base: Mapping[str, Any] | None = None,
    wrong: UsageError | None = None,
    looked: bool = False,
    preview: Preview | None = None,
    meanwhile: bool = False,
    status: int = 200,
) -> HTMLResponse:
    words = words_of(request)
    holds = base if base is not None else profile.body if profile else {}
    return page(
        request,
        "my_profile",
        status=status,
        profile=profile,
        typed=typed,
        papers={part: _listed(holds, part) for part in PAPERS},
        counts={part: len(holds.get(part) or ()) for part in PAPERS},
        wrong=_told(words, wrong) if wrong else "",
        looked=looked,
        preview=preview,
        picks=shown(preview.after[:PICKS_MOST], words) if preview else [],
        leaving=shown(preview.leaving[:PICKS_MOST], words) if preview else [],
        meanwhile=_as_known(profile) if meanwhile and profile else None,
    )


def _told(words: Words, error: UsageError) -> str:
    """What is wrong, in the reader's language as far as the catalogs have it."""
    said = str(error)
    return words.gettext(said) if said in interests.TOLD else said


def _listed(body: Mapping[str, Any], part: str) -> list[Example]:
    """The newest papers of a profile, the newest first."""
    papers = list(enumerate(body.get(part) or ()))[::-1][:SHOWN_MOST]
    return [Example(key=f"{part}-{at}", title=_title(one)) for at, one in papers]


def _title(paper: object) -> str:
    told = paper if isinstance(paper, dict) else {"title": paper}
    return cut(clean(str(told.get("title") or told.get("abstract") or "")), TITLE)
