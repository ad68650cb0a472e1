"""How strongly each paper answers each wish: 1 for an ordinary hit in a title.

Words count only where they stand side by side. Plurals, case, accents and hyphens make no difference.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from scipy import sparse

from tasks.records import Paper
from tasks.score.names import Name, archive_of, name_of, sameness, share
from tasks.score.vectors import Floats, Ints
from tasks.score.wishes import Key
from tasks.score.words import Batch, Lexicon

IN_ABSTRACT = 0.5  # of a hit in the title, times ln(1 + hits)

Answer = tuple[Ints, Floats]  # rows of papers, and how strongly they answer


class Finder:
    """Where words, authors and categories stand among some papers.

    `papers` may be left out: then nobody wrote them, and they are filed nowhere.
    """

    def __init__(self, lexicon: Lexicon, batch: Batch, papers: Sequence[Paper] = ()) -> None:
        self._lexicon, self._batch = lexicon, batch
        self._order = np.argsort(batch.words, kind="stable")
        self._sorted = batch.words[self._order]
        self._authors: dict[str, list[tuple[int, Name]]] = defaultdict(list)
        self._filed: dict[str, dict[Sequence[str], list[int]]] = defaultdict(dict)
        for row, paper in enumerate(papers):
            for archive in {_archive(category) for category in paper.categories}:
                self._filed[archive].setdefault(paper.categories, []).append(row)
            for name in filter(None, map(name_of, paper.authors)):
                for part in {name.last, *name.given}:
                    self._authors[part].append((row, name))

    @classmethod
    def joined(cls, finders: Sequence[Finder]) -> Finder:
        """One that finds what these do, papers one after another. They share a lexicon, and there are some."""
        starts = np.cumsum([0, *(one._batch.size for one in finders)]).tolist()
        batches = [one._batch for one in finders]
        rows = [batch.rows + start for batch, start in zip(batches, starts, strict=False)]
        whole = cls(
            finders[0]._lexicon,
            Batch(
                words=np.concatenate([batch.words for batch in batches]),
                rows=np.concatenate(rows),
                title=np.concatenate([batch.title for batch in batches]),
                size=starts[-1],
            ),
        )
        for one, start in zip(finders, starts, strict=False):
            for part, named in one._authors.items():
                whole._authors[part] += [(start + row, name) for row, name in named]
            for archive, filed in one._filed.items():
                for categories, some in filed.items():
                    whole._filed[archive].setdefault(categories, []).extend(
                        start + row for row in some
                    )
        return whole

    def matrix(self, keys: Sequence[Key]) -> sparse.csr_array:
        """What every paper answers to every wish: papers x keys."""
        found = [self.answer(key) for key in keys]
        rows = np.concatenate([np.zeros(0, dtype=np.int64), *(rows for rows, _ in found)])
        values = np.concatenate([np.zeros(0), *(values for _, values in found)])
        columns = np.repeat(np.arange(len(found)), [len(rows) for rows, _ in found])
        shape = (self._batch.size, len(keys))
        return sparse.coo_array((values, (rows, columns)), shape=shape).tocsr()

    def answer(self, key: Key) -> Answer:
        """The papers that answer one wish."""
        kind, *what = key
        if kind == "words":
            return self._words(what)
        if kind == "author":
            return self._author(Name(what[0], tuple(what[1:])))
        return self._category(what[0])

    def _words(self, stems: Sequence[str]) -> Answer:
        """1 for words in a title, plus less for each time in the abstract."""
        words = [n for stem in stems if (n := self._lexicon.number(stem)) is not None]
        if len(words) < len(stems):  # a word that no paper has
            return np.zeros(0, dtype=np.int64), np.zeros(0)
        first, last = np.searchsorted(self._sorted, (words[0], words[0] + 1))
        at = self._order[first:last]
        at = at[at + len(words) <= len(self._batch.words)]
        for step, word in enumerate(words):
            at = at[self._batch.words[at + step] == word]
        rows, which = np.unique(self._batch.rows[at], return_inverse=True)
        title = self._batch.title[at]
        above = np.bincount(which, weights=title, minlength=len(rows)) > 0
        below = np.bincount(which, weights=~title, minlength=len(rows))
        return rows, above + IN_ABSTRACT * np.log1p(below)

    def _author(self, wanted: Name) -> Answer:
        """As surely as the names tell."""
        best: dict[int, float] = {}
        for row, name in self._authors.get(wanted.last, ()):
            if sure := sameness(wanted, name):
                best[row] = max(sure, best.get(row, 0.0))
        return np.array(list(best), dtype=np.int64), np.array(list(best.values()))

    def _category(self, wanted: str) -> Answer:
        """By the category's or archive's share of a paper's own categories."""
        filed = self._filed.get(_archive(wanted), {})
        shares = [(rows, share(wanted, own)) for own, rows in filed.items()]
        rows = [row for rows, part in shares if part for row in rows]
        values = [part for rows, part in shares if part for _ in rows]
        return np.array(rows, dtype=np.int64), np.array(values)


def _archive(category: str) -> str:
    return archive_of(category).partition(".")[0]
