"""A profile becomes a row: the evidence that a paper is wanted, as one linear form.

    e(paper) = offset + Σ weights · the paper's columns + Σ dense · its latent place

The row is a sum of channels. Each is measured in its own spread over ordinary papers (z-scores), so
that channels and profiles compare, and weighs what the list below says; what was typed yields to what
the examples teach as these grow in number, with a prior worth `PRIOR` of them:

    typed      1    hits of terms and phrases by rarity, and their words' cosine
    said       0.5  the description's cosine
    meant      0.25 the description's latent direction; the terms' the same
    echoed     1    the mean latent place of the papers that all this finds (Rocchio's blind feedback)
    learned    1    what tells the examples from the background, in words (`learned`)
    grasped    0.5  the same in the latent space

With an encoder, its places add channels of their own, measured and shared out in the same way:

    asked      1    the description's place; the terms' the same
    found      0.5  the mean place of the papers that all the channels above find
    alike      0.75 what tells the examples from the background in these places

Authors, categories and what is to come less or never stand beside the channels, in evidence. The
weights were chosen on folds over profiles: see docs/scoring.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np
from scipy import sparse

from tasks.records import Example, Profile
from tasks.score.background import Background
from tasks.score.latent import Places
from tasks.score.learned import ages, in_places, in_words, loudness
from tasks.score.meaning import Meaning
from tasks.score.rows import Row
from tasks.score.vectors import Floats, Ints
from tasks.score.wishes import Columns, Key, Wish, other_wishes, wanted_words
from tasks.score.words import STOP, read

TYPED, SAID, MEANT, ECHOED, LEARNED, GRASPED = 1.0, 0.5, 0.25, 1.0, 1.0, 0.5
ASKED, FOUND, ALIKE = 1.0, 0.5, 0.75
PRIOR = 4.0  # examples
# The spreads that channels usually have: what is believed before there are papers to see it on.
TYPED_SPREAD, COSINE_SPREAD, PLACE_SPREAD, ENCODED_SPREAD = 0.25, 0.015, 0.06, 0.1
HIT = {"term": 1.5, "phrase": 2.4}  # of a word of ordinary rarity in a title
COSINE = 4.0
COMMONEST, RAREST, ORDINARY = 0.65, 1.3, 5.0  # the bounds of rarity, and the idf that counts 1
ECHOES = 0.01  # of the background: the papers taken for wanted
MOST_EXAMPLES = 400  # the newest: older ones teach nothing more
MOST_ENCODED = 50  # examples, the newest; more of them rank no better
LESSONS = 64  # that are remembered
DISLIKED, MOST_DISLIKES = 25.0, 50  # evidence per cosine with one disliked paper


@dataclass
class _Sum:
    """Channels as they add up; `seen` is their sum for the background's papers."""

    ground: Background
    seen: Floats
    offset: float = 0.0
    columns: list[sparse.csr_array] = field(default_factory=list)
    dense: list[Places] = field(default_factory=list)
    encoded: list[Places] = field(default_factory=list)
    wishes: dict[Key, float] = field(default_factory=dict)

    def add(
        self,
        share: float,
        believed: float,
        *,
        vector: sparse.csr_array | None = None,
        place: Places | None = None,
        wishes: Sequence[Wish] = (),
    ) -> None:
        """Add a channel, `share` of it for one spread of its values over the background."""
        values = self._values(vector, place, wishes)
        mean, spread = self.ground.scale(values, believed)
        factor = share / spread
        self.offset -= factor * mean
        self.seen = self.seen + factor * (values - mean)
        if vector is not None:
            self.columns.append(vector * factor)
        if place is not None:
            self.dense.append(place * np.float32(factor))
        for wish in wishes:
            self.wish(wish, factor)

    def add_encoded(self, share: float, meaning: Meaning, place: Places) -> None:
        """Add a channel of places by an encoder; `seen` is without it."""
        values = (meaning.ordinary @ place).astype(float)
        mean, spread = self.ground.scale(values, ENCODED_SPREAD)
        self.offset -= share / spread * mean
        self.encoded.append(place * np.float32(share / spread))

    def wish(self, wish: Wish, factor: float = 1.0) -> None:
        """Add a wish in evidence."""
        self.wishes[wish.key] = self.wishes.get(wish.key, 0.0) + factor * wish.weight

    def _values(
        self, vector: sparse.csr_array | None, place: Places | None, wishes: Iterable[Wish]
    ) -> Floats:
        values = np.zeros(self.ground.size)
        if vector is not None:
            values += self.ground.along(vector)
        if place is not None:
            values += self.ground.places @ place
        for wish in wishes:
            rows, hits = self.ground.finder.answer(wish.key)
            values[rows] += wish.weight * hits
        return values

    def row(self, key: int, numbers: Columns) -> Row:
        """The row of a profile, whose wishes stand behind the columns of words and the one of votes."""
        space, latent = self.ground.model.space, self.ground.model.latent
        encoded = self.ground.width - latent.width
        words = _sum(self.columns, space.width)
        others = [space.width, *(space.width + 1 + numbers.number(key) for key in self.wishes)]
        return Row(
            key=key,
            columns=np.concatenate((words.indices, others)),
            weights=np.concatenate((words.data, [1.0, *self.wishes.values()])),
            dense=np.concatenate((_total(self.dense, latent.width), _total(self.encoded, encoded))),
            offset=self.offset,
            threshold=-np.inf,
        )


