"""Why did I get this, or why not? A paper's way to its reader, and the smallest edit that turns it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from tasks.desk.tuning import effect_words
from tasks.desk.tuning.effect_words import adding_up
from tasks.desk.tuning.inquiry import flipping, why_words
from tasks.desk.tuning.inquiry import why as whys
from tasks.desk.tuning.inquiry.edits import Edit, Kind
from tasks.desk.tuning.inquiry.flipping import Search
from tasks.desk.tuning.inquiry.standing import odds
from tasks.desk.tuning.inquiry.why import Story
from tasks.desk.visiting import Visitor
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.profile_json import TERM_MOST
from tasks.records import Paper, PickKind, Reader, Score, Want
from tasks.render.plan import Sheet, sheet
from tasks.render.text import clean, cut
from tasks.store.search import LONGEST
from templates import Words, msgid
from workers.web.doors import LOOKING, OURS
from workers.web.effect import Bar
from workers.web.page import Face, Me, Means, page, see, words_of
from workers.web.rooms import Filled, here, text_of
from workers.web.turns import LOOKING_BACK

SIGHTS_MOST = 12  # sightings that are shown: the first ones, and how many more there are
OTHERS_MOST = 3  # profiles beside the one that decided
NEIGHBOURS_MOST = 5
SOURCE = 60  # characters of a source's name
SAID = 80  # of a mail server's answer
LOWEST, HIGHEST = -9.0, 5.0  # log-odds: the ends of the bar, values of 0.0001 and 0.993
BARRED = -50.0  # log-odds: what lies below was barred, and its sum says nothing
WANTS = {
    Want.MORE: msgid("You wanted more like it"),
    Want.LESS: msgid("You wanted less like it"),
    Want.SAVE: msgid("You saved it"),
    Want.HIDE: msgid("You hid it"),
}
_ID = re.compile(r"[1-9]\d{0,17}", re.ASCII)
_NUMBER = re.compile(r"\d{1,4}(\.\d{1,4})?", re.ASCII)

router = APIRouter()


@router.api_route("/my/why", methods=LOOKING)
def ask(request: Request, face: Means, _: Me, q: str = "") -> Response:
    """A paper by its id, address or title; papers to choose from where several may be meant."""
    found = whys.named(face.context, q) if q.strip() else whys.Named("", None)
    if found.entry is not None:
        return see(f"/my/why/{found.entry}")
    words = words_of(request)
    papers = [(int(paper.id), sheet(paper, words)) for paper in found.papers]
    return page(request, "my_why", asked=found.asked[:LONGEST], papers=papers, story=None)


@router.api_route("/my/why/{name}", methods=LOOKING)
def tell(request: Request, face: Means, me: Me, name: str) -> Response:
    """The paper's way, what decided, and what would have turned it."""
    if not _ID.fullmatch(name):
        raise HTTPException(404)
    with LOOKING_BACK.of(me.reader.id):
        story = whys.why(face.context, me.reader, int(name))
        if int(story.paper.id) != int(name):
            return see(f"/my/why/{story.paper.id}")
        return _shown(request, face, me, story)


@router.post("/my/why/{name}/apply", dependencies=OURS)
def apply(request: Request, face: Means, me: Me, name: str, form: Filled) -> Response:
    """Take the edit that was proposed."""
    if not _ID.fullmatch(name):
        raise HTTPException(404)
    story = whys.why(face.context, me.reader, int(name))
    edit, which, expected = _sent(form)
    try:
        flipping.take(face.context, me.reader, which, edit, expected=expected)
    except (Conflict, UsageError) as error:
        wrong = words_of(request).gettext(str(error))
        status = 409 if isinstance(error, Conflict) else 422
        return _shown(request, face, me, story, wrong=wrong, status=status)
    return see("/my/profiles?said=saved" if edit.is_of_profile else "/my/preferences?said=saved")


