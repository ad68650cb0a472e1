"""What tells some papers from all others: their words and their authors, but what is typed already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from tasks.desk.tuning.item_faults import TOO_MUCH, within
from tasks.records import Paper, Profile
from tasks.round.stretch import Stretch
from tasks.score import Background
from tasks.score.learned import in_words, loudness
from tasks.score.names import name_of, sameness
from tasks.score.reasons import pairs_joined, spelling_of, spoken_as
from tasks.score.words import STOP, read, stems

PAPERS_MOST = 60  # the newest: more of them tell the same words
SHARED = 2  # papers that must have a word, or an author
TOGETHER = 1.5  # what two words count beside one, which means too many things
WORDS_MOST = 12
AUTHORS_MOST = 6


def telltale_words(
    ground: Background, papers: Sequence[Paper], typed: Profile, all_: Stretch
) -> list[str]:
    """Words and pairs of words that these papers have and others have not, the most telling first.

    Each stands in two of them at least and not in every other paper of `all_`; none holds what is typed
    or is a part of it.
    """
    some = list(papers)[:PAPERS_MOST]
    vectors = ground.model.space.vectors(
        read(ground.lexicon, [(p.title, p.abstract) for p in some])
    )
    if not vectors.nnz:
        return []
    known = [stems(text) for text in (*typed.terms, *typed.phrases, *typed.less, *typed.negatives)]
    spelled: dict[str, str] = {}
    for paper in some:
        spelled = {**spelling_of(paper), **spelled}
    found = []
    for words in _ranked(ground, vectors):
        rows = all_.answer(("words", *words))[0]
        covered = any(within(words, own) or within(own, words) for own in known)
        if covered or len(rows) > TOO_MUCH / 4 * len(all_.papers) or not {*words} <= spelled.keys():
            continue
        known.append(words)
        found.append(spoken_as(words, spelled))
    return found[:WORDS_MOST]


def _ranked(ground: Background, vectors: sparse.csr_array) -> Iterator[tuple[str, ...]]:
    """The words that a linear model tells them by, those that several of them share."""
    size = vectors.shape[0]
    loud = loudness(np.ones(size), 0, ground.size)
    columns, weights = in_words(vectors, vectors[:0], ground.by_column, loud)
    counts = np.bincount(vectors.indices, minlength=vectors.shape[1])
    space = ground.model.space
    parts = {
        space.words_of(column): weight
        for column, weight in zip(columns.tolist(), weights.tolist(), strict=True)
        if counts[column] >= min(SHARED, size) and weight > 0
    }
    joined = [
        (words, value * (TOGETHER if len(words) > 1 else 1.0))
        for words, value in pairs_joined(parts)
        if not STOP.intersection(words) and all(len(word) > 1 for word in words)
    ]
    for words, value in sorted(joined, key=lambda one: (-one[1], one[0])):
        if value > 0:
            yield words


def telltale_authors(papers: Sequence[Paper], typed: Profile) -> list[tuple[str, int]]:
    """Who wrote several of these papers and is not followed, with their number; the busiest first."""
    counts: Counter[tuple[str, ...]] = Counter()
    spelled: dict[tuple[str, ...], str] = {}
    followed = [name for text in (*typed.authors, *typed.negatives) if (name := name_of(text))]
    for paper in papers:
        for author in dict.fromkeys(paper.authors):
            name = name_of(author)
            if name and name.given and not any(sameness(own, name) for own in followed):
                key = (name.last, *name.given)
                counts[key] += 1
                spelled.setdefault(key, author)
    ranked = sorted(counts.items(), key=lambda one: (-one[1], one[0]))
    return [(spelled[key], count) for key, count in ranked if count >= SHARED][:AUTHORS_MOST]