def trust(profile: Profile) -> float:
    """What typed words weigh: 1 without examples, less and less beside more of them."""
    return PRIOR / (PRIOR + len(profile.examples[-MOST_EXAMPLES:]))


def compiled(ground: Background, profile: Profile, key: int, numbers: Columns) -> Row:
    """The row of `profile` under the number `key`. New wishes get new `numbers`."""
    total = _Sum(ground, np.zeros(ground.size))
    typed = trust(profile)
    _add_typed(total, profile, typed)
    dislikes = profile.dislikes[-MOST_DISLIKES:]
    if profile.examples:
        taught = _taught(ground, tuple(profile.examples[-MOST_EXAMPLES:]), tuple(dislikes))
        if taught is not None:
            vector, place = taught
            total.add(LEARNED * (1 - typed), COSINE_SPREAD, vector=vector)
            if ground.model.latent.width:
                total.add(GRASPED * (1 - typed), PLACE_SPREAD, place=place)
    if ground.meaning:
        _add_encoded(total, profile, ground.meaning, typed)
    _add_dislikes(total, _vectors(ground, dislikes))
    for wish in other_wishes(profile):
        total.wish(wish)
    return total.row(key, numbers)


def _add_typed(total: _Sum, profile: Profile, share: float) -> None:
    ground = total.ground
    space, latent = ground.model.space, ground.model.latent
    wanted = list(wanted_words(profile))
    hits, near = _typed(ground, wanted)
    if hits:
        total.add(TYPED * share, TYPED_SPREAD, vector=near, wishes=hits)
    terms = ". ".join(wish.label for wish in wanted if wish.weight)
    for text, said in ((profile.description, SAID), (terms, 0.0)):
        vector = space.vectors(read(ground.lexicon, [("", text)]))
        if not vector.nnz:
            continue
        if said:
            total.add(said * share, COSINE_SPREAD, vector=vector)
        if latent.width:
            total.add(MEANT * share, PLACE_SPREAD, place=latent.directions(vector)[0])
    if latent.width and total.columns:
        total.add(ECHOED * share, PLACE_SPREAD, place=_echo(total.seen, ground.places))


def _typed(ground: Background, wishes: Sequence[Wish]) -> tuple[list[Wish], sparse.csr_array]:
    """Hits by rarity, and all the words as one vector for what is only near."""
    vectors = ground.model.space.vectors(
        read(ground.lexicon, ((wish.label, "") for wish in wishes))
    )
    own = np.split(vectors.indices, vectors.indptr[1:-1])
    rare = [_rarity(ground, wish, columns) for wish, columns in zip(wishes, own, strict=False)]
    hits = [
        Wish(wish.kind, wish.label, wish.weight * much * HIT[wish.kind], wish.key)
        for wish, much in zip(wishes, rare, strict=True)
    ]
    terms = [
        COSINE * wish.weight * much if wish.kind == "term" else 0.0
        for wish, much in zip(wishes, rare, strict=True)
    ]
    return hits, sparse.csr_array(np.array([terms])) @ vectors


