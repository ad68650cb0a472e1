"""One digest of the past made again, from what was known at its moment.

Each profile is scored from when its scores were last made from scratch: when it was saved, when an answer
taught, when a pause was over. From then on papers were scored as they came. What is not kept cannot be
made again: the reader's preferences of then, a scorer that was fitted anew since, answers taken back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from functools import cached_property

from sqlmodel import Session

from tasks import hours
from tasks.compose import Choice, Contest, Known, choose
from tasks.compose.twins import Met
from tasks.errors import UsageError
from tasks.profile_json import from_json
from tasks.records import Candidate, Reader
from tasks.round.composing import contest
from tasks.round.context import Context
from tasks.round.replaying import Beginning, Epoch, Replayed, laid_out, replay
from tasks.round.stretch import Floats, Ints, Stretch
from tasks.score import Background
from tasks.store import digests, entries, profiles, tracing
from tasks.store.feedback import Lessons
from tasks.store.profiles import Asked
from tasks.store.tracing import Taught, Then

DAY = timedelta(days=1)
MOMENT = timedelta(microseconds=1)  # what a digest brought itself was not known to it
BACK = entries.SCORED_FOR + DAY  # what was scored before that is too old to matter


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """What was so at the moment of a digest. `fresh` tells when each profile was scored from scratch."""

    reader: Reader
    day: date
    at: datetime
    asked: tuple[Asked, ...]
    fresh: Mapping[int, datetime]
    beginning: Beginning
    contest: Contest | None = None


@dataclass(frozen=True, eq=False, kw_only=True)
class Remade:
    """A digest made again: how it came about, and by each profile's id its own part of it."""

    facts: Facts
    ground: Background
    papers: Stretch
    made: Mapping[int, Replayed]
    choice: Choice
    _votes: dict[datetime, Ints] = field(default_factory=dict, init=False, repr=False)
    _raw: dict[int, Floats] = field(default_factory=dict, init=False, repr=False)

    def votes_at(self, moment: datetime) -> Ints:
        """The votes of all papers at that moment; -1 where none are known."""
        if moment not in self._votes:
            ((_, votes),) = self.papers.votes_by([moment])
            self._votes[moment] = votes
        return self._votes[moment]

    def raw(self, key: int) -> Floats:
        """By one profile the raw score of each paper that was new."""
        if key not in self._raw:
            self._raw[key] = self.made[key].raw(key)
        return self._raw[key]

    @cached_property
    def met(self) -> Met:
        """What was sent before, for who chooses again."""
        return Met(paper for _, paper in self.facts.beginning.sent)

    @property
    def picks(self) -> list[tuple[int, str]]:
        """The entries that it brings and what they are, in order."""
        return [(int(p.paper.id), p.kind.value) for p in self.choice.composition.picks]

    def edited(self, asked: Asked) -> Choice:
        """The choice with this profile in the place of the one of its id, scored anew at that moment."""
        key = int(asked.profile.id)
        own = replay_one(self, [asked], self.facts.at)
        made = {**self.made, key: own}
        return chosen(self.facts, made, self.met)

    def asking(self, reader: Reader) -> Choice:
        """The choice for the same reader with other wishes for `about` and `most`."""
        facts = replace(self.facts, reader=reader)
        if reader.about != self.facts.reader.about:
            whole = [replace(one, about=reader.about) for one in facts.asked]
            facts = replace(facts, asked=tuple(profiles.shared(whole)))
            return remade(self.ground, self.papers, facts).choice
        return chosen(facts, self.made, self.met)


def facts(session: Session, reader: Reader, day: date, at: datetime) -> Facts:
    """What was known to the digest of that moment."""
    then = tracing.profiles_by(session, reader.id, at)
    used = [one.id for one in then.used if one.shadows is None]
    taught, last = tracing.taught_by(session, reader.id, used, at)
    asked = _asked(reader, then.used, taught)
    since = digests.newest_composed(session, reader.id, by=at - MOMENT)
    stirred = [
        moment for moment in (last, then.removed, _returned(session, reader, day, at)) if moment
    ]
    saved = {one.id: one.since for one in then.used}
    fresh = {
        int(one.profile.id): max(saved[int(one.profile.id)], at - BACK, *stirred) for one in asked
    }
    shadow = next((one for one in asked if one.shadows), None)
    pair = (shadow.shadows or 0, int(shadow.profile.id)) if shadow else None
    return Facts(
        reader=reader,
        day=day,
        at=at,
        asked=asked,
        fresh={key: min(moment, at) for key, moment in fresh.items()},
        beginning=Beginning(
            known=frozenset(digests.known_to(session, reader.id, by=at - MOMENT)),
            sent=tuple(digests.sent_by(session, reader.id, at - MOMENT)),
            since=since,
        ),
        contest=contest(pair, since),
    )


