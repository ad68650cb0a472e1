"""All evidence of one call, gathered: the papers and everything their readers gave, read once.

What speaks for a pair is a sum, of what was typed, the description and the examples, in units of
which 1 makes a pick. What speaks against it, negatives and dislikes, is in log-odds.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tasks.records import Example, Paper, Profile
from tasks.score.answers import Answers, Finder, answers
from tasks.score.corpus import Model
from tasks.score.prose import Directions, Given, towards_mean, towards_texts
from tasks.score.vectors import Floats, Reading
from tasks.score.wishes import Wishes, unwanted, wanted
from tasks.score.words import Batch, Lexicon, read

NEGATIVE = 10.0  # log-odds: what no evidence outweighs
DESCRIPTION, EXAMPLES = 0.75, 0.6  # of one unit of their directions
LEAST_TRUST, DOUBT = 0.3, 10.0  # what was typed falls from 1 to 0.3, halfway at ten examples


@dataclass(frozen=True, slots=True)
class Typed:
    """Wishes, their weights (profiles x columns) and the papers' answers (papers x columns)."""

    wishes: Wishes
    weights: sparse.csr_array
    answers: Answers

    def scores(self) -> Floats:
        """Papers x profiles."""
        return np.asarray(((self.answers.exact + self.answers.near) @ self.weights.T).toarray())


@dataclass(frozen=True, slots=True)
class Evidence:
    """What speaks for and against every pair of `papers` and `profiles`."""

    papers: Sequence[Paper]
    profiles: Sequence[Profile]
    reading: Reading
    wanted: Typed
    unwanted: Typed
    description: Directions
    examples: Directions
    liked: Given
    disliked: Given

    def positive(self) -> Floats:
        """Papers x profiles, in units of which 1 makes a pick."""
        vectors = self.reading.vectors
        prose = self.description.scores(vectors) + self.examples.scores(vectors)
        return self.wanted.scores() + prose

    def against(self) -> Floats:
        """Papers x profiles, in log-odds, never above 0."""
        negatives = -NEGATIVE * self.unwanted.scores().clip(0, 1)
        return negatives + self.disliked.penalties(self.reading.vectors)


def gather(model: Model, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Evidence:
    """Read `papers` and `profiles`, and lay out their evidence."""
    lexicon = Lexicon(model.words)
    batch = read(lexicon, ((paper.title, paper.abstract) for paper in papers))
    about = read(lexicon, (("", profile.description) for profile in profiles))
    likes = [profile.examples for profile in profiles]
    dislikes = [profile.dislikes for profile in profiles]
    liked, disliked = _read_given(lexicon, likes), _read_given(lexicon, dislikes)
    trust = _trust(likes)
    wishes, fears = wanted(lexicon, profiles, trust), unwanted(lexicon, profiles)
    # Every word has its number from here on.
    space = model.space(lexicon.words)
    reading = Reading(batch, space, space.vectors(batch))
    reservoir = _widened(model.reservoir, len(space.idf))
    finder = Finder(papers, batch)
    ordinary = np.pad(model.ordinary, (0, len(space.idf) - len(model.ordinary)))
    own = _given(likes, space.vectors(liked))
    description = towards_texts(space.vectors(about), ordinary)
    return Evidence(
        papers=papers,
        profiles=profiles,
        reading=reading,
        wanted=Typed(wishes, wishes.weights(), answers(list(wishes.keys), finder, reading)),
        unwanted=Typed(fears, fears.weights(), answers(list(fears.keys), finder, reading).flat()),
        description=description.in_units(reservoir, DESCRIPTION * trust),
        examples=towards_mean(own, ordinary).in_units(reservoir, EXAMPLES),
        liked=own,
        disliked=_given(dislikes, space.vectors(disliked)),
    )


def _trust(likes: Sequence[Sequence[Example]]) -> Floats:
    """How much each profile's typed words weigh beside its examples (a prior worth DOUBT of them)."""
    count = np.array([len(papers) for papers in likes], dtype=float)
    return LEAST_TRUST + (1 - LEAST_TRUST) * DOUBT / (count + DOUBT)


def _read_given(lexicon: Lexicon, given: Sequence[Sequence[Example]]) -> Batch:
    return read(lexicon, ((paper.title, paper.abstract) for papers in given for paper in papers))


def _given(given: Sequence[Sequence[Example]], vectors: sparse.csr_array) -> Given:
    owners = np.repeat(np.arange(len(given)), [len(papers) for papers in given])
    return Given(tuple(paper for papers in given for paper in papers), owners, vectors, len(given))


def _widened(matrix: sparse.csr_array, columns: int) -> sparse.csr_array:
    """`matrix` with empty columns added."""
    shape = (matrix.shape[0], columns)
    return sparse.csr_array((matrix.data, matrix.indices, matrix.indptr), shape=shape)
