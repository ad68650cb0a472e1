"""What feedback taught a profile, in words: how its row differs from that of what was typed."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from scipy import sparse

from tasks.records import Example, Paper, Profile
from tasks.score.background import Background
from tasks.score.reasons import pairs_joined, spelling_of, spoken_as
from tasks.score.recipe import compiled
from tasks.score.wishes import Columns

MOST = 8  # words each way: a line, not a table
LEAST = 0.05  # of the strongest: below that a word is chance


@dataclass(frozen=True, slots=True)
class Learned:
    """Words that now count for a paper, and words that now count against one, strongest first."""

    more: tuple[str, ...] = ()
    less: tuple[str, ...] = ()


def learned(ground: Background, typed: Profile, taught: Profile) -> Learned:
    """What `taught` holds beyond `typed`: words and pairs by the change of their weights."""
    if typed == taught:
        return Learned()
    change = _words(ground, taught) - _words(ground, typed)
    space = ground.model.space
    parts = {
        space.words_of(int(column)): float(value)
        for column, value in zip(change.indices, change.data, strict=True)
    }
    ranked = sorted(pairs_joined(parts), key=lambda part: (-abs(part[1]), part[0]))
    spelled = _spelled((*taught.examples, *taught.dislikes))

    def best(sign: int) -> tuple[str, ...]:
        ours = [(words, value * sign) for words, value in ranked if value * sign > 0]
        ours = [(words, value) for words, value in ours if all(word in spelled for word in words)]
        strong = [words for words, value in ours if value >= LEAST * ours[0][1]]
        return tuple(spoken_as(words, spelled) for words in strong[:MOST])

    return Learned(best(1), best(-1))


def _words(ground: Background, profile: Profile) -> sparse.csr_array:
    """The weights of words and pairs in a profile's row."""
    row = compiled(ground, profile, 0, Columns())
    columns, weights = np.asarray(row.columns), np.asarray(row.weights)
    own = columns < ground.model.space.width
    ends = [0, np.count_nonzero(own)]
    return sparse.csr_array((weights[own], columns[own], ends), shape=(1, ground.model.space.width))


def _spelled(examples: Iterable[Example]) -> dict[str, str]:
    """The first spelling of every stem in the papers that taught."""
    spelled: dict[str, str] = {}
    for example in examples:
        paper = Paper(id=0, title=example.title, abstract=example.abstract)
        spelled = {**spelling_of(paper), **spelled}
    return spelled
