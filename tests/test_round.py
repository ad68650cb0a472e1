"""One whole round with no broker: the database is the queue."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import numpy as np
import pytest
from papers import add_folder, add_reader, api_json, entry
from sqlmodel import select

from tasks import models
from tasks.records import PickKind, Ring, Step
from tasks.round import composing, scoring
from tasks.round.context import Context
from tasks.round.scoring import fitted
from tasks.round.tick import plan_day, tick
from tasks.round.walk import run_once
from tasks.store import digests, pages, readers, report, sources, watch
from tasks.store.claims import ATTEMPTS_MOST


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Saved pages: ten papers, two of each subject."""
    path = tmp_path / "pages"
    path.mkdir()
    (path / "2026-11-20.json").write_bytes(api_json(*(entry(n) for n in range(10))))
    return path


@pytest.fixture
def set_up(context: Context, folder: Path, now: datetime) -> Context:
    """A source and three readers with different interests."""
    with context.database.write() as session:
        add_folder(session, folder, now)
        add_reader(session, now, "ada@readers.example", terms=["sparse attention"])
        add_reader(session, now, "bo@readers.example", terms=["tidal energy", "graph kernels"])
        add_reader(session, now, "cy@readers.example", terms=["medieval poetry"])
    return context


def mails(context: Context) -> list[str]:
    box = context.settings.mailbox / "new"
    return sorted(path.name for path in box.iterdir()) if box.exists() else []


def rows(context: Context) -> dict[str, dict[str, object]]:
    with context.database.read() as session:
        return {row["reader"]: row for row in digests.rows(session)}


def at_later(context: Context, moment: datetime) -> Context:
    context.clock.moment = moment  # type: ignore[attr-defined]
    return context


def test_each_reader_gets_their_own_papers_once(set_up: Context, now: datetime) -> None:
    run_once(set_up, now)
    found = rows(set_up)
    titles = {who: {p.paper.title for p in row["picks"]} for who, row in found.items()}  # type: ignore[attr-defined]
    assert titles["ada@readers.example"] == {
        "Study 0 of sparse attention",
        "Study 5 of sparse attention",
    }
    assert len(titles["bo@readers.example"]) == 4
    assert found["cy@readers.example"]["state"] == "empty"
    assert "none of 10 new papers" in str(found["cy@readers.example"]["reason"])
    assert len(mails(set_up)) == 2
    assert {row["delivery"] for row in found.values()} == {"sent", None}


def test_a_mail_says_what_was_picked_and_why(set_up: Context, now: datetime) -> None:
    run_once(set_up, now)
    key = rows(set_up)["ada@readers.example"]["key"]
    body = (set_up.settings.mailbox / "new" / str(key)).read_bytes()
    message = message_from_bytes(body, policy=policy.default)
    assert message["To"] == "ada@readers.example"
    assert "sparse attention" in message["Subject"]
    text = message.get_body(("plain",))
    assert text is not None
    assert "sparse attention" in text.get_content()


def test_a_reader_who_wants_plain_text_gets_nothing_else(set_up: Context, now: datetime) -> None:
    with set_up.database.write() as session:
        add_reader(session, now, "dot@readers.example", text_only=True)
    run_once(set_up, now)
    key = rows(set_up)["dot@readers.example"]["key"]
    body = (set_up.settings.mailbox / "new" / str(key)).read_bytes()
    assert message_from_bytes(body, policy=policy.default).get_content_type() == "text/plain"


def test_a_second_round_of_the_day_sends_nothing(set_up: Context, now: datetime) -> None:
    run_once(set_up, now)
    before = mails(set_up)
    assert run_once(set_up, now + timedelta(hours=2)) > 0, "the source is looked at again"
    assert mails(set_up) == before


def test_the_next_day_brings_only_what_is_new(set_up: Context, folder: Path, now: datetime) -> None:
    run_once(set_up, now)
    repeated = [entry(n) for n in range(10)]
    news = entry(15, title="A new look at sparse attention")
    (folder / "2026-11-21.json").write_bytes(api_json(*repeated, news))
    tomorrow = now + timedelta(days=1)
    run_once(at_later(set_up, tomorrow), tomorrow)
    with set_up.database.read() as session:
        again = digests.rows(session, day=date(2026, 11, 21))
    picked = {row["reader"]: [p.paper.title for p in row["picks"]] for row in again}
    assert picked["ada@readers.example"] == ["A new look at sparse attention"]
    assert picked["bo@readers.example"] == []
    assert len(mails(set_up)) == 3


