"""Why a pair scores what it scores, in words that a person would use.

Every reason is a product of the profile's row and the paper's: a wish and its hits, a word that both
have, a place in the latent space. Together with the baseline they are the whole raw score. Words go
to what the reader typed where it holds them, else to the examples; they are named as the paper spells
them, a pair together with its two words. The latent part is told by the nearest liked paper, or by
the paper's words that carry it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.records import Example, Paper, Profile, Reason
from tasks.score.background import Background
from tasks.score.latent import Places
from tasks.score.reading import Reading
from tasks.score.rows import Rows
from tasks.score.vectors import Floats, Ints, row
from tasks.score.wishes import Key, Wish, other_wishes, wanted_words
from tasks.score.words import read, stem, stems, surfaces

MOST_REASONS = 12
NAMED_WORDS = 3  # of a description, of the examples, and of a topic
REST = "other words"
MEANING = "its meaning"  # what an encoder finds in a paper: it has no words of its own for it
LONGEST = 90  # letters of a title or of what was typed in a label
SPELLINGS = 4096  # papers whose spelling is remembered: a day's are told to many
NEAREST_OF = 50  # examples, the newest, among which the nearest is looked for

Spoken = tuple[str, ...]  # one word's stem or two


@dataclass(frozen=True, eq=False)
class Form:
    """One profile's row: `weights` of some `columns`, which ascend, the latent direction, the offset."""

    columns: NDArray[np.int32]
    weights: Floats
    dense: Places
    offset: float

    @classmethod
    def of(cls, rows: Rows, number: int) -> Form:
        """Row `number` of `rows`."""
        own = slice(rows.indptr[number], rows.indptr[number + 1])
        weights = rows.weights[own].astype(np.float64)
        return cls(rows.columns[own], weights, rows.dense[number], float(rows.offset[number]))

    def of_paper(self, columns: Ints, values: Floats) -> Iterator[tuple[int, float]]:
        """What a paper's row adds, by column, where it adds anything."""
        at = np.searchsorted(self.columns, columns)
        there = at < len(self.columns)
        there[there] = self.columns[at[there]] == columns[there]
        products = self.weights[at[there]] * values[there]
        return zip(columns[there].tolist(), products.tolist(), strict=True)


class Explainer:
    """Tells the reasons of one profile's pairs; what it reads of the profile it reads once."""

    def __init__(
        self, ground: Background, profile: Profile, form: Form, keys: Sequence[Key]
    ) -> None:
        self.profile = profile
        self._ground, self._form, self._keys = ground, form, keys
        self._wishes: dict[Key, list[Wish]] = defaultdict(list)
        for wish in (*wanted_words(profile), *other_wishes(profile)):
            self._wishes[wish.key].append(wish)
        self._said = frozenset(stems(profile.description))

    def evidence(self, reading: Reading, paper: int) -> list[Reason]:
        """What every named thing adds to the evidence of one paper: the sum is the evidence."""
        words, hits, votes = self._products(reading, paper)
        spelled = spelling_of(reading.papers[paper])
        found = [Reason(kind="baseline", label="baseline", value=self._form.offset)]
        found.append(Reason(kind="votes", label=_votes(reading.papers[paper]), value=votes))
        found += self._typed(hits, words)
        said = {
            spoken: words.pop(spoken) for spoken in list(words) if self._said.issuperset(spoken)
        }
        found += _named("description", said, spelled)
        found += _named("example" if self.profile.examples else "dislike", words, spelled)
        found += self._latent(reading, paper, spelled)
        return [reason for reason in found if reason.value]

    def _products(
        self, reading: Reading, paper: int
    ) -> tuple[dict[Spoken, float], dict[Key, float], float]:
        """What the words, the wishes and the votes of one paper add."""
        space = self._ground.model.space
        words: dict[Spoken, float] = {}
        hits: dict[Key, float] = {}
        votes = 0.0
        for column, product in self._form.of_paper(*row(reading.edition.sparse, paper)):
            if column < space.width:
                words[space.words_of(column)] = product
            elif column == space.width:
                votes = product
            elif product:
                hits[self._keys[column - space.width - 1]] = product
        return {spoken: product for spoken, product in words.items() if product}, hits, votes

    def _typed(self, hits: dict[Key, float], words: dict[Spoken, float]) -> Iterator[Reason]:
        """Wishes with their hits and their words; words of a wish that is not hit are a part of it.

        What was typed twice under one key (a term that is a phrase too) is told once: as what was
        wanted where that prevails, else as what was not.
        """
        for key, same in self._wishes.items():
            kind, *of = key
            value = hits.pop(key, 0.0)
            wish = same[-1] if value < 0 else same[0]
            label = _short(wish.label)
            if kind == "words" and same[0].kind in ("term", "phrase"):
                own = frozenset(of)
                near = [spoken for spoken in words if own.issuperset(spoken)]
                if near and not value:
                    label = f"{label} (in part)"
                value += sum(words.pop(spoken) for spoken in near)
            yield Reason(kind=wish.kind, label=label, value=value)

    def _latent(self, reading: Reading, paper: int, spelled: Mapping[str, str]) -> Iterator[Reason]:
        latent, own = self._ground.model.latent, self._form.dense
        parts = reading.edition.dense[paper].astype(float) * own
        value, meant = float(parts[: latent.width].sum()), float(parts[latent.width :].sum())
        if self.profile.examples:
            label = self._nearest(reading, paper)
            yield Reason(kind="example", label=label, value=value + meant)
            return
        yield Reason(kind="topic", label=MEANING, value=meant)
        if not value:
            return
        columns, values = latent.parts(*row(reading.vectors, paper), own[: latent.width])
        spoken = [self._ground.model.space.words_of(int(column)) for column in columns]
        joined = pairs_joined(dict(zip(spoken, values.tolist(), strict=True)))
        best = [words for words, part in sorted(joined, key=_by_size) if part * value > 0]
        label = ", ".join(spoken_as(words, spelled) for words in best[:NAMED_WORDS]) or REST
        yield Reason(kind="topic", label=label, value=value)

    def _nearest(self, reading: Reading, paper: int) -> str:
        """The example most like the paper."""
        examples = self.profile.examples[-NEAREST_OF:]
        if self._ground.meaning:
            alike = self._liked @ reading.edition.dense[paper, self._ground.model.latent.width :]
        else:
            alike = (self._liked @ reading.vectors[[paper]].T).toarray()[:, 0]
        return _likeness(examples[int(np.argmax(alike))])

    @cached_property
    def _liked(self) -> Any:
        """The newest examples: their places by the encoder, or else their words."""
        ground = self._ground
        texts = [(paper.title, paper.abstract) for paper in self.profile.examples[-NEAREST_OF:]]
        if ground.meaning:
            return ground.meaning.places(texts)
        return ground.model.space.vectors(read(ground.lexicon, texts))


