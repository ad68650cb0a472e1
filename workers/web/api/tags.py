"""Tags of what can be changed (RFC 9110, 8.8.3 and 13): who changes it shows the tag of what they saw."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Annotated, TypeVar

from fastapi import Depends, Header, HTTPException, Request, Response
from pydantic import BaseModel

TAG = r'(?:W/)?"[\x21\x23-\x7e\x80-\xff]*"'
LIST = re.compile(rf"[ \t,]*{TAG}(?:[ \t]*,[ \t,]*{TAG})*[ \t,]*")
STALE = "it is not what you saw: load it again, and change that"
BLIND = "say by If-Match what you saw: the ETag that came with it"
T = TypeVar("T", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Tags:
    """What a header says: any (``*``), or these tags; what is no list of tags names none."""

    said: str

    @property
    def any(self) -> bool:
        """Whether whatever there is will do."""
        return self.said == "*"

    def name(self, tag: str, *, weakly: bool = False) -> bool:
        """Whether that tag is among them. A weak one counts only where it is compared weakly."""
        found = re.findall(TAG, self.said) if LIST.fullmatch(self.said) else []
        return self.any or tag in [one.removeprefix("W/") if weakly else one for one in found]


def _if_match(
    request: Request,
    _: Annotated[
        str | None,
        Header(alias="If-Match", description="The ETag of what you saw.", examples=['"5d41402a"']),
    ] = None,
) -> Tags:
    return _said(request, "if-match")


def _if_none_match(
    request: Request,
    _: Annotated[
        str | None,
        Header(alias="If-None-Match", description="The ETag of what you have."),
    ] = None,
) -> Tags:
    return _said(request, "if-none-match")


def _said(request: Request, name: str) -> Tags:
    return Tags(",".join(request.headers.getlist(name)).strip())


IfMatch = Annotated[Tags, Depends(_if_match)]
IfNoneMatch = Annotated[Tags, Depends(_if_none_match)]


def tag_of(shown: BaseModel) -> str:
    """The tag of what is shown: the hash of its content."""
    words = json.dumps(shown.model_dump(mode="json"), sort_keys=True).encode()
    return f'"{hashlib.sha256(words).hexdigest()[:24]}"'


def show(response: Response, what: T, known: Tags) -> T | Response:
    """What was asked for, with its tag; where that is known already, only word of it (304)."""
    tag = tag_of(what)
    if known.name(tag, weakly=True):
        return Response(status_code=304, headers={"ETag": tag})
    response.headers["ETag"] = tag
    return what


def must_match(asked: Tags, now: BaseModel) -> None:
    """Raises a 428 where nothing was said, and a 412 where what was seen is not what is there."""
    if not asked.said:
        raise HTTPException(428, BLIND)
    if not asked.name(tag_of(now)):
        raise HTTPException(412, STALE)