def test_the_reasons_that_are_kept_add_up(set_up: Context, now: datetime) -> None:
    run_once(set_up, now)
    picks = [pick for row in rows(set_up).values() for pick in row["picks"]]  # type: ignore[attr-defined]
    assert picks
    for pick in picks:
        assert sum(r.value for r in pick.score.reasons) == pytest.approx(pick.score.raw, abs=1e-9)


def test_a_page_that_cannot_be_read_is_set_aside_and_the_rest_goes_on(
    set_up: Context, folder: Path, now: datetime
) -> None:
    (folder / "broken.json").write_bytes(b'[{"paper": ')
    (folder / "empty.html").write_bytes(b"")
    run_once(set_up, now)
    with set_up.database.read() as session:
        aside = {
            row["name"]: str(row["reason"]).partition(":")[0] for row in watch.quarantine(session)
        }
    assert aside["broken.json"] == "bad_json"
    assert len(mails(set_up)) == 2


def test_every_step_may_run_twice(set_up: Context, now: datetime) -> None:
    run_once(set_up, now)
    with set_up.database.read() as session:
        before = report.mark(session)
    from tasks.round.walk import STEPS

    for step in Step:
        assert STEPS[step](set_up, 1, 1000, now) == []
    with set_up.database.read() as session:
        assert report.mark(session) == before


def test_a_reader_who_left_between_rendering_and_delivery_gets_nothing(
    set_up: Context, now: datetime
) -> None:
    def leave(ring: Ring) -> None:
        if ring.step is Step.DELIVER:
            with set_up.database.write() as session:
                readers.set_state(session, "ada@readers.example", "unsubscribed")

    run_once(set_up, now, leave)
    assert rows(set_up)["ada@readers.example"]["delivery"] == "suppressed"
    assert len(mails(set_up)) == 1


def test_digests_wait_while_papers_are_on_their_way_but_not_for_ever(
    set_up: Context, now: datetime
) -> None:
    rings = tick(set_up, now)
    assert {ring.step for ring in rings} == {Step.FETCH}, "the source is due: nobody composes yet"
    later = now + composing.HOLD_FOR + timedelta(minutes=1)
    assert Step.COMPOSE in {ring.step for ring in tick(at_later(set_up, later), later)}


def test_digests_wait_for_a_page_that_has_ended_a_worker(set_up: Context, now: datetime) -> None:
    from tasks.round.fetching import fetch

    tick(set_up, now)
    fetch(set_up, 1, 9, now)
    for _ in range(2):
        with set_up.database.write() as session:
            assert pages.claim(session, 1, 9, owner="dying", now=set_up.clock())
        at_later(set_up, set_up.clock() + 2 * pages.LEASE)
    assert {ring.step for ring in tick(set_up, now)} == {Step.PARSE}
    run_once(set_up, now)
    assert len(mails(set_up)) == 2


def test_readers_are_served_at_their_own_hour(set_up: Context, now: datetime) -> None:
    with set_up.database.write() as session:
        add_reader(session, now, "far@readers.example", timezone="America/Los_Angeles", hour=7)
        for row in session.exec(
            select(models.Reader).where(models.Reader.email == "far@readers.example")
        ):
            row.next_digest_at = now + timedelta(hours=5, minutes=30)
    run_once(set_up, now)
    assert "far@readers.example" not in rows(set_up)
    evening = now + timedelta(hours=6)
    run_once(at_later(set_up, evening), evening)
    assert rows(set_up)["far@readers.example"]["delivery"] == "sent"


def test_after_days_of_silence_one_digest_holds_what_came_meanwhile(
    set_up: Context, now: datetime
) -> None:
    run_once(set_up, now)
    back = now + timedelta(days=3)
    run_once(at_later(set_up, back), back)
    with set_up.database.read() as session:
        days = {row["day"] for row in digests.rows(session)}
    assert days == {date(2026, 11, 20), date(2026, 11, 23)}


def test_a_source_that_fails_backs_off_alone(set_up: Context, now: datetime) -> None:
    with set_up.database.write() as session:
        add_folder(session, Path("/nowhere/at/all"), now, "gone")
    run_once(set_up, now)
    with set_up.database.read() as session:
        gone = next(row for row in sources.rows(session) if row["name"] == "gone")
    assert gone["failures"] == 1
    assert gone["next_at"] == now + sources.RETRY_FIRST
    assert "/nowhere/at/all" in str(gone["error"])
    assert len(mails(set_up)) == 2


