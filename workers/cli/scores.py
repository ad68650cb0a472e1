"""Scoring from files: profiles and entries in, ranked entries with reasons out. No database."""

from __future__ import annotations

import gzip
import json
import lzma
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from tasks.errors import UsageError
from tasks.profile_json import KEYS, from_json
from tasks.records import Paper, Profile, Score
from tasks.render.words import why
from tasks.score import Scores, fit
from tasks.score import score as score_papers
from workers.cli.say import Json, json_page, note, table

OPENERS: Mapping[str, Any] = {".xz": lzma.open, ".gz": gzip.open}


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
    try:
        body = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise UsageError(f"{path} is not JSON: {error}") from None
    items = body.get("profiles", [body]) if isinstance(body, dict) else body
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise UsageError(f"{path}: a profile is a JSON object; a file holds one or a list of them")
    unknown = sorted({key for item in items for key in item} - set(KEYS))
    if unknown:
        note(f"{path}: passed over what a profile does not have: {', '.join(unknown)}")
    known = [{key: value for key, value in item.items() if key in KEYS} for item in items]
    return [from_json(item, key=item.get("id") or n) for n, item in enumerate(known, start=1)]


def read_papers(path: Path) -> Iterator[Paper]:
    """The papers of a JSONL file (also .xz, .gz). Raises `UsageError` naming a bad line."""
    for number, line in enumerate(_text(path).splitlines(), start=1):
        if line.strip():
            yield _paper(path, number, line)


def _paper(path: Path, number: int, line: str) -> Paper:
    try:
        item = json.loads(line)
        return Paper(
            id=item.get("id") or item.get("arxiv_id") or item.get("source_id") or number,
            title=str(item["title"]),
            abstract=str(item.get("abstract") or ""),
            authors=tuple(map(str, item.get("authors") or ())),
            categories=tuple(map(str, item.get("categories") or ())),
            arxiv_id=item.get("arxiv_id"),
            upvotes=item.get("upvotes"),
        )
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise UsageError(
            f"{path}, line {number}: an entry is a JSON object with a title ({error!r})"
        ) from None


def _text(path: Path) -> str:
    opener = OPENERS.get(path.suffix, open)
    try:
        with opener(path, "rt", encoding="utf-8") as file:
            return str(file.read())
    except (OSError, EOFError, UnicodeDecodeError, lzma.LZMAError, zlib.error) as error:
        raise UsageError(f"{path} cannot be read: {error}") from None


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
