"""What undoes the pieces of a backlog run, one transaction each, the last done first."""

from __future__ import annotations

from collections.abc import Callable

from tasks.errors import Conflict
from tasks.round.context import Context
from tasks.store import addenda, mends, runs
from tasks.store.mends import Change
from tasks.store.runs import Taken


def _undo_pages(context: Context, item: Taken, owner: str) -> None:
    conflicts: list[str] = []
    with context.database.write() as session:
        for mark in item.payload["pages"]:
            were = item.outcome["made"].get(str(mark["page"]))
            if were is None:
                continue
            try:
                mends.mark_page(session, mark["page"], mark["after"], mark["before"], were)
            except Conflict as error:
                conflicts.append(str(error))
        outcome = item.outcome | {"undo_conflicts": conflicts}
        runs.done(session, item, outcome, owner=owner, state="undone")


def _undo_papers(context: Context, item: Taken, owner: str) -> None:
    conflicts: list[str] = []
    now = context.clock()
    with context.database.write() as session:
        mends.begin(session)
        for kept in reversed(item.payload["changes"]):
            change = Change.from_json(kept)
            done = item.outcome["made"].get(str(change.key))
            if done is None:
                continue
            try:
                mends.unmake(session, change, done, now)
            except Conflict as error:
                conflicts.append(str(error))
        outcome = item.outcome | {"undo_conflicts": conflicts}
        runs.done(session, item, outcome, owner=owner, state="undone")


def _undo_mails(context: Context, item: Taken, owner: str) -> None:
    """What has not reached anybody yet is taken back; mails that went out cannot be."""
    with context.database.write() as session:
        taken = addenda.take_back(session, item.run_id)
        runs.done(session, item, item.outcome | {"taken_back": taken}, owner=owner, state="undone")


UNDOES: dict[str, Callable[[Context, Taken, str], None]] = {
    "pages": _undo_pages,
    "papers": _undo_papers,
    "mails": _undo_mails,
}
