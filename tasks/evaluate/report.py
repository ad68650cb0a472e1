"""Outcomes as tables for people and as JSON for programs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from tasks.evaluate.measures import Mean
from tasks.evaluate.outcome import MEASURES, Outcome, rival
from tasks.evaluate.rankers import Uses
from tasks.evaluate.stream import Likes

MAIN = MEASURES[0]


@dataclass(frozen=True, slots=True)
class Table:
    """A table as text: a title, names of columns, rows of cells."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def tables(found: Sequence[Outcome], against: str = "") -> list[Table]:
    """Every table of a report; differences are told against the ranker of that name, if any."""
    made = [_curve(found)]
    if against in {outcome.ranker for outcome in found}:
        made.append(_differences(found, against))
    made.append(_measures(found))
    sure = [outcome for outcome in found if outcome.calibration]
    if sure:
        made.append(_sureness(sure))
        for name in names(sure):
            made.append(_reliability(name, [o for o in sure if o.ranker == name]))
    return made


def markdown(made: Sequence[Table], facts: str) -> str:
    """The tables as Markdown, after a paragraph of facts."""
    parts = [f"{facts}\n"]
    for table in made:
        rows = [table.columns, ("---",) * len(table.columns), *table.rows]
        lines = [
            "| " + " | ".join(cell.replace("|", "\\|").replace("\n", "<br>") for cell in row) + " |"
            for row in rows
        ]
        parts.append("\n".join((f"**{table.title}**\n", *lines, "")))
    return "\n".join(parts)


def as_json(found: Sequence[Outcome], against: str = "") -> list[dict[str, Any]]:
    """Each outcome with its means, intervals, differences and one number a reader."""
    return [_json(outcome, rival(found, against, outcome.likes)) for outcome in found]


def label(likes: Likes) -> str:
    """A number of likes in words."""
    return "all" if likes is None else str(likes)


def numbers(found: Sequence[Outcome]) -> list[Likes]:
    """The numbers of likes that were asked for, in their order."""
    learning = [outcome.likes for outcome in found if outcome.uses is not Uses.WORDS]
    return sorted(dict.fromkeys(learning or [0]), key=lambda k: (k is None, k or 0))


def names(found: Sequence[Outcome]) -> list[str]:
    """The rankers, in their order."""
    return list(dict.fromkeys(outcome.ranker for outcome in found))


def _curve(found: Sequence[Outcome]) -> Table:
    rows = []
    for name in names(found):
        own = [rival(found, name, k) for k in numbers(found)]
        rows.append((name, *(_mean(o.mean(MAIN)) if o else "–" for o in own)))
    title = "nDCG@10 by number of likes: mean over readers, 95 % interval"
    return Table(title, _columns(found), tuple(rows))


def _differences(found: Sequence[Outcome], against: str) -> Table:
    rows = []
    for name in names(found):
        if name != against:
            pairs = [(rival(found, name, k), rival(found, against, k)) for k in numbers(found)]
            cells = [_mean(a.beside(b, MAIN), sign="+") if a and b else "–" for a, b in pairs]
            rows.append((name, *cells))
    return Table(
        f"nDCG@10 less that of {against}, paired by reader, by number of likes",
        _columns(found),
        tuple(rows),
    )


def _columns(found: Sequence[Outcome]) -> tuple[str, ...]:
    return ("ranker", *map(label, numbers(found)))


def _measures(found: Sequence[Outcome]) -> Table:
    rows = [
        (o.ranker, _likes(o), *(_mean(o.mean(measure)) for measure in MEASURES[1:])) for o in found
    ]
    return Table("Other measures", ("ranker", "likes", *MEASURES[1:]), tuple(rows))


def _sureness(found: Sequence[Outcome]) -> Table:
    rows = []
    for o in found:
        if o.calibration:
            error = (f"{o.calibration.error:.3f}", str(o.calibration.pairs))
            rows.append((o.ranker, label(o.likes), *error, *_volume(o)))
    columns = ("ranker", "likes", "error", "pairs", "picks a day", "within a quarter")
    title = "Calibration error in the top 5 % of scores; volume of the median reader (quartiles)"
    return Table(title, columns, tuple(rows))


def _volume(outcome: Outcome) -> tuple[str, str]:
    if not outcome.volume:
        return "–", "–"
    low, middle, high = np.percentile(outcome.volume.picks, (25, 50, 75))
    asked = f"{middle:.1f} ({low:.1f}–{high:.1f}) of {outcome.volume.about:g}"
    return asked, f"{outcome.volume.within:.0%} of readers"


def _reliability(name: str, found: Sequence[Outcome]) -> Table:
    columns = []
    for o in found:
        if o.calibration:
            pairs = zip(o.calibration.said, o.calibration.came, strict=True)
            columns.append([f"{said:.2f} → {came:.2f}" for said, came in pairs])
    rows = tuple((str(n), *row) for n, row in enumerate(zip(*columns, strict=True), start=1))
    title = f"{name}: said → came true there, in bins of equal count, by number of likes"
    return Table(title, ("bin", *(label(o.likes) for o in found)), rows)


def _json(outcome: Outcome, other: Outcome | None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "ranker": outcome.ranker,
        "likes": _likes(outcome),
        "measures": {m: asdict(outcome.mean(m)) for m in MEASURES},
        "readers": outcome.readers,
    }
    if other and other.ranker != outcome.ranker:
        body["against"] = {m: asdict(outcome.beside(other, m)) for m in MEASURES}
    if outcome.calibration:
        body["calibration"] = asdict(outcome.calibration)
    if outcome.volume:
        body["volume"] = asdict(outcome.volume) | {"within": outcome.volume.within}
    return body


def _likes(outcome: Outcome) -> str:
    return "any" if outcome.uses is Uses.WORDS else label(outcome.likes)


def _mean(found: Mean, sign: str = "") -> str:
    between = " to ".join(f"{end:{sign}.2f}".replace("0.", ".") for end in (found.low, found.high))
    return f"{found.value:{sign}.3f}\n{between}".replace("0.", ".", 1)
