"""A digest's words: the same picks, numbers and reasons as html and as plain text.

Gmail clips a mail at about 102 KB of html, and what it hides first is the way to unsubscribe. So
the html is kept under `LARGEST` bytes, and whatever is shortened for that is shortened in both
bodies: abstracts from the bottom up, then papers to one line, then the last ones to a count.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Any

from tasks.records import Digest, Letterhead, Paper, Pick, Rendered
from tasks.render import links, words
from tasks.render.text import (
    clean,
    cut,
    cut_at_sentence,
    direction,
    fill,
    language,
    plain,
    width,
)
from templates import environment

LARGEST = 80_000  # bytes of html
TOP = 5  # papers in full: what fits into a morning
CONTENTS = 10  # a list of contents longer than this is no help
ABSTRACT, SHORTER = 600, 250  # characters
TITLE, NAME, NAMES = 300, 80, 3
WORDS_A_MINUTE = 200  # of dense text, read with care


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a mail says of a paper whoever reads it: plain text and safe links."""

    title: str
    url: str
    authors: str
    first_author: str
    subject: str
    abstract: str
    language: str
    direction: str
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One pick as the templates see it; `abstract` is empty for a paper on one line."""

    number: int
    sheet: Sheet
    strength: str
    why: str
    abstract: str
    profile: str


@dataclass(frozen=True, slots=True)
class Shape:
    """How much of a digest is shown: the room of each abstract from the top, and how many lines."""

    abstracts: tuple[int, ...]
    lines: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The picks in the order that both bodies show them in; `left_out` more are only counted."""

    top: tuple[Item, ...]
    groups: tuple[tuple[str, tuple[Item, ...]], ...]
    left_out: int

    @property
    def items(self) -> tuple[Item, ...]:
        return self.top + tuple(item for _, items in self.groups for item in items)


def render(digest: Digest, letterhead: Letterhead) -> Rendered:
    """The digest as subject, plain text and html, without a picture, a script or a hidden word.

    Everything from a paper is text and every link shows its true host. Where no public address is
    set (`letterhead.base_url`) or the reader has no token, links to us are left out. Raises
    `ValueError` for a digest without picks: such a digest is not sent.
    """
    if not digest.picks:
        raise ValueError(f"digest {digest.id} has no picks: there is nothing to send")
    subject = _template("subject.txt").render(
        title=sheet(digest.picks[0].paper).title, count=len(digest.picks), cut=cut
    )
    for shape in shapes(len(digest.picks)):
        context = _context(digest, letterhead, _plan(digest.picks, shape), subject)
        html = _template("body.html").render(context)
        if len(html.encode()) <= LARGEST:
            break
    return Rendered(subject=subject, text=_template("body.txt").render(context) + "\n", html=html)


def shapes(picks: int) -> Iterator[Shape]:
    """Every shape of a digest of so many picks, from the fullest to the last that always fits."""
    top = min(TOP, picks)
    for now, before in ((ABSTRACT, ABSTRACT), (SHORTER, ABSTRACT), (0, SHORTER)):
        for kept in reversed(range(top)):
            rooms = (before,) * kept + (now,) * (top - kept)
            if now != ABSTRACT or not kept:
                yield Shape(rooms, picks - top)
    for full in reversed(range(1, top)):
        yield Shape((0,) * full, picks - full)
    lines = picks - 1
    while lines:
        lines = lines * 3 // 4
        yield Shape((0,), lines)


@lru_cache(maxsize=2048)
def sheet(paper: Paper) -> Sheet:
    """The paper's part of a mail. Kept, since a good paper goes to many readers."""
    authors = [cut(plain(name), NAME) for name in paper.authors if plain(name)]
    others = len(authors) - NAMES
    shown = ", ".join(authors[:NAMES]) + (f" et al. ({len(authors)})" if others > 0 else "")
    title = cut(plain(paper.title), TITLE) or "Untitled paper"
    return Sheet(
        title=title,
        url=links.home(paper),
        authors=shown,
        first_author=(authors[0] + (" et al." if authors[1:] else "")) if authors else "",
        subject=_subject(paper),
        abstract=cut_at_sentence(plain(paper.abstract), ABSTRACT),
        language=language(title + paper.abstract),
        direction=direction(title),
        links=links.named(paper),
    )


def _subject(paper: Paper) -> str:
    """The paper's first category and its arXiv id, as far as they are known."""
    category = cut(clean(paper.categories[0]), NAME) if paper.categories else ""
    arxiv_id = f"arXiv {paper.arxiv_id}" if links.arxiv(paper, "abs") else ""
    return " · ".join(filter(None, (category, arxiv_id)))


def _plan(picks: Sequence[Pick], shape: Shape) -> Plan:
    several = len({pick.profile_name for pick in picks}) > 1
    full = len(shape.abstracts)
    rest = [_item(pick, 0, several) for pick in picks[full : full + shape.lines]]
    groups: dict[str, list[Item]] = {}
    for item in rest:
        groups.setdefault(item.profile, []).append(item)
    return Plan(
        top=tuple(
            _item(pick, room, several) for pick, room in zip(picks, shape.abstracts, strict=False)
        ),
        groups=tuple((name, tuple(items)) for name, items in groups.items()),
        left_out=len(picks) - full - len(rest),
    )


def _item(pick: Pick, room: int, several: bool) -> Item:
    """One pick with `room` characters for its abstract, and its profile if there are several."""
    shown = sheet(pick.paper)
    return Item(
        number=pick.place,
        sheet=shown,
        strength=words.strength(pick.score.value),
        why=words.why(pick.score),
        abstract=cut_at_sentence(shown.abstract, room) if room else "",
        profile=(cut(plain(pick.profile_name), NAME) or "Other") if several else "",
    )


def _context(digest: Digest, letterhead: Letterhead, plan: Plan, subject: str) -> dict[str, Any]:
    """The names that the templates use. Day names are English, as the rest of the mail."""
    reader = digest.reader
    return {
        "plan": plan,
        "subject": subject,
        "sender": cut(clean(letterhead.sender_name), NAME),
        "dateline": dateline(digest, minutes(plan)),
        "contents": 3 <= len(digest.picks) <= CONTENTS,
        "address": clean(reader.email),
        "next": next_time(digest),
        "ways": links.ways(letterhead, reader),
        "postal": cut(clean(letterhead.postal_address), TITLE),
        "fill": fill,
    }


def dateline(digest: Digest, minutes: int) -> str:
    """The first line, which inboxes show beside the subject: the day, how much, and how long."""
    papers = _counted(len(digest.picks), "paper")
    considered = max(digest.considered, len(digest.picks))
    day = f"{_day(digest.day)} {digest.day.year}"
    return f"{day} · {papers} of {considered} new · {_counted(minutes, 'minute')} to read"


def next_time(digest: Digest) -> str:
    """When the next digest comes, in the reader's own zone; empty where none is planned."""
    if digest.next_day is None:
        return ""
    return f"{_day(digest.next_day)}, about {digest.reader.hour:02d}:00 ({clean(digest.reader.timezone)})"


def _day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def minutes(plan: Plan) -> int:
    """How long the shown text takes to read; two Chinese letters count as one word."""
    text = " ".join(f"{item.sheet.title} {item.why} {item.abstract}" for item in plan.items)
    return max(1, round((len(text.split()) + (width(text) - len(text)) / 2) / WORDS_A_MINUTE))


def _template(name: str) -> Any:
    return environment.get_template(f"email/digest/{name}")
