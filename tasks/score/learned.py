"""What examples teach: a linear model that tells a profile's papers from ordinary ones.

Logistic regression with both classes weighing the same (Cox, 1958; the balance of King & Zeng,
2001), once in words and once in the latent space; in words on those of the examples alone, since what
none of them says tells nothing of what is wanted. Fitted by L-BFGS (Liu & Nocedal, 1989), some 20 ms
each. Both rank better than the mean of the examples less the background (Rocchio, 1971) once they
are many, and no worse while they are few.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np
from scipy import sparse
from scipy.optimize import minimize

from tasks.records import Example
from tasks.score.latent import Places
from tasks.score.vectors import Floats, Ints

Matrix = Any  # papers x columns, sparse or not

# Of the squared weights, beside a mean loss of 1 a class.
PENALTY = 5e-5
PLACE_PENALTY = 5e-4
TURNS = 40  # of L-BFGS: more change no ranking
HALF_LIFE = 365.0  # days in which an example comes to count half; faster forgetting ranks worse


def ages(examples: Sequence[Example]) -> Floats:
    """What each example counts by its age beside the newest one; 1 where no day was given."""
    days = [example.given for example in examples if example.given]
    newest = max(days, default=date.min)
    old = [(newest - example.given).days if example.given else 0 for example in examples]
    counts: Floats = 0.5 ** (np.array(old, dtype=float) / HALF_LIFE)
    return counts


def in_words(
    liked: sparse.csr_array, disliked: sparse.csr_array, ordinary: sparse.csc_array, loud: Floats
) -> tuple[Ints, Floats]:
    """Columns of the liked papers' words and their weights, as a direction of length 1.

    All three are papers x columns; `loud` weighs their papers, in this order (`loudness`).
    """
    columns = np.unique(liked.indices)
    papers = sparse.vstack(
        [liked[:, columns], disliked[:, columns], ordinary[:, columns].tocsr()]
    ).tocsr()
    weights = _logistic(papers, papers.T.tocsr(), _sides(liked, papers), loud, PENALTY)
    return columns.astype(np.int64), weights


def in_places(liked: Places, disliked: Places, ordinary: Places, loud: Floats) -> Places:
    """The same in the latent space: a direction of length 1 from ordinary places to liked ones."""
    # In float64 at once: else every product would turn all of it into that anew.
    papers = np.concatenate((liked, disliked, ordinary), dtype=np.float64)
    sides = _sides(liked, papers)
    return _logistic(papers, papers.T, sides, loud, PLACE_PENALTY).astype(np.float32)


def loudness(counts: Floats, disliked: int, ordinary: int) -> Floats:
    """What each paper weighs in the loss: 1 together for the liked, and 1 for the ordinary ones.

    A disliked paper speaks as loud as a liked one, together at most as loud as all of them.
    """
    liked = counts / counts.sum()
    bad = np.full(disliked, min(liked.max(), 1 / max(disliked, 1)))
    return np.concatenate((liked, bad, np.full(ordinary, 1 / max(ordinary, 1))))


def _sides(liked: Matrix, papers: Matrix) -> Floats:
    return np.repeat([1.0, -1.0], [liked.shape[0], papers.shape[0] - liked.shape[0]])


def _logistic(
    papers: Matrix, across: Matrix, sides: Floats, loud: Floats, penalty: float
) -> Floats:
    """The weights of least loss, of length 1; the intercept is free, and of no use afterwards."""

    def loss(at: Floats) -> tuple[float, Floats]:
        margin = sides * (papers @ at[:-1] + at[-1])
        small = np.exp(-np.abs(margin))
        wrong = np.where(margin > 0, small, 1.0) / (1 + small)
        pull = -loud * sides * wrong
        value = loud @ (np.log1p(small) + np.maximum(-margin, 0)) + penalty / 2 * at[:-1] @ at[:-1]
        return float(value), np.append(across @ pull + penalty * at[:-1], pull.sum())

    start = np.zeros(papers.shape[1] + 1)
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": TURNS})
    weights: Floats = found.x[:-1]
    length = float(np.linalg.norm(weights))
    return weights / (length if length > 0 else 1.0)
