"""A reader's profiles: what interests them, how much room each gets, and trying an edit out first."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from tasks.desk import interests, preferring, versions
from tasks.desk.tuning import machine, shadows
from tasks.desk.tuning.machine import SPANS, Comparison
from tasks.desk.visiting import Visitor
from tasks.errors import Conflict, UsageError
from tasks.profile_json import PAPERS
from tasks.render.text import clean, cut
from tasks.store.profiles import Saved
from templates import Words
from workers.web.doors import LOOKING, OURS
from workers.web.effect import effect
from workers.web.page import Face, Me, Means, page, see, words_of
from workers.web.rooms import text_of
from workers.web.tuner_form import ABOUT, LISTED_MOST, PARTS, SHARE, Sent, Typed, as_known, read
from workers.web.turns import LOOKING_BACK

ABOUT_MOST = 140  # characters of a description in the list
HOLDS = ("terms", "phrases", "authors", "categories")  # what a profile is known by
HOLDS_MOST = 8
TOLD = (*interests.TOLD, *(said for _, said in preferring.RULES.values()))  # what the catalogs have
_WHICH = re.compile(r"[1-9]\d{0,17}", re.ASCII)

router = APIRouter()


# --- the list ------------------------------------------------------------------------------------
@router.api_route("/my/profiles", methods=LOOKING)
def list_profiles(request: Request, face: Means, me: Me, said: str = "") -> HTMLResponse:
    """Each profile with its part of the digest and what it holds."""
    known = interests.list_profiles(face.context, me.reader.id)
    total = sum(_share(one.body) for one in known) or 1
    on_trial = shadows.running(face.context, me.reader.id)
    rows = [
        {
            "id": one.id,
            "name": one.name,
            "version": one.version,
            "share": _share(one.body) / total,
            "holds": _holds(one.body),
            "papers": sum(len(one.body.get(part) or ()) for part in PAPERS),
            "on_trial": one.id == on_trial,
        }
        for one in known
    ]
    full = len(known) >= interests.PROFILES_MOST
    removed = versions.removed(face.context, me.reader.id)
    return page(request, "my_profiles", rows=rows, said=said, full=full, removed=removed)


def _holds(body: Mapping[str, Any]) -> str:
    """The first few things that it names."""
    named = [clean(str(one)) for part in HOLDS for one in body.get(part) or ()]
    some = ", ".join(cut(one, 60) for one in named[:HOLDS_MOST])
    some += ", …" if len(named) > HOLDS_MOST else ""
    return some or cut(clean(str(body.get("description") or "")), ABOUT_MOST)


# --- one of them ---------------------------------------------------------------------------------
@router.api_route("/my/profiles/{which}", methods=LOOKING)
def look(request: Request, face: Means, me: Me, which: str) -> HTMLResponse:
    """The form as the profile stands, or an empty one for a new profile."""
    profile = _found(face, me.reader.id, which)
    return _Tuner(request, face, me, profile).page(as_known(profile, me.reader))


@router.post("/my/profiles/{which}", dependencies=OURS)
def save(request: Request, face: Means, me: Me, which: str, form: Sent) -> Response:
    """Keep the form as the profile's next version, or show what it would do.

    Where another version was saved meanwhile, both are shown, and nothing of what was typed is lost.
    """
    profile, typed = _found(face, me.reader.id, which), read(form)
    tuner = _Tuner(request, face, me, profile)
    if text_of(form, "do") != "save":
        return tuner.page(typed)
    base = tuner.base(typed)
    try:
        _check(typed)
        name, expected = (profile.name, typed.version) if profile else (typed.name, None)
        interests.save(face.context, me.reader.id, name, typed.body(base), expected=expected)
    except Conflict as error:
        if profile is None:
            return tuner.page(typed, wrong=error, status=422)
        now = interests.find(face.context, me.reader.id, profile.id)
        moved = replace(typed, version=now.version, dropped=_moved(typed.dropped, base, now.body))
        return _Tuner(request, face, me, now).page(moved, meanwhile=True, status=409)
    except UsageError as error:
        return tuner.page(typed, wrong=error, status=422)
    if typed.wishes:
        preferring.prefer(face.context, me.reader.id, **typed.wishes)
    return see("/my/profiles?said=saved")


def _check(typed: Typed) -> None:
    """What the form asks for beside the profile can be. Raises `UsageError`."""
    interests.read_name(typed.name)
    wrong = preferring.faults(typed.wishes)
    if wrong:
        raise UsageError(wrong["about"])


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


# --- which one ------------------------------------------------------------------------------------
def _found(face: Face, reader_id: int, which: str) -> Saved | None:
    """The profile of that number; None for `new`. Another reader's is not there."""
    if which == "new":
        return None
    if not _WHICH.fullmatch(which):
        raise HTTPException(404)
    return interests.find(face.context, reader_id, int(which))


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


# --- the page ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True)
class _Tuner:
    """One profile, or a new one, before who edits it."""

    request: Request
    face: Face
    me: Visitor
    profile: Saved | None

    def base(self, typed: Typed) -> Mapping[str, Any]:
        """The version that an edit began from."""
        if self.profile is None:
            return {}
        return interests.body_of(self.face.context, self.profile, typed.version)

    def page(
        self,
        typed: Typed,
        *,
        wrong: UsageError | None = None,
        meanwhile: bool = False,
        status: int = 200,
    ) -> HTMLResponse:
        """The form and what it does; what is wrong with it instead, if anything is."""
        words, base = words_of(self.request), self.base(typed)
        found = None
        if wrong is None and not (self.profile is None and typed.is_empty):
            try:
                found = effect(self._compared(typed, base), words)
            except UsageError as error:
                wrong = error
        told = _told(words, wrong) if wrong else ""
        return page(
            self.request,
            "my_profile",
            status=status,
            profile=self.profile,
            several=len(interests.list_profiles(self.face.context, self.me.reader.id)) > 1,
            typed=typed,
            scales={"share": SHARE.slider(typed.share), "about": ABOUT.slider(typed.about)},
            papers={part: typed.papers(base, part) for part in PAPERS},
            listed_most=LISTED_MOST,
            parts=PARTS,
            spans=SPANS,
            wrong=told,
            effect=found,
            announced="hx-request" in self.request.headers,
            meanwhile=as_known(self.profile, self.me.reader) if meanwhile else None,
        )

    def _compared(self, typed: Typed, base: Mapping[str, Any]) -> Comparison:
        wrong = preferring.faults(typed.wishes)
        if wrong:
            raise UsageError(wrong["about"])
        reader = replace(self.me.reader, **typed.wishes)  # type: ignore[arg-type]  # `faults` saw it
        which = self.profile.id if self.profile else None
        body = typed.body(base)
        with LOOKING_BACK.of(reader.id):
            return machine.compare(self.face.context, reader, which, body, span=typed.span)


def _told(words: Words, error: UsageError) -> str:
    """What is wrong, in the reader's language as far as the catalogs have it."""
    said = str(error)
    return words.gettext(said) if said in TOLD else said
