"""Papers that are the same to a reader: another version, another source, the same text again.

Two papers are twins when they share the arXiv id (whatever its version) or the DOI, or, with an
author in common or none named on one side,

- a title of three words or more (case, punctuation and markup aside), or
- half of their abstracts' runs of three words, as the Jaccard index has it.

Titles that differ in their numbers alone are parts, years or editions of one thing: no twins.

Measured on 21,554 papers of an arXiv stream, every pair: 8 pairs lie from 0.88 to 1, each the same
work twice under two ids, and the next one at 0.32. Of 1,152 papers whose abstract stood in another
source too, often of another version, all but one lie from 0.76 up.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from functools import lru_cache

from tasks.records import Paper

ALIKE = 0.5  # of the runs of both; the gap that was measured is from 0.32 to 0.76
FEW_RUNS = 20  # an abstract with fewer says too little to tell
FEW_WORDS = 3  # a title with fewer is shared by strangers

WORD = re.compile(r"\w+(?:\.\d+)*[+#]*")  # keeps 2 and 2.5 apart, and C, C++ and C#
MARKUP = re.compile(r"\\[a-z]+|[_^${}\\]")
VERSION = re.compile(r"v\d+$")
ARXIV_DOI = "10.48550/arxiv."
NUMBER = re.compile(r"\d[\d.]*(?:st|nd|rd|th)?|[ivx]+|one|two|three|first|second|third")

Runs = frozenset[tuple[str, str, str]]


class Met:
    """Papers met so far, which knows the twins of another. As quick with a thousand as with ten.

    One that stands `onto` another knows all that the other does, and leaves it as it is.
    """

    def __init__(self, papers: Iterable[Paper] = (), onto: Met | None = None) -> None:
        self._onto = onto
        self._names: Counter[str] = Counter()
        self._titled: defaultdict[tuple[str, ...], list[Paper]] = defaultdict(list)
        self._by: defaultdict[str, list[Paper]] = defaultdict(list)
        self._all: list[Paper] = []
        for paper in papers:
            self.add(paper)

    def add(self, paper: Paper) -> None:
        """From now on this paper has been met."""
        for name in _names(paper.arxiv_id, paper.doi):
            self._names[name] += 1
        for shelf in self._shelves(paper):
            shelf.append(paper)

    def remove(self, paper: Paper) -> None:
        """It was so long ago that it counts no more. Raises ValueError for one that was never met."""
        for name in _names(paper.arxiv_id, paper.doi):
            self._names[name] -= 1
        for shelf in self._shelves(paper):
            shelf.remove(paper)

    def twin(self, paper: Paper) -> bool:
        """Whether a twin of this paper was met."""
        if any(self._names.get(name, 0) > 0 for name in _names(paper.arxiv_id, paper.doi)):
            return True
        words = _title(paper.title)
        if len(words) >= FEW_WORDS and any(_may_be(paper, o) for o in self._titled.get(words, ())):
            return True
        if any(_same_text(paper, other) for other in self._near(paper)):
            return True
        return self._onto is not None and self._onto.twin(paper)

    def _shelves(self, paper: Paper) -> Iterator[list[Paper]]:
        """The lists that this paper stands in."""
        yield self._titled[_title(paper.title)]
        for author in _authors(paper.authors) or ("",):
            yield self._by[author]
        yield self._all

    def _near(self, paper: Paper) -> Iterator[Paper]:
        """Those with an author in common, or where one names none."""
        authors = _authors(paper.authors)
        if not authors:
            yield from self._all
            return
        for author in (*authors, ""):
            yield from self._by.get(author, ())


@lru_cache(maxsize=8192)  # a paper that was sent to many is read once, not once a reader
def _names(arxiv_id: str | None, doi: str | None) -> frozenset[str]:
    """What a paper is known by."""
    doi = (doi or "").casefold()
    arxiv = VERSION.sub("", (arxiv_id or doi.partition(ARXIV_DOI)[2]).casefold())
    return frozenset(name for name in (arxiv and f"arxiv:{arxiv}", doi) if name)


@lru_cache(maxsize=8192)
def _title(title: str) -> tuple[str, ...]:
    return _words(title)


@lru_cache(maxsize=2048)
def _runs(abstract: str) -> Runs:
    words = _words(abstract)
    return frozenset(zip(words, words[1:], words[2:], strict=False))


def _words(text: str) -> tuple[str, ...]:
    plain = unicodedata.normalize("NFKC", text).casefold()
    return tuple(WORD.findall(MARKUP.sub(" ", plain)))


@lru_cache(maxsize=8192)
def _authors(authors: tuple[str, ...]) -> frozenset[str]:
    return frozenset(name.casefold() for name in authors if name.strip())


def _may_be(one: Paper, other: Paper) -> bool:
    mine, theirs = _authors(one.authors), _authors(other.authors)
    return not mine or not theirs or not mine.isdisjoint(theirs)


def _same_text(one: Paper, other: Paper) -> bool:
    mine, theirs = _runs(one.abstract), _runs(other.abstract)
    if min(len(mine), len(theirs)) < FEW_RUNS:
        return False
    both = len(mine & theirs)
    if both < ALIKE * (len(mine) + len(theirs) - both):
        return False
    return not _differ_in_number(_title(one.title), _title(other.title))


def _differ_in_number(one: tuple[str, ...], other: tuple[str, ...]) -> bool:
    def rest(words: tuple[str, ...]) -> list[str]:
        return [word for word in words if not NUMBER.fullmatch(word)]

    return one != other and rest(one) == rest(other)
