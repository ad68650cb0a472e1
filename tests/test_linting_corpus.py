"""The linter is silent on real readers' profiles, whatever they liked and however few papers there are."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tasks.desk.tuning.advice.evidence import Evidence
from tasks.desk.tuning.advice.item_faults import FEW
from tasks.desk.tuning.advice.linting import remarks
from tasks.records import Example, Feedback, Paper, Profile, Want
from tasks.round.days import Day
from tasks.round.stretch import Stretch, stretch
from tasks.score import Background, background, fit, read_papers
from tasks.score.words import Lexicon

pytestmark = [pytest.mark.corpus, pytest.mark.slow, pytest.mark.timeout(600)]

WEEKS = timedelta(days=74)  # what a month's digests look at
ENDS = (date(2025, 6, 10), date(2025, 12, 20), date(2026, 3, 1), date(2026, 6, 30))
FITTED = 20_000

Days = Mapping[date, Sequence[Paper]]


@pytest.fixture(scope="module")
def profiles(corpus: Path) -> list[dict[str, Any]]:
    """What thirty keepers of reading lists would type, and what they liked."""
    read: list[dict[str, Any]] = json.loads((corpus / "judged" / "profiles.json").read_text())
    return read


@pytest.fixture(scope="module", params=[1, 3], ids=["all papers", "a third of the papers"])
def days(corpus: Path, request: pytest.FixtureRequest) -> Days:
    """The stream, by day; or every so-many-th paper of it, by lot."""
    lot, found = Random(7), {}
    with lzma.open(corpus / "judged" / "papers.jsonl.xz", "rt") as lines:
        for number, line in enumerate(lines):
            if lot.randrange(request.param) == 0:
                row = json.loads(line)
                found.setdefault(date.fromisoformat(row["date"]), []).append(_paper(number, row))
    return dict(sorted(found.items()))


def _paper(number: int, row: Mapping[str, Any]) -> Paper:
    return Paper(
        id=number,
        title=row["title"],
        abstract=row["abstract"],
        authors=tuple(row["authors"]),
        categories=tuple(row["categories"]),
        arxiv_id=row["id"],
    )


def test_nothing_is_wrong_with_thirty_healthy_profiles(
    days: Days, profiles: list[dict[str, Any]]
) -> None:
    ground = background(fit([paper for some in days.values() for paper in some][-FITTED:]))
    lexicon, looked_at = Lexicon(ground.model.words), 0
    for end in ENDS:
        papers = _papers(ground, days, end, lexicon)
        for body in profiles:
            liked = _liked(body, days, end)
            for evidence in _evidence(ground, papers, end, body, liked):
                found = [(one.kind, one.part, one.item, one.hits) for one in remarks(evidence)]
                assert found == [], (end, body["id"], len(papers.papers))
                looked_at += len(papers.papers) > FEW
    assert looked_at == len(ENDS) * len(profiles) * 3


def _papers(ground: Background, days: Days, end: date, lexicon: Lexicon) -> Stretch:
    some = [
        Day(day, [_morning(day)] * len(own), read_papers(ground, own, lexicon), [])
        for day, own in days.items()
        if end - WEEKS <= day <= end
    ]
    return stretch(ground, tuple(some))


def _liked(body: Mapping[str, Any], days: Days, end: date) -> list[tuple[date, Paper]]:
    """What the reader liked until then, the oldest first."""
    keys = {one if isinstance(one, str) else one["id"] for one in body["likes"]}
    some = ((day, paper) for day, own in days.items() if day <= end for paper in own)
    return [(day, paper) for day, paper in some if paper.arxiv_id in keys][-60:]


def _evidence(
    ground: Background,
    papers: Stretch,
    end: date,
    body: Mapping[str, Any],
    liked: Sequence[tuple[date, Paper]],
) -> Iterator[Evidence]:
    """The profile alone; taught by its reader's answers; and with these as typed examples."""
    told = {"terms": tuple(body["terms"]), "description": body["description"]}
    alone = Profile(id=1, name="main", **told)
    given = tuple(
        Example(title=one.title, abstract=one.abstract, id=f"entry:{one.id}", given=day)
        for day, one in liked
    )
    taught = Profile(id=1, name="main", examples=given, **told)
    answers = tuple(
        Feedback(paper=one, want=Want.MORE, at=_morning(day), profile_name="main")
        for day, one in liked[::-1]
    )
    for typed, now, said in ((alone, alone, ()), (alone, taught, answers), (taught, taught, ())):
        yield Evidence(
            ground=ground, papers=papers, last=end, typed=typed, taught=now, answers=said
        )


def _morning(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 6, tzinfo=UTC)
