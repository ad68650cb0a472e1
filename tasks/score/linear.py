"""Papers x profiles to scores: all evidence in one sum, bent once, with its reasons.

The evidence e for a pair is measured so that e = 1 makes a pick, whatever the profile. Then

    raw = -3 + 9 · e / (|e| + 2) - 10 · min(1, negatives) - dislikes,    value = 1 / (1 + e^-raw)

so no evidence is 0.05, one unit is 0.5, and nothing outweighs a negative. Every part of e keeps its
share of the bent sum; hence reasons add up to `raw`. A pair's score depends on the model, the paper
and the profile alone, never on the company they are scored in.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from tasks.records import Paper, Profile, Score
from tasks.score.corpus import Model
from tasks.score.evidence import Evidence, gather
from tasks.score.reasons import explained
from tasks.score.vectors import Floats

BASE, STEEP, HALF = -3.0, 9.0, 2.0


@dataclass(frozen=True, slots=True)
class Scores:
    """Scores of all pairs: `values` in 0 … 1 and `raw` in log-odds, both papers x profiles."""

    values: Floats
    raw: Floats
    _evidence: Evidence
    _positive: Floats

    def above(self, threshold: float) -> Iterator[tuple[int, int]]:
        """Places (paper, profile) of the values that reach `threshold`, paper by paper."""
        papers, profiles = np.nonzero(self.values >= threshold)
        return zip(papers.tolist(), profiles.tolist(), strict=True)

    def score(self, paper: int, profile: int) -> Score:
        """The record of one pair, with its reasons. Worth its cost for picks, not for all pairs."""
        raw = float(self.raw[paper, profile])
        share = STEEP / (abs(float(self._positive[paper, profile])) + HALF)
        return Score(
            entry_id=self._evidence.papers[paper].id,
            profile_id=self._evidence.profiles[profile].id,
            value=1 / (1 + math.exp(-raw)),
            raw=raw,
            reasons=explained(self._evidence, paper, profile, base=BASE, share=share),
        )


def score(model: Model, papers: Sequence[Paper], profiles: Sequence[Profile]) -> Scores:
    """Score every paper for every profile. Any part of either may be empty."""
    evidence = gather(model, papers, profiles)
    positive = evidence.positive()
    raw = BASE + STEEP * positive / (np.abs(positive) + HALF) + evidence.against()
    return Scores(1 / (1 + np.exp(-raw)), raw, evidence, positive)
