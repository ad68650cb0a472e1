"""A reader's last days as they can be made again: the moments of their digests, what they knew before the
first of them, what they said since, and the papers.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from tasks import hours
from tasks.records import Example, Feedback, Profile, Reader
from tasks.round.context import Context
from tasks.round.replaying import Beginning, Epoch, Replayed, laid_out, replay
from tasks.round.stretch import KEPT, Stretch
from tasks.score import Background, lens
from tasks.store import digests, entries, feedback, profiles
from tasks.store.profiles import Asked

DAY = timedelta(days=1)
BEGINNING = datetime.min.replace(tzinfo=UTC)
MOMENT = timedelta(microseconds=1)  # what the first digest brought itself was not known to it
EVERY_DAY = (1, 2, 3, 4, 5, 6, 7)
EPOCHS_MOST = (
    12  # how often a replay learns from answers; what lies between waits for the next time
)
REPLAYS_KEPT = 24  # of about a megabyte for three months

Tails = Mapping[
    int | str, tuple[int, int]
]  # how many examples and dislikes answers gave each profile


@dataclass(frozen=True, eq=False)
class Past:
    """The days of one reader. `start` is when papers came last before the first digest; `coming` says that
    the last of `moments` is the digest still to come.
    """

    ground: Background
    papers: Stretch
    reader: Reader
    start: datetime
    moments: tuple[tuple[date, datetime], ...]
    coming: bool
    beginning: Beginning
    answers: tuple[Feedback, ...]
    tails: Tails

    def replayed(self, reader: Reader, asked: Sequence[Asked]) -> tuple[Replayed, ...]:
        """The digests that these profiles would have brought, taught at each moment by what the reader
        had said by then. Of profiles there must be one at least.
        """
        epochs = [
            Epoch(start=when, asked=self._taught_by(asked, when), since=since)
            for when, since in self._lessons()
        ]
        wishes = tuple(
            (epoch.start, epoch.since, lens(self.ground, one.profile), one.about, one.threshold)
            for epoch in epochs
            for one in epoch.asked
        )
        asking = (replace(reader, token=""), self.moments, self.beginning, wishes)
        return _kept(
            (self.papers, asking),
            lambda: tuple(
                replay(self.ground, self.papers, reader, epochs, self.moments, self.beginning)
            ),
        )

    def _lessons(self) -> list[tuple[datetime, datetime | None]]:
        """When the replay learns: as answers came, not too often; and its start, with when it had learned
        last.
        """
        last = self.moments[-1][1]
        came = sorted({a.at for a in self._teaching() if self.start < a.at < last})
        if len(came) > EPOCHS_MOST:
            step = len(came) / EPOCHS_MOST
            came = [came[int((number + 1) * step) - 1] for number in range(EPOCHS_MOST)]
        before = (a.at for a in self._teaching() if a.at <= self.start)
        return [(self.start, max(before, default=BEGINNING)), *((one, None) for one in came)]

    def _teaching(self) -> list[Feedback]:
        return [one for one in self.answers if one.teaches and one.want in feedback.TEACHES]

    def _taught_by(self, asked: Sequence[Asked], when: datetime) -> tuple[Asked, ...]:
        known = {f"entry:{one.paper.id}" for one in self._teaching() if one.at <= when}
        return tuple(replace(one, profile=self._cut(one.profile, known)) for one in asked)

    def _cut(self, profile: Profile, known: set[str]) -> Profile:
        liked, disliked = self.tails.get(profile.id, (0, 0))

        def cut(examples: tuple[Example, ...], tail: int) -> tuple[Example, ...]:
            typed = len(examples) - tail
            return examples[:typed] + tuple(one for one in examples[typed:] if one.id in known)

        return replace(
            profile,
            examples=cut(profile.examples, liked),
            dislikes=cut(profile.dislikes, disliked),
        )


def look_back(
    context: Context, reader: Reader, span: int, saved: Sequence[Asked] | None = None
) -> Past:
    """The reader's digests of the last `span` days, and the one to come where it would have news.

    `saved` are the reader's profiles, where they are known already.
    """
    now = context.clock()
    with context.database.read() as session:
        newest = entries.newest_arrival(session, now) or now
        moments, coming = _moments(reader, span, now, newest)
        # Days before any paper came tell nothing.
        oldest = entries.oldest_arrival(session) or now
        moments = tuple(one for one in moments if one[1] >= oldest) or moments[-1:]
        first = moments[0][1]
        start = entries.newest_arrival(session, first) or first
        answers = tuple(feedback.said(session, reader.id))
        beginning = Beginning(
            known=frozenset(digests.known_to(session, reader.id, by=first - MOMENT)),
            told=tuple(digests.told_unsent(session, reader.id)),
            sent=tuple(digests.sent_by(session, reader.id, first - MOMENT)),
            since=digests.newest_composed(session, reader.id, by=first - MOMENT),
        )
        known = profiles.of_reader(session, reader.id) if saved is None else saved
    tails = {
        one.profile.id: (
            len(one.profile.examples) - len(one.typed.examples),
            len(one.profile.dislikes) - len(one.typed.dislikes),
        )
        for one in known
        if one.typed
    }
    ground, papers = laid_out(context, start, moments[-1][1])
    return Past(ground, papers, reader, start, moments, coming, beginning, answers, tails)


def _moments(
    reader: Reader, span: int, now: datetime, newest: datetime
) -> tuple[tuple[tuple[date, datetime], ...], bool]:
    """The moments of the digests of `span` days, which end today, or where papers ended.

    Who wants no digest on any day is shown every day.
    """
    whose = reader if reader.days else replace(reader, days=EVERY_DAY)
    last = min(now, hours.next_due(whose, newest) or now)
    today = last.astimezone(hours.zone(reader.timezone)).date()
    some = (today - timedelta(days=back) for back in range(span - 1, -1, -1))
    past = [(day, hours.due_on(whose, day)) for day in some if day.isoweekday() in whose.days]
    past = [(day, at) for day, at in past if at <= last]
    if past and newest <= past[-1][1]:
        return tuple(past), False
    due = hours.next_due(whose, now) or now
    day = due.astimezone(hours.zone(reader.timezone)).date()
    # Whoever asks within a minute asks the same.
    return (*past, (day, max(newest, now.replace(second=0, microsecond=0)))), True


_replays: OrderedDict[tuple[Stretch, Hashable], tuple[Replayed, ...]] = OrderedDict()
_keeping = threading.Lock()


def _kept(
    key: tuple[Stretch, Hashable], make: Callable[[], tuple[Replayed, ...]]
) -> tuple[Replayed, ...]:
    """A replay that was made lately, or one made now: an edit changes one side only. Replays hold on to
    their papers, of which new ones are laid out whenever something comes: few of these are kept.
    """
    with _keeping:
        if key in _replays:
            _replays.move_to_end(key)
            return _replays[key]
    made = make()
    with _keeping:
        _replays[key] = made
        while len(_replays) > REPLAYS_KEPT or len({papers for papers, _ in _replays}) > KEPT:
            _replays.popitem(last=False)
    return made
