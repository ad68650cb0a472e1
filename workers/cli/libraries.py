"""Taking the papers of a reader's own library as examples."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from tasks.desk import collecting
from tasks.desk.adding import Added, add_examples
from tasks.desk.collecting import Collected
from tasks.errors import UsageError
from tasks.round.context import Context
from workers.cli.asked import Who, find
from workers.cli.say import Json, json_page, note
from workers.cli.state import opened


def import_(
    who: Who,
    file: Annotated[
        Path | None,
        typer.Argument(help="BibTeX, RIS, CSL JSON, or ids line by line.", exists=True),
    ] = None,
    name: Annotated[str, typer.Option(help="The profile that they teach.")] = "My papers",
    zotero: Annotated[str, typer.Option(help="A Zotero user's number instead of a file.")] = "",
    zotero_key: Annotated[
        str,
        typer.Option(
            help="Zotero's key, for a library that is not public.",
            envvar="PAPERROUND_ZOTERO_KEY",
        ),
    ] = "",
    orcid: Annotated[str, typer.Option(help="An ORCID iD instead of a file.")] = "",
    as_json: Json = False,
) -> None:
    """Take papers that a reader knows as examples into a profile."""
    if sum(map(bool, (file, zotero, orcid))) != 1:
        raise UsageError("name one place where the papers are: a file, --zotero or --orcid")
    with opened() as context:
        reader = find(context, who)
        if zotero:
            found = collecting.from_zotero(context, zotero, zotero_key)
        elif orcid:
            found = collecting.from_orcid(context, orcid)
        else:
            found = _collected(context, file or Path())
        added = add_examples(context, reader.id, name, found)
    if as_json:
        json_page(_counted(name, added, found))
    else:
        _tell(found, f"{added.examples} new examples for {name} of {reader.email}")


def _collected(context: Context, file: Path) -> Collected:
    try:
        return collecting.collect(context, file.read_bytes(), file.name)
    except OSError as error:
        raise UsageError(f"{file} cannot be read: {error.strerror}") from None


def _counted(name: str, added: Added, found: Collected) -> dict[str, object]:
    return {
        "profile": name,
        "version": added.version,
        "added": added.examples,
        "matched": len(found.matched),
        "titled": len(found.titled),
        "unmatched": found.unmatched,
        "refused": [asdict(one) for one in found.refused],
        "notes": [str(words) for words in found.notes],
    }


def _tell(found: Collected, first: str) -> None:
    note(f"{first}; {len(found.matched)} papers are known here, {len(found.titled)} by title")
    for words in found.notes:
        note(str(words))
    for name in found.unmatched:
        note(f"not found: {name}")
    for one in found.refused:
        note(f"not read: {one.label}: {one.reason}")
