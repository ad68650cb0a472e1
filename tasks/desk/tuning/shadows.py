"""Trials: a version of a profile beside the saved one, until the reader's own answers tell the better.

While a trial runs, each digest is drafted by the two in turn. What the reader says of its papers is
credited to the version that picked them, and a digest is won by the one with more. The verdict may be
looked for every day (`tasks.evaluate.verdict`). So that no digest changes sides after it has counted, one
counts when some days are over, with what was said by then.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from tasks.compose.drafting import Slot, Team, credit
from tasks.desk.differences import difference
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.evaluate.verdict import Weighed, weigh
from tasks.profile_json import from_json, none_later, to_json
from tasks.round.context import Context
from tasks.store import profiles, readers, trials
from tasks.store.profiles import Saved
from tasks.store.trials import Drafted, Trial
from templates import msgid

ANSWERS_FOR = timedelta(days=4)  # what is said of a Friday's digest on Monday counts

# What a reader is told on pages too, and so in the catalogs.
RUNS = msgid("A trial is running already: take it over or drop it first.")
SAME = msgid("This is the saved version: change something before you try it.")
NONE = msgid("No trial is running.")
OTHER = msgid("Another trial is running by now: look at it again.")
SAVED = msgid("The profile was saved meanwhile: look again before you put another version over it.")
TOLD = (RUNS, SAME, NONE, OTHER, SAVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """How a trial stands. `body` is the version on trial, beside that of `profile`.

    Digests count from `since` on, when it began or when the profile was saved last. `digests` were drafted
    by the two since then; of these `open` ones do not count yet, and the others are `weighed`. `answers`
    are the papers in them of which something was said. `more` is how many digests a verdict still takes
    if it goes on like this: 0 with one, None where that cannot be said.
    """

    profile: Saved
    body: Mapping[str, Any]
    started: datetime
    since: datetime
    digests: int
    open: int
    answers: int
    weighed: Weighed
    more: int | None


def start(context: Context, reader_id: int, which: int | str, body: object) -> None:
    """Put a body on trial beside the profile of that number or name; a name in it counts for nothing.

    Raises `UnknownName`, `Conflict` while another trial runs, and `UsageError` for what no profile may be
    or what is saved already.
    """
    now = context.clock()
    tried = to_json(none_later(from_json(body), now.date()))
    with context.database.write() as session:
        profile = _one_of(_locked(session, reader_id), which)
        if trials.find(session, reader_id):
            raise Conflict(RUNS)
        if not difference(profile.body, tried):
            raise UsageError(SAME)
        trials.begin(session, reader_id, profile.id, tried, now)


def standing(context: Context, reader_id: int) -> Standing | None:
    """How the reader's trial stands; None where none runs."""
    with context.database.read() as session:
        trial = trials.find(session, reader_id)
        if trial is None:
            return None
        profile = _one_of(profiles.saved(session, reader_id), trial.profile_id)
        since = max(trial.started, trial.saved)
        drafted = trials.drafted(session, reader_id, since=since, within=ANSWERS_FOR)
    over = context.clock() - ANSWERS_FOR
    closed = [one for one in drafted if one.at < over]
    weighed = weigh([_credit(one) for one in closed])
    return Standing(
        profile=profile,
        body=trial.body,
        started=trial.started,
        since=since,
        digests=len(drafted),
        open=len(drafted) - len(closed),
        answers=sum(len(one.liked | one.disliked) for one in closed),
        weighed=weighed,
        more=_more(weighed, len(closed)),
    )


def running(context: Context, reader_id: int) -> int | None:
    """The number of the profile on trial, if one is."""
    with context.database.read() as session:
        trial = trials.find(session, reader_id)
    return trial.profile_id if trial else None


def promote(
    context: Context,
    reader_id: int,
    *,
    expected: datetime | None = None,
    version: int | None = None,
) -> int:
    """Save the version on trial as the profile's next one, which ends the trial; the version's number.

    `expected` is when the trial that the caller saw began, and `version` the one then in force. Raises
    `UnknownName` where none runs and `Conflict` where it is another.
    """
    now = context.clock()
    with context.database.write() as session:
        known = _locked(session, reader_id)
        trial = _running(session, reader_id, expected)
        profile = _one_of(known, trial.profile_id)
        if version not in (None, profile.version):
            raise Conflict(SAVED)
        trials.end(session, reader_id)
        return profiles.save(session, reader_id, profile.name, trial.body, now)


def drop(context: Context, reader_id: int, *, expected: datetime | None = None) -> None:
    """End the trial; the profile stays as it is saved. Raises as `promote` does."""
    with context.database.write() as session:
        _locked(session, reader_id)
        _running(session, reader_id, expected)
        trials.end(session, reader_id)


def _locked(session: Session, reader_id: int) -> list[Saved]:
    """The reader's profiles, which nobody else changes until this transaction ends."""
    readers.lock(session, reader_id)
    return profiles.saved(session, reader_id)


def _one_of(known: Sequence[Saved], which: int | str) -> Saved:
    found = next((one for one in known if which in (one.id, one.name)), None)
    if found is None:
        raise UnknownName(f"there is no profile {which!r}")
    return found


def _running(session: Session, reader_id: int, expected: datetime | None) -> Trial:
    trial = trials.find(session, reader_id)
    if trial is None:
        raise UnknownName(NONE)
    if expected not in (None, trial.started):
        raise Conflict(OTHER)
    return trial


def _credit(drafted: Drafted) -> tuple[float, float]:
    """What a digest brought the saved version and its shadow: 1 for each liked paper, -1 for the others."""
    slots = [Slot(entry_id, Team(team)) for entry_id, team in drafted.teams.items()]
    worth = {key: (key in drafted.liked) - (key in drafted.disliked) for key in drafted.teams}
    return credit(slots, worth)


def _more(weighed: Weighed, digests: int) -> int | None:
    """Digests until a verdict, if as many of them decide something as until now."""
    if not weighed.more:
        return weighed.more
    return math.ceil(weighed.more * digests / max(weighed.decided, 1))
