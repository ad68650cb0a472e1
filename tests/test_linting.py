"""The linter: each planted fault is found, alone; each mend does what was foretold, and ends the fault."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import invented
import pytest
import weeks
from papers import add_reader, bring, entry, page
from sqlmodel import col, func, select, update

from tasks import models
from tasks.desk import interests, teaching, versions
from tasks.desk.tuning import effect_words
from tasks.desk.tuning.advice import advice_words, mending, spelling
from tasks.desk.tuning.advice.evidence import ITEMS_MOST, gather
from tasks.desk.tuning.advice.item_faults import FEW, MANY
from tasks.desk.tuning.advice.linting import lint, remarks
from tasks.desk.tuning.advice.mending import Mend, MendKind, effect
from tasks.desk.tuning.advice.remarks import Kind, Remark
from tasks.desk.tuning.advice.removing import without
from tasks.desk.tuning.advice.spelling import one_slip_off
from tasks.desk.tuning.machine import Side
from tasks.desk.tuning.past import look_back
from tasks.errors import UnknownName, UsageError
from tasks.records import Profile, Reader, Want
from tasks.round.context import Context
from tasks.round.days import days
from tasks.round.stretch import stretch
from tasks.settings import Settings
from tasks.store import profiles, readers
from tasks.store.database import Database
from tasks.store.profiles import Saved

Body = Mapping[str, Any]
SOUND = {"terms": ["sparse attention"]}


@dataclass(frozen=True)
class Planted:
    """A body with one fault; papers about `likes` were liked, and `other` is a second profile."""

    kind: Kind
    body: Body
    item: str = ""
    likes: str = ""
    other: Body | None = None


def with_terms(*terms: str, **more: Any) -> dict[str, Any]:
    return {"terms": [*SOUND["terms"], *terms], **more}


FILM = {"title": "A film of its own", "abstract": "Frames that move.", "id": "film"}
PLANTED = {
    "a term that never matches": Planted(Kind.NEVER, with_terms("zebra"), "zebra"),
    "a misspelled term": Planted(Kind.MISSPELLED, with_terms("video difusion"), "video difusion"),
    "a missing space": Planted(Kind.MISSPELLED, with_terms("videodiffusion"), "videodiffusion"),
    "a phrase that never matches": Planted(
        Kind.NEVER, with_terms(phrases=["video diffusion eviction"]), "video diffusion eviction"
    ),
    "a sentence for a term": Planted(
        Kind.TOO_LONG,
        with_terms("keys that a video diffusion needs"),
        "keys that a video diffusion needs",
    ),
    "a term without a word": Planted(Kind.WORDLESS, with_terms("???"), "???"),
    "a term that matches everything": Planted(Kind.TOO_MUCH, with_terms("the"), "the"),
    "a category of everything": Planted(Kind.TOO_MUCH, with_terms(categories=["cs.LG"]), "cs.LG"),
    "a category with its letters turned": Planted(
        Kind.MISSPELLED, with_terms(categories=["cs.VC"]), "cs.VC"
    ),
    "a category that never comes": Planted(
        Kind.NEVER, with_terms(categories=["q-bio.NC"]), "q-bio.NC"
    ),
    "a misspelled author": Planted(
        Kind.MISSPELLED, with_terms(authors=["Mirjam Mokwenna"]), "Mirjam Mokwenna"
    ),
    "a bare surname": Planted(Kind.NAMESAKES, with_terms(authors=["Seebohm"]), "Seebohm"),
    "a negative that never matches": Planted(Kind.NEVER, with_terms(negatives=["zebra"]), "zebra"),
    "the same term twice": Planted(
        Kind.TWICE, with_terms("Sparse Attentions"), "Sparse Attentions"
    ),
    "a term that is a phrase too": Planted(
        Kind.TWO_PLACES, with_terms(phrases=["sparse-attention"]), "sparse-attention"
    ),
    "less of what is never wanted": Planted(
        Kind.TWO_PLACES, with_terms(negatives=["speech"], less=["Speech"]), "Speech"
    ),
    "a term that another covers": Planted(
        Kind.COVERED,
        {"terms": ["window attention", "sliding window attention"]},
        "sliding window attention",
    ),
    "a negative within a term": Planted(
        Kind.CONTRADICTS, with_terms(negatives=["attention"]), "attention"
    ),
    "less of a term": Planted(
        Kind.CONTRADICTS, with_terms("quantization", less=["Quantization"]), "Quantization"
    ),
    "an author followed and barred": Planted(
        Kind.CONTRADICTS,
        with_terms(authors=["Lin Seebohm"], negatives=["L. Seebohm"]),
        "L. Seebohm",
    ),
    "a negative that bars an example": Planted(
        Kind.BARS_LIKED, with_terms(negatives=["film"], examples=[FILM]), "film"
    ),
    "a negative that bars liked papers": Planted(
        Kind.BARS_LIKED, with_terms("quantization", negatives=["phones"]), "phones", likes="phones"
    ),
    "a negative that bars most": Planted(
        Kind.BARS_MOST, with_terms("long context", negatives=["decoding"]), "decoding"
    ),
    "a paper liked and disliked": Planted(
        Kind.BOTH, with_terms(examples=[FILM], dislikes=[FILM]), FILM["title"]
    ),
    "a drift": Planted(Kind.DRIFT, SOUND, likes="speech"),
    "twins": Planted(Kind.TWINS, SOUND, other={"terms": ["sparse attentions"]}),
    "a shadowed profile": Planted(
        Kind.SHADOWED,
        {"terms": ["token eviction"]},
        other={
            "terms": ["token eviction", "sparse attention", "sliding window attention"],
            "share": 4,
        },
    ),
    "nothing at all": Planted(Kind.NOTHING, {"negatives": ["speech"]}),
    "everything weighs nothing": Planted(
        Kind.SWITCHED_OFF, SOUND | {"weights": {"Sparse attention": 0}}
    ),
    "a description of one word": Planted(
        Kind.ONE_WORD, {"description": "Quantization"}, "Quantization"
    ),
}


@pytest.fixture(scope="module")
def house(migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Context]:
    """Six weeks of papers, which all tests share: each has a reader of its own."""
    opened = weeks.opened(migrated_file, tmp_path_factory.mktemp("weeks"))
    yield opened
    opened.close()


@dataclass(frozen=True)
class Desk:
    """One reader's desk: their profile ``main`` and what they do with it."""

    context: Context
    reader: Reader

    @property
    def main(self) -> Saved:
        """The profile, as it is saved."""
        return interests.find(self.context, self.reader.id, "main")

    def save(self, body: Body) -> None:
        key = self.reader.id
        interests.save(self.context, key, "main", dict(body), expected=self.main.version)

    def add(self, name: str, body: Body) -> None:
        interests.save(self.context, self.reader.id, name, dict(body), expected=None)

    def plant(self, planted: Planted) -> None:
        self.save(planted.body)
        if planted.other:
            self.add("other", planted.other)
        if planted.likes:
            self.say(planted.likes, 8)

    def say(self, about: str, number: int, want: Want = Want.MORE) -> list[int]:
        """That is said of the newest papers with these words in their titles or abstracts."""
        keys = weeks.newest(self.context, about, number)
        for key in keys:
            teaching.give(self.context, self.reader.id, key, want)
        return keys

    def lint(self, body: Body | None = None) -> tuple[Remark, ...]:
        main = self.main
        return lint(self.context, self.reader, main.id, main.body if body is None else body)

    def picks(self) -> list[list[int | str]]:
        """What the profiles as they are saved bring, day by day."""
        with self.context.database.read() as session:
            asked = profiles.of_reader(session, self.reader.id)
        made = look_back(self.context, self.reader, 30).replayed(self.reader, asked)
        return [[pick.paper.id for pick in one.choice.composition.picks] for one in made]

    def take(self, mend: Mend) -> None:
        if mend.body is not None:
            self.save(mend.body)
            return
        gone = interests.find(self.context, self.reader.id, mend.profile or 0)
        interests.remove(self.context, self.reader.id, gone.name)

    def put_back(self, mend: Mend, body: Body) -> None:
        if mend.profile:
            versions.bring_back(self.context, self.reader.id, mend.profile)
        else:
            self.save(body)