def _sent(form: Filled) -> tuple[Edit, int, int]:
    """The edit that a form names, of which profile, at which version."""
    kind, which, expected = (text_of(form, part) for part in ("kind", "profile", "version"))
    before, after = text_of(form, "before") or "0", text_of(form, "after") or "0"
    text = text_of(form, "text")
    if kind not in list(Kind) or len(text) > TERM_MOST:
        raise HTTPException(400)
    if not (_ID.fullmatch(which) and _ID.fullmatch(expected)):
        raise HTTPException(400)
    if not (_NUMBER.fullmatch(before) and _NUMBER.fullmatch(after)):
        raise HTTPException(400)
    edit = Edit(
        size=0, kind=Kind(kind), position=0, text=text, before=float(before), after=float(after)
    )
    return edit, int(which), int(expected)


# --- the page ------------------------------------------------------------------------------------
@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """A step of the way: when, what kind it was (for its mark), and what happened."""

    at: datetime
    mark: str
    said: str
    more: str = ""
    link: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sum:
    """A score as a sum, for `sum` in `_plots.html`, and beside its line: places on a bar of 100."""

    name: str
    bars: tuple[Bar, ...]
    least: float
    reach: float
    raw: float
    score: float
    shown: str
    shown_line: str
    at: float
    line_at: float
    is_over: bool


def _shown(
    request: Request, face: Face, me: Visitor, story: Story, *, wrong: str = "", status: int = 200
) -> HTMLResponse:
    words = words_of(request)
    found = flipping.flip(story)
    return page(
        request,
        "my_why",
        status=status,
        asked="",
        papers=[],
        story={
            "entry": int(story.paper.id),
            "sheet": sheet(story.paper, words),
            "verdict": why_words.verdict(story, words),
            "grounds": why_words.grounds(story, words),
            "events": _in_order(_events(story, words), me.reader),
            "unseen": max(0, len(story.traced.sights) - SIGHTS_MOST),
            "sums": list(_sums(story, words)),
            "seated": _neighbours(_seated(story), words),
            "came": _came(story),
            "flip": _proposed(face, me, found, words),
            "searched": why_words.searched(found, words),
            "wrong": wrong,
        },
    )


def _seated(story: Story) -> Sequence[Paper]:
    """Who got the places, where it is sure that they did."""
    return story.decided.seated if story.decided and story.agrees and not story.sent else ()


def _came(story: Story) -> bool:
    return story.sent is not None or bool(story.comes)


def _proposed(face: Face, me: Visitor, found: Search, words: Words) -> dict[str, object] | None:
    """The edit, what it would do to the last week, and the fields of its form."""
    flip = found.flip
    if flip is None:
        return None
    try:
        made = flipping.proposal(face.context, me.reader, flip.profile_id, flip.edit)
    except (UnknownName, UsageError):  # the profile is gone, or is full by now
        made = None
    edit = flip.edit
    fields = {
        "kind": edit.kind.value,
        "text": edit.text,
        "before": f"{edit.before:g}",
        "after": f"{edit.after:g}",
        "profile": flip.profile_id,
        "version": made.version if made else 0,
    }
    return {
        "named": why_words.named(edit, words),
        "profile": cut(clean(flip.profile_name), SOURCE) if edit.is_of_profile else "",
        "neighbours": why_words.neighbours(found, words),
        "entering": _neighbours(flip.entering, words),
        "leaving": _neighbours(flip.leaving, words),
        "week": effect_words.verdict(made.week, words) if made else "",
        "changed": made is not None and made.version != flip.version,
        "fields": fields if made else None,
    }


def _neighbours(papers: Sequence[Paper], words: Words) -> list[tuple[int, Sheet]]:
    return [(int(one.id), sheet(one, words)) for one in papers[:NEIGHBOURS_MOST]]


