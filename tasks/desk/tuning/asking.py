"""A few papers to judge, chosen for what an answer would teach: near the line, and unlike all that is known.

One after another as the question of a digest is chosen (`tasks.compose.exploring`), where each that was
chosen is known to the next.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from tasks.compose.alike import wording
from tasks.compose.exploring import explore
from tasks.compose.twins import Met
from tasks.desk.tuning.evidence import Evidence
from tasks.desk.tuning.past import Past
from tasks.records import Candidate, Paper, Reader, Score
from tasks.round.replaying import Replayed

QUESTIONS = 4
KNOWN_MOST = 100  # papers, the newest, that a question is to be unlike of
DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A paper to judge: its score with the line of its day, and the known paper that it is most like, if
    any, with that likeness in 0..1.
    """

    paper: Paper
    day: date
    score: Score
    line: float
    nearest: Paper | None
    likeness: float


def questions(
    of: Evidence, past: Past, reader: Reader, made: Sequence[Replayed]
) -> Iterator[Question]:
    """What to ask about this profile, the most telling first."""
    known = _known(of, past, made)
    met = Met(known)
    near = _near_misses(of, past, made)
    for _ in range(QUESTIONS):
        chosen = explore(reader, [one for _, one in near.values()], known, wording, met.twin)
        if chosen is None:
            return
        then, _ = near.pop(chosen.paper.id)
        yield _asked(then, chosen, known)
        met.add(chosen.paper)
        known = [chosen.paper, *known]


def _asked(then: Replayed, chosen: Candidate, known: Sequence[Paper]) -> Question:
    alike = wording([chosen.paper], known)[0]
    best = int(alike.argmax()) if len(alike) else 0
    return Question(
        paper=chosen.paper,
        day=then.day,
        score=then.told(chosen.score),
        line=chosen.line,
        nearest=known[best] if len(alike) else None,
        likeness=float(alike[best]) if len(alike) else 0.0,
    )


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
        for one in made[-DAYS:]
        for candidate in one.choice.missed
        if candidate.score.profile_id == of.typed.id and candidate.paper.id not in over
    }
