"""What readers say of papers, and what their profiles learned from it."""

from __future__ import annotations

from typing import Annotated

import typer

from tasks.desk import interests, teaching
from tasks.records import Feedback, Want
from tasks.store import feedback
from workers.cli.asked import Who, find
from workers.cli.say import Json, json_page, listing, note, table
from workers.cli.state import opened

app = typer.Typer(help="More, less, save, hide; and what was learned.", no_args_is_help=True)

PaperNumber = Annotated[int, typer.Argument(min=1, max=2**63 - 1, help="The paper's number.")]


@app.command()
def give(
    who: Who,
    paper: PaperNumber,
    want: Annotated[Want, typer.Argument(help="more, less, save or hide.")],
    take_back: Annotated[
        bool, typer.Option("--take-back", help="Say it no more, instead.")
    ] = False,
) -> None:
    """Say something of a paper for a reader, as they would by a link or a button."""
    act, done = (teaching.take_back, "taken back") if take_back else (teaching.give, "kept")
    with opened() as context:
        new = act(context, find(context, who).id, paper, want)
    note(f"{want} of paper {paper}: {done if new else 'it was so already'}")


@app.command(name="list")
def list_(who: Who, as_json: Json = False) -> None:
    """List what a reader said of papers, the newest first."""
    with opened() as context:
        reader = find(context, who)
        with context.database.read() as session:
            said = feedback.said(session, reader.id)
    rows = [_row(one) for one in said]
    empty = f"nothing yet: `paperround feedback give {who} PAPER more`"
    listing("Feedback", rows, as_json=as_json, empty=empty)


@app.command()
def learned(who: Who, as_json: Json = False) -> None:
    """Show what a reader's profiles learned: the words that count now, and the papers that taught them."""
    with opened() as context:
        lessons = teaching.lessons(context, find(context, who).id)
    if as_json:
        json_page(lessons)
        return
    for lesson in lessons:
        shown = [(one.paper.id, one.want, one.paper.title) for one in lesson.papers]
        table(lesson.profile_name, ("paper", "said", "title"), shown)
        note(f"for a paper: {', '.join(lesson.words.more) or 'no word more'}")
        note(f"against one: {', '.join(lesson.words.less) or 'no word more'}")
    if not lessons:
        note("nothing was learned yet")


@app.command()
def forget(
    who: Who,
    paper: Annotated[
        int | None, typer.Argument(min=1, max=2**63 - 1, help="One paper; without it, all.")
    ] = None,
    profile: Annotated[str, typer.Option(help="Only what this profile learned.")] = "",
) -> None:
    """Learn nothing any more from what a reader said of a paper, or of any; what is saved stays saved."""
    with opened() as context:
        reader = find(context, who)
        one = interests.find(context, reader.id, profile).id if profile else None
        number = teaching.forget(context, reader.id, paper, profile_id=one)
    note(f"{number} answers teach no more")


def _row(one: Feedback) -> dict[str, object]:
    return {
        "at": one.at,
        "want": one.want,
        "paper": one.paper.id,
        "title": one.paper.title,
        "profile": one.profile_name,
        "teaches": one.teaches,
    }