# --- the way -------------------------------------------------------------------------------------
def _events(story: Story, words: Words) -> Iterator[Event]:
    """Everything that happened, as far as it is known."""
    yield from _arrivals(story, words)
    for at, want in story.answers:
        yield Event(at=at, mark="said", said=words.gettext(WANTS[want]))
    for one in story.considered:
        made = words.gettext("Digest of %(day)s", day=words.date(one.made.day))
        yield Event(
            at=one.made.at,
            mark="chosen" if one.brought else "passed",
            said=f"{made}: {why_words.outcome(one, words)}",
            more="" if one.agrees else words.gettext("made again today it differs"),
            link=f"/my/digests/{one.made.day}",
        )
    yield from _delivered(story, words)
    if story.due:
        yield Event(at=story.due, mark="due", said=words.gettext("Your next digest"))


def _in_order(events: Iterable[Event], reader: Reader) -> list[Event]:
    """By their moments, on the reader's own clock."""
    ordered = sorted(events, key=lambda event: event.at)
    return [replace(event, at=here(reader, event.at)) for event in ordered]


def _arrivals(story: Story, words: Words) -> Iterator[Event]:
    for sight in story.traced.sights[:SIGHTS_MOST]:
        facts = [words.gettext("place %(rank)s", rank=words.number(sight.rank))]
        if sight.votes is not None:
            facts.append(words.ngettext("%(num)s vote", "%(num)s votes", sight.votes))
        if sight.version:
            facts.append(words.gettext("version %(number)s", number=sight.version))
        name = cut(clean(sight.source), SOURCE)
        yield Event(
            at=sight.at,
            mark="seen",
            said=words.gettext("Seen in %(source)s", source=name),
            more=", ".join(facts),
        )
    for one in story.traced.joined:
        yield Event(
            at=one.since,
            mark="joined",
            said=words.gettext("Known under a second entry, which turned out to be the same"),
            more=cut(clean(one.title), 2 * SOURCE),
        )
    if story.traced.arrived:
        yield Event(at=story.traced.arrived, mark="came", said=words.gettext("It came in as news"))


def _delivered(story: Story, words: Words) -> Iterator[Event]:
    handed = story.sent[0].handed if story.sent else None
    if handed is None:
        return
    for at, state in handed.attempts:
        if state == "sent":
            answer = cut(clean(handed.said), SAID)
            said = words.gettext("Your mail was handed over")
            yield Event(at=at, mark="sent", said=said, more=answer)
        else:
            yield Event(at=at, mark="passed", said=words.gettext("Your mail was not taken yet"))


# --- scores --------------------------------------------------------------------------------------
def _sums(story: Story, words: Words) -> Iterator[Sum]:
    """The profile that decided first, then others; nothing where no score decided. What was sent is told
    as it was scored then.
    """
    seen, pick = story.decided, story.sent[1] if story.sent else None
    if seen is None or (pick and pick.kind is PickKind.POPULAR):
        return
    key = pick.score.profile_id if pick else None
    ordered = sorted(seen.stands, key=lambda stand: stand.profile_id != key)
    for stand in ordered[: 1 + OTHERS_MOST]:
        score = pick.score if pick and stand.profile_id == key else stand.score
        if score.raw > BARRED:
            yield _sum(stand.name, score, min(stand.least, 1.0), words)


def _sum(name: str, score: Score, least: float, words: Words) -> Sum:
    *reasons, base = adding_up(score, words)
    bars = [
        Bar(label=r.label, value=r.value, x=min(r.value, 0.0), wide=abs(r.value)) for r in reasons
    ]
    first = min((bar.x for bar in bars), default=0.0)
    last = max((bar.x + (bar.wide or 0.0) for bar in bars), default=0.0)
    return Sum(
        name=cut(clean(name), SOURCE),
        bars=(*bars, Bar(label=base.label, value=base.value, x=0.0, wide=None)),
        least=first,
        reach=round(last - first, 2) or 1.0,
        raw=score.raw,
        score=score.value,
        shown=why_words.match(score.value, words),
        shown_line=why_words.match(least, words),
        at=_place(score.raw),
        line_at=_place(odds(least)),
        is_over=score.value >= least,
    )


def _place(raw: float) -> float:
    """Where a score stands on a bar from 0 to 100."""
    return round(100 * (min(max(raw, LOWEST), HIGHEST) - LOWEST) / (HIGHEST - LOWEST), 1)
