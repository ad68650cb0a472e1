"""How good the scorer is: judged readers and dated papers in, figures beside other recipes out."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from tasks.compose.volume import Day, line
from tasks.errors import UsageError
from tasks.evaluate import Judged, Ours, Outcome, Plan, Ranker, judge, outcomes, walk
from tasks.evaluate.catalogue import NAMES, chosen, rivals
from tasks.evaluate.curves import svg
from tasks.evaluate.report import as_json as json_of
from tasks.evaluate.report import markdown as markdown_of
from tasks.evaluate.report import tables
from tasks.evaluate.vectors import Encoded
from tasks.evaluate.volume import PastDay
from tasks.score.encoder import Encoder
from tasks.score.meaning import Remembering
from workers.cli.files import read_dated_papers, read_rows
from workers.cli.say import Json, err, json_page, note, out, table


def evaluate(
    profiles: Annotated[Path, typer.Option(help="A JSON file of judged profiles.")],
    papers: Annotated[Path, typer.Option(help="A JSONL file of dated papers, also .xz or .gz.")],
    likes: Annotated[
        str, typer.Option(help="How many of the newest likes to give, with commas between.")
    ] = "0,1,3,10,30,all",
    peers: Annotated[
        str,
        typer.Option(
            help=f"Recipes beside ours: quick, all (minutes), none, or {', '.join(NAMES)}."
        ),
    ] = "quick",
    against: Annotated[
        str, typer.Option(help="The peer from which differences are told.")
    ] = "tfidf-query",
    refit: Annotated[int, typer.Option(min=1, help="Days between refreshes of the models.")] = 28,
    about: Annotated[float, typer.Option(min=0.1, help="Picks a day that readers ask for.")] = 7.0,
    encoder: Annotated[
        Path | None, typer.Option(help="An encoder's folder, for recipes that want one.")
    ] = None,
    as_json: Json = False,
    markdown: Annotated[Path | None, typer.Option(help="Write the tables into this file.")] = None,
    drawing: Annotated[
        Path | None, typer.Option("--svg", help="Draw the curves into this file.")
    ] = None,
) -> None:
    """Rank each judged day with our scorer and with other services' recipes, blind to what follows."""
    names = chosen(peers)
    if against not in NAMES:
        raise UsageError(f"there is no peer {against!r}: {', '.join(NAMES)}")
    for path in (markdown, drawing):
        if path and not path.parent.is_dir():
            raise UsageError(f"{path} cannot be written: there is no folder {path.parent}")
    plan = Plan(likes=_numbers(likes), refit=refit, about=about, threshold=_least)
    rankers, rival = _rankers(names, against, encoder)
    judged = _judged(profiles, papers)
    found = _walked(judged, rankers, plan)
    facts = _facts(judged, plan)
    made = tables(found, rival)
    if markdown:
        _write(markdown, markdown_of(made, facts))
    if drawing:
        _write(drawing, svg(found))
    if as_json:
        json_page({"facts": facts, "against": rival, "outcomes": json_of(found, rival)})
        return
    out.print(facts)
    for one in made:
        table(one.title, one.columns, one.rows)


def _numbers(likes: str) -> tuple[int | None, ...]:
    """The numbers of likes that are asked for, ascending; None is all of them."""
    words = [word.strip() for word in likes.split(",")]
    if not all(word == "all" or (word.isascii() and word.isdigit()) for word in words):
        raise UsageError(f"--likes wants numbers and `all`, like 0,3,10,all, and not {likes!r}")
    numbers = sorted({int(word) for word in words if word != "all"})
    return (*numbers, None) if "all" in words else (*numbers,)


def _least(past: Sequence[PastDay], about: float, day: date, papers: int) -> float:
    """The least value of a pick, as composing a digest finds it."""
    history = [Day(then.day, then.values) for then in past]
    return line(history, about=about, today=day, papers=papers)


def _rankers(names: Sequence[str], against: str, encoder: Path | None) -> tuple[list[Ranker], str]:
    """Ours and the recipes of these names, and what the one to tell differences from is called."""
    dense, ours = None, [Ours()]
    if encoder:
        opened = Encoder.open(encoder, threads=os.cpu_count() or 1)
        dense = Encoded(f"encoder {encoder.name}", opened.encode)
        ours.append(Ours(Remembering(opened)))
    made, missing = rivals(names, dense)
    if missing:
        note(f"left out {', '.join(missing)}: they want `pip install 'paperround[peers]'`")
    return [*ours, *made.values()], made[against].name if against in made else ""


def _judged(profiles: Path, papers: Path) -> Judged:
    rows = read_rows(profiles)
    try:
        judged = judge(read_dated_papers(papers), rows)
    except UsageError as error:
        if str(error).startswith(str(papers)):
            raise
        raise UsageError(f"{profiles}: {error}") from None
    for remark in judged.notes:
        note(remark)
    return judged


def _walked(judged: Judged, rankers: Sequence[Ranker], plan: Plan) -> list[Outcome]:
    columns = (
        TextColumn("[progress.description]{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, transient=True, disable=not sys.stderr.isatty()) as bar:
        task = bar.add_task("Ranking", total=None)

        def tell(done: int, total: int, words: str) -> None:
            bar.update(task, completed=done, total=total, description=words)

        return outcomes(walk(judged, rankers, plan, tell), rankers, plan)


def _facts(judged: Judged, plan: Plan) -> str:
    papers = sum(map(len, judged.days.values()))
    days = len({day for reader in judged.readers for day in reader.relevant})
    pairs = sum(len(judged.days[day]) for reader in judged.readers for day in reader.relevant)
    return (
        f"{len(judged.readers)} readers, {papers:,} papers on {len(judged.days)} days; {days} judged "
        f"days with {pairs:,} pairs of reader and paper; models refreshed every {plan.refit} days."
    )


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"{path} cannot be written: {error}") from None