def test_a_new_profile_is_scored_before_the_digest_is_composed(
    set_up: Context, now: datetime
) -> None:
    run_once(set_up, now)
    with set_up.database.write() as session:
        add_reader(session, now, "late@readers.example", terms=["speech codecs"])
    run_once(set_up, now)
    assert rows(set_up)["late@readers.example"]["delivery"] == "sent"


def test_a_near_miss_with_new_votes_comes_three_days_later_and_says_so(
    context: Context, folder: Path, now: datetime
) -> None:
    with context.database.write() as session:
        add_folder(session, folder, now)
        add_reader(session, now, terms=["sparse attention"], threshold=0.5)
    run_once(context, now)
    assert rows(context)["ada@readers.example"]["state"] == "empty"
    (folder / "later.json").write_bytes(api_json(entry(5, upvotes=300), entry(0)))
    later = now + timedelta(days=3)
    run_once(at_later(context, later), later)
    with context.database.read() as session:
        found = [row for row in digests.rows(session) if row["picks"]]
    ((late,),) = [row["picks"] for row in found]
    assert (late.kind, late.note) == (PickKind.LATE, "295 votes since")
    assert late.paper.title == "Study 5 of sparse attention"
    body = (context.settings.mailbox / "new" / str(found[0]["key"])).read_bytes()
    assert (
        "late bloomer (295 votes since)"
        in message_from_bytes(body, policy=policy.default).get_body(("plain",)).get_content()
    )  # type: ignore[union-attr]


class Spelling:
    """An encoder for tests: the letters of a text are its meaning."""

    def __init__(self, version: str) -> None:
        self.version, self.width = version, 26

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        found = np.zeros((len(texts), self.width), dtype=np.float32)
        for row, text in enumerate(texts):
            for letter in text.lower():
                if "a" <= letter <= "z":
                    found[row, ord(letter) - 97] += 1
        return found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1)


