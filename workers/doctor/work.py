"""The work: what fails, and what waits for a person."""

from __future__ import annotations

from tasks.store import sources, watch
from workers.doctor.database import UNASKED, asked
from workers.doctor.finding import Patient, Wrong


def failing_sources(patient: Patient) -> str:
    """Whether any source fails or rests."""
    with asked(patient) as session:
        if session is None:
            return UNASKED
        rows = sources.rows(session)
    bad = [row for row in rows if row["failures"] and row["error"]]
    if bad:
        name, error = bad[0]["name"], str(bad[0]["error"]).partition("\n")[0][:200]
        words = f"{len(bad)} of {len(rows)} fail; {name}: {error}"
        raise Wrong(words, f"try it by itself: paperround sources test {name}")
    paused = [str(row["name"]) for row in rows if row["state"] == "paused"]
    if paused:
        words = f"paused: {', '.join(paused)}"
        raise Wrong(words, f"go on: paperround sources resume {paused[0]} (or remove it)")
    return f"{len(rows)}, none fails" if rows else "none yet: paperround sources add"


def unsure(patient: Patient) -> str:
    """Whether there are mails that may or may not have gone out."""
    number = _count(patient, delivery=("unsure",))
    if number:
        words = f"{_many(number, 'mail')} may or may not have arrived; none is sent again unasked"
        raise Wrong(words, "look for their Message-IDs in the mail server's log")
    return "none" if number == 0 else UNASKED


def dead(patient: Patient) -> str:
    """Whether any work was set aside for good."""
    number = _count(patient, digest=("dead",), delivery=("dead",), shard=("dead",))
    if number:
        words = f"set aside after failing at every try: {_many(number, 'digest')}"
        raise Wrong(words, "the worker's log has the reasons: look for these, then ask again")
    return "none" if number == 0 else UNASKED


def _count(patient: Patient, **wanted: tuple[str, ...]) -> int | None:
    """Rows in these states, by table; None when the database cannot be asked."""
    with asked(patient) as session:
        if session is None:
            return None
        tallies = watch.tallies(session)
    return sum(tallies[table].get(state, 0) for table, states in wanted.items() for state in states)


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
