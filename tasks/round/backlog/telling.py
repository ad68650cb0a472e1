"""What came of a run: its report, made from what its pieces really did."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sqlmodel import Session

from tasks.store import runs
from tasks.store.mends import KINDS, Change


def report(session: Session, run_id: int) -> dict[str, Any]:
    """Difference before and after by source and day, what was done, and what was not as planned."""
    run = runs.get(session, run_id)
    papers: Counter[str] = Counter()
    mails: Counter[str] = Counter()
    fetched: Counter[str] = Counter()
    conflicts: list[str] = []
    failed: list[str] = []
    left_out: set[tuple[str, str, int]] = set()
    for row in runs.items(session, run_id, kinds=runs.WORK):
        if row.state != "done":
            failed.append(f"{row.kind}: {row.error or row.state}")
        if row.kind == "papers":
            made = row.outcome.get("made", {})
            for kept in row.payload["changes"]:
                change = Change.from_json(kept)
                if str(change.key) in made:
                    papers.update(change.kinds)
                else:
                    left_out.add((change.source, change.day.isoformat(), change.key))
        if row.kind == "mails":
            mails.update({name: row.outcome.get(name, 0) for name in ("mails", "carried")})
        if row.kind == "fetch":
            own = ("pages", "new", "merged", "quarantined")
            fetched.update({name: row.outcome.get(name, 0) for name in own})
        conflicts += row.outcome.get("conflicts", [])
    return {
        "papers": {kind: papers[kind] for kind in KINDS},
        "days": _days(run.plan.get("days", []), left_out),
        "mails": mails["mails"],
        "carried": mails["carried"],
        "fetched": dict(fetched),
        "conflicts": conflicts,
        "failed": failed,
    }


def undone(session: Session, run_id: int) -> dict[str, Any]:
    """The report of a run that was undone: what came of it then, and what could not be put back."""
    rows = runs.items(session, run_id, states=("undone",))
    told = [words for row in rows for words in row.outcome.get("undo_conflicts", [])]
    return dict(runs.get(session, run_id).report) | {"undo_conflicts": told}


def _days(
    planned: list[dict[str, Any]], left_out: set[tuple[str, str, int]]
) -> list[dict[str, Any]]:
    """The days as planned; those on which something stayed as it was say of how many papers."""
    missed = Counter((source, day) for source, day, _ in left_out)
    return [row | {"not_done": missed[row["source"], row["day"]]} for row in planned]
