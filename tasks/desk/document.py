"""An exported document, read as strictly as if a stranger had written it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from tasks.desk.interests import PROFILES_MOST, read_name
from tasks.desk.preferring import RULES, faults
from tasks.desk.strict import Place
from tasks.desk.versions import LABEL_MOST
from tasks.errors import UsageError
from tasks.parse import ids
from tasks.parse.clean import title_key
from tasks.profile_json import from_json, none_later, to_json
from tasks.records import PickKind, Want
from tasks.render.text import clean
from tasks.store.moving import Version

VERSION = 1
PARTS = ("version", "account", "preferences", "profiles", "feedback", "digests")
DIGEST = ("day", "made_at", "subject", "considered", "picks")
PICK = ("place", "paper", "profile", "kind", "note", "value", "raw", "reasons")
NAME, TEXT = 1000, 20_000  # characters: more than anything that we make
VERSIONS, ANSWERS, DIGESTS, PICKS, REASONS = 5000, 100_000, 10_000, 1000, 5000
KEPT = 500  # versions of all profiles together
PAPERS = 50_000  # named in all: ten a day for thirteen years
NUMBERS = 10**6
A_DAY = timedelta(days=1)  # it is tomorrow somewhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """A paper as the document names it; `names` are as `store.lookup` wants them."""

    label: str
    names: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What was said of the paper at that place of `Document.papers`."""

    paper: int
    want: Want
    at: datetime
    profile: str
    teaches: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SentDay:
    """A digest that went out; its picks by the places of their papers, as columns of a pick."""

    day: date
    made_at: datetime
    subject: str
    considered: int
    picks: Mapping[int, Mapping[str, Any]]


@dataclass(slots=True)
class Document:
    """All that was read. `preferences` are columns of a reader; versions stand in their order, and of
    more than `KEPT` those are here that each profile had last.
    """

    now: datetime
    preferences: dict[str, Any] = field(default_factory=dict)
    profiles: dict[str, list[Version]] = field(default_factory=dict)
    papers: list[Named] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    digests: list[SentDay] = field(default_factory=list)

    def add_paper(self, place: Place) -> int:
        """Read a paper; its place."""
        if len(self.papers) == PAPERS:
            raise place.wrong(f"is one paper too many: {PAPERS} at most")
        part = place.parts("arxiv", "doi", "title")
        told = {key: "" if one.value is None else one.text(TEXT) for key, one in part.items()}
        arxiv, title = ids.arxiv(told["arxiv"]), title_key(told["title"])
        found = [("arxiv", arxiv[0] if arxiv else ""), ("doi", ids.doi(told["doi"]) or "")]
        names = tuple((kind, value) for kind, value in [*found, ("title", title)] if value)
        if not names:
            raise place.wrong("names no paper")
        label = told["title"] or told["arxiv"] or told["doi"]
        self.papers.append(Named(label=label, names=names))
        return len(self.papers) - 1


def read(body: object, *, now: datetime) -> Document:
    """The document that `body` is. Raises `UsageError` naming the path of what is wrong."""
    document = Document(now)
    part = Place("", body).parts(*PARTS)
    if part["version"].value != VERSION:
        raise part["version"].wrong(f"must be {VERSION}: another version wrote this document")
    part["account"].parts("email", "since", "confirmed_at")
    document.preferences = _preferences(part["preferences"])
    for place in part["profiles"].rows(PROFILES_MOST):
        name, saved = _profile(place, now)
        if name in document.profiles:
            raise place.wrong(f"is a second profile {name!r}")
        document.profiles[name] = saved
    if sum(map(len, document.profiles.values())) > KEPT:
        each = KEPT // len(document.profiles)
        document.profiles = {name: saved[-each:] for name, saved in document.profiles.items()}
    document.answers = [_answer(document, one) for one in part["feedback"].rows(ANSWERS)]
    document.digests = [_digest(document, one) for one in part["digests"].rows(DIGESTS)]
    if len({one.day for one in document.digests}) < len(document.digests):
        raise part["digests"].wrong("must have one digest for a day")
    return document


def _preferences(place: Place) -> dict[str, Any]:
    part = place.parts(*RULES)
    told = {name: one.value for name, one in part.items()}
    for name, said in faults(told).items():
        raise part[name].wrong(f"cannot be taken: {said}")
    name = clean(part["name"].text(NAME))
    return told | {"name": name, "days": "".join(map(str, sorted({*told["days"]})))}


def _profile(place: Place, now: datetime) -> tuple[str, list[Version]]:
    part = place.parts("name", "versions")
    name, numbers, saved = _name(part["name"]), [], []
    for one in part["versions"].rows(VERSIONS)[-KEPT:]:
        version = one.parts("number", "saved_at", "body", may=("label",))
        number = version["number"].count(1, NUMBERS)
        moment = version["saved_at"].moment(latest=now)
        label = clean(version["label"].text(LABEL_MOST)) if "label" in version else ""
        numbers.append(number)
        saved.append((_body(version["body"], moment.date()), moment, label))
    if not saved or numbers != sorted({*numbers}):
        raise part["versions"].wrong("must stand in the order of their numbers, and be some")
    return name, saved


def _name(place: Place) -> str:
    try:
        return read_name(place.text(NAME))
    except UsageError as error:
        raise place.wrong(f"cannot be taken: {error}") from None


def _body(place: Place, day: date) -> dict[str, Any]:
    try:
        return to_json(none_later(from_json(place.value), day))
    except UsageError as error:
        raise place.wrong(f"is no profile: {error}") from None


def _answer(document: Document, place: Place) -> Answer:
    part = place.parts("paper", "want", "at", "profile", "teaches")
    return Answer(
        paper=document.add_paper(part["paper"]),
        want=Want(part["want"].one_of(tuple(Want))),
        at=part["at"].moment(latest=document.now),
        profile=clean(part["profile"].text(NAME)),
        teaches=part["teaches"].flag(),
    )


def _digest(document: Document, place: Place) -> SentDay:
    part = place.parts(*DIGEST)
    day = part["day"].day()
    if day > (document.now + A_DAY).date():
        raise part["day"].wrong("lies in the future")
    picks = dict(_pick(document, one) for one in part["picks"].rows(PICKS))
    if len({columns["place"] for columns in picks.values()}) < len(picks):
        raise part["picks"].wrong("must each have a place of their own")
    return SentDay(
        day=day,
        made_at=part["made_at"].moment(latest=document.now),
        subject=part["subject"].text(TEXT),
        considered=part["considered"].count(0, NUMBERS),
        picks=picks,
    )


def _pick(document: Document, place: Place) -> tuple[int, dict[str, Any]]:
    part = place.parts(*PICK)
    return document.add_paper(part["paper"]), {
        "place": part["place"].count(1, NUMBERS),
        "profile_name": part["profile"].text(NAME),
        "kind": part["kind"].one_of(tuple(PickKind)),
        "note": part["note"].text(TEXT),
        "value": part["value"].number(0, 1),
        "raw": part["raw"].number(-NUMBERS, NUMBERS),
        "reasons": [_reason(one) for one in part["reasons"].rows(REASONS)],
    }


def _reason(place: Place) -> list[Any]:
    rows = place.rows(3)
    if len(rows) < 3:
        raise place.wrong("must be a kind, a label and a number")
    kind, label, value = rows
    return [kind.text(NAME), label.text(TEXT), value.number(-NUMBERS, NUMBERS)]
