"""Zotero's items → references, and what its API is asked for.

The shape: https://www.zotero.org/support/dev/web_api/v3/basics.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlencode

from tasks.errors import UsageError
from tasks.library.loose import day, rows, text
from tasks.library.reference import Item, Library, gather, reference

PAGE = 100
"""Items that one answer holds: the most that the API gives."""
NO_PAPERS = frozenset(("attachment", "note", "annotation"))
_SETTINGS = "zotero.org/settings/security#applications"


def address(user: str, *, base: str, start: int) -> str:
    """Where one page of a user's own items is asked for, the newest first.

    Raises `UsageError` for a user that is none.
    """
    user = user.strip()
    if not re.fullmatch(r"[0-9]{1,12}", user):
        raise UsageError(
            f"{user[:80]!a} is no user id of Zotero: it is a number, and not your name; it stands on "
            f"{_SETTINGS} (“Your user ID for use in API calls”)"
        )
    asked = {
        "v": "3", "format": "json", "sort": "dateAdded", "direction": "desc",
        "limit": str(PAGE), "start": str(start),
    }  # fmt: skip
    return f"{base}/users/{user}/items/top?{urlencode(asked)}"


def credentials(key: str) -> dict[str, str]:
    """The header that shows a key; none for an empty one. Raises `UsageError` for what is no key."""
    if not re.fullmatch(r"[A-Za-z0-9]{0,64}", key.strip()):
        raise UsageError(
            f"that is no key of Zotero, which is 24 letters and digits: make one on {_SETTINGS}"
        )
    return {"Zotero-API-Key": key.strip()} if key.strip() else {}


def is_item(value: object) -> bool:
    """Whether this is an item as the API or an export of Zotero writes it."""
    return bool(text(value, "data", "itemType") or text(value, "itemType"))


def parse(items: Sequence[object]) -> Library:
    """Reads items, of one page or several; attachments and notes are counted and skipped."""
    told = [item["data"] if isinstance(item, dict) and "data" in item else item for item in items]
    papers = [item for item in told if text(item, "itemType") not in NO_PAPERS]
    return gather((reference(_item(paper)) for paper in papers), skipped=len(told) - len(papers))


def _item(paper: object) -> Item:
    added = text(paper, "dateAdded")
    return Item(
        label=text(paper, "title") or text(paper, "key"),
        title=text(paper, "title"),
        abstract=text(paper, "abstractNote"),
        authors=map(_name, rows(paper, "creators")),
        named=(
            *(text(paper, field) for field in ("archiveID", "archiveLocation", "DOI", "url")),
            *_extra(text(paper, "extra")),
        ),
        searched=[text(paper, field) for field in ("publicationTitle", "reportNumber")],
        given=day(added[:4], added[5:7], added[8:10]),
    )


def _extra(said: str) -> list[str]:
    """Lines as `arXiv:2611.00001 [cs]` or `DOI: 10.1234/x`, where older items have their ids."""
    return [line.strip() for line in said[:2000].splitlines()]


def _name(creator: object) -> str:
    whole = f"{text(creator, 'firstName')} {text(creator, 'lastName')}".strip()
    return text(creator, "name") or whole