@pytest.fixture
def desk(house: Context) -> Desk:
    with house.database.write() as session:
        email = f"reader{session.exec(select(func.count(models.Reader.id))).one()}@readers.example"
        key = add_reader(session, weeks.NOW, email, about=4, most=6)
        return Desk(house, readers.get(session, key))


def brought(side: Side) -> list[list[int | str]]:
    return [[pick.paper.id for pick in turn.picks] for turn in side.turns]


# --- faults --------------------------------------------------------------------------------------
@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_fault_is_found_alone_and_each_mend_does_what_was_foretold(
    desk: Desk, name: str
) -> None:
    planted = PLANTED[name]
    desk.plant(planted)
    (remark,) = desk.lint()
    assert (remark.kind, remark.item) == (planted.kind, planted.item)
    assert len(remark.papers) <= 3
    assert planted.item in advice_words.remark(remark)
    assert all(map(advice_words.mend, remark.mends))
    assert bool(remark.mends) is (planted.kind is not Kind.NOTHING)
    main, before = desk.main, desk.picks()
    for mend in remark.mends:
        foretold = effect(desk.context, desk.reader, main.id, main.body, mend)
        assert foretold.before is not None
        assert brought(foretold.before) == before
        desk.take(mend)
        assert brought(foretold.after) == desk.picks()
        if mend.profile != main.id:
            assert desk.lint() == (), "the fault is over, and no other has come"
        desk.put_back(mend, main.body)