def _rarity(ground: Background, wish: Wish, columns: Ints) -> float:
    """How much a term counts by its rarest word or pair."""
    _, *words = wish.key
    known = len(ground.model.space.words)
    if np.count_nonzero(columns >= known) < sum(word not in STOP for word in words) - 1:
        return RAREST  # words that never stood together
    if not len(columns):
        return RAREST
    rarest = ground.model.space.idf[columns].max()
    return float(np.clip(rarest / ORDINARY, COMMONEST, RAREST))


def _echo(seen: Floats, places: Places) -> Places:
    """The mean place of the papers that score best so far, as far as they are above ordinary."""
    best = np.argsort(-seen, kind="stable")[: int(len(seen) * ECHOES)]
    weights = seen[best].clip(0)
    mean: Places = (weights / (weights.sum() or 1.0) @ places[best]).astype(np.float32)
    return mean


@lru_cache(maxsize=LESSONS)
def _taught(
    ground: Background, examples: tuple[Example, ...], dislikes: tuple[Example, ...]
) -> tuple[sparse.csr_array, Places] | None:
    """What tells the examples from the background, in words and in latent places; None where they say
    nothing. Kept for a while: who edits a term has taught nothing new.
    """
    liked, disliked = _vectors(ground, examples), _vectors(ground, dislikes)
    if not liked.nnz:
        return None
    latent = ground.model.latent
    loud = loudness(ages(examples), disliked.shape[0], ground.size)
    columns, weights = in_words(liked, disliked, ground.by_column, loud)
    at = (np.zeros(len(columns), dtype=np.int64), columns)
    vector = sparse.coo_array((weights, at), shape=(1, liked.shape[1])).tocsr()
    if not latent.width:
        return vector, np.zeros(0, np.float32)
    place = in_places(latent.places(liked), latent.places(disliked), ground.places, loud)
    return vector, place


def _add_encoded(total: _Sum, profile: Profile, meaning: Meaning, share: float) -> None:
    terms = "; ".join(wish.label for wish in wanted_words(profile) if wish.weight)
    asked = [("", text) for text in (profile.description, terms) if text.strip()]
    for place in meaning.places(asked):
        total.add_encoded(ASKED * share, meaning, place)
    if asked:
        found = _echo(total.seen[: len(meaning.ordinary)], meaning.ordinary)
        total.add_encoded(FOUND * share, meaning, found)
    examples, others = profile.examples[-MOST_ENCODED:], profile.dislikes[-MOST_DISLIKES:]
    liked, disliked = (
        meaning.places([(paper.title, paper.abstract) for paper in some])
        for some in (examples, others)
    )
    if liked.any():
        loud = loudness(ages(examples), len(others), len(meaning.ordinary))
        alike = in_places(liked, disliked, meaning.ordinary, loud)
        total.add_encoded(ALIKE * (1 - share), meaning, alike)


def _add_dislikes(total: _Sum, disliked: sparse.csr_array) -> None:
    """Likeness to disliked papers, in evidence; of many, each counts less."""
    if not disliked.nnz:
        return
    vector = _sum([disliked[[n]] for n in range(disliked.shape[0])], disliked.shape[1])
    vector = vector * (-DISLIKED / np.sqrt(disliked.shape[0]))
    values = total.ground.along(vector)
    total.offset -= float(np.median(np.append(values, 0.0)))  # most papers are moved by nothing
    total.columns.append(vector)


def _vectors(ground: Background, papers: Sequence[Example]) -> sparse.csr_array:
    return ground.model.space.vectors(
        read(ground.lexicon, ((paper.title, paper.abstract) for paper in papers))
    )


def _total(places: Sequence[Places], width: int) -> Places:
    total: Places = np.sum([np.zeros(width, np.float32), *places], axis=0)
    return total


def _sum(parts: Sequence[sparse.csr_array], width: int) -> sparse.csr_array:
    """One row: the sum of rows. Zeros are dropped."""
    columns = np.concatenate([np.zeros(0, dtype=np.int64), *(part.indices for part in parts)])
    values = np.concatenate([np.zeros(0), *(part.data for part in parts)])
    at = (np.zeros(len(columns), dtype=np.int64), columns)
    total = sparse.coo_array((values, at), shape=(1, width)).tocsr()
    total.sum_duplicates()
    total.eliminate_zeros()
    return total
