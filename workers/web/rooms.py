"""What the rooms of a reader share: who may come in, where to go back to, and when it is where they live."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData

from tasks.hours import is_zone, zone
from tasks.records import Reader
from workers.web.page import Me

FIELDS_MOST = 200  # the longest form is that of a profile with its example papers
TEXT_MOST = 1_000_000  # characters of one field that are looked at
# A path of our own: two slashes, or one turned round, would lead a browser to another host.
_PATH = re.compile(r"/(?![/\\])[!-\[\]-~]{0,500}")


async def _filled(request: Request, _: Me) -> FormData:
    return await request.form(max_files=1, max_fields=FIELDS_MOST)


Filled = Annotated[FormData, Depends(_filled)]


def text_of(form: FormData, name: str) -> str:
    """What was typed into that field; nothing where there is none, or a file."""
    value = form.get(name, "")
    return value[:TEXT_MOST] if isinstance(value, str) else ""


def texts_of(form: FormData, name: str) -> tuple[str, ...]:
    """What was chosen of the boxes of that name."""
    return tuple(value for value in form.getlist(name) if isinstance(value, str))


def back_to(path: str) -> str:
    """The path that a form named to come back to, if it is one of ours; else the reader's front room."""
    return path if _PATH.fullmatch(path) else "/my"


def here(reader: Reader, moment: datetime) -> datetime:
    """The moment on the reader's own clock; on UTC's where this machine does not know their zone."""
    return moment.astimezone(zone(reader.timezone if is_zone(reader.timezone) else "UTC"))
