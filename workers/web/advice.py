"""What is wrong with a profile and what would sharpen it, each with what taking it would do."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Form, HTTPException, Query, Request
from fastapi.responses import HTMLResponse, Response

from tasks.desk import interests
from tasks.desk.tuning.advice import advice_words, suggesting, taking
from tasks.desk.tuning.advice.linting import lint
from tasks.desk.tuning.advice.mending import Mend, effect
from tasks.desk.tuning.advice.remarks import Remark
from tasks.desk.tuning.advice.suggesting import Suggestion, Suggestions, suggest
from tasks.desk.tuning.machine import Comparison
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.records import Paper, Reader
from tasks.render.plan import Sheet, sheet
from tasks.store.profiles import Saved
from templates import Words
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Me, Means, page, see, words_of
from workers.web.turns import LOOKING_BACK

SHOWN_MOST = 6  # remarks on a page
EFFECTS_MOST = 6  # mends that are tried out at once: each costs a replay
TITLES_MOST = 12  # of the papers that a change brings, and of those it sends away
SPAN = 30
_WHICH = re.compile(r"[1-9]\d{0,17}", re.ASCII)

router = APIRouter()
Seen = Annotated[int, Form(alias="version", ge=1, le=10**9)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A paper by its title; `entry` is None where we do not have it."""

    entry: int | None
    sheet: Sheet


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What a change does, in words, and the titles of what it brings and sends away."""

    said: str
    entering: list[Named]
    leaving: list[Named]
    more: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """A button: its name, what it sends, why it is there, and what it would do, once that was tried out."""

    do: str
    label: str
    why: str = ""
    change: Change | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """A remark as the page shows it."""

    said: str
    papers: list[Named]
    choices: list[Choice]


# --- looking -------------------------------------------------------------------------------------
@router.api_route("/my/profiles/{which}/advice", methods=LOOKING)
def look(
    request: Request,
    face: Means,
    me: Me,
    which: str,
    said: str = "",
    tried: Annotated[str, Query(alias="try", max_length=40)] = "",
    first: Annotated[int, Query(alias="from", ge=0, le=10**4)] = 0,
) -> HTMLResponse:
    """The faults with their mends, then what would sharpen the profile, then papers to judge."""
    profile = _found(face, me.reader.id, which)
    return _page(request, face, me.reader, profile, said=said, tried=tried, first=first)


def _page(
    request: Request,
    face: Face,
    reader: Reader,
    profile: Saved,
    *,
    said: str = "",
    wrong: str = "",
    tried: str = "",
    first: int = 0,
    status: int = 200,
) -> HTMLResponse:
    words = words_of(request)
    with LOOKING_BACK.of(reader.id):
        found = lint(face.context, reader, profile.id, profile.body)
        shown = found[first : first + SHOWN_MOST]
        faults = list(_faults(face, reader, profile, shown, tried, words))
        sharper = suggest(face.context, reader, profile.id, profile.body)
    own = interests.list_profiles(face.context, reader.id)
    return page(
        request,
        "my_advice",
        status=status,
        profile=profile,
        said=said,
        wrong=wrong,
        tried=tried,
        first=first,
        glad=words.gettext(advice_words.GLAD),
        nothing=words.gettext(advice_words.NO_MORE),
        faults=faults,
        more=max(0, len(found) - first - len(shown)),
        suggestions=list(_suggestions(sharper, words)),
        questions=[
            {"named": _named(one.paper, words), "why": advice_words.question(one, words)}
            for one in sharper.questions
        ],
        spans=(SPAN, suggesting.SPAN),
        is_first=own[0].id == profile.id,
    )


def _faults(
    face: Face,
    reader: Reader,
    profile: Saved,
    remarks: Sequence[Remark],
    tried: str,
    words: Words,
) -> Iterator[Fault]:
    """The remarks; the first few mends, and the one that was asked for, with what they would do."""
    left = EFFECTS_MOST
    for remark in remarks:
        choices = []
        for mend in remark.mends:
            wanted = left > 0 or mend.key == tried
            left -= 1
            change = _tried(face, reader, profile, mend, words) if wanted else None
            label = advice_words.mend(mend, words)
            choices.append(Choice(do=f"mend:{mend.key}", label=label, change=change))
        papers = [_named(paper, words) for paper in remark.papers]
        yield Fault(said=advice_words.remark(remark, words), papers=papers, choices=choices)


def _tried(face: Face, reader: Reader, profile: Saved, mend: Mend, words: Words) -> Change:
    found = effect(face.context, reader, profile.id, profile.body, mend, span=SPAN)
    return _change(found, words)


def _suggestions(sharper: Suggestions, words: Words) -> Iterator[Choice]:
    for one in (*sharper.terms, *sharper.authors, *sharper.papers):
        yield Choice(
            do=_adding(one),
            label=advice_words.suggestion(one, words),
            why=advice_words.grounds(one, sharper, words),
            change=_change(one.effect, words),
        )


def _adding(one: Suggestion) -> str:
    return f"{one.kind}:{one.paper.id if one.paper else one.text}"


def _change(found: Comparison, words: Words) -> Change:
    """The newest papers first."""
    entering, leaving = (
        [pick.paper for _, pick in some][::-1] for some in (found.entering, found.leaving)
    )
    more = sum(max(0, len(some) - TITLES_MOST) for some in (entering, leaving))
    return Change(
        said=advice_words.effect(found, words),
        entering=_all_named(entering, words),
        leaving=_all_named(leaving, words),
        more=more,
    )


def _all_named(papers: Iterable[Paper], words: Words) -> list[Named]:
    return [_named(paper, words) for paper in [*papers][:TITLES_MOST]]


def _named(paper: Paper, words: Words) -> Named:
    entry = paper.id if isinstance(paper.id, int) else None
    return Named(entry=entry, sheet=sheet(paper, words))


# --- taking --------------------------------------------------------------------------------------
@router.post("/my/profiles/{which}/advice", dependencies=OURS)
def take(
    request: Request,
    face: Means,
    me: Me,
    which: str,
    seen: Seen,
    do: Annotated[str, Form(max_length=400)],
) -> Response:
    """Take a mend or a suggestion: it is saved as the profile's next version."""
    profile = _found(face, me.reader.id, which)
    kind, _, text = do.partition(":")
    try:
        if kind == "mend":
            gone = taking.take_mend(face.context, me.reader, profile.id, text, expected=seen)
            if gone:
                return see("/my/profiles?said=removed")
        else:
            taking.take(face.context, me.reader, profile.id, kind, text, expected=seen)
    except UnknownName:
        raise
    except Conflict:
        now = interests.find(face.context, me.reader.id, profile.id)
        return _page(request, face, me.reader, now, said="meanwhile", status=409)
    except UsageError as error:
        return _page(request, face, me.reader, profile, wrong=str(error), status=422)
    return see(f"/my/profiles/{profile.id}/advice?said=taken")


def _found(face: Face, reader_id: int, which: str) -> Saved:
    """The profile of that number. Another reader's is not there."""
    if not _WHICH.fullmatch(which):
        raise HTTPException(404)
    return interests.find(face.context, reader_id, int(which))
