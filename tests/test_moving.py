"""A reader's data, taken along and brought back: whole, once, and nobody else's."""

from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from papers import add_folder, add_reader, api_json, bring, entry, page
from sqlmodel import Session, select

from tasks.desk.document import read
from tasks.desk.erasing import erase
from tasks.desk.moving import bring_back, export, unpack
from tasks.desk.subscribing import subscribe
from tasks.errors import UnknownName, UsageError
from tasks.models import Digest, Entry, Pick, Profile, Shard
from tasks.models import Score as ScoreRow
from tasks.records import Composition, Reader, Reason, Score, Want
from tasks.records import Pick as PickRecord
from tasks.round.context import Context
from tasks.round.tick import tick
from tasks.round.walk import run_once
from tasks.store import digests, entries, feedback, profiles, readers, shards

ADA = "ada@readers.example"
DAY = timedelta(days=1)
Change = Callable[[dict[str, Any]], object]


@pytest.fixture
def ada(context: Context, now: datetime) -> int:
    """A reader with a history: two profiles, four versions, a digest, feedback of every kind."""
    with context.database.write() as session:
        key = add_reader(
            session,
            now - DAY,
            ADA,
            name="Ada",
            timezone="Europe/Rome",
            hour=6,
            about=7.5,
            length="long",
        )
        for number, terms in enumerate((["tidal energy"], ["tidal energy", "waves"])):
            body = {"terms": terms, "share": 2.0}
            profiles.save(session, key, "the sea", body, now - DAY + timedelta(hours=number))
        profiles.save(session, key, "main", {"terms": ["sparse attention"], "less": ["x"]}, now)
        bring(session, page(*(entry(n) for n in range(10))), now)
        send(session, key, (1, 3, 6, 9), now)
        feedback.give(session, key, 1, Want.LESS, now)
        feedback.give(session, key, 3, Want.MORE, now - DAY)
        feedback.give(session, key, 3, Want.SAVE, now)
        feedback.forget(session, key, 3)
        feedback.give(session, key, 10, Want.HIDE, now)
    return key


def send(session: Session, reader_id: int, entry_ids: Sequence[int], now: datetime) -> None:
    """A digest of these papers that went out today."""
    digests.plan(session, [(reader_id, now.date(), now)], now)
    claim: dict[str, Any] = {"owner": "w", "now": now, "limit": 1}
    (key,) = digests.claim(session, "planned", 1, 999, **claim)
    reasons = (Reason(kind="term", label="waves", value=1.25),)
    picks = tuple(
        PickRecord(
            place=place,
            paper=entries.find(session, entry_id),
            score=Score(entry_id=entry_id, profile_id=1, value=0.5, raw=1.25, reasons=reasons),
            profile_name="main",
        )
        for place, entry_id in enumerate(entry_ids, start=1)
    )
    outcome = Composition(picks=picks, considered=10)
    digests.composed(session, key, outcome, owner="w", at=now)
    digests.claim(session, "composed", key, key, **claim)
    digests.rendered(session, key, "Study 0 + 3 more", owner="w", at=now)


def subscribed(context: Context, email: str = ADA) -> int:
    """A reader of that address without a past."""
    with context.database.write() as session:
        found = readers.by_email(session, email)
        if found is None:
            record = Reader(id=0, email=email)
            return readers.add(session, record, next_digest_at=None, now=context.clock())
        readers.change(session, found.id, state="active")
        return found.id


def without_account(body: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != "account"}


def sent_to(context: Context, reader_id: int) -> set[int | str]:
    with context.database.read() as session:
        return digests.known_to(session, reader_id)


