"""One reader's candidates become the picks of one digest.

What reaches its profile's line and the reader's threshold matches. Matches get the places, fairly
between profiles and unlike each other; a late bloomer may take one place, a question to the reader
another, both labelled. Nothing that is a twin of what was sent comes again.

While a profile is on trial beside its shadow, the digest is drafted from the two that the reader would
get with the one and with the other.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from tasks.compose.alike import Alike, wording
from tasks.compose.drafting import Contest, Team, draft
from tasks.compose.exploring import NOTE, explore
from tasks.compose.late import bloomed, due
from tasks.compose.seats import seat
from tasks.compose.twins import Met
from tasks.compose.wanting import bar, best_of_each, usable
from tasks.records import Candidate, Composition, Paper, Pick, PickKind, Reader

EXTRAS_FROM = 5  # places; in a shorter digest no match gives way to a question or to late news
LATEST = 100  # papers that were sent, the newest, beside which a question is to be something new
DAY = timedelta(days=1)
BEGINNING = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known beside the candidates. Every part may be left out.

    `papers` were sent in the last months; `taught` are what the profiles learned from. `now` is the
    moment of the digest and `since` that of the one before: without `now` nobody looks for late
    bloomers, without `since` only at those of the last day. With a `contest` the candidates of the
    shadow are among the others.
    """

    papers: Sequence[Paper] = ()
    met: Met | None = None
    taught: Sequence[Paper] = ()
    now: datetime | None = None
    since: datetime | None = None
    alike: Alike = wording
    contest: Contest | None = None

    @property
    def before(self) -> datetime:
        """What came up to then is not new."""
        if self.since or not self.now:
            return self.since or BEGINNING
        return self.now - DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """How the picks came about: what was left after each question, each paper once but in `fresh`.

    `fresh` may be picked at all; `wanted` reach their line; `matches` are no twins of what was sent or
    of one another; `seated` got the places, in the order of being seated; `missed` may come as late
    news or as a question; `picked` became the picks, in their order. With a contest the first five
    are those of a digest without it.
    """

    fresh: tuple[Candidate, ...]
    wanted: tuple[Candidate, ...]
    matches: tuple[Candidate, ...]
    seated: tuple[Candidate, ...]
    missed: tuple[Candidate, ...]
    picked: tuple[Candidate, ...]
    composition: Composition


@dataclass(frozen=True, slots=True)
class _Place:
    """What gets a place, and as what."""

    candidate: Candidate
    kind: PickKind = PickKind.MATCH
    note: str = ""
    team: Team | None = None


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
    return choose(reader, candidates, sent=sent, considered=considered, known=known).composition


def choose(
    reader: Reader,
    candidates: Iterable[Candidate],
    *,
    sent: Collection[int | str],
    considered: int,
    known: Known = Known(),
) -> Choice:
    """As `compose`, and how it came about."""
    every, contest = list(candidates), known.contest
    if contest is None:
        return _choose(reader, every, sent=sent, considered=considered, known=known)
    saved, shadow = (
        _choose(
            reader,
            [c for c in every if c.score.profile_id != other],
            sent=sent,
            considered=considered,
            known=known,
        )
        for other in (contest.shadow, contest.saved)
    )
    return _drafted(reader, contest, saved, shadow)