def shortened(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """At most MOST_REASONS, largest first; the two baselines are one, and so are the smallest."""
    base, *others = reasons
    for reason in others:
        if reason.kind == base.kind:
            base = replace(base, value=base.value + reason.value)
    ranked = sorted(
        (base, *(reason for reason in others if reason.kind != base.kind)),
        key=lambda reason: -abs(reason.value),
    )
    if len(ranked) <= MOST_REASONS:
        return tuple(ranked)
    kept, small = ranked[: MOST_REASONS - 1], ranked[MOST_REASONS - 1 :]
    rest = Reason(kind=small[0].kind, label="other reasons", value=sum(r.value for r in small))
    return tuple(sorted([*kept, rest], key=lambda reason: -abs(reason.value)))


def _votes(paper: Paper) -> str:
    return f"{paper.upvotes} votes"


def _likeness(example: Example) -> str:
    return f"like “{_short(example.title or example.abstract)}”"


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _named(kind: str, words: dict[Spoken, float], spelled: Mapping[str, str]) -> Iterator[Reason]:
    """The strongest words by name, then the rest together."""
    joined = sorted(pairs_joined(words), key=_by_size)
    for spoken, value in joined[:NAMED_WORDS]:
        yield Reason(kind=kind, label=spoken_as(spoken, spelled), value=value)
    rest = sum(value for _, value in joined[NAMED_WORDS:])
    yield Reason(kind=kind, label=REST, value=rest)


def spoken_as(words: Spoken, spelled: Mapping[str, str]) -> str:
    return " ".join(spelled.get(word, word) for word in words)


def _by_size(part: tuple[Spoken, float]) -> tuple[float, Spoken]:
    return -abs(part[1]), part[0]


def pairs_joined(parts: Mapping[Spoken, float]) -> Iterable[tuple[Spoken, float]]:
    """`parts` with each pair of words taking in its two words; the strongest pair takes first."""
    left = dict(parts)
    pairs = sorted(
        ((words, value) for words, value in parts.items() if len(words) == 2), key=_by_size
    )
    for words, _ in pairs:
        for word in dict.fromkeys(words):
            left[words] += left.pop((word,), 0.0)
    return left.items()


def spelling_of(paper: Paper) -> Mapping[str, str]:
    """The first spelling of every stem in `paper`."""
    return _spelling(paper.title, paper.abstract)


@lru_cache(maxsize=SPELLINGS)
def _spelling(title: str, abstract: str) -> Mapping[str, str]:
    spelled: dict[str, str] = {}
    for surface in surfaces(f"{title}\n{abstract}"):
        spelled.setdefault(stem(surface), surface)
    return spelled
