"""CSL-JSON, which many programs write, → references. The shape: https://docs.citationstyles.org."""

from __future__ import annotations

from collections.abc import Iterable

from tasks.library.loose import rows, text
from tasks.library.reference import Item, Library, gather, reference


def parse(items: Iterable[object]) -> Library:
    """Reads every item of the list."""
    return gather(reference(_item(item)) for item in items)


def _item(item: object) -> Item:
    return Item(
        label=text(item, "citation-key") or text(item, "title") or text(item, "id"),
        title=text(item, "title"),
        abstract=text(item, "abstract"),
        authors=map(_name, rows(item, "author")),
        named=[text(item, field) for field in ("DOI", "URL", "number", "archive_location", "id")],
        searched=[text(item, field) for field in ("container-title", "publisher", "archive")],
    )


def _name(author: object) -> str:
    return text(author, "literal") or f"{text(author, 'given')} {text(author, 'family')}".strip()
