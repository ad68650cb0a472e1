"""What an edit does, in words, and a score as a sum that one can check: for pages, programs and terminals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from tasks.desk.tuning.machine import Comparison
from tasks.records import Reason, Score
from tasks.render.words import ENGLISH, why
from templates import Words

ADDENDS_MOST = 6  # rows of a sum, what they all begin from and the small ones together included
REST = ("other words", "other reasons")  # what the score calls a sum of small reasons


@dataclass(frozen=True, slots=True)
class Addend:
    """One part of a raw score, in log-odds, rounded so that the shown numbers add up."""

    label: str
    value: float


def verdict(comparison: Comparison, words: Words = ENGLISH) -> str:
    """The whole comparison in one line: "7 papers come in, 2 go: 4.1 a day instead of 3.4."."""
    after, before = comparison.after, comparison.before
    if not after.turns:
        return words.gettext("There are no papers of these days to look back on.")
    a_day = words.number(round(after.a_day, 1))
    if before is None:
        return words.gettext("%(after)s a day would have come.", after=a_day)
    was = words.number(round(before.a_day, 1))
    enter, leave = len(comparison.entering), len(comparison.leaving)
    if not enter and not leave:
        return words.gettext("No change: the same papers come, %(after)s a day.", after=a_day)
    said = {"enter": _entering(enter, words), "leave": _leaving(leave, words), "after": a_day}
    if a_day == was:
        return words.gettext("%(enter)s, %(leave)s: %(after)s a day as before.", **said)
    return words.gettext(
        "%(enter)s, %(leave)s: %(after)s a day instead of %(was)s.", **said, was=was
    )


def _entering(number: int, words: Words) -> str:
    if not number:
        return words.gettext("No paper comes in")
    return words.ngettext("%(num)s paper comes in", "%(num)s papers come in", number)


def _leaving(number: int, words: Words) -> str:
    return (
        words.ngettext("%(num)s goes", "%(num)s go", number)
        if number
        else words.gettext("none goes")
    )


def adding_up(score: Score, words: Words = ENGLISH) -> tuple[Addend, ...]:
    """The reasons of a score, the largest first, and last of all what every paper begins from.

    The shown values, with two places, add up to the shown raw score.
    """
    known = [reason for reason in score.reasons if reason.kind != "baseline"]
    base = sum(reason.value for reason in score.reasons if reason.kind == "baseline")
    named = [reason for reason in known if reason.label not in REST]
    named.sort(key=lambda reason: -abs(reason.value))
    kept = named[: ADDENDS_MOST - 2]
    rest = sum(reason.value for reason in known) - sum(reason.value for reason in kept)
    rows = [Addend(_named(reason, words), round(reason.value, 2)) for reason in kept]
    if len(known) > len(kept):
        rows.append(Addend(words.gettext("all smaller reasons"), round(rest, 2)))
    rows.append(Addend(words.gettext("what every paper begins from"), round(base, 2)))
    return tuple(_settled(rows, score.raw))


def _settled(rows: Sequence[Addend], raw: float) -> Iterator[Addend]:
    """What rounding left over goes to the last row, so that whoever adds up finds no fault."""
    yield from rows[:-1]
    yield replace(rows[-1], value=round(round(raw, 2) - sum(row.value for row in rows[:-1]), 2))


def _named(reason: Reason, words: Words) -> str:
    """The reason by itself, as the mails would say it."""
    alone = Score(entry_id=0, profile_id=0, value=1, raw=1, reasons=(replace(reason, value=1.0),))
    return why(alone, words=words).removesuffix(".")
