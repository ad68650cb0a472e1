"""Past digests made again: what these profiles would have brought one reader, day by day.

It is the round in small. Papers are scored when they come and lines are set by the weeks before, as
`scoring` does for a shard; what is near enough is kept; at the reader's hour `compose` chooses, and
what it chose is known from then on. Votes count as they stood at each moment. What is not as it was
then is the fitted scorer, which is today's, and what is known of a paper beside its votes.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from tasks.compose import Choice, Known, choose, expected, lines
from tasks.compose.late import AFTER, NEAR
from tasks.compose.twins import Met
from tasks.records import Candidate, Paper, Reader, Score
from tasks.round.context import Context
from tasks.round.days import days
from tasks.round.reaching import MOST_EACH, near
from tasks.round.scoring import in_force
from tasks.round.stretch import Floats, Ints, Stretch, evidence_of, ordinal, stretch
from tasks.score import Background, Lens, lens
from tasks.store import entries
from tasks.store.digests import LATELY, MOST_CANDIDATES, MOST_SENT
from tasks.store.profiles import Asked

LONGEST = timedelta(days=90)  # that anybody looks back
OLDEST = max(entries.PAST_FOR, entries.SCORED_FOR) + timedelta(
    days=1
)  # what a beginning looks back
NEWS_FOR, SCORED_FOR = entries.NEWS_FOR.total_seconds(), entries.SCORED_FOR.total_seconds()
NOWHERE = 2.0  # a line that nothing reaches


@dataclass(frozen=True, slots=True, kw_only=True)
class Beginning:
    """What was so before the first digest: the entries that the reader knew, the papers that they were
    sent lately (the newest first), and when. `told` are the entries that they found by themselves
    and said something of, and when, in order: from then on no digest brings them.
    """

    known: frozenset[int | str] = frozenset()
    told: tuple[tuple[datetime, int | str], ...] = ()
    sent: tuple[tuple[datetime, Paper], ...] = ()
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Epoch:
    """From `start` on the reader had these profiles, taught as they were then. They were scored anew then;
    but where `since` is given they had been so since that moment, and were scored when papers came.
    """

    start: datetime
    asked: tuple[Asked, ...]
    since: datetime | None = None


@dataclass(frozen=True, eq=False)
class Replayed:
    """One digest made again, of the local day `day` at the moment `at`: how it came about, each profile's
    line, and the places of the papers that were new, with their votes then.
    """

    day: date
    at: datetime
    choice: Choice
    lines: Mapping[int, float]
    papers: Stretch
    lenses: Mapping[int, Lens]
    news: Ints
    votes: Ints

    def votes_then(self, score: Score) -> int | None:
        """The votes that a paper had when it was scored so."""
        pair = (score.profile_id, score.entry_id)
        return next(c.votes for c in self.choice.fresh if (c.score.profile_id, c.paper.id) == pair)

    def raw(self, profile_id: int) -> Floats:
        """The raw score of each paper that was new, whether it came near a line or not."""
        own = self.lenses[profile_id]
        return own.curve.raw(self.papers.evidence(own)[self.news] + evidence_of(self.votes))


def told(asked: Sequence[tuple[Replayed, Score]]) -> list[Score]:
    """Some scores of digests made again with their reasons, in their order. Many at once cost little more
    than one.
    """
    by_lens: dict[tuple[Stretch, Lens], list[int]] = {}
    for place, (one, score) in enumerate(asked):
        own = one.lenses[int(score.profile_id)]
        by_lens.setdefault((one.papers, own), []).append(place)
    made = [score for _, score in asked]
    for (papers, own), places in by_lens.items():
        numbers = [papers.place[asked[place][1].entry_id] for place in places]
        votes = [asked[place][0].votes_then(asked[place][1]) for place in places]
        for place, score in zip(places, papers.told(own, numbers, votes), strict=True):
            made[place] = score
    return made


def laid_out(context: Context, first: datetime, last: datetime) -> tuple[Background, Stretch]:
    """The scorer, and all papers that digests from `first` to `last` look at."""
    ground = in_force(context)
    begin, end = (first - OLDEST).astimezone(UTC).date(), last.astimezone(UTC).date()
    return ground, stretch(ground, tuple(days(context.database, ground, begin, end)))


def replay(
    ground: Background,
    papers: Stretch,
    reader: Reader,
    epochs: Sequence[Epoch],
    moments: Sequence[tuple[date, datetime]],
    beginning: Beginning = Beginning(),
) -> list[Replayed]:
    """The digests of these local days and moments, which ascend.

    The first epoch must not start after the first of them.
    """
    walk = _Walk(ground, papers, reader, beginning)
    turns = {at: day for day, at in moments}
    starts = {epoch.start: epoch for epoch in epochs}
    first, last = min(starts), max(turns, default=min(starts))
    arrivals = {moment for moment in papers.moments if first < moment <= last}
    made = []
    for moment, votes in papers.votes_by(sorted({*starts, *arrivals, *turns})):
        if moment in starts:
            walk.begin(starts[moment], moment, votes)
        elif moment in arrivals:
            walk.score(moment, votes)
        if moment in turns:
            made.append(walk.turn(turns[moment], moment, votes))
    return made


@dataclass(eq=False)
class _Own:
    """One profile on its way, and its scores so far: the places of papers, their raw scores, and the
    votes that they had when they were scored.

    `taught` are the places of the papers that it learned from, and `given` of those among them that it
    names by id.
    """

    asked: Asked
    lens: Lens
    evidence: Floats
    taught: Ints
    given: Ints
    line: float = 0.0
    numbers: Ints = field(default_factory=lambda: np.zeros(0, np.int64))
    raw: Floats = field(default_factory=lambda: np.zeros(0))
    votes: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def values(self, rows: slice, worth: Floats) -> Floats:
        """How the papers of the weeks in `rows` score with the evidence of their votes."""
        raw = self.lens.curve.raw(self.evidence[rows] + worth)
        values: Floats = 1 / (1 + np.exp(-raw))
        # What it was taught from would score as nothing new can, and lift its line.
        own = self.taught[(self.taught >= rows.start) & (self.taught < rows.stop)]
        values[own - rows.start] = 0
        return values

    def take(self, news: Ints, votes: Ints) -> None:
        """Keep what of one day's `news` reaches the line or comes near it."""
        evidence = self.evidence[news] + evidence_of(votes[news])
        limit = self.lens.curve.evidence(near(max(self.line, self.asked.threshold)))
        order = np.argsort(-evidence, kind="stable")[:MOST_EACH]
        order = order[(evidence[order] >= limit) & ~np.isin(news[order], self.given)]
        self.numbers = np.concatenate((self.numbers, news[order]))
        self.raw = np.concatenate((self.raw, self.lens.curve.raw(evidence[order])))
        self.votes = np.concatenate((self.votes, votes[news[order]]))


