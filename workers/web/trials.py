"""A trial of a profile: what it is, how it stands, and its two ends."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime

from fastapi import APIRouter, HTTPException, Request
from fastapi.responses import HTMLResponse, Response

from tasks.desk import differences, interests
from tasks.desk.differences import difference
from tasks.desk.tuning import shadow_words, shadows
from tasks.errors import Conflict, UnknownName, UsageError
from tasks.store.profiles import Saved
from workers.web import tuner_form
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Me, Means, page, see, words_of
from workers.web.rooms import text_of
from workers.web.tuner_form import Sent

NAMED_MOST = 10  # things of each list that are named as different
_NUMBER = re.compile(r"[1-9]\d{0,17}", re.ASCII)

ENDS = ("promote", "drop")
router = APIRouter()


@router.api_route("/my/profiles/{which}/trial", methods=LOOKING)
def look(request: Request, face: Means, me: Me, which: str, said: str = "") -> HTMLResponse:
    """How the trial of this profile stands, or what one would be."""
    return _page(request, face, me, _found(face, me.reader.id, which), said=said)


@router.post("/my/profiles/{which}/trial", dependencies=OURS)
def act(request: Request, face: Means, me: Me, which: str, form: Sent) -> Response:
    """Start a trial of what the form of the profile asks for; take the one that runs over, or drop it."""
    profile, do = _found(face, me.reader.id, which), text_of(form, "do")
    expected = _moment(text_of(form, "trial"))
    here = f"/my/profiles/{profile.id}/trial"
    try:
        if do in ENDS and shadows.running(face.context, me.reader.id) != profile.id:
            raise UnknownName(shadows.NONE)
        if do == "promote":
            seen = text_of(form, "version")
            version = int(seen) if _NUMBER.fullmatch(seen) else None
            shadows.promote(face.context, me.reader.id, expected=expected, version=version)
            return see("/my/profiles?said=saved")
        if do == "drop":
            shadows.drop(face.context, me.reader.id, expected=expected)
            return see(f"{here}?said=dropped")
        typed = tuner_form.read(form)
        base = interests.body_of(face.context, profile, typed.version)
        shadows.start(face.context, me.reader.id, profile.id, typed.body(base))
    except Conflict as error:
        return _page(request, face, me, profile, wrong=error, status=409)
    except UnknownName as error:
        return _page(request, face, me, profile, wrong=error, status=404)
    except UsageError as error:
        return _page(request, face, me, profile, wrong=error, status=422)
    return see(f"{here}?said=started")


def _found(face: Face, reader_id: int, which: str) -> Saved:
    """The profile of that number. Another reader's is not there."""
    if not _NUMBER.fullmatch(which):
        raise HTTPException(404)
    return interests.find(face.context, reader_id, int(which))


def _moment(text: str) -> datetime | None:
    """When the trial that was seen began; None where the form does not say."""
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _told(translate: Callable[[str], str], error: Exception) -> str:
    """What is wrong, in the reader's language as far as the catalogs have it."""
    said = str(error)
    return translate(said) if said in shadows.TOLD else said


def _page(
    request: Request,
    face: Face,
    me: Me,
    profile: Saved,
    *,
    said: str = "",
    wrong: Exception | None = None,
    status: int = 200,
) -> HTMLResponse:
    words = words_of(request)
    runs = shadows.standing(face.context, me.reader.id)
    standing = runs if runs and runs.profile.id == profile.id else None
    changes = difference(profile.body, standing.body) if standing else None
    return page(
        request,
        "my_trial",
        status=status,
        profile=profile,
        said=said,
        wrong=_told(words.gettext, wrong) if wrong else "",
        standing=standing,
        other=runs.profile if runs and not standing else None,
        differs=differences.told(changes, words, NAMED_MOST) if changes is not None else [],
        sentences=shadow_words.told(standing, words) if standing else [],
        share=shadow_words.share(standing, words) if standing else "",
    )
