"""A day's papers, read once for all profiles: words, votes, answers to wishes, places."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import sparse

from tasks.records import Paper
from tasks.score.answers import Finder
from tasks.score.background import Background
from tasks.score.kernel import Edition
from tasks.score.latent import Places
from tasks.score.vectors import Floats
from tasks.score.wishes import Key
from tasks.score.words import Lexicon, read

VOTE = 0.2  # evidence per ln(1 + votes): it settles what is nearly even. No judged data has votes
MOST_VOTES = 10_000  # that count: more than any paper ever had


@dataclass(frozen=True, eq=False)
class Reading:
    """Papers, their columns as the rows of profiles number them, and their TF-IDF `vectors`."""

    papers: Sequence[Paper]
    vectors: sparse.csr_array
    edition: Edition


@dataclass(frozen=True, eq=False)
class Texts:
    """Papers read, before anybody's wishes are looked for among them."""

    papers: Sequence[Paper]
    vectors: sparse.csr_array
    votes: sparse.csr_array
    places: Places
    finder: Finder

    def answering(self, wishes: Sequence[Key]) -> Reading:
        """The papers for rows whose wishes are numbered like `wishes`."""
        columns = sparse.hstack([self.vectors, self.votes, self.finder.matrix(wishes)]).tocsr()
        return Reading(self.papers, self.vectors, Edition(columns, self.places))


def worth(votes: ArrayLike) -> Floats:
    """The evidence of so many votes."""
    found: Floats = VOTE * np.log1p(np.clip(votes, 0, MOST_VOTES))
    return found


def of_votes(votes: Sequence[int | None]) -> sparse.csr_array:
    """The column of votes, in evidence; unknown votes are none."""
    counted = [min(max(count or 0, 0), MOST_VOTES) for count in votes]
    return sparse.csr_array(worth(counted).reshape(-1, 1))


def read_papers(
    ground: Background, papers: Sequence[Paper], lexicon: Lexicon | None = None
) -> Texts:
    """Read `papers`, once for all profiles.

    With a `lexicon` that begins with the model's words, what it has learned before need not be
    learned again; it must not be lent to two threads at a time.
    """
    lexicon = lexicon or Lexicon(ground.model.words)
    batch = read(lexicon, ((paper.title, paper.abstract) for paper in papers))
    vectors = ground.model.space.vectors(batch)
    places = [ground.model.latent.places(vectors)]
    if ground.meaning:
        places.append(ground.meaning.places([(paper.title, paper.abstract) for paper in papers]))
    return Texts(
        papers=papers,
        vectors=vectors,
        votes=of_votes([paper.upvotes for paper in papers]),
        places=np.concatenate(places, axis=1),
        finder=Finder(lexicon, batch, papers),
    )


def together(texts: Sequence[Texts]) -> Texts:
    """The papers of several readings as one, in order. `texts` must not be empty."""
    return Texts(
        papers=[paper for some in texts for paper in some.papers],
        vectors=sparse.vstack([some.vectors for some in texts]).tocsr(),
        votes=sparse.vstack([some.votes for some in texts]).tocsr(),
        places=np.concatenate([some.places for some in texts]),
        finder=Finder.joined([some.finder for some in texts]),
    )
