"""Saved pages: read them (pure), or bring them into the store."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import Progress, TextColumn, TimeElapsedColumn

from tasks.errors import PageError, PaperroundError, UsageError
from tasks.fetch.folder import pages as saved_pages
from tasks.parse.killable import Parser
from tasks.records import ParsedEntry, RawPage, SourceKind
from tasks.round.context import Context, utc_now
from tasks.round.parsing import parse as parse_step
from tasks.store import pages as store_pages
from tasks.store import report, sources
from workers.cli.say import Exit, Json, err, json_line, json_page, note, out
from workers.cli.state import opened

SAVED = "saved-pages"  # the source that ingested pages belong to; it is never fetched


class Kind(StrEnum):
    """What a page is taken for."""

    AUTO = "auto"
    HF = "hf"
    ARXIV = "arxiv"
    FEED = "feed"
    TEXT = "text"


def parse(
    files: Annotated[list[Path], typer.Argument(help="Pages: files, folders or archives.")],
    kind: Annotated[Kind, typer.Option(help="What the pages are.")] = Kind.AUTO,
    url: Annotated[str, typer.Option(help="Where the page came from, for its links.")] = "",
    content_type: Annotated[str, typer.Option(help="The Content-Type it came with.")] = "",
    as_json: Json = True,
) -> None:
    """Read pages and print one JSON line per entry. Touches no database.

    A page that cannot be read gives a line {"file", "error"}; then the exit code is 3.
    """
    del as_json  # the lines are JSON either way; scripts that say so are understood
    failed = 0
    with Parser() as parser:
        for path in files:
            for item in _items(path):
                if isinstance(item, str):
                    json_line({"file": str(path), "error": item})
                    failed += 1
                    continue
                told = replace(
                    item,
                    kind=kind.value,
                    url=url or item.url,
                    content_type=content_type or item.content_type,
                )
                failed += not _print_page(parser, told)
    raise typer.Exit(Exit.PARTLY if failed else Exit.FINE)


def _items(path: Path) -> Iterator[RawPage | str]:
    """The pages of a path; a str says what could not be read."""
    try:
        yield from saved_pages(path, at=utc_now())
    except PaperroundError as error:
        yield str(error)


def _print_page(parser: Parser, page: RawPage) -> bool:
    try:
        parsed = parser.parse(page)
    except PageError as error:
        json_line({"file": page.name, "error": f"{error.reason}: {error}"})
        return False
    for entry in parsed.entries:
        json_line({"file": page.name} | entry_json(entry))
    for words in parsed.warnings:
        note(f"{page.name}: {words}")
    return True


def entry_json(entry: ParsedEntry) -> dict[str, Any]:
    """An entry's fields as JSON takes them."""
    return asdict(entry)


def _pages(path: Path, at: datetime) -> Iterator[RawPage]:
    if not path.exists():
        raise UsageError(f"{path}: there is no such file or folder")
    for item in saved_pages(path, at=at):
        if isinstance(item, str):
            note(item)
        else:
            yield item


def ingest(
    paths: Annotated[list[Path], typer.Argument(help="Pages: files, folders or archives.")],
    as_json: Json = False,
) -> None:
    """Bring saved pages into the store: new papers are added, known ones merged.

    Pages older than a week are kept as history: their papers are no news and reach no digest.
    """
    started = utc_now()
    with opened() as context:
        page_ids = [key for path in paths for key in _ingested(context, path)]
        with context.database.read() as session:
            outcome = report.of_pages(session, page_ids)
    seconds = max((utc_now() - started).total_seconds(), 1e-6)
    outcome |= {
        "seconds": round(seconds, 2),
        "entries_per_second": round(outcome["entries"] / seconds),
    }
    if as_json:
        json_page(outcome)
    else:
        _print_outcome(outcome)
    raise typer.Exit(Exit.PARTLY if outcome["quarantined"] else Exit.FINE)


def _ingested(context: Context, path: Path) -> Iterator[int]:
    """Keep and parse the pages of a path; the ids of all of them, known or new."""
    columns = (TextColumn("[progress.description]{task.description}"), TimeElapsedColumn())
    with context.database.write() as session:
        source_id = sources.internal(session, SAVED, SourceKind.FOLDER, utc_now())
    with Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task(f"Reading {path}")
        for number, page in enumerate(_pages(path, utc_now()), start=1):
            with context.database.write() as session:
                page_id, _ = store_pages.keep(session, source_id, page)
            parse_step(context, page_id, page_id, page.fetched_at)
            bar.update(task, description=f"Reading {path}: {number} pages, {page.name}")
            yield page_id


def _print_outcome(outcome: dict[str, Any]) -> None:
    out.print(
        "{pages} pages: {entries} entries, {new} new, {merged} merged, {rejected} rejected "
        "({entries_per_second} entries a second)".format(**outcome)
    )
    for page in outcome["quarantined"]:
        note(f"set aside: {page['name']}: {page['reason']}")
    for page in outcome["odd"]:
        note(f"odd: {page['name']}: {' '.join(page['why'])}")
    for page in outcome["empty"]:
        note(f"without entries: {page['name']}")
