"""A few papers to judge, chosen for what an answer would teach: near the line, and unlike all that is known.

One after another as the question of a digest is chosen (`tasks.compose.exploring`), where each that was
chosen is known to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from tasks.compose.alike import wording
from tasks.compose.exploring import explore
from tasks.compose.twins import Met
from tasks.compose.wanting import bar
from tasks.desk.tuning.advice.evidence import Evidence
from tasks.desk.tuning.past import Past
from tasks.records import Candidate, Paper, Reader, Score
from tasks.round.replaying import Replayed, told

QUESTIONS = 4
KNOWN_MOST = 100  # papers, the newest, that a question is to be unlike of
LATELY = timedelta(days=7)


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A paper to judge: its score, the least one of a pick of its day (`line`), and of the known papers the
    one that it is most like, if there is any, with that likeness in 0..1.
    """

    paper: Paper
    day: date
    score: Score
    line: float
    nearest: Paper | None
    likeness: float


def questions(
    of: Evidence, past: Past, reader: Reader, made: Sequence[Replayed]
) -> tuple[Question, ...]:
    """What to ask about this profile, the most telling first."""
    chosen = list(_chosen(reader, _known(of, past, made), _near_misses(of, past, made)))
    scores = told([(then, candidate.score) for then, candidate, _ in chosen])
    return tuple(
        Question(
            paper=candidate.paper,
            day=then.day,
            score=score,
            line=bar(reader, candidate),
            nearest=nearest[0] if nearest else None,
            likeness=nearest[1] if nearest else 0.0,
        )
        for (then, candidate, nearest), score in zip(chosen, scores, strict=True)
    )


def _chosen(
    reader: Reader, known: list[Paper], near: dict[int | str, tuple[Replayed, Candidate]]
) -> Iterator[tuple[Replayed, Candidate, tuple[Paper, float] | None]]:
    """One after another, each with the known paper that it is most like."""
    met = Met(known)
    for _ in range(QUESTIONS):
        best = explore(reader, [one for _, one in near.values()], known, wording, met.twin)
        if best is None:
            return
        alike = wording([best.paper], known)[0]
        nearest = (known[int(alike.argmax())], float(alike.max())) if known else None
        yield near.pop(best.paper.id)[0], best, nearest
        met.add(best.paper)
        known = [best.paper, *known]


def _known(of: Evidence, past: Past, made: Sequence[Replayed]) -> list[Paper]:
    """What the reader said something of, gave, or was sent lately."""
    said = [one.paper for one in past.answers]
    picks = [pick.paper for one in made[::-1] for pick in one.choice.composition.picks]
    return [*said[:KNOWN_MOST], *of.liked[::-1][:KNOWN_MOST], *picks[:KNOWN_MOST]]


def _near_misses(
    of: Evidence, past: Past, made: Sequence[Replayed]
) -> dict[int | str, tuple[Replayed, Candidate]]:
    """What this profile wanted nearly enough in the last days, and of which nothing was said."""
    over = {one.paper.id for one in past.answers}
    over |= {pick.paper.id for one in made for pick in one.choice.composition.picks}
    return {
        candidate.paper.id: (one, candidate)
        for one in made
        for candidate in one.choice.missed
        if candidate.score.profile_id == of.typed.id
        and candidate.paper.id not in over
        and candidate.arrived
        and candidate.arrived > made[-1].at - LATELY
    }
