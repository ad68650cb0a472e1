"""What is wrong with single things of a profile's lists: each gets one remark at most, the gravest.

The bounds were chosen on 30 keepers of public reading lists and an arXiv stream: nothing of what they
would type is a fault. There a term stands in up to 30 % of the papers and does its work, a term of three
words may stand in none of thousands and is near to the right ones all the same, and somebody likes every
other paper.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import islice, takewhile

import numpy as np

from tasks.desk.tuning.advice import mending, spelling
from tasks.desk.tuning.advice.evidence import Evidence, Item
from tasks.desk.tuning.advice.mending import Mend, MendKind
from tasks.desk.tuning.advice.remarks import Kind, Remark
from tasks.records import Paper
from tasks.round.stretch import Ints
from tasks.score.answers import Finder
from tasks.score.names import Name, is_category, sameness
from tasks.score.wishes import Key
from tasks.score.words import STOP, Lexicon, read, surfaces

FEW = 300  # papers: among fewer nothing can be said of how often a thing comes
MANY = 1000  # papers: among fewer a rare word may well not have come yet
TOO_MUCH = 0.4  # of the papers
ALL = 0.9  # of those that name a category
LONG = 5  # words, which rarely stand side by side
SURELY = 10  # papers in which two things stand together, and neither without the other
MOST = 0.5  # of the papers that a profile would bring
SHOWN = 3  # papers that show a fault
PEOPLE = 3  # of one name
NONE: Ints = np.zeros(0, np.int64)
LIKED_MOST = 200  # the newest liked papers that negatives are held against
WANTED = ("terms", "phrases", "authors", "categories")
UNWANTED = ("negatives", "less")


def item_faults(of: Evidence) -> Iterator[Remark]:
    """The remarks on all that the lists hold, in their order."""
    judge = _Judge(of)
    checks = (
        judge.wordless,
        judge.contradiction,
        judge.again,
        judge.barring,
        judge.never,
        judge.too_much,
        judge.namesakes,
        judge.covered,
    )
    for item in of.items:
        yield from islice(filter(None, (check(item) for check in checks)), 1)


class _Judge:
    """Holds things against the papers, against each other and against what the reader liked."""

    def __init__(self, of: Evidence) -> None:
        self._of = of
        self._wanted = [item for item in of.items if item.part in WANTED and item.weight]

    def wordless(self, item: Item) -> Remark | None:
        """It can never match."""
        if item.wishes:
            return None
        return self._remark(Kind.WORDLESS, item, [self._removed(item)], rows=item.rows)

    def contradiction(self, item: Item) -> Remark | None:
        """It is unwanted, and so is all that something wanted brings."""
        if item.part not in UNWANTED:
            return None
        for wanted in self._wanted:
            if _bars(item, wanted):
                mends = [self._removed(item), self._removed(wanted)]
                return self._remark(
                    Kind.CONTRADICTS, item, mends, rows=wanted.rows, other=wanted.text
                )
        return None

    def again(self, item: Item) -> Remark | None:
        """It stands there already: in its own list, or in the one that means the same."""
        own = {wish.key for wish in item.wishes}
        for first in takewhile(lambda one: one is not item, self._of.items):
            if own != {wish.key for wish in first.wishes}:
                continue
            if item.part == first.part:
                return self._remark(Kind.TWICE, item, [self._removed(item)], other=first.text)
            if {item.part, first.part} in ({"terms", "phrases"}, set(UNWANTED)):
                both = [self._removed(item), self._removed(first)]
                mends = both[:1] if item.part == "less" else both
                return self._remark(Kind.TWO_PLACES, item, mends, other=first.text)
        return None

    def barring(self, item: Item) -> Remark | None:
        """It would have taken away what the reader liked, or most of what the profile brings."""
        if item.part != "negatives":
            return None
        papers, finder = self._liked
        found = {row for wish in item.wishes for row in finder.answer(wish.key)[0].tolist()}
        if found:
            liked = tuple(papers[row] for row in sorted(found)[::-1][:SHOWN])
            made = self._remark(Kind.BARS_LIKED, item, self._softer(item), of=len(papers))
            return replace(made, hits=len(found), papers=liked)
        best = self._best
        barred = np.intersect1d(item.rows, best)
        if len(best) and len(barred) > MOST * len(best):
            return self._remark(Kind.BARS_MOST, item, self._softer(item), rows=barred, of=len(best))
        return None

    def never(self, item: Item) -> Remark | None:
        """No paper has it, and it should have come by now or is nearly what many have."""
        if len(item.rows) or self._of.count < FEW or self._was_ordinary(item):
            return None
        if item.part == "authors":
            return self._spelled(item, spelling.nearest_name(self._of.papers, item.text))
        if item.part == "categories":
            return self._never_filed(item)
        better = spelling.nearest_words(self._of.papers, item.text)
        if better or self._of.count < MANY:
            return self._spelled(item, better)
        if item.part == "phrases":
            term = self._moved(item, "terms", MendKind.TERM)
            return self._remark(Kind.NEVER, item, [term, *self._shorter(item), self._removed(item)])
        if len(item.words) >= LONG:
            mends = [*self._shorter(item), self._removed(item)]
            return self._remark(Kind.TOO_LONG, item, mends)
        if any(not self._hits(word) for word in item.words):
            return self._remark(Kind.NEVER, item, [self._removed(item)])
        return None

    def too_much(self, item: Item) -> Remark | None:
        """It tells nothing, since most papers have it."""
        count, least = self._of.count, TOO_MUCH
        if item.part == "categories":
            count, least = spelling.filed(self._of.papers.papers), ALL
        elif item.part not in ("terms", "phrases", "less"):
            return None
        if count < FEW or len(item.rows) <= least * count or item.weight <= mending.QUARTER:
            return None
        mends = [mending.weighed(self._of.typed, item.part, item.text), self._removed(item)]
        return self._remark(Kind.TOO_MUCH, item, mends, rows=item.rows, of=count)

    def namesakes(self, item: Item) -> Remark | None:
        """Many people have this name."""
        if item.part != "authors":
            return None
        people = spelling.namesakes(self._of.papers, item.text, item.rows.tolist())
        first = {person.name.given[0]: person for person in people[::-1]}
        if len(first) < PEOPLE:
            return None
        named = sorted(first.values(), key=lambda one: (-len(one.rows), one.spelled))
        mends = [self._replaced(item, [person.spelled], MendKind.NAME) for person in named[:PEOPLE]]
        made = self._remark(Kind.NAMESAKES, item, [*mends, self._removed(item)], rows=item.rows)
        return replace(made, hits=len(first))

    def covered(self, item: Item) -> Remark | None:
        """It is a longer form of another, which stands nowhere else."""
        if item.part not in ("terms", "phrases") or len(item.rows) < SURELY or not item.weight:
            return None
        for other in self._wanted:
            shorter = other.words != item.words and within(other.words, item.words)
            if shorter and len(other.rows) == len(item.rows):
                mends = [self._removed(item), self._removed(other)]
                return self._remark(Kind.COVERED, item, mends, rows=item.rows, other=other.text)
        return None

    # --- mends -----------------------------------------------------------------------------------
    def _removed(self, item: Item) -> Mend | None:
        return mending.removed(self._of.typed, item.part, item.text)

    def _replaced(self, item: Item, to: Sequence[str], kind: MendKind) -> Mend:
        return mending.replaced(self._of.typed, item.part, item.text, to, kind)

    def _moved(self, item: Item, to: str, kind: MendKind) -> Mend:
        often = self._of.count >= FEW and len(item.rows) > TOO_MUCH * self._of.count
        weight = mending.QUARTER if often else None
        return mending.moved(self._of.typed, item.part, item.text, to, kind, weight)

    def _softer(self, item: Item) -> list[Mend | None]:
        return [self._moved(item, "less", MendKind.LESS), self._removed(item)]

    def _shorter(self, item: Item) -> Iterator[Mend]:
        """With the pair of its words that most papers have."""
        spelled = surfaces(item.text)
        pairs = [
            (self._hits(*item.words[at : at + 2]), " ".join(spelled[at : at + 2]))
            for at in range(len(item.words) - 1)
            if not STOP.intersection(item.words[at : at + 2])
        ]
        hits, best = max(pairs, default=(0, ""))
        if hits >= spelling.SEEN and len(item.words) > 2:
            yield self._replaced(item, [best], MendKind.SHORTEN)

    def _spelled(self, item: Item, better: str | None) -> Remark | None:
        if better is None:
            return None
        mends = [self._replaced(item, [better], MendKind.SPELL), self._removed(item)]
        return self._remark(Kind.MISSPELLED, item, mends, other=better)

    def _never_filed(self, item: Item) -> Remark | None:
        papers = self._of.papers.papers
        count = spelling.filed(papers)
        if 0 < count < FEW:
            return None
        better = spelling.nearest_categories(papers, item.text)
        mends = [self._replaced(item, [one], MendKind.SPELL) for one in better]
        kind = Kind.MISSPELLED if better else Kind.NEVER
        made = self._remark(kind, item, [*mends, self._removed(item)], of=count or self._of.count)
        return replace(made, other=better[0] if better else "")

    # --- what the papers say ---------------------------------------------------------------------
    def _remark(
        self,
        kind: Kind,
        item: Item,
        mends: Sequence[Mend | None],
        *,
        rows: Ints = NONE,
        other: str = "",
        of: int | None = None,
    ) -> Remark:
        """The remark, with the newest papers of `rows` to show it."""
        return Remark(
            kind=kind,
            part=item.part,
            item=item.text,
            other=other,
            hits=len(rows),
            of=self._of.count if of is None else of,
            papers=self._of.shown(rows, SHOWN),
            mends=tuple(mend for mend in mends if mend),
        )

    def _hits(self, *words: str) -> int:
        return len(self._of.papers.answer(("words", *words))[0])

    def _was_ordinary(self, item: Item) -> bool:
        """Whether papers of before had it, which the scorer remembers."""
        keys = [wish.key for wish in item.wishes if wish.key[0] == "words"]
        return any(len(self._of.ground.finder.answer(key)[0]) for key in keys)

    @cached_property
    def _best(self) -> Ints:
        """The papers that the profile would bring in a month if nothing barred them."""
        rows = self._of.recent
        if rows.stop - rows.start < FEW:
            return NONE
        scores = self._of.scores(self._of.taught)[rows]
        best: Ints = rows.start + np.argsort(-scores, kind="stable")[: self._of.picks]
        return best

    @cached_property
    def _liked(self) -> tuple[Sequence[Paper], Finder]:
        """The liked papers, and where words stand in them."""
        papers, lexicon = self._of.liked[-LIKED_MOST:], Lexicon()
        batch = read(lexicon, [(paper.title, paper.abstract) for paper in papers])
        return papers, Finder(lexicon, batch, papers)


def _bars(unwanted: Item, wanted: Item) -> bool:
    """Whether one turns away all that the other brings; what is to come less, only the very same."""
    pairs = [(one.key, other.key) for one in unwanted.wishes for other in wanted.wishes]
    if unwanted.part == "less":
        return any(one == other for one, other in pairs)
    return any(_holds(one, other) for one, other in pairs)


def _holds(one: Key, other: Key) -> bool:
    """Whether all that answers the other wish answers this one."""
    if one[0] != other[0]:
        return False
    if one[0] == "words":
        return within(one[1:], other[1:])
    if one[0] == "category":
        return is_category(one[1], other[1])
    names = [Name(key[1], key[2:]) for key in (one, other)]
    return sameness(*names) > 0


def within(short: Sequence[str], long: Sequence[str]) -> bool:
    """Whether the first words stand side by side among the others."""
    starts = range(len(long) - len(short) + 1)
    return bool(short) and any(tuple(long[n : n + len(short)]) == tuple(short) for n in starts)
