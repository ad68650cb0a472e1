"""Why a pair scores what it scores, in words that a person would use.

Every reason is the contribution of something the reader gave; together with the baseline they are
the whole raw score. In descriptions and examples it is words that contribute: the strongest are
named as the paper spells them, a pair together with its two words, and the rest is one reason.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cached_property

from tasks.records import Example, Paper, Reason
from tasks.score.evidence import NEGATIVE, Evidence, Typed
from tasks.score.prose import Directions
from tasks.score.vectors import row
from tasks.score.words import stem, surfaces

MOST_REASONS = 12
NAMED_WORDS = 3  # of a description, and of the examples
REST = "other words"
LONGEST = 90  # letters of a title in a label


def explained(
    evidence: Evidence, paper: int, profile: int, *, base: float, share: float
) -> tuple[Reason, ...]:
    """The reasons of one pair in log-odds, largest first; `share` log-odds per unit of evidence."""
    found = [Reason(kind="baseline", label="baseline", value=base)]
    found += [
        Reason(kind=reason.kind, label=reason.label, value=reason.value * share)
        for reason in _positive(evidence, paper, profile)
    ]
    found += _against(evidence, paper, profile)
    return _shortened(reason for reason in found if reason.value)


def _positive(evidence: Evidence, paper: int, profile: int) -> Iterator[Reason]:
    yield from _typed(evidence.wanted, paper, profile)
    asked = evidence.profiles[profile]
    if not asked.description and not asked.examples:
        return
    words = _Words(evidence, paper)
    yield from words.named("description", evidence.description, profile, REST)
    if asked.examples:
        nearest = _likeness(evidence.liked.nearest(words.vector, profile))
        yield from words.named("example", evidence.examples, profile, nearest)


def _against(evidence: Evidence, paper: int, profile: int) -> Iterator[Reason]:
    fears = list(_typed(evidence.unwanted, paper, profile))
    total = sum(reason.value for reason in fears)
    for reason in fears:
        value = -NEGATIVE * reason.value / max(total, 1.0)
        yield Reason(kind=reason.kind, label=reason.label, value=value)
    if evidence.profiles[profile].dislikes:
        vector = evidence.reading.vectors[[paper]]
        label = _likeness(evidence.disliked.nearest(vector, profile))
        value = float(evidence.disliked.penalties(vector)[0, profile])
        yield Reason(kind="dislike", label=label, value=value)


def _likeness(example: Example) -> str:
    title = example.title or example.abstract
    return f"like “{title if len(title) <= LONGEST else title[: LONGEST - 1] + '…'}”"


def _typed(typed: Typed, paper: int, profile: int) -> Iterator[Reason]:
    weights = row(typed.weights, profile)
    exact, near = row(typed.answers.exact, paper), row(typed.answers.near, paper)
    for column, weight in weights.items():
        if answer := exact.get(column, 0.0) + near.get(column, 0.0):
            wish = typed.wishes.by_profile[profile][column]
            label = wish.label if column in exact else f"{wish.label} (in part)"
            yield Reason(kind=wish.kind, label=label, value=answer * weight)


class _Words:
    """One paper's words, as it spells them."""

    def __init__(self, evidence: Evidence, paper: int) -> None:
        self.vector = evidence.reading.vectors[[paper]]
        self._space = evidence.reading.space
        self._paper = evidence.papers[paper]

    @cached_property
    def _spelling(self) -> dict[str, str]:
        return _spelling(self._paper)

    def named(self, kind: str, directions: Directions, profile: int, rest: str) -> Iterator[Reason]:
        """What single words add in a direction: the strongest by name, then the rest together."""
        columns, values, away = directions.parts(self.vector, profile)
        words = [self._space.words_of(int(column)) for column in columns]
        joined = sorted(_joined(dict(zip(words, values.tolist(), strict=True))), key=_by_size)
        for spoken, value in joined[:NAMED_WORDS]:
            label = " ".join(self._spelling.get(word, word) for word in spoken)
            yield Reason(kind=kind, label=label, value=value)
        remainder = away + sum(value for _, value in joined[NAMED_WORDS:])
        yield Reason(kind=kind, label=rest, value=remainder)


def _by_size(part: tuple[tuple[str, ...], float]) -> tuple[float, tuple[str, ...]]:
    return -abs(part[1]), part[0]


def _joined(parts: dict[tuple[str, ...], float]) -> Iterable[tuple[tuple[str, ...], float]]:
    """`parts` with each pair of words taking in its two words; the strongest pair takes first."""
    left = dict(parts)
    pairs = sorted(
        ((words, value) for words, value in parts.items() if len(words) == 2), key=_by_size
    )
    for words, _ in pairs:
        for word in dict.fromkeys(words):
            left[words] += left.pop((word,), 0.0)
    return left.items()


def _spelling(paper: Paper) -> dict[str, str]:
    """The first spelling of every stem in `paper`."""
    spelled: dict[str, str] = {}
    for surface in surfaces(f"{paper.title}\n{paper.abstract}"):
        spelled.setdefault(stem(surface), surface)
    return spelled


def _shortened(reasons: Iterable[Reason]) -> tuple[Reason, ...]:
    """At most MOST_REASONS, largest first; the smallest ones together become one."""
    ranked = sorted(reasons, key=lambda reason: -abs(reason.value))
    if len(ranked) <= MOST_REASONS:
        return tuple(ranked)
    kept, small = ranked[: MOST_REASONS - 1], ranked[MOST_REASONS - 1 :]
    rest = Reason(kind=small[0].kind, label="other reasons", value=sum(r.value for r in small))
    return tuple(sorted([*kept, rest], key=lambda reason: -abs(reason.value)))
