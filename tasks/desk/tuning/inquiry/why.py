"""Why did I get this, or why not? What is known of a paper's way to one reader, and what decided.

Every digest that could have brought the paper is made again from what was known then, and says how the
paper stood in it; what was really sent is told as it was sent. Where both differ, the reader hears so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tasks.desk import searching
from tasks.desk.outlook import coming
from tasks.desk.tuning.inquiry.remaking import Remade, facts, laid, remade
from tasks.desk.tuning.inquiry.standing import Cause, Look, look, reasoned
from tasks.errors import UnknownName
from tasks.hours import is_zone, next_due, zone
from tasks.records import Paper, Reader, Want
from tasks.records import Pick as PickRecord
from tasks.round.context import Context
from tasks.store import digests, entries, profiles, tracing
from tasks.store.tracing import Made, Traced

CHOICES_MOST = 10  # papers to choose from, where a title names several
LOOKS_MOST = 20  # digests that are made again for one paper
MERITS = list(Cause)  # the later, the nearer it was


class Fate(StrEnum):
    """What became of a paper for one reader."""

    SENT = "sent"
    WITHDRAWN = "withdrawn"
    OLD = "old"  # known from old pages alone: it never was news
    WAITING = "waiting"  # it came after the last digest
    NO_DIGEST = "no digest"  # there was none that could have brought it
    MISSED = "missed"


class Absence(StrEnum):
    """Why there was no digest."""

    NOT_YET = "not yet a reader"
    AWAY = "paused or unsubscribed"
    LOST = "not made or not delivered"


@dataclass(frozen=True, slots=True, kw_only=True)
class Considered:
    """A digest that could have brought the paper. `look` is None where the digest was never made, or never
    went out. `brought` is whether it had the paper; `agrees` whether the digest that was made again is the
    one that was.
    """

    made: Made
    look: Look | None
    brought: bool = False
    agrees: bool = True


@dataclass(frozen=True, eq=False, kw_only=True)
class Story:
    """A paper's way to a reader. `decided` is the digest that sent it, or the one in which it came nearest;
    for one that waits, the digest to come as it stands, which `comes` tells of. `again` is that digest made
    again; where it does not agree, `refitted` says that the scorer is another one since.
    """

    reader: Reader
    traced: Traced
    fate: Fate
    answers: tuple[tuple[datetime, Want], ...]
    considered: tuple[Considered, ...] = ()
    decided: Look | None = None
    agrees: bool = True
    refitted: bool = False
    sent: tuple[Made, PickRecord] | None = None
    comes: bool | None = None
    due: datetime | None = None
    absence: Absence | None = None
    again: Remade | None = None

    @property
    def paper(self) -> Paper:
        """The paper."""
        return self.traced.paper


@dataclass(frozen=True, slots=True)
class Named:
    """What a question named: an entry, or else papers to choose from. `asked` is fit to be shown."""

    asked: str
    entry: int | None
    papers: Sequence[Paper] = ()


def named(context: Context, question: str) -> Named:
    """The paper that an id, address or title names, or some that it may mean."""
    digits = question.strip()
    if digits.isascii() and digits.isdigit() and len(digits) <= 18:
        with context.database.read() as session:
            known = tracing.traced(session, int(digits))
        if known:
            return Named(digits, int(known.paper.id))
    found = searching.find(context, question, limit=CHOICES_MOST)
    if found.named is None and len(found.papers) == 1:
        return Named(found.asked, int(found.papers[0].id))
    return Named(found.asked, found.named, found.papers)


def why(context: Context, reader: Reader, entry_id: int) -> Story:
    """What became of that paper for this reader. Raises `UnknownName` where there is no such paper."""
    now = context.clock()
    with context.database.read() as session:
        traced = tracing.traced(session, entry_id)
        if traced is None:
            raise UnknownName(f"there is no paper {entry_id}")
        sent = tracing.bringer(session, reader.id, traced.ids)
        answers = tuple(tracing.said_of(session, reader.id, traced.ids))
        last = digests.newest_composed(session, reader.id)
        came = traced.arrived
        made = (
            tracing.made_between(session, reader.id, came, min(came + entries.SCORED_FOR, now))
            if came and not traced.withdrawn
            else []
        )
    told = _Telling(context, reader, traced, answers)
    if sent:
        return told.sent(sent, made)
    if traced.withdrawn:
        return told.story(Fate.WITHDRAWN)
    if came is None:
        return told.story(Fate.OLD)
    if (last is None or came > last) and _may_come(reader, now, came):
        return told.waiting(now, made)
    return told.missed(made)


def _may_come(reader: Reader, now: datetime, came: datetime) -> bool:
    """Whether a digest is to come while the paper is news."""
    if reader.state != "active" or not is_zone(reader.timezone):
        return False
    due = next_due(reader, now)
    return due is not None and due - entries.NEWS_FOR <= came


@dataclass(frozen=True, slots=True)
class _Telling:
    """One paper and one reader."""

    context: Context
    reader: Reader
    traced: Traced
    answers: tuple[tuple[datetime, Want], ...]

    @property
    def entry(self) -> int:
        return int(self.traced.paper.id)

    def story(self, fate: Fate, **more: object) -> Story:
        return Story(
            reader=self.reader,
            traced=self.traced,
            fate=fate,
            answers=self.answers,
            **more,  # type: ignore[arg-type]  # the fields of a story
        )

    def sent(self, sent: tuple[Made, PickRecord], made: Sequence[Made]) -> Story:
        """It was sent; the digests before it are told too."""
        before = [one for one in made if one.day <= sent[0].day]
        seen = self._considered(before)
        own = next(((c, again) for c, again in seen if c.made.id == sent[0].id), (None, None))
        return self.story(
            Fate.SENT,
            considered=tuple(one for one, _ in seen),
            decided=reasoned(own[1], own[0].look) if own[0] and own[0].look and own[1] else None,
            agrees=own[0].agrees if own[0] else True,
            refitted=self._refitted(sent[0]),
            again=own[1],
            sent=sent,
        )

    def waiting(self, now: datetime, made: Sequence[Made]) -> Story:
        """The next digest will look at it: as it stands now. Those that were `made` never went out."""
        with self.context.database.read() as session:
            asked = profiles.of_reader(session, self.reader.id)
            day = now.astimezone(zone(self.reader.timezone)).date()
            known = facts(session, self.reader, day, now)
        again = remade(*laid(self.context, now, now), known)
        foretold = coming(self.context, self.reader, asked)
        brings = [(int(pick.paper.id), pick.kind.value) for pick in foretold.picks]
        return self.story(
            Fate.WAITING,
            considered=tuple(one for one, _ in self._considered(made)),
            decided=reasoned(again, look(again, self.entry)),
            agrees=again.picks == brings,
            again=again,
            comes=any(key == self.entry for key, _ in brings),
            due=next_due(self.reader, now),
        )

    def missed(self, made: Sequence[Made]) -> Story:
        """The digests that could have brought it, and that in which it came nearest."""
        seen = self._considered(made)
        looked = [(c, c.look, again) for c, again in seen if c.look and again]
        considered = tuple(one for one, _ in seen)
        if not looked:
            return self.story(Fate.NO_DIGEST, considered=considered, absence=self._absence(made))
        best, seen_there, again = max(looked, key=lambda one: _nearness(one[1]))
        return self.story(
            Fate.MISSED,
            considered=considered,
            decided=reasoned(again, seen_there),
            agrees=best.agrees,
            refitted=self._refitted(best.made),
            again=again,
        )

    def _considered(self, made: Sequence[Made]) -> list[tuple[Considered, Remade | None]]:
        some = made[:LOOKS_MOST]
        if not some:
            return []
        ground, papers = laid(self.context, some[0].at, some[-1].at)
        found: list[tuple[Considered, Remade | None]] = []
        for one in some:
            if one.is_lost or one.state == "planned" or self.entry not in papers.place:
                found.append((Considered(made=one, look=None), None))
                continue
            with self.context.database.read() as session:
                known = facts(session, self.reader, one.day, one.at)
            again = remade(ground, papers, known)
            kept = Considered(
                made=one,
                look=look(again, self.entry),
                brought=any(key == self.entry for key, _ in one.picks),
                agrees=again.picks == [(key, kind.value) for key, kind in one.picks],
            )
            found.append((kept, again))
        return found

    def _refitted(self, made: Made) -> bool:
        with self.context.database.read() as session:
            return tracing.fitted_since(session, made.at)

    def _absence(self, made: Sequence[Made]) -> Absence:
        if made:
            return Absence.LOST
        came = self.traced.arrived
        with self.context.database.read() as session:
            began = tracing.began(session, self.reader.id)
        return Absence.NOT_YET if came and began > came else Absence.AWAY


def _nearness(seen: Look) -> tuple[int, float]:
    """How near a paper came to being a pick; of equals the first digest counts."""
    return MERITS.index(seen.cause), seen.best.margin if seen.best else 0.0
