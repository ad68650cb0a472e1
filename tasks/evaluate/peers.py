"""How other services fit a classifier for each reader, with their settings, on scikit-learn.

scikit-learn is the extra `peers`. It is loaded when one of these is made, since loading it takes a
second that no other command should pay.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np
from scipy import sparse

from tasks.errors import UsageError
from tasks.evaluate.judged import Asked
from tasks.evaluate.measures import Bools, Floats
from tasks.evaluate.rankers import Uses
from tasks.evaluate.vectors import Tfidf, Vectors
from tasks.records import Example, Paper, Profile

Make = Callable[[], Any]

BACKGROUND = 8_000  # papers as negatives of the plain logistic regression: more change nothing
RANDOM_NEGATIVES = 5_000  # of Scholar Inbox, as its recipe has it
DOWNVOTED, NEGATIVES = 0.9, 5.0  # of Scholar Inbox: weight of a downvote, of negatives altogether


def installed() -> bool:
    """Whether scikit-learn is here."""
    return find_spec("sklearn") is not None


class SanitySvm:
    """arxiv-sanity-lite's linear SVM for each tag (karpathy/arxiv-sanity-lite, 2022).

    Its compute.py and serve.py: 20,000 words and pairs of title, abstract and authors, in 5 papers
    or more and at most a tenth, sublinear; LinearSVC with C 0.01, balanced, every other document a
    negative. Its documents are those from before, so that it sees no more than the others; likes
    that are kept back are left out of them.
    """

    name = "arxiv-sanity-lite SVM"
    uses = Uses.LIKES
    calibrated = False

    def __init__(self) -> None:
        text = import_module("sklearn.feature_extraction.text")
        self._vectorizer = text.TfidfVectorizer(
            strip_accents="unicode",
            stop_words="english",
            token_pattern=r"(?u)\b[a-zA-Z_][a-zA-Z0-9_]+\b",  # noqa: S106 - a pattern, no password
            ngram_range=(1, 2),
            max_features=20_000,
            sublinear_tf=True,
            max_df=0.1,
            min_df=5,
        )
        svm = import_module("sklearn.svm")
        self._new: Make = lambda: svm.LinearSVC(
            class_weight="balanced", max_iter=10_000, tol=1e-6, C=0.01
        )
        self._documents = _Documents(())
        self._rows: Any = None

    def fit(self, papers_before: Sequence[Paper]) -> None:
        """Vectors of all documents."""
        self._documents = _Documents(papers_before)
        try:
            self._rows = self._vectorizer.fit_transform(map(_with_authors, papers_before))
        except ValueError as error:
            few = f"{self.name} cannot learn from {len(papers_before)} papers ({error})"
            raise UsageError(f"{few}: leave it out by --peers, or give more papers") from None

    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
        """Distances from each reader's plane, papers x profiles."""
        rows = self._vectorizer.transform(map(_with_authors, papers))
        return np.column_stack([self._plane(p).decision_function(rows) for p in profiles])

    def _plane(self, profile: Profile) -> Any:
        liked, others = self._documents.liked(profile), self._documents.others(profile)
        known = liked | others
        strange = self._documents.missing(profile.examples)
        more = self._vectorizer.transform([f"{e.title} {e.abstract}" for e in strange] or [""])
        rows = sparse.vstack([self._rows[known], more[: len(strange)]], format="csr")
        return self._new().fit(rows, np.append(liked[known], np.ones(len(strange), dtype=bool)))


