"""What a digest shows: each paper's sheet, each pick's item, and the shapes that fit into a mail.

Both bodies are written from one plan, so that they carry the same picks in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from tasks.records import Digest, Letterhead, Paper
from tasks.render import links
from tasks.render.text import Script, clean, cut, cut_at_sentence, script, word_count
from tasks.render.words import label, reason
from templates import Words

TOP = 5  # papers in full: what fits into a morning
CONTENTS = range(3, 11)  # how many papers a list of contents helps with
WHOLE, ABSTRACT, SHORTER = 5000, 600, 250  # characters; no honest abstract is longer than the first
TITLE, NAME, NAMES = 300, 80, 3
WORDS_A_MINUTE = 200  # of dense text, read with care


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a mail says of a paper whoever reads it: plain text and safe links.

    A link is its name, its url, and its name by itself (“PDF of …”), for who hears links alone.
    """

    title: str
    url: str
    authors: str
    first_author: str
    subject: str
    abstract: str
    title_script: Script
    abstract_script: Script
    links: tuple[tuple[str, str, str], ...]


@dataclass(frozen=True, slots=True)
class Item:
    """One pick as the templates see it; `abstract` is empty for a paper on one line.

    `facts` stand over a paper in full, `brief` under a paper's one line. `give` is our page to say
    more or less of it, without what is wanted; empty where there is none.
    """

    number: int
    sheet: Sheet
    facts: str
    brief: str
    why: str
    abstract: str
    profile: str
    give: str


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
        """Everything that is shown, in the order it is shown in."""
        return self.top + tuple(item for _, items in self.groups for item in items)

    @property
    def contents(self) -> tuple[Item, ...]:
        """The list of contents, by number; empty where it would be too short, too long or all there is."""
        ranked = sorted(self.items, key=lambda item: item.number)
        return tuple(ranked) if self.top and len(ranked) in CONTENTS else ()


def shapes(picks: int, length: str = "normal") -> Iterator[Shape]:
    """Every shape of a digest of so many picks, from the fullest to the last that always fits.

    `length` is the reader's: ``short`` has lines alone, ``long`` begins with every abstract whole.
    """
    top = {"short": 0, "long": picks}.get(length, min(TOP, picks))
    rooms = (WHOLE, ABSTRACT, SHORTER, 0) if length == "long" else (ABSTRACT, SHORTER, 0)
    yield Shape(rooms[:1] * top, picks - top)
    for before, now in pairwise(rooms):
        for kept in reversed(range(top)):
            yield Shape((before,) * kept + (now,) * (top - kept), picks - top)
    for full in reversed(range(1, top)):
        yield Shape((0,) * full, picks - full)
    first = min(top, 1)
    lines = picks - first
    while lines > 1 - first:
        lines = lines * 3 // 4
        yield Shape((0,) * first, lines)


@lru_cache(maxsize=2048)
def sheet(paper: Paper, words: Words) -> Sheet:
    """The paper's part of a mail. Kept, since a good paper goes to many readers."""
    authors = [cut(clean(name), NAME) for name in paper.authors if clean(name)]
    others = len(authors) - NAMES
    shown = ", ".join(authors[:NAMES]) + (f" et al. ({len(authors)})" if others > 0 else "")
    title = cut(clean(paper.title), TITLE) or words.gettext("Untitled paper")
    return Sheet(
        title=title,
        url=links.home(paper),
        authors=shown,
        first_author=(authors[0] + (" et al." if authors[1:] else "")) if authors else "",
        subject=_subject(paper),
        abstract=cut_at_sentence(clean(paper.abstract), WHOLE),
        title_script=script(title),
        abstract_script=script(paper.abstract),
        links=_links(paper, title, words),
    )


def _links(paper: Paper, title: str, words: Words) -> tuple[tuple[str, str, str], ...]:
    named = [(words.gettext(name), url) for name, url in links.named(paper)]
    return tuple(
        (name, url, words.gettext("%(link)s of %(title)s", link=name, title=title))
        for name, url in named
    )


def _subject(paper: Paper) -> str:
    """The paper's first category and its arXiv id, as far as they are known."""
    category = cut(clean(paper.categories[0]), NAME) if paper.categories else ""
    arxiv_id = f"arXiv {paper.arxiv_id}" if links.arxiv(paper, "abs") else ""
    return _dotted(category, arxiv_id)


def itemised(digest: Digest, letterhead: Letterhead, words: Words) -> tuple[Item, ...]:
    """Every pick with all that may be shown of it; its profile only where there are several."""
    several = len({pick.profile_name for pick in digest.picks}) > 1
    made = []
    for pick in digest.picks:
        shown, strength = sheet(pick.paper, words), label(pick, words)
        profile = cut(clean(pick.profile_name), NAME) if several else ""
        made.append(
            Item(
                number=pick.place,
                sheet=shown,
                facts=_dotted(strength, profile, shown.subject),
                brief=_dotted(shown.first_author, strength),
                why=reason(pick, words),
                abstract=shown.abstract,
                profile=profile,
                give=links.page(letterhead, "give", digest.marks.give.get(pick.paper.id, "")),
            )
        )
    return tuple(made)


def _dotted(*parts: str) -> str:
    return " · ".join(filter(None, parts))


def planned(items: Sequence[Item], shape: Shape) -> Plan:
    """The items in this shape; the ones on one line by profile, where the reader has several."""
    full = len(shape.abstracts)
    rest = [replace(item, abstract="") for item in items[full : full + shape.lines]]
    groups: dict[str, list[Item]] = {}
    for item in rest:
        groups.setdefault(item.profile, []).append(item)
    return Plan(
        top=tuple(map(_cut, items[:full], shape.abstracts)),
        groups=tuple((name, tuple(items)) for name, items in groups.items()),
        left_out=len(items) - full - len(rest),
    )


def _cut(item: Item, room: int) -> Item:
    """The item with at most `room` characters of its abstract."""
    return replace(item, abstract=cut_at_sentence(item.abstract, room) if room else "")


def reading_minutes(plan: Plan) -> int:
    """How long the shown text takes to read."""
    texts = (f"{item.sheet.title} {item.why} {item.abstract}" for item in plan.items)
    return max(1, round(sum(map(word_count, texts)) / WORDS_A_MINUTE))
