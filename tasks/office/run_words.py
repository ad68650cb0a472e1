"""Backlog runs in words, said once for the page, the API and the command line. In English, as all of an
admin's side is.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import date, timedelta
from typing import Any

from tasks.office.runs import Standing
from tasks.round.backlog.gaining import TOP
from tasks.round.backlog.question import Mail, Question, Stage
from templates import words_for

ENGLISH = words_for("en")
DAY = timedelta(days=1)
STAGES = {
    Stage.FETCH: "Ask the sources for days that did not come, and bring in what they send.",
    Stage.PARSE: "Read the kept pages of these days again by today’s parser, and put the papers right.",
    Stage.SCORE: "Score the papers of these days anew by today’s scorer and today’s profiles.",
    Stage.COMPOSE: "Change no paper and no score: look only whom the kept scores would have brought "
    "which papers.",
}
MAILS = {
    Mail.NONE: "Nobody is mailed and no digest changes: papers are put right in silence.",
    Mail.ADDENDUM: f"One mail, labelled as an addendum, to each reader who would have got another paper "
    f"among the top {TOP} of a day and does not know it. Nobody else is mailed.",
    Mail.NEXT: "No mail of its own: such papers become candidates of the reader’s next digest.",
}
STATES = {
    "planning": "The plan is being made. Nothing is changed by that.",
    "planned": "This is what would be done. Nothing was done yet.",
    "checking": "Before it begins, a last look whether all is still as it was planned.",
    "queued": "It waits for another run over some of the same days, and begins by itself.",
    "running": "It is being done, whenever today’s round has nothing waiting.",
    "paused": "Nothing more of it is begun until it is resumed.",
    "cancelled": "It was cancelled. What was done stays done.",
    "done": "It has ended.",
    "stale": "Nothing was done: the world is not as it was when this was planned.",
    "dropped": "The plan was let go of. Nothing was done.",
    "failed": "It could not be planned, or looked at once more before it began. Nothing was done.",
    "undoing": "What it did is being put back.",
    "undone": "What it did was put back.",
}
KINDS = {
    "added": "added",
    "changed": "changed",
    "split": "split from another",
    "merged": "merged with another",
    "gone": "gone: they stand on no page any more",
}
UNITS = {
    "fetch": ("day of a source", "days of sources"),
    "pages": ("page", "pages"),
    "papers": ("paper", "papers"),
    "scores": ("group of readers", "groups of readers"),
    "mails": ("reader", "readers"),
}
Fact = tuple[str, str]


def asked_for(question: Question) -> str:
    """What a run is for, in one line."""
    parts = [
        span(question.first, question.last),
        ", ".join(question.sources) or "all sources",
        f"from {question.stage} on",
    ]
    if question.again:
        parts.append("also days that came")
    if question.readers:
        parts.append(f"readers {', '.join(map(str, question.readers))}")
    mails = {
        Mail.NONE: "no mail",
        Mail.ADDENDUM: "an addendum by mail",
        Mail.NEXT: "in the next digest",
    }
    return " · ".join([*parts, mails[question.mail]])


def came_of(standing: Standing) -> str:
    """What came of a run, in one line; nothing while it is under way."""
    report = reported(standing)
    if standing.state in ("stale", "failed", "dropped"):
        return standing.error or next((words for _, words in standing.errors), "")
    if not report:
        return ""
    did = [f"{number:,} {one if number == 1 else many}" for number, one, many in _outcome(report)]
    said = ", ".join(did) or "nothing was to be done"
    return f"{said}; put back" if standing.state == "undone" else said


def reported(standing: Standing) -> Mapping[str, Any]:
    """The report of a run that did something; while it is planned its place holds how far that has come."""
    return standing.report if "papers" in standing.report else {}


def went_well(standing: Standing) -> bool:
    """Whether a run has done all that was planned, and as it was planned."""
    report = reported(standing)
    clean = not (report.get("failed") or report.get("conflicts") or standing.progress.failed)
    return standing.state in ("done", "undone") and clean


def would(plan: Mapping[str, Any]) -> list[Fact]:
    """A plan in numbers: what would be done, to how many, and how long it takes."""
    if "work" not in plan:
        return []
    facts = [*_fetching(plan), *_reading(plan), *_changing(plan), *_gaining(plan)]
    return [*facts, ("It takes about", took(timedelta(seconds=plan["seconds"])))]


def work_of(sizes: Mapping[str, int]) -> str:
    """Units of work by their kinds: “21 pages and 588 papers”."""
    return ENGLISH.listed(
        [counted(number, *UNITS[kind]) for kind, number in sizes.items() if number]
    )


def to_fetch(plan: Mapping[str, Any]) -> list[Fact]:
    """Sources and the days that they are to be asked for, in spans."""
    days: dict[str, list[date]] = defaultdict(list)
    for one in plan.get("fetch", ()):
        days[one["source"]].append(date.fromisoformat(one["day"]))
    undated = {one["source"] for one in plan.get("fetch", ()) if not one["dated"]}
    return [
        (name, "what it has now" if name in undated else ", ".join(_spans(sorted(some))))
        for name, some in days.items()
    ]


def span(first: date, last: date) -> str:
    """A day, or from a day to another."""
    return f"{first}" if first == last else f"{first} to {last}"


def counted(number: int, one: str, many: str) -> str:
    """“1 paper”, “1,200 papers”."""
    return f"{number:,} {one if number == 1 else many}"


def took(length: timedelta) -> str:
    """A length of time: “6 seconds”."""
    return ENGLISH.span(max(length, timedelta(seconds=1)))


def pace(rate: float) -> str:
    """Units a second, or a minute where that is none: “12 a minute”."""
    return f"{rate:,.0f} a second" if rate >= 1 else f"{60 * rate:,.0f} a minute"


# --- a plan --------------------------------------------------------------------------------------
def _fetching(plan: Mapping[str, Any]) -> Iterable[Fact]:
    if "fetch" in plan:
        yield "To be asked for", counted(len(plan["fetch"]), *UNITS["fetch"])


def _reading(plan: Mapping[str, Any]) -> Iterable[Fact]:
    pages = plan.get("pages", {})
    if pages.get("read"):
        beside = f", and {pages['beside']:,} beside them that tell of the same papers"
        said = counted(pages["read"], "page", "pages")
        yield "Read again for this plan", said + (beside if pages["beside"] else "")
        yield "Pages whose reading changes", f"{plan['work'].get('pages', 0):,}"
        aside = "Pages of quarantine that can be read by now", pages["mended"]
        lost = "Pages that cannot be read any more and stay as they are", len(pages["unreadable"])
        yield from ((name, f"{number:,}") for name, number in (aside, lost) if number)


def _changing(plan: Mapping[str, Any]) -> Iterable[Fact]:
    for kind, number in plan.get("papers", {}).items():
        if number or plan.get("pages", {}).get("read"):
            yield f"Papers {KINDS[kind]}", f"{number:,}"
    if plan["work"].get("scores"):
        yield "To be scored anew", counted(plan["work"]["scores"], *UNITS["scores"])


def _gaining(plan: Mapping[str, Any]) -> Iterable[Fact]:
    readers = plan.get("readers")
    if readers is None:
        return
    papers = counted(readers["top"], "paper", "papers")
    yield "Readers whose picks would have been others", f"{readers['changed']:,}"
    yield f"Readers who missed a top-{TOP} paper", f"{readers['gain']:,} ({papers})"
    yield "Mails that go out", f"{plan['mails']:,}"
    if plan["mail"] == Mail.NEXT:
        yield "Readers whose next digest gets candidates", f"{readers['gain']:,}"


def _spans(days: Iterable[date]) -> Iterable[str]:
    """Days in a row as one."""
    rows: list[list[date]] = []
    for day in days:
        if rows and day - rows[-1][-1] <= DAY:
            rows[-1].append(day)
        else:
            rows.append([day])
    return [span(row[0], row[-1]) for row in rows]


# --- what came of it -----------------------------------------------------------------------------
def outcome(standing: Standing) -> list[Fact]:
    """The report of a run in numbers."""
    report = reported(standing)
    did = _outcome(report) if report else ()
    facts = [(many.capitalize(), f"{number:,}") for number, _, many in did]
    mails = [f"{number:,} {state}" for state, number in sorted(standing.mails.items())]
    return [*facts, ("Its mails now", ", ".join(mails))] if mails else facts


def _outcome(report: Mapping[str, Any]) -> Iterable[tuple[int, str, str]]:
    """What was done and what was not: numbers above 0, with the words for one and for many."""
    fetched = report["fetched"]
    did = (
        (fetched.get("pages", 0), "page fetched", "pages fetched"),
        (fetched.get("new", 0), "new paper", "new papers"),
        (fetched.get("quarantined", 0), "page quarantined", "pages quarantined"),
        *((report["papers"][kind], f"paper {kind}", f"papers {kind}") for kind in KINDS),
        (report["mails"], "mail", "mails"),
        (report["carried"], "paper for a next digest", "papers for next digests"),
        (len(report["conflicts"]), "not as planned", "not as planned"),
        (len(report["failed"]), "failed or cancelled", "failed or cancelled"),
    )
    return [(number, one, many) for number, one, many in did if number]