class LogisticRegression:
    """Balanced logistic regression (C 10) on TF-IDF: likes against the newest 8,000 other papers."""

    name = "logistic regression"
    uses = Uses.LIKES
    calibrated = False

    def __init__(self, tfidf: Tfidf) -> None:
        linear = import_module("sklearn.linear_model")
        self._new: Make = lambda: linear.LogisticRegression(
            C=10, class_weight="balanced", solver="liblinear"
        )
        self._tfidf = tfidf
        self._documents = _Documents(())
        self._rows: Any = None

    def fit(self, papers_before: Sequence[Paper]) -> None:
        """Vectors of the background."""
        self._tfidf.fit(papers_before)
        self._documents = _Documents(papers_before[-BACKGROUND:])
        self._rows = self._tfidf.examples(self._documents.papers)

    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
        """Log-odds in a balanced world, papers x profiles."""
        rows = self._tfidf.papers(papers)
        return np.column_stack([self._fitted(p).decision_function(rows) for p in profiles])

    def _fitted(self, profile: Profile) -> Any:
        others = self._rows[self._documents.others(profile)]
        own = self._tfidf.examples(profile.examples)
        rows = sparse.vstack([others, own], format="csr")
        return self._new().fit(rows, np.arange(rows.shape[0]) >= others.shape[0])


class ScholarInbox:
    """Scholar Inbox' recipe (GlennAng/msc_thesis, 2025): logistic regression on dense vectors.

    Upvotes against downvotes and 5,000 random papers, C 0.1; of N papers an upvote weighs N / up,
    and with v = 0.9 a downvote 5·v·N / (v·down + (1 - v)·random) and a random paper 5·(1 - v)·N /
    (the same). Its own encoder (reduced to 256 dimensions) is replaced by the vectors that are
    given; its vector of categories is left out.
    """

    uses = Uses.LIKES
    calibrated = False

    def __init__(self, vectors: Vectors) -> None:
        linear = import_module("sklearn.linear_model")
        self._new: Make = lambda: linear.LogisticRegression(C=0.1, solver="newton-cholesky")
        self.name = f"Scholar Inbox ({vectors.name})"
        self._vectors = vectors
        self._documents = _Documents(())
        self._rows: Floats = np.zeros((0, 0))

    def fit(self, papers_before: Sequence[Paper]) -> None:
        """Vectors of the random papers; always the same ones."""
        self._vectors.fit(papers_before)
        order = np.random.default_rng(0).permutation(len(papers_before))[:RANDOM_NEGATIVES]
        self._documents = _Documents([papers_before[place] for place in order])
        self._rows = self._vectors.papers(self._documents.papers)

    def rank(self, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Floats:
        """Log-odds in a balanced world, papers x profiles."""
        rows = self._vectors.papers(papers)
        return np.column_stack([self._fitted(p).decision_function(rows) for p in profiles])

    def _fitted(self, profile: Profile) -> Any:
        voted = self._vectors.examples(profile.examples + profile.dislikes)
        rows = np.vstack([voted, self._rows[self._documents.others(profile)]])
        up, down = len(profile.examples), len(profile.dislikes)
        chance = len(rows) - up - down
        shared = NEGATIVES * (up + down + chance) / (DOWNVOTED * down + (1 - DOWNVOTED) * chance)
        each = [(up + down + chance) / up, DOWNVOTED * shared, (1 - DOWNVOTED) * shared]
        weights = np.repeat(each, (up, down, chance))
        return self._new().fit(rows, np.arange(len(rows)) < up, weights)


class _Documents:
    """Papers, and what a reader thinks of each, as far as is known."""

    def __init__(self, papers: Sequence[Paper]) -> None:
        self.papers = papers
        self._places = {(paper.title, paper.abstract): n for n, paper in enumerate(papers)}

    def liked(self, profile: Profile) -> Bools:
        """A flag for each paper: whether it is one of the examples."""
        return self._flags(profile.examples)

    def others(self, profile: Profile) -> Bools:
        """A flag for each paper: whether it may be a negative. Likes kept back may not."""
        kept_back = profile.kept_back if isinstance(profile, Asked) else ()
        return ~self._flags(profile.examples + kept_back)

    def missing(self, examples: Sequence[Example]) -> list[Example]:
        """The examples that are no paper of these."""
        return [one for one in examples if (one.title, one.abstract) not in self._places]

    def _flags(self, examples: Sequence[Example]) -> Bools:
        places = [self._places.get((one.title, one.abstract)) for one in examples]
        flags = np.zeros(len(self.papers), dtype=bool)
        flags[[place for place in places if place is not None]] = True
        return flags


def _with_authors(paper: Paper) -> str:
    return " ".join((paper.title, paper.abstract, *paper.authors))
