"""Hugging Face Daily Papers: the API's list of each day asked for, or else the day's page.

The list of a day grows while the day lasts, so today is asked for each time. An empty list is legal
(a weekend). Each document of the API is one page here; the parser puts them together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

from tasks.errors import SourceError, SourceRefused
from tasks.fetch.answer import Answer, failure, page, shown
from tasks.fetch.feed import BLANK
from tasks.fetch.http import Http
from tasks.records import Fetched, RawPage, Source

BASE = "https://huggingface.co"
ROWS = 100
MOST_PAGES = 10
FARTHEST_BACK = timedelta(days=7)


def fetch(source: Source, *, at: datetime, since: date | None, http: Http) -> Fetched:
    """The days from `since` to today, oldest first (None: today alone; at most 7 days back).

    What came is returned and what failed is noted; SourceError is raised only when nothing came.
    After a refusal, or when the server asks for a pause (`wait`), the remaining days are not asked
    for.
    """
    base = (source.address or BASE).rstrip("/")
    pages: list[RawPage] = []
    notes: list[str] = []
    last: SourceError | None = None
    missing: list[date] = []
    for day in asked_days(at, since):
        if last and (isinstance(last, SourceRefused) or last.wait):
            notes.append(f"{day} was not asked for")
            missing.append(day)
            continue
        try:
            for item in _day(base, day, at=at, http=http):
                if isinstance(item, RawPage):
                    pages.append(item)
                else:
                    notes.append(item)
        except SourceError as error:
            last = error
            missing.append(day)
            notes.append(f"{day}: {error}")
    if last and not pages:
        raise last
    return Fetched(
        pages=tuple(pages),
        notes=tuple(notes),
        wait=last.wait if last else None,
        missing_from=min(missing, default=None),
    )


def asked_days(at: datetime, since: date | None) -> list[date]:
    """The days to ask for, by the UTC calendar, oldest first; never a future one."""
    today = at.astimezone(UTC).date()
    first = min(max(since or today, today - FARTHEST_BACK), today)
    return [first + timedelta(days=n) for n in range((today - first).days + 1)]


def _day(base: str, day: date, *, at: datetime, http: Http) -> Iterator[RawPage | str]:
    """The day's documents; a str is a note. Raises SourceError for a day that is not whole."""
    before = b""
    for number in range(MOST_PAGES):
        url = f"{base}/api/daily_papers?date={day}&limit={ROWS}&p={number}"
        answer = http.get(url, accept="application/json")
        rows = _rows(answer)
        problem = _problem(answer, rows, day, at)
        if problem and number == 0 and answer.status != 400 and problem.wait is None:
            yield f"{day}: read as a page, not from the API ({problem})"
            yield _html(base, day, at=at, http=http)
            return
        if problem:
            raise problem
        if number and (not rows or answer.body == before):
            return  # past the end, or a mirror that knows no further pages
        yield page(answer, at=at, kind="hf", day=day)
        if (rows or 0) < ROWS and 'rel="next"' not in answer.headers.get("link", ""):
            return
        before = answer.body
    raise SourceError(f"{shown(url)} is not the last page of its day: the rest was left out")


def _html(base: str, day: date, *, at: datetime, http: Http) -> RawPage:
    """The day's page for people. It answers an unknown day with another day, which is refused."""
    answer = http.get(f"{base}/papers/date/{day}", accept="text/html")
    error = failure(answer, at)
    if error:
        raise error
    if not answer.body.strip(BLANK):
        raise SourceError(f"{shown(answer.url)} is empty: it is tried again later")
    if day.isoformat() not in answer.url:
        raise SourceError(f"{shown(base)} has no page for {day}, but leads to {shown(answer.url)}")
    return page(answer, at=at, kind="hf", day=day)


def _problem(answer: Answer, rows: int | None, day: date, at: datetime) -> SourceError | None:
    if answer.status == 400:
        return SourceError(f"{shown(answer.url)} answered 400: it has no list for {day} yet")
    error = failure(answer, at)
    if error is None and rows is None:
        return SourceError(f"{shown(answer.url)} answered with something that is no list of papers")
    return error


def _rows(answer: Answer) -> int | None:
    """How many papers the API's list holds; None for anything but a JSON list with a 200."""
    try:
        rows = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):  # not JSON; brackets without end
        return None
    return len(rows) if isinstance(rows, list) else None