def test_an_export_holds_all_of_it_as_json(context: Context, ada: int, now: datetime) -> None:
    body = json.loads(json.dumps(export(context, ada)))
    assert body["version"] == 1
    assert body["account"]["email"] == ADA
    assert body["preferences"]["days"] == [1, 2, 3, 4, 5, 6, 7]
    assert body["preferences"]["timezone"] == "Europe/Rome"
    saved = {one["name"]: [v["number"] for v in one["versions"]] for one in body["profiles"]}
    assert saved == {"main": [1, 2], "the sea": [1, 2]}
    assert body["profiles"][1]["versions"][1]["body"]["terms"] == ["tidal energy", "waves"]
    assert [one["want"] for one in body["feedback"]] == ["less", "save", "hide"]
    assert {one["teaches"] for one in body["feedback"]} == {True, False}
    (digest,) = body["digests"]
    assert (digest["day"], len(digest["picks"])) == ("2026-11-20", 4)
    assert digest["picks"][0]["paper"]["arxiv"].startswith("2611.")
    assert digest["picks"][0]["reasons"], "why is said along with what"


def test_an_export_holds_no_secret(context: Context, ada: int) -> None:
    with context.database.read() as session:
        reader = readers.get(session, ada)
    text = json.dumps(export(context, ada))
    assert reader.token not in text
    assert str(reader.epoch) not in text


def test_who_erases_themselves_and_comes_back_is_the_same_reader(
    context: Context, ada: int, now: datetime
) -> None:
    before = json.loads(json.dumps(export(context, ada)))
    papers = sent_to(context, ada)
    erase(context, ada, suppress=False)
    subscribe(context, ADA, net="192.0.2.1")
    back = subscribed(context)
    brought = bring_back(context, back, before)
    assert brought.unknown == ()
    assert brought.counts == {
        "profiles": 2, "versions": 4, "feedback": 3, "digests": 1, "papers": 4,
    }  # fmt: skip
    assert without_account(export(context, back)) == without_account(before)
    assert sent_to(context, back) == papers


