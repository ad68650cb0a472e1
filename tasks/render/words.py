"""Why a paper was chosen, in words: for the mail, the preview and the command line alike."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tasks.records import Reason, Score
from tasks.render.text import cut, listed, plain

MOST_REASONS = 3  # a sentence, not a table: the preview shows every number
MOST_NEGATIVES = 2
WORTH_SAYING = 0.1  # of the largest reason's size: below that a reason decides nothing
LABEL = 80

_STRENGTHS = (
    (0.8, "strong match"),
    (0.65, "good match"),
    (0.5, "fair match"),
    (0.0, "faint match"),
)
_PLACE = re.compile(r"(.+) (in the (?:title|abstract))")

_FOR = {
    "term": "matches {}",
    "phrase": "matches {}",
    "author": "you follow {}",
    "category": "in {}",
    "description": "close to your description",
    "example": "like {}",
}
_AGAINST = {
    "negative": "{}",
    "dislike": "like {}",
    "description": "far from your description",
    "example": "unlike {}",
}
_BARE = ("author", "category")  # names, not quotations


def strength(value: float) -> str:
    """A score in 0..1 as word and number (“strong match, 0.83”), so that no colour need tell it."""
    shown = round(value, 2)
    word = next(word for least, word in _STRENGTHS if shown >= least)
    return f"{word}, {shown:.2f}"


def why(score: Score, profile_name: str = "") -> str:
    """The reasons that count, as one short line: first what speaks for the paper, then against.

    The baseline is no reason. `profile_name` goes in front, for readers who have several profiles.
    """
    named = [reason for reason in score.reasons if reason.kind != "baseline"]
    least = WORTH_SAYING * max((abs(reason.value) for reason in named), default=0.0)
    named = sorted((r for r in named if abs(r.value) >= least), key=lambda r: -abs(r.value))
    merits = [reason for reason in named if reason.value > 0][:MOST_REASONS]
    faults = [reason for reason in named if reason.value < 0][:MOST_NEGATIVES]
    said = "; ".join(_clauses(merits, _FOR)) or "no single reason stands out"
    if faults:
        said += ". Against it: " + "; ".join(_clauses(faults, _AGAINST))
    before = f"{cut(plain(profile_name), LABEL)}: " if profile_name.strip() else ""
    return f"{before}{said if before else said[0].upper() + said[1:]}."


def _clauses(reasons: Iterable[Reason], patterns: dict[str, str]) -> list[str]:
    """One clause for each way of saying it; reasons that are said alike share a clause."""
    said: dict[str, list[str]] = {}
    for reason in reasons:
        said.setdefault(patterns.get(reason.kind, "{}"), []).append(_label(reason))
    return [pattern.format(listed(labels)) for pattern, labels in said.items()]


def _label(reason: Reason) -> str:
    """The label in quotation marks, its place outside them; names of people and lists stay bare."""
    label = plain(reason.label)
    if reason.kind in _BARE:
        return cut(label, LABEL)
    name, place = label, ""
    if found := _PLACE.fullmatch(label):
        name, place = found[1], " " + found[2]
    return f"“{cut(name, LABEL)}”{place}"
