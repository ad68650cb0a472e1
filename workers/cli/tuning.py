"""Sharpening a profile: what an edit does in the last days, and how its reader's answers judge it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

from tasks.desk.tuning import effect_words
from tasks.desk.tuning.machine import SPANS, Comparison, compare
from tasks.errors import UsageError
from tasks.evaluate.report import Table
from tasks.evaluate.report import markdown as markdown_of
from tasks.render.text import clean
from templates import words_for
from workers.cli import compared
from workers.cli.plots import ink_for
from workers.cli.say import Json, json_page, note, out, table
from workers.cli.tuned import (
    About,
    Against,
    Alone,
    Entries,
    File,
    Most,
    Name,
    Question,
    Tuned,
    Who,
    tuned,
    waiting,
)
from workers.web.api.tuning_shapes import Preview

ENGLISH = words_for("en")
NOTHING = "no papers came in these days: `paperround run-once` fetches what there is"
BACK = ", ".join(map(str, SPANS))
Days = Annotated[int, typer.Option(help=f"How many days to look back: {BACK}.")]


def preview(
    who: Who = "",
    file: File = None,
    name: Name = "",
    days: Days = 7,
    alone: Alone = None,
    against: Against = None,
    entries: Entries = None,
    about: About = None,
    most: Most = None,
    as_json: Json = False,
) -> None:
    """Show what an edit brings and sends away, the newest picks with their reasons, and near misses.

    The edit is FILE, compared with the profile that it would be saved over; without FILE, what is saved.
    """
    asked = Question(
        span=_span(days),
        who=who,
        file=file,
        name=name,
        alone=alone,
        against=against,
        entries=entries,
        about=about,
        most=most,
    )
    with tuned(asked) as one:
        found = _looked_back(one, asked.span)
    if as_json:
        _as_json(found)
        return
    if not compared.papers(found):
        note(NOTHING)
        return
    _head(one, found)
    _print([*compared.moving(found), *compared.newest(found), compared.days(found)])


def backtest(
    who: Who = "",
    file: File = None,
    name: Name = "",
    days: Days = 30,
    alone: Alone = None,
    against: Against = None,
    entries: Entries = None,
    about: About = None,
    most: Most = None,
    daily: Annotated[bool, typer.Option("--daily", help="Print every day, too.")] = False,
    markdown: Annotated[Path | None, typer.Option(help="Write the report into this file.")] = None,
    as_json: Json = False,
) -> None:
    """Replay past days with an edit and without: picks a day, the line, liked papers, precision, recall.

    The edit is FILE, compared with the profile that it would be saved over; without FILE, what is saved.
    """
    if markdown and not markdown.parent.is_dir():
        raise UsageError(f"{markdown} cannot be written: there is no folder {markdown.parent}")
    asked = Question(
        span=_span(days),
        who=who,
        file=file,
        name=name,
        alone=alone,
        against=against,
        entries=entries,
        about=about,
        most=most,
    )
    with tuned(asked) as one:
        found = _looked_back(one, asked.span)
    if markdown:
        _write(markdown, one, found)
    if as_json:
        _as_json(found)
        return
    if not compared.papers(found):
        note(NOTHING)
        return
    _head(one, found)
    ink = ink_for(out.encoding)
    out.print(escape("\n".join(compared.plots(found, width=out.width, ink=ink))), soft_wrap=True)
    judged = [*compared.liked(found), *compared.measures(found, ink)]
    _print([*judged, *([compared.days(found)] if daily else [])])
    if not judged:
        note("no answers in these days: precision and recall are told once papers were judged")


def _span(days: int) -> int:
    if days not in SPANS:
        raise UsageError(f"--days is one of {BACK}, and not {days}")
    return days


def _looked_back(one: Tuned, span: int) -> Comparison:
    with waiting("Looking back"):
        return compare(one.context, one.reader, one.which, one.typed, span=span, base=one.base)


def _as_json(found: Comparison) -> None:
    json_page(Preview.of(found, ENGLISH).model_dump(mode="json"))


def _head(one: Tuned, found: Comparison) -> None:
    """What the edit does in a line, and of which days."""
    out.print(escape(f"{clean(one.name)}: {effect_words.verdict(found)}"))
    out.print(escape(_days_of(found)))


def _days_of(found: Comparison) -> str:
    last = f"{ENGLISH.date(found.first)} to {ENGLISH.date(found.last)}"
    return f"{last}, of which the last digest is yet to come." if found.coming else f"{last}."


def _print(tables: Iterable[Table]) -> None:
    for one in tables:
        table(one.title, one.columns, one.rows)


def _write(path: Path, one: Tuned, found: Comparison) -> None:
    """The whole report as Markdown. Raises `UsageError`."""
    tables = [
        *compared.liked(found),
        *compared.measures(found),
        *compared.moving(found),
        *compared.newest(found),
        compared.days(found),
    ]
    head = f"# {compared.plain(clean(one.name))}\n\n{effect_words.verdict(found)} {_days_of(found)}"
    try:
        path.write_text(markdown_of(compared.for_markdown(tables), head), encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error.strerror}") from None