def laid(context: Context, first: datetime, last: datetime) -> tuple[Background, Stretch]:
    """The scorer and the papers that digests from `first` to `last` are made again from."""
    return laid_out(context, first - BACK, last)


def remade(ground: Background, papers: Stretch, known: Facts) -> Remade:
    """The digest of these facts. `papers` are `laid` around its moment."""
    empty = Remade(
        facts=known,
        ground=ground,
        papers=papers,
        made={},
        choice=chosen(known, {}, None),
    )
    groups: dict[datetime, list[Asked]] = defaultdict(list)
    for one in known.asked:
        groups[known.fresh[int(one.profile.id)]].append(one)
    made: dict[int, Replayed] = {}
    for start, some in groups.items():
        own = replay_one(empty, some, start)
        made |= {int(one.profile.id): own for one in some}
    return replace(empty, made=made, choice=chosen(known, made, None))


def replay_one(whole: Remade, asked: Sequence[Asked], start: datetime) -> Replayed:
    """That digest for some of its profiles, scored from scratch at `start`."""
    known = whole.facts
    epochs = [Epoch(start=start, asked=tuple(asked))]
    turns = [(known.day, known.at)]
    (made,) = replay(whole.ground, whole.papers, known.reader, epochs, turns, known.beginning)
    return made


def chosen(known: Facts, made: Mapping[int, Replayed], met: Met | None) -> Choice:
    """What compose makes of the parts of the profiles."""
    parts = (c for key, one in made.items() for c in one.choice.fresh if c.score.profile_id == key)
    return choose(
        known.reader,
        _first(parts),
        sent=(),
        considered=max((len(one.news) for one in made.values()), default=0),
        known=Known(
            papers=[paper for _, paper in known.beginning.sent],
            met=met,
            now=known.at,
            since=known.beginning.since,
            contest=known.contest,
        ),
    )


def _first(candidates: Iterable[Candidate]) -> list[Candidate]:
    """As many as a digest looks at."""
    ranked = sorted(candidates, key=lambda c: (-c.score.raw, c.paper.id))
    return ranked[: digests.MOST_CANDIDATES]


def _asked(
    reader: Reader, used: Sequence[Then], taught: Mapping[int | None, Taught]
) -> tuple[Asked, ...]:
    """The profiles as they asked then, each taught what it had learned."""
    first = next((one.id for one in used if one.shadows is None), None)
    names = {one.id: one.name for one in used}
    found = []
    for one in used:
        learns = one.shadows or one.id
        if learns not in names:
            continue
        try:
            typed = from_json(one.body, key=one.id, name=names[learns])
        except UsageError:  # the round passes it over too, and says so in the log
            continue
        own = taught.get(learns)
        anyones = taught.get(None) if learns == first else None
        found.append(
            Asked(
                reader_id=reader.id,
                version=one.version,
                about=reader.about,
                threshold=reader.threshold,
                profile=profiles.taught(typed, _lessons(anyones), _lessons(own)),
                typed=typed,
                fresh=False,
                shadows=one.shadows,
            )
        )
    return tuple(profiles.shared(found))


def _lessons(taught: Taught | None) -> Lessons | None:
    if taught is None:
        return None
    return Lessons(tuple(taught.liked.values()), tuple(taught.disliked.values()))


def _returned(session: Session, reader: Reader, day: date, at: datetime) -> datetime | None:
    """When a pause must have been over, where the reader lately had no digest on a day that was theirs: when
    their papers were scored first after the last such day, if that is known.
    """
    if not hours.is_zone(reader.timezone):
        return None
    began = tracing.first_day(session, reader.id) or day
    made = tracing.days_made(session, reader.id, day - BACK, day)
    before = (day - DAY * back for back in range(1, BACK.days + 1))
    missed = (one for one in before if one.isoweekday() in reader.days and one not in made)
    last = next(missed, began)
    if last <= began:
        return None
    again = min(one for one in (*made, day) if one > last)
    due, until = hours.due_on(reader, last), hours.due_on(reader, again)
    return tracing.first_scored(session, reader.id, due, min(until, at)) or due
