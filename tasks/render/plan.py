"""What a digest shows: each paper's sheet, each pick's item, and the shapes that fit into a mail.

Both bodies are written from one plan, so that they carry the same picks in the same order.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

from tasks.records import Paper, Pick
from tasks.render import links, words
from tasks.render.text import Script, clean, cut, cut_at_sentence, script, word_count

TOP = 5  # papers in full: what fits into a morning
CONTENTS = range(3, 11)  # how many papers a list of contents helps with
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
    title_script: Script
    abstract_script: Script
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
        """Everything that is shown, in the order it is shown in."""
        return self.top + tuple(item for _, items in self.groups for item in items)

    @property
    def contents(self) -> tuple[Item, ...]:
        """The list of contents, by number; empty where there are too few or too many for one."""
        ranked = sorted(self.items, key=lambda item: item.number)
        return tuple(ranked) if len(ranked) in CONTENTS else ()


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
    authors = [cut(clean(name), NAME) for name in paper.authors if clean(name)]
    others = len(authors) - NAMES
    shown = ", ".join(authors[:NAMES]) + (f" et al. ({len(authors)})" if others > 0 else "")
    title = cut(clean(paper.title), TITLE) or "Untitled paper"
    return Sheet(
        title=title,
        url=links.home(paper),
        authors=shown,
        first_author=(authors[0] + (" et al." if authors[1:] else "")) if authors else "",
        subject=_subject(paper),
        abstract=cut_at_sentence(clean(paper.abstract), ABSTRACT),
        title_script=script(title),
        abstract_script=script(paper.abstract),
        links=links.named(paper),
    )


def _subject(paper: Paper) -> str:
    """The paper's first category and its arXiv id, as far as they are known."""
    category = cut(clean(paper.categories[0]), NAME) if paper.categories else ""
    arxiv_id = f"arXiv {paper.arxiv_id}" if links.arxiv(paper, "abs") else ""
    return " · ".join(filter(None, (category, arxiv_id)))


def planned(picks: Sequence[Pick], shape: Shape) -> Plan:
    """The picks in this shape; the ones on one line by profile, where the reader has several."""
    several = len({pick.profile_name for pick in picks}) > 1
    full = len(shape.abstracts)
    rest = [_item(pick, 0, several) for pick in picks[full : full + shape.lines]]
    groups: dict[str, list[Item]] = {}
    for item in rest:
        groups.setdefault(item.profile, []).append(item)
    return Plan(
        top=tuple(
            _item(pick, room, several)
            for pick, room in zip(picks[:full], shape.abstracts, strict=True)
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
        strength=words.label(pick),
        why=words.reason(pick),
        abstract=cut_at_sentence(shown.abstract, room) if room else "",
        profile=cut(clean(pick.profile_name), NAME) if several else "",
    )


def reading_minutes(plan: Plan) -> int:
    """How long the shown text takes to read."""
    texts = (f"{item.sheet.title} {item.why} {item.abstract}" for item in plan.items)
    return max(1, round(sum(map(word_count, texts)) / WORDS_A_MINUTE))
