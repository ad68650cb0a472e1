"""Why a paper was chosen, in words: for the mail, the preview and the command line alike."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tasks.records import Pick, PickKind, Reason, Score
from tasks.render.text import clean, cut, listed

MOST_REASONS = 3  # a sentence, not a table: the preview shows every number
MOST_NEGATIVES = 2
WORTH_SAYING = 0.1  # of the strongest reason: below that a reason decides nothing
LABEL = 80  # characters

# A score is the chance that the reader would keep the paper, and few papers have an even one.
_STRENGTHS = (
    (0.5, "strong match"),
    (0.25, "good match"),
    (0.1, "fair match"),
    (0.0, "faint match"),
)
# Only what a reader turned away speaks against a paper. That a paper is unlike some example is said
# of most papers, and tells nothing.
_AGAINST = ("negative", "less", "dislike")
_NAMED = {
    "term": "matches {}",
    "phrase": "matches {}",
    "author": "you follow {}",
    "category": "in {}",
    "topic": "about {}",
    "votes": "has {}",
}
_NEAR = {"description": "close to your description", "example": "close to your examples"}
_BARE = ("author", "category", "votes")  # names, not quotations
_REST = ("other words", "other reasons")  # what the score calls a sum of small reasons
_LIKE = re.compile(r"like “(.+)”")
_PLACED = re.compile(r"(.+?)( in the (?:title|abstract)| \(in part\))")


def strength(value: float) -> str:
    """A score in 0..1 as word and number (“strong match, 0.83”), so that no colour need tell it."""
    shown = round(value, 2)
    word = next(word for least, word in _STRENGTHS if shown >= least)
    return f"{word}, {shown:.2f}"


def label(pick: Pick) -> str:
    """What kind of pick it is, in word and number."""
    if pick.kind is PickKind.LATE:
        return f"late bloomer ({pick.note}), {pick.score.value:.2f}"
    if pick.kind is PickKind.EXPLORE:
        return f"to learn from, {pick.score.value:.2f}"
    return strength(pick.score.value)


def reason(pick: Pick) -> str:
    """Why it was chosen, as one short line or two."""
    said = why(pick.score)
    return f"{said} {pick.note}." if pick.kind is PickKind.EXPLORE else said


def why(score: Score, profile_name: str = "") -> str:
    """The reasons that count, as one short line: first what speaks for the paper, then against.

    The baseline is no reason. `profile_name` goes in front, for readers who have several profiles.
    """
    said = "; ".join(_clauses(_merits(score.reasons))) or "no single reason stands out"
    faults = [reason for reason in score.reasons if reason.kind in _AGAINST and reason.value < 0]
    if faults:
        said += ". Against it: " + "; ".join(_clauses(_largest(faults, MOST_NEGATIVES)))
    name = cut(clean(profile_name), LABEL)
    return f"{name}: {said}." if name else f"{said[0].upper()}{said[1:]}."


def _merits(reasons: Iterable[Reason]) -> list[Reason]:
    """The few reasons that carried the score up."""
    best = [reason for reason in reasons if reason.kind != "baseline" and reason.value > 0]
    best = _largest(best, MOST_REASONS)
    return [reason for reason in best if reason.value >= WORTH_SAYING * best[0].value]


def _largest(reasons: Iterable[Reason], most: int) -> list[Reason]:
    return sorted(reasons, key=lambda reason: -abs(reason.value))[:most]


def _clauses(reasons: Iterable[Reason]) -> Iterator[str]:
    """One clause for each way of saying it; reasons that are said alike share a clause."""
    said: dict[str, list[str]] = {}
    for reason in reasons:
        pattern, label = _phrased(reason)
        said.setdefault(pattern, []).extend(filter(None, [label]))
    for pattern, labels in said.items():
        if pattern in _NEAR.values():
            yield f"{pattern} ({', '.join(labels)})" if labels else pattern
        elif labels:
            yield pattern.format(listed(labels))


def _phrased(reason: Reason) -> tuple[str, str]:
    """How a reason is said, and its label as it stands there; no label for a sum of small ones."""
    label = clean(reason.label)
    if found := _LIKE.fullmatch(label):
        return "like {}", _quoted(found[1])
    pattern = _NAMED.get(reason.kind) or _NEAR.get(reason.kind, "{}")
    if label in _REST:
        return pattern, ""
    return pattern, cut(label, LABEL) if reason.kind in _BARE else _quoted(label)


def _quoted(label: str) -> str:
    """The label in quotation marks, and outside them where, or how far, it was found."""
    found = _PLACED.fullmatch(label)
    name, place = found.groups() if found else (label, "")
    return f"“{cut(name, LABEL)}”{place}"
