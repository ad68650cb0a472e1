"""Every page of the web face, by how one gets there, and what else it answers a GET with.

A route that no line opens fails a test which names it (`test_every_page_stands_in_the_table`).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from busy_office import FEED, OPERATOR, OWNER, VIEWER
from journey import ADA, SOURCE
from lived_in import BEGINNER, LEAVER, PLAIN, Settled

At = Callable[[Settled], str]


@dataclass(frozen=True)
class Way:
    """How one gets to a page: its path, as whom, and the fields of the form that is sent there, if any."""

    path: str | At
    who: str = ""
    fields: tuple[tuple[str, str], ...] | None = None
    scope: str = "full"
    status: int = 200
    is_mail: bool = False  # shut in: axe cannot run there

    def at(self, all_: Settled) -> str:
        """The path in this house."""
        return self.path if isinstance(self.path, str) else self.path(all_)


def posted(path: str | At, who: str = "", status: int = 200, **fields: str) -> Way:
    return Way(path, who, tuple(fields.items()), status=status)


def give(want: str) -> At:
    return lambda all_: all_.link(all_.digest, f"want={want}")


def give_path(all_: Settled) -> str:
    return give("less")(all_).partition("?")[0]


def out(all_: Settled) -> str:
    return f"/u/{all_.token}"


def planned(all_: Settled) -> str:
    return f"/admin/runs/{all_.office.planned}"


def done(all_: Settled) -> str:
    return f"/admin/runs/{all_.office.done}"


def quarantined(all_: Settled) -> str:
    return f"/admin/pages/{all_.office.page}"


def unsure(all_: Settled) -> str:
    return f"/admin/deliveries/{all_.office.unsure}"


def dead(all_: Settled) -> str:
    return f"/admin/dead/delivery/{all_.office.dead}"


def reader(all_: Settled) -> str:
    return f"/admin/readers/{all_.ids[ADA]}"


PAGES = {
    "today": Way("/"),
    "today, signed in": Way("/", ADA),
    "a day": Way("/days/2026-11-19"),
    "a day's second page": Way("/days/2026-11-18?page=2"),
    "a day without papers": Way("/days/2026-11-15", status=404),
    "days": Way("/days"),
    "a paper": Way(lambda all_: f"/papers/{all_.papers[0]}"),
    "search": Way("/search"),
    "search that found": Way("/search?q=attention"),
    "search that found nothing": Way("/search?q=zebra"),
    "about": Way("/about"),
    "subscribe": Way("/subscribe"),
    "subscribe, wrongly": posted("/subscribe", status=422, email="nobody"),
    "subscribed": posted("/subscribe", email="another@readers.example", zone="Europe/Rome"),
    "confirm": Way(lambda all_: all_.link(all_.confirm, "/confirm/")),
    "confirm too late": Way("/confirm/x", status=410),
    "sign in": Way("/sign-in"),
    "sign in, wrongly": posted("/sign-in", status=422, email="nobody"),
    "sign-in mailed": posted("/sign-in", email="unknown@readers.example"),
    "the door": Way(lambda all_: all_.link(all_.sign_in, "/in/")),
    "the door, shut": Way("/in/x", status=410),
    "to the preferences": Way(lambda all_: all_.link(all_.digest, "/tune/")),
    "more": Way(give("more")),
    "less": Way(give("less")),
    "save": Way(give("save")),
    "answered": posted(give_path, want="less"),
    "taken back": posted(give_path, want="less", undo="1"),
    "a digest as it was mailed": Way(lambda all_: all_.link(all_.digest, "/view/"), is_mail=True),
    "a digest in plain text": Way(lambda all_: all_.link(all_.plain, "/view/")),
    "stop": Way(out),
    "stopped": posted(out),
    "a return too late": posted(lambda all_: f"{out(all_)}/pause", status=422, until="2099-01-01"),
    "the link to delete": posted(lambda all_: f"{out(all_)}/link"),
    "come back": posted(lambda all_: f"{out(all_)}/undo"),
    "paused instead": posted(lambda all_: f"{out(all_)}/pause", until="2026-12-05"),
    "my papers": Way("/my", ADA),
    "my papers, as a beginner": Way("/my", BEGINNER),
    "my papers, after leaving": Way("/my", LEAVER),
    "my digests": Way("/my/digests", ADA),
    "my first digest": Way("/my/digests/2026-11-20", ADA),
    "why": Way("/my/why", ADA),
    "why, of some paper": Way("/my/why?q=attention", ADA),
    "why, of no paper": Way("/my/why?q=2611.99999", ADA),
    "why it came": Way(lambda all_: f"/my/why/{all_.papers[0]}", ADA),
    "why it did not come": Way(lambda all_: f"/my/why/{all_.papers[0]}", PLAIN),
    "an edit for it, too late": posted(
        lambda all_: f"/my/why/{all_.papers[0]}/apply",
        PLAIN,
        409,
        kind="term",
        text="attention",
        profile="3",
        version="99",
    ),
    "start": Way("/my/start", BEGINNER),
    "start with a preview": posted(
        "/my/start/preview", BEGINNER, terms="speech", hour="7", zone="UTC", about="5"
    ),
    "start with papers": posted("/my/start/papers", BEGINNER, papers="10.1234/unknown\nnonsense"),
    "start, wrongly": posted(
        "/my/start", BEGINNER, 422, hour="99", zone="Moon", about="no", orcid="1"
    ),
    "profiles": Way("/my/profiles", ADA),
    "a profile": Way("/my/profiles/1", ADA),
    "a new profile": Way("/my/profiles/new", ADA),
    "a profile tried out": posted(
        "/my/profiles/1",
        ADA,
        do="look",
        name="main",
        terms="video",
        span="30",
        version="1",
        share="1",
    ),
    "a profile, wrongly": posted("/my/profiles/new", ADA, 422, do="save", name="", share="99"),
    "remove a profile": Way("/my/profiles/1/remove", ADA),
    "profiles, one removed": Way("/my/profiles", PLAIN),
    "versions": Way("/my/profiles/3/versions", PLAIN),
    "two versions": Way("/my/profiles/3/versions/1/3", PLAIN),
    "two versions over a month": Way("/my/profiles/3/versions/1/2?span=30", PLAIN),
    "a version named": posted("/my/profiles/3/versions/1/name", PLAIN, label="As I began"),
    "a version named, wrongly": posted(
        "/my/profiles/3/versions/1/name", PLAIN, 422, label="x" * 81
    ),
    "a version from a page of before": posted(
        "/my/profiles/3/versions/1/restore", PLAIN, 409, version="2"
    ),
    "no trial": Way("/my/profiles/1/trial", ADA),
    "a trial, wrongly": posted("/my/profiles/1/trial", ADA, 422, do="trial", share="99"),
    "advice": Way("/my/profiles/1/advice", ADA),
    "advice on a second profile's like": Way("/my/profiles/3/advice", PLAIN),
    "advice, wrongly": posted(
        "/my/profiles/1/advice", ADA, 422, do="terms:" + "x" * 201, version="1"
    ),
    "advice from a page of before": posted(
        "/my/profiles/3/advice", PLAIN, 409, do="mend:x", version="1"
    ),
    "preferences": Way("/my/preferences", ADA),
    "preferences by a digest's link": Way("/my/preferences", ADA, scope="tune"),
    "preferences, wrongly": posted(
        "/my/preferences", ADA, 422, rhythm="own", hour="99", about="51", most="0", length="x"
    ),
    "a pause, wrongly": posted("/my/pause", ADA, 422, until="2001-01-01", **{"for": "day"}),
    "preferences, in German": posted(
        "/my/preferences",
        LEAVER,
        200,
        rhythm="every",
        hour="7",
        timezone="UTC",
        about="5",
        most="10",
        length="normal",
        language="de",
        name="Cy",
    ),
    "what was learned": Way("/my/learned", ADA),
    "nothing learned": Way("/my/learned", BEGINNER),
    "forget all": Way("/my/learned/forget", ADA),
    "forget what one profile learned": Way("/my/learned/forget?profile=1", ADA),
    "saved": Way("/my/saved", ADA),
    "nothing saved": Way("/my/saved", BEGINNER),
    "my data": Way("/my/data", ADA),
    "my data by a digest's link": Way("/my/data", ADA, scope="tune"),
    "brought back, wrongly": posted("/my/import", ADA, 422),
    "keys": Way("/my/keys", ADA),
    "a new key": posted("/my/keys", ADA, name="reader"),
    "a new key, wrongly": posted("/my/keys", ADA, 422, name=""),
    "delete me": Way("/my/delete", ADA),
    "delete me, unsure": posted("/my/delete", ADA, 422),
    "old links ended": posted("/my/links/renew", PLAIN),
    "deleted": posted("/my/delete", LEAVER, sure="1", suppress="1"),
    "status": Way("/status"),
    "mails": Way("/mails?day=2026-11-20"),
    "no mails": Way("/mails?day=2026-11-01"),
    "a mail": Way(lambda all_: f"/mails/{all_.mail_key}"),
    "a mail's html": Way(lambda all_: f"/mails/{all_.mail_key}/html", is_mail=True),
    "nowhere": Way("/nowhere", status=404),
    "not readable": Way("/?page=x", status=400),
    "not in this way": posted("/about", status=405),
    "not by a digest's link": Way("/my/keys", ADA, scope="tune", status=403),
}
PAGES |= {
    "the admins' door": Way("/admin/sign-in"),
    "the admins' door, from afar": Way("/admin/runs?before=9"),
    "the admins' door, wrongly": posted("/admin/sign-in", status=422, name="ada", password="x"),
    "health": Way("/admin", OWNER),
    "health, as a viewer": Way("/admin", VIEWER),
    "alarms": Way("/admin/alarms", VIEWER),
    "runs": Way("/admin/runs", OPERATOR),
    "runs, as a viewer": Way("/admin/runs", VIEWER),
    "plan a run": Way("/admin/runs/new", OPERATOR),
    "plan a run, as a viewer": Way("/admin/runs/new", VIEWER),
    "plan a run, wrongly": posted(
        "/admin/runs/new", OPERATOR, 422, first="2026-11-20", last="2026-11-01"
    ),
    "a planned run": Way(planned, OPERATOR),
    "a planned run, as a viewer": Way(planned, VIEWER),
    "a run to start, as a viewer": posted(planned, VIEWER, 403, do="start"),
    "a run that is done": Way(done, OPERATOR),
    "a run that is done, to start": posted(done, OPERATOR, 409, do="start"),
    "no run": Way("/admin/runs/nobody", VIEWER, status=404),
    "sources": Way("/admin/sources", OPERATOR),
    "sources, as a viewer": Way("/admin/sources", VIEWER),
    "add a source": Way("/admin/sources/new", OPERATOR),
    "add a source, as a viewer": Way("/admin/sources/new", VIEWER),
    "add a source, wrongly": posted(
        "/admin/sources/new", OPERATOR, 422, do="add", kind="feed", address="nonsense"
    ),
    "a source": Way(f"/admin/sources/{quote(SOURCE)}", OPERATOR),
    "a source, as a viewer": Way(f"/admin/sources/{quote(SOURCE)}", VIEWER),
    "a paused source": Way(f"/admin/sources/{quote(FEED)}", OPERATOR),
    "a folder tried": posted(f"/admin/sources/{quote(SOURCE)}", OPERATOR, do="try"),
    "a source, wrongly": posted(
        f"/admin/sources/{quote(FEED)}", OPERATOR, 422, do="plan", every_minutes="0"
    ),
    "no source": Way("/admin/sources/nobody", VIEWER, status=404),
    "kept pages": Way("/admin/pages", VIEWER),
    "kept pages in quarantine": Way("/admin/pages?state=quarantined", VIEWER),
    "a kept page": Way("/admin/pages/1", OPERATOR),
    "a page in quarantine": Way(quarantined, OPERATOR),
    "a page in quarantine, as a viewer": Way(quarantined, VIEWER),
    "a kept page, wrongly": posted("/admin/pages/1", OPERATOR, 409),
    "no kept page": Way("/admin/pages/999", VIEWER, status=404),
    "readers": Way("/admin/readers", OPERATOR),
    "readers, as a viewer": Way("/admin/readers", VIEWER),
    "readers found": Way("/admin/readers?q=ada&state=active", OPERATOR),
    "readers not found": Way("/admin/readers?q=nobody+like+this", OPERATOR),
    "a reader": Way(reader, OPERATOR),
    "a reader, as a viewer": Way(reader, VIEWER),
    "a reader, wrongly": posted(reader, OPERATOR, 422, do="pause", until="2001-01-01"),
    "no reader": Way("/admin/readers/999", VIEWER, status=404),
    "dead letters": Way("/admin/dead", OPERATOR),
    "dead letters, as a viewer": Way("/admin/dead", VIEWER),
    "no dead letters": Way("/admin/dead?kind=item", OPERATOR),
    "all dead letters, to retry": Way("/admin/dead/all?do=retry", OPERATOR),
    "all dead letters, to drop": Way("/admin/dead/all?do=drop", OPERATOR),
    "all dead letters, as a viewer": Way("/admin/dead/all?do=drop", VIEWER, status=403),
    "all dead letters, from a page of before": posted(
        "/admin/dead/all", OPERATOR, 409, do="retry", mark="x"
    ),
    "a dead mail": Way(dead, OPERATOR),
    "a dead mail, as a viewer": Way(dead, VIEWER),
    "a dead digest": Way(lambda all_: f"/admin/dead/digest/{all_.office.digest}", OPERATOR),
    "a dead page": Way(lambda all_: f"/admin/dead/page/{all_.office.page}", OPERATOR),
    "nothing dead": Way("/admin/dead/page/1", VIEWER, status=404),
    "deliveries": Way("/admin/deliveries", OPERATOR),
    "deliveries of one reader": Way("/admin/deliveries?reader=1&state=sent", VIEWER),
    "unsure deliveries": Way("/admin/deliveries/unsure", OPERATOR),
    "unsure deliveries, as a viewer": Way("/admin/deliveries/unsure", VIEWER, status=403),
    "unsure deliveries, from a page of before": posted(
        "/admin/deliveries/unsure", OPERATOR, 422, do="again", mark="x", why="the log"
    ),
    "an unsure mail": Way(unsure, OPERATOR),
    "an unsure mail, as a viewer": Way(unsure, VIEWER),
    "an unsure mail, without a why": posted(unsure, OPERATOR, 422, do="arrived"),
    "a sent mail": Way("/admin/deliveries/1", OPERATOR),
    "no mail of that number": Way("/admin/deliveries/999", VIEWER, status=404),
    "a preview": Way("/admin/preview", VIEWER),
    "a preview in German": Way("/admin/preview?language=de&terms=attention", VIEWER),
    "a preview of a letter in plain text": Way(
        "/admin/preview?mail=sign-in&text_only=true", VIEWER
    ),
    "a preview, wrongly": Way("/admin/preview?mail=x", VIEWER, status=422),
    "a preview's html": Way("/admin/preview/html", VIEWER, is_mail=True),
    "a preview that does not watch": Way("/admin/preview/changed", VIEWER, status=404),
    "settings": Way("/admin/settings", VIEWER),
    "audit": Way("/admin/audit", VIEWER),
    "audit of one": Way(f"/admin/audit?who={OPERATOR}", VIEWER),
    "admins": Way("/admin/admins", OWNER),
    "admins, as an operator": Way("/admin/admins", OPERATOR, status=403),
    "an admin": Way(f"/admin/admins/{VIEWER}", OWNER),
    "oneself as an admin": Way(f"/admin/admins/{OWNER}", OWNER),
    "an admin, wrongly": posted(f"/admin/admins/{VIEWER}/remove", OWNER, 422, password="x"),
    "no admin": Way("/admin/admins/nobody", OWNER, status=404),
    "an admin's own page": Way("/admin/me", OWNER),
    "a viewer's own page": Way("/admin/me", VIEWER),
    "an admin's password, wrongly": posted(
        "/admin/me/password", OPERATOR, 422, old="x", new="y", again="z"
    ),
    "an admin's key, wrongly": posted("/admin/me/keys", OPERATOR, 422, role=VIEWER),
    "nowhere on the admin's side": Way("/admin/nowhere", OWNER, status=404),
    "not readable on the admin's side": Way("/admin/audit?before=x", OWNER, status=400),
}
FILES: dict[str, At] = {
    "/feed.atom": lambda _: "/feed.atom",
    "/feeds/{mark}.atom": lambda all_: all_.feed("atom"),
    "/feeds/{mark}.json": lambda all_: all_.feed("json"),
    "/my/export.json": lambda _: "/my/export.json",
    "/my/saved.bib": lambda _: "/my/saved.bib",
    "/my/saved.ris": lambda _: "/my/saved.ris",
    "/admin/now": lambda _: "/admin/now",
    "/admin/pages/{page_id}/raw": lambda all_: f"{quarantined(all_)}/raw",
    "/admin/runs/{code}/progress": lambda all_: f"{done(all_)}/progress",
    "/metrics": lambda _: "/metrics",
    "/livez": lambda _: "/livez",
    "/readyz": lambda _: "/readyz",
    "/static/{name}": lambda _: "/static/app.css",
}


def looked_at(all_: Settled) -> list[str]:
    """The paths that a GET opens, each once: pages and files."""
    opened = [way.at(all_) for way in PAGES.values() if way.fields is None]
    return list(dict.fromkeys([*opened, *(path(all_) for path in FILES.values())]))
