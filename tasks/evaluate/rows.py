"""From rows as JSON has them to the judged task; the format is told in `docs/evaluation.md`.

A row that cannot be meant raises `UsageError` with the profile's name and the way out. What can be
left out (a like of an unknown paper, an unknown key) is left out and told in `Judged.notes`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from itertools import pairwise
from typing import Any

from tasks.errors import UsageError
from tasks.evaluate.judged import Judged, Reader, example
from tasks.profile_json import KEYS, from_json
from tasks.records import Paper

PAPERS_MOST = 2_000_000  # some 5 GB of abstracts
TYPED = frozenset(KEYS) - {"examples", "dislikes"}
KNOWN = TYPED | {"likes", "dislikes", "split", "days", "relevant", "source"}

Dated = tuple[date, Paper]


def judge(papers: Iterable[Dated], rows: Sequence[Mapping[str, Any]]) -> Judged:
    """The judged task of dated papers, in any order, and of profile rows."""
    stream = _Stream()
    for day, paper in papers:
        stream.add(day, paper)
    notes: list[str] = []
    readers = tuple(_reader(row, n, stream, notes) for n, row in enumerate(rows, start=1))
    _check(readers, stream)
    days = {day: tuple(stream.days[day]) for day in sorted(stream.days)}
    return Judged(days, readers, tuple(notes))


def day_of(value: object) -> date:
    """The day of a text that begins like 2026-11-20. Raises ValueError."""
    return date.fromisoformat(str(value)[:10])


@dataclass(slots=True)
class _Stream:
    """Papers by day, and by id where each of them stands."""

    days: dict[date, list[Paper]] = field(default_factory=dict)
    known: dict[int | str, Dated] = field(default_factory=dict)

    def add(self, day: date, paper: Paper) -> None:
        if paper.id in self.known:
            raise UsageError(f"paper {paper.id!r} stands there twice: each needs an id of its own")
        if len(self.known) >= PAPERS_MOST:
            raise UsageError(f"there are more than {PAPERS_MOST} papers: evaluate a part of them")
        self.known[paper.id] = day, paper
        self.days.setdefault(day, []).append(paper)


def _check(readers: Sequence[Reader], stream: _Stream) -> None:
    if not readers:
        raise UsageError("there is no profile to evaluate")
    name, times = Counter(reader.profile.id for reader in readers).most_common(1)[0]
    if times > 1:
        raise UsageError(f"profile {name!r} stands there twice: give each an id of its own")
    first = min(day for reader in readers for day in reader.relevant)
    if min(stream.days) >= first:
        raise UsageError(
            f"no paper is dated before {first}, the first judged day: add earlier papers, "
            "from which to learn how rare words are"
        )


def _reader(row: Mapping[str, Any], number: int, stream: _Stream, notes: list[str]) -> Reader:
    name = row.get("id") or number
    remarks: list[str] = []
    try:
        if not isinstance(name, str | int):
            raise UsageError("id must be a text or a number")
        reader = _judged(row, name, stream, remarks)
    except UsageError as error:
        raise UsageError(f"profile {name!r}: {error}") from None
    notes.extend(f"profile {name!r}: {remark}" for remark in remarks)
    return reader


def _judged(row: Mapping[str, Any], name: int | str, stream: _Stream, remarks: list[str]) -> Reader:
    if unknown := sorted(set(row) - KNOWN):
        remarks.append(f"passed over what means nothing here: {', '.join(unknown)}")
    split = _day(row.get("split"), "split")
    likes = _past(row, "likes", split, stream, remarks)
    if any(second < first for (first, _), (second, _) in pairwise(likes)):
        remarks.append(
            "its likes are not in the order of their papers' days; the last are the newest"
        )
    dislikes = _past(row, "dislikes", split, stream, remarks)
    profile = from_json({key: row[key] for key in TYPED & row.keys()} | {"id": ""}, key=name)
    return Reader(
        profile=replace(profile, dislikes=tuple(example(*dated) for dated in dislikes)),
        likes=tuple(example(*dated) for dated in likes),
        split=split,
        relevant=_relevant(row, split, stream, remarks),
    )


def _past(
    row: Mapping[str, Any], key: str, split: date, stream: _Stream, remarks: list[str]
) -> list[Dated]:
    """The papers under `key`, in their order, that are known and dated up to the split."""
    names = _names(row, key)
    found = [stream.known[name] for name in names if name in stream.known]
    kept = [dated for dated in found if dated[0] <= split]
    if len(found) < len(names):
        remarks.append(f"{len(names) - len(found)} of its {key} are not among the papers: left out")
    if len(kept) < len(found):
        remarks.append(f"{len(found) - len(kept)} of its {key} are later than {split}: left out")
    return kept


def _relevant(
    row: Mapping[str, Any], split: date, stream: _Stream, remarks: list[str]
) -> dict[date, frozenset[int | str]]:
    """For every judged day, in order, which of its papers were wanted."""
    wanted = set(_names(row, "relevant"))
    days = sorted({_day(value, "days") for value in _listed(row, "days")})
    for day in days:
        if day <= split:
            raise UsageError(f"its judged day {day} is not after its split, {split}")
        if day not in stream.days:
            raise UsageError(
                f"no paper has its judged day {day}: add that day's papers, or drop it"
            )
    found = {day: frozenset(p.id for p in stream.days[day] if p.id in wanted) for day in days}
    if not any(found.values()):
        raise UsageError("none of its `relevant` papers stands on one of its `days`")
    if missed := len(wanted) - sum(map(len, found.values())):
        remarks.append(f"{missed} of its relevant papers stand on none of its days: not judged")
    return found


def _names(row: Mapping[str, Any], key: str) -> list[int | str]:
    names = _listed(row, key)
    if not all(isinstance(name, str | int) for name in names):
        raise UsageError(f"{key} must be a list of paper ids")
    return list(dict.fromkeys(names))


def _listed(row: Mapping[str, Any], key: str) -> list[Any]:
    value = row.get(key, [])
    if not isinstance(value, list):
        raise UsageError(f"{key} must be a list")
    return value


def _day(value: object, key: str) -> date:
    try:
        return day_of(value)
    except ValueError:
        raise UsageError(f"{key} must be a day like 2026-11-20, not {value!r}") from None
