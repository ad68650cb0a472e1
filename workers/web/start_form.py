"""The form of the first minutes, as it was filled in."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from starlette.datastructures import FormData, UploadFile

from tasks.desk.preferring import PICKS_MOST
from tasks.desk.starting import Said
from tasks.library.reference import MOST_BYTES
from tasks.records import Profile, Reader
from tasks.render.text import clean
from workers.web.page import Me

FIELDS_MOST = 100
TEXT_MOST = 2000  # characters of what is typed; a pasted library may have more
SPARE = 2  # times as many papers may come on a rich day
TYPED = ("terms", "description", "zotero_user", "zotero_key", "orcid", "hour", "zone", "about")
_NUMBER = re.compile(r"[0-9]{1,4}")
_ENTRY = re.compile(r"[1-9][0-9]{0,17}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Filled:
    """Every field, as it came; `liked` are entries."""

    liked: tuple[int, ...] = ()
    terms: str = ""
    description: str = ""
    papers: str = ""
    file: bytes = b""
    file_name: str = ""
    zotero_user: str = ""
    zotero_key: str = ""
    orcid: str = ""
    hour: str = ""
    zone: str = ""
    about: str = ""

    @property
    def said(self) -> Said:
        """What it says of interests."""
        terms = filter(None, (clean(term) for term in re.split(r"[,\n]", self.terms)))
        return Said(liked=self.liked, terms=tuple(terms), description=self.description.strip())

    def wishes(self, reader: Reader) -> dict[str, object]:
        """What it says of when and how much. What is no number stays what it is, for others to refuse."""
        hour, about = _number(self.hour), _number(self.about)
        wishes: dict[str, object] = {"hour": hour, "timezone": self.zone, "about": about}
        if isinstance(about, int):
            wishes["most"] = max(reader.most, min(SPARE * about, PICKS_MOST))
        return wishes


def _number(text: str) -> int | str:
    return int(text) if _NUMBER.fullmatch(text) else text


def as_known(reader: Reader, profile: Profile | None) -> Filled:
    """The form as it stands before anything is filled in."""
    return Filled(
        terms="\n".join(profile.terms) if profile else "",
        description=profile.description if profile else "",
        hour=str(reader.hour),
        zone=reader.timezone,
        about=str(round(reader.about)),
    )


async def _filled(request: Request, _: Me) -> Filled:
    """The form of a visitor; nobody else's is read."""
    async with request.form(max_files=1, max_fields=FIELDS_MOST, max_part_size=MOST_BYTES) as form:
        data, name = await _file(form)
        liked = (str(key) for key in form.getlist("liked"))
        return Filled(
            liked=tuple(int(key) for key in liked if _ENTRY.fullmatch(key)),
            papers=_text(form, "papers", MOST_BYTES),
            file=data,
            file_name=name,
            **{field: _text(form, field, TEXT_MOST) for field in TYPED},
        )


async def _file(form: FormData) -> tuple[bytes, str]:
    file = form.get("file")
    if not isinstance(file, UploadFile):
        return b"", ""
    return await file.read(), file.filename or ""


def _text(form: FormData, name: str, most: int) -> str:
    value = form.get(name, "")
    return value[:most] if isinstance(value, str) else ""


Sent = Annotated[Filled, Depends(_filled)]
