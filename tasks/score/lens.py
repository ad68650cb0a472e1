"""One profile's row, held ready to look at any papers: for previews, which look again at every keystroke.

The evidence is the kernel's, without the part of votes, which grows while a paper stays what it is; here
it is summed in float64 and may differ in the seventh digit.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache

import numpy as np
from scipy import sparse

from tasks.records import Profile, Score
from tasks.score.answers import Answer
from tasks.score.background import Background
from tasks.score.kernel import Edition
from tasks.score.linear import Curve, scored
from tasks.score.reading import Reading, Texts, of_votes
from tasks.score.reasons import Explainer, Form
from tasks.score.recipe import compiled
from tasks.score.rows import Rows
from tasks.score.vectors import Floats
from tasks.score.wishes import Columns, Key

KEPT = 128  # lenses of some 100 kB


@dataclass(frozen=True, eq=False)
class Lens:
    """A profile as the scorer sees it: its form, what its wishes are, what its evidence is worth."""

    ground: Background
    profile: Profile
    form: Form
    keys: Sequence[Key]
    curve: Curve

    def words(self) -> Floats:
        """The weights of words and pairs, by column: some megabytes, made anew each time."""
        width = self.ground.model.space.width
        weights = np.zeros(width)
        own = self.form.columns < width
        weights[self.form.columns[own]] = self.form.weights[own]
        return weights

    @cached_property
    def wishes(self) -> Mapping[Key, float]:
        """The weights of what was typed."""
        first = self.ground.model.space.width + 1
        own = self.form.columns >= first
        numbers = (self.form.columns[own] - first).tolist()
        weights = self.form.weights[own].tolist()
        return {self.keys[n]: weight for n, weight in zip(numbers, weights, strict=True)}

    def evidence(self, texts: Texts, answer: Callable[[Key], Answer]) -> Floats:
        """The evidence of every paper, without its votes; `answer` finds who answers a wish."""
        found: Floats = texts.vectors @ self.words()
        found += texts.places @ self.form.dense
        found += self.form.offset
        for key, weight in self.wishes.items():
            rows, hits = answer(key)
            found[rows] += weight * hits
        return found

    def told(
        self, texts: Texts, places: Sequence[int], votes: Sequence[int | None], hits: Floats
    ) -> list[Score]:
        """The scores of the papers at some places, with their reasons, as they stood with these votes.
        `hits` is what they answer to each of `keys`: papers x keys.
        """
        papers = [
            replace(texts.papers[n], upvotes=count) for n, count in zip(places, votes, strict=True)
        ]
        vectors = texts.vectors[list(places)]
        columns = sparse.hstack([vectors, of_votes(votes), sparse.csr_array(hits)]).tocsr()
        reading = Reading(papers, vectors, Edition(columns, texts.places[list(places)]))
        return [scored(self._explainer, reading, number) for number in range(len(papers))]

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.ground, self.profile, self.form, self.keys)


def lens(ground: Background, profile: Profile) -> Lens:
    """The lens of a profile; made once for what it holds, as long as it is among the last looked through."""
    return _made(ground, _Held(profile))


@dataclass(frozen=True)
class _Held:
    """A profile as the key of a cache: known by all that it holds."""

    profile: Profile

    def __hash__(self) -> int:
        own = self.profile
        return hash((own.id, own.terms, own.phrases, own.authors, own.description, own.examples))


@lru_cache(maxsize=KEPT)
def _made(ground: Background, held: _Held) -> Lens:
    columns = Columns()
    row = compiled(ground, held.profile, 0, columns)
    form = Form.of(Rows.pack([row], ground.width), 0)
    return Lens(ground, held.profile, form, columns.keys(), Curve.of(held.profile))
