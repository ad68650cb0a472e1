"""Scoring from files: profiles and entries in, ranked entries with reasons out. No database."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from tasks.profile_json import KEYS, from_json
from tasks.records import Paper, Profile, Score
from tasks.render.words import why
from tasks.score import Scores, fit
from tasks.score import score as score_papers
from workers.cli.files import read_papers, read_rows
from workers.cli.say import Json, json_page, note, table


def score(
    profiles: Annotated[Path, typer.Option(help="A JSON file: one profile or a list of them.")],
    entries: Annotated[
        Path, typer.Option(help="A JSONL file: one entry a line, as `parse` prints.")
    ],
    background: Annotated[
        Path | None,
        typer.Option(help="Entries to learn word frequencies from (default: the entries)."),
    ] = None,
    top: Annotated[
        int, typer.Option(min=0, help="Entries to show of each profile; 0 for all.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Rank entries for each profile, with the reasons that add up to each score. Touches no database."""
    asked = read_profiles(profiles)
    papers = list(read_papers(entries))
    model = fit(papers if background is None else read_papers(background))
    scores = score_papers(model, papers, asked)
    ranked = [(profile, _ranked(scores, papers, n, top)) for n, profile in enumerate(asked)]
    if as_json:
        json_page([{"id": p.id, "entries": [_json(*item) for item in rows]} for p, rows in ranked])
        return
    for profile, rows in ranked:
        shown = [(f"{s.value:.2f}", paper.title, why(s)) for paper, s in rows]
        table(f"{profile.name or profile.id}", ("score", "title", "why"), shown)


def read_profiles(path: Path) -> list[Profile]:
    """The profiles of a JSON file. Keys that a profile does not have are named and passed over."""
    items = read_rows(path)
    unknown = sorted({key for item in items for key in item} - set(KEYS))
    if unknown:
        note(f"{path}: passed over what a profile does not have: {', '.join(unknown)}")
    known = [{key: value for key, value in item.items() if key in KEYS} for item in items]
    return [from_json(item, key=item.get("id") or n) for n, item in enumerate(known, start=1)]


def _ranked(
    scores: Scores, papers: list[Paper], profile: int, top: int
) -> list[tuple[Paper, Score]]:
    order = sorted(range(len(papers)), key=lambda n: (-scores.raw[n, profile], n))
    return [(papers[n], scores.score(n, profile)) for n in (order[:top] if top else order)]


def _json(paper: Paper, score: Score) -> dict[str, Any]:
    reasons = [{"kind": r.kind, "label": r.label, "value": r.value} for r in score.reasons]
    return {
        "id": paper.id,
        "title": paper.title,
        "score": score.value,
        "raw": score.raw,
        "reasons": reasons,
        "why": why(score),
    }
