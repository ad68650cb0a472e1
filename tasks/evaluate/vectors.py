"""TF-IDF and latent vectors for other services' recipes, apart from our scorer's own features.

So a baseline stays what it is whatever our scorer becomes. Vectors are made once for papers that
several rankers share: each call remembers the papers it last saw, by identity.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from tasks.evaluate.measures import Floats
from tasks.records import Example, Paper, Profile

WORD = re.compile(r"\w\w+")
COLUMNS_MOST = 150_000
SEEN_LEAST = 2  # papers, for a word or pair to have a column
DIMENSIONS = 256
_STOP = """
a about above after again against all also although always am among an and another any are as at
be became because become been before being below between both but by can cannot could did do does
doing down during each either et etc even ever every few for from further had has have having he
hence her here him his how however i if in indeed into is it its itself just least less like made
many may me might more moreover most much must my near neither no nor not now of off often on once
one only or other others our out over own per perhaps rather same seem several she should since so
some still such than that the their them then there thereby therefore these they this those though
three through thus to together too toward towards two under until up upon us very via was we well
were what when where whereas which while who whole whose why will with within without would yet
you your
"""
STOP = frozenset(_STOP.split())


Ints = NDArray[np.int64]
Bag = tuple[Ints, Ints]  # codes and counts
NOTHING: Ints = np.zeros(0, dtype=np.int64)
Encode = Callable[[Sequence[str]], NDArray[np.float32]]  # texts to rows of length 1


class Vectors(Protocol):
    """Texts as rows of length 1. `name` says what kind they are."""

    name: str

    def fit(self, papers: Sequence[Paper]) -> None: ...
    def papers(self, papers: Sequence[Paper]) -> Floats: ...
    def examples(self, examples: Sequence[Example | Paper]) -> Floats: ...


def text(paper: Paper | Example) -> str:
    """What stands in a paper, with its title counted twice."""
    return f"{paper.title}\n{paper.title}\n{paper.abstract}"


class Tfidf:
    """Words and pairs of words: (1 + ln tf) · (1 + ln((N + 1) / (df + 1))), rows of length 1.

    The weights of scikit-learn's TfidfVectorizer with sublinear_tf (Salton & Buckley, 1988). A code
    is a word's number, or for a pair (first + 1) · 2³² + second.
    """

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}
        self._bags: dict[str, Bag] = {}
        self._columns: Ints = np.zeros(0, dtype=np.int64)
        self._idf: Floats = np.zeros(0)
        self._fitted: Sequence[Paper] = ()
        self._last: tuple[Sequence[Paper], sparse.csr_array] | None = None

    def fit(self, papers: Sequence[Paper]) -> None:
        """Learn columns and their rarity from `papers`."""
        if papers is self._fitted:
            return
        texts = list(map(text, papers))
        self._bags = {read: self._bag(read) for read in texts}
        codes, df = np.unique(
            np.concatenate([self._bags[read][0] for read in texts]), return_counts=True
        )
        kept = np.flatnonzero(df >= SEEN_LEAST)
        kept = np.sort(kept[np.argsort(-df[kept], kind="stable")[:COLUMNS_MOST]])
        self._columns = codes[kept]
        self._idf = 1 + np.log((len(papers) + 1) / (df[kept] + 1))
        self._fitted, self._last = papers, None

    def papers(self, papers: Sequence[Paper]) -> sparse.csr_array:
        """One row a paper."""
        if self._last is None or self._last[0] is not papers:
            self._last = papers, self.examples(papers)
        return self._last[1]

    def examples(self, examples: Sequence[Example | Paper]) -> sparse.csr_array:
        """One row an example."""
        return self.rows(map(text, examples))

    def rows(self, texts: Iterable[str]) -> sparse.csr_array:
        """One row a text."""
        bags = [self._bag(read) for read in texts]
        codes = np.concatenate([NOTHING, *(codes for codes, _ in bags)])
        counts = np.concatenate([NOTHING, *(counts for _, counts in bags)])
        rows = np.repeat(np.arange(len(bags)), [len(codes) for codes, _ in bags])
        places = np.searchsorted(self._columns, codes)
        known = np.append(self._columns, -1)[places] == codes
        weights = (1 + np.log(counts[known])) * self._idf[places[known]]
        squares = np.bincount(rows[known], weights=weights**2, minlength=len(bags))
        weights /= np.sqrt(squares)[rows[known]]
        shape = (len(bags), len(self._columns))
        at = rows[known].astype(np.int32), places[known].astype(np.int32)  # as liblinear wants them
        return sparse.coo_array((weights, at), shape=shape).tocsr()

    def _bag(self, read: str) -> Bag:
        """The codes of a text, ascending, and how often each stands in it."""
        if read in self._bags:
            return self._bags[read]
        words = (word for word in WORD.findall(read.lower()) if word not in STOP)
        numbers = [self._numbers.setdefault(word, len(self._numbers)) for word in words]
        singles = np.array(numbers, dtype=np.int64)
        pairs = (singles[:-1] + 1 << 32) | singles[1:]
        return np.unique(np.concatenate((singles, pairs)), return_counts=True)


class Lsa:
    """Latent semantic analysis of the same texts (Deerwester et al., 1990), rows of length 1."""

    name = f"LSA-{DIMENSIONS}"

    def __init__(self, tfidf: Tfidf) -> None:
        self._tfidf = tfidf
        self._fitted: Sequence[Paper] = ()
        self._basis: Floats = np.zeros((0, 0))

    def fit(self, papers: Sequence[Paper]) -> None:
        """Learn the space from `papers`."""
        self._tfidf.fit(papers)
        if papers is not self._fitted:
            self._basis = right_vectors(self._tfidf.examples(papers), DIMENSIONS)
            self._fitted = papers

    def papers(self, papers: Sequence[Paper]) -> Floats:
        """One row a paper."""
        return unit(self._tfidf.papers(papers) @ self._basis)

    def examples(self, examples: Sequence[Example | Paper]) -> Floats:
        """One row an example."""
        return unit(self._tfidf.examples(examples) @ self._basis)


class Encoded:
    """A sentence encoder's rows, each text encoded once. It brings its learning with it."""

    def __init__(self, name: str, encode: Encode) -> None:
        self.name = name
        self._encode = encode
        self._rows: dict[str, Floats] = {}

    def fit(self, papers: Sequence[Paper]) -> None:
        """An encoder learns nothing here."""

    def papers(self, papers: Sequence[Paper]) -> Floats:
        """One row a paper."""
        return self.examples(papers)

    def examples(self, examples: Sequence[Example | Paper]) -> Floats:
        """One row an example."""
        texts = [f"{one.title}. {one.abstract}" for one in examples]
        if new := [read for read in dict.fromkeys(texts) if read not in self._rows]:
            self._rows.update(zip(new, np.asarray(self._encode(new), dtype=float), strict=True))
        return np.array([self._rows[read] for read in texts])


def right_vectors(matrix: sparse.csr_array, count: int, *, rounds: int = 3) -> Floats:
    """The leading `count` right singular vectors, as columns, by a randomised subspace iteration.

    Halko, Martinsson & Tropp (2011), algorithm 4.4; fewer columns where the matrix is smaller.
    """
    wide = min(count + 16, *matrix.shape)
    found = np.random.default_rng(0).standard_normal((matrix.shape[1], wide))
    for _ in range(rounds):
        found, _ = np.linalg.qr(matrix.T @ (matrix @ found))
    _, _, turned = np.linalg.svd(matrix @ found, full_matrices=False)
    kept: Floats = found @ turned[:count].T
    return kept


def unit(rows: Floats) -> Floats:
    """Rows scaled to length 1; a row of zeros stays so."""
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(lengths > 0, lengths, 1)


def words_of(profile: Profile) -> str:
    """What the reader typed, as one query."""
    return "\n".join((*profile.terms, *profile.phrases, profile.description))
