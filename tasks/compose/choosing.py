"""One reader's candidates become the picks of one digest.

What reaches its profile's line and the reader's threshold matches. Matches get the places, fairly
between profiles and unlike each other; a late bloomer may take one place, a question to the reader
another, both labelled. Nothing that is a twin of what was sent comes again.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from tasks.compose.alike import Alike, wording
from tasks.compose.exploring import NOTE, explore
from tasks.compose.late import bloomed
from tasks.compose.seats import seat
from tasks.compose.twins import Met
from tasks.compose.wanting import bar, best_of_each, usable
from tasks.records import Candidate, Composition, Paper, Pick, PickKind, Reader

EXTRAS_FROM = 5  # places; in a shorter digest no match gives way to a question or to late news
DAY = timedelta(days=1)
BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known beside the candidates. Every part may be left out.

    `papers` were sent in the last months; `taught` are what the profiles learned from. `now` is the
    moment of the digest and `since` that of the one before: without `now` nobody looks for late
    bloomers, without `since` only at those of the last day.
    """

    papers: Sequence[Paper] = ()
    taught: Sequence[Paper] = ()
    now: datetime | None = None
    since: datetime | None = None
    alike: Alike = wording

    @property
    def before(self) -> datetime:
        """What came up to then is not new."""
        if self.since or not self.now:
            return self.since or BEGINNING
        return self.now - DAY


def compose(
    reader: Reader,
    candidates: Iterable[Candidate],
    *,
    sent: Collection[int | str],
    considered: int,
    known: Known = Known(),
) -> Composition:
    """Choose `reader.most` papers at most, none twice; the order of `candidates` does not matter.

    Candidates are what may match and the near misses under the line. `sent` are the ids of entries
    that were picks before; `considered` is how many papers were new. Matches stand from the highest
    score to the lowest, then late news, and last what is there to be learned from.
    """
    fresh = [c for c in candidates if usable(c) and c.paper.id not in sent]
    wanted = best_of_each(reader, (c for c in fresh if c.score.value >= bar(reader, c)))
    met = Met(known.papers)
    matches = _without_twins(wanted, met)
    matched = {c.paper.id for c in wanted}
    missed = best_of_each(reader, (c for c in fresh if c.paper.id not in matched))
    picks = _picks(reader, matches, _without_twins(missed, met), known)
    reason = "" if picks else _why_empty(reader, considered, fresh, wanted)
    return Composition(picks=picks, considered=considered, reason=reason)


def _without_twins(candidates: Iterable[Candidate], met: Met) -> list[Candidate]:
    """Those that no paper met before is a twin of; they have been met from now on."""
    kept = []
    for candidate in candidates:
        if not met.twin(candidate.paper):
            met.add(candidate.paper)
            kept.append(candidate)
    return kept


def _picks(
    reader: Reader, matches: Sequence[Candidate], missed: Sequence[Candidate], known: Known
) -> tuple[Pick, ...]:
    seated = seat(matches, reader.most, known.alike)
    extras = _extras(reader, seated, missed, known)
    kept = {c.paper.id for c in seated[: reader.most - len(extras)]}
    chosen = [(c, PickKind.MATCH, "") for c in matches if c.paper.id in kept]
    return tuple(
        Pick(
            place=place,
            paper=c.paper,
            score=c.score,
            profile_name=c.profile_name,
            kind=kind,
            note=note,
        )
        for place, (c, kind, note) in enumerate([*chosen, *extras], start=1)
    )


def _extras(
    reader: Reader, seated: Sequence[Candidate], missed: Sequence[Candidate], known: Known
) -> list[tuple[Candidate, PickKind, str]]:
    """Late news, then a question about something new; the question never comes alone."""
    extras = []
    long = reader.most >= EXTRAS_FROM
    if known.now and (long or len(seated) < reader.most):
        late = bloomed(reader, missed, known.before, known.now)
        extras += [(late[0], PickKind.LATE, late[1])] if late else []
    if reader.explore and long and (seated or extras):
        shown = [*seated, *(c for c, *_ in extras)]
        told = [*known.taught, *known.papers, *(c.paper for c in shown)]
        new = [c for c in missed if not c.arrived or c.arrived > known.before]
        asked = explore(reader, [c for c in new if c not in shown], told, known.alike)
        extras += [(asked, PickKind.EXPLORE, NOTE)] if asked else []
    return extras


def _why_empty(
    reader: Reader, considered: int, fresh: Sequence[Candidate], wanted: Sequence[Candidate]
) -> str:
    if considered == 0:
        return "no new papers came since the last digest"
    if reader.most == 0:
        return "the reader asks for no papers"
    papers = "1 new paper" if considered == 1 else f"{considered} new papers"
    if wanted:
        return f"of {papers}, all that matched had been sent before"
    over = [c for c in fresh if c.score.value >= reader.threshold]
    if not over:
        return f"none of {papers} reached the threshold of {reader.threshold:.2f}"
    least = min(c.line for c in over)
    return (
        f"none of {papers} reached {least:.2f}, the score that brings about {reader.about:g} a day"
    )