def test_another_encoder_fits_the_scorer_anew(
    set_up: Context, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    models_used = []
    run_once(set_up, now)
    for encoder in (None, Spelling("one"), Spelling("one again"), None):
        monkeypatch.setattr(scoring, "_encoder", lambda _, used=encoder: used)
        models_used.append(fitted(set_up))
    assert [ground.model.encoder for _, ground in models_used] == ["", "one", "one again", ""]
    assert fitted(set_up)[0] == models_used[-1][0] == models_used[0][0]
    monkeypatch.setattr(scoring, "_encoder", lambda _: Spelling("two"))
    run_once(set_up, now)
    assert rows(set_up)["ada@readers.example"]["delivery"] == "sent"


def test_a_scorer_of_another_release_is_fitted_anew(set_up: Context, now: datetime) -> None:
    run_once(set_up, now)
    with set_up.database.write() as session:
        session.exec(select(models.ScorerModel)).one().data = b"paperround-model-1"
    scoring._loaded.cache_clear()
    number, ground = fitted(set_up)
    assert ground.model.papers == 10
    assert fitted(set_up)[0] == number


def test_work_that_fails_every_time_ends_as_a_dead_letter(
    set_up: Context,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no ink")

    monkeypatch.setattr("tasks.round.rendering.render_digest", broken)
    moment = now
    for _ in range(ATTEMPTS_MOST + 1):
        run_once(at_later(set_up, moment), moment)
        moment += timedelta(hours=1)
    dead = rows(set_up)["ada@readers.example"]
    assert (dead["state"], dead["reason"]) == ("dead", "RuntimeError('no ink')")
    assert "no ink" in caplog.text


@pytest.fixture
def query_count(context: Context) -> Callable[[], int]:
    """How many statements ran since the last call."""
    from sqlalchemy import event

    seen: list[str] = []
    event.listen(context.database.engine, "before_cursor_execute", lambda *a: seen.append(a[2]))

    def count() -> int:
        number = len(seen)
        seen.clear()
        return number

    return count


def test_scoring_a_shard_takes_as_many_queries_for_many_readers_as_for_one(
    context: Context, folder: Path, now: datetime, query_count: Callable[[], int]
) -> None:
    from tasks.round.fetching import fetch
    from tasks.round.parsing import parse
    from tasks.round.scoring import score

    with context.database.write() as session:
        add_folder(session, folder, now)
        add_reader(session, now, "first@readers.example")
    fetch(context, 1, 9, now)
    parse(context, 1, 9, now)
    query_count()
    score(context, 1, 1, now)
    for_one = query_count()
    with context.database.write() as session:
        for n in range(30):
            add_reader(session, now, f"reader{n}@readers.example")
    query_count()
    score(context, 1, 1, now)
    assert query_count() <= for_one


def test_a_zone_that_this_machine_does_not_know_stops_nobody_else(
    set_up: Context, now: datetime
) -> None:
    with set_up.database.write() as session:
        row = session.exec(select(models.Reader)).first()
        assert row is not None
        row.timezone = "Mars/Olympus"
    run_once(set_up, now)
    assert set(rows(set_up)) == {"bo@readers.example", "cy@readers.example"}
    assert len(mails(set_up)) == 1


def test_a_profile_that_cannot_be_read_stops_nobody_else(set_up: Context, now: datetime) -> None:
    with set_up.database.write() as session:
        row = session.exec(select(models.ProfileVersion)).first()
        assert row is not None
        row.body = {"term": "x"}
    run_once(set_up, now)
    assert rows(set_up)["ada@readers.example"]["state"] == "empty"
    assert rows(set_up)["bo@readers.example"]["delivery"] == "sent"


def test_a_shard_that_cannot_be_scored_says_so_and_is_tried_again(
    set_up: Context, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no numbers")

    with monkeypatch.context() as patch:
        patch.setattr("tasks.round.scoring.reaching", broken)
        run_once(set_up, now)
    with set_up.database.read() as session:
        assert session.exec(select(models.Shard.error)).one() == "RuntimeError('no numbers')"
    later = now + timedelta(minutes=2)
    run_once(at_later(set_up, later), later)
    with set_up.database.read() as session:
        assert session.exec(select(models.Shard.error)).one() == ""


def test_the_papers_of_a_digest_that_never_went_out_come_in_the_next_one(
    set_up: Context, now: datetime
) -> None:
    def keep_the_door_shut(ring: Ring) -> None:
        if ring.step is Step.DELIVER:
            with set_up.database.write() as session:
                watch.beat(session, "transport", now + timedelta(hours=21))

    run_once(set_up, now, keep_the_door_shut)
    assert mails(set_up) == []
    tomorrow = now + timedelta(days=1)
    run_once(at_later(set_up, tomorrow), tomorrow)
    with set_up.database.read() as session:
        found = {(r["day"], r["reader"]): r for r in digests.rows(session)}
    assert found[date(2026, 11, 20), "ada@readers.example"]["delivery"] == "expired"
    assert len(found[date(2026, 11, 21), "ada@readers.example"]["picks"]) == 2
    assert len(mails(set_up)) == 2


ROUND = {step for step in Step if step is not Step.BACKLOG}


def test_a_reader_who_is_removed_in_mid_round_stops_nobody_else(
    set_up: Context, now: datetime
) -> None:
    seen: set[Step] = set()

    def remove_at_each_step(ring: Ring) -> None:
        if ring.step not in seen:
            seen.add(ring.step)
            gone = f"gone{len(seen) - 1}@readers.example"
            with set_up.database.write() as session:
                if any(reader.email == gone for reader in readers.active(session)):
                    readers.remove(session, gone)

    with set_up.database.write() as session:
        for number in range(len(ROUND)):
            add_reader(session, now, f"gone{number}@readers.example")
    run_once(set_up, now, remove_at_each_step)
    assert seen == ROUND
    assert {"ada@readers.example", "bo@readers.example"} <= set(rows(set_up))
    assert len(mails(set_up)) == 2


def test_a_number_that_comes_again_is_not_taken_for_a_mail_that_went_out(
    set_up: Context, now: datetime
) -> None:
    run_once(set_up, now)
    with set_up.database.write() as session:
        add_reader(session, now, "eve@readers.example")
    run_once(set_up, now)
    with set_up.database.write() as session:
        readers.remove(session, "eve@readers.example")
        add_reader(session, now, "fay@readers.example")
    run_once(set_up, now)
    assert rows(set_up)["fay@readers.example"]["key"] in mails(set_up)
    assert len(mails(set_up)) == 4


def test_a_round_for_a_named_day_plans_that_day_alone(set_up: Context, now: datetime) -> None:
    with set_up.database.write() as session:
        add_reader(session, now, "far@readers.example", timezone="Pacific/Auckland", hour=0)
        plan_day(session, now.date(), now)
    evening = now.replace(hour=23)
    run_once(set_up, evening, plans=False)
    with set_up.database.read() as session:
        assert {row["day"] for row in digests.rows(session)} == {now.date()}
