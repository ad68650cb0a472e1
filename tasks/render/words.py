"""Why a paper was chosen, in words: for the mail, the preview and the command line alike.

Scores keep their reasons in English. What a person typed and what a paper says stay as they are; the
words around them are in the language of `words`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from tasks.records import Pick, PickKind, Reason, Score
from tasks.render.text import clean, cut
from templates import Words, msgid, words_for

MOST_REASONS = 3  # a sentence, not a table: the preview shows every number
MOST_NEGATIVES = 2
WORTH_SAYING = 0.1  # of the strongest reason: below that a reason decides nothing
LABEL = 80  # characters
ENGLISH = words_for("en")

# A score is the chance that the reader would keep the paper, and few papers have an even one.
_STRENGTHS = (
    (0.5, msgid("strong match, %(score)s")),
    (0.25, msgid("good match, %(score)s")),
    (0.1, msgid("fair match, %(score)s")),
    (0.0, msgid("faint match, %(score)s")),
)
# Only what a reader turned away speaks against a paper. That a paper is unlike some example is said
# of most papers, and tells nothing.
_AGAINST = ("negative", "less", "dislike")
_NAMED = {
    "term": msgid("matches %(names)s"),
    "phrase": msgid("matches %(names)s"),
    "author": msgid("you follow %(names)s"),
    "category": msgid("in %(names)s"),
    "topic": msgid("about %(names)s"),
    "votes": msgid("has %(names)s"),
}
_NEAR = {
    "description": msgid("close to your description"),
    "example": msgid("close to your examples"),
}
_BARE = ("author", "category")  # names, not quotations
_MEANT = msgid("close in meaning")
_ALIKE = msgid("like %(names)s")
_OTHER = "%(names)s"
_PLACES = {
    "": msgid("“%(name)s”"),
    " in the title": msgid("“%(name)s” in the title"),
    " in the abstract": msgid("“%(name)s” in the abstract"),
    " (in part)": msgid("“%(name)s” (in part)"),
}
# What the score and the composer call things, which is English.
_REST = ("other words", "other reasons")  # a sum of small reasons
_MEANING = "its meaning"  # what an encoder finds
_LIKE = re.compile(r"like “(.+)”")
_PLACED = re.compile(r"(.+?)( in the (?:title|abstract)| \(in part\))")
_VOTES = re.compile(r"(\d{1,9}) votes?( since)?")
_VERSION = re.compile(r"now in version (\d{1,9})")
_NOTES = (msgid("code released"), msgid("Not a sure match, and unlike what came before"))


def strength(value: float, words: Words = ENGLISH) -> str:
    """A score in 0..1 as word and number (“strong match, 0.83”), so that no colour need tell it."""
    shown = round(value, 2)
    said = next(said for least, said in _STRENGTHS if shown >= least)
    return words.gettext(said, score=words.number(shown, "0.00"))


def label(pick: Pick, words: Words = ENGLISH) -> str:
    """What kind of pick it is, in word and number; of a popular one how many voted for it."""
    score = words.number(round(pick.score.value, 2), "0.00")
    if pick.kind is PickKind.LATE:
        news = ", ".join(_noted(part, words) for part in clean(pick.note).split(", "))
        return words.gettext("late bloomer (%(news)s), %(score)s", news=news, score=score)
    if pick.kind is PickKind.EXPLORE:
        return words.gettext("to learn from, %(score)s", score=score)
    if pick.kind is PickKind.POPULAR:
        labels = (reason.label for reason in pick.score.reasons if reason.kind == "votes")
        return ", ".join(_noted(clean(label), words) for label in labels)
    return strength(pick.score.value, words)


def reason(pick: Pick, words: Words = ENGLISH) -> str:
    """Why it was chosen, as one short line or two; nothing for a popular one, whose label says it."""
    if pick.kind is PickKind.POPULAR:
        return ""
    said = why(pick.score, words=words)
    return f"{said} {_noted(pick.note, words)}." if pick.kind is PickKind.EXPLORE else said


def why(score: Score, profile_name: str = "", *, words: Words = ENGLISH) -> str:
    """The reasons that count, as one short line: first what speaks for the paper, then against.

    The baseline is no reason. `profile_name` goes in front, for readers who have several profiles.
    """
    said = "; ".join(_clauses(_merits(score.reasons), words))
    said = said or words.gettext("no single reason stands out")
    faults = [reason for reason in score.reasons if reason.kind in _AGAINST and reason.value < 0]
    if faults:
        against = "; ".join(_clauses(_largest(faults, MOST_NEGATIVES), words))
        said = words.gettext("%(merits)s. Against it: %(faults)s", merits=said, faults=against)
    name = cut(clean(profile_name), LABEL)
    return f"{name}: {said}." if name else f"{said[0].upper()}{said[1:]}."


def _merits(reasons: Iterable[Reason]) -> list[Reason]:
    """The few reasons that carried the score up."""
    best = [reason for reason in reasons if reason.kind != "baseline" and reason.value > 0]
    best = _largest(best, MOST_REASONS)
    return [reason for reason in best if reason.value >= WORTH_SAYING * best[0].value]


def _largest(reasons: Iterable[Reason], most: int) -> list[Reason]:
    return sorted(reasons, key=lambda reason: -abs(reason.value))[:most]


def _clauses(reasons: Iterable[Reason], words: Words) -> Iterator[str]:
    """One clause for each way of saying it; reasons that are said alike share a clause."""
    said: dict[str, list[str]] = {}
    for reason in reasons:
        pattern, label = _phrased(reason, words)
        said.setdefault(pattern, []).extend(filter(None, [label]))
    for pattern, labels in said.items():
        if "%(names)s" not in pattern:
            near = words.gettext(pattern)
            yield f"{near} ({', '.join(labels)})" if labels else near
        elif labels:
            yield words.gettext(pattern, names=words.listed(labels))


def _phrased(reason: Reason, words: Words) -> tuple[str, str]:
    """How a reason is said, and its label as it stands there; no label for a sum of small ones."""
    label = clean(reason.label)
    if found := _LIKE.fullmatch(label):
        return _ALIKE, _quoted(found[1], words)
    if label == _MEANING:
        return _MEANT, ""
    pattern = _NAMED.get(reason.kind) or _NEAR.get(reason.kind, _OTHER)
    if label in _REST:
        return pattern, ""
    if reason.kind == "votes":
        return pattern, _noted(label, words)
    return pattern, cut(label, LABEL) if reason.kind in _BARE else _quoted(label, words)


def _quoted(label: str, words: Words) -> str:
    """The label in quotation marks, and outside them where, or how far, it was found."""
    found = _PLACED.fullmatch(label)
    name, place = found.groups() if found else (label, "")
    return words.gettext(_PLACES[place], name=cut(name, LABEL))


def _noted(note: str, words: Words) -> str:
    """What the score or the composer noted, in the language of `words` where it is known."""
    if found := _VOTES.fullmatch(note):
        number = int(found[1])
        if found[2]:
            return words.ngettext("%(num)s vote since", "%(num)s votes since", number)
        return words.ngettext("%(num)s vote", "%(num)s votes", number)
    if found := _VERSION.fullmatch(note):
        return words.gettext("now in version %(version)s", version=found[1])
    return words.gettext(note) if note in _NOTES else cut(note, LABEL)
