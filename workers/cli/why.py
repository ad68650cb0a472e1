"""Why a reader got a paper, or did not."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

import typer
from rich.markup import escape

from tasks.desk.tuning.effect_words import adding_up
from tasks.desk.tuning.inquiry import flipping, why_words
from tasks.desk.tuning.inquiry.flipping import Search
from tasks.desk.tuning.inquiry.standing import Stand
from tasks.desk.tuning.inquiry.why import Story, named
from tasks.desk.tuning.inquiry.why import why as told
from tasks.errors import UnknownName, UsageError
from tasks.records import PickKind
from tasks.render.text import clean
from templates import words_for
from workers.cli.asked import Who, find
from workers.cli.say import Json, cell, json_page, out, table
from workers.cli.state import opened
from workers.cli.tuned import waiting
from workers.web.api.why_shapes import Why

ENGLISH = words_for("en")


def why(
    who: Who,
    paper: Annotated[
        str, typer.Argument(help="Its number, arXiv id, DOI or address, or words of its title.")
    ],
    as_json: Json = False,
) -> None:
    """Tell why a reader got a paper or did not, and the smallest edit that would have turned it."""
    with opened() as context:
        reader = find(context, who)
        asked = named(context, paper)
        if asked.entry is None and not asked.papers:
            raise UnknownName(f"there is no paper {paper!r} here")
        if asked.entry is None:
            rows = [(one.id, clean(one.title)) for one in asked.papers]
            table("Which of these?", ("number", "title"), rows)
            raise UsageError(f"{paper!r} may be several papers: name one by its number")
        with waiting("Making the digests again"):
            story = told(context, reader, asked.entry)
            found = flipping.flip(story)
    if as_json:
        json_page(Why.of(story, found, ENGLISH).model_dump(mode="json"))
    else:
        _print(story, found)


def _print(story: Story, found: Search) -> None:
    out.print(f"[bold]{escape(clean(story.paper.title))}[/]")
    for line in (why_words.verdict(story, ENGLISH), *why_words.grounds(story, ENGLISH)):
        out.print(escape(line))
    _print_way(story)
    decided = story.decided.stands if story.decided else ()
    if decided and not (story.sent and story.sent[1].kind is PickKind.POPULAR):
        columns = ("profile", "score", "needed", "place", "why")
        table("What your profiles thought of it", columns, [_row(one) for one in decided])
    for line in _turned(found):
        out.print(escape(line))


def _print_way(story: Story) -> None:
    rows = [(cell(at), what) for at, what in sorted(_way(story), key=lambda one: one[0])]
    table("Its way", ("when", "what"), rows)


def _way(story: Story) -> Iterator[tuple[datetime, str]]:
    """Everything that happened, as far as it is known."""
    for sight in story.traced.sights:
        votes = "" if sight.votes is None else f", {sight.votes} votes"
        yield sight.at, f"seen in {sight.source} at place {sight.rank}{votes}"
    for one in story.traced.joined:
        yield one.since, f"known as {one.id}, too, which turned out to be the same"
    if story.traced.arrived:
        yield story.traced.arrived, "became news"
    for at, want in story.answers:
        yield at, f"answered: {want}"
    for each in story.considered:
        said = f"digest of {each.made.day}: {why_words.outcome(each, ENGLISH)}"
        yield each.made.at, said if each.agrees else f"{said} (made again, it differs)"
    handed = story.sent[0].handed if story.sent else None
    for at, state in handed.attempts if handed else ():
        yield at, f"the mail's delivery: {state}"
    if story.due:
        yield story.due, "the next digest"


def _row(one: Stand) -> tuple[object, ...]:
    lines = [f"{part.value:+.2f}  {part.label}" for part in adding_up(one.score)]
    lines.append(f"{round(one.score.raw, 2):+.2f}  in all")
    needed = f"{one.least:.2f}" if one.least <= 1 else "–"
    place = f"{one.rank} of {max(one.of, one.rank)}"
    return one.name, f"{one.score.value:.2f}", needed, place, "\n".join(lines)


def _turned(found: Search) -> Iterator[str]:
    """The smallest edit that turns it, or that none does."""
    if found.flip is None:
        yield from filter(None, [why_words.searched(found, ENGLISH)])
        return
    edit = found.flip.edit
    whose = f" (in {found.flip.profile_name})" if edit.is_of_profile else ""
    yield f"The smallest edit that would have turned it: {why_words.named(edit, ENGLISH)}{whose}"
    yield why_words.neighbours(found, ENGLISH)
