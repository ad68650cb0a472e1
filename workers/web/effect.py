"""What an edit of a profile does, as its page shows it: from a comparison alone."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date

from tasks.desk.tuning.effect_words import adding_up, verdict
from tasks.desk.tuning.machine import SPANS, Comparison, Near, Side
from tasks.desk.tuning.measuring import Estimate
from tasks.records import Pick, PickKind
from tasks.render.plan import Sheet, sheet
from templates import Words, msgid
from workers.web.picks import Shown, shown
from workers.web.plots import Span, Volume, span, volume

SHOWN_MOST = 6  # papers of a list that stand there with their reasons
NAMED_MOST = 12  # more of them that stand there by title: the rest is counted
NEAR_MOST = 3
MEASURES = (
    ("precision", msgid("Precision"), msgid("of the picks that you judged, how many you liked")),
    ("recall", msgid("Recall"), msgid("of the papers that you liked, how many were picked")),
    ("ndcg", msgid("Order (nDCG)"), msgid("how high a day’s liked papers stand among its papers")),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A part of a score with its bar, from `x` so `wide`, in percent of the room that all bars of the score
    take; None where it has none: every paper begins so.
    """

    label: str
    value: float
    x: float
    wide: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A paper of a list: when it came, why, and its score as a sum; `is_new` whether the edit brings it."""

    day: date
    entry: int
    sheet: Sheet
    facts: str
    why: str
    bars: tuple[Bar, ...] = ()
    raw: float = 0.0
    score: float = 0.0
    is_new: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Lines:
    """A list: the first papers in full, more by their titles, the rest counted."""

    full: tuple[Line, ...]
    more: tuple[Line, ...]
    left_out: int

    @property
    def all(self) -> int:
        """How many there are."""
        return len(self.full) + len(self.more) + self.left_out


@dataclass(frozen=True, slots=True, kw_only=True)
class Measure:
    """A figure before and after; None where too little was said to tell."""

    name: str
    hint: str
    before: Estimate | None
    after: Estimate | None
    span_before: Span | None
    span_after: Span | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """Everything that the page's right side shows."""

    verdict: str
    span: int
    first: date
    last: date
    newest: date | None
    is_judged: bool
    compares: bool
    volume: Volume
    entering: Lines
    leaving: Lines
    picks: Lines
    near: tuple[Line, ...]
    kept: int
    lost: tuple[tuple[int, Sheet], ...]
    gained: int
    measures: tuple[Measure, ...]


def effect(found: Comparison, words: Words) -> Effect:
    """A comparison as the page shows it."""
    turn = found.after.turns[-1] if found.after.turns else None
    entering = _newest_first(found.entering) if found.before else []
    new = {pick.paper.id for _, pick in entering}
    newest = [(turn.day, pick) for pick in turn.picks] if turn else []
    liked = {paper.id for paper in found.before.liked} if found.before else set()
    still = {paper.id for paper in found.after.liked}
    return Effect(
        verdict=verdict(found, words),
        span=found.span,
        first=found.first,
        last=found.last,
        newest=turn.day if turn else None,
        is_judged=found.span > SPANS[0],
        compares=found.before is not None,
        volume=volume(found),
        entering=_lines(entering, words),
        leaving=_lines(_newest_first(found.leaving), words),
        picks=_lines(newest, words, most=0 if new else SHOWN_MOST, new=new),
        near=tuple(_near(found.near[:NEAR_MOST], words)),
        kept=len(liked & still),
        lost=tuple((int(paper.id), sheet(paper, words)) for paper in found.lost),
        gained=len(still - liked),
        measures=tuple(_measures(found.before, found.after, words)),
    )


def _newest_first(picks: Iterable[tuple[date, Pick]]) -> list[tuple[date, Pick]]:
    """By day, and within a day in their order."""
    return sorted(picks, key=lambda one: one[0], reverse=True)


def _lines(
    picks: Sequence[tuple[date, Pick]],
    words: Words,
    *,
    most: int = SHOWN_MOST,
    new: Collection[int | str] = (),
) -> Lines:
    some = picks[: most + NAMED_MOST]
    rows = shown([pick for _, pick in some], words)
    made = [
        _line(*one, row, _bars(one[1], words) if at < most else (), is_new=one[1].paper.id in new)
        for at, (one, row) in enumerate(zip(some, rows, strict=True))
    ]
    left_out = len(picks) - len(some)
    return Lines(full=tuple(made[:most]), more=tuple(made[most:]), left_out=left_out)


def _line(
    day: date, pick: Pick, row: Shown, bars: tuple[Bar, ...], *, is_new: bool = False
) -> Line:
    return Line(
        day=day,
        entry=row.entry,
        sheet=row.sheet,
        facts=row.facts,
        why=row.why,
        bars=bars,
        raw=pick.score.raw,
        score=pick.score.value,
        is_new=is_new,
    )


def _bars(pick: Pick, words: Words) -> tuple[Bar, ...]:
    """The sum behind a score; votes are none."""
    if pick.kind is PickKind.POPULAR or not pick.score.reasons:
        return ()
    *reasons, base = adding_up(pick.score, words)
    least = min((0.0, *(one.value for one in reasons)))
    room = (max((0.0, *(one.value for one in reasons))) - least or 1.0) / 100
    bars = [
        Bar(
            label=one.label,
            value=one.value,
            x=round((min(one.value, 0.0) - least) / room, 1),
            wide=round(abs(one.value) / room, 1),
        )
        for one in reasons
    ]
    return (*bars, Bar(label=base.label, value=base.value, x=0.0, wide=None))


def _near(near: Sequence[Near], words: Words) -> Iterator[Line]:
    picks = [Pick(place=0, paper=one.paper, score=one.score) for one in near]
    for one, pick, row in zip(near, picks, shown(picks, words), strict=True):
        made = _line(one.day, pick, row, _bars(pick, words))
        line = words.number(round(one.line, 2), "0.00")
        below = words.gettext("the line was %(line)s", line=line)
        yield replace(made, facts=f"{made.facts} · {below}")


def _measures(before: Side | None, after: Side, words: Words) -> Iterator[Measure]:
    for name, title, hint in MEASURES:
        was: Estimate | None = getattr(before, name) if before else None
        now: Estimate | None = getattr(after, name)
        yield Measure(
            name=words.gettext(title),
            hint=words.gettext(hint),
            before=was,
            after=now,
            span_before=span(was) if was else None,
            span_after=span(now) if now else None,
        )
