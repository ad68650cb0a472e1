"""How other services rank, each in its own few lines: those that need nothing beside scipy."""

from __future__ import annotations

import re
from collections.abc import Sequence

import numpy as np

from tasks.evaluate.measures import Floats
from tasks.evaluate.rankers import Uses
from tasks.evaluate.vectors import Tfidf, Vectors, words_of
from tasks.records import Paper, Profile

WORDS = re.compile(r"[^\W_]+")


class KeywordOr:
    """1 for a paper in which any term or phrase stands as whole words, else 0.

    What keyword alerts do (Google Scholar and PubMed alerts, arXiv listings by filter).
    """

    name = "keyword OR"
    uses = Uses.WORDS
    calibrated = False

    def fit(self, papers_before: Sequence[Paper]) -> None:
        """A boolean match learns nothing."""

    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
        """0 or 1, papers x profiles."""
        texts = [_plain(f"{paper.title} . {paper.abstract}") for paper in papers]
        asked = [[_plain(term) for term in p.terms + p.phrases] for p in profiles]
        rows = [[float(any(term in text for term in own)) for own in asked] for text in texts]
        return np.array(rows).reshape(len(papers), len(profiles))


class TfidfQuery:
    """Cosine of a paper with the terms and the sentence as one query (Salton & Buckley, 1988)."""

    name = "TF-IDF query"
    uses = Uses.WORDS
    calibrated = False

    def __init__(self, tfidf: Tfidf) -> None:
        self._tfidf = tfidf

    def fit(self, papers_before: Sequence[Paper]) -> None:
        """Learn how rare words are."""
        self._tfidf.fit(papers_before)

    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
        """Cosines, papers x profiles."""
        queries = self._tfidf.rows(map(words_of, profiles))
        return np.asarray((self._tfidf.papers(papers) @ queries.T).toarray())


class TfidfCentroid:
    """Likeness to the mean of the liked papers: Rocchio (1971) without a background."""

    name = "TF-IDF centroid"
    uses = Uses.LIKES
    calibrated = False

    def __init__(self, tfidf: Tfidf) -> None:
        self._tfidf = tfidf

    def fit(self, papers_before: Sequence[Paper]) -> None:
        """Learn how rare words are."""
        self._tfidf.fit(papers_before)

    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
        """Likeness, papers x profiles."""
        rows = self._tfidf.papers(papers)
        means = [self._tfidf.examples(p.examples).mean(axis=0) for p in profiles]
        return np.asarray(rows @ np.array(means).T)


class WeightedMean:
    """zotero-arxiv-daily's score: 10 · Σ wᵢ · cos(paper, likeᵢ), newer likes weighing more.

    wᵢ is 1 / (1 + log₁₀ rank) from the newest on, divided by the sum: reranker/base.py of
    TideDra/zotero-arxiv-daily (2025). Its own encoder is replaced by the vectors that are given.
    """

    uses = Uses.LIKES
    calibrated = False

    def __init__(self, vectors: Vectors) -> None:
        self._vectors = vectors
        self.name = f"zotero-arxiv-daily ({vectors.name})"

    def fit(self, papers_before: Sequence[Paper]) -> None:
        """Let the vectors learn, where they do."""
        self._vectors.fit(papers_before)

    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
        """Weighted means of cosines, papers x profiles."""
        rows = self._vectors.papers(papers)
        libraries = np.array([self._library(profile) for profile in profiles])
        return np.asarray(rows @ libraries.T)

    def _library(self, profile: Profile) -> Floats:
        """Σ wᵢ · likeᵢ: with rows of length 1 the mean of cosines is one product."""
        newest_first = self._vectors.examples(profile.examples[::-1])
        weights = 1 / (1 + np.log10(np.arange(1, len(newest_first) + 1)))
        return np.asarray(10 * weights @ newest_first / weights.sum())


def _plain(text: str) -> str:
    return f" {' '.join(WORDS.findall(text.lower()))} "
