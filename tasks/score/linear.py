"""Papers x profiles to scores: one linear form a profile, bent once into a probability.

The evidence e of a pair is linear (`recipe`). What it is worth was fitted on judged readers and says
how likely the reader would keep the paper; t, the weight of what was typed, is 1 without examples and
falls to 0 as they grow in number:

    raw = BASE + DOUBT · t + (STEEP - SLACK · t) · e / (|e| + HALF),    value = 1 / (1 + e^-raw)

Every part of e keeps its share of the bent sum; hence reasons add up to `raw`. A pair's score depends
on the model, the paper and the profile alone, never on the company they are scored in.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache

import numpy as np

from tasks.records import Paper, Profile, Reason, Score
from tasks.score.background import background
from tasks.score.corpus import Model
from tasks.score.kernel import matrix
from tasks.score.meaning import Encodes
from tasks.score.reading import Reading, read_papers
from tasks.score.reasons import Explainer, Form, shortened
from tasks.score.recipe import compiled, trust
from tasks.score.rows import Rows
from tasks.score.vectors import Floats
from tasks.score.wishes import BARRED, Columns

OUT = -100.0  # log-odds: a value of 4e-44
BASE, STEEP, DOUBT, SLACK, HALF = -7.0, 10.5, 1.1, 3.6, 4.0


@dataclass(frozen=True, slots=True)
class Curve:
    """What evidence is worth for one profile: raw = base + steep · e / (|e| + HALF)."""

    base: float
    steep: float

    @classmethod
    def of(cls, profile: Profile) -> Curve:
        """The curve of `profile`, by the number of its examples."""
        typed = trust(profile)
        return cls(BASE + DOUBT * typed, STEEP - SLACK * typed)

    def raw(self, evidence: Floats) -> Floats:
        """Evidence as log-odds: OUT for what a typed `never` bars."""
        bent = self.base + self.steep * evidence / (np.abs(evidence) + HALF)
        return np.where(evidence < BARRED, OUT, bent)

    def evidence(self, value: float) -> float:
        """The evidence that makes a score of `value` in 0 … 1: inf where none does.

        Where any does, it is what a barred paper does not reach.
        """
        if not 0 < value < 1:
            return BARRED if value <= 0 else math.inf
        part = (math.log(value / (1 - value)) - self.base) / self.steep
        if abs(part) >= 1:
            return math.inf if part > 0 else BARRED
        return part * HALF / (1 - abs(part))


def scored(explainer: Explainer, reading: Reading, paper: int) -> Score:
    """The record of one pair, with its reasons."""
    curve = Curve.of(explainer.profile)
    parts = explainer.evidence(reading, paper)
    evidence = sum(part.value for part in parts)
    share = curve.steep / (abs(evidence) + HALF)
    if evidence < BARRED:
        share = (OUT - curve.base) / evidence
    base = Reason(kind="baseline", label="baseline", value=curve.base)
    raw = curve.base + share * evidence
    return Score(
        entry_id=reading.papers[paper].id,
        profile_id=explainer.profile.id,
        value=1 / (1 + math.exp(-raw)),
        raw=raw,
        reasons=shortened([base, *(replace(part, value=part.value * share) for part in parts)]),
    )


@dataclass(frozen=True)
class Scores:
    """Scores of all pairs: `values` in 0 … 1 and `raw` in log-odds, both papers x profiles."""

    values: Floats
    raw: Floats
    _reading: Reading
    _explainer: Callable[[int], Explainer]

    def above(self, threshold: float) -> Iterator[tuple[int, int]]:
        """Places (paper, profile) of the values that reach `threshold`, paper by paper.

        What is barred reaches none.
        """
        papers, profiles = np.nonzero((self.values >= threshold) & (self.raw > OUT))
        return zip(papers.tolist(), profiles.tolist(), strict=True)

    def score(self, paper: int, profile: int) -> Score:
        """The record of one pair, with its reasons. Worth its cost for picks, not for all pairs."""
        return scored(self._explainer(profile), self._reading, paper)


def score(
    model: Model,
    papers: Sequence[Paper],
    profiles: Sequence[Profile],
    encoder: Encodes | None = None,
) -> Scores:
    """Score every paper for every profile. Any part of either may be empty.

    A model that was fitted with an encoder needs the same one: anything else raises ValueError.
    """
    ground, columns = background(model, encoder), Columns()
    made = [compiled(ground, profile, n, columns) for n, profile in enumerate(profiles)]
    rows = Rows.pack(made, ground.width)
    reading = read_papers(ground, papers).answering(columns.keys())
    evidence = matrix(rows, reading.edition)
    raw = np.empty_like(evidence)
    for number, profile in enumerate(profiles):
        raw[:, number] = Curve.of(profile).raw(evidence[:, number])

    @cache
    def explainer(number: int) -> Explainer:
        return Explainer(ground, profiles[number], Form.of(rows, number), columns.keys())

    return Scores(1 / (1 + np.exp(-raw)), raw, reading, explainer)
