"""How this process logs: lines of text or of JSON, each with what it is about, none with anybody's address.

    with about(page=12):
        log.info("read")        # … tasks.round.parsing: [page-12] read

The names hold for every line logged inside, whoever writes it, so that looking for `page-12` or `digest-31`
finds the whole way of a page or a digest through all steps and processes. What strangers said may stand in
a line, and cannot begin another one.
"""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime

from tasks import redact

TEXT = "%(asctime)s %(levelname)-7s %(name)s: %(message)s"
CHATTY = ("celery.app.trace", "celery.worker.strategy", "alembic")
# These set up handlers of their own before we can.
OTHERS = ("uvicorn", "uvicorn.error", "uvicorn.asgi")
_subject: ContextVar[tuple[str, ...]] = ContextVar("subject", default=())


@contextmanager
def about(**numbers: int | str) -> Iterator[None]:
    """Every line logged inside is about these: `about(page=12)` puts ``page-12`` on it."""
    names = tuple(f"{kind}-{number}" for kind, number in numbers.items())
    token = _subject.set((*(one for one in _subject.get() if one not in names), *names))
    try:
        yield
    finally:
        _subject.reset(token)


def form_of(said: str) -> str:
    """The form that was asked for, ``text`` or ``json``; if neither, text for a terminal and else json."""
    return said or ("text" if sys.stderr.isatty() else "json")


def install(said: str = "") -> None:
    """Log to stderr from now on, in the form that was asked for."""
    redact.install()
    handler = logging.StreamHandler()
    handler.setFormatter(Json() if form_of(said) == "json" else Text())
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)
    for chatty in CHATTY:
        logging.getLogger(chatty).setLevel(logging.WARNING)
    for other in OTHERS:
        logging.getLogger(other).handlers.clear()
        logging.getLogger(other).propagate = True


class Text(logging.Formatter):
    """A line for people. What is said in several lines is indented, so that none passes for another record."""

    def __init__(self) -> None:
        super().__init__(TEXT)

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - the name is logging's
        names = " ".join(_subject.get())
        record.message = f"[{names}] {_flat(record.message)}" if names else _flat(record.message)
        return super().formatMessage(record)

    def format(self, record: logging.LogRecord) -> str:
        if record.exc_text:  # made with the record, by what masks it
            record.exc_text = _indented(record.exc_text)
        return super().format(record)


class Json(logging.Formatter):
    """A record as one line of JSON: at, level, logger, words; about and trace where there are any."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "words": record.getMessage(),
        }
        if names := _subject.get():
            line["about"] = list(names)
        if record.exc_text:
            line["trace"] = record.exc_text
        return json.dumps(line, ensure_ascii=True)


def _flat(text: str) -> str:
    """On one line: whatever would end it, or steer a terminal, is written out."""
    if text.isprintable():
        return text
    return "".join(sign if sign.isprintable() else ascii(sign)[1:-1] for sign in text)


def _indented(trace: str) -> str:
    lines = (_flat(line) for line in trace.replace("\r", "\\r").split("\n"))
    return "\n".join(line if line.startswith("    | ") else f"    | {line}" for line in lines)
