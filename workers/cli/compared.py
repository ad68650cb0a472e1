"""What an edit of a profile does, as tables and plots: for the terminal and for a report in Markdown."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import date

from tasks.desk.tuning.effect_words import adding_up
from tasks.desk.tuning.machine import Comparison, Near, Side, Turn
from tasks.desk.tuning.measuring import Estimate
from tasks.evaluate.report import Table
from tasks.records import Pick, PickKind, Score
from tasks.render.text import clean
from tasks.render.words import label, reason
from workers.cli.plots import Ink, Values, interval, plot

LISTED_MOST, NEAR_MOST = 10, 4  # papers of a list
MEASURES = ("precision", "recall", "ndcg")
MARKDOWN = re.compile(r"([\\`*_\[\]<>#&])")
NOTHING = "–"


# --- tables --------------------------------------------------------------------------------------
def moving(found: Comparison) -> list[Table]:
    """What comes in and what goes, the newest first; nothing where there is nothing to compare with."""
    if found.before is None:
        return []
    return [*_listed("Comes in", found.entering), *_listed("Goes", found.leaving)]


def newest(found: Comparison) -> list[Table]:
    """The picks of the last digest, each with its score as a sum, and what fell just below the line."""
    tables = []
    turn = found.after.turns[-1] if found.after.turns else None
    if turn and turn.picks:
        rows = tuple((str(p.place), label(p), clean(p.paper.title), _sum(p)) for p in turn.picks)
        title = f"Picks of {_day(turn.day)}" + (", as it stands" if found.coming else "")
        tables.append(Table(title, ("place", "match", "title", "why"), rows))
    if found.near:
        missed = tuple(_missed(one) for one in found.near[:NEAR_MOST])
        columns = ("day", "title", "score", "the line", "why")
        tables.append(Table("Just below the line", columns, missed))
    return tables


def liked(found: Comparison) -> list[Table]:
    """The papers that the reader liked: which stay, which are lost, which are gained."""
    before = found.before.liked if found.before else ()
    known, now = ({paper.id for paper in some} for some in (before, found.after.liked))
    rows = [("lost", paper) for paper in found.lost]
    rows += [("gained", paper) for paper in found.after.liked if paper.id not in known]
    rows += [("kept", paper) for paper in before if paper.id in now]
    kinds = [kind for kind, _ in rows]
    counted = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("kept", "lost", "gained"))
    told = tuple((kind, clean(paper.title)) for kind, paper in rows)
    return [Table(f"Papers that you liked: {counted}", ("", "title"), told)] if rows else []


def measures(found: Comparison, ink: Ink | None = None) -> list[Table]:
    """Precision, recall and nDCG before and after, with their intervals; drawn, too, where there is ink."""
    rows = []
    for name in MEASURES:
        was: Estimate | None = getattr(found.before, name) if found.before else None
        now: Estimate | None = getattr(found.after, name)
        if was or now:
            rows.append((name, *_estimated(was, ink), *_estimated(now, ink)))
    drawn = ("0 … 1",) if ink else ()
    columns = ("", "before", *drawn, "after", *drawn)
    title = "By what you said of papers (95 % intervals)"
    return [Table(title, columns, tuple(rows))] if rows else []


def days(found: Comparison) -> Table:
    """Every digest: how many papers were new, the picks and the line before and after."""
    before = {turn.day: turn for turn in found.before.turns} if found.before else {}
    rows = tuple(
        (
            _day(turn.day),
            str(turn.considered),
            *(str(len(one.picks)) if one else NOTHING for one in (before.get(turn.day), turn)),
            *(_line(one) for one in (before.get(turn.day), turn)),
        )
        for turn in found.after.turns
    )
    columns = ("day", "new", "picks before", "picks after", "line before", "line after")
    return Table("Day by day", columns, rows)


def for_markdown(tables: Iterable[Table]) -> list[Table]:
    """The same with titles as text: what strangers wrote is no markup."""
    return [
        Table(
            plain(one.title),
            one.columns,
            tuple(tuple(map(plain, row)) for row in one.rows),
        )
        for one in tables
    ]


def plain(text: str) -> str:
    """Text as Markdown shows it: nothing in it is markup."""
    return MARKDOWN.sub(r"\\\1", text)


def papers(found: Comparison) -> int:
    """How many papers were new in these days."""
    return sum(turn.considered for turn in found.after.turns)


def _listed(title: str, picks: Sequence[tuple[date, Pick]]) -> list[Table]:
    some = sorted(picks[-LISTED_MOST:], key=lambda one: one[0], reverse=True)
    rows = tuple((_day(day), label(p), clean(p.paper.title), reason(p)) for day, p in some)
    more = f", the newest {LISTED_MOST}" if len(picks) > len(some) else ""
    heading = f"{title}: {len(picks)}{more}"
    return [Table(heading, ("day", "match", "title", "why"), rows)] if picks else []


def _missed(one: Near) -> tuple[str, ...]:
    score, line = f"{one.score.value:.2f}", f"{one.line:.2f}"
    return _day(one.day), clean(one.paper.title), score, line, _added(one.score)


def _sum(pick: Pick) -> str:
    """The score as a sum; votes alone are none."""
    return label(pick) if pick.kind is PickKind.POPULAR else _added(pick.score)


def _added(score: Score) -> str:
    lines = [f"{one.value:+.2f}  {one.label}" for one in adding_up(score)]
    return "\n".join([*lines, f"{round(score.raw, 2):+.2f}  in all: {score.value:.2f}"])


def _estimated(one: Estimate | None, ink: Ink | None) -> tuple[str, ...]:
    if one is None:
        return (NOTHING, "") if ink else (NOTHING,)
    told = f"{one.value:.2f} ({one.low:.2f} to {one.high:.2f}, n = {one.cases})"
    return (told, interval(one.value, one.low, one.high, ink=ink)) if ink else (told,)


def _line(turn: Turn | None) -> str:
    return f"{turn.line:.2f}" if turn and turn.line <= 1 else NOTHING


def _day(day: date) -> str:
    return f"{day:%a %d %b}"


# --- plots ---------------------------------------------------------------------------------------
def plots(found: Comparison, *, width: int, ink: Ink) -> list[str]:
    """Picks a day and the line of each day, before and after, over the same days."""
    if not found.after.turns:
        return []
    ends = (f"{found.first:%d %b}", f"{found.last:%d %b}")
    volume = _series(found, lambda turn: len(turn.picks))
    lines = _series(found, lambda turn: turn.line if turn.line <= 1 else None)
    return [
        "Picks a day",
        *plot(volume, ends=ends, width=width, ink=ink),
        "",
        "The line: the least score of a pick",
        *plot(lines, ends=ends, width=width, ink=ink),
    ]


def _series(found: Comparison, value: Callable[[Turn], float | None]) -> dict[str, Values]:
    sides: dict[str, Side | None] = {"before": found.before, "after": found.after}
    by_day = {
        name: {turn.day: value(turn) for turn in side.turns} for name, side in sides.items() if side
    }
    every = sorted({day for turns in by_day.values() for day in turns})
    return {name: [turns.get(day) for day in every] for name, turns in by_day.items()}
