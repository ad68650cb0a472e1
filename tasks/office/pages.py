"""Kept pages, by their admin's hand: the last ones, all about one of them, and reading one again."""

from __future__ import annotations

from tasks.errors import Conflict, UnknownName
from tasks.parse.encoding import decode
from tasks.records import Ring, Step
from tasks.round.context import Context
from tasks.store import audit, page_rows, pages
from tasks.store.page_rows import PageRow, Whole

SHOWN = 6000  # characters of a page's beginning
# What `PageError.reason` means, and what can be done about it.
REMEDIES = {
    "empty": "The server sent nothing. If that lasts, look whether the source's address is right.",
    "blocked": "The server takes us for a robot and sent a puzzle. Fetch seldomer, or use its API or feed.",
    "error_page": "The server sent an apology in place of the page. The next turn brings the page itself.",
    "not_a_page": "What came is no list of papers that we know. Look at it below: was the address moved?",
    "not_a_feed": "What came is no feed. Look at it below: the address may be that of a page about it.",
    "list_of_feeds": "This is a list of feeds and no feed. Add the feeds that you want as sources.",
    "bad_json": "The JSON ends in the middle or is none. The next turn brings it whole.",
    "bad_archive": "The archive is damaged. Fetch it once more.",
    "too_large": "It is larger than any page of papers should be. Is the address that of something else?",
    "timeout": "Reading it took too long. A later version may read it faster: parse it again then.",
    "crashed": "Our parser died of it. Keep it, and report it: a later version may read it.",
}


def last(
    context: Context, limit: int, *, source: str = "", state: str = "", before: int | None = None
) -> list[PageRow]:
    """Pages, the newest first: of that source, in that state, older than page `before`."""
    with context.database.read() as session:
        return page_rows.rows(session, limit, source=source, state=state, before=before)


def whole(context: Context, page_id: int) -> Whole:
    """All that is known of one page. Raises `UnknownName`."""
    with context.database.read() as session:
        found = page_rows.whole(session, page_id)
    if found is None:
        raise UnknownName(f"there is no page {page_id}")
    return found


def remedy(error: str) -> str:
    """What can be done about a page that was set aside with that error; empty where nothing is known."""
    return REMEDIES.get(error.partition(":")[0], "")


def text(context: Context, page_id: int) -> str:
    """A page's bytes as text, as the parser decodes them. Raises `UnknownName`."""
    whole(context, page_id)
    with context.database.read() as session:
        raw = pages.raw(session, page_id)
    return decode(raw)


def parse_again(context: Context, who: str, page_id: int) -> list[Ring]:
    """A page that was set aside waits to be read once more.

    Raises `UnknownName`, and `Conflict` for one that is not set aside: a backlog run reads those again.
    """
    now = context.clock()
    with context.database.write() as session:
        if not pages.again(session, page_id, now):
            raise Conflict(_why_not(page_rows.whole(session, page_id), page_id))
        audit.note(session, who, "page parsed again", f"page {page_id}", now=now)
    return [Ring(Step.PARSE, page_id, page_id)]


def _why_not(found: Whole | None, page_id: int) -> str:
    if found is None:
        raise UnknownName(f"there is no page {page_id}")
    if found.row.state == "fetched":
        return f"page {page_id} waits to be parsed already"
    return (
        f"page {page_id} is {found.row.state}, and only a quarantined one is parsed again here: for "
        "days that were parsed wrongly make a backlog run"
    )
