"""The first minutes: say what interests you on one page, and see at once what it would have brought.

Every button of the page sends the whole form, so that it works without a script, and the page that
comes back has everything that was filled in. Papers that were pasted, uploaded or named at another
service are kept in the profile at once, whichever button was pressed; all else is kept by the last one.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse, Response

from tasks.desk import collecting, preferring, starting
from tasks.desk.collecting import Collected
from tasks.desk.outlook import Outlook, starters
from tasks.errors import PaperroundError, SourceError, TooMany, UsageError
from tasks.records import PickKind, Reader
from tasks.render.plan import Sheet, sheet
from tasks.render.text import cut
from tasks.store import entries
from workers.web.doors import LOOKING, OURS
from workers.web.page import Face, Me, Means, page, see, words_of
from workers.web.picks import shown
from workers.web.start_form import Filled, Sent, as_known
from workers.web.zones import zones

STARTERS = 15
GIST = 150  # characters of an abstract: a line or two
ABOUT = (1, 2, 3, 5, 7, 10, 15, 20)  # papers a day
NAMED_MOST = 30  # papers that an import names on the page; the others are counted
CLEARED = {  # the fields that are empty again when what was in them is kept
    "papers": ("papers",),
    "zotero": ("zotero_user", "zotero_key"),
    "orcid": ("orcid",),
}

router = APIRouter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the page tells beside the form.

    `found` became of the papers that were brought, of which `new` are in the profile now; `faults` are
    sentences by the field that they are about; `outlook` is the preview, if it was `looked` at.
    """

    found: tuple[Collected, ...] = ()
    new: int = 0
    faults: Mapping[str, str] = field(default_factory=dict)
    looked: bool = False
    outlook: Outlook | None = None

    def every(self, part: str) -> list[object]:
        """That part of all that was found."""
        return [one for collected in self.found for one in getattr(collected, part)]


@dataclass(frozen=True, slots=True)
class Card:
    """A paper to begin with."""

    id: int | str
    sheet: Sheet
    gist: str


# --- the buttons ---------------------------------------------------------------------------------
@router.api_route("/my/start", methods=LOOKING)
def start(request: Request, face: Means, me: Me) -> HTMLResponse:
    """The page, with what is known already."""
    profile = starting.first(face.context, me.reader.id)
    return _page(request, face, me.reader, as_known(me.reader, profile))


@router.post("/my/start/papers", dependencies=OURS)
def add_papers(request: Request, face: Means, me: Me, form: Sent) -> HTMLResponse:
    """Take in the papers that were brought."""
    form, told = _taken_in(request, face, me.reader, form)
    return _page(request, face, me.reader, form, told)


@router.post("/my/start/papers/remove", dependencies=OURS)
def take_out(request: Request, face: Means, me: Me, form: Sent) -> HTMLResponse:
    """Take all example papers out of the profile."""
    starting.take_out(face.context, me.reader.id)
    return _page(request, face, me.reader, form)


@router.post("/my/start/preview", dependencies=OURS)
def preview(request: Request, face: Means, me: Me, form: Sent) -> HTMLResponse:
    """What the newest day would have brought."""
    form, told = _taken_in(request, face, me.reader, form)
    wishes = form.wishes(me.reader)
    reader = me.reader if preferring.faults(wishes) else replace(me.reader, **wishes)  # type: ignore[arg-type]  # `faults` saw them
    found = starting.look(face.context, reader, form.said)
    return _page(request, face, me.reader, form, replace(told, looked=True, outlook=found))


@router.post("/my/start", dependencies=OURS)
def save(request: Request, face: Means, me: Me, form: Sent) -> Response:
    """Keep all that the page says, unless something of it is wrong."""
    form, told = _taken_in(request, face, me.reader, form)
    words, wishes = words_of(request), form.wishes(me.reader)
    wrong = {name: words.gettext(said) for name, said in preferring.faults(wishes).items()}
    if wrong or told.faults:
        told = replace(told, faults={**told.faults, **wrong})
        return _page(request, face, me.reader, form, told, status=422)
    preferring.prefer(face.context, me.reader.id, **wishes)
    starting.keep(face.context, me.reader.id, form.said, words.gettext("My papers"))
    return see("/my?said=started")


