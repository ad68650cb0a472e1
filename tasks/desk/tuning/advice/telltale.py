"""What tells some papers from all others: their words and their authors, but what is typed already."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from scipy import sparse

from tasks.desk.tuning.advice.item_faults import within
from tasks.records import Paper, Profile
from tasks.round.stretch import Stretch
from tasks.score import Background
from tasks.score.answers import Finder
from tasks.score.learned import in_words, loudness
from tasks.score.names import name_of, sameness
from tasks.score.reasons import pairs_joined, spelling_of, spoken_as
from tasks.score.words import STOP, Lexicon, read, stems

PAPERS_MOST = 60  # the newest: more of them tell the same words
TYPED = ("terms", "phrases", "less", "negatives")
SHARED = 2  # papers that must have a word, or an author
SHARE = 0.05  # of these papers
LIFT = 4.0  # how much commoner a word must be in these papers than in all
TOGETHER = 1.5  # what two words count beside one, which means too many things
WORDS_MOST = 8
AUTHORS_MOST = 6


def telltale_words(
    ground: Background, papers: Sequence[Paper], typed: Profile, all_: Stretch
) -> list[tuple[str, int]]:
    """Words and pairs of words that these papers have and others have not, the most telling first, each
    with the number of these papers that have it.

    Each stands in several of them, and is rare among `all_` beside them; none holds what is typed, or is
    a part of it.
    """
    texts = [(paper.title, paper.abstract) for paper in papers]
    vectors = ground.model.space.vectors(read(ground.lexicon, texts))
    if not vectors.nnz:
        return []
    known = [stems(text) for part in TYPED for text in getattr(typed, part)]
    spelled: dict[str, str] = {}
    for paper in papers:
        spelled = {**spelling_of(paper), **spelled}
    batch = read(lexicon := Lexicon(), texts)
    here = Finder(lexicon, batch)
    found = []
    for words in _ranked(ground, vectors):
        key = ("words", *words)
        own, rows = len(here.answer(key)[0]), len(all_.answer(key)[0])
        usual = rows / max(len(all_.papers), 1)
        if own < max(SHARED, SHARE * len(papers)) or not own / len(papers) > LIFT * usual:
            continue
        if not any(within(words, other) or within(other, words) for other in known):
            known.append(words)
            found.append((spoken_as(words, spelled), own))
        if len(found) == WORDS_MOST:
            break
    return found


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
        if counts[column] >= SHARED and weight > 0
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