# --- silence -------------------------------------------------------------------------------------
def test_a_sound_profile_has_nothing_wrong(desk: Desk) -> None:
    desk.say("attention", 8)
    sound = {
        "terms": ["sparse attention", "token eviction"],
        "phrases": ["long context"],
        "authors": ["Lin Seebohm", "Nobody Known"],
        "categories": ["cs.CL"],
        "negatives": ["speech"],
        "less": ["video"],
        "description": "Attention over a long context.",
    }
    assert desk.lint(sound) == ()


def test_what_was_wished_for_less_is_no_drift(desk: Desk) -> None:
    desk.say("attention", 8)
    assert desk.lint(with_terms(less=["decoding"])) == ()


def test_a_new_store_is_told_of_nothing_that_never_comes(context: Context, now: datetime) -> None:
    with context.database.write() as session:
        key = add_reader(session, now)
        bring(session, page(*(entry(n) for n in range(1, 100))), now - timedelta(hours=1))
        ada = readers.get(session, key)
    body = with_terms("zebra", "sparse atention", "the", categories=["q-bio.NC"])
    assert lint(context, ada, None, body | {"authors": ["Secomd"]}) == ()


def test_of_a_store_of_some_hundreds_only_slips_are_told(house: Context, desk: Desk) -> None:
    evidence = gather(house, desk.reader, desk.main.id, with_terms("zebra", "video difusion"))
    lately = days(house.database, evidence.ground, weeks.LAST - timedelta(days=13), weeks.LAST)
    some = replace(evidence, papers=stretch(evidence.ground, tuple(lately)))
    assert FEW < some.count < MANY
    assert [one.item for one in remarks(some)] == ["video difusion"]


def test_an_edit_is_judged_and_not_what_is_saved(desk: Desk) -> None:
    desk.save(with_terms("zebra"))
    assert desk.lint(SOUND) == ()
    new = lint(desk.context, desk.reader, None, with_terms("unicorn"))
    assert {one.kind for one in new} == {Kind.NEVER, Kind.TWINS}
    (twins,) = (one for one in new if one.kind is Kind.TWINS)
    assert [mend.text for mend in twins.mends] == ["main"], "what is not saved cannot be removed"


def test_what_cannot_be_read_or_found_is_said(desk: Desk) -> None:
    with pytest.raises(UsageError, match="no colour"):
        desk.lint({"colour": "red"})
    with pytest.raises(UnknownName, match="no profile 99999"):
        lint(desk.context, desk.reader, 99999, SOUND)
    with pytest.raises(UnknownName, match="no profile 99999"):
        without(desk.context, desk.reader, 99999)
    with pytest.raises(UsageError, match="only profile"):
        without(desk.context, desk.reader, desk.main.id)


def test_markup_and_thousands_of_terms_are_words_like_any(desk: Desk) -> None:
    terms = [f"<b>term{n}</b>" for n in range(2000)]
    found = desk.lint({"terms": terms, "description": "<script>alert(1)</script>"})
    assert len(found) <= ITEMS_MOST
    assert {one.kind for one in found} == {Kind.NEVER}
    assert "<b>term0</b>" in advice_words.remark(found[0]), "as it was typed: pages escape it"


# --- mends ---------------------------------------------------------------------------------------
def test_what_a_removed_profile_learned_goes_to_the_first_one(desk: Desk) -> None:
    desk.save({"terms": ["attention"]})
    desk.add("other", {"terms": ["speech"]})
    desk.add("third", {"terms": ["video"]})
    main, other, _ = interests.list_profiles(desk.context, desk.reader.id)
    for about, want in (("quantization", Want.SAVE), ("agents", Want.MORE), ("codec", Want.LESS)):
        keys = desk.say(about, 4, want)
        taught(desk, keys[::2], other.id)
    for gone in (other, main):
        foretold = without(desk.context, desk.reader, gone.id)
        assert foretold.before is not None
        assert brought(foretold.before) == desk.picks()
        assert foretold.after.turns[-1].own == 0
        interests.remove(desk.context, desk.reader.id, gone.name)
        assert brought(foretold.after) == desk.picks()
        versions.bring_back(desk.context, desk.reader.id, gone.id)


def taught(desk: Desk, keys: Sequence[int], profile_id: int) -> None:
    """That profile learned from these answers."""
    row = models.Feedback
    mine = (col(row.reader_id) == desk.reader.id, col(row.entry_id).in_(keys))
    with desk.context.database.write() as session:
        session.execute(update(row).where(*mine).values(profile_id=profile_id))