class _Walk:
    """One reader on their way through the days."""

    def __init__(
        self, ground: Background, papers: Stretch, reader: Reader, beginning: Beginning
    ) -> None:
        self._ground, self._papers, self._reader = ground, papers, reader
        self._known: NDArray[np.bool_] = np.zeros(len(papers.papers), bool)
        self._known[[papers.place[key] for key in beginning.known if key in papers.place]] = True
        self._sent, self._since = list(beginning.sent), beginning.since
        self._told = [one for one in beginning.told if one[1] in papers.place][::-1]
        self._met = Met(paper for _, paper in beginning.sent)
        self._own: list[_Own] = []
        self._lines: dict[tuple[int, int, int], Floats] = {}

    def begin(self, epoch: Epoch, at: datetime, votes: Ints) -> None:
        """New profiles: what may still become picks is scored for them."""
        self._own, self._lines = [self._opened(one) for one in epoch.asked], {}
        self._draw_lines(at, votes)
        then = votes if epoch.since is None else self._papers.votes_from(epoch.since)
        for today in range(ordinal(at - entries.SCORED_FOR), ordinal(at) + 1):
            self._take(self._papers.between(today, today), at, then)

    def score(self, at: datetime, votes: Ints) -> None:
        """Papers have come."""
        self._draw_lines(at, votes)
        today = self._papers.between(ordinal(at), ordinal(at))
        came = np.arange(today.start, today.stop)
        news = came[self._papers.when[today] == at.timestamp()]
        for own in self._own:
            own.take(news, votes)

    def turn(self, day: date, at: datetime, votes: Ints) -> Replayed:
        """The reader's hour has come."""
        while self._sent and (len(self._sent) > MOST_SENT or self._sent[-1][0] < at - LATELY):
            self._met.remove(self._sent.pop()[1])
        while self._told and self._told[-1][0] <= at:
            self._known[self._papers.place[self._told.pop()[1]]] = True
        sent = [paper for _, paper in self._sent]
        known = Known(papers=sent, met=self._met, now=at, since=self._since)
        news = self._news(at)
        choice = choose(
            self._reader,
            self._candidates(known, at, votes),
            sent=(),
            considered=len(news),
            known=known,
        )
        made = Replayed(
            day=day,
            at=at,
            choice=choice,
            lines={int(own.asked.profile.id): own.line for own in self._own},
            papers=self._papers,
            lenses={int(own.asked.profile.id): own.lens for own in self._own},
            news=news,
            votes=votes[news],
        )
        self._send([pick.paper for pick in choice.composition.picks], at)
        return made

    def _send(self, papers: Sequence[Paper], at: datetime) -> None:
        self._known[[self._papers.place[paper.id] for paper in papers]] = True
        self._sent = [(at, paper) for paper in reversed(papers)] + self._sent
        for paper in papers:
            self._met.add(paper)
        self._since = at

    def _opened(self, asked: Asked) -> _Own:
        papers, own = self._papers, lens(self._ground, asked.profile)
        titled = (papers.titled.get(example.title, ()) for example in asked.profile.examples)
        given = {example.id for example in asked.profile.examples}
        taught = np.array(sorted({number for some in titled for number in some}), np.int64)
        named = [n for n in taught.tolist() if f"entry:{papers.papers[n].id}" in given]
        return _Own(asked, own, papers.evidence(own), taught, np.array(named, np.int64))

    def _take(self, rows: slice, at: datetime, votes: Ints) -> None:
        numbers = np.arange(rows.start, rows.stop)
        came = numbers[self._papers.when[rows] <= at.timestamp()]
        for own in self._own:
            own.take(came, votes)

    def _draw_lines(self, at: datetime, votes: Ints) -> None:
        """Each profile's line, by the weeks before the day of `at`."""
        papers, today = self._papers, ordinal(at)
        counts = papers.counts(today - entries.PAST_FOR.days, today - 1, entries.PAST_MOST)
        rows = papers.between(counts[0][0].toordinal() if counts else today, today - 1)
        own = papers.between(today, today)
        came = int((papers.when[own] <= at.timestamp()).sum())
        expect = max(came, round(expected(counts, date.fromordinal(today))))
        key = (today, expect, int(votes[rows].sum()))
        if key not in self._lines:
            worth = evidence_of(votes[rows])
            values = np.stack([one.values(rows, worth) for one in self._own], axis=1)
            about = np.array([one.asked.about for one in self._own])
            self._lines[key] = lines(values, [n for _, n in counts], about=about, papers=expect)
        for one, line in zip(self._own, self._lines[key].tolist(), strict=True):
            one.line = min(line, NOWHERE)

    def _news(self, at: datetime) -> Ints:
        """What came since the last digest, of the last week at most."""
        first = max(self._since or at - entries.NEWS_FOR, at - entries.NEWS_FOR)
        when = self._papers.when
        return np.flatnonzero((when > first.timestamp()) & (when <= at.timestamp()))

    def _candidates(self, known: Known, at: datetime, votes: Ints) -> list[Candidate]:
        """What the profiles' scores bring; what cannot matter any more is left out."""
        mine = [self._wanted(own, known, at) for own in self._own]
        if sum(map(len, mine)) > MOST_CANDIDATES:
            mine = self._best(mine)
        found: list[Candidate] = []
        for own, some in zip(self._own, mine, strict=True):
            found += self._made(own, some, votes)
        return found

    def _wanted(self, own: _Own, known: Known, at: datetime) -> Ints:
        """Which of a profile's scores may become picks now: what reaches the line, what is new, what is due
        to be looked at again.
        """
        now, before, line = at.timestamp(), known.before.timestamp(), odds(own.line)
        came = self._papers.when[own.numbers]
        late = np.zeros(len(came), bool)
        for span in AFTER:
            due = came + span.total_seconds()
            late |= (before < due) & (due <= now)
        late &= own.raw >= odds(max(own.line, self._reader.threshold)) - NEAR
        over = own.raw >= line
        # What is no news any more comes as a late bloomer or not at all.
        timely = np.where(over, came >= now - NEWS_FOR, (came > before) | late)
        eligible = timely & (came >= now - SCORED_FOR) & ~self._known[own.numbers]
        return np.flatnonzero(eligible)

    def _best(self, mine: Sequence[Ints]) -> list[Ints]:
        """The best of all, as many as the round looks at; of equals those of lower ids."""
        owner = np.repeat(np.arange(len(mine)), list(map(len, mine)))
        place = np.concatenate(mine)
        raw = np.concatenate([own.raw[some] for own, some in zip(self._own, mine, strict=True)])
        ids = [
            int(self._papers.papers[n].id)
            for own, some in zip(self._own, mine, strict=True)
            for n in own.numbers[some].tolist()
        ]
        kept = np.lexsort((np.array(ids), -raw))[:MOST_CANDIDATES]
        return [np.sort(place[kept[owner[kept] == number]]) for number in range(len(mine))]

    def _made(self, own: _Own, some: Ints, votes: Ints) -> list[Candidate]:
        """The candidates at some places of a profile's scores."""
        profile, numbers, raw = own.asked.profile, own.numbers[some], own.raw[some]
        rows = zip(
            numbers.tolist(),
            raw.tolist(),
            (1 / (1 + np.exp(-raw))).tolist(),
            votes[numbers].tolist(),
            own.votes[some].tolist(),
            strict=True,
        )
        return [
            Candidate(
                paper=(paper := self._standing(number, now)),
                score=Score(
                    entry_id=paper.id, profile_id=profile.id, value=value, raw=score, reasons=()
                ),
                profile_name=profile.name,
                line=own.line,
                share=profile.share,
                arrived=self._papers.moments[number],
                votes=None if then < 0 else then,
                coded=bool(paper.code_urls),
                version=paper.version,
            )
            for number, score, value, now, then in rows
        ]

    def _standing(self, number: int, votes: int) -> Paper:
        """A paper with the votes that it had."""
        paper, stood = self._papers.papers[number], None if votes < 0 else votes
        return paper if paper.upvotes == stood else replace(paper, upvotes=stood)


def odds(value: float) -> float:
    """A score as log-odds; infinite for what no score is."""
    if not 0 < value < 1:
        return math.inf if value > 0 else -math.inf
    return math.log(value / (1 - value))