def _choose(
    reader: Reader,
    candidates: Iterable[Candidate],
    *,
    sent: Collection[int | str],
    considered: int,
    known: Known,
) -> Choice:
    fresh = [c for c in candidates if usable(c) and c.paper.id not in sent]
    wanted = best_of_each(reader, (c for c in fresh if c.score.value >= bar(reader, c)))
    met = Met(onto=known.met) if known.met else Met(known.papers)
    matches = _without_twins(wanted, met)
    matched = {c.paper.id for c in wanted}
    others = (c for c in fresh if c.paper.id not in matched and _may_come(c, known))
    missed = best_of_each(reader, others)
    seated = seat(matches, reader.most, known.alike)
    extras = _extras(reader, seated, missed, known, met)
    kept = {c.paper.id for c in seated[: reader.most - len(extras)]}
    places = [*(_Place(c) for c in matches if c.paper.id in kept), *extras]
    reason = "" if places else _why_empty(reader, considered, fresh, wanted)
    picks = tuple(_pick(number, place) for number, place in enumerate(places, start=1))
    return Choice(
        fresh=tuple(fresh),
        wanted=tuple(wanted),
        matches=tuple(matches),
        seated=tuple(seated),
        missed=tuple(missed),
        picked=tuple(place.candidate for place in places),
        composition=Composition(picks=picks, considered=considered, reason=reason),
    )


def _drafted(reader: Reader, contest: Contest, saved: Choice, shadow: Choice) -> Choice:
    """The saved version's digest, its matches drafted with those of the shadow's."""
    pairs = zip(saved.picked, saved.composition.picks, strict=True)
    extras = [_Place(c, p.kind, p.note) for c, p in pairs if p.kind is not PickKind.MATCH]
    room = reader.most - len(extras)
    drafted = draft(contest, saved.seated[:room], shadow.seated[:room])
    places = [_Place(candidate, team=team) for candidate, team in drafted]
    ids, met = {c.paper.id for c, _ in drafted}, Met(c.paper for c, _ in drafted)
    places += [
        one
        for one in extras
        if one.candidate.paper.id not in ids and not met.twin(one.candidate.paper)
    ]
    picks = tuple(_pick(number, place, contest) for number, place in enumerate(places, start=1))
    reason = "" if picks else saved.composition.reason
    return replace(
        saved,
        picked=tuple(place.candidate for place in places),
        composition=replace(saved.composition, picks=picks, reason=reason),
    )


def _pick(number: int, place: _Place, contest: Contest | None = None) -> Pick:
    """The pick at that place. What a shadow picked is its profile's, so that this one learns from it."""
    score = place.candidate.score
    if contest and score.profile_id == contest.shadow:
        score = replace(score, profile_id=contest.saved)
    return Pick(
        place=number,
        paper=place.candidate.paper,
        score=score,
        profile_name=place.candidate.profile_name,
        kind=place.kind,
        note=place.note,
        team=str(place.team or ""),
    )


def _may_come(candidate: Candidate, known: Known) -> bool:
    """Whether a near miss is new, or due to be looked at again."""
    came = candidate.arrived
    if came is None or came > known.before:
        return True
    return known.now is not None and due(candidate, known.before, known.now)


def _without_twins(candidates: Iterable[Candidate], met: Met) -> list[Candidate]:
    """Those that no paper met before is a twin of; they have been met from now on."""
    kept = []
    for candidate in candidates:
        if not met.twin(candidate.paper):
            met.add(candidate.paper)
            kept.append(candidate)
    return kept


def _extras(
    reader: Reader,
    seated: Sequence[Candidate],
    missed: Sequence[Candidate],
    known: Known,
    met: Met,
) -> list[_Place]:
    """Late news, then a question about something new; the question never comes alone."""
    extras: list[_Place] = []
    long = reader.most >= EXTRAS_FROM
    if known.now and (long or len(seated) < reader.most):
        late = bloomed(reader, missed, known.before, known.now, met.twin)
        if late:
            extras.append(_Place(late[0], PickKind.LATE, late[1]))
            met.add(late[0].paper)
    if reader.explore and long and (seated or extras):
        shown = [*seated, *(extra.candidate for extra in extras)]
        told = [*known.taught, *known.papers[:LATEST], *(c.paper for c in shown)]
        new = (c for c in missed if not c.arrived or c.arrived > known.before)
        asked = explore(reader, new, told, known.alike, met.twin)
        extras += [_Place(asked, PickKind.EXPLORE, NOTE)] if asked else []
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