# --- papers from elsewhere -----------------------------------------------------------------------
def _taken_in(request: Request, face: Face, reader: Reader, form: Filled) -> tuple[Filled, Told]:
    """Keep the papers that the form brings; the form without them, and what became of them."""
    found, faults, new = [], {}, 0
    for name, collect in _ways(face, reader, form).items():
        try:
            found.append(collect())
        except (UsageError, SourceError, TooMany) as error:
            faults[name] = _sentence(error)
    examples = [one for each in found for one in (*each.titled, *each.matched)]
    try:
        name = words_of(request).gettext("My papers")
        new = starting.bring(face.context, reader.id, examples, name) if examples else 0
    except UsageError as error:
        found, faults = [], {**faults, "papers": _sentence(error)}
    kept = {part: "" for name in CLEARED if name not in faults for part in CLEARED[name]}
    rest = replace(form, file=b"", file_name="", **kept)  # type: ignore[arg-type]  # texts alone
    return rest, Told(found=tuple(found), new=new, faults=faults)


def _sentence(error: PaperroundError) -> str:
    said = str(error)
    return f"{said[:1].upper()}{said[1:].removesuffix('.')}."


def _ways(face: Face, reader: Reader, form: Filled) -> dict[str, Callable[[], Collected]]:
    """How to read what the form brings, by the field that it came in."""
    context, user, key = face.context, form.zotero_user.strip(), form.zotero_key.strip()
    collect = partial(collecting.collect, context, reader_id=reader.id)
    from_zotero = partial(collecting.from_zotero, context, reader_id=reader.id)
    from_orcid = partial(collecting.from_orcid, context, reader_id=reader.id)
    ways: dict[str, tuple[object, Callable[[], Collected]]] = {
        "papers": (form.papers.strip(), partial(collect, form.papers)),
        "file": (form.file, partial(collect, form.file, form.file_name)),
        "zotero": (user or key, partial(from_zotero, user, key)),
        "orcid": (form.orcid.strip(), partial(from_orcid, form.orcid)),
    }
    return {name: collect for name, (given, collect) in ways.items() if given}


# --- the page ------------------------------------------------------------------------------------
def _page(
    request: Request,
    face: Face,
    reader: Reader,
    form: Filled,
    told: Told = Told(),
    *,
    status: int = 200,
) -> HTMLResponse:
    profile = starting.first(face.context, reader.id)
    picks = told.outlook.picks if told.outlook else ()
    about = {int(form.about)} if form.about.isdecimal() else set()
    return page(
        request,
        "start",
        status=status,
        form=form,
        brought=told,
        cards=_cards(request, face, form),
        kept=len(profile.examples) if profile else 0,
        named_most=NAMED_MOST,
        zones=zones(),
        numbers=sorted({*ABOUT, *about}),
        guesses=reader.timezone == "UTC",
        picks=shown(picks, words_of(request)),
        popular=any(pick.kind is PickKind.POPULAR for pick in picks),
    )


def _cards(request: Request, face: Face, form: Filled) -> list[Card]:
    """The papers to begin with; those that were liked stay, whatever has come meanwhile."""
    papers = starters(face.context, STARTERS)
    offered = {paper.id for paper in papers}
    with face.database.read() as session:
        liked = entries.find_all(session, (key for key in form.liked if key not in offered))
    words = words_of(request)
    sheets = [(paper.id, sheet(paper, words)) for paper in (*liked, *papers)]
    return [Card(id=key, sheet=made, gist=cut(made.abstract, GIST)) for key, made in sheets]
