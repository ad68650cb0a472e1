"""Brings the catalogs of other languages up to the messages of templates and code.

    python -m templates.catalog

writes every message that is new, without its translation, into each `locale/<language>/messages.po`
and takes out what nobody says any more. Run it after a text has changed, then translate what is empty.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.pofile import read_po, write_po

from templates.languages import LANGUAGES, LOCALE

ROOT = LOCALE.parents[1]
ROOMS = ("tasks", "templates", "workers")
WIDTH = 100
HEADER = r"""# The frame of Paperround: `python -m templates.catalog` keeps it up to date.
msgid ""
msgstr ""
"Language: {}\n"
"Plural-Forms: {}\n"
"Content-Type: text/plain; charset=utf-8\n"

"""
_METHODS = [("**.py", "python"), ("**.html", "jinja2"), ("**.txt", "jinja2"), ("**.xml", "jinja2")]
_JINJA = {"newstyle_gettext": "true", "trimmed": "true", "trim_blocks": "true", "silent": "false"}
_KEYWORDS = DEFAULT_KEYWORDS | {"msgid": None}


def messages(rooms: Iterable[str] = ROOMS) -> Catalog:
    """Every message of these folders of the project, with the files that say it."""
    catalog = Catalog(fuzzy=False)
    for room in rooms:
        found = extract_from_dir(
            ROOT / room, _METHODS, dict.fromkeys(("**.html", "**.txt", "**.xml"), _JINJA), _KEYWORDS
        )
        for name, _, message, comments, context in found:
            place = (Path(room) / name).as_posix()
            catalog.add(message, None, [(place, 1)], auto_comments=comments, context=context)
    return catalog


def update(language: str, path: Path, rooms: Iterable[str] = ROOMS) -> list[str]:
    """Bring one catalog up to date, or begin it; the messages that want a translation."""
    catalog = Catalog(language)
    if path.exists():
        with path.open("rb") as file:
            catalog = read_po(file, locale=language)
    catalog.update(messages(rooms), no_fuzzy_matching=True)
    write(catalog, path)
    return [str(message.id) for message in catalog if message.id and not translated(message)]


def write(catalog: Catalog, path: Path) -> None:
    """Keep a catalog in the form that is the same for the same messages: without dates and lines."""
    written = BytesIO()
    written.write(HEADER.format(catalog.locale, catalog.plural_forms).encode())
    write_po(
        written,
        catalog,
        WIDTH,
        omit_header=True,
        include_lineno=False,
        sort_by_file=True,
        ignore_obsolete=True,
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(written.getvalue())


def translated(message: Message) -> bool:
    """Whether every form of a message is there."""
    found = message.string
    return all(found) if isinstance(found, list | tuple) else bool(found)


def main() -> None:
    """Update every catalog, and say what is not translated yet."""
    for language in list(LANGUAGES)[1:]:
        missing = update(language, LOCALE / language / "messages.po")
        sys.stdout.write("\n  ".join([f"{language}: {len(missing)} to translate", *missing]) + "\n")


if __name__ == "__main__":
    main()
