"""What is wrong with single things of a profile's lists: each gets one remark at most, the gravest.

The bounds were chosen on 30 keepers of public reading lists and an arXiv stream: nothing of what they
would type is a fault. There a term stands in up to 30 % of the papers and does its work, a term of three
words may stand in none of thousands and is near to the right ones all the same, and somebody likes every
other paper.
"""

from __future__ import annotations

from collections.abc import Iterator

from tasks.desk.tuning.evidence import Evidence
from tasks.desk.tuning.remarks import Remark

FEW = 300  # papers: among fewer nothing can be said of how often a thing comes
MANY = 1000  # papers: among fewer a rare word may well not have come yet
TOO_MUCH = 0.4  # of the papers
ALL = 0.9  # of those that name a category
LONG = 5  # words, which rarely stand side by side
SURELY = 10  # papers in which two things stand together, and neither without the other
MOST = 0.5  # of the papers that a profile would bring
PEOPLE = 3  # of one name
LIKED_MOST = 200  # the newest liked papers that negatives are held against
WORDS = ("terms", "phrases", "less", "negatives")
WANTED = ("terms", "phrases", "authors", "categories")
UNWANTED = ("negatives", "less")


def item_faults(of: Evidence) -> Iterator[Remark]:
    """The remarks on all that the lists hold, in their order."""
    judge = _Judge(of)
    for place, item in enumerate(of.items):
        checks = (
            judge.wordless(item),
            judge.contradiction(item),
            judge.again(item, of.items[:place]),
            judge.barring(item),
            judge.never(item),
            judge.too_much(item),
            judge.namesakes(item),
            judge.covered(item),
        )
        found = next((remark for remark in checks if remark), None)
        if found:
            yield found


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
                return self._remark(Kind.CONTRADICTS, item, mends, rows=wanted.rows, other=wanted)
        return None

    def again(self, item: Item, before: Sequence[Item]) -> Remark | None:
        """It stands there already: in its own list, or in the one that means the same."""
        own = {wish.key for wish in item.wishes}
        for first in before:
            if own != {wish.key for wish in first.wishes}:
                continue
            if item.part == first.part:
                return self._remark(Kind.TWICE, item, [self._removed(item)], other=first)
            if {item.part, first.part} in ({"terms", "phrases"}, set(UNWANTED)):
                both = [self._removed(item), self._removed(first)]
                mends = both[:1] if item.part == "less" else both
                return self._remark(Kind.TWO_PLACES, item, mends, other=first)
        return None

    def barring(self, item: Item) -> Remark | None:
        """It would have taken away what the reader liked, or most of what the profile brings."""
        if item.part != "negatives":
            return None
        liked = _that_answer(item, self._of.liked[-LIKED_MOST:])
        if liked:
            count = min(len(self._of.liked), LIKED_MOST)
            return self._remark(
                Kind.BARS_LIKED, item, self._softer(item), papers=liked, hits=len(liked), of=count
            )
        best = self._best()
        barred = np.intersect1d(item.rows, best)
        if len(best) and len(barred) > MOST * len(best):
            return self._remark(
                Kind.BARS_MOST, item, self._softer(item), rows=barred, of=len(best)
            )
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
            return self._remark(
                Kind.NEVER, item, [term, *self._shorter(item), self._removed(item)]
            )
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
        mends = [
            self._replaced(item, [person.spelled], MendKind.NAME) for person in named[:PEOPLE]
        ]
        return self._remark(
            Kind.NAMESAKES, item, [*mends, self._removed(item)], rows=item.rows, hits=len(first)
        )

    def covered(self, item: Item) -> Remark | None:
        """It is a longer form of another, which stands nowhere else."""
        if item.part not in ("terms", "phrases") or len(item.rows) < SURELY or not item.weight:
            return None
        for other in self._wanted:
            shorter = other.words != item.words and _within(other.words, item.words)
            if shorter and len(other.rows) == len(item.rows):
                mends = [self._removed(item), self._removed(other)]
                return self._remark(Kind.COVERED, item, mends, rows=item.rows, other=other)
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
        known = {(other.part, other.words) for other in self._of.items}
        if hits >= spelling.SEEN and len(item.words) > 2:
            if (item.part, tuple(item.words)) in known:
                yield self._replaced(item, [best], MendKind.SHORTEN)

    def _spelled(self, item: Item, better: str | None) -> Remark | None:
        if better is None:
            return None
        mends = [self._replaced(item, [better], MendKind.SPELL), self._removed(item)]
        return self._remark(Kind.MISSPELLED, item, mends, other_text=better)

    def _never_filed(self, item: Item) -> Remark | None:
        papers = self._of.papers.papers
        count = spelling.filed(papers)
        if 0 < count < FEW:
            return None
        better = spelling.nearest_category(papers, item.text)
        if better:
            return self._spelled(item, better)
        return self._remark(Kind.NEVER, item, [self._removed(item)], of=count)
