"""Papers: searching them, and looking at one."""

from __future__ import annotations

from typing import Annotated

import typer

from tasks.desk import searching
from tasks.errors import UnknownName
from tasks.records import Paper
from tasks.store import editions
from tasks.store.editions import Known
from tasks.store.search import RANKED
from workers.cli.say import Json, json_page, listing, note, table
from workers.cli.state import opened

app = typer.Typer(help="The papers that came.", no_args_is_help=True)
NUMBER_MOST = 18  # digits of a row's number


@app.command()
def search(
    text: Annotated[str, typer.Argument(help='Words; "words in quotes" together; -word without.')],
    most: Annotated[int, typer.Option(min=1, max=RANKED, help="How many at most.")] = 20,
    as_json: Json = False,
) -> None:
    """Find papers by their words, or one by its arXiv id, DOI or address."""
    with opened() as context:
        found = searching.find(context, text, limit=most)
        papers = list(found.papers)
        if found.named is not None:
            with context.database.read() as session:
                known = editions.known(session, found.named)
            papers = [known.paper] if known else []
    if as_json:
        json_page(papers)
    else:
        listing("Papers", [_row(paper) for paper in papers], as_json=False, empty="nothing found")


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Its number, arXiv id, DOI or address.")],
    as_json: Json = False,
) -> None:
    """Show a paper, and where it was seen."""
    with opened() as context:
        number = int(name) if _is_number(name) else searching.find(context, name, limit=1).named
        with context.database.read() as session:
            known = editions.known(session, number) if number else None
    if known is None:
        raise UnknownName(f"no paper {name!r}: see `paperround papers search`")
    if as_json:
        json_page(known)
    else:
        _tell(known)


def _is_number(name: str) -> bool:
    return name.isascii() and name.isdecimal() and len(name) <= NUMBER_MOST


def _row(paper: Paper) -> dict[str, object]:
    return {
        "id": paper.id,
        "title": paper.title,
        "authors": paper.authors[:3],
        "arxiv": paper.arxiv_id,
        "votes": paper.upvotes,
    }


def _tell(known: Known) -> None:
    paper = known.paper
    parts = {
        "authors": paper.authors,
        "arXiv": paper.arxiv_id,
        "DOI": paper.doi,
        "address": paper.url,
        "code": paper.code_urls,
        "votes": paper.upvotes,
        "first seen": known.first_seen,
        "abstract": paper.abstract,
    }
    listing(
        paper.title,
        [{"": part, "value": value} for part, value in parts.items() if value],
        as_json=False,
        empty="",
    )
    seen = [(sight.day, sight.source, sight.rank, sight.votes) for sight in known.sights]
    table("Seen", ("day", "source", "rank", "votes"), seen)
    if known.withdrawn:
        note("it was withdrawn")
    if known.became:
        note(f"it turned out to be paper {known.became}")
