"""Which of the stored papers are those that somebody names? A few queries, whatever the number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sqlmodel import Session, col, select

from tasks.models import Entry, Identifier
from tasks.records import Paper
from tasks.store.entries import paper

KINDS = ("arxiv", "doi", "title")
LONGEST_KEY = 500  # characters of a title's key, as entries keep it
AT_ONCE = 10_000  # values of one query: SQLite takes 32,766 and PostgreSQL 65,535

Names = Iterable[tuple[str, str]]


def find(session: Session, wanted: Sequence[Names]) -> dict[int, Paper]:
    """The stored paper of each that is known, by its place in `wanted`.

    Each is wanted by its names, pairs of a kind of `KINDS` and a value in canonical form: the arXiv
    id counts first, then the DOI, then the exact key of the title. A paper that has another arXiv id
    (or, without one, another DOI) than the wanted one is not it, whatever its title says.
    """
    told = [{kind: value[:LONGEST_KEY] for kind, value in names} for names in wanted]
    known = {kind: _by(session, kind, told) for kind in KINDS}
    found: dict[int, Paper] = {}
    for place, names in enumerate(told):
        for rank, kind in enumerate(KINDS):
            row = known[kind].get(names.get(kind, ""))
            if row and _may_be(row, names, KINDS[:rank]):
                found[place] = paper(row)
                break
    return found


def _by(session: Session, kind: str, told: Sequence[Mapping[str, str]]) -> dict[str, Entry]:
    """The entries that bear the wanted names of one kind, by the name."""
    values = sorted({names[kind] for names in told if kind in names})
    found: dict[str, Entry] = {}
    for start in range(0, len(values), AT_ONCE):
        named = select(Identifier.value, Entry).where(
            col(Identifier.kind) == kind,
            col(Identifier.value).in_(values[start : start + AT_ONCE]),
            col(Identifier.entry_id) == col(Entry.id),
        )
        found |= dict(session.exec(named).all())
    return _followed(session, found)


def _followed(session: Session, found: dict[str, Entry]) -> dict[str, Entry]:
    """Entries that were merged into others give way to them."""
    keepers = {row.merged_into for row in found.values() if row.merged_into is not None}
    if not keepers:
        return found
    rows = session.exec(select(Entry).where(col(Entry.id).in_(sorted(keepers))))
    by_id = {row.id: row for row in rows}
    return {
        value: row if row.merged_into is None else by_id[row.merged_into]
        for value, row in found.items()
    }


def _may_be(row: Entry, names: Mapping[str, str], stronger: Sequence[str]) -> bool:
    """Whether no stronger name than the one it was found by says that these are two papers."""
    own = {"arxiv": row.arxiv_id, "doi": row.doi}
    told = next((kind for kind in stronger if kind in names and own[kind]), None)
    return told is None or own[told] == names[told]