def test_a_drift_is_mended_by_the_words_of_what_is_liked(desk: Desk) -> None:
    desk.say("speech", 8)
    (drift,) = desk.lint()
    (mend,) = drift.mends
    assert mend.kind is MendKind.ADD
    assert mend.body is not None
    assert mend.body["terms"][0] == "sparse attention"
    found = effect(desk.context, desk.reader, desk.main.id, desk.main.body, mend)
    assert "that you liked" in advice_words.effect(found)


def test_a_mend_keeps_the_weights_of_what_stays() -> None:
    typed = Profile(
        id=1,
        terms=("video difusion", "speech"),
        phrases=("speech",),
        weights={"Video Difusion": 2, "SPEECH": 3},
    )
    spelled = mending.replaced(typed, "terms", "video difusion", ["video diffusion"])
    assert spelled.body is not None
    assert spelled.body["terms"] == ["video diffusion", "speech"]
    assert spelled.body["weights"] == {"video diffusion": 2, "SPEECH": 3}
    gone = mending.removed(typed, "terms", "speech")
    assert gone is not None
    assert gone.body is not None
    assert gone.body["weights"] == typed.weights, "the phrase still has it"
    assert gone.key != spelled.key


def test_nothing_is_removed_that_is_all_there_is(desk: Desk) -> None:
    (remark,) = desk.lint({"terms": ["zebra"]})
    assert remark.mends == ()


def test_a_long_wish_is_shortened_to_its_strongest_pair(desk: Desk) -> None:
    (remark,) = desk.lint(with_terms("the keys that a video diffusion model needs"))
    assert remark.mends[0].to == ("video diffusion",)
    (remark,) = desk.lint(with_terms(phrases=["eviction of video diffusion"]))
    assert [mend.kind for mend in remark.mends] == ["term", "shorten", "remove"]


def test_of_a_negative_that_is_everywhere_less_is_asked_in_little(desk: Desk) -> None:
    remark = desk.lint(with_terms(negatives=["the"]))[0]
    assert remark.kind is Kind.BARS_MOST
    assert remark.mends[0].body is not None
    assert remark.mends[0].body["weights"] == {"the": mending.QUARTER}


# --- names and spelling --------------------------------------------------------------------------
def test_one_slip_is_a_letter_or_two_that_changed_places() -> None:
    near = one_slip_off("abcde")
    assert {"abcd", "bacde", "xbcde", "abxcde", "ab cde", "abcdef"} <= near
    assert near.isdisjoint({"abcde", "abc", "xbcdx"})


def test_a_name_with_its_first_letter_alone_may_be_many(desk: Desk) -> None:
    (remark,) = desk.lint(with_terms(authors=["A. Seebohm"]))[:1] or (None,)
    assert remark is None or remark.kind is Kind.NAMESAKES
    (bare,) = desk.lint(with_terms(authors=["Seebohm"]))
    assert bare.hits == len(invented.GIVEN)
    assert [mend.kind for mend in bare.mends] == ["name", "name", "name", "remove"]


@pytest.mark.parametrize(("filed", "told"), [(0, True), (FEW - 1, False)])
def test_a_category_never_comes_where_no_paper_names_any(
    sqlite_url: str, settings: Settings, now: datetime, *, filed: int, told: bool
) -> None:
    context = Context(settings=settings, database=Database(sqlite_url), clock=lambda: now)
    some = [entry(n, categories=("cs.XX",) * (n < filed)) for n in range(FEW + 10)]
    with context.database.write() as session:
        ada = readers.get(session, add_reader(session, now))
        bring(session, page(*some), now - timedelta(hours=1))
    found = lint(context, ada, 1, with_terms(categories=["q-bio.NC"]))
    assert [one.kind for one in found] == [Kind.NEVER] * told
    context.close()


def test_the_nearest_category_has_the_same_letters(house: Context, desk: Desk) -> None:
    papers = gather(house, desk.reader, desk.main.id, SOUND).papers.papers
    assert spelling.nearest_categories(papers, "CS.VC")[0] == "cs.CV"
    assert spelling.nearest_categories(papers, "q-bio.NC") == []


# --- sentences -----------------------------------------------------------------------------------
def test_what_is_said_names_the_thing_and_the_way_out(desk: Desk) -> None:
    (remark,) = desk.lint(with_terms("video difusion"))
    assert advice_words.remark(remark) == (
        "The term “video difusion” stands in none of 1,176 papers, but “video diffusion” does."
    )
    assert [advice_words.mend(mend) for mend in remark.mends] == [
        "Write “video diffusion”",
        "Remove “video difusion”",
    ]
    found = effect(desk.context, desk.reader, None, SOUND, remark.mends[0])
    assert advice_words.effect(found).startswith(effect_words.verdict(found))