def test_no_paper_comes_twice_after_an_import(context: Context, ada: int, now: datetime) -> None:
    folder = context.settings.home / "pages"
    folder.mkdir()
    (folder / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    with context.database.write() as session:
        add_folder(session, folder, now)
    before = export(context, ada)
    erase(context, ada, suppress=False)
    back = subscribed(context)
    bring_back(context, back, before)
    sent = {one["paper"]["title"] for one in before["digests"][0]["picks"]}
    context.clock.moment = now + DAY  # type: ignore[attr-defined]
    run_once(context, now + DAY)
    with context.database.read() as session:
        rows = {row["day"]: row for row in digests.rows(session, reader_id=back)}
    assert rows[date(2026, 11, 20)]["state"] == "imported", "the mail of that day had gone out"
    assert rows[date(2026, 11, 20)]["delivery"] is None
    fresh = {pick.paper.title for pick in rows[date(2026, 11, 21)]["picks"]}
    assert fresh
    assert not fresh & sent


def test_bringing_it_back_twice_changes_nothing(context: Context, ada: int) -> None:
    before = export(context, ada)
    again = bring_back(context, ada, before)
    assert set(again.counts.values()) == {0}
    assert export(context, ada) == before


def test_a_round_passes_over_imported_digests(context: Context, ada: int, now: datetime) -> None:
    before = export(context, ada)
    bo = subscribed(context, "bo@readers.example")
    bring_back(context, bo, before)
    with context.database.write() as session:
        assert digests.bury(session, now) == 0
        for state in ("planned", "composed"):
            assert digests.due(session, state, now, 99) == []
    tick(context, now)
    with context.database.read() as session:
        (row,) = digests.rows(session, reader_id=bo)
    assert (row["state"], len(row["picks"])) == ("imported", 4)


def test_a_digest_that_has_not_gone_out_gives_way(
    context: Context, ada: int, now: datetime
) -> None:
    before = export(context, ada)
    bo = subscribed(context, "bo@readers.example")
    with context.database.write() as session:
        digests.plan(session, [(bo, date(2026, 11, 20), now)], now)
    bring_back(context, bo, before)
    assert without_account(export(context, bo)) == without_account(before)


def test_behind_a_digest_that_went_out_papers_are_added(
    context: Context, ada: int, now: datetime
) -> None:
    before = export(context, ada)
    with context.database.write() as session:
        bo = add_reader(session, now, "bo@readers.example")
        send(session, bo, (2, 4), now)
    bring_back(context, bo, before)
    with context.database.read() as session:
        (digest,) = session.exec(select(Digest).where(Digest.reader_id == bo))
        places = session.exec(select(Pick.place).where(Pick.digest_id == digest.id)).all()
        assert digest.state == "rendered"
        assert sorted(places) == [1, 2, 3, 4, 5, 6]
    assert sent_to(context, ada) - {10} <= sent_to(context, bo)


def test_what_the_reader_said_here_since_stays(context: Context, ada: int, now: datetime) -> None:
    before = export(context, ada)
    bo = subscribed(context, "bo@readers.example")
    with context.database.write() as session:
        hated = next(row.paper for row in feedback.said(session, ada) if row.want is Want.LESS)
        feedback.give(session, bo, int(hated.id), Want.MORE, now)
        profiles.save(session, bo, "main", {"terms": ["my own"]}, now)
    assert bring_back(context, bo, before).counts["feedback"] == 2
    after = export(context, bo)
    assert [one["want"] for one in after["feedback"]].count("less") == 0
    main = next(one for one in after["profiles"] if one["name"] == "main")
    assert [one["body"]["terms"] for one in main["versions"]] == [
        ["my own"], ["sparse attention"], ["sparse attention"],
    ]  # fmt: skip
    assert [one["number"] for one in main["versions"]] == [1, 2, 3]


def test_papers_that_are_not_known_here_are_named(context: Context, ada: int) -> None:
    body = export(context, ada)
    strange = {"arxiv": "1901.00001", "doi": None, "title": "Nobody has this"}
    body["feedback"][0]["paper"] = strange
    body["digests"][0]["picks"][0]["paper"] = strange
    body["digests"].append(copy.deepcopy(body["digests"][0]) | {"day": "2026-11-19"})
    body["digests"][1]["picks"] = [dict(body["digests"][0]["picks"][0])]
    bo = subscribed(context, "bo@readers.example")
    brought = bring_back(context, bo, body)
    assert brought.unknown == ("Nobody has this",)
    assert (brought.counts["feedback"], brought.counts["papers"]) == (2, 3)
    assert brought.counts["digests"] == 1, "a day without a known paper leaves no digest"


def test_papers_are_known_by_whatever_they_share(context: Context, ada: int) -> None:
    body = export(context, ada)
    paper = body["feedback"][0]["paper"]
    body["feedback"][0]["paper"] = {"arxiv": None, "doi": None, "title": paper["title"].upper()}
    bo = subscribed(context, "bo@readers.example")
    assert bring_back(context, bo, body).unknown == ()


def test_merged_papers_are_told_by_the_one_that_stays(
    context: Context, ada: int, now: datetime
) -> None:
    with context.database.write() as session:
        bring(session, page(entry(77, arxiv_id=None, title="Alone")), now, body=b"a", source="x")
        lost = session.exec(select(Entry).where(Entry.title == "Alone")).one()
        feedback.give(session, ada, int(lost.id or 0), Want.SAVE, now)
        keep = session.get_one(Entry, 1)
        lost.merged_into = keep.id
        title = keep.title
    assert title in [one["paper"]["title"] for one in export(context, ada)["feedback"]]


def test_nothing_comes_of_a_document_for_who_is_gone(context: Context, ada: int) -> None:
    body = export(context, ada)
    for act in (lambda: export(context, 999), lambda: bring_back(context, 999, body)):
        with pytest.raises(UnknownName):
            act()


def put(*path: str | int, to: object) -> Change:
    """Set a member, deep in the document."""

    def change(body: Any) -> None:
        for step in path[:-1]:
            body = body[step]
        body[path[-1]] = to

    return change


def drop(key: str) -> Change:
    return lambda body: body.pop(key)


def twice(part: str) -> Change:
    return lambda body: body[part].append(copy.deepcopy(body[part][0]))


PAPER = {"arxiv": "2611.00001", "doi": None, "title": "Study 1"}
DOCUMENT: dict[str, Any] = {
    "version": 1,
    "account": {"email": ADA, "since": "2026-11-01T00:00:00+00:00", "confirmed_at": None},
    "preferences": {
        "name": "Ada", "timezone": "Europe/Rome", "days": [1, 2], "hour": 6, "language": "en",
        "about": 5, "most": 10, "threshold": 0.02, "length": "long", "explore": True,
        "text_only": False,
    },
    "profiles": [
        {
            "name": name,
            "versions": [
                {"number": 1, "saved_at": "2026-11-02T00:00:00+00:00", "body": {"terms": ["x"]}},
                {"number": 2, "saved_at": "2026-11-03T00:00:00+00:00", "body": {"terms": ["y"]}},
            ],
        }
        for name in ("main", "the sea")
    ],
    "feedback": [
        {"paper": PAPER, "want": "less", "at": "2026-11-04T00:00:00+00:00", "profile": "main",
         "teaches": True},
    ],
    "digests": [
        {
            "day": "2026-11-20", "made_at": "2026-11-20T06:00:00+00:00", "subject": "Study 1",
            "considered": 10,
            "picks": [
                {"place": place, "paper": PAPER, "profile": "main", "kind": "match", "note": "",
                 "value": 0.5, "raw": 1.25, "reasons": [["term", "x", 1.25]]}
                for place in (1, 2)
            ],
        },
    ],
}  # fmt: skip
PICK = ("digests", 0, "picks", 0)
WRONG: list[tuple[Change, str]] = [
    (put("version", to=2), "version must be 1"),
    (put("version", to=[]), "version must be 1"),
    (put("more", to=1), "the document may not have 'more'"),
    (drop("feedback"), "the document must have 'feedback'"),
    (put("account", to=None), "account must be an object"),
    (put("preferences", "hour", to=24), r"preferences\.hour cannot be taken: The hour is"),
    (put("preferences", "days", to=[]), r"preferences\.days cannot be taken"),
    (put("preferences", "timezone", to="/etc"), r"preferences\.timezone cannot be taken"),
    (put("preferences", "name", to="\ud800"), r"preferences\.name holds what is no character"),
    (put("profiles", to={}), "profiles must be a list"),
    (twice("profiles"), r"profiles\[2\] is a second profile 'main'"),
    (put("profiles", 0, "name", to="\n "), r"profiles\[0\]\.name cannot be taken: A profile needs"),
    (
        put("profiles", 0, "name", to="x" * 81),
        r"profiles\[0\]\.name cannot be taken: A profile needs",
    ),
    (
        put("profiles", 0, "name", to="the\x00 sea"),
        r"profiles\[0\]\.name holds what is no character",
    ),
    (
        put("profiles", 0, "name", to="the \u202esea"),
        r"profiles\[1\] is a second profile 'the sea'",
    ),
    (put("profiles", to=[{}] * 21), "profiles has 21 members: 20 at most"),
    (put("profiles", 0, "versions", to=[]), r"profiles\[0\]\.versions must stand in the order"),
    (put("profiles", 0, "versions", 1, "number", to=1), r"profiles\[0\]\.versions must stand"),
    (put("profiles", 0, "versions", 0, "body", to={"x": 1}), r"versions\[0\]\.body is no profile"),
    (put("feedback", to=[{}] * 100_001), "feedback has 100001 members: 100000 at most"),
    (put("feedback", 0, "want", to="love"), r"feedback\[0\]\.want must be one of more, less"),
    (put("feedback", 0, "want", to=["less"]), r"feedback\[0\]\.want must be one of"),
    (put("feedback", 0, "teaches", to=1), r"feedback\[0\]\.teaches must be true or false"),
    (put("feedback", 0, "at", to="2026-11-20"), r"feedback\[0\]\.at must be a moment"),
    (put("feedback", 0, "at", to="yesterday"), r"feedback\[0\]\.at must be a moment"),
    (put("feedback", 0, "at", to="2026-12-20T07:00:00+00:00"), "lies in the future"),
    (put("feedback", 0, "paper", to={"arxiv": None, "doi": None, "title": " "}), "names no paper"),
    (put("feedback", 0, "profile", to="\x00"), "holds what is no character"),
    (twice("digests"), "digests must have one digest for a day"),
    (put("digests", 0, "day", to="2026-11-22"), r"digests\[0\]\.day lies in the future"),
    (put("digests", 0, "day", to="1066-10-14"), r"digests\[0\]\.day is too far away"),
    (put("digests", 0, "day", to="Monday"), r"digests\[0\]\.day must be a day"),
    (put("digests", 0, "considered", to=1.5), "considered must be a whole number"),
    (put("digests", 0, "considered", to=10**400), r"considered must be a number from 0 to 1e\+06"),
    (put(*PICK, "raw", to=-(10**400)), r"picks\[0\]\.raw must be a number from"),
    (put(*PICK, "raw", to=float("inf")), r"picks\[0\]\.raw must be a number from"),
    (put(*PICK, "place", to=0), r"digests\[0\]\.picks\[0\]\.place must be a number from 1"),
    (put(*PICK, "place", to=2), r"digests\[0\]\.picks must each have a place"),
    (put(*PICK, "value", to=float("nan")), r"picks\[0\]\.value must be a number"),
    (put(*PICK, "value", to=True), r"picks\[0\]\.value must be a number"),
    (put(*PICK, "reasons", to=[["term", "x"]]), r"reasons\[0\] must be a kind, a label"),
    (put(*PICK, "kind", to="advertisement"), r"picks\[0\]\.kind must be one of match"),
]


@pytest.mark.parametrize(("change", "words"), WRONG)
def test_what_is_wrong_is_named_by_its_path(change: Change, words: str, now: datetime) -> None:
    body = copy.deepcopy(DOCUMENT)
    assert read(body, now=now)
    change(body)
    with pytest.raises(UsageError, match=words):
        read(body, now=now)


def test_a_document_that_is_wrong_anywhere_changes_nothing(context: Context, ada: int) -> None:
    before = export(context, ada)
    body = copy.deepcopy(before)
    body["preferences"]["hour"] = 9
    body["digests"][0]["picks"][3]["value"] = 2
    with pytest.raises(UsageError, match=r"picks\[3\]\.value"):
        bring_back(context, ada, body)
    assert export(context, ada) == before


@pytest.mark.parametrize("body", [None, [], "x", 1, {1: 2}])
def test_what_is_no_document_is_refused(body: object, now: datetime) -> None:
    with pytest.raises(UsageError, match="the document"):
        read(body, now=now)


def test_moments_come_back_in_utc(context: Context, ada: int) -> None:
    body = export(context, ada)
    body["feedback"][0]["at"] = "2026-11-20T08:00:00+02:00"
    bo = subscribed(context, "bo@readers.example")
    bring_back(context, bo, body)
    with context.database.read() as session:
        assert datetime(2026, 11, 20, 6, 0, tzinfo=UTC) in [
            one.at for one in feedback.said(session, bo)
        ]


def profile(name: str, *terms: str) -> dict[str, Any]:
    """A profile of the document, with a version for each term."""
    saved: dict[str, Any] = {"saved_at": "2026-11-02T00:00:00+00:00"}
    versions = [
        saved | {"number": number, "body": {"terms": [term]}}
        for number, term in enumerate(terms, start=1)
    ]
    return {"name": name, "versions": versions}


def saved_of(context: Context, reader_id: int) -> dict[str, int]:
    """The profiles of a reader, and the version in force of each."""
    with context.database.read() as session:
        return {one.name: one.version for one in profiles.saved(session, reader_id)}


def test_there_are_no_more_profiles_than_there_can_be(context: Context, ada: int) -> None:
    body = export(context, ada) | {"profiles": [profile(f"p{n}", "x") for n in range(19)]}
    before = export(context, ada)
    with pytest.raises(UsageError, match="would be 21 together, and 20 is the most"):
        bring_back(context, ada, body)
    assert export(context, ada) == before
    body["profiles"][0]["name"] = "main"
    assert bring_back(context, ada, body).counts["profiles"] == 19
    assert len(saved_of(context, ada)) == 20
    body["profiles"] = [profile("one more", "x")]
    with pytest.raises(UsageError, match="20 is the most"):
        bring_back(context, ada, body)


def test_of_very_many_versions_the_last_of_each_profile_come_back(
    context: Context, ada: int, now: datetime
) -> None:
    body = export(context, ada)
    long = profile("long", *(f"term {n}" for n in range(600)))
    body["profiles"] = [long, profile("short", "x"), profile("mine", *map(str, range(300)))]
    bo = subscribed(context, "bo@readers.example")
    assert bring_back(context, bo, body).counts["versions"] == 166 + 1 + 166
    assert saved_of(context, bo) == {"long": 166, "short": 1, "mine": 166}
    with context.database.read() as session:
        last = {one.name: one.body for one in profiles.saved(session, bo)}
    assert last["long"] == {"terms": ["term 599"]}
    assert set(bring_back(context, bo, body).counts.values()) == {0}


def test_a_profile_that_came_back_shares_and_is_scored_anew(
    context: Context, ada: int, now: datetime
) -> None:
    body = export(context, ada) | {"profiles": [profile("main", "waves", "tides")]}
    body["profiles"][0]["versions"][1]["body"]["share"] = 3.5
    with context.database.write() as session:
        model = shards.save_model(session, version="v", papers=1, data=b"m", now=now)
        main = next(one.id for one in profiles.saved(session, ada) if one.name == "main")
        score = Score(entry_id=1, profile_id=main, value=0.5, raw=1.0, reasons=())
        kept = [(ada, 2, entries.find(session, 1), score)]
        shards.keep(session, kept, model_id=model, at=now)
        before = session.get_one(Shard, 1).generation
    bring_back(context, ada, body)
    with context.database.read() as session:
        row = session.get_one(Profile, main)
        assert (row.version, row.share) == (4, 3.5)
        assert session.exec(select(ScoreRow)).all() == []
        assert session.get_one(Shard, 1).generation > before


def test_a_digest_that_is_due_already_is_not_lost(
    context: Context, ada: int, now: datetime
) -> None:
    body = export(context, ada)
    body["preferences"]["hour"] = 23
    for coming, then in (
        (now - timedelta(minutes=5), now - timedelta(minutes=5)),
        (now + timedelta(hours=1), datetime(2026, 11, 20, 22, tzinfo=UTC)),
    ):
        with context.database.write() as session:
            readers.change(session, ada, hour=6, next_digest_at=coming)
        bring_back(context, ada, body)
        with context.database.read() as session:
            assert readers.looked_at(session, ada) == then


def test_an_example_of_a_later_day_is_of_the_day_that_it_was_saved(
    context: Context, ada: int
) -> None:
    body = export(context, ada) | {"profiles": [profile("main", "waves")]}
    papers = [{"title": "One", "given": "9999-12-31"}, {"title": "Two", "given": "2025-01-01"}]
    body["profiles"][0]["versions"][0]["body"]["examples"] = papers
    bo = subscribed(context, "bo@readers.example")
    bring_back(context, bo, body)
    with context.database.read() as session:
        (asked,) = profiles.of_reader(session, bo)
    days = [one.given for one in asked.profile.examples]
    assert days == [date(2026, 11, 2), date(2025, 1, 1)]


def test_a_document_names_only_so_many_papers(now: datetime) -> None:
    body = copy.deepcopy(DOCUMENT)
    body["feedback"] = body["feedback"] * 50_001
    with pytest.raises(UsageError, match=r"feedback\[50000\]\.paper is one paper too many"):
        read(body, now=now)


def test_a_file_is_read_as_it_is_and_packed() -> None:
    plain = json.dumps(DOCUMENT).encode()
    assert unpack(plain) == DOCUMENT
    assert unpack(gzip.compress(plain)) == DOCUMENT


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"\x1f\x8b", "the file ends too early"),
        (gzip.compress(b"[1, 2]")[:-9], "the file ends too early"),
        (gzip.compress(b"[1, 2]")[:-8] + b"12345678", "no sound gzip file"),
        (b"\x1f\x8bxxxxxxxxxxxxxxx", "no sound gzip file"),
        (gzip.compress(b"["), "no JSON document"),
        (gzip.compress(b" " * 60_000_001), "larger than 60 MB when it is unpacked"),
        (b"[" + b"[]," * 1_500_000 + b"[]]", "more than 3,000,000 values"),
        (b"[" + b"9" * 5000 + b"]", "no JSON document"),
    ],
    ids=["head", "cut", "sum", "bytes", "json", "bomb", "lists", "digits"],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_reason(data: bytes, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        unpack(data)
