"""Single edits of a profile, from the smallest to the largest, that might bring a paper or send it away.

An edit is of one profile, or of the reader's own "about so many a day" or "at most so many". Its size is

    1 for each step of a weight on the scale SCALE, for no longer barring a text by a negative (which
      then may only lower papers), and for each paper more of `about` or `most`
    2 for a new term, phrase, author or category, or a new text whose papers are to come less
    3 for a new negative

Of edits of one size the kinds stand in the order of `Kind`, and those of a kind in that of the profile or
of the paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from tasks.desk.tuning.inquiry.standing import barring
from tasks.profile_json import TERM_MOST
from tasks.records import Paper, Profile, Reader
from tasks.render.text import clean
from tasks.round.stretch import Stretch
from tasks.score import Background
from tasks.score.names import name_of, sameness
from tasks.score.reasons import spelling_of, spoken_as
from tasks.score.wishes import Key, Wish, other_wishes, wanted_words
from tasks.score.words import stems

SCALE = (0.0, 0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0)
WEIGHED_MOST = 6  # items whose weights are tried: those that say most of the paper
WORDS_MOST, AUTHORS_MOST, CATEGORIES_MOST = 6, 4, 2
MORE = range(1, 6)
ABOUT_MOST = MOST_MOST = 50
WANTS = ("terms", "phrases", "authors", "categories")
PARTS = {"term": "terms", "phrase": "phrases", "author": "authors", "category": "categories"}


class Kind(StrEnum):
    """What an edit does."""

    WEIGHT = "weight"
    SOFTEN = "soften"  # a negative only lowers papers from now on
    UNBAR = "unbar"  # a negative goes
    TERM = "term"
    PHRASE = "phrase"
    AUTHOR = "author"
    CATEGORY = "category"
    LESS = "less"
    NEGATIVE = "negative"
    ABOUT = "about"
    MOST = "most"


ORDER = list(Kind)
ADDS = {
    Kind.TERM: "terms",
    Kind.PHRASE: "phrases",
    Kind.AUTHOR: "authors",
    Kind.CATEGORY: "categories",
    Kind.LESS: "less",
    Kind.NEGATIVE: "negatives",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Edit:
    """One edit. `text` is the item that it is about, of the part `part`; `before` and `after` are its
    weights, or the numbers of `about` or `most`.
    """

    size: int
    kind: Kind
    position: int
    part: str = ""
    text: str = ""
    before: float = 0.0
    after: float = 0.0

    @property
    def is_of_profile(self) -> bool:
        """Whether it changes a profile, and not what the reader asks for altogether."""
        return self.kind not in (Kind.ABOUT, Kind.MOST)


def applied(profile: Profile, edit: Edit) -> Profile:
    """The profile with that edit."""
    if edit.kind is Kind.WEIGHT:
        own = edit.text.strip().casefold()
        weights = {t: w for t, w in profile.weights.items() if t.strip().casefold() != own}
        weights |= {} if edit.after == 1 else {edit.text: edit.after}
        return replace(profile, weights=weights)
    if edit.kind in (Kind.SOFTEN, Kind.UNBAR):
        left = tuple(text for text in profile.negatives if text.strip() != edit.text)
        less = profile.less + ((edit.text,) if edit.kind is Kind.SOFTEN else ())
        return replace(profile, negatives=left, less=tuple(dict.fromkeys(less)))
    part = ADDS[edit.kind]
    return replace(profile, **{part: (*getattr(profile, part), edit.text)})  # type: ignore[arg-type]


def asked(reader: Reader, edit: Edit) -> Reader:
    """The reader with that edit of what they ask for."""
    if edit.kind is Kind.ABOUT:
        return replace(reader, about=edit.after)
    return replace(reader, most=int(edit.after))


def bringing(
    ground: Background, papers: Stretch, number: int, profile: Profile, reader: Reader
) -> list[Edit]:
    """Edits that might bring that paper, the smallest first."""
    paper = papers.papers[number]
    bars = barring(profile, papers, number)
    made = [*_weights(papers, number, profile, up=True)]
    made += [_of(1, Kind.SOFTEN, place, "negatives", text) for place, text in enumerate(bars)]
    made += [_of(1, Kind.UNBAR, place, "negatives", text) for place, text in enumerate(bars)]
    words = _words(ground, papers, number, profile)
    for place, text in enumerate(words):
        made += [_of(2, kind, place, ADDS[kind], text) for kind in (Kind.TERM, Kind.PHRASE)]
    made += [
        _of(2, Kind.AUTHOR, place, "authors", name)
        for place, name in enumerate(_authors(paper, profile))
    ]
    made += [
        _of(2, Kind.CATEGORY, place, "categories", name)
        for place, name in enumerate(_categories(paper, profile))
    ]
    made += _more(Kind.ABOUT, reader.about, ABOUT_MOST) + _more(Kind.MOST, reader.most, MOST_MOST)
    return _in_order(made)


def keeping_out(ground: Background, papers: Stretch, number: int, profile: Profile) -> list[Edit]:
    """Edits that might send that paper away, the smallest first."""
    made = [*_weights(papers, number, profile, up=False)]
    for place, text in enumerate(_words(ground, papers, number, profile)):
        made.append(_of(2, Kind.LESS, place, "less", text))
        made.append(_of(3, Kind.NEGATIVE, place, "negatives", text))
    return _in_order(made)


def _of(size: int, kind: Kind, position: int, part: str, text: str) -> Edit:
    return Edit(size=size, kind=kind, position=position, part=part, text=text)


def _in_order(edits: Sequence[Edit]) -> list[Edit]:
    return sorted(edits, key=lambda edit: (edit.size, ORDER.index(edit.kind), edit.position))


def _more(kind: Kind, now: float, most: int) -> list[Edit]:
    return [
        Edit(size=step, kind=kind, position=0, before=now, after=now + step)
        for step in MORE
        if now + step <= most
    ]


# --- weights -------------------------------------------------------------------------------------
def _weights(papers: Stretch, number: int, profile: Profile, *, up: bool) -> Iterator[Edit]:
    """Other weights for what the paper has to do with."""
    own = {text.strip().casefold(): weight for text, weight in profile.weights.items()}
    for place, (part, text) in enumerate(_touched(papers, number, profile)):
        now = own.get(text.casefold(), 1.0)
        rises = up == (part != "less")
        steps = [w for w in SCALE if w > now] if rises else [w for w in SCALE[::-1] if w < now]
        for size, weight in enumerate(steps, start=1):
            yield Edit(
                size=size,
                kind=Kind.WEIGHT,
                position=place,
                part=part,
                text=text,
                before=now,
                after=weight,
            )


def _touched(papers: Stretch, number: int, profile: Profile) -> list[tuple[str, str]]:
    """What was typed that the paper answers, the most first, or at least has a word of."""
    said = set(stems(f"{papers.papers[number].title}\n{papers.papers[number].abstract}"))
    found: dict[tuple[str, str], float] = {}
    for wish in (*wanted_words(profile), *other_wishes(profile)):
        part = PARTS.get(wish.kind, wish.kind)
        worth = _answered(papers, number, wish.key) or _in_part(wish, said)
        if worth and part in (*WANTS, "less"):
            found.setdefault((part, wish.label.strip()), worth)
    return sorted(found, key=lambda one: -found[one])[:WEIGHED_MOST]


def _answered(papers: Stretch, number: int, key: Key) -> float:
    """How strongly that paper answers a wish; more than 1 where it does at all."""
    rows, strength = papers.answer(key)
    hits = float(strength[rows == number].sum())
    return 1 + hits if hits else 0.0


def _in_part(wish: Wish, said: set[str]) -> float:
    kind, *words = wish.key
    return len(said.intersection(words)) / len(words) if kind == "words" else 0.0


# --- what the paper has ------------------------------------------------------------------------------
def _words(ground: Background, papers: Stretch, number: int, profile: Profile) -> list[str]:
    """The paper's strongest pairs of words that stand side by side, as it spells them."""
    paper, space = papers.papers[number], ground.model.space
    vector = papers.texts.vectors[[number]]
    spelled = spelling_of(paper)
    known = {
        stems(text) for part in (*WANTS[:2], "less", "negatives") for text in getattr(profile, part)
    }
    found: list[str] = []
    for place in np.argsort(-vector.data, kind="stable").tolist():
        pair = space.words_of(int(vector.indices[place]))
        if len(pair) != 2 or pair in known or any(map(str.isdigit, pair)):
            continue
        if not _answered(papers, number, ("words", *pair)):
            continue  # they do not stand side by side
        found.append(spoken_as(pair, spelled)[:TERM_MOST])
        if len(found) == WORDS_MOST:
            break
    return found


def _authors(paper: Paper, profile: Profile) -> list[str]:
    """Its first and last authors whom the profile does not follow."""
    ends = dict.fromkeys((*paper.authors[:2], *paper.authors[-2:]))
    named = [name for name in map(clean, ends) if name and len(name) <= TERM_MOST]
    followed = [name for name in map(name_of, profile.authors) if name]
    return [
        text
        for text in named
        if (name := name_of(text)) and not any(sameness(one, name) for one in followed)
    ][:AUTHORS_MOST]


def _categories(paper: Paper, profile: Profile) -> list[str]:
    own = {text.strip().casefold() for text in profile.categories}
    named = (name for name in map(clean, paper.categories) if name and len(name) <= TERM_MOST)
    return [name for name in named if name.casefold() not in own][:CATEGORIES_MOST]
